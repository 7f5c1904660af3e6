"""What every serial port promises (`hal.interfaces.SerialPorts`, `SerialPort`)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hal.errors import DeniedError, LinkLostError, UnavailableError
from hal.interfaces import SerialPort
from tests.contract.backends import LINES
from tests.contract.line_hosts import FarEnd, LineHost

EVERY_BYTE = bytes(range(256))
MUCH = EVERY_BYTE * 256  # more than any line buffers by itself

Program = Callable[[SerialPort, FarEnd], Awaitable[None]]


@pytest.fixture(params=LINES)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> LineHost:
    return LINES[request.param](tmp_path)


def live(host: LineHost, program: Program) -> None:
    """Plug in, open, run the program, close and unplug."""

    async def run() -> None:
        far_end = host.far_end()
        port = await host.ports.open(host.url)
        try:
            await program(port, far_end)
        finally:
            await port.close()
            far_end.pull()

    asyncio.run(run())


async def read_exactly(read: Callable[[], Awaitable[bytes]], size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += await read()
    return data


def test_every_byte_passes_untouched_both_ways(host: LineHost) -> None:
    async def program(port: SerialPort, far_end: FarEnd) -> None:
        assert far_end.send(EVERY_BYTE)
        assert await read_exactly(port.read, 256) == EVERY_BYTE
        await port.write(EVERY_BYTE)
        assert await read_exactly(far_end.read, 256) == EVERY_BYTE

    live(host, program)


def test_a_read_returns_what_is_there_and_at_most_4096(host: LineHost) -> None:
    async def program(port: SerialPort, far_end: FarEnd) -> None:
        far_end.send(b"x")
        assert await port.read() == b"x"
        far_end.send(MUCH)
        chunks: list[int] = []
        while sum(chunks) < len(MUCH):
            chunks.append(len(await port.read()))
        assert max(chunks) <= 4096 and min(chunks) >= 1

    live(host, program)


def test_a_large_write_arrives_whole_and_writers_take_turns(host: LineHost) -> None:
    async def program(port: SerialPort, far_end: FarEnd) -> None:
        writers = asyncio.gather(port.write(b"a" * len(MUCH)), port.write(b"b" * len(MUCH)))
        data = await read_exactly(far_end.read, 2 * len(MUCH))
        await writers
        assert data == b"a" * len(MUCH) + b"b" * len(MUCH)

    live(host, program)


def test_a_cancelled_read_loses_nothing(host: LineHost) -> None:
    async def program(port: SerialPort, far_end: FarEnd) -> None:
        waiting = asyncio.ensure_future(port.read())
        await asyncio.sleep(0)
        waiting.cancel()
        far_end.send(b"kept")
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await read_exactly(port.read, 4) == b"kept"

    live(host, program)


def test_a_pulled_cable_ends_the_wait_and_the_port(host: LineHost) -> None:
    async def program(port: SerialPort, far_end: FarEnd) -> None:
        waiting = asyncio.ensure_future(port.read())
        await asyncio.sleep(0)
        far_end.pull()
        with pytest.raises(LinkLostError, match="open it again"):
            await waiting
        with pytest.raises(LinkLostError):
            await port.read()
        with pytest.raises(LinkLostError):
            await port.write(b"x")

    live(host, program)


def test_a_cable_put_back_is_opened_again(host: LineHost) -> None:
    async def program(port: SerialPort, far_end: FarEnd) -> None:
        far_end.pull()
        with pytest.raises(UnavailableError, match="check the cable"):
            await host.ports.open(host.url)
        far_end.put_back()
        again = await host.ports.open(host.url)
        far_end.send(b"back")
        assert await read_exactly(again.read, 4) == b"back"
        await again.close()

    live(host, program)


def test_a_port_is_opened_by_one_at_a_time(host: LineHost) -> None:
    async def program(port: SerialPort, far_end: FarEnd) -> None:
        with pytest.raises(DeniedError, match="in use"):
            await host.ports.open(host.url)
        await port.close()
        again = await host.ports.open(host.url, baud=9600, parity="E")
        await again.close()

    live(host, program)


def test_closing_ends_the_wait_and_may_be_repeated(host: LineHost) -> None:
    async def program(port: SerialPort, far_end: FarEnd) -> None:
        waiting = asyncio.ensure_future(port.read())
        await asyncio.sleep(0)
        await port.close()
        with pytest.raises(LinkLostError):
            await waiting
        await port.close()
        with pytest.raises(LinkLostError):
            await port.write(b"x")

    live(host, program)


def test_what_is_not_there_is_unavailable(host: LineHost) -> None:
    with pytest.raises(UnavailableError, match="no serial port"):
        asyncio.run(host.ports.open(host.url + "-nowhere"))
