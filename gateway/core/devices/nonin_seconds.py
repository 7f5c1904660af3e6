"""Data format 8 of Nonin's serial oximeters: four bytes once a second, without a checksum.

    1 R OOT LPRF MPRF ARTF HR8 HR7 | 0 HR6..0 | 0 SpO2 | 0 R SPA R SNSA R R LOWBAT

Only bit 7 tells where a frame begins, so bytes of anything else pass for one easily. Three things stand in the way: the four
marks, the reserved bits, which must be clear, and that a frame counts only where it follows another without a byte between.
A damaged number within whole frames cannot be seen by anybody. Source: the maker's 9560 Bluetooth Specification.
"""

from gateway.core.devices.measurement import Measurement, failed, mark_implausible, measured, no_number
from gateway.core.devices.nonin_stream import KEPT, NO_PULSE, NO_SPO2, NUMBERS, PLAUSIBLE, absent_or
from gateway.core.errors import DecodeError
from gateway.core.framing.scan import MORE, NONE, Scanner
from gateway.core.model import Observation

FRAME_SIZE = 4
OUT_OF_TRACK, LOW_PERFUSION, MARGINAL, ARTIFACT = 0x20, 0x10, 0x08, 0x04
SMART_POINT, SENSOR_ALARM, BATTERY_LOW = 0x20, 0x08, 0x01
RESERVED = (0x40, 0x00, 0x00, 0x56)
MARKS = (0x80, 0x00, 0x00, 0x00)  # bit 7 of each byte


class Second(Measurement):
    """One frame; `status` is its first byte without the pulse rate, and its last byte in the low half."""

    __slots__ = ("battery_low", "status")

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.status = (data[0] & 0x3C) << 8 | data[3]
        self.battery_low = bool(data[3] & BATTERY_LOW)
        self.values = {
            "spo2_pct": absent_or(data[2], NO_SPO2),
            "pulse_rate_bpm": absent_or((data[0] & 3) << 7 | data[1], NO_PULSE),
            "oximeter_status": self.status,
        }


def wrong(data: "bytes | bytearray", at: int, count: int) -> str:
    """Why the first `count` bytes from `at` begin no frame, or ""."""
    for place in range(count):
        if data[at + place] & 0x80 != MARKS[place]:
            return "bit 7 is set in another byte than the first"
        if data[at + place] & RESERVED[place]:
            return "a reserved bit is set"
    return ""


def measure(data: bytearray, at: int) -> int:
    """For `Scanner`."""
    there = min(FRAME_SIZE, len(data) - at)
    if wrong(data, at, there):
        return NONE
    return FRAME_SIZE if there == FRAME_SIZE else MORE


def decode_second(data: bytes) -> Second:
    """One frame.

    Raises:
        DecodeError: another size, bit 7 in another byte than the first, or a reserved bit.
    """
    if len(data) != FRAME_SIZE:
        raise DecodeError("needs " + str(FRAME_SIZE) + " bytes, found " + str(len(data)), len(data))
    why = wrong(data, 0, FRAME_SIZE)
    if why:
        raise DecodeError(why, 0)
    return Second(data)


def observation_of(second: Second) -> Observation:
    """`oximetry.measured`, or `measurement.failed` with its reason and without the numbers that may be held."""
    if second.status & SENSOR_ALARM:
        return failed(second, "no_finger", KEPT)
    if second.status & OUT_OF_TRACK << 8:
        return failed(second, "searching", KEPT)
    if no_number(second.values, NUMBERS):
        return failed(second, "no_value", KEPT + NUMBERS)
    mark_implausible(second.values, PLAUSIBLE)
    if second.status & (LOW_PERFUSION | ARTIFACT) << 8:
        second.values["questionable"] = True
    return measured("oximetry.measured", second)


class Seconds:
    """Cuts the stream; `in_step` is whether the next frame follows one, or the beginning of what was recorded."""

    def __init__(self, in_step: bool = False) -> None:
        self.scanner = Scanner(measure, 2 * FRAME_SIZE)
        self.in_step = in_step

    def reset(self) -> None:
        """The line was opened again, perhaps in the middle of a frame."""
        self.scanner.reset()
        self.in_step = False

    def push(self, data: bytes) -> "list[Second | DecodeError]":
        """Frames that `data` completes, the first behind garbage left out; a DecodeError for bytes passed over."""
        found: "list[Second | DecodeError]" = []
        for item in self.scanner.push(data):
            if isinstance(item, DecodeError):
                self.in_step = False
                found.append(item)
            elif self.in_step:
                found.append(decode_second(item))
            else:
                self.in_step = True
        return found
