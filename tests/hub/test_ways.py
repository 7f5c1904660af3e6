"""Several ways out: the next where one fails, and back to the first when it answers again."""

from gateway.core.ways import MUTE_MS, RETURN_MS, URGENT_MUTE_MS
from gateway.hub.supervise import BEAT_MS, PATH_LOST_MS
from gateway.hub.uplink import URGENT_PUBACK_LIMIT_MS
from hal.sim.uplink import SimBroker
from hal.types import LANES
from tests.hub.bench import DAY_UTC_MS, GATEWAY, Bench, play_hours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from hal.types import Message

FOREVER_MS = 4 * 3_600_000


def edge(core: SimBroker) -> SimBroker:
    """A broker of the municipality's, bridged to the one at which the platform listens."""
    broker = SimBroker()

    def inward(message: "Message") -> None:
        core.publish(message.topic, message.payload)

    def outward(message: "Message") -> None:
        broker.publish(message.topic, message.payload, retain=True)

    broker.subscribe("trygg/v1/+/+/up/#", inward)
    core.subscribe("trygg/v1/+/+/down/#", outward)
    return broker


class Home:
    """A gateway with two brokers, and what is asked of it."""

    def __init__(self, bench: Bench, brokers: int) -> None:
        self.bench = bench
        self.edges = [edge(bench.broker) for _ in range(brokers)]

    async def start(self) -> None:
        await self.bench.cut()
        self.bench.brokers = self.edges
        await self.bench.platform.stop()
        await self.bench.platform.start()
        await self.bench.build().start()
        await self.pass_time(2_000)

    async def pass_time(self, duration_ms: int) -> None:
        await self.bench.clock.advance(duration_ms)

    @property
    def on(self) -> "list[int]":
        """At which brokers the gateway is."""
        return [index for index, broker in enumerate(self.edges) if GATEWAY in broker.clients()]

    @property
    def interface(self) -> "str | None":
        return self.bench.app.delivery.way.interface  # type: ignore[no-any-return]

    def held(self) -> int:
        return sum(
            [self.bench.journal.mark(lane).last - self.bench.journal.mark(lane).first + 1 for lane in LANES]
        )

    def told(self, kind: str) -> int:
        return len(
            [1 for _, message, row in self.bench.logged if message == "stored" and row["kind"] == kind]
        )


def at_home(scene: "Callable[[Home], Coroutine[object, object, None]]", brokers: int = 2) -> None:
    async def run(bench: Bench) -> None:
        home = Home(bench, brokers)
        await home.start()
        await scene(home)

    play_hours(run, utc_ms=DAY_UTC_MS)


def test_the_second_broker_takes_over_at_once_and_the_first_is_returned_to():
    async def scene(home: Home) -> None:
        assert home.on == [0]
        home.edges[0].stop()
        home.bench.smoke(True, 1)
        await home.pass_time(1_000)
        assert home.on == [1] and home.bench.platform.kinds(0) == ["smoke.detected"]
        await home.pass_time(PATH_LOST_MS + BEAT_MS)
        assert home.told("path.fallback") == 1 and home.told("path.preferred") == 0
        await home.pass_time(RETURN_MS)
        assert home.on == [1], "the first does not answer"
        home.edges[0].start()
        await home.pass_time(2 * RETURN_MS + 1_000)
        assert home.on == [0]
        await home.pass_time(PATH_LOST_MS + BEAT_MS)
        assert home.told("path.fallback") == home.told("path.preferred") == 1
        assert home.held() == 0

    at_home(scene)


def test_an_alarm_under_way_is_not_cut_off_by_the_return():
    async def scene(home: Home) -> None:
        home.edges[0].stop()
        await home.pass_time(1_000)
        home.edges[0].start()
        await home.pass_time(RETURN_MS - 12_000)
        home.bench.platform.receipting = False
        home.bench.smoke(True, 1)
        await home.pass_time(12_000)
        assert home.on == [1], "the alarm waits for its receipt"
        home.bench.platform.receipting = True
        await home.bench.platform.answer()
        await home.pass_time(1_000)
        assert home.on == [0] and home.held() == 0

    at_home(scene)


def test_a_broker_that_swallows_alarms_is_left_and_not_returned_to():
    async def scene(home: Home) -> None:
        home.edges[0].losing = True
        home.bench.smoke(True, 1)
        await home.pass_time(URGENT_MUTE_MS - 1_000)
        assert home.on == [0] and home.bench.platform.kinds(0) == []
        await home.pass_time(2_000)
        assert home.on == [1] and home.bench.platform.kinds(0) == ["smoke.detected"]
        await home.pass_time(3 * RETURN_MS)
        assert home.on == [1], "it answers, and is not trusted"
        assert home.held() == 0

    at_home(scene)


def test_a_broker_that_swallows_measurements_is_left_after_a_minute_and_a_half():
    async def scene(home: Home) -> None:
        home.edges[0].losing = True
        home.bench.door(True, 1)
        await home.pass_time(MUTE_MS - 2_000)
        assert home.on == [0]
        await home.pass_time(4_000)
        assert home.on == [1] and home.held() == 0

    at_home(scene)


def test_distrust_ends_and_the_first_broker_has_another_chance():
    async def scene(home: Home) -> None:
        home.edges[0].losing = True
        home.bench.smoke(True, 1)
        await home.pass_time(URGENT_MUTE_MS + 1_000)
        home.edges[0].losing = False
        await home.pass_time(FOREVER_MS)
        assert home.on == [0]

    at_home(scene)


def test_a_platform_that_is_away_is_not_looked_for_for_ever():
    """Receipts come over no broker: each is tried, then the hub stays where it is."""

    async def scene(home: Home) -> None:
        home.bench.platform.receipting = False
        home.bench.smoke(True, 1)
        await home.pass_time(1_800_000)
        moves = len([1 for _, message, _ in home.bench.logged if message == "Connected to the broker."])
        assert moves <= 5, moves
        assert home.told("path.unreceipted") == 1
        home.bench.platform.receipting = True
        await home.pass_time(400_000)
        assert home.held() == 0

    at_home(scene)


def test_with_one_broker_a_mute_platform_ends_no_connection():
    async def scene(home: Home) -> None:
        home.bench.platform.receipting = False
        home.bench.smoke(True, 1)
        await home.pass_time(600_000)
        failed = [row for _, message, row in home.bench.logged if message == "No connection to the broker."]
        assert failed == []

    at_home(scene, brokers=1)


def test_a_broker_that_holds_back_the_acknowledgement_of_an_alarm_is_left_soon():
    async def scene(home: Home) -> None:
        home.edges[0].hold_pubacks()
        home.bench.platform.receipting = False
        home.bench.smoke(True, 1)
        await home.pass_time(URGENT_PUBACK_LIMIT_MS + 1_000)
        assert home.on == [1]

    at_home(scene)


def test_another_interface_is_tried_where_the_first_leads_nowhere():
    async def scene(home: Home) -> None:
        way_out = home.bench.app.delivery.way_out
        first, is_reached = way_out()
        assert is_reached
        home.bench.network.add("wwan0", "cellular", True, "192.0.2.3")
        await home.pass_time(10_000)
        home.edges[0].cut_off = {None}
        home.edges[0].drop_connections()
        home.bench.smoke(True, 1)
        await home.pass_time(60_000)
        assert home.on == [0] and home.interface == "wwan0"
        assert home.bench.platform.kinds(0) == ["smoke.detected"]
        assert home.bench.app.delivery.way_facts() == {"broker": "mqtt://127.0.0.1:1883", "path": "wwan0"}
        assert way_out() == ("wwan0", True)
        home.edges[0].cut_off = set()
        await home.pass_time(RETURN_MS + 1_000)
        assert home.on == [0] and home.interface is None
        assert way_out() == (first, True)
        home.edges[0].cut_off = {None, "wwan0"}
        home.edges[0].drop_connections()
        await home.pass_time(10_000)
        assert way_out() == (first, False), "used last, and not reached now"

    at_home(scene, brokers=1)


def test_a_first_broker_that_answers_and_then_refuses_is_tried_ever_more_rarely():
    async def scene(home: Home) -> None:
        home.edges[0].stop()
        await home.pass_time(1_000)
        home.edges[0].start()
        home.edges[0].denying = "not in its list"
        before = failures(home)
        await home.pass_time(6 * 3_600_000)
        assert home.on == [1]
        assert 4 <= failures(home) - before <= 9, "after 5, 10, 20 and 40 minutes, then each hour"

    at_home(scene)


def test_after_half_a_day_of_peace_the_first_broker_is_looked_for_after_five_minutes():
    async def scene(home: Home) -> None:
        await home.pass_time(12 * 3_600_000)
        home.edges[0].stop()
        await home.pass_time(1_000)
        home.edges[0].start()
        await home.pass_time(RETURN_MS + 1_000)
        assert home.on == [0]

    at_home(scene)


def test_an_alarm_that_is_stored_goes_out_before_the_way_is_changed():
    async def scene(home: Home) -> None:
        home.edges[0].stop()
        await home.pass_time(1_000)
        home.edges[0].start()
        home.bench.app.delivery.way_is_back = True
        home.bench.smoke(True, 1)
        await home.pass_time(1_000)
        assert home.on == [0] and home.held() == 0
        alarms = [message for message in home.edges[1].accepted if message.topic.endswith("up/0")]
        assert len(alarms) == 1 and home.bench.platform.kinds(0) == ["smoke.detected"]

    at_home(scene)


def failures(home: Home) -> int:
    """How often a connection was not made, or ended."""
    return len([1 for _, message, _ in home.bench.logged if message == "No connection to the broker."])
