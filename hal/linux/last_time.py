"""The last time of day that was believed, kept across starts: a machine without a clock of its own wakes up in the past.

It moves forwards only. Before it no time is believed, and the machine's clock can be brought up to it before the hub
starts, so that certificates are valid and the broker can be reached, where the time then comes from.
"""

import time
from collections.abc import Callable
from pathlib import Path

from hal.linux import private_file
from hal.linux.clock import synchronised

NAME = "last-time"
NOTE_MS = 3_600_000  # written no more often: a write wears the card
NONSENSE_UTC_MS = 7_258_118_400_000  # the year 2200: no clock said so
NS_PER_MS = 1_000_000


def set_wall_ns(wall_ns: int) -> None:
    """Set the machine's time of day. Raises PermissionError."""
    time.clock_settime_ns(time.CLOCK_REALTIME, wall_ns)


class LastTime:
    """The file `last-time` in the folder of the gateway's data: one whole number, milliseconds since 1970 UTC."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.utc_ms = self._read()

    def _read(self) -> int:
        """0 where there is none, or nothing that makes sense."""
        try:
            text = (private_file.read_text(self.path) or "").strip()
        except (OSError, UnicodeDecodeError):
            return 0
        utc_ms = int(text) if text.isascii() and text.isdigit() else 0
        return utc_ms if utc_ms < NONSENSE_UTC_MS else 0

    def note(self, utc_ms: int) -> bool:
        """Keep a believed time, where it is an hour after the one that is kept; whether it was written.

        Raises:
            OSError: it could not be written; the one before is still there.
        """
        if utc_ms - self.utc_ms < NOTE_MS:
            return False
        private_file.replace_text(self.path, f"{utc_ms}\n")
        self.utc_ms = utc_ms
        return True

    def restore(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        set_ns: Callable[[int], None] = set_wall_ns,
        is_synchronised: Callable[[], bool] = synchronised,
    ) -> bool:
        """Bring the machine's clock up to the time that is kept, where it is behind; whether it was.

        A clock that something keeps is left alone: then what was kept here is what is wrong.

        Raises:
            PermissionError: only root may.
        """
        if wall_ns() >= self.utc_ms * NS_PER_MS or is_synchronised():
            return False
        set_ns(self.utc_ms * NS_PER_MS)
        return True
