"""Parts: one that fails is started again and says so, one that fails too often ends the process."""

import asyncio

from gateway.hub.parts import FIRST_PAUSE_MS, LONGEST_PAUSE_MS, STEADY_MS, TOO_OFTEN, PartFailedError, Parts
from hal.sim.faults import ERROR, Fault, FaultPlan
from hal.types import TECHNICAL
from tests.hub.small import Small, play


class Broken:
    """A part that fails each time after `after_ms`; with `error` None it ends."""

    def __init__(self, small: Small, error: "Exception | None", after_ms: int = 0) -> None:
        self.small = small
        self.error = error
        self.after_ms = after_ms
        self.starts: "list[int]" = []

    async def run(self) -> None:
        self.starts.append(self.small.clock.uptime_ms())
        if self.after_ms:
            await self.small.clock.sleep_ms(self.after_ms)
        if self.error is not None:
            raise self.error


def parts_of(small: Small) -> Parts:
    return Parts(small.recorder, small.clock, small.log)


async def steady() -> None:
    await asyncio.Event().wait()


def test_a_part_that_raises_is_started_again_and_reported():
    async def scene() -> None:
        small = Small()
        parts, broken = parts_of(small), Broken(small, ValueError("no such thing"))
        parts.start("radio", broken.run)
        parts.start("uplink", steady)
        await small.clock.advance(FIRST_PAUSE_MS)
        assert len(broken.starts) == 2 and parts.alive()
        assert small.kinds(TECHNICAL) == 2 * ["part.restarted"]
        assert small.events()[0].values == {"part": "radio", "reason": "ValueError: no such thing"}
        await parts.stop()

    play(scene)


def test_a_part_that_ends_by_itself_has_failed_too():
    async def scene() -> None:
        small = Small()
        parts, broken = parts_of(small), Broken(small, None)
        parts.start("radio", broken.run)
        await small.clock.advance(FIRST_PAUSE_MS)
        assert len(broken.starts) == 2
        assert small.events()[0].values["reason"] == "it ended by itself"
        await parts.stop()

    play(scene)


def test_pauses_double_and_too_many_failures_give_up():
    async def scene() -> None:
        small = Small()
        parts, broken = parts_of(small), Broken(small, ValueError("always"))
        parts.start("radio", broken.run)
        await small.clock.advance(3_600_000)
        gaps = [broken.starts[index + 1] - broken.starts[index] for index in range(len(broken.starts) - 1)]
        assert len(broken.starts) == TOO_OFTEN
        assert gaps[:4] == [1_000, 2_000, 4_000, 8_000] and gaps[-1] == LONGEST_PAUSE_MS
        assert parts.given_up.is_set() and parts.failed == "radio" and not parts.alive()
        assert parts.cause == "ValueError: always"
        await parts.stop()

    play(scene)


def test_a_part_that_ran_long_begins_anew():
    async def scene() -> None:
        small = Small()
        parts, broken = parts_of(small), Broken(small, ValueError("sometimes"), STEADY_MS)
        parts.start("radio", broken.run)
        await small.clock.advance(3 * TOO_OFTEN * STEADY_MS)
        assert len(broken.starts) > TOO_OFTEN and not parts.given_up.is_set()
        gaps = [broken.starts[index + 1] - broken.starts[index] for index in range(len(broken.starts) - 1)]
        assert max(gaps) <= STEADY_MS + 2 * FIRST_PAUSE_MS
        await parts.stop()

    play(scene)


def test_a_part_that_only_a_fresh_process_helps_gives_up_at_once():
    async def scene() -> None:
        small = Small()
        parts, broken = parts_of(small), Broken(small, PartFailedError("the journal is gone"))
        parts.start("radio", broken.run)
        await small.clock.settle()
        assert parts.given_up.is_set() and parts.failed == "radio" and len(broken.starts) == 1
        assert parts.cause == "the journal is gone"
        await parts.stop()

    play(scene)


def test_a_failure_is_logged_at_once_and_journalled_when_the_journal_takes_it_again():
    async def scene() -> None:
        faults = FaultPlan([Fault("journal", "append", 1, ERROR)])
        small = Small(faults=faults)
        parts, broken = parts_of(small), Broken(small, ValueError("always"))
        parts.start("radio", broken.run)
        await small.clock.advance(FIRST_PAUSE_MS)
        assert small.messages().count("A part failed and starts again.") == 2 and small.kinds() == []
        await small.recorder.settle()
        assert small.kinds() == 2 * ["part.restarted"]
        await parts.stop()

    play(scene)


def test_a_long_reason_is_cut_and_a_strange_one_is_kept():
    async def scene() -> None:
        small = Small()
        parts = parts_of(small)
        parts.start("radio", Broken(small, ValueError("x" * 5_000)).run)
        await small.clock.settle()
        reason = small.events()[0].values["reason"]
        assert isinstance(reason, str) and len(reason) == 200
        await parts.stop()

    play(scene)


def test_stop_ends_every_part_and_waits_for_what_they_close():
    async def scene() -> None:
        small = Small()
        parts = parts_of(small)
        closed: "list[str]" = []

        async def closing(name: str, turns: int) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                for _ in range(turns):
                    await asyncio.sleep(0)
                closed.append(name)

        for name, turns in (("a", 9), ("b", 0), ("c", 3)):
            parts.start(name, lambda name=name, turns=turns: closing(name, turns))  # type: ignore[misc]
        parts.start("d", Broken(small, ValueError("while stopping")).run)
        await small.clock.settle()
        await parts.stop()
        assert sorted(closed) == ["a", "b", "c"] and parts.tasks == {}
        await parts.stop()

    play(scene)


def test_parts_stop_at_any_moment_of_their_work():
    async def scene(turns: int) -> None:
        small = Small()
        parts = parts_of(small)
        parts.start("radio", Broken(small, ValueError("at once")).run)
        parts.start("uplink", Broken(small, None, 50).run)
        parts.start("line", steady)
        for _ in range(turns):
            await asyncio.sleep(0)
        await parts.stop()
        assert small.clock.sleepers == 0

    for turns in range(40):
        play(scene, turns)
