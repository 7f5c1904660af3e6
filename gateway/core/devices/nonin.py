"""Driver `nonin_ble`: oximeters 3230 and 3150 of Nonin over their maker's own service, which they serve beside or instead of 1822.

One value of ten bytes a second (data format 19):

    length 0x0A | status | battery V x 0.1 | pulse amplitude % x 0.01 u16 | counter u16 | SpO2 | pulse rate u16

high byte first; 127 and 511 stand for a number that is not there. Source: three independent public programs and a simulator
that agree. While no finger is in, or the pulse is being searched for, the device goes on showing what it had: such numbers
are taken back, never told as fresh; so is a value whose counter has not moved.
"""

from gateway.core.devices.driver import REPEATED, Context, Reading, Step
from gateway.core.devices.health import HealthDevice
from gateway.core.devices.measurement import Measurement, failed, mark_implausible, measured, no_number
from gateway.core.errors import DecodeError
from gateway.core.model import Absent, Decimal, Observation

SERVICE = "46a970e0-0d5f-11e2-8b5e-0002a5d5c51b"
MEASUREMENT = "0aad7ea0-0d60-11e2-8e3c-0002a5d5c51b"
SIZE = 10
ENCRYPTED, BATTERY_LOW, ATTACHED, SEARCHING, SMART_POINT, WEAK = 0x40, 0x20, 0x10, 0x08, 0x04, 0x02
NO_SPO2, NO_PULSE = 127, 511
PLAUSIBLE = {"spo2_pct": (0, 100), "pulse_rate_bpm": (0, 300)}
NUMBERS = ("spo2_pct", "pulse_rate_bpm")
KEPT = ("oximeter_status",)
VOLTAGE_KEY = "voltage"
VOLTAGE_STEP = 2  # tenths of a volt: a battery under load flickers by one


class Frame(Measurement):
    """A measurement, its counter, and what it says of the battery: tenths of a volt, and whether that is low."""

    __slots__ = ("battery_low", "battery_tenths_v", "counter", "status")

    def __init__(self) -> None:
        super().__init__()
        self.status = 0
        self.battery_tenths_v = 0
        self.battery_low = False
        self.counter = 0


def decode_measurement(value: bytes) -> Frame:
    """One value. What stands behind the length it gives is not read.

    Raises:
        DecodeError: shorter than 10 bytes, or giving another length.
    """
    if len(value) < SIZE:
        raise DecodeError("needs " + str(SIZE) + " bytes, found " + str(len(value)), len(value))
    if value[0] != SIZE:
        raise DecodeError("gives its length as " + str(value[0]) + ", expected " + str(SIZE), 0)
    frame = Frame()
    frame.status = value[1]
    frame.battery_tenths_v = value[2]
    frame.battery_low = bool(value[1] & BATTERY_LOW)
    frame.counter = value[5] << 8 | value[6]
    spo2, pulse = value[7], value[8] << 8 | value[9]
    frame.values = {
        "spo2_pct": Absent("nan") if spo2 == NO_SPO2 else spo2,
        "pulse_rate_bpm": Absent("nan") if pulse == NO_PULSE else pulse,
        "pulse_amplitude_pct": Decimal(value[3] << 8 | value[4], -2),
        "oximeter_status": value[1],
    }
    frame.reserved_bits = value[1] & 0x81
    frame.trailing = len(value) - SIZE
    return frame


def observation_of(frame: Frame) -> Observation:
    """`oximetry.measured`, or `measurement.failed` with its reason and without the numbers that are held."""
    if not frame.status & ATTACHED:
        return failed(frame, "no_finger", KEPT)
    if frame.status & SEARCHING:
        return failed(frame, "searching", KEPT)
    if no_number(frame.values, NUMBERS):
        return failed(frame, "no_value", KEPT + NUMBERS)
    mark_implausible(frame.values, PLAUSIBLE)
    if frame.status & WEAK:
        frame.values["questionable"] = True
    return measured("oximetry.measured", frame)


class NoninOximeter(HealthDevice):
    """One oximeter. Its memory and its clock are reached by the maker's own commands, which are not used."""

    name = "nonin_ble"
    service = SERVICE
    streams = (MEASUREMENT,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.counter: "int | None" = None
        self.failing = ""  # why there has been no measurement since the last one
        stored = context.stored(VOLTAGE_KEY)
        self.tenths_v = stored[0] if stored else None

    def steps(self, characteristics: "list[str]") -> "list[Step]":
        """A new connection: whatever comes is news."""
        self.counter, self.failing = None, ""
        return super().steps(characteristics)

    def take_measurement(self, characteristic: str, value: bytes) -> Reading:
        """A value, or that there is none, once while that lasts: it is sent each second; and what is new of the battery."""
        frame = decode_measurement(value)
        self.count_ignored(frame)
        if frame.counter == self.counter:
            return Reading(refused=(REPEATED, "the counter has not moved: a value that is held"))
        self.counter = frame.counter
        observation = observation_of(frame)
        why = str(observation.values.get("reason", ""))
        reading = Reading([] if why and why == self.failing else [observation])
        self.failing = why
        self.take_voltage(frame, reading)
        return reading

    def take_voltage(self, frame: Frame, reading: Reading) -> None:
        """Add the battery where that is news."""
        known = self.tenths_v
        if known is None or abs(frame.battery_tenths_v - known) >= VOLTAGE_STEP:
            self.tenths_v = frame.battery_tenths_v
            volts = Decimal(frame.battery_tenths_v, -1)
            reading.observations.append(Observation("battery.measured", {"battery_v": volts}))
            reading.state[VOLTAGE_KEY] = bytes([frame.battery_tenths_v])
        told = self.take_flag(frame.battery_low)
        reading.observations += told.observations
        reading.state.update(told.state)
