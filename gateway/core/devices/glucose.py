"""Glucose Service (GLS 1.0.1): measurement 0x2A18, context 0x2A34, features 0x2A51, bytes to values.

A concentration is kept in the unit and the digits of the meter, mass or amount of substance, each under its own name. What
was measured of control solution is no value of a person: it has names of its own. A value shorter than its flags announce is
refused. Reserved flag bits and trailing bytes are ignored and counted.
"""

from gateway.core.devices.measurement import (
    DATE_TIME_SIZE,
    Fields,
    Measurement,
    decode_date_time,
    failed,
    measured,
)
from gateway.core.model import (
    CLOCK_NOT_SET,
    CLOCK_UNKNOWN,
    Absent,
    Decimal,
    Observation,
    compare_number,
    require_bytes,
)

MEASUREMENT, CONTEXT, FEATURES = "2a18", "2a34", "2a51"
KIND = "glucose.measured"

TIME_OFFSET, CONCENTRATION, AMOUNT, STATUS, CONTEXT_FOLLOWS = 0x01, 0x02, 0x04, 0x08, 0x10
RESERVED_FLAGS = 0xE0
GLUCOSE_NAMES = ("glucose_kg_per_l", "glucose_mol_per_l")
CONTROL_NAMES = ("control_solution_kg_per_l", "control_solution_mol_per_l")
# Plausible of a person: up to mantissa * 10 ** exponent, above 0. Outside it a value is marked, not changed.
MOST = {"glucose_kg_per_l": (1, -2), "glucose_mol_per_l": (55, -3)}

# Bits of the sensor status (GLS 3.1.1.7).
TOO_HIGH, TOO_LOW, TIME_FAULT = 1 << 5, 1 << 6, 1 << 11
DOUBTFUL = 0x07FE  # every bit but the battery's and the clock's: the meter itself doubts the result

SAMPLE_TYPES = {
    1: "capillary_whole_blood",
    2: "capillary_plasma",
    3: "venous_whole_blood",
    4: "venous_plasma",
    5: "arterial_whole_blood",
    6: "arterial_plasma",
    7: "undetermined_whole_blood",
    8: "undetermined_plasma",
    9: "interstitial_fluid",
    10: "control_solution",
}
SITES = {1: "finger", 2: "alternate_site", 3: "earlobe", 4: "control_solution", 15: "not_available"}
CONTROL = "control_solution"
KEPT = ("sequence_number", "time_offset_min", "sample_type", "body_site", "glucose_status")


def decode_measurement(value: bytes) -> Measurement:
    """A record of a meter (`2a18`).

    Raises:
        DecodeError: empty, or shorter than the flags announce.
    """
    fields = Fields(value)
    flags = fields.flags
    measurement = Measurement()
    values = measurement.values
    values["sequence_number"] = fields.number(2, "sequence_number")
    stamp = decode_date_time(fields.take(DATE_TIME_SIZE, "timestamp"))
    measurement.device_time = stamp
    measurement.record = value[
        1 : fields.at
    ]  # the number, and the stamp: a number begins anew with a meter's memory
    if flags & TIME_OFFSET:
        minutes = fields.number(2, "time_offset_min")
        values["time_offset_min"] = minutes - 0x1_0000 if minutes & 0x8000 else minutes
    if flags & CONCENTRATION:
        concentration = fields.sfloat("concentration")
        code = fields.number(1, "sample type and site")
        values["sample_type"] = SAMPLE_TYPES.get(code & 0x0F, "reserved_" + str(code & 0x0F))
        values["body_site"] = SITES.get(code >> 4, "reserved_" + str(code >> 4))
        names = CONTROL_NAMES if is_control(values) else GLUCOSE_NAMES
        values[names[1 if flags & AMOUNT else 0]] = concentration
    if flags & STATUS:
        status = fields.number(2, "glucose_status")
        values["glucose_status"] = status
        if status & TIME_FAULT and stamp.clock != CLOCK_UNKNOWN:
            stamp.clock = CLOCK_NOT_SET
    fields.end(measurement, RESERVED_FLAGS)
    return measurement


def is_control(values: "dict[str, object]") -> bool:
    """Whether it was measured of control solution; either field says so."""
    return CONTROL in (values.get("sample_type"), values.get("body_site"))


def observation_of(measurement: Measurement) -> Observation:
    """`glucose.measured`, or `measurement.failed` with its reason: control solution, no value.

    A meter that shows HI or LO has measured: that is told as what it found, with `glucose_range` where the number is not there.
    """
    values = measurement.values
    if is_control(values):
        return failed(measurement, CONTROL, KEPT + CONTROL_NAMES)
    found = [values[name] for name in GLUCOSE_NAMES if name in values]
    status: int = values.get("glucose_status", 0)  # type: ignore[assignment]
    has_number = bool(found) and not isinstance(found[0], Absent)
    side = side_of(found, status)
    if side:
        values["glucose_range"] = side
    elif not has_number:
        return failed(measurement, "no_value", KEPT + GLUCOSE_NAMES)
    for name in GLUCOSE_NAMES:
        if has_number and name in values and not is_plausible(name, values[name]):  # type: ignore[arg-type]
            values["implausible"] = name
    if status & (DOUBTFUL if has_number else DOUBTFUL & ~(TOO_HIGH | TOO_LOW)):
        values["questionable"] = True
    return measured(KIND, measurement)


def side_of(found: "list[object]", status: int) -> str:
    """On which side of what the meter measures the glucose lies; empty within, and where the meter contradicts itself."""
    is_high = bool(status & TOO_HIGH) or Absent("+inf") in found
    is_low = bool(status & TOO_LOW) or Absent("-inf") in found
    if is_high == is_low:
        return ""
    return "above" if is_high else "below"


def is_plausible(name: str, number: "int | Decimal") -> bool:
    """Whether it may be a person's."""
    mantissa, exponent = MOST[name]
    return compare_number(number, 0) > 0 and compare_number(number, mantissa, exponent) <= 0


def decode_features(value: bytes) -> int:
    """Bits 0 to 9 what the meter can detect, 10 time fault, 11 several bonds.

    Raises:
        DecodeError: fewer than 2 bytes.
    """
    require_bytes(value, 0, 2, "features")
    return value[0] | value[1] << 8
