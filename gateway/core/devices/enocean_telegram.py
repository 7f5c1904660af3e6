"""Radio telegrams of EnOcean as a transceiver hands them out, and which of them teach a device in.

    RADIO_ERP1 data:  RORG | payload | sender (4) | status
    optional:         sub telegrams | destination (4) | signal strength, -dBm | security level

Sources: EnOcean Serial Protocol 3 v1.47, EnOcean Equipment Profiles 2.6.7 (teach-in procedures).
"""

from gateway.core.errors import DecodeError
from gateway.core.framing import esp3
from gateway.core.model import require_bytes

RPS, ONE_BS, FOUR_BS, VLD, UTE = 0xF6, 0xD5, 0xA5, 0xD2, 0xD4
SECURE, SECURE_ENCAPSULATED, SECURE_TEACH_IN = 0x30, 0x31, 0x35
SECURED = (SECURE, SECURE_ENCAPSULATED)
PAYLOAD_SIZES = {RPS: 1, ONE_BS: 1, FOUR_BS: 4}
TAIL = 5  # sender and status
LEARN = 0x08  # in the last byte of 1BS and 4BS: clear where it teaches in
WITH_PROFILE = 0x80  # in the last byte of a 4BS teach-in: function, type and maker are in it
AUTHENTICATED_LEVEL = 3  # decrypted or authenticated by the transceiver: 3 and 4
T21, NU = 0x20, 0x10  # status bits of RPS: which sort of switch, and whether a button is named
HOPS = 0x0F


class Telegram:
    """One radio telegram.

    sender: `01:82:5D:AB`. rssi_dbm: None where the transceiver does not say. level: 0 for nobody has looked at its security.
    """

    __slots__ = ("destination", "level", "optional", "payload", "rorg", "rssi_dbm", "sender", "status")

    def __init__(self, rorg: int, payload: bytes, sender: str, status: int) -> None:
        self.rorg = rorg
        self.payload = payload
        self.sender = sender
        self.status = status
        self.destination = ""
        self.rssi_dbm: "int | None" = None
        self.level = 0
        self.optional = b""

    @property
    def is_verified(self) -> bool:
        """Whether the transceiver has found it to be from the sender that it names."""
        return self.level >= AUTHENTICATED_LEVEL


class Profile:
    """What a teach-in says of its sender: the profile as `A5-02-05`, "" where it does not say, and the maker's number."""

    __slots__ = ("maker", "name")

    def __init__(self, name: str, maker: "int | None" = None) -> None:
        self.name = name
        self.maker = maker


def sender_of(data: bytes) -> str:
    """Four bytes as people read them off a device."""
    return ":".join(["%02X" % byte for byte in data])


def decode_telegram(packet: esp3.Packet) -> Telegram:
    """The telegram of a packet.

    Raises:
        DecodeError: the packet holds none, or one too short for its sort.
    """
    data = packet.data
    if packet.type != esp3.RADIO_ERP1:
        raise DecodeError("packet type " + str(packet.type) + " is no radio telegram", 4)
    require_bytes(data, 0, 1 + TAIL, "telegram")
    size = PAYLOAD_SIZES.get(data[0])
    payload = data[1:-TAIL]
    if size is not None and len(payload) != size:
        raise DecodeError("payload of " + str(len(payload)) + " bytes, expected " + str(size), 1)
    telegram = Telegram(data[0], payload, sender_of(data[-TAIL:-1]), data[-1])
    optional = packet.optional
    telegram.optional = optional
    if len(optional) >= 6:
        telegram.destination = sender_of(optional[1:5])
        telegram.rssi_dbm = -optional[5]
    if len(optional) >= 7:
        telegram.level = optional[6]
    return telegram


def packet_of(telegram: Telegram) -> esp3.Packet:
    """The packet that `decode_telegram` takes it from."""
    sender = bytes.fromhex(telegram.sender.replace(":", ""))
    data = bytes([telegram.rorg]) + telegram.payload + sender + bytes([telegram.status])
    return esp3.Packet(esp3.RADIO_ERP1, data, telegram.optional)


def is_teach_in(telegram: Telegram) -> bool:
    """Whether it says who its sender is, and nothing that happened. A switch (RPS) has no such telegram."""
    if telegram.rorg in (ONE_BS, FOUR_BS):
        return not telegram.payload[-1] & LEARN
    return telegram.rorg in (UTE, SECURE_TEACH_IN)


def profile_of(telegram: Telegram) -> Profile:
    """What a teach-in says of its sender.

    Raises:
        DecodeError: a universal teach-in that is cut off.
    """
    payload = telegram.payload
    if telegram.rorg == ONE_BS:
        return Profile("D5-00-01")  # there is no other one
    if telegram.rorg == FOUR_BS and payload[3] & WITH_PROFILE:
        function, kind = payload[0] >> 2, (payload[0] & 3) << 5 | payload[1] >> 3
        return Profile(profile_name(FOUR_BS, function, kind), (payload[1] & 7) << 8 | payload[2])
    if telegram.rorg == UTE:
        require_bytes(payload, 0, 7, "teach-in")
        # request, channels, maker (low byte first), type, function, RORG
        return Profile(profile_name(payload[6], payload[5], payload[4]), payload[2] | (payload[3] & 7) << 8)
    return Profile("")


def profile_name(rorg: int, function: int, kind: int) -> str:
    """`A5-02-05`."""
    return "%02X-%02X-%02X" % (rorg, function, kind)
