"""One MQTT connection against a scripted broker: what it costs, how it ends, and that nobody waits for ever."""

import asyncio

from hal.errors import DeniedError, LinkLostError, UnavailableError
from hal.esp32 import mqtt_packets as packets
from hal.esp32.mqtt_link import ACKS, HELD, HELD_BYTES, Limits, MqttLink, hello
from hal.sim.clock import SimClock
from tests.esp32.numbers import Numbers
from tests.esp32.wire import Wire

ACCEPTED = bytes.fromhex("20020000")
GRANTED = bytes.fromhex("9003000101")
PINGRESP = bytes.fromhex("d000")
BROKER = "mqtts://broker.example:8883"


class Bench:
    def __init__(self, limits=None):
        self.clock = SimClock()
        self.wire = Wire()
        self.link = MqttLink(self.wire, self.clock, BROKER, limits if limits is not None else Limits())

    async def open(self, answers=ACCEPTED + GRANTED, topics=1):
        self.wire.say(answers)
        await self.link.open(topics)

    async def settle(self):
        await self.clock.settle()

    async def ended(self):
        """End it, and let its tasks take leave."""
        self.link.end("the test is over")
        await self.settle()


async def failure(work):
    """The error that a wait ends with."""
    try:
        await work
    except (DeniedError, LinkLostError, UnavailableError) as error:
        return error
    return None


def run(work):
    asyncio.run(work())


def test_hello_is_connect_and_subscribe_in_one():
    said = list(packets.Framer(1000).feed(hello("hub-1", ["down/#"], Limits(keepalive_s=20))))
    assert [packet.first for packet in said] == [0x10, 0x82]
    assert said[0].body[8:10] == bytes([0, 20])
    assert [packet.first for packet in packets.Framer(1000).feed(hello("h", [], Limits()))] == [0x10]


def test_answers_open_the_connection_however_they_come():
    async def work():
        for piece in (1, 2, 9):
            bench = Bench()
            opening = asyncio.create_task(bench.link.open(1))
            answers = ACCEPTED + GRANTED
            for at in range(0, len(answers), piece):
                await bench.settle()
                assert not opening.done()
                bench.wire.say(answers[at : at + piece])
            await opening
            assert bench.link.stands
            await bench.ended()

    run(work)


def test_a_refusal_is_said_as_what_it_is():
    async def work():
        for answers, kind, part in (
            ("20020003", UnavailableError, "not available"),
            ("20020002", DeniedError, "refuses this gateway"),
            ("20020005", DeniedError, "refuses this gateway"),
            ("20020000 9003000180", DeniedError, "refuses a subscription"),
            ("20020000 9003000201", UnavailableError, "does not speak MQTT"),
            ("20020000 900400010101", UnavailableError, "does not speak MQTT"),
            ("9003000101", UnavailableError, "does not speak MQTT"),
            ("20020200", UnavailableError, "does not speak MQTT"),
            ("15030300020228", UnavailableError, "did not accept the connection"),
            ("485454502f312e31203430300d0a", UnavailableError, "did not accept the connection"),
        ):
            bench = Bench()
            bench.wire.say(bytes.fromhex(answers))
            bench.wire.hang_up()
            error = await failure(bench.link.open(1))
            assert isinstance(error, kind) and part in error.message, (answers, error)
            await bench.ended()

    run(work)


def test_a_puback_settles_its_own_publish_alone():
    async def work():
        bench = Bench()
        await bench.open()
        tasks = [asyncio.create_task(bench.link.publish("up/0", bytes([n]), False)) for n in range(3)]
        await bench.settle()
        sent = [packets.decode_publish(packet) for packet in bench.wire.heard()]
        assert [each.payload for each in sent] == [b"\0", b"\1", b"\2"]
        assert len({each.identifier for each in sent}) == 3
        bench.wire.say(packets.puback(sent[1].identifier) + packets.puback(999))
        await bench.settle()
        assert [task.done() for task in tasks] == [False, True, False]
        bench.wire.say(packets.puback(sent[0].identifier) + packets.puback(sent[2].identifier))
        for task in tasks:
            await task
        await bench.ended()

    run(work)


def test_an_identifier_is_not_given_twice_while_it_waits():
    async def work():
        bench = Bench()
        await bench.open()
        first = asyncio.create_task(bench.link.publish("up/0", b"first", False))
        await bench.settle()
        waiting = packets.decode_publish(bench.wire.heard()[0]).identifier
        bench.link._identifier = packets.MOST_ID - 1  # after some 65,000 others
        seen = []
        for _ in range(4):
            task = asyncio.create_task(bench.link.publish("up/0", b"next", False))
            await bench.settle()
            seen.append(packets.decode_publish(bench.wire.heard()[0]).identifier)
            bench.wire.say(packets.puback(seen[-1]))
            await task
        assert seen == [packets.MOST_ID, 1, 3, 4] and waiting == 2
        bench.wire.say(packets.puback(waiting))
        await first
        await bench.ended()

    run(work)


def test_a_cancelled_publish_that_has_not_gone_does_not_go():
    async def work():
        bench = Bench()
        await bench.open()
        bench.wire.blocked = True
        going = asyncio.create_task(bench.link.publish("up/0", b"going", False))
        await bench.settle()
        waiting = asyncio.create_task(bench.link.publish("up/0", b"waiting", False))
        await bench.settle()
        for task in (going, waiting):
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
        bench.wire.unblock()
        await bench.settle()
        assert [packets.decode_publish(each).payload for each in bench.wire.heard()] == [b"going"]
        assert bench.link.stands
        await bench.ended()

    run(work)


def test_messages_are_handed_out_and_acknowledged_in_order():
    async def work():
        bench = Bench()
        await bench.open()
        bench.wire.say(packets.publish(5, "down/receipt", b"old", True))
        bench.wire.say(bytes.fromhex("3009 0004 646f776e") + b"new")
        first, second = await bench.link.receive(), await bench.link.receive()
        assert (first.topic, first.payload, first.retained) == ("down/receipt", b"old", True)
        assert (second.topic, second.payload, second.retained) == ("down", b"new", False)
        await bench.settle()
        assert [(each.first, each.body) for each in bench.wire.heard()] == [(0x40, b"\0\5")]
        await bench.ended()

    run(work)


def test_a_message_that_is_too_large_is_left_out_counted_and_acknowledged():
    async def work():
        bench = Bench(Limits(largest=1000))
        await bench.open()
        bench.wire.say(packets.publish(6, "down/config", bytes(2000), True))
        bench.wire.say(packets.publish(7, "down/config", b"fits", False))
        assert (await bench.link.receive()).payload == b"fits"
        await bench.settle()
        assert [each.body for each in bench.wire.heard()] in ([b"\0\6", b"\0\7"], [b"\0\6\0\7"])
        assert bench.link.left_out == 1
        await bench.ended()

    run(work)


def test_what_nobody_takes_waits_at_the_broker():
    async def work():
        for size in (1, 3000):
            bench = Bench()
            await bench.open()
            for number in range(200):
                bench.wire.say(packets.publish(number + 1, "down", bytes(size), False))
            await bench.settle()
            held = len(bench.link._inbox)
            assert held == min(HELD, HELD_BYTES // size)
            assert len(bench.wire.heard()) <= held
            taken = 0
            while taken < 200:
                await bench.link.receive()
                taken += 1
            assert bench.link.stands
            await bench.ended()

    run(work)


def test_a_broker_that_sends_and_takes_nothing_costs_no_more_than_a_limit():
    async def work():
        bench = Bench()
        await bench.open()
        bench.wire.blocked = True
        for number in range(3 * ACKS):
            bench.wire.say(packets.publish(number + 1, "down", b"", False))
        taken = 0
        for _ in range(3 * ACKS):
            if len(bench.link._inbox):
                await bench.link.receive()
                taken += 1
            await bench.settle()
        assert 2 * ACKS <= taken <= 2 * ACKS + 2 and len(bench.link._first) <= ACKS
        await bench.clock.advance(30_000)
        assert not bench.link.stands
        await bench.ended()

    run(work)


def silent_ms(limits, prepare):
    """How long a connection stands over which nothing comes any more."""
    found = []

    async def work():
        bench = Bench(limits)
        await bench.open()
        await prepare(bench)
        for second in range(200):
            if not bench.link.stands:
                found.append(second * 1000)
                break
            await bench.clock.advance(1000)
        await bench.ended()

    asyncio.run(work())
    return found[0] if found else None


def test_a_path_that_swallows_everything_is_given_up_within_the_70_s_of_the_other_gateway():
    async def idle(bench):
        pass

    async def publishing(bench):
        async def publish():
            await failure(bench.link.publish("up/0", b"x", False))

        bench.tasks = [asyncio.create_task(publish()) for _ in range(3)]

    async def blocked(bench):
        bench.wire.blocked = True
        await publishing(bench)

    assert 50_000 <= silent_ms(Limits(), idle) <= 60_000
    assert 50_000 <= silent_ms(Limits(), publishing) <= 60_000
    assert 20_000 <= silent_ms(Limits(), blocked) <= 30_000
    assert silent_ms(Limits(answer_ms=1_000_000), idle) is None  # the harness can tell


def test_a_broker_that_answers_pings_is_kept_and_one_that_only_listens_is_pinged():
    async def work():
        bench = Bench()
        await bench.open()
        pings = 0
        for _ in range(600):
            await bench.clock.advance(1000)
            for packet in bench.wire.heard():
                if packet.first == 0xC0:
                    pings += 1
                    bench.wire.say(PINGRESP)
        assert bench.link.stands and 15 <= pings <= 20
        await bench.ended()

    run(work)


def test_what_is_said_often_and_answered_by_nothing_is_no_sign_of_life():
    async def work():
        bench = Bench()
        await bench.open()
        tasks = []
        for _ in range(12):
            tasks.append(asyncio.create_task(failure(bench.link.publish("up/0", b"x", False))))
            await bench.clock.advance(5000)
        assert not bench.link.stands
        for task in tasks:
            assert isinstance(await task, LinkLostError)
        await bench.ended()

    run(work)


def test_a_hub_that_takes_nothing_is_not_taken_for_a_broker_that_is_silent():
    async def work():
        bench = Bench()
        await bench.open()
        for number in range(HELD + 5):
            bench.wire.say(packets.publish(number + 1, "down", b"", False))
        pings = 0
        for _ in range(300):
            await bench.clock.advance(1000)
            pings += len([packet for packet in bench.wire.heard() if packet.first == 0xC0])
        assert bench.link.stands and pings >= 8  # a broker ends what is silent for one and a half keepalives
        await bench.ended()

    run(work)


def test_every_wait_ends_with_the_connection():
    async def work():
        for trouble in ("hang up", "fail", "garbage", "close", "five bytes", "qos 2"):
            bench = Bench()
            await bench.open()
            waits = [
                asyncio.create_task(failure(bench.link.publish("up/0", b"", False))),
                asyncio.create_task(failure(bench.link.receive())),
            ]
            await bench.settle()
            if trouble == "hang up":
                bench.wire.hang_up()
            elif trouble == "fail":
                bench.wire.fail(OSError(104, "reset"))
            elif trouble == "close":
                bench.link.end("closed here", goodbye=True)
            else:
                bench.wire.say(
                    bytes.fromhex(
                        {"garbage": "1000", "five bytes": "30ffffffffff", "qos 2": "3405000161000161"}[
                            trouble
                        ]
                    )
                )
            for wait in waits:
                assert isinstance(await wait, LinkLostError), trouble
            assert not bench.link.stands and bench.wire.closed
            assert bench.wire.last == (packets.DISCONNECT if trouble == "close" else b"")
            assert isinstance(await failure(bench.link.publish("up/0", b"", False)), LinkLostError)
            await bench.ended()

    run(work)


def test_what_had_come_is_handed_out_after_the_end():
    async def work():
        bench = Bench()
        await bench.open()
        bench.wire.say(packets.publish(1, "down", b"kept", False))
        await bench.settle()
        bench.wire.hang_up()
        await bench.settle()
        assert (await bench.link.receive()).payload == b"kept"
        assert isinstance(await failure(bench.link.receive()), LinkLostError)
        await bench.ended()

    run(work)


def test_any_bytes_of_a_broker_end_the_connection_or_are_borne():
    async def work():
        for seed in range(60):
            numbers = Numbers(seed)
            bench = Bench(Limits(largest=200))
            opening = asyncio.create_task(failure(bench.link.open(1)))
            if seed % 2:
                bench.wire.say(ACCEPTED + GRANTED)
            publishing = []
            for _ in range(10):
                await bench.settle()
                publishing.append(asyncio.create_task(failure(bench.link.publish("up/0", b"x", False))))
                sizes = numbers.below(20)
                bench.wire.say(bytes([numbers.below(256) for _ in range(sizes)]))
            await bench.settle()
            bench.link.end("over")
            for task in publishing + [opening]:
                await task
            await bench.ended()

    run(work)
