"""F1, F3 and F12 of the quality list: the Linux journal on a disk that forgets, fails and fills. Simulated, in memory.

Their parts: a store that is set aside while the power goes, and a medium that does not answer reads.
"""

from collections.abc import Callable
from functools import partial

from tools.evidence.figure import Figure, Outcome
from tools.rig.crash.asides import DAMAGES, Asides
from tools.rig.crash.asides import UNSAFE as UNSAFE_ASIDES
from tools.rig.crash.filling import Filled, fill
from tools.rig.crash.native import FileSystem
from tools.rig.crash.reads import UNSAFE as UNSAFE_READS
from tools.rig.crash.reads import Reads
from tools.rig.crash.trials import Found, Trials

# What the harness imports of the product, and no more: tests/tools/test_crash_modules.py follows the imports.
MODULES = (
    "hal/errors.py",
    "hal/linux/journal.py",
    "hal/linux/journal_errors.py",
    "hal/linux/journal_file.py",
    "hal/linux/journal_salvage.py",
    "hal/linux/journal_space.py",
    "hal/linux/journal_sql",
    "hal/linux/journal_store.py",
    "hal/linux/journal_writer.py",
    "hal/types.py",
    "tools/rig/crash",
)
CONDITIONS = (
    "simulated disk in memory, SQLite through apsw with exclusive locking, the product's own tables, writer and checks; "
    "writes tear at 512 bytes, what was not synced is lost, kept or reordered"
)
CONDITIONS_STARTS = (
    CONDITIONS
    + "; the product's own start with renames that become durable in order or in any; what is left is judged by the "
    "product's own journal on a real file system, two starts one after the other"
)
CONTROL_IMAGES = 4_000
CONTROL_LIVES = 5
CONTROL_STARTS = 220
FAILING_STARTS, UNREAD_STARTS, UNREAD_LIVES = 100, 120, 240  # images of one seed

_systems: dict[str, FileSystem] = {}


def system() -> FileSystem:
    """The one file system of this process: SQLite keeps its name."""
    if "one" not in _systems:
        _systems["one"] = FileSystem()
    return _systems["one"]


def lived(images: int, seed: int, live: Callable[[int, Found], None]) -> tuple[Found, int]:
    """Lives from `seed` on until there are so many images: what was found, and in how many lives."""
    found, life = Found(), seed
    while found.images < images:
        live(life, found)
        life += 1
    return found, life - seed


def outcome(found: Found, reached: dict[str, int | str]) -> Outcome:
    """What was found, as a figure has it."""
    return Outcome(found.images, found.bad, reached, tuple(found.failures))


def cut(images: int, seed: int, synchronous: str = "FULL", early: bool = False) -> Outcome:
    """So many crash images, of one life after another."""
    trials = Trials(system(), synchronous=synchronous, early=early)
    found, lives = lived(images, seed, lambda life, found: trials.cuts(life, found, images))
    return outcome(found, {"lives": lives, "faults within a recovery": found.faults})


def fail(
    images: int, seed: int, synchronous: str = "FULL", early: bool = False, retries: bool = False
) -> Outcome:
    """So many images after lives in which something failed. `retries`: a failed sync is tried again and then believed."""
    trials = Trials(system(), synchronous=synchronous, early=early)
    system().retries = retries
    try:
        found, _ = lived(images, seed, lambda life, found: trials.faults(life, found, images))
    finally:
        system().retries = False
    return outcome(found, {"faults": found.faults})


def filling(lives: int, seed: int, stingy: bool = False) -> Outcome:
    """So many lives on a disk that fills and is freed."""
    found = Filled()
    for life in range(seed, seed + lives):
        fill(system(), life, found, stingy=stingy)
    reached: dict[str, int | str] = {"alarms": found.alarms, "gave way": found.yielded}
    return Outcome(lives, found.bad, reached, tuple(found.failures))


def set_aside(images: int, seed: int, how: str = "") -> Outcome:
    """So many images of a start that sets a store aside, cut in half of them and failing in the others."""
    trials = Asides(system(), UNSAFE_ASIDES.get(how))

    def live(life: int, found: Found) -> None:
        trials.faults(life, found, min(images, found.images + FAILING_STARTS))
        trials.cuts(life, found, images)

    found, _ = lived(images, seed, live)
    return outcome(found, {"stores set aside": trials.put_aside, "faults": found.faults})


def unread(images: int, seed: int, how: str = "") -> Outcome:
    """So many images after reads that were not answered: of a start and all that it reads, and in use."""
    trials = Reads(system(), **UNSAFE_READS.get(how, {}))

    def live(life: int, found: Found) -> None:
        trials.starts(life, found, min(images, found.images + UNREAD_STARTS))
        trials.lives(life, found, min(images, found.images + UNREAD_LIVES))

    found, _ = lived(images, seed, live)
    return outcome(found, {"faults": found.faults})


def unsafe(run: Callable[..., Outcome], **how: object) -> Callable[[int], Outcome]:
    """The same harness at a variant that is unsafe."""
    return lambda seed: run(CONTROL_IMAGES, seed, **how)


of_images = partial(Figure, modules=MODULES, trial="crash image")

FIGURES = (
    of_images(
        id="F1",
        title="Linux journal: power cut at every write, sync, truncate and delete",
        asked="0 acknowledged events lost, 0 stores that do not open, in 1,000,000 images",
        release=1_000_000,
        share=16_000,
        run=cut,
        control=unsafe(cut, synchronous="NORMAL"),
        unsafe="synchronous=NORMAL: commits of the log without a sync",
        conditions=CONDITIONS,
    ),
    of_images(
        id="F1b",
        title="Linux journal: power cut or fault at every operation while a store is set aside",
        asked="0 entries or state out of reach, 0 starts that do not open",
        release=50_000,
        share=200,
        run=set_aside,
        control=lambda seed: set_aside(CONTROL_STARTS, len(DAMAGES) * seed, "unsynced"),  # of whole stores
        unsafe="names of files are left to become durable in any order",
        conditions=CONDITIONS_STARTS,
    ),
    of_images(
        id="F3b",
        title="Linux journal: reads that the medium does not answer, at the start, at peek and in use",
        trial="image after reads that failed",
        asked="0 passed over in silence, 0 destroyed, each error with cause and next action",
        release=50_000,
        share=200,
        run=unread,
        control=lambda seed: unread(CONTROL_STARTS, seed, "lenient"),
        unsafe="what does not read is taken for the end of the lane",
        conditions=CONDITIONS_STARTS,
    ),
    of_images(
        id="F3",
        title="Second faults: I/O error, full disk, failing sync at every nth operation, then a cut",
        trial="image after a fault",
        asked="0 lost, 0 false acknowledgements",
        release=200_000,
        share=3_000,
        run=fail,
        control=unsafe(fail, retries=True),
        unsafe="a failed sync is tried again and believed",
        conditions=CONDITIONS
        + "; a failed sync keeps what it could not write, or drops it for good, out of memory or not",
    ),
    of_images(
        id="F12",
        title="A disk that others fill and free at random",
        trial="life of 1,000 appends",
        asked="every alarm stored while lanes 2 to 4 hold anything, lanes yield in order, recovers alone",
        release=5_000,
        share=20,
        run=filling,
        control=lambda seed: filling(CONTROL_LIVES, seed, stingy=True),
        unsafe="nothing gives way",
        conditions=CONDITIONS,
    ),
)
