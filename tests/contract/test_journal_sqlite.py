"""What the journal of a Linux gateway promises beyond the contract: files, old versions, few writes, errors."""

import asyncio
import os
import queue
import sqlite3
import stat
import threading
import tracemalloc
from pathlib import Path

import pytest

from hal.errors import (
    CorruptDataError,
    DeniedError,
    HalError,
    StorageFullError,
    UnavailableError,
)
from hal.linux import journal_file
from hal.linux.journal import SqliteJournal
from hal.linux.journal_errors import from_os, from_sqlite
from hal.linux.journal_writer import GROUP_EVENTS, GROUP_WORKS, Request, Writer
from hal.types import ALARM, INFO, LANES, MEASUREMENT, SAFETY, TECHNICAL, Entry, GivenUp, chain_next
from tests.contract.journal_files import live, sql, write_thousand
from tests.contract.journal_hosts import LinuxJournalHost

DATABASES = Path(__file__).with_name("databases")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "journal.sqlite"


# --- files ---------------------------------------------------------------------------------------------------------


def test_files_are_for_their_owner_alone(path: Path) -> None:
    async def program(journal: SqliteJournal) -> None:
        await journal.append([(ALARM, b"x")])
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file

    live(path, program)


def test_a_mode_that_has_become_wider_is_narrowed(path: Path) -> None:
    async def program(journal: SqliteJournal) -> None:
        await journal.append([(ALARM, b"x")])

    live(path, program)
    path.chmod(0o644)
    live(path, program)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_commit_is_synced(path: Path) -> None:
    async def program(journal: SqliteJournal) -> None:
        writer = journal._writer._store.connection
        assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert writer.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL

    live(path, program)


def test_the_error_for_a_second_hub_names_the_first_and_what_to_do(path: Path) -> None:
    async def program(journal: SqliteJournal) -> None:
        with pytest.raises(DeniedError, match=rf"process {os.getpid()}.*stop it"):
            await SqliteJournal.open(path)

    live(path, program)
    live(path, write_thousand)  # and when the first has gone there is no obstacle


def test_a_path_that_cannot_be_is_an_error_of_the_seam(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")

    async def program() -> None:
        with pytest.raises(UnavailableError, match="opening it"):
            await SqliteJournal.open(tmp_path / "file" / "journal.sqlite")

    asyncio.run(program())


def test_a_capacity_too_small_to_work_with_is_refused(path: Path) -> None:
    async def program() -> None:
        with pytest.raises(ValueError, match=r"found 1000, expected at least 262144"):
            await SqliteJournal.open(path, capacity_bytes=1000)

    asyncio.run(program())


# --- versions ------------------------------------------------------------------------------------------------------


def load(path: Path, name: str) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.executescript((DATABASES / name).read_text())
    connection.close()


def test_a_store_that_is_set_aside_hands_out_what_it_gave_up_and_no_nonsense(path: Path) -> None:
    """Ranges that no receipt confirmed are told by the store that comes after it."""
    load(path, "journal-0001.sql")
    sql(path, "PRAGMA user_version = 99")
    for row in (("lane", 1, 2), (9, 1, 2), (3, 0, 2), (3, 7, 6), (3, "a", "b")):
        sql(path, "INSERT INTO given_up (lane, first, last) VALUES (?, ?, ?)", *row)

    async def program(journal: SqliteJournal) -> None:
        (aside,) = journal.set_aside()
        assert aside.given_up == [(bytes(range(8)), GivenUp(TECHNICAL, 1, 3))]

    live(path, program)


async def check_version_1(journal: SqliteJournal) -> None:
    assert journal.set_aside() == []
    assert journal.epoch == bytes(range(8))
    assert journal.state("counter/door") == b"\x07"
    assert journal.given_up() == [GivenUp(TECHNICAL, 1, 3)]
    marks = [journal.mark(lane) for lane in LANES]
    assert [(mark.first, mark.last) for mark in marks] == [(1, 1), (1, 1), (4, 3), (3, 3), (2, 1)]
    assert [entry.event for entry in journal.peek(SAFETY, 0, 1000)] == [b"smoke"]
    assert [entry.event for entry in journal.peek(MEASUREMENT, 0, 1000)] == [b"three"]
    (entry,) = await journal.append([(INFO, b"more")])
    assert (entry.seq, entry.chain) == (2, chain_next(marks[INFO].chain, b"more"))


@pytest.mark.parametrize("name", sorted(file.name for file in DATABASES.glob("*.sql")))
def test_stores_of_every_release_open(path: Path, name: str) -> None:
    load(path, name)
    live(path, check_version_1)


def test_every_version_has_a_store_that_shows_it_opens() -> None:
    assert len(list(DATABASES.glob("*.sql"))) == len(journal_file.migrations())


def test_a_later_version_is_a_later_file(path: Path) -> None:
    load(path, "journal-0001.sql")
    scripts = [*journal_file.migrations(), "ALTER TABLE set_aside ADD COLUMN when_ms INTEGER"]
    live(path, check_version_1, scripts)
    assert sql(path, "PRAGMA user_version") == [(2,)]
    assert sql(path, "SELECT when_ms FROM set_aside") == []


def test_a_version_that_fails_leaves_the_one_before(path: Path) -> None:
    load(path, "journal-0001.sql")
    scripts = [*journal_file.migrations(), "CREATE TABLE half (x); INSERT INTO missing VALUES (1)"]

    async def program() -> None:
        with pytest.raises(UnavailableError, match="missing"):
            await SqliteJournal.open(path, scripts=scripts)

    asyncio.run(program())
    assert sql(path, "PRAGMA user_version") == [(1,)]
    assert sql(path, "SELECT name FROM sqlite_schema WHERE name = 'half'") == []
    live(path, check_version_1)


# --- writing -------------------------------------------------------------------------------------------------------


def test_a_long_queue_is_cut_into_groups_so_that_no_commit_is_long(path: Path) -> None:
    async def program() -> None:
        loop = asyncio.get_running_loop()
        writer = Writer(path, 1 << 20, loop, lambda *_: None)

        def requests(count: int, events: int) -> list[Request]:
            return [
                Request(lambda _: [], loop.create_future(), [(INFO, b"x")] * events) for _ in range(count)
            ]

        for count, events, taken in ((200, 1, GROUP_WORKS), (200, 100, GROUP_EVENTS // 100 + 1), (3, 1, 3)):
            writer._requests = queue.SimpleQueue()
            first, *rest = requests(count, events)
            for request in rest:
                writer.put(request)
            group, last = writer._gather(first)
            assert (len(group), last) == (taken, False)
        writer._requests.put(None)
        assert writer._gather(requests(1, 1)[0])[1]

    asyncio.run(program())


# --- errors --------------------------------------------------------------------------------------------------------


def native(code: int, text: str = "native text") -> sqlite3.Error:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    error.sqlite_errorname = "SQLITE_SOMETHING"
    return error


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, StorageFullError),
        (sqlite3.SQLITE_IOERR_WRITE, UnavailableError),
        (sqlite3.SQLITE_IOERR_FSYNC, UnavailableError),
        (sqlite3.SQLITE_CANTOPEN, UnavailableError),
        (sqlite3.SQLITE_BUSY, UnavailableError),
        (sqlite3.SQLITE_IOERR_READ, CorruptDataError),
        (sqlite3.SQLITE_IOERR_SHORT_READ, CorruptDataError),
        (sqlite3.SQLITE_CORRUPT, CorruptDataError),
        (sqlite3.SQLITE_NOTADB, CorruptDataError),
        (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, CorruptDataError),
        (sqlite3.SQLITE_READONLY, DeniedError),
    ],
)
def test_what_sqlite_reports_becomes_what_the_hub_can_act_on(code: int, kind: type[HalError]) -> None:
    error = from_sqlite(native(code), "storing events")
    assert type(error) is kind
    assert error.detail == "SQLITE_SOMETHING: native text"
    assert ": " in error.message  # cause, then what to do


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (28, StorageFullError),
        (122, StorageFullError),
        (13, DeniedError),
        (30, DeniedError),
        (5, UnavailableError),
    ],
)
def test_what_the_system_reports_becomes_what_the_hub_can_act_on(number: int, kind: type[HalError]) -> None:
    assert type(from_os(OSError(number, "text"), "opening it")) is kind


def test_more_than_was_reckoned_is_refused_by_the_database_and_nothing_is_half_written(path: Path) -> None:
    async def program(journal: SqliteJournal) -> None:
        await journal.append([(ALARM, b"before")], {"k": b"1"})
        space = journal._writer._space
        space._blocks._descriptor = os.open("/dev/full", os.O_WRONLY)  # the disk gives no more
        with pytest.raises(StorageFullError):
            await journal.append([(ALARM, b"x" * 4000)] * 2000, {"k": b"2"})
        os.close(space._blocks._descriptor)
        assert journal.state("k") == b"1"
        assert journal.mark(ALARM).last == 1
        (entry,) = await journal.append([(ALARM, b"after")])
        assert entry.seq == 2

    live(path, program)


def test_a_new_epoch_takes_what_is_held_piece_by_piece_and_gives_the_log_back(path: Path) -> None:
    async def program(journal: SqliteJournal) -> None:
        for _ in range(20):
            await journal.append([(MEASUREMENT, b"e" * 1000)] * 1000)
        held, most = 0, 0

        def again(entry: Entry) -> bytes:
            nonlocal held, most
            held, most = held + 1, max(most, tracemalloc.get_traced_memory()[0])
            return entry.event + b"identity"

        tracemalloc.start()
        try:
            await journal.begin_epoch(b"the next", again, [(TECHNICAL, b"begun")])
        finally:
            tracemalloc.stop()
        assert held == 20_000
        assert most < 10 << 20, f"{most} bytes for 20 MB of events"
        await journal.append([(TECHNICAL, b"later")])
        await journal.append([(TECHNICAL, b"and later")])

    live(path, program)
    assert not path.with_name(path.name + "-wal").exists()
    asyncio.run(reopened(path))


class WatchedHost(LinuxJournalHost):
    """Tells in which thread a cut copies each file."""

    threads: list[str]

    def copy_file(self, file: Path, to: Path) -> None:
        self.threads.append(threading.current_thread().name)
        super().copy_file(file, to)


def test_a_cut_leaves_what_the_disk_held_at_one_moment(tmp_path: Path) -> None:
    """The writer cuts its log right after an epoch began; a copy beside that held the old epoch, or the new, by chance."""

    async def program() -> None:
        host = WatchedHost(tmp_path)
        host.threads = []
        async with host.cut() as journal:
            await journal.append([(ALARM, b"x")])
            await journal.begin_epoch(bytes(range(8)), lambda entry: entry.event, [])
        async with host.opened() as journal:
            assert journal.epoch == bytes(range(8))
        assert len(host.threads) >= 2 and set(host.threads) == {"journal"}

    asyncio.run(program())


async def reopened(path: Path) -> None:
    """The log is short again, and everything is there."""
    journal = await SqliteJournal.open(path)
    assert journal.mark(MEASUREMENT).last == 20_000
    assert path.with_name(path.name + "-wal").stat().st_size <= 4 << 20
    await journal.close()


def test_a_damaged_entry_stops_a_new_epoch_and_nothing_has_changed(path: Path) -> None:
    async def program(journal: SqliteJournal) -> None:
        await journal.append([(INFO, b"event %d" % number) for number in range(3000)])
        epoch, mark = journal.epoch, journal.mark(INFO)
        writer = journal._writer._store.connection
        writer.execute("UPDATE entry_4 SET event = 'altered' WHERE seq = 2500")
        with pytest.raises(CorruptDataError, match="number 2500"):
            await journal.begin_epoch(b"the next", lambda entry: entry.event, [])
        assert (journal.epoch, journal.mark(INFO)) == (epoch, mark)

    async def after(journal: SqliteJournal) -> None:
        (aside,) = journal.set_aside()
        assert "number 2500" in aside.reason

    live(path, program)
    live(path, after)


def test_in_an_epoch_that_begins_in_a_full_store_measurements_give_way_under_their_new_numbers(
    path: Path,
) -> None:
    """Held entries may use the room for alarms, and a lane that has its old numbers still does not give way."""

    async def program() -> None:
        journal = await SqliteJournal.open(path, capacity_bytes=8 << 20)
        await journal.append([(TECHNICAL, b"t" * 80)] * 8_000)
        for _ in range(120):
            await journal.append([(MEASUREMENT, b"m" * 80)] * 500)
        for _ in range(40):
            await journal.append([(ALARM, b"a" * 200)] * 100)
        await journal.begin_epoch(b"the next", lambda entry: entry.event + b"of an identity, 20 b", [])
        assert journal.mark(TECHNICAL).as_list()[::2] == [1, 8_000]
        assert journal.mark(ALARM).as_list()[::2] == [1, 4_000]
        (gone,) = journal.given_up()
        assert (gone.lane, gone.first, gone.last) == (MEASUREMENT, 1, journal.mark(MEASUREMENT).first - 1)
        await journal.close()

    asyncio.run(program())
