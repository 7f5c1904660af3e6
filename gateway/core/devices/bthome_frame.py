"""BTHome v2 service data to named values: one pass over the object table, no state.

Source: bthome.io, format and encryption pages, revision 0cf388b. A frame is `info u8 | objects`, or encrypted
`info u8 | ciphertext | counter u32 | tag 4`. An object of which the length is not known ends the reading, as the
specification asks; so does one that is cut off. What stands whole before it is kept: a smoke alarm is not lost
because something behind it is new or damaged.
"""

from gateway.core.cbor import decode_text
from gateway.core.devices.bthome_objects import (
    BUTTON,
    BUTTON_EVENTS,
    COMMAND,
    COMMANDS,
    DIMMER,
    DIMMER_EVENTS,
    FLAG,
    NO_PRESS,
    OBJECTS,
    RAW,
    SIGNED,
    TEXT,
    TIMESTAMP,
    VERSION,
)
from gateway.core.errors import DecodeError
from gateway.core.model import Decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

UUID = "fcd2"
VERSION_2 = 2
INFO_ENCRYPTED, INFO_ADDRESS, INFO_TRIGGER = 0x01, 0x02, 0x04
ADDRESS_SIZE = 6
LONGEST = 252  # what one AD structure holds besides its length, type and UUID
COUNTER_SIZE = TAG_SIZE = 4


class Frame:
    """What one frame said.

    values: by name; a repeated object's name ends in `_2`, `_3`. names: their order in the frame.
    buttons: how many button objects stood in it. presses: (name, word) of each button event that is a press; a code the specification does not define is
    `unknown_<code>` here and nowhere else. notes: (offset, plain words) of what was met and not read.
    broken: the note of an object that was cut off, or None. packet_id: or None.
    """

    __slots__ = ("broken", "buttons", "names", "notes", "packet_id", "presses", "repeats", "values")

    def __init__(self) -> None:
        self.values: "dict[str, object]" = {}
        self.names: "list[str]" = []
        self.repeats: "dict[str, int]" = {}
        self.buttons = 0
        self.presses: "list[tuple[str, str]]" = []
        self.notes: "list[tuple[int, str]]" = []
        self.broken: "tuple[int, str] | None" = None
        self.packet_id: "int | None" = None

    def add(self, name: str, value: object) -> str:
        """Keep a value under its name or the next free form of it; that form."""
        if name in self.values:
            name = self.free(name)
        self.values[name] = value
        self.names.append(name)
        return name

    def free(self, name: str) -> str:
        """`name` with the next number."""
        number = self.repeats.get(name, 1) + 1
        self.repeats[name] = number
        return name + "_" + str(number)


class Header:
    """The part of a frame that is never encrypted, and where the rest of it lies."""

    __slots__ = ("counter", "encrypted", "offset", "trigger")

    def __init__(self, encrypted: bool, trigger: bool, offset: int, counter: int) -> None:
        self.encrypted = encrypted
        self.trigger = trigger
        self.offset = offset
        self.counter = counter


def decode_header(data: bytes) -> Header:
    """Version, flags, and the counter (-1 in a plain frame).

    Bit 1 of the info byte is reserved; senders of an older draft set it and put the address before the objects.

    Raises:
        DecodeError: not version 2, or too short to hold what the info byte announces.
    """
    if not data:
        raise DecodeError("no info byte: the frame is empty", 0)
    if len(data) > LONGEST:
        raise DecodeError("a frame has at most " + str(LONGEST) + " bytes, found " + str(len(data)), LONGEST)
    info = data[0]
    if info >> 5 != VERSION_2:
        raise DecodeError("BTHome version " + str(info >> 5) + " in the info byte, expected 2", 0)
    offset = 1 + ADDRESS_SIZE if info & INFO_ADDRESS else 1
    encrypted = bool(info & INFO_ENCRYPTED)
    counter = -1
    least = offset
    if encrypted:
        least += 1 + COUNTER_SIZE + TAG_SIZE
    if len(data) < least:
        kind = "an encrypted frame" if encrypted else "a frame with an address"
        raise DecodeError(
            kind + " needs at least " + str(least) + " bytes, found " + str(len(data)), len(data)
        )
    if encrypted:
        counter = int.from_bytes(data[-8:-4], "little")
    return Header(encrypted, bool(info & INFO_TRIGGER), offset, counter)


def open_frame(
    data: bytes, header: Header, address: bytes, decrypt: "Callable[[bytes, bytes, bytes], bytes]"
) -> bytes:
    """Objects of an encrypted frame. `decrypt(nonce, ciphertext, tag)` is AES-128-CCM with the device's key.

    address: 6 bytes in printed order. What `decrypt` raises passes through.
    """
    counter_at = len(data) - COUNTER_SIZE - TAG_SIZE
    nonce = address + b"\xd2\xfc" + data[:1] + data[counter_at : counter_at + COUNTER_SIZE]
    return decrypt(nonce, data[header.offset : counter_at], data[-TAG_SIZE:])


def decode_objects(data: bytes, offset: int = 0) -> Frame:
    """The objects in `data` from `offset`, by name.

    Raises:
        DecodeError: the first object is cut off, so that nothing at all could be read.
    """
    frame = Frame()
    values = frame.values
    names = frame.names
    end = len(data)
    at = offset
    while at < end:
        row = OBJECTS.get(data[at])
        if row is None:
            frame.notes.append(
                (at, "object " + hex(data[at]) + " is not known; it and the rest are not read")
            )
            break
        name, form, size, digits, exponent = row
        start = at + 1
        at = start + size
        if form >= TEXT and at <= end:
            at += data[start]
        elif form == COMMAND and at <= end:
            at += data[start] & 0x1F
        if at > end:
            cut(frame, name, start - 1, at, end)
            break
        if form <= SIGNED:
            raw = int.from_bytes(data[start:at], "little") if size > 1 else data[start]
            if form == SIGNED and raw >> (8 * size - 1):
                raw -= 1 << (8 * size)
            raw *= digits
            value: "object" = Decimal(raw, exponent) if exponent else raw
        elif form == FLAG:
            value = data[start] != 0
        else:
            SPECIAL[form](frame, name, data, start, at)
            continue
        if name in values:
            name = frame.free(name)
        values[name] = value
        names.append(name)
    packet_id = values.get("packet_id")
    if packet_id is not None:
        frame.packet_id = packet_id  # type: ignore[assignment]  # the table makes it an integer
    return frame


def cut(frame: Frame, name: str, at: int, stop: int, end: int) -> None:
    """Note that an object was cut off; refuse where it is the first."""
    text = name + " at byte " + str(at) + " is cut off: " + str(stop - end) + " bytes are missing"
    if not frame.names:
        raise DecodeError(text, end)
    frame.broken = (end, text)
    frame.notes.append(frame.broken)


def read_version(frame: Frame, name: str, data: bytes, start: int, stop: int) -> None:
    """`00 01 02 04` is 4.2.1.0."""
    parts = [str(data[at]) for at in range(stop - 1, start - 1, -1)]
    frame.add(name, ".".join(parts))


def read_timestamp(frame: Frame, name: str, data: bytes, start: int, stop: int) -> None:
    """Seconds since 1970 UTC, written as ISO 8601."""
    frame.add(name, iso_utc(int.from_bytes(data[start:stop], "little")))


def read_button(frame: Frame, name: str, data: bytes, start: int, _stop: int) -> None:
    """A press by its word. `none` holds the place of a button of several that was not pressed."""
    code = data[start]
    word = BUTTON_EVENTS.get(code)
    frame.buttons += 1
    if frame.buttons > 1:
        name += "_" + str(frame.buttons)
    if word is None:
        frame.notes.append((start, "button event " + hex(code) + " is not defined"))
        frame.presses.append((name, "unknown_" + str(code)))
        return
    frame.add(name, word)
    if word not in NO_PRESS:
        frame.presses.append((name, word))


def read_dimmer(frame: Frame, name: str, data: bytes, start: int, _stop: int) -> None:
    """A turn by its word, and its steps beside it."""
    word = DIMMER_EVENTS.get(data[start])
    if word is None:
        frame.notes.append((start, "dimmer event " + hex(data[start]) + " is not defined"))
        return
    added = frame.add(name, word)
    frame.add(name + "_steps" + added[len(name) :], data[start + 1])


def read_command(frame: Frame, name: str, data: bytes, start: int, stop: int) -> None:
    """`length (low 5 bits) | opcode | arguments`; the one argument of a step is how many."""
    code = data[start + 1]
    word = COMMANDS.get(code)
    if word is None:
        frame.notes.append((start + 1, "command " + hex(code) + " is not defined"))
        return
    added = frame.add(name, word)
    if stop > start + 2:
        frame.add(name + "_steps" + added[len(name) :], int.from_bytes(data[start + 2 : stop], "little"))


def read_text(frame: Frame, name: str, data: bytes, start: int, stop: int) -> None:
    """`length | UTF-8`; what is no UTF-8 is noted and left out."""
    try:
        frame.add(name, decode_text(bytes(data[start + 1 : stop])))
    except DecodeError:
        frame.notes.append((start + 1, "text is not UTF-8"))


def read_raw(frame: Frame, name: str, data: bytes, start: int, stop: int) -> None:
    """`length | bytes`."""
    frame.add(name, bytes(data[start + 1 : stop]))


SPECIAL = {
    VERSION: read_version,
    TIMESTAMP: read_timestamp,
    BUTTON: read_button,
    DIMMER: read_dimmer,
    COMMAND: read_command,
    TEXT: read_text,
    RAW: read_raw,
}


def iso_utc(seconds: int) -> str:
    """Seconds since 1970 as `2023-05-14T19:41:17+00:00`."""
    # Days to a date as in Howard Hinnant's "chrono-compatible low-level date algorithms": years begin in March,
    # so the leap day is the last of its year.
    days, second = divmod(seconds, 86_400)
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + 400 * era + (1 if month <= 2 else 0)
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    return "%04d-%02d-%02dT%02d:%02d:%02d+00:00" % (
        year,
        month,
        day,
        second // 3600,
        second // 60 % 60,
        second % 60,
    )
