"""Packets of the EnOcean Serial Protocol 3 (version 1.47): what a transceiver says on its line, and what it is told.

    55 | data length (2) | optional length | type | CRC-8 of these four | data | optional data | CRC-8 of both

High byte first. A length that no packet of a home has is no packet: the specification allows 65,535 bytes, and a false
beginning would make every true one wait for them.
"""

from gateway.core.crc import crc8
from gateway.core.errors import DecodeError
from gateway.core.framing.scan import MORE, NONE, Scanner
from gateway.core.model import require_bytes

SYNC = 0x55
HEADER_SIZE = 6  # with the CRC of the header
MOST_DATA = 300  # a radio telegram has 5 to 25 bytes, one that is put together of several at most 256
MOST_OPTIONAL = 32
MOST_PACKET = HEADER_SIZE + MOST_DATA + MOST_OPTIONAL + 1
GAP_MS = 100  # between two bytes of a packet (ESP3, 1.6.2)

RADIO_ERP1, RESPONSE, RADIO_SUB_TEL, EVENT, COMMON_COMMAND = 1, 2, 3, 4, 5
SMART_ACK, REMOTE_MAN, RADIO_MESSAGE, RADIO_ERP2 = 6, 7, 9, 10
NAMES = {
    RADIO_ERP1: "radio_erp1",
    RESPONSE: "response",
    RADIO_SUB_TEL: "radio_sub_tel",
    EVENT: "event",
    COMMON_COMMAND: "common_command",
    SMART_ACK: "smart_ack",
    REMOTE_MAN: "remote_man",
    RADIO_MESSAGE: "radio_message",
    RADIO_ERP2: "radio_erp2",
}


class Packet:
    """One packet: its type, data, and optional data."""

    __slots__ = ("data", "optional", "type")

    def __init__(self, packet_type: int, data: bytes, optional: bytes = b"") -> None:
        self.type = packet_type
        self.data = data
        self.optional = optional


def encode(packet: Packet) -> bytes:
    """A packet as bytes for the line."""
    header = len(packet.data).to_bytes(2, "big") + bytes([len(packet.optional), packet.type])
    body = packet.data + packet.optional
    return bytes([SYNC]) + header + bytes([crc8(header)]) + body + bytes([crc8(body)])


def decode(data: bytes) -> Packet:
    """One whole packet.

    Raises:
        DecodeError: cut off, another start, a CRC that does not hold, or bytes behind.
    """
    require_bytes(data, 0, HEADER_SIZE, "header")
    if data[0] != SYNC:
        raise DecodeError("no start byte", 0)
    if crc8(data[1:5]) != data[5]:
        raise DecodeError("the CRC of the header does not hold", 5)
    size, optional = data[1] << 8 | data[2], data[3]
    require_bytes(data, HEADER_SIZE, size + optional + 1, "packet")
    end = HEADER_SIZE + size + optional
    if crc8(data[HEADER_SIZE:end]) != data[end]:
        raise DecodeError("the CRC of the data does not hold", end)
    if len(data) > end + 1:
        raise DecodeError(str(len(data) - end - 1) + " bytes behind the packet", end + 1)
    return Packet(data[4], data[HEADER_SIZE : HEADER_SIZE + size], data[HEADER_SIZE + size : end])


def measure(data: bytearray, at: int) -> int:
    """For `Scanner`."""
    if data[at] != SYNC:
        return NONE
    if len(data) - at < HEADER_SIZE:
        return MORE
    if crc8(data[at + 1 : at + 5]) != data[at + 5]:
        return NONE
    size, optional = data[at + 1] << 8 | data[at + 2], data[at + 3]
    if not 0 < size <= MOST_DATA or optional > MOST_OPTIONAL:
        return NONE
    end = at + HEADER_SIZE + size + optional
    if len(data) <= end:
        return MORE
    return HEADER_SIZE + size + optional + 1 if crc8(data[at + HEADER_SIZE : end]) == data[end] else NONE


def scanner() -> Scanner:
    """Cuts a stream into packets."""
    return Scanner(measure, MOST_PACKET)
