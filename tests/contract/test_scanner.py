"""What every scanner promises (`hal.interfaces.BleScanner`)."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import pytest

from hal.errors import LinkLostError, UnavailableError
from hal.types import Advertisement
from tests.contract.air_hosts import FEW_ADVERTISEMENTS, NAME, AirHost
from tests.contract.backends import AIRS

DOOR, SMOKE, OXIMETER = "C3:00:00:00:00:01", "C3:00:00:00:00:02", "C1:00:00:00:00:01"
STRANGERS = [f"C5:00:00:00:00:{number:02X}" for number in range(2 * FEW_ADVERTISEMENTS)]

Program = Callable[[AirHost], Awaitable[None]]


@pytest.fixture(params=AIRS)
def live(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Program], None]:
    def run(program: Program) -> None:
        async def life() -> None:
            async with AIRS[request.param](tmp_path) as air:
                await program(air)

        asyncio.run(life())

    return run


async def from_door(air: AirHost) -> Advertisement:
    """The next one of the door; peripherals that wait for connections are heard in between."""
    while True:
        heard = await air.scanner.receive()
        if heard.address == DOOR:
            return heard


async def drain(air: AirHost) -> list[bytes]:
    """What a stopped scanner still holds."""
    held: list[bytes] = []
    try:
        while True:
            held.append((await air.scanner.receive()).service_data["fcd2"])
    except LinkLostError:
        return held


def test_an_advertisement_is_received_with_its_data_and_the_time(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        await air.scanner.start()
        before_ms = air.uptime_ms()
        air.advertise(DOOR, b"\x40\x1a\x01")
        heard = await air.scanner.receive()
        assert (heard.address, heard.service_data) == (DOOR, {"fcd2": b"\x40\x1a\x01"})
        assert before_ms <= heard.received_ms <= air.uptime_ms()
        assert -127 <= heard.rssi_dbm <= 20
        assert (heard.name, heard.manufacturer_data, heard.service_uuids) == (None, {}, ())

    live(program)


def test_receptions_keep_their_order_and_the_same_one_twice_is_two(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        await air.scanner.start()
        sent = [(DOOR, b"1"), (SMOKE, b"1"), (SMOKE, b"1")]
        for address, data in sent:
            air.advertise(address, data)
        heard = [await air.scanner.receive() for _ in sent]
        assert [(each.address, each.service_data["fcd2"]) for each in heard] == sent
        assert air.scanner.dropped == 0

    live(program)


def test_when_nobody_takes_them_the_newest_are_kept_and_losses_counted(
    live: Callable[[Program], None],
) -> None:
    async def program(air: AirHost) -> None:
        await air.scanner.start()
        for number in range(FEW_ADVERTISEMENTS + 3):
            air.advertise(DOOR, bytes([number]))
        air.advertise(DOOR, b"last")
        while air.scanner.dropped < 4:  # noqa: ASYNC110  turns of the loop, no wait
            await asyncio.sleep(0)
        await air.scanner.stop()
        assert await drain(air) == [b"\x04", b"\x05", b"\x06", b"last"]
        assert air.scanner.dropped == 4

    live(program)


async def behind_strangers(air: AirHost, known: Collection[str] | None) -> list[bytes]:
    """An alarm is sent, then strangers and a restless door send more than there is room for; what is held then."""
    await air.scanner.start(known=known)
    air.advertise(SMOKE, b"alarm")
    for stranger in STRANGERS:
        air.advertise(stranger, b"noise")
    for number in range(FEW_ADVERTISEMENTS):
        air.advertise(DOOR, bytes([number]))
    sent = 1 + FEW_ADVERTISEMENTS + (len(STRANGERS) if known is None else 0)
    while air.scanner.dropped < sent - FEW_ADVERTISEMENTS:  # noqa: ASYNC110  turns of the loop, no wait
        await asyncio.sleep(0)
    await air.scanner.stop()
    return await drain(air)


def test_neither_strangers_nor_a_restless_device_push_out_the_frame_of_a_known_one(
    live: Callable[[Program], None],
) -> None:
    async def program(air: AirHost) -> None:
        assert await behind_strangers(air, {DOOR, SMOKE}) == [b"alarm", b"\x01", b"\x02", b"\x03"]
        assert air.scanner.dropped == 1, "the door's own; what strangers sent is no loss"

    live(program)


def test_control_a_scanner_that_is_told_of_no_devices_loses_the_alarm(
    live: Callable[[Program], None],
) -> None:
    async def program(air: AirHost) -> None:
        held = await behind_strangers(air, None)
        assert len(held) == FEW_ADVERTISEMENTS and b"alarm" not in held

    live(program)


def test_of_strangers_only_who_offers_the_service_that_is_asked_for_is_heard_and_as_long(
    live: Callable[[Program], None],
) -> None:
    async def program(air: AirHost) -> None:
        await air.scanner.start(known={DOOR}, offering="1822")
        air.advertise(STRANGERS[0], b"noise")
        await air.place(OXIMETER)
        heard = await air.scanner.receive()
        assert (heard.address, heard.service_uuids) == (OXIMETER, ("1822",))
        await air.scanner.start(known={DOOR})
        air.advertise(STRANGERS[1], b"noise")
        air.advertise(DOOR, b"1")
        assert (await air.scanner.receive()).address == DOOR

    live(program)


def test_strangers_who_are_not_handed_out_show_that_the_radio_hears(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        await air.scanner.start(known={DOOR})
        assert air.scanner.heard_ms is None
        before_ms = air.uptime_ms()
        air.advertise(STRANGERS[0], b"noise")
        while air.scanner.heard_ms is None:  # noqa: ASYNC110  turns of the loop, no wait
            await asyncio.sleep(0)
        assert before_ms <= air.scanner.heard_ms <= air.uptime_ms()

    live(program)


def test_stopping_ends_the_wait_of_a_receiver(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        await air.scanner.start()
        waiting = asyncio.ensure_future(air.scanner.receive())
        await asyncio.sleep(0)
        await air.scanner.stop()
        with pytest.raises(LinkLostError, match="stopped"):
            await waiting
        await air.scanner.stop()

    live(program)


def test_nothing_is_received_before_the_start_or_after_the_stop(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        with pytest.raises(LinkLostError):
            await air.scanner.receive()
        air.advertise(DOOR, b"too early")
        await air.scanner.start()
        await air.scanner.stop()
        air.advertise(DOOR, b"too late")
        await air.scanner.start()
        air.advertise(DOOR, b"in time")
        assert (await from_door(air)).service_data["fcd2"] == b"in time"

    live(program)


def test_starting_again_changes_the_mode_and_loses_nothing(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        await air.scanner.start()
        air.advertise(DOOR, b"1")
        waiting = asyncio.ensure_future(air.scanner.receive())
        assert (await waiting).service_data["fcd2"] == b"1"
        waiting = asyncio.ensure_future(air.scanner.receive())
        await asyncio.sleep(0)
        await air.scanner.start()
        await air.scanner.start(active=True)
        air.advertise(DOOR, b"2")
        assert (await waiting).service_data["fcd2"] == b"2"

    live(program)


def test_a_name_in_a_scan_response_takes_an_active_scan(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        await air.scanner.start()
        await air.place(OXIMETER)
        assert (await air.scanner.receive()).name is None
        await air.scanner.stop()
        await air.scanner.start(active=True)
        await air.place("C1:00:00:00:00:02")
        names = [(await air.scanner.receive()).name]
        while names[-1] is None:
            names.append((await air.scanner.receive()).name)
        assert names[-1] == NAME

    live(program)


def test_a_cancelled_receive_loses_nothing(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        await air.scanner.start()
        waiting = asyncio.ensure_future(air.scanner.receive())
        await asyncio.sleep(0)
        waiting.cancel()
        air.advertise(DOOR, b"1")
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await air.scanner.receive()).service_data["fcd2"] == b"1"

    live(program)


def test_a_lost_adapter_ends_the_scan_and_is_taken_again(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        await air.scanner.start()
        waiting = asyncio.ensure_future(air.scanner.receive())
        await asyncio.sleep(0)
        air.lose_adapter()
        with pytest.raises(LinkLostError, match="adapter"):
            await waiting
        with pytest.raises(UnavailableError, match="check that it is"):
            await air.scanner.start()
        with pytest.raises(LinkLostError):
            await air.scanner.receive()
        await air.restore_adapter()
        await air.scanner.start()
        air.advertise(DOOR, b"back")
        assert (await from_door(air)).service_data["fcd2"] == b"back"

    live(program)
