"""What every journal promises when much happens: callers at once, damage, anything in any order."""

import asyncio
import random
from pathlib import Path

import pytest

from hal.errors import StorageFullError
from hal.interfaces import Journal
from hal.types import (
    ALARM,
    ASIDE_STATE,
    INFO,
    LANES,
    MEASUREMENT,
)
from tests.contract.backends import JOURNALS
from tests.contract.journal_hosts import EVENT, SMALL_BYTES, JournalHost, events_of, held, live


@pytest.fixture(params=JOURNALS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> JournalHost:
    return JOURNALS[request.param](tmp_path)


# --- at the same time -------------------------------------------------------------------------------------------------


def test_appends_at_the_same_time_get_numbers_of_their_own(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        async def writer(name: int) -> list[tuple[int, bytes]]:
            found = []
            for turn in range(20):
                for entry in await journal.append(
                    [(MEASUREMENT, b"%d/%d" % (name, turn))], {f"w{name}": b"%d" % turn}
                ):
                    found.append((entry.seq, entry.event))
                    assert journal.mark(MEASUREMENT).last >= entry.seq
                    assert journal.state(f"w{name}") == b"%d" % turn
            return found

        results = await asyncio.gather(*[writer(name) for name in range(20)])
        for found in results:
            assert found == sorted(found)  # each writer's own order is kept
        everything = sorted(pair for found in results for pair in found)
        assert [seq for seq, _ in everything] == list(range(1, 401))
        assert events_of(held(journal, MEASUREMENT)) == [event for _, event in everything]

    live(host, program)


def test_one_append_that_fails_does_not_fail_those_at_the_same_time(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        results = await asyncio.gather(
            journal.append([(ALARM, b"before")], {"a": b"1"}),
            journal.append([(ALARM, EVENT)] * 400, {"b": b"1"}),
            journal.append([(ALARM, b"after")], {"c": b"1"}),
            return_exceptions=True,
        )
        assert isinstance(results[1], StorageFullError)
        assert events_of(held(journal, ALARM)) == [b"before", b"after"]
        assert journal.state_keys("") == ["a", "c"]

    live(host, program, capacity_bytes=SMALL_BYTES)


def test_a_cancelled_append_is_whole_or_absent_and_the_journal_goes_on(host: JournalHost) -> None:
    async def program(journal: Journal) -> None:
        task = asyncio.create_task(journal.append([(ALARM, b"one"), (ALARM, b"two")], {"k": b"v"}))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (entry,) = await journal.append([(ALARM, b"three")])
        assert events_of(held(journal, ALARM)) in ([b"three"], [b"one", b"two", b"three"])
        assert entry.seq == len(held(journal, ALARM))
        assert journal.state("k") == (b"v" if entry.seq == 3 else None)

    live(host, program)


# --- damage -----------------------------------------------------------------------------------------------------------


def test_a_damaged_store_is_set_aside_and_what_reads_is_handed_out(host: JournalHost) -> None:
    epochs = []

    async def write(journal: Journal) -> None:
        epochs.append(journal.epoch)
        await journal.append([(ALARM, b"alarm"), (MEASUREMENT, b"one"), (MEASUREMENT, b"two")], {"k": b"v"})
        assert journal.set_aside() == []

    async def find(journal: Journal) -> None:
        assert journal.epoch != epochs[0]
        assert journal.mark(ALARM).last == 0
        (aside,) = journal.set_aside()
        assert [(entry.lane, entry.seq, entry.event) for entry in aside.entries] == [
            (ALARM, 1, b"alarm"),
            (MEASUREMENT, 1, b"one"),
            (MEASUREMENT, 2, b"two"),
        ]
        assert aside.reason
        assert aside.state == {"k": b"v"} and aside.is_state_whole
        assert journal.state_keys("") == [], "it is handed out, not taken over"
        epochs.append(journal.epoch)

    async def journal_again(journal: Journal) -> None:
        assert journal.epoch == epochs[1]
        (aside,) = journal.set_aside()  # until what it held is journalled again
        await journal.append([(ALARM, b"alarm again")], {ASIDE_STATE + aside.name: b""})
        assert journal.set_aside() == []

    async def done(journal: Journal) -> None:
        assert journal.set_aside() == []
        assert events_of(held(journal, ALARM)) == [b"alarm again"]

    live(host, write)
    host.damage()
    for program in (find, journal_again, done):
        live(host, program)


def test_stores_set_aside_are_listed_oldest_first(host: JournalHost) -> None:
    for number in range(3):

        async def write(journal: Journal, number: int = number) -> None:
            await journal.append([(INFO, b"store %d" % number)])

        live(host, write)
        host.damage()

    async def check(journal: Journal) -> None:
        found = [events_of(aside.entries) for aside in journal.set_aside()]
        assert found == [[b"store 0"], [b"store 1"], [b"store 2"]]

    live(host, check)


# --- anything, in any order -------------------------------------------------------------------------------------------


class Model:
    """What a journal must hold, in the plainest words."""

    def __init__(self) -> None:
        self.lanes: list[list[bytes]] = [[] for _ in LANES]  # all events ever, so number n is at n - 1
        self.acked = [0 for _ in LANES]
        self.state: dict[str, bytes] = {}

    def check(self, journal: Journal, *, after_cut: bool) -> None:
        for lane in LANES:
            mark = journal.mark(lane)
            assert mark.last == len(self.lanes[lane])
            assert mark.first <= self.acked[lane] + 1 if after_cut else mark.first == self.acked[lane] + 1
            assert events_of(held(journal, lane)) == self.lanes[lane][mark.first - 1 :]
            self.acked[lane] = mark.first - 1
        assert {key: journal.state(key) for key in journal.state_keys("")} == self.state


async def step(journal: Journal, model: Model, numbers: random.Random) -> None:
    lane = numbers.choice(LANES)
    if numbers.random() < 0.7:
        events = [
            (numbers.choice(LANES), numbers.randbytes(numbers.randint(1, 60)))
            for _ in range(numbers.randint(0, 4))
        ]
        state = {f"k{numbers.randint(0, 5)}": numbers.choice([None, numbers.randbytes(3)]) for _ in range(2)}
        entries = await journal.append(events, state)
        for (to, event), entry in zip(events, entries, strict=True):
            model.lanes[to].append(event)
            assert entry.seq == len(model.lanes[to])
        for key, value in state.items():
            model.state.pop(key, None)
            if value is not None:
                model.state[key] = value
    else:
        seq = numbers.randint(0, len(model.lanes[lane]))
        await journal.ack(lane, seq)
        model.acked[lane] = max(model.acked[lane], seq)


@pytest.mark.parametrize("seed", range(5))
def test_a_journal_agrees_with_the_plainest_model_through_closes_and_cuts(
    host: JournalHost, seed: int
) -> None:
    numbers, model = random.Random(seed), Model()
    cut = False
    for _ in range(8):

        async def program(journal: Journal, after_cut: bool = cut) -> None:
            model.check(journal, after_cut=after_cut)
            for _ in range(numbers.randint(0, 60)):
                await step(journal, model, numbers)
            model.check(journal, after_cut=False)

        cut = numbers.random() < 0.5
        live(host, program, cut=cut)
