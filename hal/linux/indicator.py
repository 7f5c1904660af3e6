"""What the gateway shows: a lamp of the kernel's where one is configured, and always a file that others can read."""

import os
from contextlib import suppress
from pathlib import Path

# state: (trigger of the kernel's LED class, delay on ms, delay off ms); quiet by default (D10)
PATTERNS = {
    "ok": ("none", 0, 0),
    "starting": ("timer", 500, 500),
    "offline": ("default-on", 0, 0),
    "fault": ("timer", 200, 1800),
    "pairing": ("timer", 100, 100),
    "identify": ("timer", 50, 150),
    "storage_full": ("timer", 1000, 200),
    "stopped": ("timer", 50, 4950),
    "quiet": ("none", 0, 0),
    "heard": ("timer", 1000, 1000),
    "delivered": ("heartbeat", 0, 0),
}


class StateFileIndicator:
    """`path` holds the state as one word; `led` is a folder of /sys/class/leds, or None."""

    def __init__(self, path: Path, led: Path | None = None) -> None:
        self._path = path
        self._led = led
        self._shown = ""

    def show(self, state: str) -> None:
        """A lamp or disk that fails is no reason to stop: whoever looks sees the older state."""
        if state == self._shown:
            return
        self._shown = state
        with suppress(OSError):
            self._write(state)
        if self._led is not None:
            with suppress(OSError):
                self._light(self._led, *PATTERNS.get(state, PATTERNS["fault"]))

    def _write(self, state: str) -> None:
        """Whole or not at all for who reads; not synced, for after a power cut it shows nothing that counts."""
        temporary = self._path.with_name(self._path.name + ".new")
        temporary.write_text(state + "\n", encoding="ascii")
        os.replace(temporary, self._path)

    @staticmethod
    def _light(led: Path, trigger: str, on_ms: int, off_ms: int) -> None:
        (led / "trigger").write_text(trigger)
        if trigger == "timer":  # its delays appear with the trigger
            (led / "delay_on").write_text(str(on_ms))
            (led / "delay_off").write_text(str(off_ms))
