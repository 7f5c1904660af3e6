"""Health Thermometer Service (HTS 1.0): temperature measurement 0x2A1C, bytes to values.

A value shorter than its flags announce is refused. Reserved flag bits and trailing bytes are ignored and counted.
"""

from gateway.core.devices.measurement import (
    Fields,
    Measurement,
    failed,
    mark_implausible,
    measured,
    no_number,
)
from gateway.core.model import Observation
from gateway.core.sfloat import decode_float

MEASUREMENT = "2a1c"
KIND = "temperature.measured"

FAHRENHEIT, TIMESTAMP, SITE = 0x01, 0x02, 0x04
RESERVED_FLAGS = 0xF8
# Temperature type: where it was measured.
SITES = ("", "armpit", "body", "ear", "finger", "gi_tract", "mouth", "rectum", "toe", "tympanum")
# Of a person who lives, both ends included. Outside it a value is marked, not changed.
PLAUSIBLE = {"temperature_c": (20, 45), "temperature_f": (68, 113)}


def decode_measurement(value: bytes) -> Measurement:
    """A temperature (`2a1c`).

    Raises:
        DecodeError: empty, or shorter than the flags announce.
    """
    fields = Fields(value)
    measurement = Measurement()
    name = "temperature_f" if fields.flags & FAHRENHEIT else "temperature_c"
    measurement.values[name] = decode_float(fields.number(4, name))
    if fields.flags & TIMESTAMP:
        fields.stamp(measurement, value[1:5])
    if fields.flags & SITE:
        site = fields.number(1, "body_site")
        is_known = 0 < site < len(SITES)
        measurement.values["body_site"] = SITES[site] if is_known else "unknown_" + str(site)
    fields.end(measurement, RESERVED_FLAGS)
    mark_implausible(measurement.values, PLAUSIBLE)
    return measurement


def observation_of(measurement: Measurement) -> Observation:
    """`temperature.measured`, or `measurement.failed` where there is no number."""
    if no_number(measurement.values, tuple(PLAUSIBLE)):
        return failed(measurement, "no_value", tuple(measurement.values))
    return measured(KIND, measurement)
