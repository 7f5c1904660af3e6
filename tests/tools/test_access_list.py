"""The broker's access list on a real Mosquitto: each gateway its own topics, the platform all, nobody else anything."""

import asyncio
import queue
import threading
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from gateway.core import wire
from gateway.core.config_fields import broker
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.mqtt_tls import TlsFiles
from hal.errors import HalError
from tests.gateway.uplinks import needs_mosquitto
from tests.tools.authority_bench import TENANT, Gateway, Town
from tools.authority import access
from tools.simulators.certificates import Credentials
from tools.simulators.mosquitto import Mosquitto

WAIT_S = 30.0
LAST_WORD = b"last"


class Client:
    """An MQTT client that takes what the broker grants it. Mosquitto grants a subscription and filters what it hands out."""

    def __init__(self, site: "Site", name: str) -> None:
        ca, certificate, key = site.files(name)
        self.messages: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.up = threading.Event()
        self.acknowledged: queue.Queue[int] = queue.Queue()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name)
        self.client.tls_set(ca, certificate, key)
        self.client.on_connect = lambda *_: self.up.set()
        self.client.on_message = lambda _c, _u, message: self.messages.put((message.topic, message.payload))
        self.client.on_subscribe = lambda _c, _u, mid, *_: self.acknowledged.put(mid)
        self.client.connect("127.0.0.1", site.port)
        self.client.loop_start()
        assert self.up.wait(WAIT_S)
        self.client.subscribe("#", 1)
        self.acknowledged.get(timeout=WAIT_S)

    def publish(self, topic: str, payload: bytes = b"x") -> None:
        self.client.publish(topic, payload, 1).wait_for_publish(WAIT_S)

    def heard(self) -> list[str]:
        """Topics that came before the last word."""
        found: list[str] = []
        while True:
            topic, payload = self.messages.get(timeout=WAIT_S)
            if payload == LAST_WORD:
                return found
            found.append(topic)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Site:
    """Two gateways and a platform, each with a certificate of the authority."""

    def __init__(self, town: Town, directory: Path) -> None:
        self.town = town
        self.directory = directory
        self.gateways = {
            name: Gateway(directory / name, town, name).certified().directory for name in ("hub-1", "hub-2")
        }
        for name, words in (("broker", ("--host", "127.0.0.1")), ("trygg-platform", ()), ("visitor", ())):
            town.ca("issue", name, *words, "--out", directory)
        self.port = 0

    def files(self, name: str) -> tuple[str, str, str]:
        ca = str(self.town.folder.path("ca.pem"))
        if name in self.gateways:
            tls = self.gateways[name] / "tls"
            return ca, str(tls / "hub.pem"), str(tls / "hub.key")
        return ca, str(self.directory / f"{name}.pem"), str(self.directory / f"{name}.key")

    def mosquitto(self, acl: str, *options: str) -> Mosquitto:
        server = Credentials(*(Path(path) for path in self.files("broker")))
        lines = [line for line in access.LISTENER if line.startswith("use_username")]
        return Mosquitto(self.directory / "mosquitto", tls=server, acl=acl, options=[*lines, *options])


@pytest.fixture
def site(town: Town, tmp_path: Path) -> Site:
    return Site(town, tmp_path)


def every_topic(name: str) -> tuple[list[str], list[str]]:
    up = [wire.topic(TENANT, name, "bundle", lane) for lane in range(5)]
    up += [wire.topic(TENANT, name, sort) for sort in ("manifest", "state")]
    return up, [wire.topic(TENANT, name, sort) for sort in access.DOWN]


def walk(site: Site, acl: str) -> dict[str, list[str]]:
    """Everybody publishes everything; what each one heard, in order."""
    heard: dict[str, list[str]] = {}
    with site.mosquitto(acl) as mosquitto:
        site.port = mosquitto.port
        clients = {name: Client(site, name) for name in ("hub-1", "hub-2", "trygg-platform", "visitor")}
        try:
            for name in ("hub-1", "visitor", "trygg-platform"):
                for owner in ("hub-1", "hub-2"):
                    for topic in (*every_topic(owner)[0], *every_topic(owner)[1]):
                        clients[name].publish(topic)
                clients[name].publish("trygg/v1/bergen/hub-1/up/0")
                clients[name].publish("elsewhere")
            for name in ("hub-1", "hub-2"):
                clients["trygg-platform"].publish(every_topic(name)[1][0], LAST_WORD)
                heard[name] = clients[name].heard()
            clients["hub-1"].publish(every_topic("hub-1")[0][0], LAST_WORD)
            heard["trygg-platform"] = clients["trygg-platform"].heard()
            heard["visitor"] = [topic for topic, _ in clients["visitor"].messages.queue]
        finally:
            for client in clients.values():
                client.close()
    return heard


@needs_mosquitto
@pytest.mark.parametrize("listed", [False, True])
def test_a_gateway_publishes_its_own_up_and_hears_its_own_down_and_nothing_else(
    site: Site, listed: bool
) -> None:
    words = ("--listed",) if listed else ()
    check(walk(site, site.town.ca("acl", *words, secret=False).out))


def check(heard: dict[str, list[str]]) -> None:
    """Raises AssertionError where somebody heard more or less than is theirs."""
    assert heard["hub-1"] == every_topic("hub-1")[1] and heard["hub-2"] == every_topic("hub-2")[1]
    assert heard["trygg-platform"] == every_topic("hub-1")[0], (
        "hub-1's own, and nothing that it said for hub-2"
    )
    assert heard["visitor"] == []


@needs_mosquitto
def test_control_without_the_list_everybody_hears_everything(site: Site) -> None:
    with pytest.raises(AssertionError):
        check(walk(site, "pattern readwrite #\n"))


@needs_mosquitto
def test_a_gateway_that_was_taken_back_is_refused_by_the_broker(site: Site) -> None:
    def connect() -> HalError | None:
        async def work() -> None:
            uplink = PahoUplink(
                broker(mosquitto.url),
                client_id="hub-1",
                tls=TlsFiles(*site.files("hub-1")),
                connect_timeout_ms=3000,
            )
            try:
                await uplink.connect([wire.topic(TENANT, "hub-1", "receipt")])
                await uplink.publish(wire.topic(TENANT, "hub-1", "state"), b"x")
            finally:
                await uplink.close()

        try:
            asyncio.run(work())
        except HalError as error:
            return error
        return None

    town = site.town
    town.ca("crl")
    acl, crl = town.ca("acl", secret=False).out, town.folder.path("crl.pem")
    with site.mosquitto(acl, f"crlfile {crl}") as mosquitto:
        assert connect() is None
    town.ca("revoke", "hub-1")
    said = town.ca("revoke", "hub-1", status=1)
    assert "not known" not in said.err, "control: it was, and is out already"
    unknown = town.ca("revoke", "hub-99", status=1)
    assert "hub-99 is not known" in unknown.err and not unknown.out, unknown.err
    assert "hub-1" not in town.folder.path("registry.json").read_text()
    with site.mosquitto(acl, f"crlfile {crl}") as mosquitto:
        assert connect() is not None
    assert "user hub-1" not in town.ca("acl", "--listed", secret=False).out


def test_a_service_of_the_list_is_never_a_gateway(town: Town, tmp_path: Path) -> None:
    Gateway(tmp_path / "hub-1", town).certified()
    for name in ("hub-1", "#", "+"):
        assert "--service: found" in town.ca("acl", "--service", name, secret=False, status=2).err
