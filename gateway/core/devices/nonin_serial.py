"""Driver `nonin_serial`: oximeters of Nonin on a serial line (OEM III and Xpod modules, 9560 over a Bluetooth serial port).

Option `format` is the data format that the device sends: 2 or 7 (a stream of 75 frames a second), 8 (once a second), or 13
(spot checks with a memory and a clock), which is the default. With `select` the hub chooses that format when the line opens,
for devices that listen to that.

Numbers that the device goes on showing without a finger, without a pulse or with its sensor off are taken back, never told as
fresh: `measurement.failed` with the reason, once while that lasts.
"""

from gateway.core.devices import nonin_seconds, nonin_spot, nonin_stream
from gateway.core.devices.battery import BatteryWatch
from gateway.core.devices.driver import MALFORMED, Reading, SerialDriver
from gateway.core.devices.nonin_memory import SpotChecks
from gateway.core.errors import DecodeError
from gateway.core.model import Observation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.driver import Context

FORMATS = (2, 7, 8, 13)
BATTERY_KEY = "battery"
GAP_MS = 500  # bytes of one frame come one after the other


class NoninSerial(SerialDriver):
    """One oximeter."""

    name = "nonin_serial"
    baud = 9_600
    option_names = ("format", "select")

    def __init__(self, context: "Context") -> None:
        super().__init__(context)
        number = context.options.get("format", 13)
        self.number = number
        self.selects = context.options.get("select") is True
        self.spots: "SpotChecks | None" = SpotChecks(context, self.selects) if number == 13 else None
        self.packets = nonin_stream.Assembler(nonin_stream.FORMAT_7 if number == 7 else nonin_stream.FORMAT_2)
        self.seconds = nonin_seconds.Seconds()
        low = context.stored(BATTERY_KEY)
        self.battery = BatteryWatch(None, low[0] if low else None)
        self.failing = ""  # why there has been no measurement since the last one
        self.quiet_at_ms: "int | None" = None

    @staticmethod
    def wrong_option(options: "dict[str, object]") -> "tuple[str, str] | None":
        """The format is one that is read, and `select` says yes or no."""
        if options.get("format", 13) not in FORMATS or isinstance(options.get("format"), bool):
            return "format", "2, 7, 8 or 13"
        if not isinstance(options.get("select", False), bool):
            return "select", "true or false"
        return None

    def opened(self, now_ms: int, utc_ms: "int | None") -> Reading:
        """Forget the half frame; choose the format, ask for the time."""
        self.packets.reset()
        self.seconds.reset()
        self.failing = ""
        self.quiet_at_ms = None
        reading = Reading(heard=False)
        if self.spots is not None:
            reading.send = self.spots.opened(now_ms)
        elif self.selects:
            reading.send = [nonin_spot.encode_select(self.number)]  # type: ignore[arg-type]
        return reading

    def received(self, data: bytes, now_ms: int, utc_ms: "int | None") -> Reading:
        """Bytes from the line. `heard` only where something whole came: bytes of another device prove nothing."""
        reading = Reading(heard=False)
        if self.spots is not None:
            reading.triggered = True  # somebody measured; it says nothing by itself
            self.take_flags(self.spots.received(data, now_ms, reading), reading)
            self.quiet_at_ms = now_ms + GAP_MS if self.spots.scanner.waiting else None
        elif self.number == 8:
            self.take_seconds(data, reading)
        else:
            self.take_packets(data, reading)
        return reading

    def due(self, now_ms: int, utc_ms: "int | None") -> Reading:
        """A beginning that has not gone on, and the device's clock."""
        reading = Reading(heard=False)
        if self.spots is None:
            return reading
        if self.quiet_at_ms is not None and self.quiet_at_ms <= now_ms:
            self.quiet_at_ms = None
            self.take_flags(self.spots.look_past(now_ms, reading), reading)
        self.spots.due(now_ms, utc_ms, reading)
        return reading

    def next_due_ms(self, now_ms: int) -> "int | None":
        """For `due`; streams need none: their next frame shows what the last one was."""
        if self.spots is None:
            return None
        times = [at for at in (self.quiet_at_ms, self.spots.next_due_ms(now_ms)) if at is not None]
        return min(times) if times else None

    # --- streams --------------------------------------------------------------------------------------------------

    def take_packets(self, data: bytes, reading: Reading) -> None:
        """Formats 2 and 7."""
        for item in self.packets.push(data):
            if isinstance(item, DecodeError):
                reading.refused = (MALFORMED, str(item))
            else:
                self.tell(nonin_stream.observation_of(item), item.battery_low, reading)

    def take_seconds(self, data: bytes, reading: Reading) -> None:
        """Format 8."""
        for item in self.seconds.push(data):
            if isinstance(item, DecodeError):
                reading.refused = (MALFORMED, str(item))
            else:
                self.tell(nonin_seconds.observation_of(item), item.battery_low, reading)

    def tell(self, observation: Observation, battery_low: bool, reading: Reading) -> None:
        """A measurement, or that there is none, once while that lasts."""
        reading.heard = True
        why = str(observation.values.get("reason", ""))
        if not why or why != self.failing:
            reading.observations.append(observation)
        self.failing = why
        self.take_flags([battery_low], reading)

    def take_flags(self, flags: "list[bool]", reading: Reading) -> None:
        """What the device says of its battery, where that is news."""
        for flag in flags:
            found = self.battery.observe(None, flag)
            if found:
                reading.observations += found
                reading.state[BATTERY_KEY] = bytes([1 if self.battery.low else 0])
