"""`machine.Pin` and `machine.ADC` of a simulated board, and the hand or the current at their other end."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class SimPin:
    """A pin. As an output `shown` has every level it was set to, with the time; as an input `put` moves it.

    failing: the driver raises.
    """

    def __init__(self, level: int = 1, now_ms: "Callable[[], int] | None" = None) -> None:
        self.level = level
        self.failing = False
        self.shown: "list[tuple[int, int]]" = []
        self._now_ms = now_ms
        self._handler: "Callable[[Any], None] | None" = None

    def value(self, level: "int | None" = None) -> int:
        if self.failing:
            raise OSError(19)
        if level is not None:
            self.level = level
            self.shown.append((self._now_ms() if self._now_ms is not None else 0, level))
        return self.level

    def irq(self, handler: "Callable[[Any], None]", trigger: int = 0) -> None:
        self._handler = handler

    def put(self, level: int) -> None:
        """Other end: the level is another one now."""
        self.level = level
        if self._handler is not None:
            self._handler(self)


class SimAdc:
    """A converter that reads what is put on it, in microvolts."""

    def __init__(self, microvolts: int) -> None:
        self.microvolts = microvolts
        self.failing = False

    def read_uv(self) -> int:
        if self.failing:
            raise OSError(5)
        return self.microvolts
