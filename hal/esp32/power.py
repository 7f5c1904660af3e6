"""What a board lives on: a pin that tells whether there is mains, a converter that reads the battery. Portable."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOOKS = 3  # a level counts when it was read so often in a row: a relay bounces, a motor in the next room dips


class BoardPower:
    """`Power`. `mains_pin` reads 1 while there is mains; `battery` is a `machine.ADC` behind a divider.

    divider: how much of the battery's voltage the converter sees, (numerator, denominator) of what to multiply with.
    """

    def __init__(
        self, mains_pin: "Any" = None, battery: "Any" = None, divider: "tuple[int, int]" = (2, 1)
    ) -> None:
        self._mains_pin = mains_pin
        self._battery = battery
        self._divider = divider
        self._mains: "bool | None" = None
        self._seen: "bool | None" = None
        self._count = 0

    def mains(self) -> "bool | None":
        """Whether there is mains, as it was read `LOOKS` times in a row; None where nothing tells, or not yet."""
        if self._mains_pin is None:
            return None
        try:
            level = bool(self._mains_pin.value())
        except OSError:
            return self._mains
        self._count = self._count + 1 if level == self._seen else 1
        self._seen = level
        if self._count >= LOOKS:
            self._mains = level
        return self._mains

    def battery_mv(self) -> "int | None":
        """Millivolts of the battery; None where there is none, or it cannot be read."""
        if self._battery is None:
            return None
        try:
            seen_uv = self._battery.read_uv()
        except OSError:
            return None
        return int(seen_uv * self._divider[0] // (self._divider[1] * 1000))
