"""The transceiver of EnOcean on a serial line (USB 300, TCM 310): start-up, sign of life, and the telegrams that it hears.

At the opening of the line it is asked for its version and its base id, each up to three times, 500 ms apart (ESP3, 1.6.3). Then
its version is asked for once a minute: a transceiver that hangs would else be noticed only when sensors fall silent. One that does
not answer is asked again ten seconds later, and is then `unanswered` until it does; what it hears meanwhile counts all the same.
"""

from gateway.core.devices.driver import MALFORMED, Reading, SerialDriver
from gateway.core.devices.enocean_telegram import Telegram, decode_telegram, sender_of
from gateway.core.errors import DecodeError
from gateway.core.framing import esp3

READ_VERSION, READ_BASE_ID = 0x03, 0x08
RESPONSE_MS = 500
TRIES = 3
LOOK_MS = 60_000
AGAIN_MS = 10_000  # after a question without an answer: by then what another device says on the line is known for that
RET_OK = 0x00
VERSION_SIZE = 33
DESCRIPTION_AT = 17


class Version:
    """What a transceiver says it is: `application` and `api` as 1.2.3.4, `chip` its own number, and its name."""

    __slots__ = ("api", "application", "chip", "name")

    def __init__(self, data: bytes) -> None:
        self.application = ".".join([str(byte) for byte in data[1:5]])
        self.api = ".".join([str(byte) for byte in data[5:9]])
        self.chip = sender_of(data[9:13])
        name = data[DESCRIPTION_AT:VERSION_SIZE].split(b"\x00")[0]
        self.name = "".join([chr(byte) for byte in name if 32 <= byte < 127])


def request(command: int) -> bytes:
    """A common command without data."""
    return esp3.encode(esp3.Packet(esp3.COMMON_COMMAND, bytes([command])))


def decode_base_id(data: bytes) -> str:
    """The base id of an answer. Raises DecodeError where it is none."""
    if len(data) != 5 or data[0] != RET_OK:
        raise DecodeError("no base id in the answer", 0)
    return sender_of(data[1:5])


def decode_version(data: bytes) -> Version:
    """The version of an answer. Raises DecodeError where it is none."""
    if len(data) < VERSION_SIZE or data[0] != RET_OK:
        raise DecodeError("no version in the answer", 0)
    return Version(data)


class Transceiver(SerialDriver):
    """`heard_telegrams` holds what came with the last reading, in order. `version` and `base_id` are None until it has said them."""

    name = "enocean"
    baud = 57_600

    def __init__(self) -> None:
        self.scanner = esp3.scanner()
        self.heard_telegrams: "list[Telegram]" = []
        self.version: "Version | None" = None
        self.base_id: "str | None" = None
        self.asked = 0  # the command whose answer is awaited
        self.tries = 0
        self.missed = 0  # questions without an answer, in a row
        self.ask_at_ms: "int | None" = None
        self.quiet_at_ms: "int | None" = None
        self.unanswered = False

    # --- the driver's face --------------------------------------------------------------------------------------

    def opened(self, now_ms: int, utc_ms: "int | None") -> Reading:
        """Forget the half packet, ask who is there."""
        self.scanner.reset()
        self.heard_telegrams = []
        self.quiet_at_ms = None
        self.base_id = None
        reading = Reading(heard=False)
        self.ask(READ_VERSION, now_ms, reading)
        return reading

    def received(self, data: bytes, now_ms: int, utc_ms: "int | None") -> Reading:
        """Bytes from the line. `heard` where a whole packet came."""
        reading = Reading(heard=False)
        self.take(self.scanner.push(data), now_ms, reading)
        self.quiet_at_ms = now_ms + esp3.GAP_MS if self.scanner.waiting else None
        return reading

    def due(self, now_ms: int, utc_ms: "int | None") -> Reading:
        """Look behind a beginning that has not gone on; ask again, or look whether it is still there."""
        reading = Reading(heard=False)
        self.heard_telegrams = []
        if self.quiet_at_ms is not None and self.quiet_at_ms <= now_ms:
            self.quiet_at_ms = None
            self.take(self.scanner.look_past(), now_ms, reading)
        if self.ask_at_ms is not None and self.ask_at_ms <= now_ms:
            self.ask_again(now_ms, reading)
        return reading

    def next_due_ms(self, now_ms: int) -> "int | None":
        """For `due`."""
        times = [at for at in (self.ask_at_ms, self.quiet_at_ms) if at is not None]
        return min(times) if times else None

    # --- questions ----------------------------------------------------------------------------------------------

    def ask(self, command: int, now_ms: int, reading: Reading) -> None:
        """A new question."""
        self.asked, self.tries = command, 1
        self.ask_at_ms = now_ms + RESPONSE_MS
        reading.send.append(request(command))

    def ask_again(self, now_ms: int, reading: Reading) -> None:
        """The answer did not come, or the time to look has."""
        if not self.asked:
            self.ask(READ_VERSION, now_ms, reading)
        elif self.tries < TRIES:
            self.tries += 1
            self.ask_at_ms = now_ms + RESPONSE_MS
            reading.send.append(request(self.asked))
        else:
            self.missed += 1
            self.unanswered = self.missed > 1
            self.rest(now_ms, AGAIN_MS)

    def rest(self, now_ms: int, pause_ms: int = LOOK_MS) -> None:
        """Nothing is asked until it is time to look again."""
        self.asked = 0
        self.ask_at_ms = now_ms + pause_ms

    def answered(self, data: bytes, now_ms: int, reading: Reading) -> None:
        """An answer to what was asked; one that nobody asked for says nothing. Raises DecodeError for a refusal."""
        asked = self.asked
        if asked == READ_VERSION:
            self.version = decode_version(data)
        elif asked == READ_BASE_ID:
            self.base_id = decode_base_id(data)
        else:
            return
        self.missed, self.unanswered = 0, False
        if asked == READ_VERSION and self.base_id is None:
            self.ask(READ_BASE_ID, now_ms, reading)
        else:
            self.rest(now_ms)

    # --- packets ------------------------------------------------------------------------------------------------

    def take(self, items: "list[bytes | DecodeError]", now_ms: int, reading: Reading) -> None:
        """What the scanner found."""
        self.heard_telegrams = []
        for item in items:
            if isinstance(item, DecodeError):
                reading.refused = (MALFORMED, str(item))
                continue
            reading.heard = True
            packet = esp3.decode(item)
            try:
                if packet.type == esp3.RADIO_ERP1:
                    self.heard_telegrams.append(decode_telegram(packet))
                elif packet.type == esp3.RESPONSE:
                    self.answered(packet.data, now_ms, reading)
            except DecodeError as error:
                reading.refused = (MALFORMED, str(error))
