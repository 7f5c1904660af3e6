"""What the journal wears of a card, counted beneath SQLite by places and with no clock; and one that wears it is found.

Reported of others: Azure/iotedge 1274 (docs/peers-failures.md). With the library of this system: `make bench` and F20.
"""

import pytest

from hal.types import MEASUREMENT
from tools.evidence.figure import UnavailableError
from tools.rig.crash import figures
from tools.rig.crash.disk import Disk
from tools.rig.crash.native import FileSystem
from tools.rig.crash.wear import BLOCK_BYTES, WearingLife, wear_of

ALONE_BYTES, TENS_BYTES = (
    12 * 1024,
    2 * 1024,
)  # for each event of 100 bytes, its receipt and its deletion counted
EVENTS_A_REWRITE = 20  # a block is written again after so many events at the least
EVENTS = 3_000
START_BYTES = 16 * 1024


@pytest.fixture(scope="module")
def system() -> FileSystem:
    try:
        return figures.system()
    except UnavailableError as error:
        pytest.skip(str(error))


def begun(system: FileSystem, *, eager: bool = False) -> WearingLife:
    life = WearingLife(system, Disk(), eager=eager)
    life.begin()
    return life


def cramp(life: WearingLife) -> None:
    """Others fill the disk: the store has what it has."""
    life.live(200)
    life.disk.room = sum(map(len, life.disk.files.values()))


def test_a_write_counts_in_every_block_that_it_touches() -> None:
    disk = Disk()
    disk.create("a")
    disk.write("a", BLOCK_BYTES - 1, b"12")
    disk.write("a", 0, b"1")
    wear = wear_of(disk, 0)
    assert (wear.written, dict(wear.blocks), wear.hottest) == (3, {("a", 0): 2, ("a", 1): 1}, 2)


def test_an_event_with_its_receipt_and_deletion_writes_a_few_pages_and_not_the_same_ones(
    system: FileSystem,
) -> None:
    wear = begun(system).live(EVENTS)
    assert wear.written <= ALONE_BYTES * EVENTS
    assert wear.hottest <= EVENTS // EVENTS_A_REWRITE, wear.blocks.most_common(3)


def test_events_that_come_together_share_what_is_written(system: FileSystem) -> None:
    wear = begun(system).live(EVENTS, together=10)
    assert wear.written <= TENS_BYTES * EVENTS
    assert wear.hottest <= EVENTS // 10 // EVENTS_A_REWRITE, wear.blocks.most_common(3)


@pytest.mark.parametrize("disk_is_full", [False, True])
def test_a_store_that_is_full_and_gives_up_its_oldest_wears_no_more(
    system: FileSystem, disk_is_full: bool
) -> None:
    life = begun(system)
    if disk_is_full:
        cramp(life)
    life.live(3 * EVENTS, receipts=False)
    assert life.store.given_up and life.writer._space.cramped == disk_is_full
    held_from = life.store.marks[MEASUREMENT].first
    wear = life.live(EVENTS, receipts=False)
    assert life.store.marks[MEASUREMENT].first > held_from
    assert wear.written <= ALONE_BYTES * EVENTS
    assert wear.hottest <= EVENTS // EVENTS_A_REWRITE, wear.blocks.most_common(3)


@pytest.mark.parametrize("disk_is_full", [False, True])
def test_a_home_in_which_nothing_happens_writes_nothing(system: FileSystem, disk_is_full: bool) -> None:
    life = begun(system)
    if disk_is_full:
        cramp(life)
        life.live(2 * EVENTS, receipts=False)
        assert life.writer._space.cramped
    else:
        life.live(100)
    life.idle(5)  # what is left to tidy
    assert life.idle(1_000).written == 0


def test_a_hub_that_is_started_again_and_again_writes_little_each_time(system: FileSystem) -> None:
    life = begun(system)
    life.live(100)
    for _ in range(100):
        life._reopen()
    wear = life.worn()
    assert wear.written <= 100 * START_BYTES, wear.written
    assert wear.hottest <= 400, wear.blocks.most_common(3)


def test_a_journal_that_deletes_at_once_and_keeps_no_log_is_found(system: FileSystem) -> None:
    wear = begun(system, eager=True).live(500)
    assert wear.written > ALONE_BYTES * 500
    assert wear.hottest > 500, "a block is written more than once for each event"
