"""The chip's watchdog: once started it cannot be stopped, so it is made last, when everything else runs."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PERIOD_MS = 60_000  # a TLS handshake on a classic ESP32 blocks for seconds, name look-up for up to 30


class BoardWatchdog:
    """`Watchdog`; `make` is `machine.WDT`. The first feeding starts it."""

    def __init__(self, make: "Callable[..., Any]", period_ms: int = PERIOD_MS) -> None:
        self._make = make
        self._period_ms = period_ms
        self._native: "Any" = None

    def feed(self) -> None:
        if self._native is None:
            self._native = self._make(timeout=self._period_ms)
        self._native.feed()
