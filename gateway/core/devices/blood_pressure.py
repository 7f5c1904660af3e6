"""Blood Pressure Service (BLS 1.1.1): measurement 0x2A35, cuff pressure 0x2A36, features 0x2A49, bytes to values.

Pressures stand in mmHg or kPa as the device sends them. A value shorter than its flags announce is refused. Reserved
flag bits are ignored, but for one case: beside a pressure that no cuff reaches they show another layout than this one.
A cuff of that sort puts three bytes of its own before the flags, and would read as 182,400 mmHg.
"""

from gateway.core.devices.measurement import (
    Fields,
    Measurement,
    failed,
    mark_implausible,
    measured,
    no_number,
)
from gateway.core.errors import DecodeError
from gateway.core.model import Observation, require_bytes

MEASUREMENT, CUFF_PRESSURE, FEATURES = "2a35", "2a36", "2a49"
KIND = "blood_pressure.measured"

# Bits of the flags.
KPA, TIMESTAMP, PULSE, USER, STATUS = 0x01, 0x02, 0x04, 0x08, 0x10
RESERVED_FLAGS = 0xE0
# Bits of the measurement status.
BODY_MOVED, CUFF_LOOSE, IRREGULAR_PULSE, WRONG_POSITION = 1 << 0, 1 << 1, 1 << 2, 1 << 5
QUESTIONABLE = BODY_MOVED | CUFF_LOOSE | WRONG_POSITION
PULSE_RANGES = {1: "above", 2: "below"}  # bits 3 and 4: the pulse is outside what the cuff measures

PARTS = ("systolic", "diastolic", "mean")
# Value name: what is plausible, both ends included. Outside it a value is marked, not changed.
PLAUSIBLE = {"pulse_rate_bpm": (0, 300)}
for part in PARTS:
    PLAUSIBLE[part + "_mmhg"] = (0, 300)
    PLAUSIBLE[part + "_kpa"] = (0, 40)


def decode_measurement(value: bytes) -> Measurement:
    """A blood pressure (`2a35`).

    Raises:
        DecodeError: empty, shorter than the flags announce, or of another layout.
    """
    fields = Fields(value)
    flags = fields.flags
    unit = "_kpa" if flags & KPA else "_mmhg"
    measurement = Measurement()
    values = measurement.values
    for part in PARTS:
        values[part + unit] = fields.sfloat(part + unit)
    if flags & TIMESTAMP:
        fields.stamp(measurement, value[1:7])
    if flags & PULSE:
        values["pulse_rate_bpm"] = fields.sfloat("pulse_rate_bpm")
    if flags & USER:
        fields.user(values)
    if flags & STATUS:
        read_status(values, fields.number(2, "cuff_status"))
    fields.end(measurement, RESERVED_FLAGS)
    mark_implausible(values, PLAUSIBLE)
    if measurement.reserved_bits and "implausible" in values:
        text = (
            "reserved flag bits "
            + hex(measurement.reserved_bits)
            + " beside implausible values: another layout"
        )
        raise DecodeError(text, 0)
    return measurement


def read_status(values: "dict[str, object]", status: int) -> None:
    """What the cuff says of its measurement. Every doubt counts, also one that its features do not announce."""
    values["cuff_status"] = status
    if status & IRREGULAR_PULSE:
        values["irregular_pulse"] = True
    if (status >> 3) & 3 in PULSE_RANGES:
        values["pulse_range"] = PULSE_RANGES[(status >> 3) & 3]
    if status & QUESTIONABLE:
        values["questionable"] = True


def observation_of(measurement: Measurement) -> Observation:
    """`blood_pressure.measured`, or `measurement.failed` where no pressure is a number.

    No status bit warns of a measurement that failed: NaN alone says it.
    """
    pressures = tuple([name for name in measurement.values if name.endswith(("_mmhg", "_kpa"))])
    if no_number(measurement.values, pressures):
        return failed(measurement, "no_value", tuple(measurement.values))
    return measured(KIND, measurement)


def decode_cuff_pressure(value: bytes) -> Measurement:
    """The pressure of a cuff that is still measuring (`2a36`): progress, and nobody's blood pressure.

    It has the layout of a measurement; only the first pressure means something.

    Raises:
        DecodeError: empty, or shorter than the flags announce.
    """
    fields = Fields(value)
    unit = "_kpa" if fields.flags & KPA else "_mmhg"
    measurement = Measurement()
    measurement.values["cuff" + unit] = fields.sfloat("cuff" + unit)
    for part in PARTS[1:]:
        fields.take(2, part + unit)
    for bit, size, field in (
        (TIMESTAMP, 7, "timestamp"),
        (PULSE, 2, "pulse_rate_bpm"),
        (USER, 1, "user_index"),
        (STATUS, 2, "cuff_status"),
    ):
        if fields.flags & bit:
            fields.take(size, field)
    fields.end(measurement, RESERVED_FLAGS)
    return measurement


def decode_features(value: bytes) -> int:
    """Bits: 0 body movement, 1 cuff fit, 2 irregular pulse, 3 pulse range, 4 position, 5 several bonds.

    Raises:
        DecodeError: fewer than 2 bytes.
    """
    require_bytes(value, 0, 2, "features")
    return value[0] | value[1] << 8
