"""Connections: in order of the list, hurried by an alarm, left when the broker takes nothing, and no sooner."""

from gateway.hub.uplink import GREET_MS, URGENT_PUBACK_LIMIT_MS, Delivery
from gateway.hub.writing import again_bytes
from hal.sim.uplink import SimBroker
from hal.types import LANES
from tests.hub.bench import DAY_UTC_MS, Bench, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.outbox import Flight


def held(bench: Bench) -> int:
    return sum([bench.journal.mark(lane).last - bench.journal.mark(lane).first + 1 for lane in LANES])


def attempts(bench: Bench) -> int:
    """How often a connection failed."""
    return len([1 for _, message, _ in bench.logged if message == "No connection to the broker."])


async def gone_for(bench: Bench, duration_ms: int) -> None:
    """The broker is away for so long."""
    bench.broker.stop()
    await bench.platform.stop()
    await bench.clock.advance(duration_ms)


def test_pauses_between_attempts_grow_to_a_minute():
    async def scene(bench: Bench):
        await gone_for(bench, 600_000)
        first = attempts(bench)
        await bench.clock.advance(600_000)
        later = attempts(bench) - first
        assert 10 <= later <= 20, "a pause of 30 s to 60 s each"
        assert first - later < 12

    play(scene)


def test_an_alarm_tries_the_broker_at_once_and_routine_events_do_not():
    async def scene(bench: Bench):
        await gone_for(bench, 600_000)
        bench.broker.start()
        await bench.platform.start()
        bench.door(True, 1)
        await bench.clock.advance(1)
        assert bench.platform.kinds(4) == [] and bench.broker.clients() == ["platform"]
        bench.smoke(True, 1)
        await bench.clock.advance(1)
        assert bench.platform.kinds(0) == ["smoke.detected"], "the alarm waited for the pause to end"

    play(scene, utc_ms=DAY_UTC_MS)


def test_an_alarm_during_an_attempt_that_fails_is_followed_by_another_at_once():
    async def scene(bench: Bench):
        await gone_for(bench, 600_000)
        before = attempts(bench)
        for number in range(3):
            bench.smoke(number % 2 == 0, number)
            await bench.clock.advance(1)
        assert attempts(bench) == before + 3, "one attempt for each alarm"
        await bench.clock.advance(5_000)
        assert attempts(bench) <= before + 4

    play(scene)


def test_brokers_are_tried_in_order():
    async def scene(bench: Bench):
        second = SimBroker()
        await bench.cut()
        bench.brokers = [bench.broker, second]
        await bench.build().start()
        await bench.clock.advance(1_000)
        assert "hub-1" in bench.broker.clients() and second.clients() == []
        bench.broker.stop()
        await bench.clock.advance(1_000)
        assert second.clients() == ["hub-1"]
        bench.broker.start()
        second.stop()
        await bench.clock.advance(60_000)
        assert "hub-1" in bench.broker.clients()

    play(scene)


def test_a_broker_that_acknowledges_nothing_is_left():
    async def scene(bench: Bench):
        second = SimBroker()
        await bench.cut()
        bench.platform.receipting = False
        bench.brokers = [bench.broker, second]
        await bench.build().start()
        await bench.clock.advance(1_000)
        bench.broker.hold_pubacks()
        for number in range(6):
            bench.smoke(number % 2 == 0, number)
            await bench.clock.advance(1_000)
        assert len(bench.platform.kinds(0)) == 2, "the window of alarms is closed"
        await bench.clock.advance(URGENT_PUBACK_LIMIT_MS)
        assert second.clients() == ["hub-1"]
        assert len([1 for message in second.accepted if message.topic.endswith("up/0")]) >= 1
        assert (
            "acknowledges nothing"
            in [fields["cause"] for _, _, fields in bench.logged if "kind" in fields and "cause" in fields][
                -1
            ]
        )

    play(scene)


def test_a_receipt_opens_the_window_that_a_missing_acknowledgement_holds_closed():
    async def scene(bench: Bench):
        bench.broker.hold_pubacks()
        for number in range(10):
            bench.smoke(number % 2 == 0, number)
            await bench.clock.advance(1_000)
        assert len(bench.platform.kinds(0)) == 10
        bench.broker.release_pubacks()

    play(scene)


def test_a_broker_that_is_slow_is_not_left():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        await bench.clock.advance(1_000)
        before = attempts(bench)
        bench.broker.hold_pubacks()
        for number in range(20):
            bench.smoke(number % 2 == 0, number)
            await bench.clock.advance(URGENT_PUBACK_LIMIT_MS // 2)
            bench.broker.release_pubacks(1_000)
        assert attempts(bench) == before

    play(scene)


def test_routine_events_wait_a_moment_for_the_retained_receipt_and_alarms_do_not():
    async def scene(bench: Bench):
        await gone_for(bench, 5_000)
        bench.door(True, 1)
        bench.smoke(True, 1)
        await bench.clock.advance(5_000)
        bench.broker.start()
        await bench.platform.start()
        bench.platform.receipting = False
        for sort in ("receipt", "keyset"):
            bench.broker.retained.pop(bench.platform.topic(sort), None)
        while "hub-1" not in bench.broker.clients():
            await bench.clock.advance(10)
        await bench.clock.advance(GREET_MS // 2)
        assert bench.platform.kinds(0) == ["smoke.detected"] and bench.platform.kinds(4) == []
        await bench.clock.advance(GREET_MS)
        assert "door.opened" in bench.platform.kinds(4)

    play(scene, utc_ms=DAY_UTC_MS)


def test_where_the_keyset_comes_and_no_receipt_nothing_is_waited_for():
    """A broker hands out what it retains in the order of the subscription, the receipt before the keyset."""

    async def scene(bench: Bench):
        await gone_for(bench, 5_000)
        bench.door(True, 1)
        await bench.clock.advance(5_000)
        bench.broker.start()
        await bench.platform.start()
        bench.platform.receipting = False
        bench.broker.retained.pop(bench.platform.topic("receipt"), None)
        while "hub-1" not in bench.broker.clients():
            await bench.clock.advance(10)
        await bench.clock.advance(GREET_MS // 10)
        assert "door.opened" in bench.platform.kinds(4)

    play(scene, utc_ms=DAY_UTC_MS)


def test_a_retained_receipt_is_no_answer_of_the_platform():
    async def scene(bench: Bench):
        bench.door(True, 1)
        await bench.clock.advance(3_000)
        bench.platform.receipting = False
        bench.broker.drop_connections()
        await bench.platform.stop()
        await bench.platform.start()
        while not bench.app.delivery.uplink.connected:
            await bench.clock.advance(50)
        await bench.clock.advance(100)
        assert not bench.app.outbox.answered, "only what the broker kept has come"
        bench.platform.receipting = True
        await bench.platform.send_receipt()
        await bench.clock.advance(100)
        assert bench.app.outbox.answered

    play(scene)


def test_a_connection_that_ends_with_a_fault_of_ours_leaves_nothing_running():
    """A look for a better way that outlived it would end the next connection, which is well."""

    async def scene(bench: Bench):
        running: "list[int]" = []
        look_back = bench.app.delivery.look_back

        async def counted() -> None:
            running.append(1)
            try:
                await look_back()
            finally:
                running.pop()

        async def fails(message: object) -> None:
            raise RuntimeError("a bug of ours")

        bench.app.delivery.look_back = counted
        for _ in range(3):
            take, bench.app.inward.take = bench.app.inward.take, fails
            bench.broker.deliver(bench.platform.topic("receipt"), b"x")
            await bench.clock.advance(500)
            bench.app.inward.take = take
            await bench.clock.advance(30_000)
        assert bench.app.delivery.uplink.connected and len(running) == 1

    play(scene)


def test_a_receipt_at_connect_spares_what_it_covers():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        await bench.platform.send_receipt()
        await bench.clock.settle(1)
        bench.broker.drop_connections()
        await bench.platform.stop()
        await bench.platform.start()
        bench.platform.bundles.clear()
        bench.platform.receipting = True
        await bench.clock.advance(20_000)
        assert [bundle for bundle in bench.platform.bundles if bundle["lane"] == 4] == []
        assert held(bench) == 0

    play(scene, utc_ms=DAY_UTC_MS)


def test_an_unchanged_receipt_asks_for_what_the_platform_lacks():
    async def scene(bench: Bench):
        await bench.clock.advance(5_000)
        assert held(bench) == 0
        bench.broker.losing = True
        bench.smoke(True, 1)
        await bench.clock.advance(100)
        bench.broker.losing = False
        assert bench.platform.kinds(0) == []
        await bench.platform.send_receipt()
        await bench.clock.advance(100)
        assert bench.platform.kinds(0) == ["smoke.detected"], "it waited for the deadline"

    play(scene)


def test_a_connection_that_ends_while_a_bundle_is_signed_loses_nothing():
    async def scene(bench: Bench):
        for turns in range(1, 25):
            bench.smoke(turns % 2 == 1, turns)
            for _ in range(turns):
                await bench.clock.settle(1)
            bench.broker.drop_connections()
            await bench.platform.stop()
            await bench.platform.start()
            await bench.clock.advance(70_000)
        assert bench.platform.kinds(0) == 12 * ["smoke.detected", "smoke.cleared"]
        assert held(bench) == 0 and "part.restarted" not in bench.platform.kinds(2)

    play(scene)


def test_an_alarm_that_went_before_the_platform_was_back_goes_again_at_its_first_receipt():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(500)
        assert bench.platform.kinds(4) == ["door.opened"], "stored, and not receipted yet"
        await gone_for(bench, 60_000)
        bench.broker.start()
        bench.smoke(True, 1)
        await bench.clock.advance(5_000)
        assert bench.broker.clients() == ["hub-1"], "what the gateway sends now reaches nobody"
        bench.platform.receipting = True
        await bench.platform.start()
        await bench.platform.send_receipt()
        await bench.clock.advance(1)
        assert bench.platform.kinds(0) == ["smoke.detected"], "it waited for its time to send again"

    play(scene, utc_ms=DAY_UTC_MS)


class BuggyDelivery(Delivery):
    """Fails at its first PUBACK with what no backend raises."""

    failed = False

    def after_puback(self, flight: "Flight") -> None:
        if not self.failed:
            self.failed = True
            raise ValueError("no such thing")


def test_a_bug_of_ours_in_a_hand_over_is_loud_and_holds_nothing_up():
    async def scene(bench: Bench):
        assert bench.app.delivery.failed
        await bench.clock.advance(10_000)
        reasons = [
            event.values["reason"] for _, _, event in bench.platform.order if event.kind == "part.restarted"
        ]
        assert reasons == ["ValueError: no such thing"]
        bench.smoke(True, 1)
        await bench.clock.advance(1_000)
        assert bench.platform.kinds(0) == ["smoke.detected"] and held(bench) == 0
        assert bench.app.delivery.sending == [] and bench.app.outbox.flights == []

    play(scene, delivery=BuggyDelivery)


def test_an_epoch_that_nobody_waits_for_any_more_does_not_stall_the_lanes():
    """A fork whose connection ends while the journal numbers anew: the epoch begins, and no one is there to say so."""

    async def scene(bench: Bench):
        for number in range(1, 9):
            bench.smoke(number % 2 == 1, number)
            await bench.clock.advance(200)
        await bench.clock.advance(5_000)
        assert bench.journal.mark(0).last == 8
        await bench.journal.begin_epoch(b"the next", again_bytes, [])
        assert bench.journal.mark(0).last == 0
        before = len(bench.platform.kinds(0))
        bench.smoke(True, 20)
        await bench.clock.advance(1_000)
        assert len(bench.platform.kinds(0)) == before + 1

    play(scene)
