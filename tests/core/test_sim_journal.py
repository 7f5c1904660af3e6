"""The journal of the simulation: what a power cut leaves, and the faults that a plan names.

What every journal promises is in `tests/contract/test_journal.py`; here is what tests of the hub lean on.
"""

import asyncio

from hal.errors import StorageFullError, UnavailableError
from hal.sim.faults import (
    ERROR,
    FULL,
    POWER_CUT,
    POWER_CUT_AFTER,
    Fault,
    FaultPlan,
    SeededNumbers,
    run_until_cut,
    seeded_plan,
)
from hal.sim.journal import SimJournal
from hal.sim.medium import SimMedium
from hal.types import ALARM, ASIDE_STATE, INFO, MEASUREMENT, SAFETY, GivenUp, chain_next, chain_start


def held(medium: SimMedium, lane: int) -> "list[bytes]":
    """Events of a lane as the next program finds them."""
    medium.cut()
    return [entry.event for entry in SimJournal(medium).peek(lane, 0, 100_000, 10_000)]


def test_what_an_append_returned_is_there_after_a_power_cut() -> None:
    medium = SimMedium()

    async def program() -> None:
        journal = SimJournal(medium)
        await journal.append([(ALARM, b"one"), (INFO, b"two")], {"counter": b"7"})
        medium.cut()
        await journal.append([(ALARM, b"never")])

    assert run_until_cut(program())
    assert held(medium, ALARM) == [b"one"]
    assert held(medium, INFO) == [b"two"]
    medium.cut()
    assert SimJournal(medium).state("counter") == b"7"


def test_an_append_that_the_cut_meets_is_whole_or_absent() -> None:
    for effect, there in ((POWER_CUT, False), (POWER_CUT_AFTER, True)):
        medium = SimMedium()
        plan = FaultPlan([Fault("journal", "append", 2, effect)])

        async def program(medium: SimMedium = medium, plan: FaultPlan = plan) -> None:
            journal = SimJournal(medium, faults=plan)
            await journal.append([(ALARM, b"one")], {"k": b"1"})
            await journal.append([(ALARM, b"two"), (ALARM, b"three")], {"k": b"2"})

        assert run_until_cut(program())
        assert held(medium, ALARM) == ([b"one", b"two", b"three"] if there else [b"one"])
        medium.cut()
        assert SimJournal(medium).state("k") == (b"2" if there else b"1")


def test_numbers_and_chain_go_on_where_the_lane_is_empty_after_a_cut() -> None:
    medium = SimMedium()

    async def first() -> None:
        journal = SimJournal(medium)
        await journal.append([(MEASUREMENT, b"x")] * 20)
        await journal.ack(MEASUREMENT, 20)
        medium.cut()

    async def second() -> None:
        journal = SimJournal(medium)
        assert journal.peek(MEASUREMENT, 0, 1000) == []
        entry = (await journal.append([(MEASUREMENT, b"y")]))[0]
        chain = chain_start(journal.epoch, MEASUREMENT)
        for _ in range(20):
            chain = chain_next(chain, b"x")
        assert (entry.seq, entry.chain) == (21, chain_next(chain, b"y"))

    asyncio.run(first())
    asyncio.run(second())


def test_what_was_acknowledged_may_come_back_after_a_cut_but_not_after_a_close() -> None:
    for close, first in ((False, 1), (True, 4)):
        medium = SimMedium()

        async def program(medium: SimMedium = medium, close: bool = close) -> None:
            journal = SimJournal(medium)
            await journal.append([(INFO, b"a"), (INFO, b"b"), (INFO, b"c")])
            await journal.ack(INFO, 3)
            assert journal.mark(INFO).first == 4
            if close:
                await journal.close()

        asyncio.run(program())
        medium.cut()
        assert SimJournal(medium).mark(INFO).first == first


def test_a_plan_makes_the_nth_call_fail_and_the_medium_stays_as_it_was() -> None:
    medium = SimMedium()
    plan = FaultPlan([Fault("journal", "append", 1, ERROR), Fault("journal", "append", 2, FULL)])

    async def program() -> "list[str]":
        journal = SimJournal(medium, faults=plan)
        seen = []
        for _ in range(3):
            try:
                await journal.append([(SAFETY, b"smoke")], {"k": b"v"})
                seen.append("stored")
            except UnavailableError:
                seen.append("unavailable")
            except StorageFullError:
                seen.append("full")
            seen.append(str(journal.mark(SAFETY).last))
        return seen

    assert asyncio.run(program()) == ["unavailable", "0", "full", "0", "stored", "1"]


def test_a_seeded_plan_is_the_same_every_time() -> None:
    calls = [("journal", "append"), ("journal", "ack")]
    plans = [repr(seeded_plan(seed, calls, [ERROR, POWER_CUT], 5, 40)) for seed in (1, 1, 2)]
    assert plans[0] == plans[1]
    assert plans[0] != plans[2]
    assert SeededNumbers(9).take(4) == SeededNumbers(9).take(4)


def test_random_cuts_lose_nothing_that_was_returned() -> None:
    for seed in range(30):
        medium = SimMedium()
        plan = seeded_plan(seed, [("journal", "append")], [POWER_CUT, POWER_CUT_AFTER], 1, 20)
        returned: list[int] = []

        async def program(
            medium: SimMedium = medium, plan: FaultPlan = plan, returned: "list[int]" = returned
        ) -> None:
            journal = SimJournal(medium, faults=plan)
            for number in range(20):
                entries = await journal.append([(ALARM, b"alarm" + bytes([number]))])
                returned.append(entries[0].seq)

        assert run_until_cut(program()), plan
        found = held(medium, ALARM)
        assert len(found) - len(returned) in (0, 1), plan
        assert found == [b"alarm" + bytes([number]) for number in range(len(found))], plan


def test_a_store_put_aside_is_listed_until_its_events_are_journalled_again() -> None:
    medium = SimMedium()

    async def first() -> bytes:
        journal = SimJournal(medium)
        await journal.append([(ALARM, b"old")])
        await journal.close()
        return journal.epoch

    async def second(old_epoch: bytes) -> None:
        journal = SimJournal(medium)
        assert journal.epoch != old_epoch
        aside = journal.set_aside()[0]
        assert [entry.event for entry in aside.entries] == [b"old"]
        await journal.append([(ALARM, b"again")], {ASIDE_STATE + aside.name: b""})
        assert journal.set_aside() == []

    old_epoch = asyncio.run(first())
    medium.damage("bit rot")
    asyncio.run(second(old_epoch))


def test_space_is_made_by_the_oldest_of_the_lane_that_yields_first() -> None:
    async def program() -> "list[GivenUp]":
        journal = SimJournal(SimMedium(), capacity_bytes=2000)
        await journal.append([(ALARM, bytes([1]) * 68)] * 5)
        await journal.append([(INFO, bytes([2]) * 68)] * 5)
        await journal.append([(MEASUREMENT, bytes([3]) * 68)] * 10)
        return journal.given_up()

    assert asyncio.run(program()) == [GivenUp(INFO, 1, 3)]
