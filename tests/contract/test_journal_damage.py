"""Damage that the journal of a Linux gateway finds, and what it can still read."""

import asyncio
from pathlib import Path

import pytest

from hal.errors import (
    CorruptDataError,
)
from hal.linux import journal_file
from hal.linux.journal import SqliteJournal
from hal.types import ALARM, INFO, LANES, MEASUREMENT, TECHNICAL, chain_start
from tests.contract.journal_files import live, overwrite, sql, write_thousand

DATABASES = Path(__file__).with_name("databases")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "journal.sqlite"


# --- damage --------------------------------------------------------------------------------------------------------


def test_bytes_that_are_no_database_are_kept_as_they_are(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database " * 1000)

    async def program(journal: SqliteJournal) -> None:
        (aside,) = journal.set_aside()
        assert aside.name == "journal.sqlite.aside-1"
        assert list(aside.entries) == []
        assert "NOTADB" in aside.reason
        assert (aside.state, aside.is_state_whole) == ({}, False)

    live(path, program)
    assert path.with_name("journal.sqlite.aside-1").read_bytes() == b"not a database " * 1000


def test_a_database_of_somebody_else_is_set_aside_and_not_written(path: Path) -> None:
    path.parent.mkdir()
    sql(path, "CREATE TABLE theirs (x)")

    async def program(journal: SqliteJournal) -> None:
        (aside,) = journal.set_aside()
        assert "no journal of ours" in aside.reason

    live(path, program)
    assert sql(path.with_name("journal.sqlite.aside-1"), "SELECT name FROM sqlite_schema") == [("theirs",)]


def test_an_empty_file_is_a_new_store(path: Path) -> None:
    path.parent.mkdir()
    path.touch()

    async def program(journal: SqliteJournal) -> None:
        assert journal.set_aside() == []

    live(path, program)


def test_a_store_of_a_newer_schema_is_set_aside_with_its_events(path: Path) -> None:
    live(path, write_thousand)
    sql(path, "PRAGMA user_version = 99")

    async def program(journal: SqliteJournal) -> None:
        (aside,) = journal.set_aside()
        assert "schema 99" in aside.reason
        assert len(list(aside.entries)) == 5000

    live(path, program)


def test_events_on_both_sides_of_a_damaged_page_are_read(path: Path) -> None:
    live(path, write_thousand)
    inner = sql(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'entry_3'")[0][0]
    assert isinstance(inner, int)
    root = path.read_bytes()[(inner - 1) * 4096 :][:4096]
    cell = int.from_bytes(
        root[12 + 2 * 8 :][:2], "big"
    )  # the ninth child of the root (SQLite file format, 1.6)
    leaf = int.from_bytes(root[cell : cell + 4], "big")
    overwrite(path, (leaf - 1) * 4096, bytes(4096))

    async def program(journal: SqliteJournal) -> None:
        (aside,) = journal.set_aside()
        by_lane = [[entry.seq for entry in aside.entries if entry.lane == lane] for lane in LANES]
        assert [len(found) for found in by_lane] == [1000, 1000, 1000, len(by_lane[3]), 1000]
        assert 950 < len(by_lane[3]) < 1000
        assert (by_lane[3][0], by_lane[3][-1]) == (1, 1000)

    live(path, program)


def test_state_on_both_sides_of_a_damaged_page_is_read_and_told_to_be_a_part(path: Path) -> None:
    keys = {f"device.{number:04}.counter": b"%04d" % number * 20 for number in range(1000)}

    async def write(journal: SqliteJournal) -> None:
        await journal.append([(TECHNICAL, b"event")], keys)

    live(path, write)
    inner = sql(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'state'")[0][0]
    assert isinstance(inner, int)
    root = path.read_bytes()[(inner - 1) * 4096 :][:4096]
    cell = int.from_bytes(
        root[12 + 2 * 5 :][:2], "big"
    )  # the sixth child of the root (SQLite file format, 1.6)
    overwrite(path, (int.from_bytes(root[cell : cell + 4], "big") - 1) * 4096, bytes(4096))

    async def program(journal: SqliteJournal) -> None:
        (aside,) = journal.set_aside()
        assert not aside.is_state_whole and 900 < len(aside.state) < 1000
        assert {min(keys), max(keys)} < aside.state.keys()
        assert all(keys[key] == item for key, item in aside.state.items())

    live(path, program)


def test_a_flipped_bit_in_an_event_is_found_when_it_is_read_and_the_next_start_begins_anew(
    path: Path,
) -> None:
    live(path, write_thousand)
    overwrite(path, path.read_bytes().index(b"lane 3 event 500 "), b"LANE")
    epochs = []

    async def find(journal: SqliteJournal) -> None:
        epochs.append(journal.epoch)
        assert len(journal.peek(MEASUREMENT, 0, 1 << 20, 400)) == 400
        with pytest.raises(CorruptDataError, match=r"restart.*number 500"):
            journal.peek(MEASUREMENT, 400, 1 << 20, 400)

    async def after(journal: SqliteJournal) -> None:
        assert journal.epoch != epochs[0]
        (aside,) = journal.set_aside()
        assert "number 500" in aside.reason
        assert len(list(aside.entries)) == 5000
        assert aside.starts == {lane: (0, chain_start(epochs[0], lane)) for lane in LANES}

    async def later(journal: SqliteJournal) -> None:
        assert len(journal.set_aside()) == 1

    live(path, find)
    live(path, after)
    live(path, later)


@pytest.mark.parametrize("where", ["first", "after"])
def test_a_wrong_chain_value_is_found_wherever_reading_begins(path: Path, where: str) -> None:
    live(path, write_thousand)
    sql(path, "UPDATE entry_1 SET chain = zeroblob(16) WHERE seq = ?", 1 if where == "first" else 10)

    async def find(journal: SqliteJournal) -> None:
        with pytest.raises(CorruptDataError):
            journal.peek(ALARM, 0 if where == "first" else 10, 1000)

    live(path, find)


@pytest.mark.parametrize("seq", [1, 500, 1000])
def test_a_missing_event_is_damage_and_no_end_of_the_lane(path: Path, seq: int) -> None:
    live(path, write_thousand)

    async def find(journal: SqliteJournal) -> None:
        sql(path, "DELETE FROM entry_1 WHERE seq = ?", seq)
        before = journal.peek(ALARM, 0, 1 << 20, 2000) if seq > 1 else []
        assert [entry.seq for entry in before] == list(range(1, seq))
        with pytest.raises(CorruptDataError, match=f"number {seq}"):
            journal.peek(ALARM, seq - 1, 1 << 20)

    live(path, find)


def test_entries_that_the_writer_has_just_let_go_of_are_no_damage(path: Path) -> None:
    live(path, write_thousand)

    async def program(journal: SqliteJournal) -> None:
        assert len(journal.peek(ALARM, 0, 1 << 20)) == 128
        # what the writer does when it makes room, before the loop has heard of it
        sql(path, "DELETE FROM entry_1 WHERE seq <= 32")
        sql(path, "UPDATE lane SET forgotten = 32 WHERE lane = 1")
        assert journal.peek(ALARM, 0, 1 << 20) == []
        assert [entry.seq for entry in journal.peek(ALARM, 40, 1 << 20, 3)] == [41, 42, 43]
        # and when it begins an epoch
        sql(path, "UPDATE journal SET epoch = zeroblob(8)")
        sql(path, "DELETE FROM entry_2")
        assert journal.peek(TECHNICAL, 0, 1 << 20) == []

    live(path, program)


def test_setting_aside_that_a_crash_interrupted_is_completed(path: Path) -> None:
    live(path, write_thousand)
    path.with_name("journal.sqlite.aside-1-wal-moving").write_bytes(b"the log went first")

    async def program(journal: SqliteJournal) -> None:
        (aside,) = journal.set_aside()
        assert aside.name == "journal.sqlite.aside-1"
        assert aside.reason == journal_file.EARLIER
        assert len(list(aside.entries)) == 5000
        assert journal.mark(ALARM).last == 0

    live(path, program)


def test_the_word_of_damage_in_a_store_that_is_gone_does_not_condemn_the_next(path: Path) -> None:
    path.parent.mkdir()
    journal_file.note_damage(path, "of a store that was put aside when the power went")

    async def program(journal: SqliteJournal) -> None:
        await journal.append([(ALARM, b"x")])
        assert journal.set_aside() == []

    live(path, program)
    live(path, program)


def test_damage_that_an_append_meets_is_told_and_noted(path: Path) -> None:
    live(path, write_thousand)

    async def program(journal: SqliteJournal) -> None:
        writer = journal._writer._store.connection
        root = writer.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'state'").fetchone()[0]
        overwrite(path, (root - 1) * 4096, b"\xff" * 4096)
        writer.execute("PRAGMA shrink_memory")  # it has the page in its cache
        with pytest.raises(CorruptDataError, match="restart"):
            await journal.append([(ALARM, b"alarm")], {"key": b"value"})

    async def after(journal: SqliteJournal) -> None:
        (aside,) = journal.set_aside()
        assert len(list(aside.entries)) == 5000

    live(path, program)
    live(path, after)


def test_damage_on_a_medium_that_takes_no_word_of_it_is_told_to_who_asks_and_the_journal_goes_on(
    path: Path,
) -> None:
    """A card that fails is often mounted again to read only; here something stands where the word would be written."""
    word = path.with_name(path.name + ".damaged")

    async def program(journal: SqliteJournal) -> None:
        await journal.append([(INFO, b"one"), (INFO, b"two")])
        journal._writer._store.connection.execute("UPDATE entry_4 SET event = x'00' WHERE seq = 2")
        word.mkdir()
        with pytest.raises(CorruptDataError, match="number 2"):
            await asyncio.wait_for(journal.begin_epoch(b"the next", lambda entry: entry.event, []), 5)
        with pytest.raises(CorruptDataError, match="number 2"):
            journal.peek(INFO, 1, 1000)
        (entry,) = await asyncio.wait_for(journal.append([(ALARM, b"alarm")]), 5)
        assert entry.seq == 1
        word.rmdir()

    live(path, program)
