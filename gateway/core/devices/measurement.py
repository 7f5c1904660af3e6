"""What the measurements of the Bluetooth health services have in common: stamps, absent numbers, marks.

All fields are little endian and stand one after the other as the flags announce (GATT Specification Supplement).
"""

from gateway.core.errors import DecodeError
from gateway.core.model import (
    CLOCK_NOT_SET,
    CLOCK_SET,
    CLOCK_UNKNOWN,
    Absent,
    DeviceTime,
    Observation,
    compare_number,
    require_bytes,
)
from gateway.core.sfloat import decode_sfloat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Decimal

DATE_TIME_SIZE = 7
UNKNOWN_USER = 255


class Measurement:
    """One decoded value: `values` by name, the device's stamp, and what of the value was not understood.

    record: what tells this reading from the others of its device, where a dated stamp is there (DESIGN.md 4).
    """

    __slots__ = ("device_time", "record", "reserved_bits", "trailing", "values")

    def __init__(self) -> None:
        self.values: "dict[str, object]" = {}
        self.device_time: "DeviceTime | None" = None
        self.record: "bytes | None" = None
        self.reserved_bits = 0
        self.trailing = 0


def require_flags(value: bytes) -> int:
    """The first byte.

    Raises:
        DecodeError: the value is empty.
    """
    if not value:
        raise DecodeError("no flags: the value is empty", 0)
    return value[0]


class Fields:
    """The fields of a value, one after the other; `flags` is its first byte."""

    __slots__ = ("at", "flags", "value")

    def __init__(self, value: bytes) -> None:
        self.flags = require_flags(value)
        self.value = value
        self.at = 1

    def take(self, size: int, name: str) -> bytes:
        """The next `size` bytes. Raises DecodeError where fewer are left."""
        require_bytes(self.value, self.at, size, name)
        self.at += size
        return self.value[self.at - size : self.at]

    def number(self, size: int, name: str) -> int:
        """The next `size` bytes as a number without sign. Raises DecodeError where fewer are left."""
        return int.from_bytes(self.take(size, name), "little")

    def sfloat(self, name: str) -> "int | Decimal | Absent":
        """The next two bytes as an SFLOAT. Raises DecodeError where fewer are left."""
        return decode_sfloat(self.number(2, name))

    def stamp(self, measurement: Measurement, numbers: bytes) -> None:
        """The next seven bytes as the device's stamp. With a date it tells this reading from others, by its `numbers`."""
        raw = self.take(DATE_TIME_SIZE, "timestamp")
        measurement.device_time = decode_date_time(raw)
        if measurement.device_time.clock != CLOCK_UNKNOWN:
            measurement.record = raw + numbers

    def user(self, values: "dict[str, object]") -> None:
        """The next byte as the number of a user of the device; 255 is somebody it does not know."""
        user = self.number(1, "user_index")
        if user == UNKNOWN_USER:
            values["user_unknown"] = True
        else:
            values["user_index"] = user

    def end(self, measurement: Measurement, reserved: int) -> None:
        """Count what is not read: the `reserved` bits of the flags that are set, and bytes behind the last field."""
        measurement.reserved_bits = self.flags & reserved
        measurement.trailing = len(self.value) - self.at


def decode_date_time(value: bytes, clock_not_set: bool = False) -> DeviceTime:
    """Seven bytes of DateTime, local time without a zone, kept to the letter: a field of 0 is not known."""
    year = value[0] | value[1] << 8
    raw = "%04d-%02d-%02dT%02d:%02d:%02d" % (year, value[2], value[3], value[4], value[5], value[6])
    if not (year and value[2] and value[3]):
        return DeviceTime(raw, CLOCK_UNKNOWN)
    return DeviceTime(raw, CLOCK_NOT_SET if clock_not_set else CLOCK_SET)


def no_number(values: "dict[str, object]", names: "tuple[str, ...]") -> bool:
    """Whether none of the values of these names is a number."""
    return all([isinstance(values[name], Absent) for name in names if name in values])


def mark_implausible(values: "dict[str, object]", limits: "dict[str, tuple[int, int]]") -> None:
    """Name in `implausible` the values that lie outside (least, most), both ends allowed. Nothing is changed."""
    outside = []
    for name in sorted(limits):
        number = values.get(name)
        if number is None or isinstance(number, Absent):
            continue
        least, most = limits[name]
        if compare_number(number, least) < 0 or compare_number(number, most) > 0:  # type: ignore[arg-type]
            outside.append(name)
    if outside:
        values["implausible"] = ",".join(outside)


def failed(measurement: Measurement, reason: str, kept: "tuple[str, ...]") -> Observation:
    """`measurement.failed` with its reason, the values named in `kept`, and the device's stamp."""
    values = {name: measurement.values[name] for name in kept if name in measurement.values}
    values["reason"] = reason
    return Observation("measurement.failed", values, measurement.record, measurement.device_time)


def measured(kind: str, measurement: Measurement) -> Observation:
    """A measurement with all its values, and the device's stamp."""
    return Observation(kind, measurement.values, measurement.record, measurement.device_time)
