"""What every central promises (`hal.interfaces.BleCentral`, `BleConnection`)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hal.errors import LinkLostError, TimedOutError, UnavailableError
from hal.interfaces import BleConnection
from hal.types import BOND_NONE, BOND_WEAK
from tests.contract.air_hosts import CONTROL, FEATURES, FEW_NOTIFICATIONS, VALUE, AirHost, Peripheral
from tests.contract.backends import AIRS

OXIMETER, OTHER = "C1:00:00:00:00:01", "C1:00:00:00:00:02"
PASSKEY = 123_456

Program = Callable[[AirHost], Awaitable[None]]


@pytest.fixture(params=AIRS)
def live(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Program], None]:
    def run(program: Program) -> None:
        async def life() -> None:
            async with AIRS[request.param](tmp_path) as air:
                await program(air)

        asyncio.run(life())

    return run


async def subscribed(air: AirHost) -> tuple[Peripheral, BleConnection]:
    """A paired peripheral and a connection that hears its values."""
    peripheral = await air.place(OXIMETER)
    connection = await air.central.connect(OXIMETER, pair=True)
    await connection.subscribe(VALUE)
    return peripheral, connection


async def unless_busy(air: AirHost, address: str) -> BleConnection:
    """Connect as a hub does: a bluetoothd that has not ended what came before says so, and is asked again."""
    while True:
        try:
            return await air.central.connect(address)
        except UnavailableError as error:
            if "busy" not in str(error):
                raise


async def until_gone(peripheral: Peripheral) -> None:
    while peripheral.connected:  # noqa: ASYNC110  turns of the loop, no wait
        await asyncio.sleep(0)


# --- values --------------------------------------------------------------------------------------------------------


def test_a_peripheral_without_security_is_read_and_written_without_a_bond(
    live: Callable[[Program], None],
) -> None:
    async def program(air: AirHost) -> None:
        peripheral = await air.place(OXIMETER, secure=False)
        connection = await air.central.connect(OXIMETER)
        assert connection.bond == BOND_NONE
        assert {VALUE, FEATURES, CONTROL} <= set(connection.characteristics())
        assert await connection.read(FEATURES) == bytes(2)
        await connection.write(CONTROL, b"\x01\x01")
        assert peripheral.writes == [(CONTROL, b"\x01\x01")]

    live(program)


def test_what_is_not_served_is_unavailable(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        await air.place(OXIMETER, secure=False)
        connection = await air.central.connect(OXIMETER)
        for asking in (connection.read("2aaa"), connection.write("2aaa", b""), connection.subscribe("2aaa")):
            with pytest.raises(UnavailableError, match="does not serve 2aaa"):
                await asking

    live(program)


def test_notifications_arrive_in_order_with_their_time(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        peripheral, connection = await subscribed(air)
        await connection.subscribe(VALUE)
        before_ms = air.uptime_ms()
        for number in range(FEW_NOTIFICATIONS):
            assert await peripheral.notify(bytes([number]))
        heard = [await connection.receive() for _ in range(FEW_NOTIFICATIONS)]
        assert [each.value for each in heard] == [bytes([number]) for number in range(FEW_NOTIFICATIONS)]
        assert {each.characteristic for each in heard} == {VALUE}
        times = [before_ms, *(each.received_ms for each in heard), air.uptime_ms()]
        assert times == sorted(times)

    live(program)


def test_nothing_is_sent_before_the_subscription(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        peripheral = await air.place(OXIMETER)
        connection = await air.central.connect(OXIMETER, pair=True)
        assert not await peripheral.notify(b"unheard")
        await connection.subscribe(VALUE)
        assert await peripheral.notify(b"heard")
        assert (await connection.receive()).value == b"heard"

    live(program)


def test_a_cancelled_receive_loses_nothing(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        peripheral, connection = await subscribed(air)
        waiting = asyncio.ensure_future(connection.receive())
        await asyncio.sleep(0)
        waiting.cancel()
        await peripheral.notify(b"1")
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await connection.receive()).value == b"1"

    live(program)


def test_too_slow_a_reader_loses_the_link_and_not_a_value_in_between(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        peripheral, connection = await subscribed(air)
        for number in range(FEW_NOTIFICATIONS + 1):
            await peripheral.notify(bytes([number]))
        await until_gone(peripheral)
        held = [(await connection.receive()).value for _ in range(FEW_NOTIFICATIONS)]
        assert held == [bytes([number]) for number in range(FEW_NOTIFICATIONS)]
        with pytest.raises(LinkLostError, match="too slow"):
            await connection.receive()

    live(program)


# --- loss ----------------------------------------------------------------------------------------------------------


def test_loss_ends_every_wait_after_what_had_arrived(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        peripheral, connection = await subscribed(air)
        await peripheral.notify(b"first")
        assert (await connection.receive()).value == b"first"
        await peripheral.notify(b"before")
        await connection.read(FEATURES)  # answered after it: so it has arrived
        peripheral.leave()
        await until_gone(peripheral)
        assert (await connection.receive()).value == b"before"
        with pytest.raises(LinkLostError, match="connect again"):
            await connection.receive()
        for asking in (
            connection.read(FEATURES),
            connection.write(CONTROL, b""),
            connection.subscribe(VALUE),
        ):
            with pytest.raises(LinkLostError):
                await asking
        await connection.disconnect()

    live(program)


def test_a_receiver_that_waits_is_told_of_the_loss(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        peripheral, connection = await subscribed(air)
        waiting = asyncio.ensure_future(connection.receive())
        await asyncio.sleep(0)
        peripheral.drop_link()
        with pytest.raises(LinkLostError):
            await waiting

    live(program)


def test_disconnecting_frees_the_peripheral_and_may_be_repeated(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        peripheral, connection = await subscribed(air)
        await connection.disconnect()
        await connection.disconnect()
        await until_gone(peripheral)
        again = await air.central.connect(OXIMETER)
        assert await again.read(FEATURES) == bytes(2)

    live(program)


def test_a_peripheral_that_is_not_there_is_waited_for_and_then_given_up(
    live: Callable[[Program], None],
) -> None:
    async def program(air: AirHost) -> None:
        peripheral = await air.place(OXIMETER, secure=False)
        peripheral.leave()
        with pytest.raises(TimedOutError, match="is it near"):
            await air.expire(air.central.connect(OXIMETER, timeout_ms=60))
        with pytest.raises(TimedOutError):
            await air.expire(air.central.connect(OTHER, timeout_ms=60))
        waiting = asyncio.ensure_future(air.central.connect(OXIMETER))
        for _ in range(10):
            await asyncio.sleep(0)
        peripheral.return_()
        assert await (await waiting).read(FEATURES) == bytes(2)

    live(program)


def test_a_cancelled_connect_leaves_the_central_usable(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        waiting = asyncio.ensure_future(air.central.connect(OTHER))
        for _ in range(50):
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await air.place(OXIMETER, secure=False)
        connection = await air.central.connect(OXIMETER)
        assert await connection.read(FEATURES) == bytes(2)

    live(program)


def test_a_lost_adapter_ends_connections_and_is_taken_again(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        _, connection = await subscribed(air)
        waiting = asyncio.ensure_future(connection.receive())
        await asyncio.sleep(0)
        air.lose_adapter()
        with pytest.raises(LinkLostError):
            await waiting
        with pytest.raises(UnavailableError):
            await air.central.connect(OXIMETER)
        await air.restore_adapter()
        again = await air.central.connect(OXIMETER)
        assert again.bond == BOND_WEAK

    live(program)


def test_a_connect_that_waits_ends_with_the_adapter(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        await air.scanner.start()
        waiting = asyncio.ensure_future(unless_busy(air, OTHER))
        for _ in range(50):
            await asyncio.sleep(0)
        air.lose_adapter()
        with pytest.raises(UnavailableError, match="adapter"):
            await waiting

    live(program)
