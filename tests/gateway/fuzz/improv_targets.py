"""What of Improv is fuzzed: whatever a stranger's phone writes, and whatever stands on a serial line."""

from collections.abc import Callable

from gateway.core import improv
from gateway.core.errors import DecodeError
from gateway.core.improv import Assembly, PacketReader
from tests.gateway.fuzz.harness import Target

SSID, PASSWORD = "MyWirelessAP", "mysecurepassword"
COMMAND = improv.seal(improv.encode_message(improv.WIFI, improv.wifi_data(SSID, PASSWORD)))
RESULT = improv.seal(
    improv.encode_message(improv.INFO, improv.encode_strings(["Trygg", "0.1", "Pi", "gateway"]))
)
PACKETS = tuple(
    improv.encode_packet(sort, data)
    for sort, data in (
        (improv.SORT_STATE, b"\x02"),
        (improv.SORT_COMMAND, COMMAND[:-1]),
        (improv.SORT_RESULT, RESULT[:-1]),
    )
)


def command() -> Callable[[bytes], object]:
    """A command in one write: what is taken is made again as it came."""

    def take(data: bytes) -> None:
        message = improv.unseal(data)
        assert improv.seal(improv.encode_message(message.command, message.data)) == data
        if message.command == improv.WIFI:
            ssid, password = improv.decode_wifi(message.data)
            assert improv.wifi_data(ssid, password) == message.data
        else:
            assert improv.encode_strings(improv.decode_strings(message.data)) == message.data

    return take


def writes() -> Callable[[bytes], object]:
    """Several writes of one client; the first byte says how long each is. After nonsense a whole command is understood."""

    def take(data: bytes) -> None:
        assembly, size = Assembly(), 1 + (data[0] if data else 0) % 20
        for at in range(1, len(data), size):
            try:
                assembly.push(data[at : at + size])
            except DecodeError:
                assert not assembly.held, "what was refused stays for the next"
            assert len(assembly.held) < improv.LONGEST_MESSAGE + size
        assembly.reset()
        assert assembly.push(COMMAND) == improv.unseal(COMMAND)

    return take


def line() -> Callable[[bytes], object]:
    """A serial line: the same packets in one piece and in two, and the one behind all of it is found."""

    def take(data: bytes) -> None:
        whole, cut = PacketReader(), PacketReader()
        found = whole.push(data)
        middle = len(data) // 2
        assert cut.push(data[:middle]) + cut.push(data[middle:]) == found
        assert len(whole.scanner.held) <= improv.LONGEST_PACKET
        last = whole.push(b"\n" + PACKETS[0]) or whole.look_past()
        assert last, "a whole packet behind anything at all was not found"

    return take


IMPROV_TARGETS: tuple[Target, ...] = (
    Target("improv command", (COMMAND, RESULT), command),
    Target("improv writes", (b"\x13" + COMMAND, b"\x05" + COMMAND[:9] + COMMAND), writes),
    Target("improv serial line", (*PACKETS, b"boot\r\n" + PACKETS[1] + b">>> "), line),
)
