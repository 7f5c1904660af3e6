"""Local time: known instants, both sides of each change, windows that cross midnight."""

from gateway.core.timezone import (
    PosixZone,
    days_of,
    in_window,
    local_minutes,
    posix_rule,
    year_of,
    zones,
)

# Instant (UTC seconds), zone, local hour and minute, weekday with Monday as 0. Source: IANA data 2025b.
INSTANTS = (
    (0, "UTC", 0, 0, 3),
    (1_790_398_800, "UTC", 5, 0, 5),  # 2026-09-26
    (1_774_745_999, "Europe/Oslo", 1, 59, 6),  # 2026-03-29, last second of winter time
    (1_774_746_000, "Europe/Oslo", 3, 0, 6),
    (1_792_889_999, "Europe/Oslo", 2, 59, 6),  # 2026-10-25, last second of summer time
    (1_792_890_000, "Europe/Oslo", 2, 0, 6),
    (1_774_746_000, "Arctic/Longyearbyen", 3, 0, 6),
    (1_774_745_999, "Europe/Dublin", 0, 59, 6),
    (1_774_746_000, "Europe/Dublin", 2, 0, 6),
    (1_774_746_000, "America/Nuuk", 0, 0, 6),
    (1_774_745_999, "America/Nuuk", 22, 59, 5),
    (1_774_738_800, "Europe/Chisinau", 1, 0, 6),
    (1_774_742_400, "Europe/Chisinau", 3, 0, 6),
    (1_774_746_000, "Europe/Istanbul", 4, 0, 6),
    (1_774_746_000, "Atlantic/Reykjavik", 1, 0, 6),
    (1_798_758_000, "Europe/Oslo", 0, 0, 4),  # 2027-01-01, while it is 2026 in UTC
)


def test_known_instants_have_their_local_time() -> None:
    for utc_s, zone, hour, minute, weekday in INSTANTS:
        day, minutes, found_weekday = local_minutes(utc_s * 1000 + 999, zone)
        assert (minutes, found_weekday) == (60 * hour + minute, weekday), (utc_s, zone)
        assert day % 7 == (weekday + 4) % 7, (utc_s, zone)


def test_the_local_day_changes_at_local_midnight() -> None:
    before = local_minutes(1_798_758_000_000 - 1, "Europe/Oslo")
    after = local_minutes(1_798_758_000_000, "Europe/Oslo")
    assert before[:2] == (days_of(2026, 12, 31), 1439)
    assert after[:2] == (days_of(2027, 1, 1), 0)


def test_a_window_may_cross_midnight() -> None:
    table = (
        (22 * 60, 6 * 60, ((21 * 60 + 59, False), (22 * 60, True), (0, True), (359, True), (360, False))),
        (60, 120, ((59, False), (60, True), (119, True), (120, False))),
        (300, 300, ((299, True), (300, True), (301, True))),
        (1_320, 0, ((1_319, False), (1_439, True), (0, False))),
    )
    for begin, end, cases in table:
        for minute, inside in cases:
            assert in_window(minute, begin, end) is inside, (begin, end, minute)


def test_a_night_has_its_length_through_both_changes() -> None:
    # 22:00 to 06:00 local: seven hours when clocks go forward, nine when they go back.
    for start_utc_s, hours in ((1_774_731_600, 7), (1_792_872_000, 9), (1_798_750_800, 8)):
        inside = [
            in_window(local_minutes((start_utc_s + minute * 60) * 1000, "Europe/Oslo")[1], 22 * 60, 6 * 60)
            for minute in range(12 * 60)
        ]
        assert sum([1 for item in inside if item]) == hours * 60, start_utc_s


def test_unknown_zones_are_refused() -> None:
    assert posix_rule("Europe/Trondheim") is None
    assert posix_rule("Europe") is None
    refused = ""
    try:
        local_minutes(0, "Europe/Trondheim")
    except ValueError as error:
        refused = str(error)
    assert "Europe/Trondheim" in refused


def test_every_zone_is_named_once_and_parses() -> None:
    names = zones()
    assert len(names) == len(set(names))
    assert "Europe/Oslo" in names
    for name in names:
        zone = PosixZone(posix_rule(name) or "")
        assert -4 * 3600 <= zone.standard_s <= 4 * 3600, name


def test_rules_that_no_zone_of_the_table_uses_yet_are_read() -> None:
    southern = PosixZone("AEST-10AEDT,M10.1.0,M4.1.0/3")
    assert southern.offset_s(1_767_225_600) == 11 * 3600  # 2026-01-01: summer there
    assert southern.offset_s(1_782_864_000) == 10 * 3600  # 2026-07-01
    half = PosixZone("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0")
    assert half.standard_s == 37_800
    assert half.daylight_s == 39_600


def test_the_calendar_knows_leap_years() -> None:
    assert days_of(1970, 1, 1) == 0
    assert days_of(2000, 3, 1) - days_of(2000, 2, 28) == 2
    assert days_of(2100, 3, 1) - days_of(2100, 2, 28) == 1
    assert days_of(2028, 2, 29) + 1 == days_of(2028, 3, 1)
    for year in (1969, 1970, 1999, 2000, 2026, 2027, 2028, 2100):
        assert year_of(days_of(year, 1, 1)) == year
        assert year_of(days_of(year, 1, 1) - 1) == year - 1


def test_the_last_day_of_a_leap_year_far_ahead_is_of_that_year() -> None:
    """An estimate by the mean year lies a year ahead there; the changes of summer time would be looked for in the wrong one."""
    for year in (1972, 2026, 2072, 2076, 2096, 2100, 2104):
        assert year_of(days_of(year, 12, 31)) == year and year_of(days_of(year, 1, 1)) == year
    assert local_minutes((days_of(2072, 12, 31) * 86_400 + 43_200) * 1000, "Europe/Oslo")[1] == 13 * 60
