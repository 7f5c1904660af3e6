"""Brokers with small limits: a largest message, a short queue for who subscribes, one message at a time.

Reported of others: aws-greengrass/aws-greengrass-nucleus 829, eclipse-mosquitto/mosquitto 3394 (docs/peers-failures.md). The
uplink speaks MQTT 3.1.1, in which a broker cannot say what it takes: at a message that is too large it ends the connection
(Mosquitto's `max_packet_size`), or acknowledges and drops it (`message_size_limit`). Simulated, in simulated time; over
a real one: `tests/system/test_small_brokers.py`.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from gateway.hub.uplink import Delivery
from hal.sim.clock import SimClock
from hal.sim.uplink import PendingPublish, Session, SimBroker
from hal.types import ALARM, LANES, Message
from tests.hub.bench import DAY_UTC_MS, NIGHT_UTC_MS, Bench
from tools.rig.sim.platform import EVERYONE
from tools.rig.sim.unsafe import ForgetOnPuback

EVENTS = 300  # of a door, while the broker is away: more than two bundles hold
MINUTE_MS, STEP_MS = 60_000, 1_000
ENDS, DROPS = "ends the connection", "acknowledges and drops"


class SmallBroker(SimBroker):
    """A broker with limits, which counts what it did because of them.

    largest: bytes of a message that it takes. manner: what it does with others. queued: messages that it passes on to one
    who subscribes within a moment (STEP_MS) before it drops the newest, as for a platform that is slower than the hub.
    """

    def __init__(self, clock: SimClock) -> None:
        super().__init__()
        self.clock = clock
        self.largest = self.queued = 1 << 20
        self.manner = ENDS
        self.too_large = self.overflowed = 0
        self.passed: Counter[tuple[str, int]] = Counter()

    def take(self, session: Session, message: Message) -> PendingPublish:
        if len(message.topic) + len(message.payload) <= self.largest:
            return super().take(session, message)
        self.too_large += 1
        publish = PendingPublish()
        if self.manner == ENDS:
            self.close_session(session, "a message was too large")
            publish.lose("a message was too large")
        else:
            publish.acknowledge()
        return publish

    def deliver(self, topic: str, payload: bytes, *, retained: bool = False) -> int:
        moment = self.clock.uptime_ms() // STEP_MS
        for session in [one for one in self._sessions if one.takes(topic)]:
            self.passed[(session.client_id, moment)] += 1
            if self.passed[(session.client_id, moment)] > self.queued:
                self.overflowed += 1
                return 0
        return super().deliver(topic, payload, retained=retained)


class SmallBench(Bench):
    """A home whose broker was away while a door moved, and is small when it is back."""

    broker: SmallBroker

    def __init__(self, delivery: type[Delivery] | None = None, utc_ms: int = DAY_UTC_MS) -> None:
        super().__init__(utc_ms=utc_ms, delivery=delivery)
        self.broker = SmallBroker(self.clock)
        self.brokers = [self.broker]
        self.platform = type(self.platform)(self.broker, "oslo", "hub-1", self.keystore.public_key)

    async def backlog(self) -> None:
        """Events without a broker, and then the broker."""
        self.broker.stop()
        for number in range(EVENTS):
            self.door(bool(number % 2), number % 250 + 1)
            await self.clock.advance(1_500)
        assert self.held() >= EVENTS
        self.broker.start()
        await self.platform.uplink.connect([EVERYONE])
        self.platform.task = asyncio.create_task(self.platform.serve())

    def held(self) -> int:
        return sum(self.journal.mark(lane).last - self.journal.mark(lane).first + 1 for lane in LANES)

    def lost(self) -> int:
        """Events that the hub forgot and the platform does not have."""
        forgotten = {(lane, seq) for lane in LANES for seq in range(1, self.journal.mark(lane).first)}
        return len(forgotten - {(lane, seq) for _, lane, seq in self.platform.stored})

    def is_open(self, kind: str) -> bool:
        """Whether the hub says so now."""
        return bool(self.app.recorder.engine.incidents.is_open(0, kind))

    async def minutes(self, count: int) -> None:
        for _ in range(count):
            await self.clock.advance(MINUTE_MS)


def played(
    scene: Callable[[SmallBench], Awaitable[None]],
    delivery: type[Delivery] | None = None,
    utc_ms: int = DAY_UTC_MS,
) -> SmallBench:
    """A scene in a home of its own; the home, to look at."""

    async def run() -> SmallBench:
        bench = SmallBench(delivery, utc_ms)
        await bench.start()
        try:
            await scene(bench)
        finally:
            await bench.end()
        return bench

    return asyncio.run(run())


@pytest.mark.parametrize(("manner", "fault"), [(ENDS, "path.lost"), (DROPS, "path.unreceipted")])
def test_a_broker_that_refuses_every_bundle_for_its_size_is_a_fault_and_costs_nothing(
    manner: str, fault: str
) -> None:
    async def scene(bench: SmallBench) -> None:
        await bench.backlog()
        bench.broker.manner, bench.broker.largest = manner, 100
        await bench.minutes(10)
        assert bench.broker.too_large > 2
        assert bench.is_open(fault)
        assert bench.held() >= EVENTS
        bench.broker.largest = 1 << 20  # somebody raises the limit
        await bench.minutes(10)
        assert not bench.is_open(fault)
        assert bench.held() == 0 and bench.lost() == 0

    played(scene)


@pytest.mark.parametrize("manner", [ENDS, DROPS])
def test_an_alarm_passes_a_backlog_that_the_broker_refuses(manner: str) -> None:
    async def scene(bench: SmallBench) -> None:
        await bench.backlog()
        bench.broker.manner, bench.broker.largest = manner, 1_500
        for number in range(1, 6):
            bench.smoke(bool(number % 2), number)
            await bench.minutes(2)
            said = bench.platform.kinds(0)
            assert len(said) >= number, "what stands behind a repetition is told again"
            assert said[-1] == ("smoke.detected" if number % 2 else "smoke.cleared")
        assert bench.broker.too_large > 0 and bench.lost() == 0

    played(scene)


@pytest.mark.parametrize("manner", [ENDS, DROPS])
@pytest.mark.parametrize("largest", [1_500, 3_000])
def test_a_broker_that_takes_small_messages_only_gets_small_ones(manner: str, largest: int) -> None:
    async def scene(bench: SmallBench) -> None:
        await bench.backlog()
        bench.broker.manner, bench.broker.largest = manner, largest
        await bench.minutes(60)
        assert bench.lost() == 0
        assert bench.held() == 0

    played(scene)


@pytest.mark.parametrize("manner", [ENDS, DROPS])
def test_alarms_that_gathered_in_an_outage_pass_a_broker_that_takes_small_messages_only(manner: str) -> None:
    async def scene(bench: SmallBench) -> None:
        await bench.backlog()
        assert bench.journal.mark(ALARM).last > 100, "a door that opens at night"
        bench.broker.manner, bench.broker.largest = manner, 1_500
        await bench.minutes(60)
        assert bench.journal.mark(ALARM).first > bench.journal.mark(ALARM).last

    played(scene, utc_ms=NIGHT_UTC_MS)


def test_a_queue_of_one_message_for_the_platform_costs_nothing_and_the_drain_goes_on() -> None:
    async def scene(bench: SmallBench) -> None:
        await bench.backlog()
        bench.broker.queued = 1
        await bench.minutes(30)
        assert bench.broker.overflowed > 0
        assert bench.held() == 0 and bench.lost() == 0
        assert not bench.is_open("path.unreceipted")

    played(scene)


def test_one_acknowledgement_at_a_time_and_a_late_one_costs_nothing_and_an_alarm_passes() -> None:
    async def scene(bench: SmallBench) -> None:
        await bench.backlog()
        bench.platform.receipting = False  # a receipt would say what an acknowledgement says
        bench.broker.hold_pubacks()
        at_once = 0
        for turn in range(40):
            if turn == 3:
                bench.smoke(True, 1)
            await bench.clock.advance(2_000)
            at_once = max(at_once, bench.broker.held_pubacks())
            bench.broker.release_pubacks(1)
        assert bench.platform.kinds(0) == ["smoke.detected"]
        assert at_once <= 10, "what is on its way is bounded"
        bench.broker.release_pubacks()
        bench.platform.receipting = True
        await bench.platform.send_receipt()
        await bench.minutes(10)
        assert bench.held() == 0 and bench.lost() == 0

    played(scene)


@pytest.mark.parametrize("limit", ["size", "queue"])
def test_a_hub_that_forgets_what_the_broker_acknowledged_loses_there(limit: str) -> None:
    """The control: each of these brokers drops what it has acknowledged."""

    async def scene(bench: SmallBench) -> None:
        await bench.backlog()
        if limit == "size":
            bench.broker.manner, bench.broker.largest = DROPS, 3_000
        else:
            bench.broker.queued = 0
        await bench.minutes(5)

    assert played(scene, ForgetOnPuback).lost() > 100
