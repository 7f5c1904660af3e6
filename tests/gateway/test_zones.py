"""The portable zones against the IANA data that CPython reads."""

import datetime as dt
import zoneinfo
from pathlib import Path

import pytest

from gateway.core.timezone import PosixZone, local_minutes, posix_rule, zones

FIRST_YEAR, LAST_YEAR = 2026, 2036
DAY = dt.timedelta(days=1)
EPOCH = dt.date(1970, 1, 1)

if not zoneinfo.available_timezones():
    pytest.skip("no IANA data on this machine: install tzdata", allow_module_level=True)


def changes_of(zone: zoneinfo.ZoneInfo) -> list[dt.datetime]:
    """Days on which the offset differs from the day before."""
    day = dt.datetime(FIRST_YEAR, 1, 1, tzinfo=dt.UTC)
    found = []
    while day.year < LAST_YEAR:
        if day.astimezone(zone).utcoffset() != (day + DAY).astimezone(zone).utcoffset():
            found.append(day)
        day += DAY
    return found


@pytest.mark.parametrize("name", zones())
def test_local_time_is_that_of_the_iana_data(name: str) -> None:
    zone = zoneinfo.ZoneInfo(name)
    changes = changes_of(zone)
    assert len(changes) in (0, 2 * (LAST_YEAR - FIRST_YEAR))
    for change in changes or [dt.datetime(FIRST_YEAR, 7, 1, tzinfo=dt.UTC)]:
        for minutes in [*range(-48 * 60, 72 * 60, 60), *range(-60, 25 * 60, 7)]:
            instant = change + dt.timedelta(minutes=minutes)
            local = instant.astimezone(zone)
            expected = ((local.date() - EPOCH).days, 60 * local.hour + local.minute, local.weekday())
            assert local_minutes(int(instant.timestamp()) * 1000, name) == expected, instant


@pytest.mark.parametrize("name", zones())
def test_the_rule_is_the_footer_of_the_iana_file(name: str) -> None:
    # Names may differ in alias files; what they say of time must not.
    for folder in zoneinfo.TZPATH:
        path = Path(folder) / name
        if path.exists():
            footer = path.read_bytes().rstrip(b"\n").rpartition(b"\n")[2].decode()
            rule = posix_rule(name)
            assert rule is not None
            ours, theirs = PosixZone(rule), PosixZone(footer)
            for field in PosixZone.__slots__:
                assert getattr(ours, field) == getattr(theirs, field), (name, rule, footer)
            return
    pytest.skip("the IANA data is not kept as files here")


def test_every_zone_of_europe_is_known_or_left_out_on_purpose() -> None:
    left_out = {
        # Russian regions: no municipality there
        *("Europe/" + city for city in ("Astrakhan", "Kirov", "Saratov", "Ulyanovsk", "Volgograd")),
        # older spellings and disputed areas that IANA keeps as links
        *("Europe/" + city for city in ("Tiraspol", "Uzhgorod", "Zaporozhye")),
    }
    europe = {name for name in zoneinfo.available_timezones() if name.startswith("Europe/")}
    assert europe - set(zones()) == left_out & europe
