"""A watchdog in the simulation: says whether it would have reset the machine."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.interfaces import Clock


class SimWatchdog:
    """Bites when it is not fed for `period_ms`; the first period begins with it."""

    def __init__(self, clock: "Clock", period_ms: int = 30_000) -> None:
        self._clock = clock
        self.period_ms = period_ms
        self.fed = 0
        self._fed_ms = clock.uptime_ms()

    def feed(self) -> None:
        self.fed += 1
        self._fed_ms = self._clock.uptime_ms()

    @property
    def bites(self) -> bool:
        """Back door: whether the machine would have been reset by now."""
        return self._clock.uptime_ms() - self._fed_ms >= self.period_ms
