"""Battery Level (0x2A19 of service 0x180F): one byte, percent.

101 to 255 are reserved (BAS 1.1, 3.1). A device that sends one has said nothing about its battery, so the value is
refused as malformed and not published as an implausible level.
"""

from gateway.core.errors import DecodeError
from gateway.core.model import Observation, require_bytes

UUID = "2a19"
STEP_PCT = 5
LOW_PCT, RESTORED_PCT = 15, 20
FULL_PCT = 100


def decode_battery_level(value: bytes) -> int:
    """Percent, 0 to 100. Bytes after the first are not read.

    Raises:
        DecodeError: empty, or a reserved value.
    """
    require_bytes(value, 0, 1, "battery level")
    if value[0] > FULL_PCT:
        raise DecodeError("battery level " + str(value[0]) + " is reserved, expected 0 to 100", 0)
    return value[0]


class BatteryWatch:
    """News of one battery: its level in steps of 5, low at 15 or by the device's own flag, restored at 20.

    `level_pct` is the level last told, `low` 1 or 0, each None while nothing is known.
    """

    __slots__ = ("flag", "heard_pct", "level_pct", "low")

    def __init__(self, level_pct: "int | None" = None, low: "int | None" = None) -> None:
        self.level_pct = level_pct
        self.low = low
        self.heard_pct = level_pct
        self.flag: "bool | None" = None

    def observe(self, level_pct: "int | None", flag: "bool | None" = None) -> "list[Observation]":
        """What is new of a level, of a flag that says low, or of both; a battery that is well is no news at first."""
        found: "list[Observation]" = []
        if level_pct is not None:
            self.heard_pct = level_pct if level_pct <= FULL_PCT else None
            if self.level_pct is None or abs(level_pct - self.level_pct) >= STEP_PCT:
                self.level_pct = level_pct
                values: "dict[str, object]" = {"battery_pct": level_pct}
                if level_pct > FULL_PCT:
                    values["implausible"] = "battery_pct"
                found.append(Observation("battery.measured", values))
        if flag is not None:
            self.flag = flag
        low = self.judge()
        if low is not None and low != self.low:
            before = self.low
            self.low = low
            if low or before:
                found.append(self.turned(low))
        return found

    def judge(self) -> "int | None":
        """1 low, 0 not low, None in between or unknown."""
        level_pct = self.heard_pct
        if self.flag or (level_pct is not None and level_pct <= LOW_PCT):
            return 1
        if level_pct is None:
            return None if self.flag is None else 0
        return 0 if level_pct >= RESTORED_PCT else None

    def turned(self, low: int) -> Observation:
        """`battery.low` or `battery.restored`, with what the device said."""
        values: "dict[str, object]" = {}
        if self.heard_pct is not None:
            values["battery_pct"] = self.heard_pct
        if self.flag is not None:
            values["battery_low"] = self.flag
        return Observation("battery.low" if low else "battery.restored", values)
