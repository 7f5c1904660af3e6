"""A store that is set aside while the power goes: nothing becomes unreachable, and each unsafe order is found."""

import contextlib
import random

import pytest

from hal.errors import StorageFullError
from hal.errors import UnavailableError as MediumError
from tools.evidence.figure import UnavailableError
from tools.rig.crash import figures
from tools.rig.crash.__main__ import main
from tools.rig.crash.asides import DAMAGES, Asides, Held, readable, unhelpful, unreached, word
from tools.rig.crash.disk import Disk, Image
from tools.rig.crash.machine import RESERVE_BYTES, Machine
from tools.rig.crash.names import NameCuts
from tools.rig.crash.native import FileSystem
from tools.rig.crash.trials import Found, copied

LANE = 3  # one that was closed
WORD = 0  # a seed whose store is whole, and condemned by the run before


@pytest.fixture(scope="module")
def system() -> FileSystem:
    try:
        return figures.system()
    except UnavailableError as error:
        pytest.skip(str(error))


def images(disk: Disk, *, ordered: bool, moment: int) -> list[dict[str, bytes]]:
    """What cuts at one moment may leave."""
    cuts = NameCuts(disk, ordered=ordered)
    cuts.at(moment)
    every = [cuts.image(random.Random(seed), mode) for seed in range(40) for mode in (0, 1, 2)]
    return [{name: bytes(data) for name, data in image.files.items()} for image in every]


# --- names ----------------------------------------------------------------------------------------------------------


def renamed() -> Disk:
    """Two files that are renamed, one after the other."""
    disk = Disk(Image({"store": bytearray(b"s"), "log": bytearray(b"l")}))
    disk.rename("log", "aside-log")
    disk.rename("store", "aside")
    return disk


def test_renames_without_a_sync_may_hold_or_not_and_in_order_the_first_comes_first() -> None:
    both = {"store": b"s", "log": b"l"}, {"aside": b"s", "aside-log": b"l"}
    log_first, store_first = {"store": b"s", "aside-log": b"l"}, {"aside": b"s", "log": b"l"}
    found = images(renamed(), ordered=True, moment=2)
    assert all(one in found for one in (*both, log_first)) and store_first not in found
    assert store_first in images(renamed(), ordered=False, moment=2)


def test_a_sync_of_the_folder_makes_names_durable_and_one_of_a_file_its_own_name() -> None:
    disk = renamed()
    disk.sync_names()
    assert all(set(one) == {"aside", "aside-log"} for one in images(disk, ordered=False, moment=3))
    disk = renamed()
    disk.create("store")
    disk.write("store", 0, b"new")
    disk.sync("store")
    found = images(disk, ordered=False, moment=5)
    assert all(one["store"] == b"new" for one in found)
    assert {"log" in one for one in found} == {True, False}
    assert all(one.get("aside") == b"s" for one in images(disk, ordered=True, moment=5))


def test_what_is_written_after_a_rename_goes_into_the_new_file_and_not_the_old() -> None:
    disk = renamed()
    disk.create("store")
    disk.write("store", 0, b"new")
    assert all(one.get("aside", b"s") == b"s" for one in images(disk, ordered=False, moment=4))


# --- setting aside --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(len(DAMAGES)), ids=[damage.__name__ for damage in DAMAGES])
def test_cuts_while_a_store_is_set_aside_leave_everything_in_reach(system: FileSystem, seed: int) -> None:
    trials, found = Asides(system), Found()
    trials.cuts(seed, found, 90)
    assert (found.bad, found.failures) == (0, [])
    assert found.images == 90


@pytest.mark.parametrize("seed", range(len(DAMAGES)), ids=[damage.__name__ for damage in DAMAGES])
def test_faults_while_a_store_is_set_aside_are_told_in_words_and_leave_everything_in_reach(
    system: FileSystem, seed: int
) -> None:
    trials, found = Asides(system), Found()
    trials.faults(seed, found, 1_000)
    assert (found.bad, found.failures) == (0, [])
    assert found.faults > 40


@pytest.mark.parametrize("seed", range(len(DAMAGES)), ids=[damage.__name__ for damage in DAMAGES])
def test_each_of_those_stores_is_set_aside(system: FileSystem, seed: int) -> None:
    trials = Asides(system)
    image = trials.broken(seed, DAMAGES[seed])
    files = trials.ran(image).files
    assert trials.put_aside == 1 and "journal.sqlite.aside-1" in files
    assert len(readable(image)) > 20


def test_a_log_whose_store_somebody_has_deleted_is_given_to_no_other(system: FileSystem) -> None:
    """Who frees space deletes what was set aside, by its name, and leaves the log beside it."""
    trials = Asides(system)
    old, good = trials.broken(WORD + len(DAMAGES), word), trials.broken(WORD, word)
    del good.files["journal.sqlite.damaged"]
    before = readable(good)
    assert len(before) > 50 and unreached(copied(good), before) == []
    good.files["journal.sqlite.aside-1-wal"] = old.files["journal.sqlite-wal"]
    assert unreached(good, before) == []


def on_full_disk(trials: Asides, lock: bytes) -> Disk:
    """A store without a log that does not open, the blocks that are kept for the next log, and not a byte beside."""
    image = trials.broken(LANE, DAMAGES[LANE])
    image.files["journal.sqlite.reserve"] = bytearray(RESERVE_BYTES)
    image.files["journal.sqlite.lock"] = bytearray(lock)
    disk = Disk(image)
    disk.room = sum(map(len, image.files.values()))
    return disk


def test_on_a_full_disk_a_store_is_set_aside_within_what_was_kept_for_its_log(system: FileSystem) -> None:
    trials = Asides(system)
    machine = Machine(system, on_full_disk(trials, b"1\n"))
    try:
        opened = machine.open_file(random.Random(1).randbytes)
        assert [name for name, _ in opened.set_aside] == ["journal.sqlite.aside-1"]
    finally:
        machine.kill()


def test_the_start_after_that_opens_and_reaches_everything(system: FileSystem) -> None:
    trials = Asides(system)
    disk = on_full_disk(trials, b"1\n")
    before = readable(Image(disk.files))
    for _ in range(2):
        machine = Machine(system, disk)
        with contextlib.suppress(StorageFullError):
            machine.open_file(random.Random(1).randbytes)
        machine.kill()
        disk.stop_at = None
    assert unreached(Image(disk.files), before) == []


def test_a_lock_file_that_finds_no_room_for_its_words_keeps_no_hub_from_starting(system: FileSystem) -> None:
    machine = Machine(system, on_full_disk(Asides(system), b""))
    try:
        machine.open_file(random.Random(1).randbytes)
    finally:
        machine.kill()


@pytest.mark.parametrize("how", ["store-first", "deleted", "unfinished", "unsynced"])
def test_an_order_of_setting_aside_that_loses_is_found(system: FileSystem, how: str) -> None:
    outcome = figures.set_aside(220, WORD, how)
    assert outcome.bad > 5
    assert "does not reach" in outcome.failures[0] and f"seed {WORD}, word" in outcome.failures[0]


def test_a_store_that_does_not_open_is_no_finding_but_one_that_is_out_of_reach_is(system: FileSystem) -> None:
    trials = Asides(system)
    image = trials.broken(WORD, DAMAGES[0])
    before: Held = readable(image)
    assert len(before) > 50
    assert unreached(copied(image), before) == []
    without_log = copied(image)
    del without_log.files["journal.sqlite-wal"]
    assert "does not reach" in unreached(without_log, before)[0]


def test_an_error_says_the_cause_and_what_to_do() -> None:
    assert (
        unhelpful(MediumError("the journal's medium failed while opening it: check the card or disk")) == []
    )
    assert unhelpful(MediumError("disk I/O error")) != []
    assert unhelpful(MediumError("the journal: disk I/O error")) != []


def test_the_command_knows_what_may_be_unsafe_here(
    system: FileSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--asides", "--images", "40", "--seed", "4"]) == 0
    assert capsys.readouterr().out.endswith("lost 0\n")
    assert main(["--asides", "--images", "150", "--seed", "4", "--unsafe", "deleted"]) == 0
    with pytest.raises(SystemExit):
        main(["--asides", "--unsafe", "early"])
    assert "store-first" in capsys.readouterr().err
