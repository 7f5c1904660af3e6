"""What every uplink promises, over a broker in memory and over a real Mosquitto, plain and with mutual TLS.

`board`: the board's own client on the real MicroPython, asked over a pseudo-terminal (firmware/agent.py).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from gateway.core.config_fields import broker
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.mqtt_tls import TlsFiles
from hal.errors import LinkLostError, TimedOutError, UnavailableError
from hal.interfaces import Uplink
from hal.sim.uplink import SimBroker, SimUplink
from tools.mpy.interpreter import MissingToolError
from tools.rig.board import Board
from tools.simulators.certificates import Authority
from tools.simulators.mosquitto import Mosquitto, find_mosquitto

LIMIT_S = (
    40.0  # nine hundred messages over TLS take the unix interpreter ten: it looks at TLS each millisecond
)
SHORT_MS = 300


class Bench(Protocol):
    """The broker's side of a test."""

    def uplink(self, client_id: str) -> Uplink: ...

    def stop(self) -> None:
        """End all connections and refuse new ones."""

    def start(self) -> None: ...

    def stall(self) -> None:
        """Keep connections, acknowledge nothing, accept nobody."""

    def resume(self) -> None: ...


class SimBench:
    def __init__(self) -> None:
        self.broker = SimBroker()

    def uplink(self, client_id: str) -> Uplink:
        return SimUplink(self.broker, client_id)

    def stop(self) -> None:
        self.broker.stop()

    def start(self) -> None:
        self.broker.start()

    def stall(self) -> None:
        self.broker.silent = True
        self.broker.hold_pubacks()

    def resume(self) -> None:
        self.broker.silent = False
        self.broker.release_pubacks()


class MosquittoBench:
    def __init__(self, directory: Path, authority: Authority | None) -> None:
        self.authority = authority
        tls = authority.server("127.0.0.1") if authority is not None else None
        self.mosquitto = Mosquitto(directory, tls=tls)

    def uplink(self, client_id: str) -> Uplink:
        tls = None
        if self.authority is not None:
            own = self.authority.client(client_id)
            tls = TlsFiles(str(own.ca), str(own.certificate), str(own.key))
        return PahoUplink(
            broker(self.mosquitto.url), client_id=client_id, tls=tls, connect_timeout_ms=5 * SHORT_MS
        )

    def stop(self) -> None:
        self.mosquitto.kill()

    def start(self) -> None:
        self.mosquitto.start()

    def stall(self) -> None:
        self.mosquitto.pause()

    def resume(self) -> None:
        self.mosquitto.resume()


class BoardBench(MosquittoBench):
    """Every uplink is one of a board's, all of the same one."""

    LARGEST = 70_000  # more than a board takes: the promises are tried with 64 KiB

    def __init__(self, directory: Path, authority: Authority | None) -> None:
        super().__init__(directory, authority)
        self.board = Board.spawn("tests.contract.board_agent")
        self.board.faces["MqttUplink"] = Uplink

    def uplink(self, client_id: str) -> Uplink:
        own = (None, None, None) if self.authority is None else self.authority.client(client_id).der()
        made: Uplink = self.board.make(
            "uplink", self.mosquitto.url, client_id, *own, 5 * SHORT_MS, self.LARGEST
        )
        return made


@pytest.fixture(params=["sim", "mosquitto", "mosquitto-tls", "board", "board-tls"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "sim":
        yield SimBench()
        return
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    authority = Authority(tmp_path / "ca") if request.param.endswith("-tls") else None
    made: MosquittoBench
    if request.param.startswith("board"):
        try:
            made = BoardBench(tmp_path / "broker", authority)
        except MissingToolError as error:
            pytest.skip(str(error))
    else:
        made = MosquittoBench(tmp_path / "broker", authority)
    made.mosquitto.start()
    yield made
    made.mosquitto.kill()
    if isinstance(made, BoardBench):
        made.board.close()


def run(work: Callable[[], Awaitable[None]], limit_s: float = LIMIT_S) -> None:
    async def limited() -> None:
        async with asyncio.timeout(limit_s):
            await work()

    asyncio.run(limited())


async def settled(*tasks: "asyncio.Task[object]") -> None:
    """Let tasks reach their wait; a broker on this machine has nothing to do meanwhile."""
    for _ in range(10):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


def test_a_published_message_is_acknowledged_and_reaches_its_subscriber(bench: Bench) -> None:
    async def work() -> None:
        hub, platform = bench.uplink("hub-1"), bench.uplink("platform")
        assert not hub.connected
        await platform.connect(["trygg/v1/+/+/up/#"])
        await hub.connect([])
        assert hub.connected and platform.connected
        for payload in (b"one", b"", bytes(65_536)):
            await hub.publish("trygg/v1/oslo/hub-1/up/0", payload)
            message = await platform.receive()
            assert (message.topic, message.payload, message.retained) == (
                "trygg/v1/oslo/hub-1/up/0",
                payload,
                False,
            )
        await hub.close()
        await platform.close()

    run(work)


def test_only_subscribed_topics_arrive(bench: Bench) -> None:
    async def work() -> None:
        hub, other = bench.uplink("hub-1"), bench.uplink("other")
        await hub.connect(["a/+/c", "d/#", "exact"])
        await other.connect([])
        for topic in ("a/b/c", "a/b/x", "a/b/c/d", "d", "d/e/f", "exact", "exact/no", "Exact"):
            await other.publish(topic, topic.encode())
        await other.publish("exact", b"end")
        taken = []
        while (message := await hub.receive()).payload != b"end":
            taken.append(message.topic)
        assert taken == ["a/b/c", "d", "d/e/f", "exact"]
        await hub.close()
        await other.close()

    run(work)


def test_retained_messages_are_told_from_live_ones_and_cleared_by_an_empty_one(bench: Bench) -> None:
    async def work() -> None:
        hub, platform = bench.uplink("hub-1"), bench.uplink("platform")
        await platform.connect([])
        await platform.publish("down/receipt", b"old", retain=True)
        await hub.connect(["down/#"])
        stored = await hub.receive()
        assert (stored.payload, stored.retained) == (b"old", True)
        await platform.publish("down/receipt", b"new", retain=True)
        live = await hub.receive()
        assert (live.payload, live.retained) == (b"new", False)
        await platform.publish("down/receipt", b"", retain=True)
        assert (await hub.receive()).payload == b""
        await hub.connect(["down/#"])
        await platform.publish("down/config", b"mark")
        assert (await hub.receive()).payload == b"mark"
        await hub.close()
        await platform.close()

    run(work)


def test_nothing_of_a_session_outlives_its_connection(bench: Bench) -> None:
    async def work() -> None:
        hub, platform = bench.uplink("hub-1"), bench.uplink("platform")
        await platform.connect([])
        await hub.connect(["down/#"])
        await hub.close()
        await platform.publish("down/command", b"missed")
        await hub.connect(["down/#"])
        await platform.publish("down/command", b"seen")
        assert (await hub.receive()).payload == b"seen"
        await hub.close()
        await platform.close()

    run(work)


def test_without_a_connection_every_call_says_so(bench: Bench) -> None:
    async def work() -> None:
        hub = bench.uplink("hub-1")
        for _ in range(2):
            with pytest.raises(LinkLostError):
                await hub.publish("a", b"")
            with pytest.raises(LinkLostError):
                await hub.receive()
            await hub.close()
            await hub.connect([])
            await hub.close()
            await hub.close()
            assert not hub.connected

    run(work)


def test_many_publishes_at_once_are_acknowledged_and_arrive_in_order(bench: Bench) -> None:
    async def work() -> None:
        hub, platform = bench.uplink("hub-1"), bench.uplink("platform")
        await platform.connect(["up"])
        await hub.connect([])
        acknowledged: list[int] = []

        async def publish(number: int) -> None:
            await hub.publish("up", number.to_bytes(2, "big"))
            acknowledged.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(publish(number))
        arrived = [int.from_bytes((await platform.receive()).payload, "big") for _ in range(200)]
        assert acknowledged == list(range(200))
        assert arrived == list(range(200))
        await hub.close()
        await platform.close()

    run(work)


@pytest.mark.timeout(4 * LIMIT_S)
def test_a_reader_who_falls_behind_loses_nothing(bench: Bench) -> None:
    async def work() -> None:
        hub, platform = bench.uplink("hub-1"), bench.uplink("platform")
        await platform.connect(["up"])
        await hub.connect([])
        for number in range(900):  # more than is read ahead, less than a broker holds for one client
            await hub.publish("up", number.to_bytes(2, "big"))
        arrived = [int.from_bytes((await platform.receive()).payload, "big") for _ in range(900)]
        assert arrived == list(range(900))
        await hub.close()
        await platform.close()

    run(work, 3 * LIMIT_S)  # a board over TLS takes 10 s of them, nearly all of it waiting


def test_a_broker_that_goes_away_ends_every_wait_and_can_come_back(bench: Bench) -> None:
    async def work() -> None:
        hub, platform = bench.uplink("hub-1"), bench.uplink("platform")
        await hub.connect(["down/#"])
        bench.stall()
        publishes = [asyncio.create_task(hub.publish("up/0", bytes([number]))) for number in range(3)]
        receive = asyncio.create_task(hub.receive())
        await settled(*publishes, receive)  # type: ignore[arg-type]
        bench.stop()
        for task in (*publishes, receive):
            with pytest.raises(LinkLostError):
                await task  # type: ignore[misc]
        assert not hub.connected
        with pytest.raises(LinkLostError):
            await hub.publish("up/0", b"")
        with pytest.raises(UnavailableError):
            await hub.connect([])
        assert not hub.connected
        bench.start()
        bench.resume()
        await hub.connect(["down/#"])
        await platform.connect([])
        await platform.publish("down/receipt", b"back")
        assert (await hub.receive()).payload == b"back"
        await hub.close()
        await platform.close()

    run(work)


def test_a_broker_that_does_not_answer_is_given_up_in_time(bench: Bench) -> None:
    async def work() -> None:
        hub = bench.uplink("hub-1")
        bench.stall()
        with pytest.raises(TimedOutError):
            await hub.connect(["down/#"])
        assert not hub.connected
        bench.resume()
        await hub.connect(["down/#"])
        assert hub.connected
        await hub.close()

    run(work)


def test_closing_ends_every_wait(bench: Bench) -> None:
    async def work() -> None:
        hub = bench.uplink("hub-1")
        await hub.connect(["down/#"])
        bench.stall()
        waits = [asyncio.create_task(hub.publish("up/0", b"")), asyncio.create_task(hub.receive())]
        await settled(*waits)  # type: ignore[arg-type]
        await hub.close()
        for task in waits:
            with pytest.raises(LinkLostError):
                await task  # type: ignore[misc]
        bench.resume()

    run(work)


def test_a_cancelled_wait_leaves_the_connection_usable(bench: Bench) -> None:
    async def work() -> None:
        hub = bench.uplink("hub-1")
        await hub.connect(["echo"])
        bench.stall()
        waits = [asyncio.create_task(hub.publish("up/0", b"")), asyncio.create_task(hub.receive())]
        await settled(*waits)  # type: ignore[arg-type]
        for task in waits:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task  # type: ignore[misc]
        bench.resume()
        await hub.publish("echo", b"still here")
        assert (await hub.receive()).payload == b"still here"
        await hub.close()

    run(work)


def test_a_cancelled_connect_leaves_nothing_behind(bench: Bench) -> None:
    async def work() -> None:
        hub = bench.uplink("hub-1")
        connecting = asyncio.create_task(hub.connect(["echo"]))
        await asyncio.sleep(0)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        assert not hub.connected
        await hub.connect(["echo"])
        await hub.publish("echo", b"x")
        assert (await hub.receive()).payload == b"x"
        await hub.close()

    run(work)


def test_a_second_connection_of_the_same_gateway_ends_the_first(bench: Bench) -> None:
    async def work() -> None:
        first, second = bench.uplink("hub-1"), bench.uplink("hub-1")
        await first.connect(["down/#"])
        receive = asyncio.create_task(first.receive())
        await second.connect(["down/#"])
        with pytest.raises(LinkLostError):
            await receive
        assert second.connected and not first.connected
        await second.close()
        await first.close()

    run(work)
