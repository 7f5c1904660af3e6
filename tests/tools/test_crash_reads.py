"""A medium that does not answer reads: nothing is passed over in silence, nothing destroyed, and each lie is found."""

import pytest

from tools.evidence.figure import UnavailableError
from tools.rig.crash import figures
from tools.rig.crash.__main__ import main
from tools.rig.crash.disk import UNREAD, Disk, FaultError, Image
from tools.rig.crash.native import FileSystem
from tools.rig.crash.reads import Multiples, Reads, lenient_peek
from tools.rig.crash.trials import Found


@pytest.fixture(scope="module")
def system() -> FileSystem:
    try:
        return figures.system()
    except UnavailableError as error:
        pytest.skip(str(error))


def test_the_nth_read_is_not_answered_and_the_next_one_is() -> None:
    disk = Disk(Image({"a": bytearray(b"content")}))
    disk.unreadable = Multiples(2)
    assert disk.read(disk.files["a"], 0, 3) == b"con"
    with pytest.raises(FaultError, match=UNREAD):
        disk.read(disk.files["a"], 0, 3)
    assert disk.read(disk.files["a"], 3, 10) == b"tent"
    assert (disk.reads, disk.struck) == (3, 1)


def test_a_start_that_cannot_read_passes_nothing_over_and_destroys_nothing(system: FileSystem) -> None:
    found = Found()
    for seed in (1, 2, 3):
        Reads(system).starts(seed, found, seed * 60)
    assert (found.bad, found.failures) == (0, [])
    assert found.images == 180 and found.faults == 90


def test_reads_that_fail_in_use_are_told_and_what_was_stored_is_there(system: FileSystem) -> None:
    found = Found()
    for seed in (1, 2):
        Reads(system).lives(seed, found, seed * 200)
    assert (found.bad, found.failures) == (0, [])
    assert found.faults > 300


def test_a_journal_for_which_what_does_not_read_is_the_end_is_found(system: FileSystem) -> None:
    found = Found()
    Reads(system, peek=lenient_peek).starts(1, found, 120)
    assert found.bad > 5 and any("passed over in silence" in line for line in found.failures)


def test_a_start_that_deletes_what_it_cannot_read_is_found(system: FileSystem) -> None:
    outcome = figures.unread(120, 1, "deleted")
    assert outcome.bad > 20 and "does not reach" in outcome.failures[0]


def test_a_journal_that_tells_before_it_has_stored_is_found(system: FileSystem) -> None:
    found = Found()
    Reads(system, early=True).lives(1, found, 60)
    assert found.bad > 10 and "told and lost" in found.failures[0]


def test_what_does_not_read_of_a_store_that_was_set_aside_is_said(system: FileSystem) -> None:
    found = Found()
    for seed in (1, 2, 3):
        Reads(system).salvages(seed, found, seed * 60)
    assert (found.bad, found.failures) == (0, [])


def test_the_command_says_what_was_lost(system: FileSystem, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--reads", "--images", "60"]) == 0
    assert capsys.readouterr().out.endswith("lost 0\n")
    assert main(["--reads", "--images", "120", "--unsafe", "lenient"]) == 0
    assert not capsys.readouterr().out.endswith("lost 0\n")
