"""Time of day that lies: nothing is lost or out of order for it, and a night is a night for every minute of ten years.

    python -m tools.rig.clocks --events 100000 --seed 1
    python -m tools.rig.clocks --minutes

Lives as those of `tools.rig.schedules`, in which the gateway's clock jumps all the while: 20 years, days and hours, forward
and back, over the changes to and from summer time, and to no time at all. Minutes are judged by the IANA data of this machine.
"""

import datetime as dt
import random
import sys
import zoneinfo
from collections.abc import Callable, Iterable

from gateway.core.rules.night_window import NightWindow
from tools.evidence import merge
from tools.evidence.figure import Figure, Outcome
from tools.rig.command import parser_of, say
from tools.rig.long_life import MODULES, first_of
from tools.rig.schedules import outcome

EVENTS = 3_000  # of one life
CONTROL_EVENTS = 12_000
ZONE = "Europe/Oslo"
FROM, TO = 22 * 60, 6 * 60
MINUTE_MS = 60_000
BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2036, 1, 1, tzinfo=dt.UTC)
MINUTES = int((END - BEGIN).total_seconds()) // 60
SHOWN = 5


def jumps(trials: int, first: int) -> Outcome:
    """Lives in which the hub believes whatever the clock says, and as many in which the product's own clock judges it."""
    half = -(-trials // 2)
    believed, judged = (outcome(half, first, EVENTS, kind) for kind in ("clocks", "judged"))
    return merge.add(believed, judged)


def by_time_of_day(first: int) -> Outcome:
    """Hubs that rely on the time of day."""
    return both(*(outcome(CONTROL_EVENTS, first, EVENTS, kind) for kind in ("expiry", "dated")))


def both(expiring: Outcome, dated: Outcome) -> Outcome:
    """One hub must lose and the other one invert: where either is not found out, nothing counts as found."""
    lost, inverted = int(expiring.reached["lost"]), int(dated.reached["inverted"])
    found = lost + inverted if lost and inverted else 0
    failures = (*expiring.failures, *dated.failures)
    return Outcome(expiring.trials + dated.trials, found, {"lost": lost, "inverted": inverted}, failures)


def night_of(zone: str) -> Callable[[int], bool]:
    """Whether the window of the rule holds at an instant."""
    return NightWindow(1, bytes(8), FROM, TO, zone).inside


def minutes_of(trials: int, seed: int) -> Iterable[int]:
    """Minutes since `BEGIN`: all of them, or the nights of all changes of the clock and as many others as are asked for."""
    if trials >= MINUTES:
        return range(MINUTES)
    numbers = random.Random(seed)
    return (numbers.randrange(MINUTES) for _ in range(trials))


def nights(trials: int, seed: int, zone: str = ZONE) -> Outcome:
    """Hold each minute against the IANA data."""
    inside = night_of(zone)
    iana = zoneinfo.ZoneInfo(ZONE)
    begin_ms = int(BEGIN.timestamp()) * 1000
    minute = dt.timedelta(minutes=1)
    wrong, done, night = [], 0, 0
    for number in minutes_of(trials, seed):
        local = (BEGIN + number * minute).astimezone(iana)
        is_night = local.hour >= 22 or local.hour < 6
        done += 1
        night += is_night
        if inside(begin_ms + number * MINUTE_MS) != is_night:
            wrong.append(f"{local.isoformat()} is {'night' if is_night else 'day'}")
    return Outcome(done, len(wrong), {"minutes of night": night}, tuple(wrong[:SHOWN]))


FIGURES = (
    Figure(
        id="F11a",
        title="Clocks that jump by years, lie, or are not there",
        trial="event",
        asked="0 lost, 0 out of order",
        release=1_000_000,
        share=6_000,
        modules=(*MODULES, "tools/rig/clocks.py", "tools/rig/schedules.py"),
        run=lambda trials, seed: jumps(trials, first_of(seed)),
        control=lambda seed: by_time_of_day(first_of(seed)),
        unsafe="hubs that let events expire by the time of day, or journal them again in its order",
        conditions="simulated: as F6, the gateway's clock jumping in a fourth of all phases; half of the events with a hub that "
        "believes every time, half with the product's own judgement of time",
    ),
    Figure(
        id="F11b",
        title="A night window of 22:00 to 06:00, every minute of ten years",
        trial="minute",
        asked="right for every minute from 2026 to 2035",
        release=MINUTES,
        share=60_000,
        modules=("gateway/core/timezone.py", "gateway/core/rules/night_window.py", "tools/rig/clocks.py"),
        run=nights,
        control=lambda seed: nights(10_000, seed, "Europe/Minsk"),
        unsafe="a zone without summer time",
        conditions=f"{ZONE}, against the IANA data of the machine; a run of fewer minutes draws them",
        adds_up=False,
    ),
)


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 where nothing was wrong."""
    parser = parser_of("tools.rig.clocks", __doc__, count="events", usual=100_000)
    parser.add_argument("--minutes", action="store_true", help="every minute of ten years instead")
    options = parser.parse_args(argv)
    found = nights(MINUTES, 0) if options.minutes else jumps(options.events, options.seed)
    return int(bool(say(found)))


if __name__ == "__main__":
    sys.exit(main())
