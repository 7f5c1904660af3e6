"""What is acknowledged leaves the tables when nobody waits; damage and failures that are met then are told all the same."""

import asyncio
import os
from pathlib import Path

import pytest

from hal.errors import CorruptDataError, UnavailableError
from hal.linux.journal import SqliteJournal
from hal.linux.journal_store import FORGET_AGAIN_S, FORGET_STEP, Store
from hal.types import ALARM, INFO, MEASUREMENT, Entry
from tests.contract.journal_files import live, overwrite, sql


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "journal.sqlite"


async def append_for_ever(journal: SqliteJournal) -> None:
    while True:
        await journal.append([(ALARM, b"alarm")])


def test_damage_met_while_forgetting_is_told_with_the_next_append_and_keeps_no_thread_busy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An append need not touch the damaged page, so it would never be met again, and tried again for ever."""
    monkeypatch.setattr("hal.linux.journal_store.FORGET_AFTER_S", 0.0)

    async def write(journal: SqliteJournal) -> None:
        for _ in range(40):
            await journal.append([(MEASUREMENT, os.urandom(200))] * 500)  # more than SQLite keeps in memory

    async def program(journal: SqliteJournal) -> None:
        await journal.append([(ALARM, b"alarm")])
        overwrite(path, 200 * 4096, b"\xff" * 40 * 4096)
        await journal.ack(MEASUREMENT, journal.mark(MEASUREMENT).last)
        with pytest.raises(CorruptDataError, match="restart"):
            await append_for_ever(journal)
        assert path.with_name(path.name + ".damaged").exists()

    live(path, write)
    live(path, program)


def test_forgetting_that_failed_is_tried_again_later_and_not_at_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(store: Store) -> list[Entry]:
        raise UnavailableError("the medium does not answer")

    async def program(journal: SqliteJournal) -> None:
        store = journal._writer._store
        monkeypatch.setattr(Store, "forget_step", fails)
        journal._writer._forget()
        left_s = store.forget_in_s()
        assert left_s is not None and FORGET_AGAIN_S - 1 < left_s <= FORGET_AGAIN_S

    live(path, program)


def test_receipts_are_forgotten_in_ranges_and_not_one_by_one(path: Path) -> None:
    def durable() -> object:
        return sql(path, "SELECT forgotten FROM lane WHERE lane = 3")[0][0]

    async def program(journal: SqliteJournal) -> None:
        await journal.append([(MEASUREMENT, b"x")] * 1000)
        for seq in range(1, 101):
            await journal.ack(MEASUREMENT, seq)
        await journal.append([(MEASUREMENT, b"y")])
        assert journal.mark(MEASUREMENT).first == 101
        assert durable() == 0
        await journal.ack(MEASUREMENT, 600)
        for _ in range(1000):  # the writer does it when nobody waits
            await journal.append([(INFO, b"z")])
            if durable() == 600:
                return
        raise AssertionError("never forgotten")

    live(path, program)
    assert durable() == 600


def test_what_one_step_leaves_is_forgotten_while_nobody_waits(path: Path) -> None:
    async def program(journal: SqliteJournal) -> None:
        count = 3 * FORGET_STEP + 10
        await journal.append([(MEASUREMENT, b"x")] * count)
        await journal.ack(MEASUREMENT, count)
        deadline = asyncio.get_running_loop().time() + 20
        while sql(path, "SELECT forgotten FROM lane WHERE lane = 3")[0][0] < count:
            assert asyncio.get_running_loop().time() < deadline, "it waits for the next append"
            await asyncio.sleep(0)

    live(path, program)


def test_who_reads_on_from_what_was_just_forgotten_meets_no_damage(path: Path) -> None:
    async def program(journal: SqliteJournal) -> None:
        count = 2 * FORGET_STEP
        await journal.append([(MEASUREMENT, b"x")] * count)
        before = journal._mirror  # what the loop knows until the writer's word of the receipt is here
        for acked in (FORGET_STEP, FORGET_STEP + 300):
            await journal.ack(MEASUREMENT, acked)
            for _ in range(1000):
                await journal.append([(INFO, b"z")])
                if sql(path, "SELECT forgotten FROM lane WHERE lane = 3")[0][0] == acked:
                    break
            now, journal._mirror = journal._mirror, before
            for after in (acked - 1, acked):
                assert journal.peek(MEASUREMENT, after, 4096) == [], "its word is on the way"
            journal._mirror = now
            assert journal.peek(MEASUREMENT, acked, 4096)[0].seq == acked + 1

    live(path, program)
