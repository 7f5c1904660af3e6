"""The clock of the simulation: who wakes when, and that nothing moves by itself."""

import asyncio

from hal.sim.clock import SimClock, after


def test_sleepers_wake_when_they_are_due_in_order() -> None:
    async def program() -> "list[tuple[str, int]]":
        clock = SimClock()
        woken: list[tuple[str, int]] = []

        async def sleeper(name: str, duration_ms: int) -> None:
            await clock.sleep_ms(duration_ms)
            woken.append((name, clock.uptime_ms()))

        tasks = [asyncio.create_task(sleeper(name, ms)) for name, ms in (("c", 300), ("a", 100), ("b", 100))]
        await clock.advance(299)
        assert len(woken) == 2
        await clock.advance(1)
        for task in tasks:
            await task
        return woken

    assert asyncio.run(program()) == [("a", 100), ("b", 100), ("c", 300)]


def test_a_loop_that_sleeps_again_and_again_is_woken_each_time() -> None:
    async def program() -> int:
        clock = SimClock()
        turns: list[int] = []

        async def loop() -> None:
            while True:
                await clock.sleep_ms(60_000)
                turns.append(clock.uptime_ms())

        task = asyncio.create_task(loop())
        await clock.advance(600_000)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
        assert clock.sleepers == 0
        assert turns[-1] == 600_000
        return len(turns)

    assert asyncio.run(program()) == 10


def test_run_jumps_to_the_end_of_the_work() -> None:
    async def program() -> None:
        clock = SimClock(utc_ms=1_000_000)

        async def work() -> str:
            await clock.sleep_ms(86_000_000)
            return "done"

        assert await clock.run(work()) == "done"
        assert clock.uptime_ms() == 86_000_000
        assert clock.utc_ms() == 87_000_000

    asyncio.run(program())


def test_run_tells_when_no_clock_brings_what_the_work_waits_for() -> None:
    async def program() -> str:
        clock = SimClock()
        event = asyncio.Event()

        async def work() -> None:
            await event.wait()

        try:
            await clock.run(work())
        except RuntimeError as error:
            return str(error)
        return ""

    assert "no clock" in asyncio.run(program())


def test_utc_is_none_until_it_is_trusted_and_after_it_is_lost() -> None:
    async def program() -> None:
        clock = SimClock(uptime_ms=5)
        assert clock.utc_ms() is None
        clock.set_utc(1_700_000_000_000)
        await clock.advance(10)
        assert clock.utc_ms() == 1_700_000_000_010
        assert clock.uptime_ms() == 15
        clock.untrust()
        assert clock.utc_ms() is None

    asyncio.run(program())


def test_an_action_is_done_when_its_time_has_come() -> None:
    async def program() -> None:
        clock = SimClock()
        seen: list[int] = []
        task = after(clock, 50, lambda: seen.append(clock.uptime_ms()))
        await clock.advance(49)
        assert seen == []
        await clock.advance(51)
        await task
        assert seen == [50]

    asyncio.run(program())
