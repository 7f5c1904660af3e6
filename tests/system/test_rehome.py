"""A gateway leaves its home, as processes: hub, broker, platform and kit; and the kit killed again and again."""

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.core.config_fields import Broker
from gateway.daemon.control import ask
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.restarts import NAME as RESTARTS
from gateway.daemon.restarts import Restarts, boot_id
from tests.gateway.uplinks import needs_mosquitto
from tests.system.programs import KIT, TRYGG, process
from tests.tools.move_bench import exported, left
from tools.kit.keys import add_gateway, make_tenant
from tools.rig.rehome_homes import made
from tools.simulators.mosquitto import Mosquitto, free_port

HUB = """
[hub]
id = "hub-1"
tenant = "oslo"
language = "en"
data_directory = "{data}"
[uplink]
brokers = ["{url}"]
[platform]
root_public_key = "{root}"
[radio]
backend = "none"
"""
UP, DOWN = {"manifest", "state"}, {"receipt", "keyset"}


def command(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=60, check=False
    )


async def retained(broker: Broker) -> set[str]:
    """The last words of the topics that the broker retains."""
    uplink = PahoUplink(broker, client_id="looker", tls=None)
    await uplink.connect(["trygg/v1/oslo/hub-1/#"])
    found = set()
    try:
        while True:
            async with asyncio.timeout(0.5):
                message = await uplink.receive()
            if message.retained:
                found.add(message.topic.rsplit("/", 1)[1])
    except TimeoutError:
        return found
    finally:
        await uplink.close()


def settled(data: Path) -> dict[str, Any]:
    """The status of a hub that has its keyset, and nothing that waits."""
    for _ in range(200):
        try:
            facts: dict[str, Any] = ask(data / "control.sock", "status")
            if facts["keyset"] == 1 and not any(lane["held"] for lane in facts["lanes"]):
                return facts
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("nothing was receipted")


@needs_mosquitto
@pytest.mark.timeout(90)
def test_a_running_hub_delivers_says_that_it_leaves_and_is_wiped(tmp_path: Path) -> None:
    data, etc = tmp_path / "data", tmp_path / "etc"
    etc.mkdir()
    tenant = make_tenant(tmp_path / "keys", "oslo")
    root = (tmp_path / "keys" / "root.pub").read_text().strip()
    hub = etc / "hub.toml"
    with Mosquitto(tmp_path / "mosquitto") as mosquitto:
        hub.write_text(HUB.format(data=data, url=mosquitto.url, root=root))
        key = json.loads(command(*TRYGG, "identity", "-c", hub, "--json").stdout)["public_key"]
        add_gateway(tmp_path / "keys", "hub-1", bytes.fromhex(key))
        broker = Broker("127.0.0.1", int(mosquitto.url.rsplit(":", 1)[1]), False)
        platform: list[object] = [
            *KIT,
            "platform",
            "--json",
            "--broker",
            mosquitto.url,
            "--registry",
            tenant.registry,
        ]
        platform += [
            "--keyset",
            tenant.keyset,
            "--signing-key",
            tenant.receipt_key,
            "--store",
            tmp_path / "p.db",
        ]
        with process(platform) as receiver:
            with process([*TRYGG, "run", "-c", hub]) as running:
                settled(data)
                done = command(
                    *KIT, "rehome", "leave", "-c", hub, "--yes", "--json", "--network", etc / "none"
                )
                assert done.returncode == 0, done.stdout + done.stderr
                report = json.loads(done.stdout)
                assert running.wait(20) == 0, "it stopped as told"
            assert (report["told"], report["cleared"], report["found"]) == (True, True, [])
            assert report["took_ms"] < 180_000
            assert receiver.stdout is not None
            assert any('"gateway.left"' in line for line in receiver.stdout)
        assert asyncio.run(retained(broker)) == DOWN
        cleared = command(
            *KIT, "rehome", "clear", "--tenant", "oslo", "--gateway", "hub-1", "--broker", mosquitto.url
        )
        assert cleared.returncode == 0, cleared.stderr
        assert asyncio.run(retained(broker)) == set()
        now = json.loads(command(*TRYGG, "identity", "-c", hub, "--json").stdout)
        assert (now["public_key"], now["code"]) == (report["public_key"], report["label"]) and now[
            "public_key"
        ] != key


@pytest.mark.timeout(90)
def test_a_move_that_is_broken_off_leaves_a_hub_that_starts_again_and_listens(tmp_path: Path) -> None:
    data, hub = tmp_path / "data", tmp_path / "hub.toml"
    url = f"mqtt://127.0.0.1:{free_port()}"  # nobody is there: nothing is ever receipted
    hub.write_text(HUB.format(data=data, url=url, root="ab" * 32))
    with process([*TRYGG, "run", "-c", hub]) as running:
        asked_until(data, lambda _facts: True)
        stopped = command(*KIT, "rehome", "leave", "-c", hub, "--yes", "--wait-s", 1, "--language", "en")
        assert stopped.returncode == 1 and "events are not delivered" in stopped.stderr
        assert running.wait(20) == 1, "by which the service starts it again"
    assert not (data / "rehome").exists()
    assert Restarts(data / RESTARTS, boot_id()).ends == [], (
        "no failure that a restart of the machine would mend"
    )
    with process([*TRYGG, "run", "-c", hub]):
        assert asked_until(data, lambda _facts: True)["faults"] == []
        ask(data / "control.sock", "leave")
        asked_until(data, lambda facts: facts["faults"] == ["gateway.left"])


def asked_until(data: Path, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The status of a hub in which something holds."""
    for _ in range(200):
        try:
            facts: dict[str, Any] = ask(data / "control.sock", "status")
            if holds(facts):
                return facts
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("it never was so")


@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_kit_that_is_killed_again_and_again_ends_with_everything_exported_and_nothing_left(
    tmp_path: Path,
) -> None:
    home = made(tmp_path / "home", 11, waiting=True)
    export = home.away / "events.cbor"
    words: list[object] = [*KIT, "rehome", "leave", "--yes", "--json", "--export", export]
    words += [word for path in home.layers for word in ("-c", path)]
    words += ["--network", home.network, "--bluetooth", home.bluetooth]
    kills, began = 0, time.monotonic()
    for number in range(40):
        child = subprocess.Popen(
            [str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            child.wait(0.1 + 0.05 * number)
            break
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
            kills += 1
    last = command(*words) if child.returncode != 0 else None
    assert last is None or last.returncode == 0, last.stdout + last.stderr
    assert kills > 0 and time.monotonic() > began
    assert len(exported(export)) > home.held and left(home) == []
