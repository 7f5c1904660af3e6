"""What waits for room, or is on its way into the journal: its order, its state, and that nobody else waits for it."""

import asyncio

from gateway.hub.ending import tell_unstored
from gateway.hub.overrun import Work
from gateway.hub.recorder import RETRY_MS
from gateway.hub.supervise import BEAT_MS
from gateway.hub.waking import stop
from hal.errors import CorruptDataError, StorageFullError, UnavailableError
from hal.sim.journal import SimJournal
from hal.types import SAFETY
from tests.hub.bench import Bench
from tests.hub.bench import play as play_whole
from tests.hub.small import PLACEMENT, Small, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.errors import HalError
    from hal.interfaces import Journal

KEY = "device.5.counter"
APPEND_MS = 20  # a memory card


class Medium(SimJournal):
    """Takes `append_ms` an append, and fails with `error` while there is one, `times` at most where that is given."""

    error: "HalError | None" = None
    times = -1
    append_ms = 0
    first_ms = 0  # of the next one alone

    async def append(self, events: "Any", state: "Any" = None) -> "Any":
        duration_ms, self.first_ms = self.first_ms or self.append_ms, 0
        if duration_ms:
            await self.clock.sleep_ms(duration_ms)
        if self.error is not None and self.times and events:
            self.times -= 1
            raise self.error
        return await super().append(events, state)


def over_medium(small: Small) -> Medium:
    """Go on over such a medium."""
    small.medium.cut()
    journal = Medium(small.medium, random=small.random)
    journal.clock = small.clock
    small.use(journal)
    return journal


def work(small: Small, kind: str, item: bytes) -> Work:
    return Work([small.recorder.own(kind, PLACEMENT)], {KEY: item})


async def offer_while_full(small: Small, journal: Medium, kind: str, item: bytes) -> None:
    """One that finds no room, and waits."""
    journal.error = StorageFullError("full")
    await small.recorder.offer(work(small, kind, item))
    journal.error = None


def test_older_state_is_not_stored_over_newer_that_is_on_its_way():
    """A replay counter that went back would let an old frame count as new after a restart."""

    async def scene() -> None:
        small = Small()
        journal = over_medium(small)
        await offer_while_full(small, journal, "door.opened", b"5")
        journal.append_ms = APPEND_MS
        newer = asyncio.create_task(small.recorder.offer(work(small, "smoke.detected", b"6")))
        await small.clock.settle()
        settling = asyncio.create_task(small.recorder.settle())
        await small.clock.advance(3 * APPEND_MS)
        await newer
        await settling
        assert journal.state(KEY) == b"6"
        assert small.kinds() == ["smoke.detected", "door.opened"]

    play(scene)


def test_older_state_that_failed_while_newer_was_stored_is_left():
    async def scene() -> None:
        small = Small()
        journal = over_medium(small)
        journal.append_ms, journal.first_ms = APPEND_MS, 3 * APPEND_MS
        older = asyncio.create_task(small.recorder.offer(work(small, "door.opened", b"5")))
        await small.clock.settle()
        newer = asyncio.create_task(small.recorder.offer(work(small, "smoke.detected", b"6")))
        await small.clock.advance(2 * APPEND_MS)
        await newer
        journal.error, journal.times = StorageFullError("full"), 1
        await small.clock.advance(2 * APPEND_MS)
        await older
        settling = asyncio.create_task(small.recorder.settle())
        await small.clock.advance(2 * APPEND_MS)
        await settling
        assert journal.state(KEY) == b"6" and len(small.kinds()) == 2
        assert small.recorder.waiting.newest == {} and small.recorder.waiting.flying == []

    play(scene)


def test_newer_state_that_fails_leaves_older_state_alone():
    async def scene() -> None:
        small = Small()
        journal = over_medium(small)
        await offer_while_full(small, journal, "door.opened", b"5")
        journal.append_ms, journal.error, journal.times = APPEND_MS, StorageFullError("full"), 1
        newer = asyncio.create_task(small.recorder.offer(work(small, "smoke.detected", b"6")))
        await small.clock.settle()
        settling = asyncio.create_task(small.recorder.settle())
        await small.clock.advance(2 * APPEND_MS)
        await newer
        assert journal.state(KEY) == b"5", "of what is stored, the newest"
        await small.clock.advance(3 * APPEND_MS)
        await settling
        again = asyncio.create_task(small.recorder.settle())
        await small.clock.advance(2 * APPEND_MS)
        await again
        assert journal.state(KEY) == b"6"

    play(scene)


def test_alarms_wait_in_the_order_in_which_they_were_asked_for_whichever_failed_first():
    small = Small()
    waiting = small.recorder.waiting
    works = [work(small, "smoke.detected", str(number).encode()) for number in range(4)]
    for each in works:
        waiting.number(each)
    for index in (2, 0, 3, 1):
        assert waiting.add(works[index]) is None
    assert waiting.alarms == works and waiting.has()
    for each in works:
        waiting.forget(each)
    assert not waiting.has() and waiting.all() == []


def test_an_append_that_failed_is_tried_again_after_a_second_and_alarms_too():
    async def scene(bench: Bench):
        for number in range(5):
            journal: "Any" = bench.journal
            append, left = journal.append, [1]

            async def fails(
                events: "Any", state: "Any" = None, append: "Any" = append, left: "Any" = left
            ) -> "Any":
                if events and left[0]:
                    left[0] = 0
                    raise UnavailableError("the medium answers with an error")
                return await append(events, state)

            await bench.clock.advance(10_000 + 700 * number)
            journal.append = fails
            before = len(bench.platform.kinds(SAFETY))
            bench.smoke(number % 2 == 0, number)
            await bench.clock.advance(RETRY_MS + 300)
            journal.append = append
            assert len(bench.platform.kinds(SAFETY)) == before + 1

    play_whole(scene)


def test_many_that_find_room_keep_neither_watchdog_nor_sensors_waiting():
    """Memory drains one append after the other, on a card for minutes."""

    async def scene(bench: Bench):
        bench.broker.stop()
        waiting, journal = bench.app.recorder.waiting, bench.journal
        append: "Any" = journal.append

        async def slow(events: "Any", state: "Any" = None) -> "Any":
            await bench.clock.sleep_ms(5 * APPEND_MS)
            return await append(events, state)

        for _ in range(1_000):
            each = Work([bench.app.recorder.own("smoke.detected", 5)], {})
            waiting.number(each)
            waiting.add(each)
        journal.append = slow  # type: ignore[method-assign]
        fed: "list[int]" = [bench.clock.uptime_ms()]
        feed = bench.watchdog.feed

        def spy() -> None:
            fed.append(bench.clock.uptime_ms())
            feed()

        bench.watchdog.feed = spy  # type: ignore[method-assign]
        bench.smoke(True, 7)  # behind them: the drain begins
        await bench.clock.advance(100)
        frames = bench.app.devices[0].frames
        bench.door(True, 8)
        await bench.clock.advance(100)
        assert bench.app.devices[0].frames == frames + 1, "the loop that hears sensors waits for nothing"
        while waiting.alarms:
            await bench.clock.advance(1_000)
        assert max([fed[index + 1] - fed[index] for index in range(len(fed) - 1)]) <= 2 * BEAT_MS
        assert fed[-1] - fed[0] > 90_000, "longer than systemd waits for a sign of life"

    play_whole(scene, capacity_bytes=1 << 22)


def test_what_a_visitor_waited_to_store_when_the_hub_stopped_is_named():
    async def scene() -> None:
        small = Small()
        over_medium(small).error = StorageFullError("full")
        reading = Work([small.recorder.own("oximetry.measured", PLACEMENT, {"spo2_pct": 88})], {})
        task = asyncio.create_task(small.recorder.store(reading))
        await small.clock.settle()
        await stop(task)
        tell_unstored(small.recorder)
        level, _, fields = small.logged[-1]
        assert (level, fields["kinds"]) == ("error", ["oximetry.measured"])

    play(scene)


async def meet(bench: Bench, error: "HalError", times: int, is_opened_anew: bool) -> "list[str]":
    """An alarm whose append meets `error`, so that the process ends and starts anew; what the platform has of it then."""
    journal: "Any" = bench.journal
    append, left = journal.append, [times]

    async def broken(events: "Any", state: "Any" = None) -> "Any":
        if events and left[0]:
            left[0] -= 1
            raise error
        return await append(events, state)

    async def anew() -> "Journal":
        bench.medium.damage()
        bench.journal = bench.open_journal()
        return bench.journal

    bench.door(True, 1)
    await bench.clock.advance(3_000)
    journal.append = broken
    over = asyncio.create_task(bench.app.until(asyncio.Event(), anew if is_opened_anew else None))
    await bench.clock.advance(10)
    bench.smoke(True, 1)
    await bench.clock.advance(20_000)
    assert over.done() and not await over, "only a fresh process helps"
    await bench.build().start()
    await bench.clock.advance(120_000)
    return [kind for kind in bench.platform.kinds() if "smoke" in kind]


def test_an_alarm_whose_append_meets_damage_is_in_the_store_that_the_next_start_finds():
    async def scene(bench: Bench):
        assert await meet(bench, CorruptDataError("the journal is damaged"), 1, True) == ["smoke.detected"]
        assert bench.app.recorder.engine.incidents.is_open(bench.app.devices[1].placement, "smoke.detected")

    async def refused(bench: Bench):
        assert await meet(bench, UnavailableError("input/output error"), 3, True) == ["smoke.detected"]

    play_whole(scene)
    play_whole(refused)


def test_control_without_a_store_opened_anew_it_is_lost_and_named():
    async def scene(bench: Bench):
        assert await meet(bench, CorruptDataError("the journal is damaged"), 1, False) == []
        told = [fields for level, message, fields in bench.logged if "lost with the memory" in message]
        assert [fields["kinds"] for fields in told] == [["smoke.detected"]]

    play_whole(scene)
