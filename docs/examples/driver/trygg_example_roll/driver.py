"""A dispenser that does not exist, on a serial line. Its protocol is made up: see README.md of this package.

What every driver does, and this one shows: bytes in, a `Reading` out; no I/O, no clock of its own, nothing held without a
bound; what must survive a power cut goes into `state`, beside the observations that moved it; and the device is told to forget
an entry by `send_after`, which the hub sends when the entry is stored.
"""

from gateway.core.devices.contract import CAPABILITIES
from gateway.core.devices.driver import MALFORMED, REPEATED, Reading, SerialDriver
from gateway.core.errors import DecodeError
from gateway.core.model import Observation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.driver import Context

LONGEST = 96  # bytes of a frame; what is longer is noise
SILENT_MS = 180_000
BEGIN, CHECK, END = b"$", b"*", b"\r\n"

# word of the device: kind of the hub's one vocabulary, and values that come with it
WORDS = {
    "PLAN": ("dose.planned", {}),
    "OUT": ("dose.dispensed", {}),
    "TAKEN": ("dose.collected", {"collected_by": "resident"}),
    "NURSE": ("dose.collected", {"collected_by": "carer"}),
    "TRIP": ("dose.collected", {"collected_by": "travel"}),
    "LATE": ("dose.missed", {"cause": "not_collected"}),
    "EARLY": ("dose.wrong_time", {"collected_by": "resident"}),
    "FEW": ("refill.due", {"cause": "few_left"}),
    "FILLED": ("refill.done", {}),
    "STUCK": ("dispenser.jammed", {"cause": "roll_stuck"}),
    "FREE": ("dispenser.released", {}),
    "LID1": ("lid.opened", {}),
    "LID0": ("lid.closed", {}),
    "FORCE": ("tamper.detected", {"cause": "break_in"}),
    "CALM": ("tamper.cleared", {}),
    "BATT0": ("battery.low", {}),
    "BATT1": ("battery.restored", {}),
    "MAINS0": ("mains.lost", {}),
    "MAINS1": ("mains.restored", {}),
}
LETTERS = {
    "M": "multidose_roll",
    "T": "tray",
    "L": "lock",
    "S": "sound",
    "I": "light",
    "D": "screen",
    "B": "battery",
    "P": "mains_sense",
}
WINDOW_MS = 3_600_000  # in which this device waits for a dose to be collected


def crc16(data: bytes) -> int:
    """CRC-16/IBM-3740; over `123456789` it is 29B1."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1
    return crc


def frame(body: str) -> bytes:
    """A body as it goes to the line."""
    data = body.encode()
    return BEGIN + data + CHECK + "{:04X}".format(crc16(data)).encode() + END


def body_of(line: bytes) -> "list[str]":
    """Fields of a line without its end. Raises DecodeError."""
    data, star, check = line[1:].partition(CHECK)
    if not star or line[:1] != BEGIN:
        raise DecodeError("no frame", 0)
    if check.upper() != "{:04X}".format(crc16(data)).encode():
        raise DecodeError("the check does not hold", len(line))
    if not all([32 <= byte < 127 for byte in data]):
        raise DecodeError("not plain text", 1)
    return data.decode().split(",")


def whole(text: str) -> int:
    """A number of the device. Raises DecodeError."""
    if not text or len(text) > 12 or not all([each in "0123456789" for each in text]):
        raise DecodeError("not a number: " + text[:12])
    return int(text)


class ExampleRoll(SerialDriver):
    """The dispenser of README.md. It is read; nothing here can make it put out a dose."""

    name = "example_roll"
    contract = 1
    baud = 9_600
    interval_s = 60
    kinds = tuple(sorted({row[0] for row in WORDS.values()})) + ("device.described", "problem.detected")

    def __init__(self, context: "Context") -> None:
        super().__init__(context)
        self.held = b""
        self.heard_ms: "int | None" = None

    # --- the contract ---------------------------------------------------------------------------------------------

    def can(self, described: "dict[str, str]") -> "list[str]":
        """By the letters of its last description."""
        features = described.get("features", "")
        bits = int(features) if features and all([each in "0123456789" for each in features]) else 0
        return [CAPABILITIES[at] for at in range(len(CAPABILITIES)) if bits >> at & 1]

    def opened(self, now_ms: int, utc_ms: "int | None") -> Reading:
        self.held = b""
        self.heard_ms = now_ms
        return Reading(heard=False, send=[frame("HI")])

    def received(self, data: bytes, now_ms: int, utc_ms: "int | None") -> Reading:
        reading = Reading(heard=False)
        moved = self.cursor()
        lines = (self.held + data).split(END)
        self.held = lines.pop()[-LONGEST:]
        for line in lines:
            found = line[max(0, line.rfind(BEGIN)) :]  # garbage before a frame is no part of it
            if found:
                moved = self.take(found[-LONGEST:], moved, reading)
        if reading.heard:
            self.heard_ms = now_ms
        if moved != self.cursor() and moved is not None:
            reading.state["cursor"] = moved[0].encode() + moved[1].to_bytes(8, "big")
        return reading

    def due(self, now_ms: int, utc_ms: "int | None") -> Reading:
        self.heard_ms = now_ms
        return Reading(heard=False, send=[frame("HI")])

    def next_due_ms(self, now_ms: int) -> "int | None":
        return None if self.heard_ms is None else self.heard_ms + SILENT_MS

    # --- the device -------------------------------------------------------------------------------------------------

    def cursor(self) -> "tuple[str, int] | None":
        """(log, number) of the last entry that is stored, as the journal keeps it."""
        kept = self.context.stored("cursor")
        if kept is None or len(kept) != 16 or not all([byte in b"0123456789ABCDEF" for byte in kept[:8]]):
            return None
        return kept[:8].decode(), int.from_bytes(kept[8:], "big")

    def take(
        self, line: bytes, cursor: "tuple[str, int] | None", reading: Reading
    ) -> "tuple[str, int] | None":
        """One line; the cursor after it."""
        try:
            fields = body_of(line)
            reading.heard = True
            if fields[0] == "EV" and len(fields) == 7:
                return self.entry(fields, cursor, reading)
            if fields[0] == "HI" and len(fields) == 4:
                reading.observations.append(described(fields))
            elif fields != ["OK"]:
                reading.refused = (MALFORMED, "a body that is not known: " + fields[0][:12])
        except DecodeError as error:
            reading.refused = (MALFORMED, str(error))
        return cursor

    def entry(
        self, fields: "list[str]", cursor: "tuple[str, int] | None", reading: Reading
    ) -> "tuple[str, int] | None":
        """One entry of the log. Raises DecodeError."""
        log, number = fields[1].upper(), whole(fields[2])
        if len(log) != 8 or not all([each in "0123456789ABCDEF" for each in log]) or number == 0:
            raise DecodeError("no log and number")
        acknowledged = frame("AK," + log + "," + str(number))
        if cursor is not None and cursor[0] == log and number <= cursor[1]:
            reading.refused = (REPEATED, "entry " + str(number) + " again")
            reading.send_after.append(acknowledged)  # its acknowledgement was lost
            return cursor
        if cursor is not None and cursor[0] == log and number > cursor[1] + 1:
            reading.send.append(
                frame("HI")
            )  # one is missing: the device begins again after what was acknowledged
            return cursor
        try:
            told = observation(fields, log, number)
        except DecodeError as error:  # kept as it came: one bad entry must not hold back those behind it
            told = unread(fields, log, number, str(error))
        reading.observations.append(told)
        reading.send_after.append(acknowledged)
        return log, number


def described(fields: "list[str]") -> Observation:
    """What the device is, and what it has."""
    words = [LETTERS[letter] for letter in fields[3] if letter in LETTERS]
    bits = sum([1 << CAPABILITIES.index(word) for word in set(words)])
    values: "dict[str, object]" = {
        "maker": "Example",
        "model": fields[1][:24],
        "serial_number": fields[2][:24],
    }
    values["features"] = bits
    return Observation("device.described", values)


def unread(fields: "list[str]", log: str, number: int, why: str) -> Observation:
    """An entry that cannot be read."""
    values: "dict[str, object]" = {"log_number": number, "reason": why, "raw": ",".join(fields).encode()}
    return Observation("problem.detected", values, log.encode() + number.to_bytes(8, "big"))


def observation(fields: "list[str]", log: str, number: int) -> Observation:
    """One entry in the words of the hub. Raises DecodeError."""
    row = WORDS.get(fields[3])
    if row is None:
        raise DecodeError("a word that is not known: " + fields[3][:12])
    values: "dict[str, object]" = {"log_number": number}
    values.update(row[1])
    if row[0].startswith("dose."):
        planned_ms = 1000 * whole(fields[5])
        values["dose_id"] = whole(fields[4])
        values["planned_utc_ms"] = planned_ms
        if row[0] == "dose.planned":
            values["window_end_utc_ms"] = planned_ms + WINDOW_MS
    if fields[6]:
        values["remaining_doses"] = whole(fields[6])
    return Observation(row[0], values, log.encode() + number.to_bytes(8, "big"))
