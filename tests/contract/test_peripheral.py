"""What every GATT service of ours promises (`hal.provisioning.BlePeripheral`)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hal.errors import HalError, LinkLostError
from hal.types import Served
from tests.contract.backends import PERIPHERALS
from tests.contract.peripheral_hosts import Client, PeripheralHost

SERVICE = "00467768-6228-2272-4663-277478268000"
VALUE, INPUT = SERVICE[:-1] + "1", SERVICE[:-1] + "3"
DATA = "4677"
Program = Callable[[PeripheralHost], Awaitable[None]]


def table() -> list[Served]:
    return [Served(VALUE, b"first", reads=True, notifies=True), Served(INPUT, writes=True)]


@pytest.fixture(params=PERIPHERALS)
def on_machine(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Program], None]:
    """Runs a program on a machine of the backend that serves."""

    def run(program: Program) -> None:
        async def life() -> None:
            async with PERIPHERALS[request.param](tmp_path) as host, asyncio.timeout(45):
                await host.peripheral.serve(SERVICE, table(), "Trygg")
                await host.peripheral.advertise({DATA: bytes(6)})
                await program(host)

        asyncio.run(life())

    return run


def test_values_are_read_and_told_over_an_encrypted_link(on_machine: Callable[[Program], None]) -> None:
    async def program(host: PeripheralHost) -> None:
        client = await host.connect(pair=True)
        assert await client.read(VALUE) == b"first"
        await client.subscribe(VALUE)
        await host.peripheral.put(VALUE, b"second")
        assert await client.notified() == (VALUE, b"second")
        assert await client.read(VALUE) == b"second"

    on_machine(program)


def test_over_a_link_that_is_not_encrypted_nothing_is_read_or_written(
    on_machine: Callable[[Program], None],
) -> None:
    async def program(host: PeripheralHost) -> None:
        client = await host.connect(pair=False)
        for work in (client.read(VALUE), client.write(INPUT, b"x")):
            with pytest.raises(HalError):
                await work
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await host.peripheral.receive()
        if await may_subscribe(client):  # a stack that lets anybody do that tells nothing
            await host.peripheral.put(VALUE, b"secret")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.notified()

    on_machine(program)


async def may_subscribe(client: Client) -> bool:
    try:
        await client.subscribe(VALUE)
    except HalError:
        return False
    return True


def test_writes_come_in_order_and_another_connection_is_told_apart(
    on_machine: Callable[[Program], None],
) -> None:
    async def program(host: PeripheralHost) -> None:
        for first in (b"1", b"4"):
            client = await host.connect(pair=True)
            pieces = [first, b"two", b""]
            for piece in pieces:
                await client.write(INPUT, piece)
            written = [await host.peripheral.receive() for _ in pieces]
            assert [(each.uuid, each.value) for each in written] == [(INPUT, piece) for piece in pieces]
            assert [each.fresh for each in written] == [True, False, False]

    on_machine(program)


def test_what_is_advertised_changes(on_machine: Callable[[Program], None]) -> None:
    async def program(host: PeripheralHost) -> None:
        assert await host.on_air() == {DATA: bytes(6)}
        await host.peripheral.advertise({DATA: b"\x02\x07\0\0\0\0"})
        assert await host.on_air() == {DATA: b"\x02\x07\0\0\0\0"}

    on_machine(program)


def test_after_the_end_nothing_is_left_and_it_may_begin_again(on_machine: Callable[[Program], None]) -> None:
    async def program(host: PeripheralHost) -> None:
        client = await host.connect(pair=True)
        waiting = asyncio.create_task(host.peripheral.receive())
        await asyncio.sleep(0)
        await host.peripheral.stop()
        with pytest.raises(LinkLostError):
            await waiting
        assert await host.on_air() is None
        with pytest.raises((HalError, KeyError)):
            await client.read(VALUE)
        await host.peripheral.stop()  # twice is no error
        await host.peripheral.put(VALUE, b"nobody")  # nor is a value that nobody is there for
        await host.peripheral.serve(SERVICE, table(), "Trygg")
        await host.peripheral.advertise({DATA: bytes(6)})
        again = await host.connect(pair=True)
        assert await again.read(VALUE) == b"first"

    on_machine(program)
