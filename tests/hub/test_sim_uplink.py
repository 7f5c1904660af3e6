"""The simulated broker does what its back door is told; what its front side promises is in tests/contract."""

import asyncio

from hal.errors import DeniedError, TimedOutError, UnavailableError
from hal.sim.uplink import SimBroker, SimUplink, matches


def test_filters_match_as_the_standard_says() -> None:
    table = (
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/b", "a", False),
        ("a/+", "a/b", True),
        ("a/+", "a/", True),
        ("a/+", "a", False),
        ("a/+/c", "a/b/c", True),
        ("+", "/a", False),
        ("+/+", "/a", True),
        ("#", "a/b/c", True),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("a/#", "ab", False),
        ("#", "$SYS/x", False),
        ("+/x", "$SYS/x", False),
        ("$SYS/#", "$SYS/x", True),
    )
    for topic_filter, topic, expected in table:
        assert matches(topic_filter, topic) is expected, (topic_filter, topic)


def test_a_losing_broker_acknowledges_and_nobody_gets_it() -> None:
    async def work() -> None:
        broker = SimBroker()
        hub, platform = SimUplink(broker, "hub"), SimUplink(broker, "platform")
        await platform.connect(["up"])
        await hub.connect([])
        broker.losing = True
        await hub.publish("up", b"lost", retain=True)
        broker.losing = False
        await hub.publish("up", b"kept")
        assert (await platform.receive()).payload == b"kept"
        assert broker.retained == {}
        assert [message.payload for message in broker.accepted] == [b"lost", b"kept"]

    asyncio.run(work())


def test_pubacks_are_held_and_released_in_order() -> None:
    async def work() -> None:
        broker = SimBroker()
        hub = SimUplink(broker, "hub")
        await hub.connect([])
        broker.hold_pubacks()
        done: "list[int]" = []

        async def publish(number: int) -> None:
            await hub.publish("up", bytes([number]))
            done.append(number)

        tasks = [asyncio.create_task(publish(number)) for number in range(4)]
        await turns()
        assert (done, broker.held_pubacks(), len(broker.accepted)) == ([], 4, 4)
        assert broker.release_pubacks(2) == 2
        await turns()
        assert done == [0, 1]
        assert broker.release_pubacks() == 2
        for task in tasks:
            await task
        assert done == [0, 1, 2, 3]
        await hub.publish("up", b"")
        assert broker.held_pubacks() == 0

    asyncio.run(work())


def test_a_repeating_broker_delivers_twice() -> None:
    async def work() -> None:
        broker = SimBroker()
        hub = SimUplink(broker, "hub")
        await hub.connect(["down"])
        broker.repeating = True
        broker.publish("down", b"x")
        assert (await hub.receive()).payload == (await hub.receive()).payload == b"x"

    asyncio.run(work())


def test_retained_messages_survive_a_stop_unless_they_are_forgotten() -> None:
    async def work() -> None:
        broker = SimBroker()
        hub = SimUplink(broker, "hub")
        broker.publish("down/receipt", b"1", retain=True)
        broker.stop()
        assert await refused(hub) is UnavailableError
        broker.start()
        await hub.connect(["down/#"])
        stored = await hub.receive()
        assert (stored.payload, stored.retained) == (b"1", True)
        broker.stop(forget=True)
        broker.start()
        assert broker.retained == {}

    asyncio.run(work())


def test_a_message_can_be_pushed_with_any_flag() -> None:
    async def work() -> None:
        broker = SimBroker()
        hub = SimUplink(broker, "hub")
        await hub.connect(["down/receipt"])
        assert broker.deliver("down/receipt", b"stale", retained=True) == 1
        assert broker.deliver("down/config", b"") == 0
        message = await hub.receive()
        assert (message.payload, message.retained) == (b"stale", True)
        assert broker.retained == {}

    asyncio.run(work())


def test_connections_are_refused_for_the_reason_that_was_set() -> None:
    async def work() -> None:
        broker = SimBroker()
        hub = SimUplink(broker, "hub")
        broker.denying = "certificate unknown"
        assert await refused(hub) is DeniedError
        broker.denying = ""
        broker.silent = True
        assert await refused(hub) is TimedOutError
        broker.silent = False
        await hub.connect([])
        assert broker.clients() == ["hub"]
        broker.drop_connections()
        assert (broker.clients(), hub.connected) == ([], False)

    asyncio.run(work())


def test_a_peer_in_the_process_hears_at_once_and_may_answer() -> None:
    async def work() -> None:
        broker = SimBroker()
        hub = SimUplink(broker, "hub")
        await hub.connect(["down"])
        broker.subscribe("up/+", lambda message: broker.publish("down", b"re: " + message.payload))
        await hub.publish("up/0", b"x")
        assert (await hub.receive()).payload == b"re: x"

    asyncio.run(work())


def test_a_slow_subscriber_loses_the_newest_and_it_is_counted() -> None:
    async def work() -> None:
        broker = SimBroker()
        hub = SimUplink(broker, "hub")
        await hub.connect(["down"])
        for number in range(1005):
            broker.publish("down", number.to_bytes(2, "big"))
        assert broker.dropped() == 5
        for number in range(1000):
            assert int.from_bytes((await hub.receive()).payload, "big") == number

    asyncio.run(work())


async def turns() -> None:
    """Let every task go on until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def refused(uplink: SimUplink) -> "type | None":
    """The class of what connecting raises."""
    try:
        await uplink.connect([])
    except (DeniedError, TimedOutError, UnavailableError) as error:
        return type(error)
    return None
