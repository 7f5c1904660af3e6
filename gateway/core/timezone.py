"""Local time for rules that people state in local time, such as a night window, offline and in integers.

A zone is an IANA name. What it means is kept as the POSIX TZ string that the IANA data gives for the years to
come (POSIX.1-2017, 8.3; RFC 8536, 3.3), so instants before 2026 may be told by rules that did not hold yet.
Zones are those of Europe and of its islands; `tests/gateway/test_zones.py` compares them with the IANA data.
"""

DAY_S = 86_400

CENTRAL = (
    "Arctic/Longyearbyen Europe/Amsterdam Europe/Andorra Europe/Belgrade Europe/Berlin Europe/Bratislava"
    " Europe/Brussels Europe/Budapest Europe/Busingen Europe/Copenhagen Europe/Gibraltar Europe/Ljubljana"
    " Europe/Luxembourg Europe/Madrid Europe/Malta Europe/Monaco Europe/Oslo Europe/Paris Europe/Podgorica"
    " Europe/Prague Europe/Rome Europe/San_Marino Europe/Sarajevo Europe/Skopje Europe/Stockholm"
    " Europe/Tirane Europe/Vaduz Europe/Vatican Europe/Vienna Europe/Warsaw Europe/Zagreb Europe/Zurich"
)
EASTERN = (
    "Asia/Nicosia Europe/Athens Europe/Bucharest Europe/Helsinki Europe/Kiev Europe/Kyiv Europe/Mariehamn"
    " Europe/Nicosia Europe/Riga Europe/Sofia Europe/Tallinn Europe/Vilnius"
)
# POSIX rule, and the zones that follow it. Source: IANA time zone database 2025b.
TABLE = (
    ("UTC0", "UTC Etc/UTC"),
    ("GMT0", "Atlantic/Reykjavik America/Danmarkshavn"),
    (
        "GMT0BST,M3.5.0/1,M10.5.0",
        "Europe/Belfast Europe/Guernsey Europe/Isle_of_Man Europe/Jersey Europe/London",
    ),
    ("IST-1GMT0,M10.5.0,M3.5.0/1", "Europe/Dublin"),
    ("WET0WEST,M3.5.0/1,M10.5.0", "Atlantic/Canary Atlantic/Faroe Atlantic/Madeira Europe/Lisbon"),
    ("<-01>1<+00>,M3.5.0/0,M10.5.0/1", "Atlantic/Azores"),
    ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "America/Nuuk America/Scoresbysund"),
    ("CET-1CEST,M3.5.0,M10.5.0/3", CENTRAL),
    ("EET-2EEST,M3.5.0/3,M10.5.0/4", EASTERN),
    ("EET-2EEST,M3.5.0,M10.5.0/3", "Europe/Chisinau"),
    ("EET-2", "Europe/Kaliningrad"),
    ("MSK-3", "Europe/Moscow Europe/Simferopol"),
    ("<+03>-3", "Europe/Istanbul Europe/Minsk"),
    ("<+04>-4", "Europe/Samara"),
)


def zones() -> "list[str]":
    """Names of all zones, sorted."""
    return sorted(" ".join([names for _, names in TABLE]).split(" "))


def posix_rule(zone: str) -> "str | None":
    """The POSIX TZ string of a zone, or None where it is not known."""
    for rule, names in TABLE:
        if zone in names.split(" "):
            return rule
    return None


def local_minutes(utc_ms: int, zone: str) -> "tuple[int, int, int]":
    """(local days since 1970-01-01, minute of the local day 0..1439, weekday with Monday as 0).

    Raises:
        ValueError: a zone that `zones()` does not name; the configuration has been checked for that.
    """
    rule = posix_rule(zone)
    if rule is None:
        raise ValueError("unknown time zone " + zone)
    utc_s = utc_ms // 1000
    local_s = utc_s + PosixZone(rule).offset_s(utc_s)
    day = local_s // DAY_S
    return day, local_s % DAY_S // 60, (day + 3) % 7  # 1970-01-01 was a Thursday


def local_ms(utc_ms: int, zone: str) -> int:
    """Local time in ms since 1970, as a clock on the wall shows it; of a zone that is not known, UTC."""
    offset_s = PosixZone(posix_rule(zone) or "UTC0").offset_s(utc_ms // 1000)
    return utc_ms + 1000 * offset_s


def in_window(minute: int, begin: int, end: int) -> bool:
    """Whether a minute of the day lies in [begin, end), which may cross midnight; begin = end is the whole day."""
    if begin < end:
        return begin <= minute < end
    return minute >= begin or minute < end


class PosixZone:
    """A parsed TZ string: `std offset [dst [offset] , start , end]`, offsets counted east of Greenwich here."""

    __slots__ = ("daylight_s", "end", "standard_s", "start")

    def __init__(self, rule: str) -> None:
        parts = rule.split(",")
        rest = after_name(parts[0])
        offset_s, rest = split_time(rest)
        self.standard_s = -offset_s
        self.daylight_s = self.standard_s
        self.start: "tuple[int, int, int, int] | None" = None
        self.end: "tuple[int, int, int, int] | None" = None
        if rest:
            rest = after_name(rest)
            self.daylight_s = -split_time(rest)[0] if rest else self.standard_s + 3600
            self.start = changeover(parts[1])
            self.end = changeover(parts[2])

    def offset_s(self, utc_s: int) -> int:
        """Seconds that local time is ahead of UTC at an instant."""
        if self.start is None or self.end is None:
            return self.standard_s
        year = year_of((utc_s + self.standard_s) // DAY_S)
        start_s = changeover_s(year, self.start) - self.standard_s
        end_s = changeover_s(year, self.end) - self.daylight_s
        if start_s < end_s:
            return self.daylight_s if start_s <= utc_s < end_s else self.standard_s
        # South of the equator, and in Ireland, whose winter time is the exception.
        return self.standard_s if end_s <= utc_s < start_s else self.daylight_s


def after_name(text: str) -> str:
    """What follows a zone abbreviation: letters, or anything in angle brackets."""
    if text[0] == "<":
        return text[text.find(">") + 1 :]
    index = 0
    while index < len(text) and text[index].isalpha():
        index += 1
    return text[index:]


def split_time(text: str) -> "tuple[int, str]":
    """`[+-]h[:m[:s]]` at the start of a text: (seconds, what follows)."""
    index = 0
    while index < len(text) and (text[index].isdigit() or text[index] in "+-:"):
        index += 1
    digits = text[:index]
    negative = digits[0] == "-"
    total = 0
    unit = 3600
    for part in digits.lstrip("+-").split(":"):
        total += int(part) * unit
        unit //= 60
    return (-total if negative else total), text[index:]


def changeover(text: str) -> "tuple[int, int, int, int]":
    """`Mm.w.d[/time]`: (month, week with 5 as the last, weekday with Sunday as 0, seconds after midnight)."""
    date, _, time = text.partition("/")
    month, week, weekday = [int(part) for part in date[1:].split(".")]
    return month, week, weekday, (split_time(time)[0] if time else 7200)


def changeover_s(year: int, when: "tuple[int, int, int, int]") -> int:
    """Local seconds since 1970 of a changeover in a year."""
    month, week, weekday, time_s = when
    first = days_of(year, month, 1)
    day = first + (weekday - (first + 4)) % 7 + 7 * (week - 1)
    following = days_of(year + month // 12, month % 12 + 1, 1)
    while day >= following:
        day -= 7
    return day * DAY_S + time_s


def days_of(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date of the Gregorian calendar, whose years here begin in March."""
    year -= month < 3
    month = (month + 9) % 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 719_469


def date_of(days: int) -> "tuple[int, int, int]":
    """Year, month and day of a day counted from 1970-01-01: the inverse of `days_of`."""
    year = year_of(days)
    month = 12
    while days_of(year, month, 1) > days:
        month -= 1
    return year, month, days - days_of(year, month, 1) + 1


def year_of(days: int) -> int:
    """Calendar year of a day counted from 1970-01-01."""
    year = 1970 + days * 400 // 146_097
    while days_of(year + 1, 1, 1) <= days:
        year += 1
    while days_of(year, 1, 1) > days:
        year -= 1
    return year
