"""What only the ports of a real machine can open: URLs without a descriptor, sockets, things that are no port."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from hal.errors import LinkLostError, UnavailableError
from hal.interfaces import SerialPort
from hal.linux.serial_ports import PyserialPorts
from tools.simulators.rfc2217_server import Rfc2217Server

EVERY_BYTE = bytes(range(256))  # 255 is Telnet's own, and is doubled on the way


def test_a_port_without_a_descriptor_is_read_by_a_thread() -> None:
    async def program() -> None:
        port = await PyserialPorts().open("loop://")
        await port.write(b"\x00\xffecho")
        data = b""
        while len(data) < 6:
            data += await port.read()
        assert data == b"\x00\xffecho"
        waiting = asyncio.ensure_future(port.read())
        await asyncio.sleep(0)
        await port.close()
        with pytest.raises(LinkLostError, match="closed here"):
            await waiting
        await port.close()
        with pytest.raises(LinkLostError):
            await port.write(b"x")

    asyncio.run(program())


def test_a_serial_server_in_the_network_hangs_up() -> None:
    async def program() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.readexactly(3))[::-1])
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = await PyserialPorts().open(f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await port.write(b"abc")
        assert await port.read() == b"cba"
        with pytest.raises(LinkLostError):
            await port.read()
        await port.close()
        server.close()
        await server.wait_closed()

    asyncio.run(program())


@pytest.mark.parametrize("url", ["nonsense://x", "socket://127.0.0.1:1", "/dev/ttyNOWHERE", ""])
def test_what_cannot_be_opened_is_unavailable(url: str) -> None:
    with pytest.raises(UnavailableError, match="check the cable and the name") as refused:
        asyncio.run(PyserialPorts().open(url))
    assert refused.value.detail


def test_a_file_is_no_serial_port(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("text")
    with pytest.raises(UnavailableError):
        asyncio.run(PyserialPorts().open(str(path)))


def test_an_opening_that_is_cancelled_leaves_the_port_free(tmp_path: Path) -> None:
    async def program() -> None:
        ports = PyserialPorts()
        opening = asyncio.ensure_future(ports.open("loop://"))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        port = await ports.open("loop://")
        await port.close()

    asyncio.run(program())


# --- rfc2217:// ------------------------------------------------------------------------------------------------------


# pyserial 3.5 makes its thread with methods that Python has given other names since, and leaves the closing of a socket whose
# peer is gone to the last reference.
telnet = pytest.mark.filterwarnings(
    "ignore:set(Daemon|Name):DeprecationWarning", "ignore:Exception ignored in. <socket.socket"
)


def over_telnet(program: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(program())
    gc.collect()


async def exactly(port: SerialPort | Rfc2217Server, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += await port.read()
    return data


@telnet
def test_a_line_behind_a_server_of_rfc_2217_carries_every_byte_at_the_speed_that_is_asked_for() -> None:
    async def program() -> None:
        async with Rfc2217Server() as server:
            port = await PyserialPorts().open(server.url, baud=57_600, parity="E")
            assert (server.uart.baudrate, server.uart.parity) == (57_600, "E")
            await port.write(EVERY_BYTE)
            assert await exactly(server, 256) == EVERY_BYTE
            assert server.send(EVERY_BYTE * 20)
            assert await exactly(port, 5_120) == EVERY_BYTE * 20
            await port.close()

    over_telnet(program)


@telnet
def test_a_server_that_goes_is_lost_while_it_is_read_and_found_again_under_its_name() -> None:
    async def program() -> None:
        async with Rfc2217Server() as server:
            ports = PyserialPorts()
            port = await ports.open(server.url)
            waiting = asyncio.ensure_future(port.read())
            await asyncio.sleep(0)
            server.pull()
            with pytest.raises(LinkLostError, match="open it again"):
                await waiting
            with pytest.raises(LinkLostError):
                await port.write(b"x")
            await port.close()
            with pytest.raises(UnavailableError, match="check the cable"):
                await ports.open(server.url)
            await server.put_back()
            again = await ports.open(server.url, baud=9_600)
            assert server.uart.baudrate == 9_600
            server.send(b"back")
            assert await exactly(again, 4) == b"back"
            await again.close()

    over_telnet(program)


@telnet
def test_a_server_that_another_has_is_not_opened() -> None:
    async def program() -> None:
        async with Rfc2217Server() as server:
            ports = PyserialPorts()
            port = await ports.open(server.url)
            with pytest.raises(UnavailableError):
                await ports.open(server.url)
            assert server.refused == 1
            server.send(b"mine")
            assert await exactly(port, 4) == b"mine"
            await port.close()

    over_telnet(program)


@telnet
def test_what_is_no_server_of_rfc_2217_is_not_opened() -> None:
    async def program() -> None:
        async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
        with pytest.raises(UnavailableError) as refused:
            await PyserialPorts().open(f"rfc2217://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        assert "RFC" in refused.value.detail or "2217" in refused.value.detail
        server.close()
        await server.wait_closed()

    over_telnet(program)
