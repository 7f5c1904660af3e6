"""Data format 13 of Nonin's serial oximeters: spot checks with a stamp, stored ones too; and the device's commands.

    00 02 | 00 0D | length (2) | data | check | 03      check: low byte of the sum of the data
    data:  century year month day hour minute second hundredths (BCD) | status (2) | pulse rate (2) | reserved | SpO2 | ...

High byte first; 511 and 127 stand for a number that is not there. Data may grow behind the fourteenth byte, which is not read.
While nobody is connected the device keeps at least 20 spot checks. At the next connection the oldest goes first, each is
removed from the memory once it was sent, and the new one follows; all are lost with the battery. Source: the maker's 9560
Bluetooth Specification.
"""

from gateway.core.devices.device_clock import stamp_ms
from gateway.core.devices.measurement import Measurement, failed, mark_implausible, measured, no_number
from gateway.core.devices.nonin_stream import KEPT, NO_PULSE, NO_SPO2, NUMBERS, PLAUSIBLE, absent_or
from gateway.core.errors import DecodeError
from gateway.core.framing.scan import MORE, NONE
from gateway.core.model import CLOCK_SET, CLOCK_UNKNOWN, DeviceTime, Observation

HEAD = b"\x00\x02\x00\x0d"
DATA_AT = 6
LEAST_DATA, MOST_DATA = 14, 64
MOST_SPOT = DATA_AT + MOST_DATA + 2
ETX = 0x03
SMART_POINT, NO_MEASUREMENT, FROM_MEMORY, BATTERY_LOW = 0x0200, 0x0100, 0x0010, 0x0001

# Commands begin with 02 and end with 03, without a checksum.
SELECT, SELECT_SIZE = 0x70, 6
CLOCK, CLOCK_SHOWN = 0x72, 0xF2
ASK_TIME = bytes([0x02, CLOCK, 0x00, ETX])
TIME_SIZE = 6
TIME_FRAME = 3 + TIME_SIZE + 1
ACK, NAK = 0x06, 0x15
CENTURY = 2000  # of the clock's year, which has one byte
MOST_YEAR = 2099


class Spot(Measurement):
    """One spot check."""

    __slots__ = ("battery_low", "status")

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.status = data[8] << 8 | data[9]
        self.battery_low = bool(self.status & BATTERY_LOW)
        self.values = {
            "spo2_pct": absent_or(data[13] & 0x7F, NO_SPO2),
            "pulse_rate_bpm": absent_or((data[10] & 1) << 8 | data[11], NO_PULSE),
            "oximeter_status": self.status,
        }
        self.device_time = decode_stamp(data[:8])
        # The mark "from memory" is not part of it: it may be sent live, break off, and come again from memory.
        if self.device_time.clock != CLOCK_UNKNOWN:
            self.record = data[:8] + data[10:12] + data[13:14]
        self.trailing = len(data) - LEAST_DATA


def decode_stamp(data: bytes) -> DeviceTime:
    """Eight bytes of BCD, kept to the letter; what is no date of the calendar is a clock that does not know it."""
    digits = data.hex()
    text = digits[:4] + "-" + digits[4:6] + "-" + digits[6:8] + "T"
    text += digits[8:10] + ":" + digits[10:12] + ":" + digits[12:14]
    is_decimal = all([digit in "0123456789" for digit in digits])
    known = is_decimal and stamp_ms(DeviceTime(text, CLOCK_SET)) is not None
    return DeviceTime(text + "." + digits[14:16], CLOCK_SET if known else CLOCK_UNKNOWN)


def wrong(data: "bytes | bytearray", at: int) -> str:
    """Why no spot check stands at `at`, or ""; its head and length are there."""
    size = data[at + 4] << 8 | data[at + 5]
    if not LEAST_DATA <= size <= MOST_DATA:
        return "length of " + str(size) + " bytes, expected " + str(LEAST_DATA) + " to " + str(MOST_DATA)
    end = at + DATA_AT + size
    if len(data) < end + 2:
        return "needs " + str(end + 2 - at) + " bytes, found " + str(len(data) - at)
    if data[end + 1] != ETX:
        return "no end byte"
    if sum(data[at + DATA_AT : end]) & 0xFF != data[end]:
        return "the checksum does not hold"
    return ""


def decode_spot(data: bytes) -> Spot:
    """One frame.

    Raises:
        DecodeError: another head, length, end or checksum.
    """
    if data[:4] != HEAD or len(data) < DATA_AT:
        raise DecodeError("no start byte", 0)
    why = wrong(data, 0)
    if why:
        raise DecodeError(why, 0)
    return Spot(data[DATA_AT : DATA_AT + (data[4] << 8 | data[5])])


def measure(data: bytearray, at: int) -> int:
    """For `Scanner`: a spot check, what the clock shows, or the one byte that answers the choice of a format."""
    there = len(data) - at
    if data[at] in (ACK, NAK):
        return 1
    if data[at] == HEAD[1]:
        begin = bytes([HEAD[1], CLOCK_SHOWN, TIME_SIZE])
        if data[at : at + 3] != begin[:there]:
            return NONE
        if there < TIME_FRAME:
            return MORE
        return TIME_FRAME if data[at + TIME_FRAME - 1] == ETX else NONE
    if data[at : at + 4] != HEAD[: min(4, there)]:
        return NONE
    if there < DATA_AT:
        return MORE
    size = data[at + 4] << 8 | data[at + 5]
    if LEAST_DATA <= size <= MOST_DATA and there < DATA_AT + size + 2:
        return MORE
    return NONE if wrong(data, at) else DATA_AT + size + 2


def observation_of(spot: Spot) -> Observation:
    """`oximetry.measured`, or `measurement.failed` where the device says that it did not measure."""
    if spot.status & FROM_MEMORY:
        spot.values["stored"] = True
    kept = KEPT + ("stored",)
    if spot.status & NO_MEASUREMENT or no_number(spot.values, NUMBERS):
        return failed(spot, "no_value", kept + NUMBERS)
    mark_implausible(spot.values, PLAUSIBLE)
    if not spot.status & SMART_POINT:
        spot.values["questionable"] = (
            True  # taken when its 40 seconds were over, not when the value was steady
        )
    return measured("oximetry.measured", spot)


# --- commands -----------------------------------------------------------------------------------------------------


def encode_select(number: int) -> bytes:
    """Choose a data format; kept in the device. It listens to this in the first five seconds of a connection only."""
    return bytes([0x02, SELECT, 0x02, 0x02, number, ETX])


def encode_set_time(raw: str) -> bytes:
    """Set the clock to local time `YYYY-MM-DDThh:mm:ss`; there is no answer."""
    numbers = [int(raw[2:4]), int(raw[5:7]), int(raw[8:10])]
    numbers += [int(raw[11:13]), int(raw[14:16]), int(raw[17:19])]
    return bytes([0x02, CLOCK, TIME_SIZE] + numbers + [ETX])


def decode_time(data: bytes) -> str:
    """What the clock shows, from the answer to `ASK_TIME` or from a command that sets it; local time.

    Raises:
        DecodeError: another frame.
    """
    if len(data) != TIME_FRAME or data[0] != 0x02 or data[1] not in (CLOCK, CLOCK_SHOWN):
        raise DecodeError("no time of the device's clock", 0)
    numbers = (CENTURY + data[3], data[4], data[5], data[6], data[7], data[8])
    return "%04d-%02d-%02dT%02d:%02d:%02d" % numbers
