"""Heart Rate Service (HRS 1.0): heart rate measurement 0x2A37, bytes to values.

A value shorter than its flags announce is refused. Reserved flag bits and half an RR interval at the end are ignored
and counted.
"""

from gateway.core.devices.measurement import Fields, Measurement, failed, mark_implausible, measured
from gateway.core.model import Observation

MEASUREMENT = "2a37"
KIND = "heart_rate.measured"

WIDE, TOUCHES, TELLS_CONTACT, ENERGY, INTERVALS = 0x01, 0x02, 0x04, 0x08, 0x10
RESERVED_FLAGS = 0xE0
# A heart that beats, both ends included. Outside it a value is marked, not changed.
PLAUSIBLE = {"heart_rate_bpm": (1, 300)}


def decode_measurement(value: bytes) -> Measurement:
    """A heart rate (`2a37`). RR intervals are text: counts of 1/1024 s with commas between.

    Raises:
        DecodeError: empty, or shorter than the flags announce.
    """
    fields = Fields(value)
    flags = fields.flags
    measurement = Measurement()
    values = measurement.values
    values["heart_rate_bpm"] = fields.number(2 if flags & WIDE else 1, "heart_rate_bpm")
    if flags & TELLS_CONTACT:
        values["skin_contact"] = bool(flags & TOUCHES)
    if flags & ENERGY:
        values["energy_kj"] = fields.number(2, "energy_kj")
    if flags & INTERVALS:
        intervals = []
        while len(value) - fields.at >= 2:
            intervals.append(str(fields.number(2, "rr_intervals")))
        if intervals:
            values["rr_intervals"] = ",".join(intervals)
    fields.end(measurement, RESERVED_FLAGS)
    mark_implausible(values, PLAUSIBLE)
    return measurement


def observation_of(measurement: Measurement) -> Observation:
    """`heart_rate.measured`, or `measurement.failed` where the sensor says that it touches nobody and counts nothing.

    A count without contact is marked: it may be of a moment ago.
    """
    values = measurement.values
    if values.get("skin_contact") is False:
        if values["heart_rate_bpm"] == 0:
            return failed(measurement, "no_contact", ("skin_contact",))
        values["questionable"] = True
    return measured(KIND, measurement)
