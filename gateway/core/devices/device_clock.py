"""The clock of a device: how far it is off, what its stamps mean, and setting it (Current Time Service 1.1, 0x2A2B).

A device shows local time without a zone and forgets it with its battery. What it shows when asked, held against the hub's
trusted clock, tells how old each of its stamps is, whatever it is set to. That holds while the clock has run on without a
break: a stamp that lies after what it shows, or before the hub last set it, is of another run and gets no estimate.
"""

from gateway.core import cbor
from gateway.core.devices.measurement import DATE_TIME_SIZE, decode_date_time
from gateway.core.model import CLOCK_UNKNOWN, DeviceTime, Observation, require_bytes
from gateway.core.timezone import DAY_S, date_of, days_of, local_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CURRENT_TIME = "2a2b"
CURRENT_TIME_SIZE = 10
EXTERNAL_REFERENCE = 0x02  # adjust reason, bit 1
READ_MS = 2_000  # a value read is older than its arrival by less than this, rounding included
LIVE_MS = 60_000  # a reading is shown and sent within this of the moment it is stamped with
DRIFT_PARTS = 10_000  # 100 ppm: a crystal that was never trimmed, in a cold hallway
GOOD_MS = 2_000  # a clock that is closer than this is left as it is
LONGEST_MS = (
    3 * 365 * 86_400_000
)  # an older stamp is rather of another run of the clock than of a memory so large
NEWS_MS = 60_000  # an offset is told again when it has changed by so much
AGAIN_MS, UNTRUSTED_AGAIN_MS = 600_000, 60_000  # how often the hub's clock is looked at


class Shown:
    """A value of 2A2B: `at_ms` since 1970 as the device shows it, or None where it does not know the date."""

    __slots__ = ("adjust_reason", "at_ms", "day_of_week", "fraction_256", "raw")

    def __init__(self, value: bytes) -> None:
        stamp = decode_date_time(value[:DATE_TIME_SIZE])
        self.raw = stamp.raw
        self.at_ms = stamp_ms(stamp)
        if self.at_ms is not None:
            self.at_ms += value[8] * 1000 // 256
        self.day_of_week = value[7]
        self.fraction_256 = value[8]
        self.adjust_reason = value[9]


def decode_current_time(value: bytes) -> Shown:
    """What a device shows. Bytes after the tenth are not read.

    Raises:
        DecodeError: fewer than 10 bytes.
    """
    require_bytes(value, 0, CURRENT_TIME_SIZE, "current time")
    return Shown(value)


def encode_current_time(at_ms: int, reason: int = EXTERNAL_REFERENCE) -> bytes:
    """Ten bytes that set a device to `at_ms`, local time in ms since 1970."""
    days, second = at_ms // 1000 // DAY_S, at_ms // 1000 % DAY_S
    year, month, day = date_of(days)
    clock = [year & 0xFF, year >> 8, month, day, second // 3600, second // 60 % 60, second % 60]
    weekday = (days + 3) % 7 + 1  # 1 is Monday, and 1970-01-01 was a Thursday
    return bytes(clock + [weekday, at_ms % 1000 * 256 // 1000, reason])


def stamp_ms(stamp: DeviceTime) -> "int | None":
    """A stamp of `decode_date_time` in ms since 1970, zone unknown; None where it is no date of the calendar."""
    if stamp.clock == CLOCK_UNKNOWN or len(stamp.raw) != 19:
        return None
    year, month, day = int(stamp.raw[:4]), int(stamp.raw[5:7]), int(stamp.raw[8:10])
    hour, minute, second = int(stamp.raw[11:13]), int(stamp.raw[14:16]), int(stamp.raw[17:19])
    if not (1582 <= year <= 9999 and 1 <= month <= 12 and hour < 24 and minute < 60 and second < 60):
        return None
    days = days_of(year, month, day)
    if date_of(days) != (year, month, day):
        return None
    return 1000 * (days * DAY_S + 3600 * hour + 60 * minute + second)


class DeviceClock:
    """One device's clock against the hub's.

    ahead_ms: what it shows minus the hub's uptime, None while unknown. base_ms: UTC minus uptime, None while the hub's own
    clock is not trusted. stored: what `state` gave before a restart.
    """

    __slots__ = (
        "ahead_ms",
        "base_ms",
        "before",
        "is_unset",
        "looked_ms",
        "may_write",
        "served",
        "settled",
        "since_ms",
        "spread_ms",
        "told_ms",
        "zone",
    )

    def __init__(self, zone: str, stored: "bytes | None" = None) -> None:
        row: "Any" = [True, 0] if stored is None else cbor.decode(stored)
        self.zone = zone
        self.may_write: bool = row[0]  # until a device refuses it
        self.since_ms: int = row[1]  # what it showed when the hub last set it
        self.told_ms: "int | None" = row[2] if len(row) > 2 else None
        self.base_ms: "int | None" = None
        self.before: "tuple[int | None, int]" = (None, 0)
        self.begin(False)

    def begin(self, served: bool) -> None:
        """A connection; `served`: the device has 2A2B."""
        self.served = served
        self.ahead_ms: "int | None" = None
        self.spread_ms = READ_MS
        self.is_unset = False
        self.looked_ms: "int | None" = None
        self.settled = False

    def state(self) -> bytes:
        """What outlives a restart."""
        row: "list[object]" = [self.may_write, self.since_ms]
        return cbor.encode(row if self.told_ms is None else row + [self.told_ms])

    # --- what is heard ------------------------------------------------------------------------------------------

    def look(self, now_ms: int, utc_ms: "int | None") -> None:
        """The hub's own clock."""
        self.looked_ms = now_ms
        self.base_ms = None if utc_ms is None else utc_ms - now_ms

    def take(self, value: bytes, now_ms: int) -> None:
        """A value of 2A2B that arrived at `now_ms`.

        Raises:
            DecodeError: as `decode_current_time`.
        """
        shown = decode_current_time(value)
        self.is_unset = shown.at_ms is None
        self.spread_ms = READ_MS
        self.ahead_ms = None if shown.at_ms is None else shown.at_ms - now_ms

    def take_live(self, stamp: DeviceTime, now_ms: int) -> None:
        """The stamp of a reading made just now; it counts where the device does not show its clock."""
        at_ms = stamp_ms(stamp)
        if at_ms is not None and not self.served:
            self.ahead_ms, self.spread_ms = at_ms - now_ms, LIVE_MS

    # --- what it means ------------------------------------------------------------------------------------------

    def date(self, stamp: DeviceTime, now_ms: int, shift_ms: int = 0) -> None:
        """Add to a stamp when it was by the hub's clock, and how far off that may be, where both clocks tell.

        shift_ms: what the device adds to its stamps to show local time (the time offset of a glucose meter).
        """
        at_ms = stamp_ms(stamp)
        if at_ms is None or self.ahead_ms is None or self.base_ms is None:
            return
        at_ms += shift_ms
        age_ms = self.ahead_ms + now_ms - at_ms
        if not -self.spread_ms <= age_ms <= LONGEST_MS or at_ms < self.since_ms:
            return  # of another run of its clock
        age_ms = max(0, age_ms)
        stamp.utc_ms = self.base_ms + now_ms - age_ms
        stamp.uncertainty_ms = self.spread_ms + age_ms // DRIFT_PARTS

    def offset_ms(self, now_ms: int) -> "int | None":
        """How far the device is ahead of local time, None while unknown."""
        if self.ahead_ms is None or self.base_ms is None:
            return None
        return self.ahead_ms + now_ms - local_ms(self.base_ms + now_ms, self.zone)

    def settle(self, now_ms: int) -> "tuple[Observation | None, bytes]":
        """Once a connection, when no stamp of the old setting is waited for: what is to be told, and written to 2A2B."""
        offset_ms = self.offset_ms(now_ms)
        if self.base_ms is None or (offset_ms is None and not self.is_unset):
            return None, b""
        self.settled = True
        told = None
        if offset_ms is not None and (self.told_ms is None or abs(offset_ms - self.told_ms) >= NEWS_MS):
            self.told_ms = offset_ms
            told = Observation("device.described", {"device_clock_offset_ms": offset_ms})
        if not (self.served and self.may_write) or (offset_ms is not None and abs(offset_ms) <= GOOD_MS):
            return told, b""
        self.before = (self.ahead_ms, self.since_ms)
        shown_ms = local_ms(self.base_ms + now_ms, self.zone)
        self.ahead_ms, self.since_ms = shown_ms - now_ms, shown_ms // 1000 * 1000
        return told, encode_current_time(shown_ms)

    def denied(self) -> None:
        """The device does not let its clock be set: it is not tried again."""
        self.may_write = False
        self.ahead_ms, self.since_ms = self.before

    def is_ready(self) -> bool:
        """Whether `settle` has something to do."""
        return not self.settled and self.base_ms is not None and (self.ahead_ms is not None or self.is_unset)

    def due_ms(self) -> int:
        """When the hub's clock is to be looked at: at once on a new connection, and now and then."""
        if self.looked_ms is None:
            return 0
        return self.looked_ms + (UNTRUSTED_AGAIN_MS if self.base_ms is None else AGAIN_MS)
