"""Serial lines: a cable that is not there, comes, goes; bytes in any pieces; nothing confirmed before it is durable."""

import asyncio

from gateway.core.devices.dispenser import Dispenser
from gateway.core.devices.driver import MALFORMED, Reading, SerialDriver
from gateway.core.model import Observation
from gateway.hub.lines import HELD_PIECES, Line
from gateway.hub.waking import stop
from hal.sim.faults import ERROR, FULL, Fault, FaultPlan
from hal.sim.serial_ports import SimSerialPorts
from tests.hub.small import HeldJournal, Small, begun, play
from tools.simulators.dispenser import DispenserDevice, Dose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.sim.line import SerialLine

PORT = "/dev/ttyS1"
BEAT_MS = 10_000


class Talker(SerialDriver):
    """A line of text an event: its words are the record; `ok` goes back once it is durable."""

    name = "talker"
    baud = 9_600
    parity = "E"
    interval_s = 60

    def __init__(self, context: object) -> None:
        super().__init__(context)  # type: ignore[arg-type]
        self.rest = b""
        self.pieces = 0
        self.due_ms: "int | None" = None

    def opened(self, now_ms: int, utc_ms: "int | None") -> Reading:
        self.rest = b""
        self.due_ms = now_ms + BEAT_MS
        return Reading(heard=False, send=[b"hello\n"])

    def received(self, data: bytes, now_ms: int, utc_ms: "int | None") -> Reading:
        self.pieces += 1
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        found = [
            Observation("dose.collected", {"dose_id": int(line)}, record=line)
            for line in lines
            if line.isdigit()
        ]
        bad = [line for line in lines if not line.isdigit()]
        refused = (MALFORMED, "not a number: " + repr(bad[0])) if bad else None
        confirm = [b"ok " + (observation.record or b"") + b"\n" for observation in found]
        return Reading(found, refused=refused, heard=bool(found), send_after=confirm)

    def due(self, now_ms: int, utc_ms: "int | None") -> Reading:
        self.due_ms = now_ms + BEAT_MS
        return Reading(heard=False, send=[b"beat\n"])

    def next_due_ms(self, now_ms: int) -> "int | None":
        return self.due_ms


def line_of(small: Small, kind: "type[SerialDriver]" = Talker) -> "tuple[Line, SerialLine]":
    """The hub's side, and the far end."""
    device = small.device(kind, port=PORT)
    return Line(
        device, SimSerialPorts(small.world), small.intake, small.clock, lambda: 0
    ), small.world.serial_line(PORT)


def doses(small: Small) -> "list[object]":
    """Numbers of the doses that are stored, in order."""
    return [event.values["dose_id"] for event in small.events(3)]


def test_a_port_that_is_not_there_is_tried_until_it_is_and_told_once():
    async def scene() -> None:
        small = Small()
        line, far = line_of(small)
        far.pull()
        task = await begun(line.run, small.clock)
        await small.clock.advance(60_000)
        assert small.messages().count("The line is gone; trying again.") == 1
        assert "no serial port" in line.device.link
        far.put_back()
        await small.clock.advance(10_000)
        assert line.device.link == "open" and (far.baud, far.parity) == (9_600, "E")
        assert far.received().startswith(b"hello\n")
        await stop(task)
        assert not far.opened

    play(scene)


def test_a_cable_pulled_out_and_put_back_costs_nothing_that_was_read():
    async def scene() -> None:
        small = Small()
        line, far = line_of(small)
        task = await begun(line.run, small.clock)
        far.send(b"1\n2")
        far.pull()
        await small.clock.advance(1_000)
        assert doses(small) == [1], "what came before the loss is taken"
        assert line.device.link != "open"
        far.put_back()
        await small.clock.advance(10_000)
        far.received()
        far.send(b"2\n3\n")
        await small.clock.settle()
        assert doses(small) == [1, 2, 3], "half a line of the old connection is no part of the new one"
        assert far.received() == b"ok 2\nok 3\n"
        await stop(task)

    play(scene)


def test_bytes_may_come_in_any_pieces():
    stream = b"1\n22\n333\nx\n4444\n"

    async def scene() -> None:
        for size in (1, 2, 3, 5, len(stream)):
            small = Small()
            line, far = line_of(small)
            task = await begun(line.run, small.clock)
            for start in range(0, len(stream), size):
                far.send(stream[start : start + size])
                await small.clock.settle()
            assert doses(small) == [1, 22, 333, 4444], size
            assert far.received() == b"hello\nok 1\nok 22\nok 333\nok 4444\n", size
            assert line.device.refused == {MALFORMED: 1}, size
            await stop(task)

    play(scene)


def test_nothing_is_confirmed_before_it_is_durable():
    async def scene() -> None:
        small = Small()
        held = small.hold()
        line, far = line_of(small)
        task = await begun(line.run, small.clock)
        far.received()
        held.go.clear()
        far.send(b"1\n")
        await small.clock.advance(5_000)
        assert held.asked == 1 and doses(small) == []
        assert far.received() == b"", "confirmed while the append was still under way"
        held.go.set()
        await small.clock.settle()
        assert doses(small) == [1] and far.received().startswith(b"ok 1\n")
        await stop(task)

    play(scene)


def test_an_append_that_fails_confirms_nothing_until_it_has_succeeded():
    async def scene(effect: str) -> None:
        small = Small(faults=FaultPlan([Fault("journal", "append", 1, effect)]))
        line, far = line_of(small)
        task = await begun(line.run, small.clock)
        far.received()
        far.send(b"1\n")
        await small.clock.settle()
        assert doses(small) == [] and b"ok" not in far.received(), effect
        await small.clock.advance(8_000)
        assert doses(small) == [1] and far.received().count(b"ok 1\n") == 1, effect
        await stop(task)

    for effect in (ERROR, FULL):
        play(scene, effect)


class Eager(Line):
    """The unsafe variant: confirms what it has read."""

    async def answer(self, port: "object", reading: Reading, came: bool) -> None:
        reading.send, reading.send_after = reading.send + reading.send_after, []
        await super().answer(port, reading, came)  # type: ignore[arg-type]


def test_the_check_of_early_confirmation_sees_one():
    async def scene() -> None:
        small = Small()
        held: HeldJournal = small.hold()
        line, far = line_of(small)
        eager = Eager(line.device, line.ports, small.intake, small.clock, lambda: 0)
        task = await begun(eager.run, small.clock)
        far.received()
        held.go.clear()
        far.send(b"1\n")
        await small.clock.advance(5_000)
        assert far.received().startswith(b"ok 1\n") and doses(small) == []
        held.go.set()
        await stop(task)

    play(scene)


def test_reading_stops_where_the_journal_does_not_follow():
    async def scene() -> None:
        small = Small()
        held = small.hold()
        line, far = line_of(small)
        task = await begun(line.run, small.clock)
        held.go.clear()
        far.send(b"1\n")
        await small.clock.settle()
        port = far._port
        assert port is not None
        for number in range(HELD_PIECES + 100):
            far.send(str(100 + number).encode() + b"\n")
            await small.clock.settle(3)
        await small.clock.settle()
        left = bytes(port._waiting).count(b"\n")
        assert 50 <= left <= 100, "the rest waits in the port, not in the hub"
        held.go.set()
        await small.clock.advance(1_000)
        assert doses(small) == [1] + [100 + number for number in range(HELD_PIECES + 100)]
        await stop(task)

    play(scene)


def test_the_driver_is_called_when_time_asks_for_it():
    async def scene() -> None:
        small = Small()
        line, far = line_of(small)
        task = await begun(line.run, small.clock)
        await small.clock.advance(3 * BEAT_MS + 5)
        assert far.received() == b"hello\n" + 3 * b"beat\n"
        await stop(task)

    play(scene)


def test_a_line_that_is_lost_at_once_is_tried_less_and_less_often():
    async def scene() -> None:
        small = Small()
        line, far = line_of(small)
        opened: "list[int]" = []
        task = await begun(line.run, small.clock)
        for _ in range(60):
            if far.opened:
                opened.append(small.clock.uptime_ms())
                far.pull()
                far.put_back()
            await small.clock.advance(250)
        gaps = [opened[index + 1] - opened[index] for index in range(len(opened) - 1)]
        assert len(gaps) >= 4 and gaps[-1] >= 2_000 and gaps == sorted(gaps), gaps
        await stop(task)

    play(scene)


def test_only_a_word_of_the_device_proves_it_alive():
    async def scene() -> None:
        small = Small()
        line, far = line_of(small)
        task = await begun(line.run, small.clock)
        await small.clock.advance(BEAT_MS)
        assert line.device.heard_ms is None
        far.send(b"noise\n")
        await small.clock.settle()
        assert line.device.heard_ms is None and line.device.frames == 1
        far.send(b"1\n")
        await small.clock.settle()
        assert line.device.heard_ms == small.clock.uptime_ms()
        await stop(task)

    play(scene)


async def far_end(device: DispenserDevice, far: "SerialLine", small: Small) -> None:
    """The dispenser: answers what comes, and speaks when its time has come."""
    while True:
        far.send(device.due(small.clock.uptime_ms()))
        data = far.received()
        if data:
            far.send(device.received(data, small.clock.uptime_ms()))
        await small.clock.sleep_ms(50)


def test_the_reference_dispenser_through_failures_of_cable_and_journal():
    async def scene() -> None:
        plan = FaultPlan([Fault("journal", "append", nth, ERROR if nth % 2 else FULL) for nth in (2, 4, 7)])
        small = Small(faults=plan)
        line, far = line_of(small, Dispenser)
        utc_ms = small.clock.utc_ms() or 0
        device = DispenserDevice({}, small.random, 0, utc_ms)
        planned = [
            Dose(number, utc_ms + 20_000 * number, utc_ms + 20_000 * number + 15_000) for number in (1, 2, 3)
        ]
        device.set_plan(planned, 0)
        tasks = [asyncio.create_task(far_end(device, far, small)), await begun(line.run, small.clock)]
        for step in range(90):
            if step % 20 == 11:
                far.pull()
            if step % 20 == 15:
                far.put_back()
            if step == 25:
                device.collect("resident", small.clock.uptime_ms())
            await small.clock.advance(1_000)
        numbers = [event.values["log_number"] for event in small.events() if "log_number" in event.values]
        assert sorted(numbers) == list(range(1, device.log.newest + 1)), numbers  # type: ignore[type-var]
        assert device.log.acknowledged == device.log.newest
        assert small.kinds(3).count("dose.collected") == 1 and small.kinds(1).count("dose.missed") == 2
        for task in tasks:
            await stop(task)

    play(scene)
