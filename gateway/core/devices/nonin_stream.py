"""Data formats 2 and 7 of Nonin's serial oximeters: 75 frames of five bytes a second, 25 of them a packet.

    format 2:  01 | status | plethysmogram | value | check      check: sum of the four bytes before, mod 256
    format 7:  status | plethysmogram, high byte first (2) | value | check

What the value is depends on the place of the frame in its packet; the first frame has SYNC in its status. Source: the
maker's 9560 Bluetooth Specification, and the OEM III driver of pufferfish-software with its tests.

**Held values.** The values for display ("-D") are held for ten seconds after the finger has left; they are not read. The others
say 511 and 127 then, but the status of the frames says it first: where any frame of a packet says that the sensor is off, in
alarm or without a pulse, the packet's numbers are not told.
"""

from gateway.core.devices.measurement import Measurement, failed, mark_implausible, measured, no_number
from gateway.core.errors import DecodeError
from gateway.core.framing.scan import MORE, NONE, Scanner
from gateway.core.model import Absent, Observation

FRAME_SIZE = 5
FRAMES = 25  # of a packet, a third of a second
START = 0x01
ALWAYS = 0x80  # bit 7 of each status
DISCONNECTED, ARTIFACT, OUT_OF_TRACK, SENSOR_ALARM, RED, GREEN, SYNC = (
    0x40,
    0x20,
    0x10,
    0x08,
    0x04,
    0x02,
    0x01,
)
BATTERY_LOW = 0x01  # of STAT2
NO_PULSE, NO_SPO2 = 511, 127
SEVEN = 0x7F

# Places in the packet, from 0.
PULSE_HIGH, PULSE_LOW, SPO2, REVISION, STATUS_2 = 0, 1, 2, 3, 7
# Single values and pairs that the hub does not tell; `trygg decode` shows them.
SHOWN_SPO2 = {"spo2_d": 8, "spo2_fast": 9, "spo2_b_b": 10, "e_spo2": 15, "e_spo2_d": 16}
SHOWN_PULSE = {"e_hr": 13, "hr_d": 19, "e_hr_d": 21}

PLAUSIBLE = {"spo2_pct": (0, 100), "pulse_rate_bpm": (0, 300)}
NUMBERS = ("spo2_pct", "pulse_rate_bpm")
KEPT = ("oximeter_status",)
PERFUSIONS = ("none", "green", "red", "yellow")


class Frame:
    """One frame: its status, the sample of the curve, and the value of its place."""

    __slots__ = ("pleth", "status", "value")

    def __init__(self, status: int, pleth: int, value: int) -> None:
        self.status = status
        self.pleth = pleth
        self.value = value

    def perfusion(self) -> str:
        """What the two bits of perfusion say: both are yellow."""
        return PERFUSIONS[(self.status & RED) >> 1 | (self.status & GREEN) >> 1]


class Format:
    """What tells the two formats apart: `number`, how a frame begins, and where its fields are."""

    def __init__(self, number: int, start: bytes, pleth_size: int) -> None:
        self.number = number
        self.start = start
        self.pleth_size = pleth_size

    def wrong(self, data: "bytes | bytearray", at: int = 0) -> str:
        """Why no frame stands at `at`, or ""; `data` has five bytes from there."""
        status = data[at + len(self.start)]
        if self.start and data[at] != START:
            return "no start byte"
        if not status & ALWAYS:
            return "bit 7 of the status is clear"
        if sum(data[at : at + FRAME_SIZE - 1]) & 0xFF != data[at + FRAME_SIZE - 1]:
            return "the checksum does not hold"
        return ""

    def measure(self, data: bytearray, at: int) -> int:
        """For `Scanner`."""
        if self.start and data[at] != START:
            return NONE
        if len(data) - at < FRAME_SIZE:
            first = at + len(self.start)
            return MORE if len(data) <= first or data[first] & ALWAYS else NONE
        return NONE if self.wrong(data, at) else FRAME_SIZE

    def decode(self, data: bytes) -> Frame:
        """One frame.

        Raises:
            DecodeError: another size, start or checksum, or a status whose bit 7 is clear.
        """
        if len(data) != FRAME_SIZE:
            raise DecodeError("needs " + str(FRAME_SIZE) + " bytes, found " + str(len(data)), len(data))
        wrong = self.wrong(data)
        if wrong:
            raise DecodeError(wrong, 0)
        at = len(self.start)
        return Frame(data[at], int.from_bytes(data[at + 1 : at + 1 + self.pleth_size], "big"), data[3])


FORMAT_2 = Format(2, bytes([START]), 1)
FORMAT_7 = Format(7, b"", 2)


class Packet(Measurement):
    """25 frames: what they measure, all statuses in one, and what the device says of itself."""

    __slots__ = ("battery_low", "is_weak", "revision", "shown", "status")

    def __init__(self, frames: "list[Frame]") -> None:
        super().__init__()
        values = [frame.value for frame in frames]
        self.status = 0
        for frame in frames:
            self.status |= frame.status
        self.is_weak = "red" in [frame.perfusion() for frame in frames]
        self.revision = values[REVISION]
        self.battery_low = bool(values[STATUS_2] & BATTERY_LOW)
        self.values = {
            "spo2_pct": absent_or(values[SPO2] & SEVEN, NO_SPO2),
            "pulse_rate_bpm": absent_or(pulse_of(values, PULSE_HIGH), NO_PULSE),
            "oximeter_status": self.status,
        }
        self.shown: "dict[str, object]" = {
            name: absent_or(values[at] & SEVEN, NO_SPO2) for name, at in sorted(SHOWN_SPO2.items())
        }
        for name, at in sorted(SHOWN_PULSE.items()):
            self.shown[name] = absent_or(pulse_of(values, at), NO_PULSE)


def absent_or(number: int, missing: int) -> "int | Absent":
    """A number, or that it is not there."""
    return Absent("nan") if number == missing else number


def pulse_of(values: "list[int]", at: int) -> int:
    """Nine bits of two values: bits 0 and 1 of the first, seven of the second."""
    return (values[at] & 3) << 7 | values[at + 1] & SEVEN


def observation_of(packet: Packet) -> Observation:
    """`oximetry.measured`, or `measurement.failed` with its reason and without the numbers that may be held."""
    if packet.status & DISCONNECTED:
        return failed(packet, "sensor_off", KEPT)
    if packet.status & SENSOR_ALARM:
        return failed(packet, "no_finger", KEPT)
    if packet.status & OUT_OF_TRACK:
        return failed(packet, "searching", KEPT)
    if no_number(packet.values, NUMBERS):
        return failed(packet, "no_value", KEPT + NUMBERS)
    mark_implausible(packet.values, PLAUSIBLE)
    if packet.status & ARTIFACT or packet.is_weak:
        packet.values["questionable"] = True
    return measured("oximetry.measured", packet)


class Assembler:
    """Puts frames into packets: 25 in a row from one with SYNC, and none of the others with it.

    A frame out of place gives the packet up: nothing of it can be told by its place any more.
    """

    def __init__(self, layout: Format) -> None:
        self.layout = layout
        self.scanner = Scanner(layout.measure, 2 * FRAME_SIZE)
        self.frames: "list[Frame]" = []

    def reset(self) -> None:
        """The line was opened again."""
        self.scanner.reset()
        self.frames = []

    def push(self, data: bytes) -> "list[Packet | DecodeError]":
        """Packets that `data` completes; a DecodeError for bytes passed over and for a packet that was given up."""
        found: "list[Packet | DecodeError]" = []
        for item in self.scanner.push(data):
            if isinstance(item, DecodeError):
                found.append(item)
                self.frames = self.give_up(found)
            else:
                self.take(self.layout.decode(item), found)
        return found

    def take(self, frame: Frame, found: "list[Packet | DecodeError]") -> None:
        """The next frame."""
        if bool(frame.status & SYNC) != (not self.frames):
            self.frames = self.give_up(found)
            if not frame.status & SYNC:
                return
        self.frames.append(frame)
        if len(self.frames) == FRAMES:
            found.append(Packet(self.frames))
            self.frames = []

    def give_up(self, found: "list[Packet | DecodeError]") -> "list[Frame]":
        """Say how many frames of a packet are of no use; an empty packet."""
        if self.frames:
            found.append(DecodeError(str(len(self.frames)) + " frames of a packet that broke off"))
        return []
