"""A driver on a connection: it may write during a visit, is called when due, and hears of what was refused."""

from gateway.core.devices.driver import INCOMPLETE, GattDriver, Reading, Step
from gateway.core.model import Observation
from gateway.hub.waking import stop
from hal.errors import DeniedError
from tests.hub.bench import NIGHT_UTC_MS
from tests.hub.small import Small, play
from tests.hub.visits import ADDRESS, Visit

VALUE, CONTROL = "2a9d", "2a08"


class Asking(GattDriver):
    """Acknowledges each value in writing; `due_ms` is when it wants to be called."""

    name = "asking"
    pairing = "none"
    due_ms: "int | None" = None

    def __init__(self, context: object) -> None:
        super().__init__(context)  # type: ignore[arg-type]
        self.log: "list[tuple[object, ...]]" = []
        self.on_due = Reading(heard=False)
        self.leave = False

    def steps(self, characteristics: "list[str]") -> "list[Step]":
        return [Step("subscribe", VALUE)]

    def read(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        self.log.append(("read", characteristic, value))
        return Reading()

    def notified(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        self.log.append(("notified", value[0], now_ms))
        reading = Reading([Observation("oximetry.measured", {"spo2_pct": value[0]})], {"last": value})
        reading.steps = [Step("write", CONTROL, value), Step("read", "2a24")]
        reading.leave = self.leave
        return reading

    def denied(self, step: Step, now_ms: int) -> Reading:
        self.log.append(("refused", step.action, step.characteristic))
        return Reading(state={"refused": b"\x01"}, heard=False)

    def due(self, now_ms: int, utc_ms: "int | None") -> Reading:
        self.log.append(("due", now_ms, utc_ms))
        self.due_ms = None
        return self.on_due

    def next_due_ms(self, now_ms: int) -> "int | None":
        return self.due_ms


class Asked(Visit):
    """A visit of an `Asking`."""

    def __init__(self, small: Small) -> None:
        super().__init__(small, Asking)
        self.asking: Asking = self.device.driver  # type: ignore[assignment]


def test_what_a_driver_writes_follows_what_it_said_into_the_journal() -> None:
    async def scene() -> None:
        small = Small()
        held = small.hold()
        visit = Asked(small)
        task = await visit.begin()
        held.go.clear()
        await visit.measure(97)
        assert visit.asking.log == [("notified", 97, 0)] and held.asked == 1
        assert visit.peripheral.writes == [], "written before it was durable"
        held.go.set()
        await small.clock.settle()
        assert visit.peripheral.writes == [(CONTROL, b"\x61")]
        assert visit.asking.log[-1] == ("read", "2a24", b"M1")
        assert small.journal.state("device.5.last") == b"\x61"
        await stop(task)
        assert small.clock.sleepers == 0

    play(scene)


def test_a_driver_is_called_when_it_is_due_with_both_times() -> None:
    async def scene() -> None:
        small = Small()
        visit = Asked(small)
        visit.asking.due_ms = 7_000
        visit.asking.on_due.steps = [Step("write", CONTROL, b"\x09")]
        task = await visit.begin()
        await small.clock.advance(6_999)
        assert visit.asking.log == [] and visit.peripheral.writes == []
        await small.clock.advance(1)
        assert visit.asking.log == [("due", 7_000, NIGHT_UTC_MS + 7_000)]
        assert visit.peripheral.writes == [(CONTROL, b"\x09")]
        assert visit.device.frames == 0, "time is no frame of the device"
        await stop(task)
        assert small.clock.sleepers == 0

    play(scene)


def test_a_driver_that_is_due_at_once_is_called_after_the_steps() -> None:
    async def scene() -> None:
        small = Small()
        visit = Asked(small)
        visit.asking.due_ms = 0
        visit.peripheral.on_write = lambda uuid, value: None
        task = await visit.begin()
        assert visit.peripheral.subscribed == [VALUE] and visit.asking.log == [("due", 0, NIGHT_UTC_MS)]
        await stop(task)

    play(scene)


def test_everything_that_has_arrived_comes_before_what_is_due() -> None:
    async def scene() -> None:
        small = Small()
        held = small.hold()
        visit = Asked(small)
        task = await visit.begin()
        held.go.clear()
        await visit.measure(97, 96, 95)
        visit.asking.due_ms = 5_000
        await small.clock.advance(60_000)
        held.go.set()
        await small.clock.settle()
        told = [row[:2] for row in visit.asking.log if row[0] in ("notified", "due")]
        assert told == [("notified", 97), ("notified", 96), ("notified", 95), ("due", 60_000)]
        await stop(task)

    play(scene)


def test_a_refused_step_is_told_to_the_driver_and_its_state_is_kept() -> None:
    def refuse(uuid: str, value: bytes) -> None:
        raise DeniedError("not for you")

    async def scene() -> None:
        small = Small()
        visit = Asked(small)
        visit.peripheral.on_write = refuse
        task = await visit.begin()
        await visit.measure(97)
        assert ("refused", "write", CONTROL) in visit.asking.log
        assert ("read", "2a24", b"M1") in visit.asking.log, "the next step is done all the same"
        assert small.journal.state("device.5.refused") == b"\x01"
        assert visit.peripheral.connected and small.messages() == ["stored", "A step was refused."]
        await stop(task)

    play(scene)


def test_a_driver_may_leave_the_link_and_come_again() -> None:
    async def scene() -> None:
        small = Small()
        visit = Asked(small)
        visit.asking.leave = True
        task = await visit.begin()
        await visit.measure(97)
        assert not visit.peripheral.connected and "is left" in visit.device.link
        assert visit.peripheral.writes == [(CONTROL, b"\x61")], "its steps come first"
        visit.asking.leave = False
        visit.near.set()
        await small.clock.advance(5_000)
        assert visit.peripheral.connected
        await visit.measure(96)
        assert visit.measured() == [97, 96]
        await stop(task)
        assert small.clock.sleepers == 0

    play(scene)


def test_what_time_finds_wrong_is_counted() -> None:
    async def scene() -> None:
        small = Small()
        visit = Asked(small)
        visit.asking.due_ms = 10
        visit.asking.on_due = Reading(refused=(INCOMPLETE, "silence"), heard=False)
        task = await visit.begin()
        await small.clock.advance(10)
        assert visit.device.refused == {INCOMPLETE: 1} and visit.device.last_refusal == "silence"
        assert visit.device.heard_ms is None
        await stop(task)

    play(scene)


def test_a_link_that_is_lost_while_a_driver_waits_is_noticed() -> None:
    async def scene() -> None:
        small = Small()
        visit = Asked(small)
        visit.asking.due_ms = 60_000
        task = await visit.begin()
        small.world.drop(ADDRESS)
        await small.clock.settle()
        assert "lost" in visit.device.link and visit.asking.log == []
        await stop(task)
        assert small.clock.sleepers == 0

    play(scene)


def test_what_had_arrived_before_the_link_was_left_or_lost_is_taken() -> None:
    async def scene(lost: bool) -> None:
        small = Small()
        held = small.hold()
        visit = Asked(small)
        visit.asking.leave = not lost
        task = await visit.begin()
        held.go.clear()
        await visit.measure(97, 96, 95)
        if lost:
            small.world.drop(ADDRESS)  # its acknowledgement of the first cannot be written any more
        held.go.set()
        await small.clock.settle()
        assert not visit.peripheral.connected and visit.measured() == [97, 96, 95], lost
        assert len(visit.peripheral.writes) == (0 if lost else 1)
        await stop(task)
        assert small.clock.sleepers == 0

    for lost in (False, True):
        play(scene, lost)
