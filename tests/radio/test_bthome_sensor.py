"""The virtual BTHome sensor sends what the specification says, seen by our own radio and by an independent reader."""

import asyncio
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from hal.types import Advertisement
from tests.radio.home import DOOR, Home, run, soon
from tools.simulators import bthome_sensor
from tools.simulators.bthome_sensor import BATTERY, BthomeSensor
from tools.simulators.link import HomeLink

KEY = bytes(range(16))
OPEN = [(bthome_sensor.DOOR, b"\x01"), (BATTERY, b"\x5a")]


def opened(frame: bytes, address: str, key: bytes = KEY) -> tuple[int, bytes]:
    """Counter and plain objects, by the text of the specification's encryption page."""
    info, sealed, counter, mic = frame[:1], frame[1:-8], frame[-8:-4], frame[-4:]
    nonce = bytes.fromhex(address.replace(":", "")) + b"\xd2\xfc" + info + counter
    return int.from_bytes(counter, "little"), AESCCM(key, tag_length=4).decrypt(nonce, sealed + mic, None)


async def heard(home: Home, count: int) -> list[Advertisement]:
    return [await soon(home.scanner.receive()) for _ in range(count)]


def test_a_frame_is_repeated_and_cannot_be_answered(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.scanner.start(active=True)
        sensor = BthomeSensor(home.link, DOOR, repeats=3, interval_ms=20)
        frame = await sensor.send(OPEN)
        assert frame == bytes.fromhex("44 00 01 01 5a 1a 01")
        received = await heard(home, 3)
        assert [each.service_data for each in received] == [{"fcd2": frame}] * 3
        assert {(each.address, each.name) for each in received} == {(DOOR, None)}
        times = [each.received_ms for each in received]
        assert times[2] - times[0] >= 30
        assert not home.link.accepts(sensor.controller.random_address)
        await sensor.stop()

    run(tmp_path, program)


def test_a_new_frame_takes_the_place_of_the_one_that_was_being_repeated(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.scanner.start()
        sensor = BthomeSensor(home.link, DOOR, repeats=2, interval_ms=20)
        first = await sensor.send([(bthome_sensor.DOOR, b"\x01")])
        second = await sensor.send([(bthome_sensor.DOOR, b"\x00")])
        assert [each.service_data["fcd2"] for each in await heard(home, 3)] == [first, second, second]
        await sensor.stop()

    run(tmp_path, program)


def test_an_encrypted_frame_opens_with_the_key_and_counts_up(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        sensor = BthomeSensor(home.link, DOOR, key=KEY, counter=1000, repeats=1)
        frames = [await sensor.send(OPEN) for _ in range(3)]
        assert all(frame[0] == 0x45 for frame in frames)
        assert [opened(frame, DOOR) for frame in frames] == [
            (1001 + number, bytes([0, 1 + number, 1, 0x5A, 0x1A, 1])) for number in range(3)
        ]
        with pytest.raises(InvalidTag):
            opened(frames[0], DOOR, bytes(16))
        with pytest.raises(InvalidTag):
            opened(frames[0], "C3:00:00:00:00:02")
        await sensor.stop()

    run(tmp_path, program)


def test_out_of_range_nothing_is_heard(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.scanner.start()
        sensor = BthomeSensor(home.link, DOOR, repeats=1)
        sensor.leave()
        await sensor.send([(bthome_sensor.DOOR, b"\x01")])
        sensor.return_()
        frame = await sensor.send([(bthome_sensor.DOOR, b"\x00")])
        assert (await heard(home, 1))[0].service_data["fcd2"] == frame
        await sensor.stop()

    run(tmp_path, program)


def test_what_does_not_fit_into_a_packet_is_refused() -> None:
    async def program() -> None:
        sensor = BthomeSensor(HomeLink(), DOOR)
        with pytest.raises(ValueError, match="send fewer objects"):
            await sensor.send([(0x53, bytes([20]) + b"x" * 20)])
        await sensor.stop()

    asyncio.run(program())
