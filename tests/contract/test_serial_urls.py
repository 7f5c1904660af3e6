"""What only the ports of a real machine can open: URLs without a descriptor, sockets, things that are no port."""

import asyncio
from pathlib import Path

import pytest

from hal.errors import LinkLostError, UnavailableError
from hal.linux.serial_ports import PyserialPorts


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
