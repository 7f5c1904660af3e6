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

from gateway.core import event_codec
from gateway.core.rules.night_window import NightWindow
from hal.types import LANES
from tools.evidence.figure import Figure, Outcome
from tools.rig.command import parser_of, say
from tools.rig.long_life import MODULES, first_of
from tools.rig.schedules import CONTROL_EVENTS, KINDS, live, outcome

EVENTS = 3_000  # of one life
ZONE = "Europe/Oslo"
FROM, TO = 22 * 60, 6 * 60
MINUTE_MS = 60_000
BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2036, 1, 1, tzinfo=dt.UTC)
MINUTES = int((END - BEGIN).total_seconds()) // 60
SHOWN = 5


def by_time_of_day(first: int) -> Outcome:
    """The same, in the order that the events' own time of day would give them."""
    life, _ = live(first, CONTROL_EVENTS, KINDS["clocks"])
    inverted = 0
    for lane in LANES:
        newest_ms = 0
        for arrival in life.history.arrivals:
            utc_ms = event_codec.decode_event(arrival.event).utc_ms if arrival.lane == lane else None
            if utc_ms is not None:
                inverted += utc_ms < newest_ms
                newest_ms = max(newest_ms, utc_ms)
    return Outcome(len(life.history.promised), inverted, {"inverted": inverted})


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
        modules=MODULES,
        run=lambda trials, seed: outcome(trials, first_of(seed), EVENTS, "clocks"),
        control=lambda seed: by_time_of_day(first_of(seed)),
        unsafe="an order taken from the events' time of day instead of their numbers",
        conditions="simulated: as F6, the gateway's clock jumping in a fourth of all phases",
    ),
    Figure(
        id="F11b",
        title="A night window of 22:00 to 06:00, every minute of ten years",
        trial="minute",
        asked="right for every minute from 2026 to 2035",
        release=MINUTES,
        share=60_000,
        modules=("gateway/core/timezone.py", "gateway/core/rules/night_window.py"),
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
    found = nights(MINUTES, 0) if options.minutes else outcome(options.events, options.seed, EVENTS, "clocks")
    return int(bool(say(found)))


if __name__ == "__main__":
    sys.exit(main())
