"""What every connected health device shares: order of questions, battery, description, refusals.

A driver names its service, its features and its streams, and turns their bytes into observations. Here is the rest:
features are read first, what is malformed is refused and counted, reserved bits and trailing bytes are ignored as
the services ask of a client, what the device says it is is told where that is news, its stamps are held against the
hub's clock, and its own clock is set where it lets itself be set.
"""

import hashlib

from gateway.core.devices import battery, device_information
from gateway.core.devices.battery import BatteryWatch
from gateway.core.devices.device_clock import CURRENT_TIME, DeviceClock
from gateway.core.devices.driver import MALFORMED, Context, GattDriver, Reading, Step
from gateway.core.errors import DecodeError
from gateway.core.model import Observation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.measurement import Measurement

BATTERY_KEY, DESCRIBED_KEY, CLOCK_KEY = "battery", "described", "clock"
UNKNOWN = 0xFF  # a stored battery byte that says nothing


class HealthDevice(GattDriver):
    """A device that measures a person, serves one health service, and is read over a connection.

    features_uuid: the characteristic that says what the device supports, or "" where the service has none.
    streams: characteristics that bring measurements, in the order in which they are subscribed to.
    """

    pairing = "weak"
    features_uuid = ""
    streams: "tuple[str, ...]" = ()

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        level, low = (context.stored(BATTERY_KEY) or b"\xff\xff")[:2]
        self.battery = BatteryWatch(None if level == UNKNOWN else level, None if low == UNKNOWN else low)
        self.description: "dict[str, object]" = {}
        self.described = context.stored(DESCRIBED_KEY)
        self.awaited = ""
        self.clock = DeviceClock(context.zone, context.stored(CLOCK_KEY))
        # What was ignored as the services ask, to be shown: reserved flag bits, bytes behind the last field.
        self.ignored = {"reserved_bits": 0, "trailing_bytes": 0}

    def take_features(self, value: bytes) -> int:
        """Keep what the device supports; its bits, for the description.

        Raises:
            DecodeError: malformed.
        """
        raise NotImplementedError

    def take_measurement(self, characteristic: str, value: bytes) -> Reading:
        """What a value of one of `streams` says.

        Raises:
            DecodeError: malformed.
        """
        raise NotImplementedError

    def steps(self, characteristics: "list[str]") -> "list[Step]":
        """Features first: they say which status bits mean something. Then the streams; what the device is, last."""
        wanted = [("read", self.features_uuid), ("read", CURRENT_TIME)]
        wanted += [("subscribe", uuid) for uuid in self.streams]
        wanted += [("read", battery.UUID), ("subscribe", battery.UUID)]
        wanted += [("read", uuid) for uuid in sorted(device_information.STRINGS)]
        steps = [Step(action, uuid) for action, uuid in wanted if uuid in characteristics]
        reads = [step.characteristic for step in steps if step.action == "read"]
        self.awaited = reads[-1] if reads else ""
        self.description = {}
        self.clock.begin(CURRENT_TIME in characteristics)
        return steps

    def read(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        """A value that was read; after the last one what the device is, where that is news."""
        try:
            if characteristic == CURRENT_TIME:
                self.clock.take(value, now_ms)
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
            elif characteristic in self.streams:
                reading = self.take_measurement(characteristic, value)
                self.date(reading, now_ms)
            else:
                return Reading(refused=(MALFORMED, characteristic + ": not asked for"))
        except DecodeError as error:
            return Reading(refused=(MALFORMED, characteristic + ": " + str(error)))
        # The last read may have been denied; then the first notification says that no more will come.
        self.describe(reading)
        return reading

    def denied(self, step: Step, now_ms: int) -> Reading:
        """A device that does not let its clock be set is not asked again."""
        if (step.action, step.characteristic) != ("write", CURRENT_TIME):
            return Reading(heard=False)
        self.clock.denied()
        return Reading(state={CLOCK_KEY: self.clock.state()}, heard=False)

    def due(self, now_ms: int, utc_ms: "int | None") -> Reading:
        """Look at the hub's clock, and then at the device's."""
        self.clock.look(now_ms, utc_ms)
        reading = Reading(heard=False)
        if self.clock.is_ready() and not self.is_fetching():
            told, current_time = self.clock.settle(now_ms)
            if told is not None:
                reading.observations.append(told)
            if current_time:
                reading.steps.append(Step("write", CURRENT_TIME, current_time))
            if told is not None or current_time:
                reading.state[CLOCK_KEY] = self.clock.state()
        return reading

    def next_due_ms(self, now_ms: int) -> "int | None":
        """For the clocks."""
        return now_ms if self.clock.is_ready() and not self.is_fetching() else self.clock.due_ms()

    def is_fetching(self) -> bool:
        """Whether readings under the clock's present setting are still to come from the device's memory."""
        return False

    def date(self, reading: Reading, now_ms: int) -> None:
        """Say of each stamp when it was by the hub's clock."""
        for observation in reading.observations:
            if observation.device_time is not None:
                self.clock.date(observation.device_time, now_ms, self.shift_ms(observation))

    def shift_ms(self, observation: Observation) -> int:
        """What a device adds to the stamp of an observation to show local time."""
        return 0

    def take_read(self, characteristic: str, value: bytes) -> Reading:
        """Keep features and names; tell the battery."""
        if characteristic == self.features_uuid:
            self.description["features"] = self.take_features(value)
        elif characteristic == battery.UUID:
            return self.take_battery(value)
        elif characteristic in device_information.STRINGS:
            for name, text in device_information.decode(characteristic, value).items():
                if text:
                    self.description[name] = text
        return Reading()

    def take_battery(self, value: bytes) -> Reading:
        """News of the battery, and what is to be remembered of it."""
        return self.watched(self.battery.observe(battery.decode_battery_level(value)))

    def take_flag(self, is_low: bool) -> Reading:
        """The same, of a device that only says whether its battery is low."""
        return self.watched(self.battery.observe(None, is_low))

    def watched(self, observations: "list[Observation]") -> Reading:
        """What the battery watch found, with its state."""
        if not observations:
            return Reading()
        watch = self.battery
        level = UNKNOWN if watch.level_pct is None else watch.level_pct
        low = UNKNOWN if watch.low is None else watch.low
        return Reading(observations, {BATTERY_KEY: bytes([level, low])})

    def count_ignored(self, measurement: "Measurement") -> None:
        """Count what of a measurement was not understood."""
        self.ignored["reserved_bits"] += 1 if measurement.reserved_bits else 0
        self.ignored["trailing_bytes"] += measurement.trailing

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
