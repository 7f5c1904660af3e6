"""What the measurements of the Bluetooth health services have in common: stamps, absent numbers, marks.

All fields are little endian and stand one after the other as the flags announce (GATT Specification Supplement).
"""

from gateway.core.errors import DecodeError
from gateway.core.model import CLOCK_NOT_SET, CLOCK_SET, CLOCK_UNKNOWN, Absent, DeviceTime, compare_number

DATE_TIME_SIZE = 7


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


def require_field(value: bytes, at: int, size: int, name: str) -> None:
    """Refuse a value that ends inside a field that its flags announce.

    Raises:
        DecodeError: fewer than `size` bytes stand at `at`.
    """
    if at + size > len(value):
        text = name + " needs " + str(size) + " bytes, " + str(len(value) - at) + " left"
        raise DecodeError(text, len(value))


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
