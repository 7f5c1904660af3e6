"""Two networks in one house: the hub's own uplink finds the broker over the one that leads there.

Network namespaces of the test's own stand for the house and the world; two cables run between them.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.core.ways import Ways
from gateway.daemon.mqtt import PahoUplink
from hal.errors import HalError
from hal.linux.network import SysfsNetwork
from hal.types import NetworkPath
from tools.simulators.mosquitto import find_mosquitto

HOUSE, WORLD = f"trygg-house-{os.getpid()}", f"trygg-world-{os.getpid()}"
BROKER = "10.9.0.1"
PORT = 18839


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def networks() -> Iterator[None]:
    """House and world: a cable that is routed by default, and a dearer one."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2: apt-get install iproute2")
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    try:
        ip("netns", "add", HOUSE)
        ip("netns", "add", WORLD)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr.decode().strip()}")
    try:
        ip("-n", WORLD, "addr", "add", f"{BROKER}/32", "dev", "lo")
        ip("-n", WORLD, "link", "set", "lo", "up")
        for number, name, metric in ((1, "eth0", 100), (2, "wwan0", 700)):
            ip(
                "link",
                "add",
                name,
                "netns",
                HOUSE,
                "type",
                "veth",
                "peer",
                "name",
                f"far{number}",
                "netns",
                WORLD,
            )
            ip("-n", HOUSE, "addr", "add", f"10.9.{number}.2/24", "dev", name)
            ip("-n", WORLD, "addr", "add", f"10.9.{number}.1/24", "dev", f"far{number}")
            ip("-n", HOUSE, "link", "set", name, "up")
            ip("-n", WORLD, "link", "set", f"far{number}", "up")
            ip("-n", HOUSE, "route", "add", "default", "via", f"10.9.{number}.1", "metric", str(metric))
        yield
    finally:
        for name in (HOUSE, WORLD):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@pytest.fixture
def world(networks: None, tmp_path: Path) -> Iterator[None]:
    """A broker out there."""
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(f"listener {PORT} {BROKER}\nallow_anonymous true\n")
    command = ["ip", "netns", "exec", WORLD, find_mosquitto() or "", "-c", str(configuration)]
    broker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        broker.terminate()
        broker.wait(10)


def in_house(program: str) -> dict[str, object]:
    """What `python -m tests.system.test_paths PROGRAM` prints within the house."""
    command = ["ip", "netns", "exec", HOUSE, sys.executable, "-m", "tests.system.test_paths", program]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_where_the_default_route_leads_nowhere_the_other_interface_does(world: None) -> None:
    seen = in_house("paths")
    assert seen == {"order": [None, "wwan0"], "routed": ["eth0"]}
    assert in_house("reach")["reached"] == [None, "wwan0"]
    ip("-n", WORLD, "addr", "del", "10.9.1.1/24", "dev", "far1")
    assert in_house("reach")["reached"] == ["wwan0"], "the router is dead, the cable is plugged in"
    ip("-n", WORLD, "link", "set", "far1", "down")
    assert in_house("reach")["reached"] == ["wwan0"], "the cable is pulled, the route is still there"
    ip("-n", WORLD, "link", "set", "far2", "down")
    assert in_house("reach")["reached"] == []


async def reach() -> list[str | None]:
    """Over which ways of one broker a message is acknowledged."""
    from gateway.core.config_fields import Broker

    found: list[str | None] = []
    for way in Ways(1).order(paths()):
        uplink = PahoUplink(Broker(BROKER, PORT, False), client_id="hub-1", connect_timeout_ms=2_000)
        end = time.monotonic() + 4
        while time.monotonic() < end:
            try:
                await uplink.connect([], interface=way.interface)
                await uplink.publish("up", b"x")
                found.append(way.interface)
                break
            except HalError:
                await asyncio.sleep(0.2)
        await uplink.close()
    return found


def paths() -> list[NetworkPath]:
    return SysfsNetwork().paths()


if __name__ == "__main__":
    if sys.argv[1] == "paths":
        order = [way.interface for way in Ways(1).order(paths())]
        print(json.dumps({"order": order, "routed": [path.name for path in paths() if path.routed]}))
    else:
        print(json.dumps({"reached": asyncio.run(reach())}))
