"""Memory that is missing at any point of the intake of an alarm: the alarm comes, and comes once."""

import asyncio

from gateway.core.event_codec import decode_event
from gateway.hub.configured import Configured
from gateway.hub.ending import MOST_TRIES
from gateway.hub.parts import SHORT, Parts
from hal.types import SAFETY, TECHNICAL
from tests.hub.bench import Bench
from tests.hub.shortages import assert_it_comes_once, lost
from tests.hub.small import Small, play
from tools.rig.sim.shortage import HARDY, LAX, SAFE, Overdue, Scarce, Trial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.sim.journal import SimJournal

RESERVE = 512


def test_an_alarm_comes_once_wherever_memory_was_missing_for_it():
    play(lambda: assert_it_comes_once(Trial, SAFE))


def test_control_a_part_that_goes_on_after_it_loses_alarms():
    async def scene() -> None:
        gone, _ = await lost(Trial, HARDY)
        assert gone > 3

    play(scene)


class Hungry:
    """A part that is short of memory `times` times."""

    def __init__(self, times: int = 1 << 30) -> None:
        self.times = times
        self.starts = 0

    async def run(self) -> None:
        self.starts += 1
        if self.starts <= self.times:
            raise MemoryError
        await asyncio.Event().wait()


def test_whoever_takes_in_ends_the_process_at_once_and_lets_the_reserve_go():
    async def scene() -> None:
        small, hungry = Small(), Hungry()
        parts = Parts(small.recorder, small.clock, small.log, RESERVE)
        parts.start("radio", hungry.run)
        await small.clock.settle()
        assert parts.given_up.is_set() and not parts.alive() and hungry.starts == 1
        assert (parts.failed, parts.cause, parts.reserve) == ("radio", SHORT, None)
        assert "Memory is short; the process must start anew." in small.messages()
        await parts.stop()

    play(scene)


def test_the_end_needs_no_memory_to_say_so():
    async def scene() -> None:
        small = Small()

        def log(level: str, message: str, **fields: object) -> None:
            raise MemoryError

        parts = Parts(small.recorder, small.clock, log)
        parts.start("radio", Hungry().run)
        await small.clock.settle()
        assert parts.given_up.is_set() and parts.cause == SHORT
        await parts.stop()

    play(scene)


def test_what_only_sends_starts_again_and_the_reserve_is_held_again():
    async def scene() -> None:
        small, hungry = Small(), Hungry(2)
        parts = Parts(small.recorder, small.clock, small.log, RESERVE)
        parts.start("uplink", hungry.run, sends=True)
        await small.clock.settle()
        assert parts.alive() and parts.reserve is None
        assert small.events(TECHNICAL)[0].values == {"part": "uplink", "reason": SHORT}
        await small.clock.advance(10_000)
        assert parts.alive() and hungry.starts == 3
        assert parts.reserve is not None and len(parts.reserve) == RESERVE
        await parts.stop()

    play(scene)


def test_one_that_always_is_short_ends_the_process_in_the_end():
    async def scene() -> None:
        small = Small()
        parts = Parts(small.recorder, small.clock, small.log)
        parts.start("uplink", Hungry().run, sends=True)
        await small.clock.advance(3_600_000)
        assert parts.given_up.is_set() and parts.cause == SHORT
        await parts.stop()

    play(scene)


def test_an_alarm_that_was_made_and_not_stored_is_handed_to_the_next_process():
    async def scene() -> None:
        trial, scarce = Trial(), Scarce(1)

        def over_append(bench: "Bench") -> None:
            scarce.over(bench.journal, "append")

        await trial.play(over_append, lambda: None)
        assert trial.came == 1 and trial.restarts == 1

    play(scene)


# --- the others, until the process ends -------------------------------------------------------------------------------


async def overdue(point: int, ways: str) -> "tuple[Trial, int]":
    """A rule's only word, with memory missing at `point` of what time asks of the rules; then another device speaks."""
    trial, scarce = Overdue(ways, beside=True), Scarce(point)
    passed: "list[int]" = []

    def over_rules(bench: "Bench") -> None:
        engine = bench.app.recorder.engine
        for owner, name in ((engine, "due"), (engine, "take_changes"), (engine.incidents, "assign")):
            scarce.over(owner, name)

    def enough() -> None:
        scarce.fails_at = 0
        passed.append(scarce.points)

    await trial.play(over_rules, enough)
    return trial, passed[0]


def test_what_another_device_says_before_the_end_does_not_store_what_a_rule_remembers_without_its_event():
    async def scene() -> None:
        trial, points = await overdue(0, SAFE)
        assert trial.came == 1 and points > 4
        restarts = 0
        for point in range(1, points + 1):
            trial, _ = await overdue(point, SAFE)
            assert trial.came == 1, "point " + str(point) + ": " + str(trial.came) + " alarms came"
            restarts += trial.restarts
        assert restarts > points // 3

    play(scene)


def test_control_others_that_store_what_they_like_before_the_end_lose_the_alarm():
    async def scene() -> None:
        _, points = await overdue(0, LAX)
        lost = []
        for point in range(1, points + 1):
            trial, _ = await overdue(point, LAX)
            if trial.came == 0:
                lost.append(point)
        assert lost

    play(scene)


def test_what_is_asked_for_after_it_is_refused_and_what_waited_is_not():
    async def scene() -> None:
        small = Small()
        small.recorder.freeze()
        for ask in (small.recorder.offer, small.recorder.store):
            try:
                await ask(small.recorder.made([small.recorder.own("hub.stopped")]))
                raise AssertionError("it was stored")
            except MemoryError:
                pass
        assert small.events(TECHNICAL) == [] and small.recorder.waiting.all() == []

    play(scene)


# --- the end ----------------------------------------------------------------------------------------------------------


async def short() -> None:
    """A step that finds no memory."""
    raise MemoryError


class Last:
    """A gateway whose journal has no memory for a frame when it begins to smoke, nor `openings` times when it is opened anew."""

    def __init__(self, openings: int = 0) -> None:
        self.bench = Bench()
        self.openings = openings
        self.opened = 0

    async def append(self, *given: "Any") -> "Any":
        raise MemoryError

    async def anew(self) -> "SimJournal":
        self.opened += 1
        journal: "Any" = self.bench.open_journal()
        if self.opened <= self.openings:
            journal.append = self.append
        return journal  # type: ignore[no-any-return]

    async def play(self, *fails: "tuple[str, str]") -> "list[str]":
        """Kinds of alarms that the next start finds; `fails` are steps of the end, which find none either."""
        bench = self.bench
        await bench.start()
        bench.platform.receipting = False
        app = bench.app
        bench.journal.append = self.append  # type: ignore[method-assign]
        for owner, name in fails:
            setattr(getattr(app, owner), name, short)
        life = asyncio.create_task(app.until(asyncio.Event(), self.anew))
        bench.smoke(True, 1)
        await bench.clock.advance(5_000)
        assert life.done() and not await life
        for owner, name in fails:
            delattr(getattr(app, owner), name)
        await bench.end()
        bench.medium.cut()
        return [decode_event(entry.event).kind for entry in bench.open_journal().peek(SAFETY, 0, 65_536)]


def test_an_alarm_that_waits_is_handed_on_whichever_step_of_the_end_finds_no_memory():
    async def scene() -> None:
        for fails in (
            (),
            (("parts", "stop"),),
            (("delivery", "ended"),),
            (("parts", "stop"), ("delivery", "ended")),
        ):
            assert await Last().play(*fails) == ["smoke.detected"], str(fails)

    play(scene)


def test_a_stop_as_told_that_finds_no_memory_hands_on_what_waits():
    async def scene() -> None:
        last = Last()
        bench, stop = last.bench, asyncio.Event()
        await bench.start()
        bench.journal.append = last.append  # type: ignore[method-assign]
        life = asyncio.create_task(bench.app.until(stop, last.anew))
        stop.set()
        await bench.clock.advance(5_000)
        assert life.done() and await life and last.opened == 1
        kinds = [decode_event(entry.event).kind for entry in bench.open_journal().peek(TECHNICAL, 0, 65_536)]
        assert "hub.stopped" not in kinds, "a stop that could not be told is not told"
        await bench.end()

    play(scene)


def test_a_journal_that_finds_no_memory_when_it_is_opened_anew_is_opened_again():
    async def scene() -> None:
        last = Last(MOST_TRIES - 1)
        assert await last.play() == ["smoke.detected"] and last.opened == MOST_TRIES

    play(scene)


def test_control_one_that_never_finds_any_is_left_and_what_is_lost_is_named():
    async def scene() -> None:
        last = Last(MOST_TRIES)
        assert await last.play() == [] and last.opened == MOST_TRIES
        words = "The store took nothing to the end: events are lost with the memory."
        assert [fields["kinds"] for _, message, fields in last.bench.logged if message == words] == [
            ["smoke.detected"]
        ]

    play(scene)


# --- what is sent, and what is taken -----------------------------------------------------------------------------------


async def delivered(owner: str, name: str) -> "Bench":
    """A gateway that tells of smoke while `name` of that part of it finds no memory."""
    bench = Bench()
    await bench.start()
    setattr(getattr(bench.app, owner), name, lambda *given, **named: short())
    bench.smoke(True, 1)
    await bench.clock.advance(800)
    return bench


def test_what_the_platform_says_ends_the_process_where_memory_is_short_for_it():
    async def scene() -> None:
        bench = await delivered("inward", "act")  # of the receipt
        assert bench.app.recorder.is_frozen and not bench.app.parts.alive()
        await bench.end()

    play(scene)


def test_control_a_bundle_that_finds_no_memory_does_not():
    async def scene() -> None:
        bench = await delivered("outward", "bundle")
        assert "A part failed and starts again." in [message for _, message, _ in bench.logged]
        assert bench.app.parts.alive() and not bench.app.recorder.is_frozen
        await bench.end()

    play(scene)


class Applier:
    """Keeps configurations; `fails` finds no memory."""

    def __init__(self, fails: str) -> None:
        self.in_use, self.refusal, self.local = None, "", []  # type: ignore[var-annotated]
        self.fails = fails

    async def check(self, data: bytes) -> None:
        if self.fails == "check":
            raise MemoryError

    async def use(self, data: bytes) -> None:
        if self.fails == "use":
            raise MemoryError

    async def confirm(self) -> None:
        """Nothing to do."""

    async def put_back(self) -> None:
        """Nothing to do."""


class Message:
    """A configuration whose signature holds."""

    fields = {"revision": 7, "configuration": b"good"}


def test_a_configuration_that_finds_no_memory_is_not_refused_for_it():
    async def scene() -> None:
        for fails in ("check", "use"):
            small = Small()
            configured = Configured(small.recorder, Applier(fails), lambda: True, small.log)
            try:
                await configured.act(Message)  # type: ignore[arg-type]
                raise AssertionError("a lack of memory was swallowed")
            except MemoryError:
                pass
            assert "config.refused" not in small.kinds(TECHNICAL) and not configured.standing.reason

    play(scene)
