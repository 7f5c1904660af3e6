"""A peripheral the hub connects to: losses, returns, order, steps that are refused."""

from gateway.core.devices.oximeter import Oximeter
from gateway.hub.air import CONNECT_TIMEOUT_MS
from gateway.hub.waking import stop
from hal.errors import DeniedError, TimedOutError
from hal.sim.central import SimCentral, SimConnection
from tests.hub.small import Small, play
from tests.hub.visits import ADDRESS, Visit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SPOT, CONTINUOUS, FEATURES = "2a5e", "2a5f", "2a60"


def test_it_connects_when_the_device_is_heard_and_not_before():
    async def scene() -> None:
        bench = Visit(Small())
        task = await bench.begin(heard=False)
        await bench.small.clock.advance(60_000)
        assert not bench.peripheral.connected and bench.device.link == ""
        bench.near.set()
        await bench.small.clock.settle()
        assert bench.peripheral.connected and bench.device.link == "connected"
        await stop(task)
        assert not bench.peripheral.connected

    play(scene)


def test_the_steps_are_done_in_order_and_what_they_bring_is_recorded():
    async def scene() -> None:
        bench = Visit(Small())
        task = await bench.begin()
        assert bench.peripheral.writes == [("2a08", b"\x01")]
        assert bench.peripheral.subscribed == ["2a9d", "2a19"]
        assert bench.device.described == {"model": "M1"} and bench.small.described == 1
        await stop(task)

    play(scene)


def test_notifications_are_recorded_in_order_with_the_moment_of_their_arrival():
    async def scene() -> None:
        bench = Visit(Small())
        held = bench.hold()
        task = await bench.begin()
        held.go.clear()
        for value in (97, 96, 95):
            await bench.measure(value)
            await bench.small.clock.advance(250)
        held.go.set()
        await bench.small.clock.settle()
        assert bench.measured() == [97, 96, 95]
        assert [event.uptime_ms for event in bench.small.events(3)] == [0, 250, 500]
        await stop(task)

    play(scene)


def test_a_lost_link_is_followed_by_a_pause_and_a_return():
    async def scene() -> None:
        bench = Visit(Small())
        task = await bench.begin()
        await bench.measure(97)
        bench.peripheral.leave()
        await bench.small.clock.advance(60_000)
        assert not bench.peripheral.connected and "lost" in bench.device.link
        bench.peripheral.return_()
        await bench.small.clock.advance(60_000)
        assert not bench.peripheral.connected, "nobody has heard it yet"
        bench.near.set()
        await bench.small.clock.settle()
        await bench.measure(96)
        assert bench.measured() == [97, 96] and bench.peripheral.pairings == 1
        await stop(task)

    play(scene)


def test_a_link_on_which_a_supervised_device_falls_silent_is_left_and_taken_again():
    async def scene() -> None:
        small = Small()
        visit = Visit(small)
        visit.device.config.interval_s = 20
        task = await visit.begin()
        for value in (97, 96):
            await small.clock.advance(3 * 20_000 - 1)
            assert visit.device.link == "connected"
            await visit.measure(value)
        await small.clock.advance(3 * 20_000)
        assert visit.device.link != "connected"
        visit.near.set()
        await small.clock.advance(5_000)
        assert visit.device.link == "connected"
        await visit.measure(95)
        assert visit.measured() == [97, 96, 95]
        visit.device.config.interval_s = None
        await small.clock.advance(86_400_000)
        assert visit.device.link == "connected", "nobody expects to hear it"
        await stop(task)
        assert small.clock.sleepers == 0

    play(scene)


def test_a_link_that_breaks_at_once_is_tried_less_and_less_often():
    async def scene() -> None:
        bench = Visit(Small())
        task = await bench.begin()
        began: "list[int]" = []
        for _ in range(400):
            bench.near.set()
            await bench.small.clock.advance(100)
            if bench.peripheral.connected:
                began.append(bench.small.clock.uptime_ms())
                bench.small.world.drop(ADDRESS)
        gaps = [began[index + 1] - began[index] for index in range(len(began) - 1)]
        assert len(gaps) >= 4 and gaps == sorted(gaps) and gaps[-1] >= 4_000, gaps
        await stop(task)

    play(scene)


def test_a_device_that_does_not_answer_is_given_up_after_its_time():
    async def scene() -> None:
        bench = Visit(Small())
        await bench.pair()
        bench.peripheral.in_range = False
        task = await bench.begin()
        assert bench.device.link == "connecting"
        await bench.small.clock.advance(CONNECT_TIMEOUT_MS)
        assert "did not answer" in bench.device.link
        await stop(task)

    play(scene)


class Refusing(SimCentral):
    """Connections whose steps fail: `errors` by characteristic."""

    errors: "dict[str, Exception]" = {}

    async def connect(self, address: str, **options: "Any") -> SimConnection:
        connection = await super().connect(address, **options)
        return RefusingConnection(connection, self.errors)  # type: ignore[return-value]


class RefusingConnection:
    """A connection that asks `errors` before each step."""

    def __init__(self, connection: SimConnection, errors: "dict[str, Exception]") -> None:
        self.connection = connection
        self.errors = errors
        self.bond = connection.bond
        self.characteristics = connection.characteristics
        self.receive = connection.receive
        self.disconnect = connection.disconnect

    async def read(self, characteristic: str) -> bytes:
        self.check(characteristic)
        return await self.connection.read(characteristic)

    async def write(self, characteristic: str, value: bytes, *, response: bool = True) -> None:
        self.check(characteristic)
        await self.connection.write(characteristic, value)

    async def subscribe(self, characteristic: str) -> None:
        self.check(characteristic)
        await self.connection.subscribe(characteristic)

    def check(self, characteristic: str) -> None:
        if characteristic in self.errors:
            raise self.errors[characteristic]


class Slow(Refusing):
    """Connections that take two seconds to hang up; `hung_up` is when each of them had, in uptime ms."""

    hung_up: "list[int]" = []

    async def connect(self, address: str, **options: "Any") -> SimConnection:
        connection = await super().connect(address, **options)
        disconnect = connection.disconnect

        async def slowly() -> None:
            await disconnect()
            await self._world.clock.sleep_ms(2_000)
            self.hung_up.append(self._world.clock.uptime_ms())

        connection.disconnect = slowly  # type: ignore[method-assign]
        return connection


def test_a_silent_link_is_hung_up_to_the_end():
    async def scene() -> None:
        small = Small()
        visit = Visit(small, central=Slow)
        visit.device.config.interval_s = 20
        visit.central.hung_up = []  # type: ignore[attr-defined]
        visit.bonds[ADDRESS] = visit.peripheral.pair(None)  # type: ignore[assignment]  # from before
        task = await visit.begin(paired=False)
        await small.clock.advance(61_000)
        assert "lost" not in visit.device.link, "it is still hanging up"
        await small.clock.advance(5_000)
        assert "lost" in visit.device.link
        assert visit.central.hung_up == [62_000, 64_000], "cut short half way"  # type: ignore[attr-defined]
        await stop(task)
        assert small.clock.sleepers == 0

    play(scene)


def test_a_device_whose_words_find_no_room_is_not_silent():
    async def scene() -> None:
        visit = Visit(Small())
        held = visit.hold()
        visit.device.config.interval_s = 20
        task = await visit.begin()
        held.go.clear()
        await visit.measure(97, 96)
        await visit.small.clock.advance(600_000)
        assert visit.device.link == "connected"
        held.go.set()
        await visit.small.clock.settle()
        assert visit.measured() == [97, 96]
        await visit.small.clock.advance(59_000)
        assert visit.device.link == "connected"
        await visit.small.clock.advance(2_000)
        assert "lost" in visit.device.link
        await stop(task)

    play(scene)


def test_a_step_that_is_refused_is_passed_over_but_not_all_subscriptions():
    table = [
        (["2a24"], True),
        (["2a24", "2a08", "2a19"], True),
        (["2a9d", "2a19"], False),
    ]

    async def scene(refused: "list[str]", stays: bool) -> None:
        bench = Visit(Small(), central=Refusing)
        bench.central.errors = {uuid: DeniedError("not for you") for uuid in refused}  # type: ignore[attr-defined]
        task = await bench.begin()
        await bench.measure(97)
        assert bench.peripheral.connected == stays, refused
        assert bench.measured() == ([97] if stays else []), refused
        assert bench.small.messages().count("A step was refused.") == len(refused)
        assert ("device.denied" in bench.small.kinds(2)) == (not stays), refused
        await stop(task)

    for row in table:
        play(scene, *row)


def test_a_step_without_an_answer_ends_the_connection_and_it_is_tried_again():
    async def scene() -> None:
        bench = Visit(Small(), central=Refusing)
        bench.central.errors = {"2a9d": TimedOutError("no answer")}  # type: ignore[attr-defined]
        task = await bench.begin()
        assert not bench.peripheral.connected and bench.device.link == "no answer"
        bench.central.errors = {}  # type: ignore[attr-defined]
        bench.near.set()
        await bench.small.clock.advance(40_000)
        await bench.measure(97)
        assert bench.measured() == [97]
        await stop(task)

    play(scene)


def test_the_oximeter_driver_over_a_connection_that_comes_and_goes():
    served = {
        FEATURES: bytes(2),
        CONTINUOUS: b"",
        SPOT: b"",
        "2a19": b"\x50",
        "2a29": b"Trygg",
        "2a24": b"Ox",
    }

    async def scene() -> None:
        small = Small()
        bench = Visit(small, Oximeter, characteristics=served, secure=True)
        task = await bench.begin()
        peripheral = bench.peripheral
        assert peripheral.subscribed == [CONTINUOUS, SPOT, "2a19"]
        peripheral.notify(CONTINUOUS, bytes.fromhex("0061004800"))
        await small.clock.settle()
        small.world.drop(ADDRESS)
        bench.near.set()
        await small.clock.advance(40_000)
        peripheral.notify(CONTINUOUS, bytes.fromhex("0060004900"))
        await small.clock.settle()
        assert [event.values for event in small.events(3)] == [
            {"spo2_pct": 97, "pulse_rate_bpm": 72},
            {"spo2_pct": 96, "pulse_rate_bpm": 73},
        ]
        assert small.kinds(4).count("device.described") == 1, "told again without being news"
        await stop(task)

    play(scene)
