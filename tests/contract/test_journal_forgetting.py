"""What is acknowledged leaves the tables when nobody waits; damage and failures that are met then are told all the same."""

import os
from pathlib import Path

import pytest

from hal.errors import CorruptDataError, UnavailableError
from hal.linux.journal import SqliteJournal
from hal.linux.journal_store import FORGET_AGAIN_S, Store
from hal.types import ALARM, MEASUREMENT, Entry
from tests.contract.journal_files import live, overwrite


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
