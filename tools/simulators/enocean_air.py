"""EnOcean sensors and the transceiver that hears them, as its line sees them; portable.

transceiver = TransceiverDevice()
line.send(transceiver.received(data))      # answers to what the hub asks
line.send(transceiver.hears(CONTACT, contact(is_closed=True)))
"""

from gateway.core.framing import esp3

RPS, ONE_BS, FOUR_BS = 0xF6, 0xD5, 0xA5
READ_VERSION, READ_BASE_ID = 0x03, 0x08
STRENGTH_DBM = -62
SMOKE, NO_SMOKE, LOW = b"\x10", b"\x00", b"\x30"
HANDLES = {"closed": 0xF0, "open": 0xE0, "tilted": 0xD0}
NAME = b"GATEWAYCTRL"


def contact(is_closed: bool) -> "tuple[int, bytes]":
    """D5-00-01."""
    return ONE_BS, bytes([0x09 if is_closed else 0x08])


def contact_teach_in() -> "tuple[int, bytes]":
    """The button of a contact was pressed."""
    return ONE_BS, b"\x00"


def handle(position: str) -> "tuple[int, bytes]":
    """F6-10-00."""
    return RPS, bytes([HANDLES[position] | 3])


def smoke(code: bytes) -> "tuple[int, bytes]":
    """F6-05-02."""
    return RPS, code


def rocker(code: int) -> "tuple[int, bytes]":
    """F6-02: a button goes down (0 AI, 1 AO, 2 BI, 3 BO), or with -1 all go up."""
    return RPS, bytes([0x10 | code << 5]) if code >= 0 else b"\x00"


def multisensor(celsius: int, inputs: int, wake: bool = False) -> "tuple[int, bytes]":
    """A5-30-03; `inputs` has a bit for each input that is high."""
    return FOUR_BS, bytes([0, 255 - celsius * 255 // 40, (0x10 if wake else 0) | inputs, 0x08])


def four_bs_teach_in(function: int, kind: int, maker: int) -> "tuple[int, bytes]":
    """A teach-in that names its profile."""
    return FOUR_BS, bytes([function << 2 | kind >> 5, (kind & 31) << 3 | maker >> 8, maker & 0xFF, 0x80])


def telegram(
    sender: str, said: "tuple[int, bytes]", level: int = 0, dbm: int = STRENGTH_DBM, hops: int = 0
) -> bytes:
    """A telegram as the transceiver hands it out."""
    rorg, payload = said
    status = hops | (0x30 if rorg == RPS and payload[0] & 0x10 else 0x20 if rorg == RPS else 0)
    data = bytes([rorg]) + payload + bytes.fromhex(sender.replace(":", "")) + bytes([status])
    optional = b"\x01\xff\xff\xff\xff" + bytes([-dbm, level])
    return esp3.encode(esp3.Packet(esp3.RADIO_ERP1, data, optional))


class TransceiverDevice:
    """What sits on the line. `hangs`: it answers nothing and hears nothing. asked: commands it was given."""

    def __init__(self, base_id: str = "FF:87:CA:00") -> None:
        self.base_id = base_id
        self.hangs = False
        self.scanner = esp3.scanner()
        self.asked: list[int] = []

    def received(self, data: bytes) -> bytes:
        """What the hub said; what is answered."""
        out = b""
        for item in self.scanner.push(data):
            if isinstance(item, bytes) and not self.hangs:
                packet = esp3.decode(item)
                if packet.type == esp3.COMMON_COMMAND:
                    self.asked.append(packet.data[0])
                    out += self.answer(packet.data[0])
        return out

    def answer(self, command: int) -> bytes:
        """The answer to a command; 2 is "not supported"."""
        data = b"\x02"
        if command == READ_VERSION:
            data = b"\x00" + b"\x02\x0b\x01\x00" + b"\x02\x06\x03\x00" + b"\x01\x9f\x4a\x11"
            data += b"\x45\x4f\x01\x03" + NAME + bytes(16 - len(NAME))
        elif command == READ_BASE_ID:
            data = b"\x00" + bytes.fromhex(self.base_id.replace(":", ""))
        return esp3.encode(esp3.Packet(esp3.RESPONSE, data))

    def hears(self, sender: str, said: "tuple[int, bytes]", level: int = 0) -> bytes:
        """A sensor sends; what the transceiver says on its line."""
        return b"" if self.hangs else telegram(sender, said, level)
