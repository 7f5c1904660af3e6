"""Controllers for other processes: a gateway is killed at any moment, and the home goes on."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hal.types import BOND_WEAK
from tests.radio.home import OXIMETER, number_of, numbered, soon
from tools.simulators.hci_server import HciServer
from tools.simulators.link import HomeLink
from tools.simulators.oximeter import Oximeter

ROOT = Path(__file__).resolve().parent.parent.parent


class Gateway:
    """The other process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def said(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line: dict[str, Any] = json.loads(await soon(self._process.stdout.readline()))
        return line

    async def kill(self) -> None:
        """SIGKILL: nothing in it gets to say goodbye."""
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def gateway(port: int, bonds: Path) -> AsyncIterator[Gateway]:
    command = [sys.executable, "-m", "tests.radio.gateway_process", str(port), str(bonds), OXIMETER]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    other = Gateway(process)
    try:
        yield other
    finally:
        if process.returncode is None:
            await other.kill()


async def until_left(oximeter: Oximeter) -> None:
    (connection,) = oximeter.device.connections.values()
    gone = asyncio.Event()
    connection.once(connection.EVENT_DISCONNECTION, lambda _reason: gone.set())
    await soon(gone.wait())


def test_a_killed_gateway_comes_back_with_its_bond(tmp_path: Path) -> None:
    async def program() -> None:
        link = HomeLink()
        server = HciServer(link)
        port = await server.start()
        oximeter = Oximeter(link, OXIMETER)
        await oximeter.start(interval_ms=20)
        for life in range(2):
            async with gateway(port, tmp_path / "bonds.json") as hub:
                assert await hub.said() == {"bond": BOND_WEAK}
                await oximeter.measure(numbered(life))
                assert number_of(bytes.fromhex((await hub.said())["value"])) == life
                assert server.connected == 1
                leaving = asyncio.ensure_future(until_left(oximeter))
                await asyncio.sleep(0)
                await hub.kill()
                await leaving
        assert len(oximeter.pairings) == 1
        await oximeter.stop()
        await server.stop()
        assert (server.connected, link.controllers) == (0, set())

    asyncio.run(program())


def test_a_host_that_does_not_speak_hci_is_unplugged_and_others_go_on() -> None:
    async def program() -> None:
        server = HciServer(HomeLink())
        port = await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await soon(server.wait_for_host())
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        try:
            answer = await soon(reader.read())
        except ConnectionResetError:
            answer = b""
        assert answer == b""
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(bytes.fromhex("01 03 0c 00"))  # HCI_Reset
        assert await soon(reader.readexactly(7)) == bytes.fromhex("04 0e 04 01 03 0c 00")
        writer.close()
        await server.stop()

    asyncio.run(program())
