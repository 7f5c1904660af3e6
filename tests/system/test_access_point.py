"""The access point before the real hub, as processes: opened by `trygg install`, gone when the hub is killed, there again after its start."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.access_point import NAME
from gateway.daemon.install_window import NAME as WINDOW
from tests.conftest import ROOT
from tests.private_bus import private_bus
from tests.system.test_page import free_port, until
from tests.system.test_page_hub import HUB
from tools.simulators.network_manager import NetworkManager

TRYGG = [sys.executable, "-X", "utf8", "-m", "gateway.daemon"]


class Gateway:
    """A hub as a process, on a machine whose message bus is ours."""

    def __init__(self, folder: Path, bus: str) -> None:
        self.file, self.data = folder / "hub.toml", folder / "data"
        self.file.write_text(HUB.format(root="ab" * 32, port=free_port()))
        self.surroundings = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus}
        self.child: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        (self.data / "control.sock").unlink(missing_ok=True)
        self.child = await asyncio.to_thread(
            subprocess.Popen,
            [*TRYGG, "run", "--log-json", "-c", str(self.file)],
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=self.surroundings,
        )
        await until((self.data / "control.sock").exists, "the hub runs")

    async def end(self, number: signal.Signals) -> None:
        child, self.child = self.child, None
        if child is not None:
            child.send_signal(number)
            await asyncio.to_thread(child.wait, 30)

    async def trygg(self, *arguments: str, status: int = 0) -> Any:
        command = [*TRYGG, *arguments, "-c", str(self.file), "--json"]
        done = await asyncio.to_thread(
            lambda: subprocess.run(command, capture_output=True, text=True, timeout=90, cwd=ROOT, check=False)
        )
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout)


@pytest.mark.timeout(240)
def test_it_is_gone_with_a_killed_hub_and_there_again_with_the_next_until_the_window_is_closed(
    tmp_path: Path,
) -> None:
    async def work() -> None:
        async with private_bus(tmp_path) as bus:
            manager, gateway = NetworkManager(bus), Gateway(tmp_path, bus)
            await manager.start()
            manager.join_at_start("Hjemme")
            manager.has_way = True  # by its cable, over which the platform was not reached yet
            try:
                await gateway.start()
                await gateway.trygg("install", "--access-point", status=1)
                assert manager.opened is None and manager.joined == "Hjemme", "nobody knows the way yet"
                opened = await gateway.trygg("install", "--access-point", "--yes")
                point = opened["access_point"]
                assert point["name"] == "Trygg-1" and passphrase(manager) == point["passphrase"]
                assert manager.joined == ""
                await gateway.end(signal.SIGKILL)
                await until(lambda: manager.opened is None, "it is gone with the hub")
                assert manager.joined == "Hjemme"
                await gateway.start()
                await until(
                    lambda: passphrase(manager) == point["passphrase"], "the window goes on, and so does it"
                )
                await gateway.end(signal.SIGTERM)
                assert manager.opened is None
                await gateway.start()
                await until(lambda: manager.opened is not None, "there again")
                await gateway.trygg("install", "--close")
                await until(lambda: manager.opened is None, "gone with the window")
                assert not (gateway.data / NAME).exists() and manager.saved == ["Hjemme"]
            finally:
                await gateway.end(signal.SIGTERM)
                await manager.stop()

    asyncio.run(work())


@pytest.mark.timeout(240)
def test_what_a_killed_hub_has_left_is_removed_by_the_next_start(tmp_path: Path) -> None:
    async def work() -> None:
        async with private_bus(tmp_path) as bus:
            manager, gateway = NetworkManager(bus), Gateway(tmp_path, bus)
            await manager.start()
            manager.binds = False  # it was restarted, and forgot who had asked
            try:
                await gateway.start()
                await gateway.trygg("install", "--access-point")
                await gateway.end(signal.SIGKILL)
                assert manager.opened is not None
                (gateway.data / WINDOW).unlink()  # its time is over by now
                await gateway.start()
                await until(lambda: manager.opened is None, "the next start removes it")
                await until(lambda: not (gateway.data / NAME).exists(), "and its passphrase")
            finally:
                await gateway.end(signal.SIGTERM)
                await manager.stop()

    asyncio.run(work())


def passphrase(manager: NetworkManager) -> str:
    settings = manager.opened
    return "" if settings is None else str(settings["802-11-wireless-security"]["psk"].value)
