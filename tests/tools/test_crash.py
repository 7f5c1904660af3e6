"""The disk that forgets, and what it finds: nothing in the journal, and each unsafe variant of it."""

import asyncio
import random
from pathlib import Path

import pytest

from hal.linux.journal import SqliteJournal
from hal.types import LANES
from tools.evidence.figure import UnavailableError
from tools.rig.crash import figures
from tools.rig.crash.__main__ import main
from tools.rig.crash.disk import (
    EIO,
    ENOSPC,
    FORGOTTEN_SYNC,
    LOST_SYNC,
    Cuts,
    Disk,
    FaultError,
    Image,
)
from tools.rig.crash.life import Life
from tools.rig.crash.native import FileSystem
from tools.rig.crash.trials import Found, Trials


@pytest.fixture(scope="module")
def system() -> FileSystem:
    try:
        return figures.system()
    except UnavailableError as error:
        pytest.skip(str(error))


# --- the disk -------------------------------------------------------------------------------------------------------


def test_what_was_not_synced_may_be_gone_there_or_torn() -> None:
    disk = Disk(Image({"a": bytearray(b"old" * 512)}))
    disk.write("a", 0, b"N" * 1536)
    cuts = Cuts(disk)
    cuts.at(1)
    chance = random.Random(1)
    images = [bytes(cuts.image(chance, mode).files["a"]) for mode in (0, 1, *[2] * 30)]
    assert images[0] == b"old" * 512 and images[1] == b"N" * 1536
    torn = {image for image in images if image not in images[:2]}
    assert torn, "some image has one of its sectors and not another"
    for image in torn:
        assert all(image[at : at + 512] in (b"N" * 512, images[0][at : at + 512]) for at in (0, 512, 1024))


def test_what_was_synced_is_there_in_every_image_and_a_name_that_was_deleted_may_come_back() -> None:
    disk = Disk(Image({"a": bytearray(), "b": bytearray(b"b")}))
    disk.write("a", 0, b"kept")
    disk.sync("a")
    disk.delete("b")
    cuts = Cuts(disk)
    cuts.at(3)
    found = [cuts.image(random.Random(seed), 2).files for seed in range(20)]
    assert all(files["a"] == b"kept" for files in found)
    assert {"b" in files for files in found} == {True, False}


def test_a_failed_sync_may_drop_what_it_could_not_write() -> None:
    disk = Disk(Image({"a": bytearray(b"0000")}), faults={2: LOST_SYNC})
    disk.write("a", 1, b"11")
    with pytest.raises(FaultError, match=LOST_SYNC):
        disk.sync("a")
    assert disk.files["a"] == b"0000"


@pytest.mark.parametrize(("effect", "in_memory"), [(LOST_SYNC, b"0022"), (FORGOTTEN_SYNC, b"1122")])
def test_what_a_failed_sync_has_dropped_no_later_sync_brings_to_the_disk(
    effect: str, in_memory: bytes
) -> None:
    disk = Disk(Image({"a": bytearray(b"0000")}), faults={2: effect})
    disk.write("a", 0, b"11")
    with pytest.raises(FaultError, match=effect):
        disk.sync("a")
    disk.write("a", 2, b"22")
    disk.sync("a")
    cuts = Cuts(disk)
    cuts.at(len(disk.log))
    assert (bytes(disk.files["a"]), disk.struck) == (in_memory, 1)
    assert bytes(cuts.image(random.Random(1), 1).files["a"]) == b"0022"


def test_a_full_disk_refuses_what_makes_a_file_longer() -> None:
    disk = Disk(Image({"a": bytearray(b"0000")}))
    disk.room = 4
    disk.write("a", 0, b"1111")
    with pytest.raises(FaultError, match=ENOSPC):
        disk.write("a", 2, b"222")


# --- the journal ----------------------------------------------------------------------------------------------------


def test_cuts_lose_nothing(system: FileSystem) -> None:
    outcome = figures.cut(3_000, 1)
    assert (outcome.bad, outcome.failures) == (0, ())
    assert outcome.trials >= 3_000


def test_faults_lose_nothing_and_acknowledge_nothing_falsely(system: FileSystem) -> None:
    outcome = figures.fail(800, 1)
    assert (outcome.bad, outcome.failures) == (0, ())
    assert outcome.trials >= 800
    assert int(outcome.reached["faults"]) > 100


def test_a_filling_disk_costs_no_alarm(system: FileSystem) -> None:
    outcome = figures.filling(4, 1)
    assert outcome.bad == 0 and int(outcome.reached["gave way"]) > 100


@pytest.mark.parametrize("how", [{"synchronous": "OFF"}, {"synchronous": "NORMAL"}, {"early": True}])
def test_an_unsafe_journal_is_found_by_cuts(system: FileSystem, how: dict[str, object]) -> None:
    outcome = figures.cut(2_000, 1, **how)  # type: ignore[arg-type]
    assert outcome.bad > 100
    assert "seed 1, operation" in outcome.failures[0]


def test_an_unsafe_journal_is_found_by_faults(system: FileSystem) -> None:
    assert figures.fail(400, 1, early=True).bad > 0


def test_a_failed_sync_that_is_tried_again_and_believed_is_found(system: FileSystem) -> None:
    """What PostgreSQL did until 2018: the second sync has nothing left to write, and says that all is well."""
    outcome = figures.fail(600, 1, retries=True)
    assert outcome.bad > 5 and "sync at operation" in outcome.failures[0], outcome
    assert not system.retries


def test_a_store_that_takes_no_more_appends_is_found(system: FileSystem) -> None:
    trials = Trials(system)
    life = trials.lived(2, Disk(), 10)
    cuts = Cuts(life.disk)
    cuts.at(life.told.groups[-1].told)
    image = cuts.image(random.Random(2), 0)
    assert trials.goes_on(Disk(Image({name: bytearray(data) for name, data in image.files.items()}))) == []
    stuck = Disk(image, faults=dict.fromkeys(range(1, 1_000), EIO))
    assert "refused" in trials.goes_on(stuck)[0]


def test_a_journal_in_which_nothing_gives_way_is_found(system: FileSystem) -> None:
    outcome = figures.filling(5, 0, stingy=True)
    assert outcome.bad > 10 and "an alarm was refused while" in outcome.failures[0], outcome


def test_a_seed_has_the_same_life_again(system: FileSystem) -> None:
    first, second = Found(), Found()
    for found in (first, second):
        Trials(system, synchronous="NORMAL").cuts(7, found, 1_500)
    assert first.failures == second.failures and first.failures


def test_the_products_own_journal_opens_images_on_a_real_file_system(
    system: FileSystem, tmp_path: Path
) -> None:
    """With the standard library's SQLite, two connections and shared memory, which the simulated disk has not."""
    life = Life(system, Disk(), 3)
    life.open()
    life.begin_telling()
    for _ in range(40):
        life.step()
    life.kill()
    cuts, chance = Cuts(life.disk), random.Random(3)
    begun = life.told.groups[0].told
    for number, moment in enumerate(range(begun, len(life.disk.log), 11)):
        cuts.at(moment)
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, content in cuts.image(chance, number % 3).files.items():
            (folder / name).write_bytes(content)
        allowed = {version.lasts for version in life.told.allowed(moment)}
        assert asyncio.run(lasts(folder / "journal.sqlite")) in allowed, f"operation {moment}"
    assert number > 10


async def lasts(path: Path) -> tuple[int, ...]:
    """The last numbers of a store that opened as it is, and whose entries all read back."""
    journal = await SqliteJournal.open(path)
    try:
        assert journal.set_aside() == []
        for lane in LANES:
            journal.peek(lane, 0, 1 << 30, 1 << 30)
        return tuple(journal.mark(lane).last for lane in LANES)
    finally:
        await journal.close()


def test_the_command_says_what_was_lost(system: FileSystem, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--images", "500", "--seed", "5"]) == 0
    assert capsys.readouterr().out.endswith("lost 0\n")
    assert main(["--images", "2000", "--unsafe", "normal"]) == 0
    assert not capsys.readouterr().out.endswith("lost 0\n")
