"""Driver `plx`: a pulse oximeter that serves the Bluetooth Pulse Oximeter Service, with its battery and its name.

`oximetry.measured` carries what the device sent. `measurement.failed` says that there is no value and why: the
device marks it invalid or unavailable, sends demonstration or test data, or no number at all. Readings in the
device's memory are not asked for (PLXS record access): it keeps them.
"""

import hashlib

from gateway.core.devices import battery, device_information, plx
from gateway.core.devices.battery import BatteryWatch
from gateway.core.devices.driver import MALFORMED, Context, GattDriver, Reading, Step
from gateway.core.errors import DecodeError
from gateway.core.model import Observation

BATTERY_KEY, DESCRIBED_KEY = "battery", "described"
UNKNOWN = 0xFF  # a stored battery byte that says nothing


class Oximeter(GattDriver):
    """One pulse oximeter."""

    name = "plx"
    service = "1822"
    pairing = "weak"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        level, low = (context.stored(BATTERY_KEY) or b"\xff\xff")[:2]
        self.battery = BatteryWatch(None if level == UNKNOWN else level, None if low == UNKNOWN else low)
        self.features: "plx.Features | None" = None
        self.description: "dict[str, object]" = {}
        self.described = context.stored(DESCRIBED_KEY)
        self.awaited = ""
        # What was ignored as the service asks, to be shown: reserved flag bits, bytes behind the last field.
        self.ignored = {"reserved_bits": 0, "trailing_bytes": 0}

    def steps(self, characteristics: "list[str]") -> "list[Step]":
        """Features first: they say which status bits mean something. Then the streams; what the device is, last."""
        wanted = [("read", plx.FEATURES), ("subscribe", plx.CONTINUOUS), ("subscribe", plx.SPOT_CHECK)]
        wanted += [("read", battery.UUID), ("subscribe", battery.UUID)]
        wanted += [("read", uuid) for uuid in sorted(device_information.STRINGS)]
        steps = [Step(action, uuid) for action, uuid in wanted if uuid in characteristics]
        reads = [step.characteristic for step in steps if step.action == "read"]
        self.awaited = reads[-1] if reads else ""
        self.description = {}
        return steps

    def read(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        """A value that was read; after the last one what the device is, where that is news."""
        try:
            reading = self.take_read(characteristic, value)
        except DecodeError as error:
            reading = Reading(refused=(MALFORMED, characteristic + ": " + str(error)))
        if characteristic == self.awaited:
            self.describe(reading)
        return reading

    def notified(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        """A measurement or a battery level."""
        try:
            if characteristic == battery.UUID:
                reading = self.take_battery(value)
            elif characteristic in (plx.SPOT_CHECK, plx.CONTINUOUS):
                reading = Reading([self.take_measurement(characteristic, value)])
            else:
                return Reading(refused=(MALFORMED, characteristic + ": not asked for"))
        except DecodeError as error:
            return Reading(refused=(MALFORMED, characteristic + ": " + str(error)))
        # The last read may have been denied; then the first notification says that no more will come.
        self.describe(reading)
        return reading

    def take_read(self, characteristic: str, value: bytes) -> Reading:
        """Keep features and names; tell the battery."""
        if characteristic == plx.FEATURES:
            self.features = plx.decode_features(value)
            self.description["features"] = self.features.bits
        elif characteristic == battery.UUID:
            return self.take_battery(value)
        elif characteristic in device_information.STRINGS:
            for name, text in device_information.decode(characteristic, value).items():
                if text:
                    self.description[name] = text
        return Reading()

    def take_battery(self, value: bytes) -> Reading:
        """News of the battery, and what is to be remembered of it."""
        observations = self.battery.observe(battery.decode_battery_level(value))
        if not observations:
            return Reading()
        watch = self.battery
        level = UNKNOWN if watch.level_pct is None else watch.level_pct
        low = UNKNOWN if watch.low is None else watch.low
        return Reading(observations, {BATTERY_KEY: bytes([level, low])})

    def take_measurement(self, characteristic: str, value: bytes) -> Observation:
        """A measurement, or that there is none."""
        measurement = plx.decode_measurement(characteristic, value)
        self.ignored["reserved_bits"] += 1 if measurement.reserved_bits else 0
        self.ignored["trailing_bytes"] += measurement.trailing
        return observation_of(measurement, self.features)

    def describe(self, reading: Reading) -> None:
        """Add `device.described` where it differs from what was told before; once a connection."""
        description = self.description
        self.awaited = ""
        self.description = {}
        if not description:
            return
        text = ";".join([name + "=" + str(description[name]) for name in sorted(description)])
        mark = hashlib.sha256(text.encode()).digest()[:8]
        if mark != self.described:
            self.described = mark
            reading.observations.append(Observation("device.described", description))
            reading.state[DESCRIBED_KEY] = mark


def observation_of(measurement: plx.Measurement, features: "plx.Features | None" = None) -> Observation:
    """`oximetry.measured`, or `measurement.failed` with its reason and without the numbers it takes back."""
    values = measurement.values
    reason = plx.judge(values, None if features is None else features.measurement_mask)
    kind = "oximetry.measured"
    if reason:
        kind = "measurement.failed"
        kept = ("measurement_status", "sensor_status")
        if reason != "no_value":
            values = {name: values[name] for name in values if name in kept}
        values["reason"] = reason
    return Observation(kind, values, measurement.record, measurement.device_time)
