"""Packets of MQTT as bytes, on both interpreters. Expected bytes are of the specification's own figures."""

from hal.esp32 import mqtt_packets as packets
from hal.esp32.mqtt_packets import Framer, Packet, PacketError
from tests.esp32.numbers import Numbers

LARGEST = 1000


def refused(decode, packet):
    """Whether a packet is refused as what it is."""
    try:
        decode(packet)
    except PacketError:
        return True
    return False


def test_what_we_send_is_what_the_specification_shows():
    assert packets.connect("hub-1", 30) == bytes.fromhex("10 11 0004 4d515454 04 02 001e 0005 6875622d31")
    assert packets.subscribe(10, ["a/b", "c"]) == bytes.fromhex("82 0c 000a 0003 612f62 01 0001 63 01")
    assert packets.publish(10, "a/b", b"hi", False) == bytes.fromhex("32 09 0003 612f62 000a 6869")
    assert packets.publish(65535, "a", b"", True) == bytes.fromhex("33 05 0001 61 ffff")
    assert packets.puback(0x1234) == bytes.fromhex("40 02 1234")


def test_lengths_are_seven_bits_a_byte_as_in_table_2_4():
    for size, data in (
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (16_383, "ff7f"),
        (16_384, "808001"),
        (2_097_151, "ffff7f"),
        (2_097_152, "80808001"),
        (268_435_455, "ffffff7f"),
    ):
        assert packets.remaining_length(size) == bytes.fromhex(data)
    try:
        packets.remaining_length(268_435_456)
    except ValueError:
        return
    raise AssertionError("a packet that no MQTT has was made")


def all_of(framer, data, sizes):
    """Packets of `data`, fed in pieces."""
    found, at, turn = [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        found += list(framer.feed(memoryview(data)[at : at + size]))
        at, turn = at + size, turn + 1
    return [(packet.first, packet.body, packet.is_cut) for packet in found]


def test_packets_are_found_however_their_bytes_come():
    stream = bytes.fromhex("20020000 9003000101 d000") + packets.publish(7, "a/b", bytes(range(200)), True)
    stream += packets.puback(9) + packets.publish(8, "c", b"", False)
    whole = all_of(Framer(LARGEST), stream, [len(stream)])
    assert [first for first, _, _ in whole] == [0x20, 0x90, 0xD0, 0x33, 0x40, 0x32]
    for sizes in ([1], [2], [3, 1], [7, 64], [200]):
        assert all_of(Framer(LARGEST), stream, sizes) == whole


def test_a_packet_that_is_too_large_is_left_out_and_what_follows_is_read():
    large = packets.publish(300, "down/config", bytes(LARGEST), False)
    stream = large + packets.publish(301, "down/config", b"fits", False)
    for sizes in ([1], [100], [513, 1], [5000]):
        (first, body, is_cut), (_, after, whole) = all_of(Framer(LARGEST), stream, sizes)
        assert is_cut and not whole and len(body) == packets.KEPT
        left_out = packets.decode_publish(Packet(first, body, is_cut))
        assert (left_out.topic, left_out.identifier, left_out.payload) == ("down/config", 300, None)
        assert packets.decode_publish(Packet(0x32, after, whole)).payload == b"fits"


def test_the_framer_holds_no_more_than_it_was_told_to():
    framer = Framer(LARGEST)
    assert not list(framer.feed(bytes.fromhex("32ffffff7f")))
    for _ in range(100):
        assert not list(framer.feed(bytes(1000)))
        assert len(framer._body) == packets.KEPT


def test_a_length_of_five_bytes_ends_the_reading():
    for data in ("30ffffffff01", "3080808080"):
        try:
            list(Framer(LARGEST).feed(bytes.fromhex(data)))
        except PacketError:
            continue
        raise AssertionError(data)


def test_messages_are_read_as_they_were_sent():
    for qos, flags in ((0, 0), (1, 2), (1, 3), (1, 10)):
        data = packets.publish(513, "trygg/v1/o/h/down/receipt", b"\x00\xff", flags & 1 == 1)
        body = data[2:] if qos else data[2:29] + data[31:]
        published = packets.decode_publish(Packet(0x30 | flags, body, False))
        assert published.topic == "trygg/v1/o/h/down/receipt" and published.payload == b"\x00\xff"
        assert published.identifier == (513 if qos else 0)
        assert published.retained == (flags & 1 == 1)


def test_what_no_broker_may_send_is_refused():
    publish = packets.decode_publish
    for first, body in (
        (0x34, "0001 61 0001"),  # QoS 2: never granted
        (0x36, "0001 61 0001"),  # QoS 3: 3.3.1.2
        (0x32, "0001 61 0000"),  # no identifier: 2.3.1
        (0x32, "0001 61 00"),
        (0x30, "0000"),  # no topic: 4.7.3
        (0x30, "00"),
        (0x30, ""),
        (0x30, "0005 61"),
        (0x30, "0001 00"),
        (0x30, "0001 23"),
        (0x30, "0003 612f2b"),
        (0x30, "0002 c328"),
    ):
        assert refused(publish, Packet(first, bytes.fromhex(body), False)), body
    for body in ("00", "000000", "0200"):
        assert refused(packets.decode_connack, Packet(0x20, bytes.fromhex(body), False)), body
    for body in ("", "0001"):
        assert refused(packets.decode_suback, Packet(0x90, bytes.fromhex(body), False)), body
    for body in ("", "01", "000001"):
        assert refused(packets.decode_puback, Packet(0x40, bytes.fromhex(body), False)), body
    for decode, first, body in (
        (packets.decode_connack, 0x21, "0000"),
        (packets.decode_suback, 0x91, "000100"),
        (packets.decode_puback, 0x42, "0001"),
    ):
        assert refused(decode, Packet(first, bytes.fromhex(body), False))


DECODERS = {
    packets.PUBLISH: packets.decode_publish,
    packets.CONNACK: packets.decode_connack,
    packets.SUBACK: packets.decode_suback,
    packets.PUBACK: packets.decode_puback,
}


def outcome(data, sizes):
    """What a stream of bytes comes to: packets read, and whether it ended in a refusal."""
    framer, read, at, turn = Framer(64), [], 0, 0
    try:
        while at < len(data):
            size = sizes[turn % len(sizes)]
            for packet in framer.feed(data[at : at + size]):
                decode = DECODERS.get(packet.sort)
                if decode is not None:
                    decode(packet)
                read.append((packet.first, packet.body))
            at, turn = at + size, turn + 1
    except PacketError:
        read.append(None)
    return read


def test_any_bytes_are_read_or_refused_and_never_anything_else():
    for seed in range(400):
        numbers = Numbers(seed)
        data = bytearray()
        for _ in range(numbers.below(6) + 1):
            good = (
                packets.publish(numbers.below(70_000) % 65_535 + 1, "a/b", bytes(numbers.below(90)), False),
                bytes.fromhex("20020000"),
                bytes.fromhex("9003000101"),
                packets.puback(7),
                bytes([numbers.below(256) for _ in range(numbers.below(12))]),
            )
            data.extend(good[numbers.below(5)])
        for _ in range(numbers.below(4)):
            if data:
                data[numbers.below(len(data))] = numbers.below(256)
        whole = outcome(bytes(data), [len(data) + 1])
        assert outcome(bytes(data), [1]) == whole, (seed, bytes(data).hex())
        assert outcome(bytes(data), [3, 1, 7]) == whole, (seed, bytes(data).hex())
