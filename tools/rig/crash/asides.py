"""A store that does not open is set aside, and the power goes at each operation of that: nothing becomes unreachable.

The start runs on the simulated machine, so that it is cut between any two of its renames and syncs, and in the making of the
new store; and once more while it goes on after a cut. What a cut left is opened by the product's own journal, in a
folder of a real file system: what could be read of the store before must be in the open store or in one that
`set_aside()` lists, the store must open, take an alarm, and open again.
"""

import asyncio
import contextlib
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hal.errors import HalError
from hal.linux.journal import SqliteJournal
from hal.linux.journal_salvage import Salvage
from hal.types import ALARM, LANES
from tools.rig.crash.disk import RENAME, Disk, Image, possible
from tools.rig.crash.life import Life
from tools.rig.crash.machine import Machine
from tools.rig.crash.names import NameCuts
from tools.rig.crash.native import FileSystem
from tools.rig.crash.trials import Found, copied

STEPS = 25  # groups in the life of the store that is set aside
STORE, PAGE_BYTES = "journal.sqlite", 4096
STATE = -1
MODES = (0, 1, 2, 2)
AGAIN_EVERY = 61  # of so many images the next start is cut as well, and of each that a rename has left
MEMORY = Path("/dev/shm")  # noqa: S108  images are judged there where it exists: the disk has nothing to add

ACTIONS = ("restart,", "check", "free", "restore", "stop")  # with which the journal's words say what to do

Damage = Callable[[Image, FileSystem], None]
Change = Callable[[Any], None]
Held = set[tuple[int, int, bytes]]  # lane, number and bytes of events; and state, of the lane STATE


# --- what is wrong with the store -------------------------------------------------------------------------------------


def word(image: Image, _system: FileSystem) -> None:
    """The run before has found damage, and said so."""
    image.files[f"{STORE}.damaged"] = bytearray(b"an event does not match its chain value")


def newer(image: Image, system: FileSystem) -> None:
    """Software that was newer has had it: everything in it is whole, part of it in the log."""
    _sql(image, system, "PRAGMA user_version = 99")


def page(image: Image, system: FileSystem) -> None:
    """The root of a table that no entry needs is overwritten, while the log holds what was stored last."""
    _overwrite(image, system, "set_aside")


def lane(image: Image, system: FileSystem) -> None:
    """A lane does not read any more, in a store that was closed and has no log."""
    _sql(image, system, "PRAGMA wal_checkpoint(TRUNCATE)")
    _overwrite(image, system, "entry_4")


DAMAGES: tuple[Damage, ...] = (word, newer, page, lane)


def _overwrite(image: Image, system: FileSystem, table: str) -> None:
    root = _sql(image, system, f"SELECT rootpage FROM sqlite_schema WHERE name = '{table}'")[0][0]  # noqa: S608  words of ours
    at = (root - 1) * PAGE_BYTES
    image.files[STORE][at : at + PAGE_BYTES] = b"\xff" * PAGE_BYTES


def _sql(image: Image, system: FileSystem, sql: str) -> list[Any]:
    """Run a statement on an image, without the checkpoint of a clean end."""
    life = Life(system, Disk(image), 0)
    life.open()
    rows: list[Any] = life.connection.execute(sql).fetchall()
    life.kill()
    return rows


# --- what goes wrong in the control -----------------------------------------------------------------------------------


def store_first(file: Any) -> None:
    """The store is renamed before its log: a cut in between leaves a log without a store, and SQLite deletes it."""

    def put_aside(path: Any) -> str:
        for suffix in ("", "-wal"):
            if type(path)(f"{path}{suffix}").exists():
                file.os.rename(f"{path}{suffix}", f"{path}.aside-1{suffix}")
                file.sync_directory(path.parent)
        file.forget_damage(path)
        return f"{STORE}.aside-1"

    file.put_aside = put_aside


def deleted(file: Any) -> None:
    """The store is deleted and made anew, as some products do."""

    def delete(path: Any) -> str:
        for suffix in ("-wal", "-shm", "", ".damaged"):
            type(path)(f"{path}{suffix}").unlink(missing_ok=True)
        return f"{STORE}.aside-1"

    file.put_aside = delete


def unfinished(file: Any) -> None:
    """A start does not complete what a cut interrupted: a store without its log is opened, and goes on."""
    file.finish_aside = lambda path: None


def unsynced(file: Any) -> None:
    """Names are left to become durable in any order: the store may have its new one, and its log not."""
    file.sync_directory = lambda path: None


UNSAFE = {"store-first": store_first, "deleted": deleted, "unfinished": unfinished, "unsynced": unsynced}


# --- trials -----------------------------------------------------------------------------------------------------------


@dataclass
class Scene:
    """One broken store: what could be read of it, and where its trials are noted, up to `most` images."""

    where: str
    before: Held
    chance: random.Random
    ordered: bool
    found: Found
    most: int
    seen: set[int] = field(default_factory=set)

    def is_new(self, image: Image) -> bool:
        """Whether this image was not judged yet, and more may be."""
        key = hash(tuple(sorted((name, bytes(data)) for name, data in image.files.items())))
        if key in self.seen or self.found.images >= self.most:
            return False
        self.seen.add(key)
        return True


class Asides:
    """All trials of one process. `change` makes the start unsafe, for a control."""

    def __init__(self, system: FileSystem, change: Change | None = None) -> None:
        self.system, self.change = system, change
        self.put_aside = 0

    def cuts(self, seed: int, found: Found, most: int) -> None:
        """One store, broken in one way, whose setting aside is cut at each operation."""
        damage = DAMAGES[seed % len(DAMAGES)]
        image = self.broken(seed, damage)
        before, chance = readable(image), random.Random(seed ^ 0xA51D)
        for ordered in (False, True):
            where = f"seed {seed}, {damage.__name__}, names {'in' if ordered else 'out of'} order"
            self.start(image, Scene(where, before, chance, ordered, found, most))

    def faults(self, seed: int, found: Found, most: int) -> None:
        """The same, where an operation of the setting aside fails: the start says so, or opens; the next one does."""
        damage = DAMAGES[seed % len(DAMAGES)]
        image = self.broken(seed, damage)
        before = readable(image)
        for number, operation in enumerate(self.ran(image).log, 1):
            for effect in possible(operation.kind):
                if found.images >= most:
                    return
                disk = Disk(copied(image), {number: effect})
                where = f"seed {seed}, {damage.__name__}, {effect} at operation {number}"
                found.add(where, self.failed(disk) or unreached(Image(disk.files), before))
                found.faults += disk.struck

    def failed(self, disk: Disk) -> list[str]:
        """A start that meets a fault: it opens, or says why not; what is wrong with the words."""
        machine = Machine(self.system, disk, self.change)
        try:
            machine.open_file(random.Random(1).randbytes)
        except HalError as error:
            return unhelpful(error)
        finally:
            machine.kill()
        return []

    def broken(self, seed: int, damage: Damage) -> Image:
        """A store with a life behind it, killed, and then damaged."""
        life = Life(self.system, Disk(), seed)
        life.open()
        life.begin_telling()
        for _ in range(STEPS):
            life.step()
        life.kill()
        image = copied(Image(life.disk.files))
        damage(image, self.system)
        return image

    def start(self, image: Image, scene: Scene, earlier: str = "") -> None:
        """One start, cut before each of its operations. Some of what is left is started and cut once more."""
        disk = self.ran(image)
        cuts = NameCuts(disk, ordered=scene.ordered)
        for moment in range(len(disk.log) + 1):
            cuts.at(moment)
            for mode in (0,) if cuts.settled else MODES:
                left = cuts.image(scene.chance, mode)
                if not scene.is_new(left):
                    continue
                here = f"{earlier}operation {moment}, image {mode}"
                scene.found.add(f"{scene.where}, {here}", unreached(left, scene.before))
                renamed = moment > 0 and disk.log[moment - 1].kind == RENAME
                if not earlier and (len(scene.seen) % AGAIN_EVERY == 0 or (renamed and mode == 1)):
                    self.start(left, scene, f"{here}, then ")

    def ran(self, image: Image) -> Disk:
        """A start of the product over a copy of the image, to its end: what it asked of the disk."""
        disk = Disk(copied(image))
        machine = Machine(self.system, disk, self.change)
        opened = machine.open_file(random.Random(1).randbytes)
        self.put_aside += len(opened.set_aside)
        asked = len(disk.log)
        machine.kill()
        del disk.log[asked:]
        return disk


# --- judging ----------------------------------------------------------------------------------------------------------


def laid_out(image: Image, folder: Path) -> Path:
    """The files of an image in a folder; the path of the store."""
    for name, content in image.files.items():
        if not name.endswith((".lock", ".reserve")):
            (folder / name).write_bytes(content)
    return folder / STORE


def readable(image: Image) -> Held:
    """What can be read of a store, whatever a start thinks of it: by the reader of stores that were set aside."""
    with scratch() as folder:
        salvage = Salvage(laid_out(image, folder))
        return {(entry.lane, entry.seq, entry.event) for entry in salvage} | as_held(salvage.state()[0])


def as_held(state: Mapping[str, bytes]) -> Held:
    """State among what is held: of no lane."""
    return {(STATE, 0, b"%s=%s" % (key.encode(), item)) for key, item in state.items()}


async def reached(path: Path) -> Held:
    """What a start of the product reaches, in the open store or in those that it lists. Raises HalError."""
    journal = await SqliteJournal.open(path)
    try:
        found = {
            (entry.lane, entry.seq, entry.event) for aside in journal.set_aside() for entry in aside.entries
        }
        for aside in journal.set_aside():
            found |= as_held(aside.state)
        found |= as_held({key: journal.state(key) or b"" for key in journal.state_keys("")})
        for lane in LANES:
            entries = journal.peek(lane, 0, 1 << 30, 1 << 30)
            found |= {(entry.lane, entry.seq, entry.event) for entry in entries}
        await journal.append([(ALARM, b"one more")])
        return found
    finally:
        await journal.close()


def unreached(image: Image, before: Held) -> list[str]:
    """What is wrong with an image, for two starts of the product one after the other; mostly nothing."""
    with scratch() as folder:
        path, found = laid_out(image, folder), set[tuple[int, int, bytes]]()
        for start in ("next start", "start after that"):
            try:
                found = asyncio.run(reached(path))
            except (HalError, sqlite3.Error) as error:
                return [f"the {start} does not open: {error}"]
            if missing := before - found:
                lane, seq, what = max(missing)
                first = f"state {what[:20]!r}" if lane == STATE else f"lane {lane} number {seq}"
                return [f"the {start} does not reach {len(missing)} of what was held, {first} for one"]
        if b"one more" not in {event for _, _, event in found}:
            return ["an alarm that was stored after it is not reached"]
        return []


def unhelpful(error: HalError) -> list[str]:
    """What is wrong with the words of an error: a cause, and behind a colon what to do."""
    cause, _, action = str(error).partition(": ")
    return [] if cause and action.split(" ")[0] in ACTIONS else [f"no cause and next action: {error}"]


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one image."""
    folder = Path(tempfile.mkdtemp(prefix="trygg-crash-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
