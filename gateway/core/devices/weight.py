"""Weight Scale Service (WSS 1.0): measurement 0x2A9D, features 0x2A9E, bytes to values.

Numbers are counts of a fixed resolution: 5 g or 0.01 lb, 1 mm or 0.1 in, 0.1 kg/m2. They are kept as decimals of it.
A value shorter than its flags announce is refused. Reserved flag bits and trailing bytes are ignored and counted.
"""

from gateway.core.devices.measurement import Fields, Measurement, failed, mark_implausible, measured
from gateway.core.model import Decimal, Observation, require_bytes

MEASUREMENT, FEATURES = "2a9d", "2a9e"
KIND = "weight.measured"

IMPERIAL, TIMESTAMP, USER, BMI_AND_HEIGHT = 0x01, 0x02, 0x04, 0x08
RESERVED_FLAGS = 0xF0
UNSUCCESSFUL = 0xFFFF  # a weight that says that there is none
# Of a person, both ends included. Outside it a value is marked, not changed.
PLAUSIBLE = {"weight_kg": (1, 300), "weight_lb": (2, 660)}


def decode_measurement(value: bytes) -> Measurement:
    """A weight (`2a9d`); without one the values lack it.

    Raises:
        DecodeError: empty, or shorter than the flags announce.
    """
    fields = Fields(value)
    flags = fields.flags
    measurement = Measurement()
    values = measurement.values
    name = "weight_lb" if flags & IMPERIAL else "weight_kg"
    raw = fields.number(2, name)
    if raw != UNSUCCESSFUL:
        values[name] = Decimal(raw, -2) if flags & IMPERIAL else Decimal(5 * raw, -3)
    if flags & TIMESTAMP:
        fields.stamp(measurement, value[1:3])
    if flags & USER:
        fields.user(values)
    if flags & BMI_AND_HEIGHT:
        values["bmi_kg_per_m2"] = Decimal(fields.number(2, "bmi_kg_per_m2"), -1)
        name, exponent = ("height_in", -1) if flags & IMPERIAL else ("height_m", -3)
        values[name] = Decimal(fields.number(2, name), exponent)
    fields.end(measurement, RESERVED_FLAGS)
    mark_implausible(values, PLAUSIBLE)
    return measurement


def observation_of(measurement: Measurement) -> Observation:
    """`weight.measured`, or `measurement.failed` where the scale says that it found no weight."""
    if "weight_kg" not in measurement.values and "weight_lb" not in measurement.values:
        return failed(measurement, "unsuccessful", ("user_index", "user_unknown"))
    return measured(KIND, measurement)


def decode_features(value: bytes) -> int:
    """Bits: 0 time stamp, 1 several users, 2 BMI, 3 to 6 resolution of weight, 7 to 9 of height.

    Raises:
        DecodeError: fewer than 4 bytes.
    """
    require_bytes(value, 0, 4, "features")
    return int.from_bytes(value[:4], "little")
