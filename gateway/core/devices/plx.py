"""Pulse Oximeter Service (PLXS 1.0.1): spot-check 0x2A5E, continuous 0x2A5F, features 0x2A60, bytes to values.

A value shorter than its flags announce is refused. Reserved flag bits and trailing bytes are ignored, as the
service asks of a client, and counted. Digits are the device's own; nothing is rounded, clamped or left out.
"""

from gateway.core.devices.measurement import (
    DATE_TIME_SIZE,
    Measurement,
    decode_date_time,
    mark_implausible,
    no_number,
    require_flags,
)
from gateway.core.errors import DecodeError
from gateway.core.model import CLOCK_UNKNOWN, require_bytes
from gateway.core.sfloat import decode_sfloat

SPOT_CHECK, CONTINUOUS, FEATURES = "2a5e", "2a5f", "2a60"

# Bits of the measurement status (PLXS 3.2.1.5).
FROM_STORAGE, DEMONSTRATION, TESTING, CALIBRATION = 1 << 9, 1 << 10, 1 << 11, 1 << 12
UNAVAILABLE, QUESTIONABLE, INVALID = 1 << 13, 1 << 14, 1 << 15
# Why a measurement is none, the first that applies.
FAILURES = (
    (DEMONSTRATION, "demonstration"),
    (TESTING, "testing"),
    (INVALID, "invalid"),
    (UNAVAILABLE, "unavailable"),
)

# Value name: what is plausible, both ends included. Outside it a value is marked, not changed.
PLAUSIBLE = {
    "spo2_pct": (0, 100),
    "pulse_rate_bpm": (0, 300),
    "spo2_fast_pct": (0, 100),
    "pulse_rate_fast_bpm": (0, 300),
    "spo2_slow_pct": (0, 100),
    "pulse_rate_slow_bpm": (0, 300),
}

NUMBERS = tuple(PLAUSIBLE)

# Fields in the order in which they stand: (flag bit or 0 where always there, bytes, value names).
NORMAL = (0, 4, ("spo2_pct", "pulse_rate_bpm"))
SPOT_CHECK_FIELDS = (
    NORMAL,
    (0x01, DATE_TIME_SIZE, ("timestamp",)),
    (0x02, 2, ("measurement_status",)),
    (0x04, 3, ("sensor_status",)),
    (0x08, 2, ("pulse_amplitude_pct",)),
)
CONTINUOUS_FIELDS = (
    NORMAL,
    (0x01, 4, ("spo2_fast_pct", "pulse_rate_fast_bpm")),
    (0x02, 4, ("spo2_slow_pct", "pulse_rate_slow_bpm")),
    (0x04, 2, ("measurement_status",)),
    (0x08, 3, ("sensor_status",)),
    (0x10, 2, ("pulse_amplitude_pct",)),
)
CLOCK_NOT_SET_FLAG = 0x10
STORES = 0x0004  # features, bit 2: spot-checks are stored
RESERVED_FLAGS = 0xE0  # the same three bits in both


class Features:
    """What an oximeter supports; a mask is None where the device gives none, and then every bit counts."""

    __slots__ = ("bits", "measurement_mask", "sensor_mask")

    def __init__(
        self, bits: int, measurement_mask: "int | None" = None, sensor_mask: "int | None" = None
    ) -> None:
        self.bits = bits
        self.measurement_mask = measurement_mask
        self.sensor_mask = sensor_mask


def decode_measurement(characteristic: str, value: bytes) -> Measurement:
    """A spot-check (`2a5e`) or continuous (`2a5f`) measurement.

    Raises:
        DecodeError: empty, or shorter than the flags announce.
    """
    flags = require_flags(value)
    spot_check = characteristic == SPOT_CHECK
    measurement = Measurement()
    measurement.reserved_bits = flags & RESERVED_FLAGS
    at = 1
    for bit, size, names in SPOT_CHECK_FIELDS if spot_check else CONTINUOUS_FIELDS:
        if bit and not flags & bit:
            continue
        require_bytes(value, at, size, names[0])
        read_field(measurement, names, value, at, size, flags)
        at += size
    measurement.trailing = len(value) - at
    return measurement


def read_field(
    measurement: Measurement, names: "tuple[str, ...]", value: bytes, at: int, size: int, flags: int
) -> None:
    """One field into `measurement`."""
    name = names[0]
    if name == "timestamp":
        measurement.device_time = decode_date_time(value[at : at + size], bool(flags & CLOCK_NOT_SET_FLAG))
        if measurement.device_time.clock != CLOCK_UNKNOWN:
            measurement.record = value[at : at + size] + value[1:5]
    elif name == "measurement_status" or name == "sensor_status":
        measurement.values[name] = int.from_bytes(value[at : at + size], "little")
    else:
        for name in names:
            measurement.values[name] = decode_sfloat(value[at] | value[at + 1] << 8)
            at += 2


def decode_features(value: bytes) -> Features:
    """Features, and the masks of supported status bits that they announce.

    Raises:
        DecodeError: shorter than the features announce.
    """
    if len(value) < 2:
        raise DecodeError("features need 2 bytes, found " + str(len(value)), len(value))
    features = Features(value[0] | value[1] << 8)
    at = 2
    for bit, size, name in ((0x01, 2, "measurement status support"), (0x02, 3, "sensor status support")):
        if features.bits & bit:
            require_bytes(value, at, size, name)
            mask = int.from_bytes(value[at : at + size], "little")
            at += size
            if bit == 0x01:
                features.measurement_mask = mask
            else:
                features.sensor_mask = mask
    return features


def judge(values: "dict[str, object]", mask: "int | None") -> str:
    """Mark `values` in place: `implausible`, `questionable`, `stored`. Why it is no measurement, or "".

    mask: status bits the device supports; one it does not support says nothing (PLXS 3.1.1.2).
    """
    status = values.get("measurement_status", 0)
    if mask is not None:
        status = status & mask  # type: ignore[operator]  # the field is an integer
    for bit, reason in FAILURES:
        if status & bit:  # type: ignore[operator]
            return reason
    if no_number(values, NUMBERS):
        return "no_value"
    mark_implausible(values, PLAUSIBLE)
    if status & (CALIBRATION | QUESTIONABLE):  # type: ignore[operator]
        values["questionable"] = True
    if status & FROM_STORAGE:  # type: ignore[operator]
        values["stored"] = True
    return ""
