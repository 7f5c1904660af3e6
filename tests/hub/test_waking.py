"""Waiting and ending: nothing hangs, no cancellation is lost, on either interpreter."""

import asyncio

from gateway.hub.waking import Wake, ended, stop
from hal.errors import LinkLostError
from hal.sim.clock import SimClock


def waited(until_ms: "int | None", calls_at_ms: "list[int]", advance_ms: int) -> "list[int]":
    """Uptimes at which a waiter came back."""
    seen: "list[int]" = []

    async def waiter(wake: Wake, clock: SimClock) -> None:
        while True:
            await wake.wait(until_ms)
            seen.append(clock.uptime_ms())
            if until_ms is not None and clock.uptime_ms() >= until_ms:
                return

    async def run() -> None:
        clock = SimClock()
        wake = Wake(clock)
        task = asyncio.create_task(waiter(wake, clock))
        for at_ms in calls_at_ms:
            await clock.advance(at_ms - clock.uptime_ms())
            wake.call()
            await clock.settle()
        await clock.advance(advance_ms)
        await stop(task)
        await clock.settle()
        assert clock.sleepers == 0, "a timer was left behind"

    asyncio.run(run())
    return seen


def test_a_wait_ends_at_its_time_or_at_a_call_whichever_is_first():
    assert waited(100, [], 1_000) == [100]
    assert waited(100, [30], 1_000) == [30, 100]
    assert waited(None, [30, 70], 1_000) == [30, 70]
    assert waited(None, [], 1_000) == []


def test_a_call_while_nobody_waits_is_kept_once():
    async def run() -> None:
        clock = SimClock()
        wake = Wake(clock)
        wake.call()
        wake.call()
        await wake.wait(1_000_000)
        assert clock.uptime_ms() == 0
        second = asyncio.create_task(wake.wait(500))
        await clock.settle()
        assert not second.done()
        await clock.advance(500)
        await second

    asyncio.run(run())


def test_a_time_that_has_passed_lets_others_run():
    async def run() -> None:
        clock = SimClock(uptime_ms=1_000)
        wake = Wake(clock)
        ran: "list[int]" = []

        async def other() -> None:
            ran.append(1)

        task = asyncio.create_task(other())
        await wake.wait(999)
        await task
        assert ran == [1]

    asyncio.run(run())


def test_stop_waits_for_what_the_task_still_has_to_close():
    async def run() -> None:
        closed: "list[int]" = []

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                for _ in range(5):
                    await asyncio.sleep(0)
                closed.append(1)

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        await stop(task)
        assert closed == [1] and task.done()

    asyncio.run(run())


def test_stop_raises_the_error_a_task_had_and_takes_its_cancellation_for_none():
    async def run() -> None:
        async def fails() -> None:
            raise LinkLostError("gone")

        async def returns() -> None:
            pass

        for work, expected in ((fails, "gone"), (returns, "")):
            for turns in (0, 3):
                task = asyncio.create_task(work())
                for _ in range(turns):
                    await asyncio.sleep(0)
                said = ""
                try:
                    await (stop(task) if turns else ended(task))
                except LinkLostError as error:
                    said = str(error)
                assert said == expected, (turns, said)

    asyncio.run(run())


async def slow_to_end() -> None:
    """A task that takes some turns to close what it has open."""
    try:
        await asyncio.Event().wait()
    finally:
        for _ in range(4):
            await asyncio.sleep(0)


async def awaits_directly(task: "asyncio.Task[None]") -> None:
    """The obvious way to end a task, and the reason why `stop` is not written so."""
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        if not task.done():
            raise


def went_on_after_cancel(end: "object", turn: int) -> bool:
    """Cancel, after `turn` turns of the loop, a task that is ending another; whether it goes on all the same."""
    survived: "list[int]" = []
    inners: "list[asyncio.Task[None]]" = []

    async def ending() -> None:
        inner = asyncio.create_task(slow_to_end())
        inners.append(inner)
        await asyncio.sleep(0)
        await end(inner)  # type: ignore[operator]
        survived.append(1)
        await asyncio.Event().wait()

    async def run() -> None:
        task = asyncio.create_task(ending())
        for _ in range(turn):
            await asyncio.sleep(0)
        survived.clear()
        task.cancel()
        for _ in range(40):
            await asyncio.sleep(0)
        task.cancel()
        for inner in inners:
            inner.cancel()
        for _ in range(40):
            await asyncio.sleep(0)

    asyncio.run(run())
    return bool(survived)


def test_a_cancellation_at_any_moment_ends_whoever_is_ending_another_task():
    assert [turn for turn in range(25) if went_on_after_cancel(stop, turn)] == []


def test_the_check_of_lost_cancellations_sees_them():
    assert [turn for turn in range(25) if went_on_after_cancel(awaits_directly, turn)] != []
