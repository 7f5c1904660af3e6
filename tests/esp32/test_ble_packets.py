"""Bytes of advertising packets, right ones and wrong ones."""

from hal.esp32.ble_packets import address_bytes, address_text, fields, read_packet, uuid_text
from hal.sim import ble_air
from hal.types import Advertisement
from tests.esp32.ble_bench import OXIMETER, run

NONIN = "46a970e0-0d5f-11e2-8b5e-0002a5d5c51b"


def read(data):
    found = Advertisement(OXIMETER, -60, 0, {})
    read_packet(found, data)
    return found


def test_what_was_sent_is_read():
    sent = Advertisement(
        OXIMETER, -60, 0, {"fcd2": b"\x40\x1a\x01", NONIN: b"\x01"}, ("1822", NONIN), {0x02E5: b"x"}, "Måler"
    )
    found = read(ble_air.packet(sent))
    assert (found.service_data, found.service_uuids) == (sent.service_data, sent.service_uuids)
    assert (found.manufacturer_data, found.name) == (sent.manufacturer_data, sent.name)


def test_a_uuid_of_the_sig_has_its_short_form_however_it_is_sent():
    long = "00002a5f-0000-1000-8000-00805f9b34fb"
    assert uuid_text(b"\x5f\x2a") == uuid_text(b"\x5f\x2a\x00\x00") == "2a5f"
    assert uuid_text(ble_air.uuid_bytes(long)) == "2a5f"
    assert uuid_text(ble_air.uuid_bytes(NONIN)) == NONIN
    assert uuid_text(b"\x01\x00\x00\x01") == "01000001-0000-1000-8000-00805f9b34fb"


def test_an_address_goes_both_ways_and_nonsense_is_none():
    assert address_text(address_bytes(OXIMETER)) == OXIMETER
    assert address_bytes("") == address_bytes("C1:00:00") == address_bytes("no:ad:dr:es:s!:00") == b""


def test_fields_that_claim_too_much_end_the_packet_and_what_stands_before_them_counts():
    assert fields(b"\x02\x01\x06\x09\x16\xd2\xfc") == [(1, b"\x06")]
    assert fields(b"") == fields(b"\x00") == fields(b"\x05") == fields(b"\xff\x16") == []
    assert fields(b"\x01\x09\x02\x01\x06") == [(9, b""), (1, b"\x06")]
    for broken in (b"\x02\x16\xd2", b"\x02\xff\x01", b"\x04\x03\x22\x18\x22", b"\x03\x09\xff\xfe"):
        read(broken)
    assert read(b"\x04\x03\x22\x18\x22").service_uuids == ("1822",)
    assert read(b"\x03\x09\xff\xfe").name is None


def test_a_scan_response_says_the_name_and_not_the_press_a_second_time():
    async def script(bench):
        bench.place()
        await bench.scanner.start(active=True)
        before = {OXIMETER: {"fcd2": b"\x40\x3a\x01"}}
        bench.world.advertise(
            OXIMETER, before[OXIMETER], service_uuids=("1822",), scan_response_name="Button"
        )
        await bench.settle()
        receive = bench.scanner.receive
        heard = [await receive(), await receive(), await receive()]
        named = [each for each in heard if each.name == "Button"]
        assert len(named) == 1 and named[0].service_uuids == ("1822",) and not named[0].service_data
        assert len([each for each in heard if each.service_data]) == 1

    run(script)
