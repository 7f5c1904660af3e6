"""Improv as bytes: documented examples, every cut of a stream, and bytes that are none. Runs on both interpreters."""

from gateway.core import improv
from gateway.core.errors import DecodeError
from gateway.core.improv import Assembly, Message, Packet, PacketReader

# improv-wifi/website@c767007, src/ble.md and src/serial.md
SSID, PASSWORD = "MyWirelessAP", "mysecurepassword"
COMMAND = bytes.fromhex("011e0c4d79576972656c6573734150106d7973656375726570617373776f7264c0")
PACKET = bytes.fromhex("494d50524f56010320011e0c4d79576972656c6573734150106d7973656375726570617373776f7264c1")
# improv-wifi/sdk-serial-js@94e3113, test/serial.test.ts
STATES = (
    (2, bytes.fromhex("494d50524f5601010102e2")),
    (3, bytes.fromhex("494d50524f5601010103e3")),
    (4, bytes.fromhex("494d50524f5601010104e4")),
)
# rpardini/improv-wifi-python-nm@1421ea1
IDENTIFY, EMPTY_RESULT = bytes.fromhex("020002"), bytes.fromhex("010001")


def refusal(read: "object", *arguments: "object") -> str:
    """Why it was refused, or nothing."""
    try:
        read(*arguments)  # type: ignore[operator]
    except DecodeError as error:
        return error.reason
    return ""


def test_documented_commands_are_read_and_made() -> None:
    message = improv.unseal(COMMAND)
    assert message.command == improv.WIFI and improv.decode_wifi(message.data) == (SSID, PASSWORD)
    made = improv.encode_message(improv.WIFI, improv.wifi_data(SSID, PASSWORD))
    assert improv.seal(made) == COMMAND
    assert improv.unseal(IDENTIFY) == Message(improv.IDENTIFY, b"")
    assert improv.seal(improv.encode_message(improv.WIFI)) == EMPTY_RESULT


def test_documented_packets_are_read_and_made() -> None:
    (packet,) = PacketReader().push(PACKET)
    assert packet.sort == improv.SORT_COMMAND
    message = improv.decode_message(packet.data)
    assert (message.command, improv.decode_wifi(message.data)) == (improv.WIFI, (SSID, PASSWORD))
    assert improv.encode_packet(improv.SORT_COMMAND, packet.data) == PACKET
    for state, packet_bytes in STATES:
        assert PacketReader().push(packet_bytes) == [Packet(improv.SORT_STATE, bytes([state]))]
        assert improv.encode_packet(improv.SORT_STATE, bytes([state])) == packet_bytes


def test_the_characteristics_are_those_of_the_specification() -> None:
    assert improv.STATE == "00467768-6228-2272-4663-277478268001"
    assert improv.CAPABILITIES == "00467768-6228-2272-4663-277478268005"
    assert improv.advertised(2, 7) == bytes([2, 7, 0, 0, 0, 0])


def test_packets_are_found_among_the_text_of_a_console_wherever_it_is_cut() -> None:
    stream = (
        b"boot: IMPRO\r\n"
        + STATES[0][1]
        + b"\nIMPROVE the log\n"
        + PACKET
        + b"\r\n>>> IMPROV\x02"
        + STATES[2][1]
    )
    whole = PacketReader().push(stream)
    assert [packet.sort for packet in whole] == [1, 3, 1]
    for at in range(len(stream) + 1):
        reader = PacketReader()
        assert reader.push(stream[:at]) + reader.push(stream[at:]) == whole, at
    reader = PacketReader()
    assert [packet for byte in stream for packet in reader.push(bytes([byte]))] == whole


def test_a_packet_with_any_byte_changed_is_none_and_the_next_one_is_found() -> None:
    for at in range(len(PACKET)):
        for change in (1, 0x80, 0xFF):
            broken = bytearray(PACKET)
            broken[at] ^= change
            reader = PacketReader()
            found = reader.push(bytes(broken) + STATES[1][1])
            found += reader.look_past()  # a length that was made longer waits for bytes that never come
            assert found[-1] == Packet(improv.SORT_STATE, b"\x03"), at
            assert all(packet.data != improv.decode_message(PACKET[9:-1]) for packet in found)
            assert len(found) == 1, at


def test_control_a_reader_without_checksum_takes_a_password_that_was_changed() -> None:
    broken = bytearray(PACKET)
    broken[-3] ^= 1
    message = improv.decode_message(bytes(broken[9:-1]))
    assert improv.decode_wifi(message.data)[1] != PASSWORD
    assert PacketReader().push(bytes(broken)) == []


def test_a_command_is_put_together_from_writes_of_any_size() -> None:
    for size in range(1, len(COMMAND) + 1):
        assembly = Assembly()
        pieces = [COMMAND[at : at + size] for at in range(0, len(COMMAND), size)]
        found = [assembly.push(piece) for piece in pieces]
        assert found[:-1] == [None] * (len(pieces) - 1) and found[-1] == improv.unseal(COMMAND)
        assert assembly.push(IDENTIFY) == Message(improv.IDENTIFY, b"")


def test_what_is_no_command_leaves_nothing_behind_for_the_next() -> None:
    for wrong in (COMMAND[:-1] + b"\x00", COMMAND + b"x", IDENTIFY + IDENTIFY, b"\x02\x00\x03"):
        assembly = Assembly()
        assert refusal(assembly.push, wrong)
        assert assembly.push(IDENTIFY) == Message(improv.IDENTIFY, b"")
    assembly = Assembly()
    assert assembly.push(COMMAND[:9]) is None
    assembly.reset()  # another client
    assert assembly.push(IDENTIFY) == Message(improv.IDENTIFY, b"")


def test_messages_that_do_not_hold_are_refused_with_their_reason_and_without_what_they_held() -> None:
    for data, words in (
        (b"", "checksum"),
        (b"\x01", "checksum"),
        (bytes([0]), "less than two"),
        (bytes([1, 5, 6]), "announced"),
    ):
        assert words in refusal(improv.unseal, data), data
    wifi = improv.decode_wifi
    secret = b"topsecretword"
    for data, words in (
        (b"", "expected"),
        (b"\x01a", "expected"),
        (b"\x00\x01b", "1 to 32"),
        (bytes([33]) + b"a" * 33 + b"\x00", "1 to 32"),
        (b"\x01a" + bytes([65]) + b"b" * 65, "at most 64"),
        (b"\x01a" + bytes([99]) + secret, "passes the end"),
        (b"\x02\xff\xfe\x0d" + secret, "UTF-8"),
        (b"\x01a\x0d" + secret + b"\x00", "expected"),
    ):
        said = refusal(wifi, data)
        assert words in said and "topsecret" not in said, data


def test_strings_come_back_and_what_is_too_long_is_not_made() -> None:
    for strings in ([], [""], ["Trygg", "0.1", "Pi", "Gangen"], ["ø" * 100, "x" * 53]):
        assert improv.decode_strings(improv.encode_strings(strings)) == strings
    for wrong in (["x" * 256], ["ø" * 127, "x"], ["x" * 127, "y" * 127]):
        try:
            improv.encode_strings(wrong)
        except ValueError:
            continue
        raise AssertionError(wrong)
    assert improv.wifi_data("x" * 32, "y" * 64)
    for ssid, password in (("", "x"), ("ø" * 17, "x"), ("a", "y" * 65)):
        try:
            improv.wifi_data(ssid, password)
        except ValueError:
            continue
        raise AssertionError(ssid)
    for make in (improv.encode_message, improv.encode_packet):
        try:
            make(1, bytes(256))
        except ValueError:
            continue
        raise AssertionError(make)
