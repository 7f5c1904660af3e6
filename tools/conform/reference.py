"""The reference dispenser, right or wrong in one thing, with a day of a home in its log."""

from collections.abc import Callable

from tools.simulators.dispenser import DispenserDevice, Dose
from tools.simulators.wrong_dispensers import WRONG

RIGHT = "reference"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BEAT_S = 2
STEP_MS = 600_000
REMAINING = 20


def kind_of(name: str) -> type[DispenserDevice]:
    """The device of that name: `reference`, or one of `WRONG`."""
    return DispenserDevice if name == RIGHT else WRONG[name][0]


def lived(
    name: str, medium: dict[str, object], random: Callable[[int], bytes], now_ms: int, utc_ms: int
) -> DispenserDevice:
    """The device at the end of a day in which everything happened once; `now_ms` and `utc_ms` are that end."""
    began_ms = now_ms - DAY_MS
    device = kind_of(name)(medium, random, began_ms, utc_ms - DAY_MS, beat_s=BEAT_S)
    device.refill(REMAINING, began_ms)
    plan = [dose_at(dose_id, utc_ms - DAY_MS + 3 * dose_id * HOUR_MS) for dose_id in range(1, 7)]
    tomorrow = dose_at(8, utc_ms + 12 * HOUR_MS)
    device.set_plan([*plan, tomorrow], began_ms)
    acts = day(device, [*plan[:5], tomorrow])
    for at_ms in range(began_ms, now_ms, STEP_MS):
        device.due(at_ms)
        act = acts.pop((at_ms - began_ms) // STEP_MS, None)
        if act is not None:
            act(at_ms)
    device.due(now_ms)
    return device


def dose_at(dose_id: int, utc_ms: int) -> Dose:
    """A dose with an hour to collect it in."""
    return Dose(dose_id, utc_ms, utc_ms + HOUR_MS)


def day(device: DispenserDevice, plan: list[Dose]) -> dict[int, Callable[[int], object]]:
    """What happens, by ten minutes of the day. Dose 3 is missed, the sixth is taken out of the plan."""
    return {
        1: lambda at: device.turn("lid", True, at),
        2: lambda at: device.turn("lid", False, at),
        20: lambda at: device.collect("resident", at),
        22: lambda at: device.turn("mains", True, at, cause="no_mains"),
        24: lambda at: device.turn("mains", False, at),
        30: lambda at: device.turn("battery", True, at, cause="battery_low", battery_pct=12),
        32: lambda at: device.turn("battery", False, at, battery_pct=80),
        39: lambda at: device.collect("carer", at),
        60: device.jam,
        64: device.release,
        66: lambda at: device.turn("tamper", True, at, cause="misplaced"),
        67: lambda at: device.turn("tamper", False, at),
        68: lambda at: device.collect("resident", at, dose_id=4),
        80: lambda at: device.collect("travel", at, dose_id=5),
        81: lambda at: device.set_plan(plan, at),
    }
