"""When to try the broker again: full-jitter back-off, alarms hurry it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_MS = 500
CEILING_MS = 60_000
STEADY_MS = 30_000  # a connection that held this long starts the count anew


class Backoff:
    """Time to the next try: random between half and whole of a bound that doubles to 60 s.

    Jitter keeps 7,500 gateways from returning in one instant after an outage (F22). `random16` gives 0..65535.
    """

    def __init__(
        self, random16: "Callable[[], int]", first_ms: int = FIRST_MS, ceiling_ms: int = CEILING_MS
    ) -> None:
        self.random16 = random16
        self.first_ms = first_ms
        self.ceiling_ms = ceiling_ms
        self.bound_ms = first_ms

    def next_ms(self) -> int:
        """How long to wait before the next try."""
        bound = self.bound_ms
        self.bound_ms = min(self.ceiling_ms, bound * 2)
        return bound // 2 + (bound - bound // 2) * self.random16() // 65536

    def held(self, duration_ms: int) -> None:
        """A connection ended after `duration_ms`; a steady one clears the count."""
        if duration_ms >= STEADY_MS:
            self.bound_ms = self.first_ms
