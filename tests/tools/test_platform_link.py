"""The platform on a broker: in memory for what a connection does to it, Mosquitto and a process for the whole."""

import asyncio
import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.core import wire
from gateway.core.config_fields import broker as parse_broker
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.mqtt_tls import TlsFiles
from hal.errors import HalError, LinkLostError
from hal.sim.uplink import SimBroker, SimUplink
from hal.types import Message
from tests.tools.platform_parties import SimGateway
from tests.tools.test_platform_receiver import Platform
from tools.kit.keys import TenantKeys, add_gateway, make_tenant
from tools.platform.link import Link, SystemTime
from tools.simulators.certificates import Authority
from tools.simulators.mosquitto import HOST, Mosquitto, find_mosquitto

ROOT = Path(__file__).resolve().parents[2]

needs_mosquitto = pytest.mark.skipif(
    find_mosquitto() is None, reason="mosquitto is not installed: apt-get install mosquitto"
)


class Served:
    """A platform served over a broker in memory, and its receipts as a gateway sees them."""

    def __init__(self, platform: Platform, gateway: SimGateway) -> None:
        self.broker = SimBroker()
        self.gateway = gateway
        self.platform = platform
        self.connections: list[HalError | None] = []
        self.subscribed = asyncio.Event()
        self.link = Link(SimUplink(self.broker, "platform"), ["city"], on_connection=self.on_connection)
        self.receipts: asyncio.Queue[dict[int, Any]] = asyncio.Queue()
        self.broker.subscribe(gateway.topic("receipt"), self.on_receipt)
        platform.receiver.time = SystemTime()
        platform.receiver.publish = self.link.publish

    def on_connection(self, error: HalError | None) -> None:
        self.connections.append(error)
        self.subscribed.set()

    def on_receipt(self, message: Message) -> None:
        self.receipts.put_nowait(wire.parse("receipt", message.payload).fields["lanes"])  # type: ignore[arg-type]

    def publish(self, first: int, last: int, lane: int = 3) -> None:
        self.broker.publish(self.gateway.topic("bundle", lane), self.gateway.bundle(first, last, lane))

    async def receipt_of(self, seq: int, lane: int = 3) -> None:
        """Wait for a receipt that covers so much."""
        while (await self.receipts.get())[lane][0] < seq:
            pass


def serve(served: Served, story: Callable[[], Awaitable[None]]) -> None:
    """Serve while a story is told."""

    async def run() -> None:
        serving = asyncio.create_task(served.link.serve(served.platform.receiver))
        try:
            await served.subscribed.wait()
            await story()
        finally:
            served.link.stop()
            await serving

    asyncio.run(run())


@pytest.fixture
def served(tmp_path: Path, gateway: SimGateway) -> Iterator[Served]:
    platform = Platform(str(tmp_path / "platform.db"), {("city", "hub-1"): gateway.public_key})
    yield Served(platform, gateway)
    platform.store.close()


def test_what_is_published_is_receipted_and_the_receipt_is_kept(served: Served) -> None:
    async def story() -> None:
        served.publish(1, 30)
        await served.receipt_of(30)

    serve(served, story)
    assert sorted(served.broker.retained) == [served.gateway.topic("keyset"), served.gateway.topic("receipt")]
    assert len(served.platform.events) == 30


def test_a_lost_connection_is_made_again_and_receipts_are_said_again(served: Served) -> None:
    async def story() -> None:
        served.publish(1, 10)
        await served.receipt_of(10)
        served.broker.drop_connections()
        served.publish(11, 20)  # nobody is there to take it
        await served.receipt_of(10)
        served.publish(11, 20)
        await served.receipt_of(20)

    serve(served, story)
    assert [type(error) for error in served.connections] == [type(None), LinkLostError, type(None)]
    assert served.platform.store.counts()["events"] == 20


def test_an_alarm_that_has_arrived_is_acted_on_before_all_else(served: Served) -> None:
    served.gateway.append(1, lane=0, kind="smoke.detected")

    async def story() -> None:
        for first in range(1, 31, 3):
            served.publish(first, first + 2)
        served.publish(1, 1, lane=0)
        await served.receipt_of(1, lane=0)

    serve(served, story)
    assert served.platform.events[0].row.lane == 0


def test_what_has_arrived_is_acted_on_before_the_end(served: Served) -> None:
    async def story() -> None:
        served.publish(1, 30)
        await asyncio.sleep(0)

    serve(served, story)
    assert served.platform.store.counts()["events"] == 30
    assert not served.platform.store.is_open


def test_a_fault_of_ours_ends_it_loudly(served: Served) -> None:
    def fail(error: HalError | None) -> None:
        raise RuntimeError("our bug")

    served.link.on_connection = fail
    with pytest.raises(RuntimeError, match="our bug"):
        asyncio.run(served.link.serve(served.platform.receiver))


# --- the command as a process, over mutual TLS ----------------------------------------------------------------------


class Site:
    """A municipality: keys, authority, broker, and the platform as a process."""

    def __init__(self, directory: Path, gateway: SimGateway) -> None:
        self.directory = directory
        self.gateway = gateway
        self.keys: TenantKeys = make_tenant(directory / "keys", "city")
        add_gateway(self.keys.directory, gateway.name, gateway.public_key)
        self.authority = Authority(directory / "ca")
        self.broker = Mosquitto(directory / "broker", tls=self.authority.server(HOST))
        self.store = directory / "platform.db"

    @contextlib.contextmanager
    def platform(self, *options: str) -> Iterator["subprocess.Popen[str]"]:
        """The command as a process; killed at the end where it still runs."""
        own = self.authority.client("platform")
        arguments = {
            "broker": self.broker.url,
            "ca": own.ca,
            "cert": own.certificate,
            "key": own.key,
            "registry": self.keys.registry,
            "signing-key": self.keys.receipt_key,
            "keyset": self.keys.keyset,
            "root-key": self.keys.directory / "root.pub",
            "store": self.store,
        }
        words = [str(word) for name, value in arguments.items() for word in ("--" + name, value)]
        command = [sys.executable, "-m", "tools.kit", "platform", *words, *options]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
            try:
                yield process
            finally:
                process.kill()

    async def send(self, bundles: list[tuple[int, int]], *, until: int) -> None:
        """Publish as a gateway does, again where asked to; return when a receipt covers `until`."""
        own = self.authority.client(self.gateway.name)
        files = TlsFiles(str(own.ca), str(own.certificate), str(own.key))
        uplink = PahoUplink(parse_broker(self.broker.url), client_id=self.gateway.name, tls=files)
        await uplink.connect([wire.topic("city", self.gateway.name, "receipt"), self.gateway.topic("keyset")])
        try:
            seq = -1
            while seq < until:
                message = await uplink.receive()
                is_receipt = message.topic == self.gateway.topic("receipt")
                if is_receipt:
                    seq = wire.parse("receipt", message.payload).fields["lanes"][3][0]  # type: ignore[index]
                if seq < until and not (
                    is_receipt and message.retained
                ):  # it is there, or asks for what it lacks
                    for first, last in bundles:
                        await uplink.publish(
                            self.gateway.topic("bundle", 3), self.gateway.bundle(first, last)
                        )
        finally:
            await uplink.close()


@pytest.fixture
def site(tmp_path: Path, gateway: SimGateway) -> Iterator[Site]:
    made = Site(tmp_path, gateway)
    with made.broker:
        yield made


@needs_mosquitto
def test_the_command_receives_over_mutual_tls_and_ends_with_a_summary(site: Site) -> None:
    names = site.directory / "names.json"
    names.write_text(json.dumps({"hub-1": {"7": "Oximeter, bedroom"}}))
    with site.platform("--json", "--names", str(names)) as process:
        asyncio.run(site.send([(1, 10), (1, 10), (11, 30)], until=30))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    lines = [json.loads(line) for line in out.splitlines()]
    assert (process.returncode, err) == (0, "")
    assert [line["seq"] for line in lines[:-1]] == list(range(1, 31))
    assert {line["device"] for line in lines[:-1]} == {"Oximeter, bedroom"}
    assert lines[-1]["summary"]["verified"] == 30
    assert lines[-1]["summary"]["duplicates_removed"] >= 10
    assert (lines[-1]["summary"]["refused"], lines[-1]["summary"]["lost"]) == (0, 0)


@needs_mosquitto
def test_a_killed_platform_lost_nothing_that_it_receipted(site: Site) -> None:
    with site.platform("--quiet"):
        asyncio.run(site.send([(1, 10)], until=10))
    with sqlite3.connect(site.store) as store:
        assert store.execute("SELECT count(*) FROM event").fetchone() == (10,)
    store.close()
    with site.platform("--json", "--faults") as process:
        asyncio.run(site.send([(1, 20), (11, 20)], until=20))
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["seq"] for line in lines if "seq" in line] == list(range(11, 21))
    assert process.returncode == 0


@needs_mosquitto
def test_a_broker_of_another_authority_is_said_in_the_words_of_the_command(site: Site) -> None:
    site.authority = Authority(site.directory / "foreign", "Another")
    with site.platform("--json", "--faults") as process:
        assert process.stdout is not None
        fault = json.loads(process.stdout.readline())
    assert fault["fault"] == "broker.lost"
    assert "check --ca" in fault["reason"]
