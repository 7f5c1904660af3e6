"""The virtual oximeter keeps to the Pulse Oximeter Service: what it serves, streams, stores and hands out."""

import asyncio
from pathlib import Path

import pytest

from hal.errors import DeniedError, LinkLostError
from hal.interfaces import BleConnection
from tests.radio.home import (
    CONTINUOUS,
    FEATURES,
    OXIMETER,
    RECORDS,
    SPOT_CHECK,
    Home,
    numbered,
    run,
    soon,
    turns,
)
from tools.simulators.oximeter import NAN, Oximeter, sfloat


async def storing(home: Home, count: int) -> tuple[Oximeter, BleConnection]:
    """An oximeter with `count` stored spot-checks, and a bonded connection that hears its answers."""
    oximeter = await home.place(stores=True)
    for number in range(count):
        assert not await oximeter.check_spot(numbered(number))
    connection = await home.central.connect(OXIMETER, pair=True)
    return oximeter, connection


async def listen(connection: BleConnection) -> None:
    await connection.subscribe(SPOT_CHECK)
    await connection.subscribe(RECORDS)


async def answers(connection: BleConnection) -> tuple[list[bytes], bytes]:
    """Spot-checks until the control point answers, and its answer."""
    records: list[bytes] = []
    while True:
        heard = await soon(connection.receive())
        if heard.characteristic == RECORDS:
            return records, heard.value
        records.append(heard.value)


async def until_lost(connection: BleConnection) -> int:
    """How many values there are until the link is lost."""
    count = 0
    try:
        while True:
            await soon(connection.receive())
            count += 1
    except LinkLostError:
        return count


def test_it_serves_what_the_service_asks_for_and_records_only_where_it_stores(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.place("C1:00:00:00:00:01")
        await home.place("C1:00:00:00:00:02", stores=True)
        plain = await home.central.connect("C1:00:00:00:00:01", pair=True)
        storing = await home.central.connect("C1:00:00:00:00:02", pair=True)
        common = {CONTINUOUS, SPOT_CHECK, FEATURES, "2a19", "2a24", "2a25", "2a29"}
        assert common <= set(plain.characteristics()) and RECORDS not in plain.characteristics()
        assert common | {RECORDS} <= set(storing.characteristics())
        assert (await plain.read(FEATURES), await storing.read(FEATURES)) == (b"\x00\x00", b"\x04\x00")
        assert await plain.read("2a25") == b"C10000000001"

    run(tmp_path, program)


def test_it_streams_its_digits_as_they_are(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter = await home.place()
        connection = await home.central.connect(OXIMETER, pair=True)
        await connection.subscribe(CONTINUOUS)
        readings = iter([(sfloat(970, -1), sfloat(72)), (NAN, NAN)])
        oximeter.stream(lambda: next(readings, (sfloat(0), sfloat(0))), interval_ms=10)
        heard = [(await soon(connection.receive())).value.hex(" ") for _ in range(3)]
        assert heard == ["00 ca f3 48 00", "00 ff 07 ff 07", "00 00 00 00 00"]

    run(tmp_path, program)


def test_a_number_that_is_no_sfloat_is_refused() -> None:
    assert [sfloat(-1), sfloat(366, -1), sfloat(1, 7)] == [0x0FFF, 0xF16E, 0x7001]
    for mantissa, exponent in ((2048, 0), (-2049, 0), (1, 8), (1, -9)):
        with pytest.raises(ValueError, match="no SFLOAT"):
            sfloat(mantissa, exponent)


def test_its_battery_is_read_and_notified(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter = await home.place()
        connection = await home.central.connect(OXIMETER, pair=True)
        await connection.subscribe("2a19")
        await oximeter.set_battery(15)
        assert (await soon(connection.receive())).value == b"\x0f"
        assert await connection.read("2a19") == b"\x0f"

    run(tmp_path, program)


def test_a_spot_check_is_indicated_and_confirmed(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter = await home.place()
        connection = await home.central.connect(OXIMETER, pair=True)
        await connection.subscribe(SPOT_CHECK)
        assert await soon(oximeter.check_spot((sfloat(97), sfloat(72))))
        assert (await soon(connection.receive())).value == bytes.fromhex("00 61 00 48 00")

    run(tmp_path, program)


def test_stored_records_are_handed_out_once_oldest_first(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter, connection = await storing(home, 3)
        await listen(connection)
        await connection.write(RECORDS, b"\x04\x01")
        assert await answers(connection) == ([], bytes.fromhex("05 00 03 00"))
        await connection.write(RECORDS, b"\x01\x01")
        stored = [bytes.fromhex(f"02 61 00 {number:02x} 00 00 02") for number in range(3)]
        assert await answers(connection) == (stored, bytes.fromhex("06 00 01 01"))
        assert oximeter.records is not None and not oximeter.records.records
        await connection.write(RECORDS, b"\x01\x01")
        assert await answers(connection) == ([], bytes.fromhex("06 00 01 06"))

    run(tmp_path, program)


def test_records_that_were_not_confirmed_are_kept_over_a_link_loss(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter, connection = await storing(home, 20)
        access = oximeter.records
        assert access is not None
        await listen(connection)
        await connection.write(RECORDS, b"\x01\x01")
        await soon(connection.receive())
        oximeter.leave()
        got = 1 + await until_lost(connection)
        await turns(lambda: not access.busy)
        left = len(access.records)
        assert 20 - left <= got < 20
        oximeter.return_()
        again = await home.central.connect(OXIMETER, pair=True)
        await listen(again)
        await again.write(RECORDS, b"\x01\x01")
        records, answer = await answers(again)
        assert (len(records), answer) == (left, bytes.fromhex("06 00 01 01"))

    run(tmp_path, program)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("02 01", "06 00 02 01"),
        ("03 00", "06 00 03 01"),
        ("01 02", "06 00 01 03"),
        ("09 01", "06 00 09 02"),
    ],
)
def test_the_control_point_answers_as_the_service_says(tmp_path: Path, request_: str, answer: str) -> None:
    async def program(home: Home) -> None:
        _, connection = await storing(home, 1)
        await listen(connection)
        await connection.write(RECORDS, bytes.fromhex(request_))
        assert await answers(connection) == ([], bytes.fromhex(answer))

    run(tmp_path, program)


def test_the_control_point_wants_both_indications_first(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        _, connection = await storing(home, 1)
        await connection.subscribe(RECORDS)
        with pytest.raises(DeniedError) as refused:
            await connection.write(RECORDS, b"\x01\x01")
        assert "Improperly Configured" in refused.value.detail

    run(tmp_path, program)


def test_thirty_records_are_kept_and_the_oldest_goes_first(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter, connection = await storing(home, 32)
        await listen(connection)
        await connection.write(RECORDS, b"\x01\x01")
        records, _ = await answers(connection)
        assert [record[3] for record in records] == list(range(2, 32))
        await turns(lambda: oximeter.records is not None and not oximeter.records.records)

    run(tmp_path, program)


def test_nothing_is_sent_to_nobody(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter = await home.place()
        assert not await oximeter.measure((sfloat(97), sfloat(72)))
        oximeter.stream(lambda: (sfloat(97), sfloat(72)), interval_ms=1)
        await asyncio.sleep(0)
        assert oximeter.sent == 0

    run(tmp_path, program)
