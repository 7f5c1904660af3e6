"""A technician pairs an oximeter at a running hub: `trygg run` and `trygg pair` as processes, over the virtual radio."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.control import ask
from tools.simulators.hci_server import HciServer
from tools.simulators.link import HomeLink
from tools.simulators.mosquitto import free_port
from tools.simulators.oximeter import Oximeter

ADDRESS, LABEL = "C1:00:00:00:00:01", 314_159
HUB = """
[hub]
id = "hub-1"
tenant = "oslo"
language = "en"
data_directory = "data"
[uplink]
brokers = ["mqtt://127.0.0.1:{broker}"]
[platform]
root_public_key = "{root}"
[radio]
backend = "bumble"
transport = "tcp-client:127.0.0.1:{radio}"
"""
DEVICE = '[[device]]\nname = "Oximeter"\ndriver = "plx"\naddress = "{}"\nroom = "bedroom"\n'
TRYGG = [sys.executable, "-X", "utf8", "-m", "gateway.daemon"]


@contextmanager
def hub(file: Path) -> Iterator["subprocess.Popen[str]"]:
    child = subprocess.Popen(
        [*TRYGG, "run", "--log-json", "-c", str(file)], stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        yield child
    finally:
        child.terminate()
        child.communicate(timeout=60)


async def pair(file: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`trygg pair` beside a home that lives on."""
    command = [*TRYGG, "pair", "-c", str(file), *arguments]
    return await asyncio.to_thread(
        subprocess.run, command, input="", capture_output=True, text=True, timeout=60
    )


async def asked(file: Path, command: str) -> Any:
    """What the hub answers, once it does."""
    for _ in range(200):
        try:
            return await asyncio.to_thread(ask, file.parent / "data" / "control.sock", command)
        except OSError:
            await asyncio.sleep(0.05)
    raise AssertionError("the hub did not answer")


async def until_connected(file: Path) -> dict[str, Any]:
    for _ in range(200):
        (row,) = await asked(file, "devices")
        if row["link"] == "connected":
            return dict(row)
        await asyncio.sleep(0.05)
    raise AssertionError(f"never connected: {row}")


@pytest.mark.long
@pytest.mark.timeout(120)
def test_an_oximeter_is_found_paired_configured_read_and_forgotten(tmp_path: Path) -> None:
    async def work() -> None:
        link = HomeLink()
        server = HciServer(link)
        text = HUB.format(broker=free_port(), root="ab" * 32, radio=await server.start())
        file = tmp_path / "hub.toml"
        file.write_text(text)
        oximeter = Oximeter(link, ADDRESS, "Oxi 9", passkey=LABEL)
        await oximeter.start((0x1822,))
        try:
            with hub(file):
                await asked(file, "status")
                wrong = await pair(file, "--driver", "plx", "--code", "000001")
                assert (wrong.returncode, oximeter.pairings) == (1, []), wrong.stdout + wrong.stderr
                assert "The code was wrong" in wrong.stdout
                done = await pair(file, "--driver", "plx", "--code", f"{LABEL:06d}")
                assert (done.returncode, oximeter.pairings) == (0, [True]), done.stdout + done.stderr
                assert "Paired: Oxi 9, with protection." in done.stdout
                assert f'address = "{ADDRESS}"' in done.stdout
            file.write_text(text + DEVICE.format(ADDRESS))
            with hub(file):
                row = await until_connected(file)
                assert (row["bond"], row["paired"], oximeter.pairings) == (2, True, [True])
                again = await pair(file, "--device", "Oximeter")
                assert again.returncode == 1 and "paired already" in again.stderr
                forgotten = await pair(file, "--forget", "Oximeter", "--yes")
                assert forgotten.returncode == 0, forgotten.stderr
                (row,) = await asked(file, "devices")
                assert (row["paired"], row["bond"]) == (False, 0)
                assert (await asked(file, "status"))["devices_unpaired"] == ["Oximeter"]
                await asyncio.sleep(1)  # it advertises all the time, and nobody pairs
                assert oximeter.pairings == [True] and not oximeter.connected
        finally:
            await oximeter.stop()
            await server.stop()

    asyncio.run(work())
