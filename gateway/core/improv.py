"""Improv Wi-Fi: the words of its two ways, Bluetooth (revision 2.4) and serial, as bytes. Source: improv-wifi/website, src/ble.md, src/serial.md.

    Bluetooth, command   command | length of data | data | checksum
    Bluetooth, result    command | length of strings | (length string)* | checksum
    serial               "IMPROV" | 1 | sort | length of data | data | checksum

The checksum is the low byte of the sum of all bytes before it. Over a serial line command and result have no checksum of their own:
the packet's covers them. Command 2 asks for the state there, and over Bluetooth to be shown which box is meant.

A password passes through here and is in no message of an error.
"""

from gateway.core.errors import DecodeError
from gateway.core.framing.scan import MORE, NONE, Scanner

SERVICE = "00467768-6228-2272-4663-277478268000"
STATE, ERROR, COMMAND, RESULT, CAPABILITIES = [SERVICE[:-1] + digit for digit in "12345"]
SERVICE_DATA = "4677"  # UUID of what is advertised: state, capabilities, four zeros

# Current state.
UNAUTHORISED, AUTHORISED, PROVISIONING, PROVISIONED = 1, 2, 3, 4
STATES = (UNAUTHORISED, AUTHORISED, PROVISIONING, PROVISIONED)
# Error.
NO_ERROR, INVALID, UNKNOWN_COMMAND, NO_CONNECTION, NOT_AUTHORISED, BAD_HOSTNAME, UNKNOWN = (
    0,
    1,
    2,
    3,
    4,
    5,
    255,
)
# Commands.
WIFI, IDENTIFY, INFO, SCAN, HOSTNAME, NAME = 1, 2, 3, 4, 5, 6
CURRENT_STATE = 2  # over a serial line
# Capabilities, as bits.
CAN_IDENTIFY, CAN_INFO, CAN_SCAN, CAN_HOSTNAME = 1, 2, 4, 8

HEADER, VERSION = b"IMPROV", 1
SORT_STATE, SORT_ERROR, SORT_COMMAND, SORT_RESULT = 1, 2, 3, 4
HEAD_SIZE = len(HEADER) + 3
LONGEST_DATA = 255
LONGEST_PACKET = HEAD_SIZE + LONGEST_DATA + 1
LONGEST_MESSAGE = 2 + LONGEST_DATA + 1  # a command or a result over Bluetooth
LONGEST_SSID = 32  # IEEE 802.11, 9.4.2.2
LONGEST_PASSWORD = 63  # WPA2 passphrase, 8 to 63; 64 hex digits are a key


class Message:
    """A command or a result: what is asked or answered, and its data."""

    __slots__ = ("command", "data")

    def __init__(self, command: int, data: bytes) -> None:
        self.command = command
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and (self.command, self.data) == (other.command, other.data)

    def __hash__(self) -> int:
        return hash((self.command, self.data))


class Packet:
    """One packet of a serial line."""

    __slots__ = ("data", "sort")

    def __init__(self, sort: int, data: bytes) -> None:
        self.sort = sort
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packet) and (self.sort, self.data) == (other.sort, other.data)

    def __hash__(self) -> int:
        return hash((self.sort, self.data))


def checksum(data: bytes) -> int:
    """Low byte of the sum."""
    return sum(data) & 0xFF


# --- commands and results -------------------------------------------------------------------------------------------


def encode_message(command: int, data: bytes = b"") -> bytes:
    """A command or a result without checksum. Raises ValueError where the data is too long."""
    if len(data) > LONGEST_DATA:
        raise ValueError("data of more than 255 bytes")
    return bytes([command, len(data)]) + data


def decode_message(data: bytes) -> Message:
    """A whole message without checksum. Raises DecodeError."""
    if len(data) < 2:
        raise DecodeError("Improv: a message of less than two bytes", len(data))
    if len(data) != 2 + data[1]:
        raise DecodeError("Improv: the length of the data is not what is announced", 1)
    return Message(data[0], bytes(data[2:]))


def seal(message: bytes) -> bytes:
    """A message with the checksum that Bluetooth wants."""
    return message + bytes([checksum(message)])


def unseal(data: bytes) -> Message:
    """A whole message with its checksum. Raises DecodeError."""
    if not data or checksum(data[:-1]) != data[-1]:
        raise DecodeError("Improv: the checksum does not hold", max(0, len(data) - 1))
    return decode_message(data[:-1])


def encode_strings(strings: "list[str]") -> bytes:
    """Strings of a result, each with its length. Raises ValueError where they do not fit."""
    out = bytearray()
    for text in strings:
        encoded = text.encode()
        if len(encoded) > LONGEST_DATA:
            raise ValueError("a string of more than 255 bytes")
        out.append(len(encoded))
        out.extend(encoded)
    if len(out) > LONGEST_DATA:
        raise ValueError("strings of more than 255 bytes together")
    return bytes(out)


def decode_strings(data: bytes) -> "list[str]":
    """Strings of a result or of a command. Raises DecodeError."""
    strings = []
    at = 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            raise DecodeError("Improv: a string passes the end", at)
        strings.append(text_of(data[at + 1 : end], at))
        at = end
    return strings


def text_of(data: bytes, at: int) -> str:
    """UTF-8 as text. Raises DecodeError."""
    try:
        return str(bytes(data), "utf-8")
    except UnicodeError:
        raise DecodeError("Improv: a string is no UTF-8", at)


def wifi_data(ssid: str, password: str) -> bytes:
    """Data of the command that sends a network and its password. Raises ValueError where they do not fit."""
    if not 0 < len(ssid.encode()) <= LONGEST_SSID or len(password.encode()) > LONGEST_PASSWORD + 1:
        raise ValueError("a network's name has 1 to 32 bytes, a password at most 64")
    return encode_strings([ssid, password])


def decode_wifi(data: bytes) -> "tuple[str, str]":
    """(name of the network, password). Raises DecodeError, which holds neither."""
    strings = decode_strings(data)
    if len(strings) != 2:
        raise DecodeError("Improv: a network and a password were expected", 0)
    ssid, password = strings
    if not 0 < len(ssid.encode()) <= LONGEST_SSID:
        raise DecodeError("Improv: a network's name has 1 to 32 bytes", 0)
    if len(password.encode()) > LONGEST_PASSWORD + 1:
        raise DecodeError("Improv: a password has at most 64 bytes", 1 + len(ssid.encode()))
    return ssid, password


class Assembly:
    """Puts a command together from the writes of a Bluetooth client, each as long as its link allows.

    A client that stops in the middle, or writes nonsense, must not leave its rest to the next command: `reset` at each connection.
    """

    def __init__(self) -> None:
        self.held = bytearray()

    def reset(self) -> None:
        """Forget what came."""
        self.held = bytearray()

    def push(self, data: bytes) -> "Message | None":
        """The command that is whole now, or None while bytes are missing. Raises DecodeError, and has forgotten what came."""
        self.held.extend(data)
        size = 3 + self.held[1] if len(self.held) >= 2 else 3
        if len(self.held) < size:
            return None
        whole = bytes(self.held)
        self.reset()
        if len(whole) > size:
            raise DecodeError("Improv: more bytes than the message has", size)
        return unseal(whole)


def advertised(state: int, capabilities: int) -> bytes:
    """Service data of an advertisement."""
    return bytes([state, capabilities, 0, 0, 0, 0])


# --- packets of a serial line ----------------------------------------------------------------------------------------


def encode_packet(sort: int, data: bytes) -> bytes:
    """A packet. Raises ValueError where the data is too long."""
    if len(data) > LONGEST_DATA:
        raise ValueError("data of more than 255 bytes")
    packet = HEADER + bytes([VERSION, sort, len(data)]) + data
    return packet + bytes([checksum(packet)])


def measure(held: bytearray, at: int) -> int:
    """Size of the packet that begins at an offset, as `Scanner` asks for it: one whose checksum does not hold is none."""
    have = len(held) - at
    head = bytes(held[at : at + len(HEADER)])
    if head != HEADER[: len(head)]:
        return NONE
    if have > len(HEADER) and held[at + len(HEADER)] != VERSION:
        return NONE
    if have < HEAD_SIZE:
        return MORE
    size = HEAD_SIZE + held[at + HEAD_SIZE - 1] + 1
    if have < size:
        return MORE
    return size if checksum(bytes(held[at : at + size - 1])) == held[at + size - 1] else NONE


class PacketReader:
    """Finds packets among the text of a console, however it is cut into pieces; what is none is passed over."""

    def __init__(self) -> None:
        self.scanner = Scanner(measure, LONGEST_PACKET)

    def push(self, data: bytes) -> "list[Packet]":
        """Packets that `data` completes, in order."""
        return packets_of(self.scanner.push(data))

    def look_past(self) -> "list[Packet]":
        """Packets behind what seemed to begin one, where the line has been quiet for a moment."""
        return packets_of(self.scanner.look_past())


def packets_of(found: "list[bytes | DecodeError]") -> "list[Packet]":
    """What of it are packets."""
    return [
        Packet(frame[len(HEADER) + 1], frame[HEAD_SIZE:-1]) for frame in found if isinstance(frame, bytes)
    ]
