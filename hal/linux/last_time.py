"""The last time of day that was believed, kept across starts: a machine without a clock of its own wakes up in the past.

It moves forwards only. Before it no time is believed, and the machine's clock can be brought up to it before the hub
starts, so that certificates are valid and the broker can be reached, where the time then comes from.
"""

import time
from collections.abc import Callable
from pathlib import Path

from hal.linux import private_file

NAME = "last-time"
NOTE_MS = 3_600_000  # written no more often: a write wears the card
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
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0

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
    ) -> bool:
        """Bring the machine's clock up to the time that is kept, where it is behind; whether it was.

        Raises:
            PermissionError: only root may.
        """
        if wall_ns() >= self.utc_ms * NS_PER_MS:
            return False
        set_ns(self.utc_ms * NS_PER_MS)
        return True
