"""F24: gateways that leave random homes. Nothing of the home is left in the files nor in the blocks they had; nothing undelivered is lost.

    python -m tools.rig.rehome_figures --count 20 --seed 1

One trial is one home (`rehome_homes.py`) that is wiped by the product's own steps (`tools/move`). In half of the homes events wait, and are
exported; in half of the trials the work is killed at random places, up to three times, and gone on with. What is looked for afterwards is
the home's own list, made when the home was made; where, is every file, and the blocks of every file that was there before: a second
name on each of them holds them. `--unsafe rows` is a wipe that deletes rows, and forgets SQLite's log, the bonds and the rest; `--unsafe
names` one that unlinks files as `rm` does; `--unsafe hasty` one that erases the journal before it exports.
"""

import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.core import wire
from gateway.core.errors import RefusedError
from tools.evidence.figure import Figure, Outcome
from tools.move import scan
from tools.move.erase import Eraser
from tools.move.export import split
from tools.move.moving import STEPS, Around, Asked, FoundError, Moving
from tools.rig.command import parser_of, say
from tools.rig.rehome_homes import made

CONTROL_HOMES = 4
MOST_KILLS = 3
PLACES = 60  # about so many places there are to be killed at


class KillError(BaseException):
    """The process is gone."""


class Rows(Moving):
    """Deletes rows and not the store, and forgets what lies beside it."""

    def step_journal(self) -> None:
        if self.places.journal.exists():
            store = sqlite3.connect(self.places.journal)
            store.execute("PRAGMA secure_delete = OFF")  # as SQLite comes; Debian's has it on
            for lane in range(5):
                store.execute(f"DELETE FROM entry_{lane}")  # noqa: S608  a number of ours
            store.execute("DELETE FROM state")
            store.commit()
            store.close()

    def step_rest(self) -> None:
        """Of no account."""

    def step_bonds(self) -> None:
        """Of no account."""

    def step_scan(self) -> None:
        """It believes itself."""

    def step_end(self) -> None:
        self.eraser.tree(self.places.work)


class Names(Eraser):
    """Deletes as `rm` does."""

    def file(self, path: Path) -> None:
        path.unlink(missing_ok=True)


class Hasty(Moving):
    """Erases the journal, and exports what is there then."""

    def run(self) -> dict[str, Any]:
        self.around.steps = ("traces", "journal", "events", *STEPS[4:])
        return super().run()

    def check_events(self) -> None:
        """It is sure."""


@dataclass(frozen=True)
class Variant:
    """How it is wiped."""

    moving: type[Moving] = Moving
    eraser: Callable[..., Eraser] = Eraser


UNSAFE = {
    "rows": Variant(Rows),
    "names": Variant(eraser=lambda _told: Names()),
    "hasty": Variant(Hasty),
}


@dataclass
class Bill:
    """What came of one home. lost: events that are neither delivered nor in a file that verifies."""

    held: int
    kills: int = 0
    lost: int = 0
    left: tuple[str, ...] = ()
    wrong: str = ""
    took_ms: int = 0


class Killer:
    """Ends the process at one of the places where it may."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.seen = 0

    def __call__(self, _place: str) -> None:
        self.seen += 1
        if self.seen == self.at:
            raise KillError


def left_home(folder: Path, seed: int, variant: Variant) -> Bill:
    """One home, from its beginning until the gateway is in stock."""
    chance = random.Random(seed)
    home = made(folder, seed, waiting=chance.random() < 0.5)
    home.keep_blocks()
    bill = Bill(home.held)
    export = home.away / "events.cbor"
    kills = chance.randrange(1, MOST_KILLS + 1) if chance.random() < 0.5 else 0
    for at in [*(chance.randrange(1, PLACES) for _ in range(kills)), None]:
        loaded = home.load()
        around = Around(say=lambda _line: None, pause=Killer(at), eraser=variant.eraser)
        work = variant.moving(
            loaded.config, home.places(loaded), Asked(export=export if home.held else None), around
        )
        try:
            report = work.run()
            bill.took_ms = report["took_ms"]
        except KillError:
            bill.kills += 1
        except (RefusedError, FoundError) as error:
            bill.wrong = f"{type(error).__name__} {error} {work.progress.facts.get('found', '')}"
    places = home.places()
    found = scan.look_everywhere(home.truth, places.folders(), places.flat(), [home.image()])
    bill.left = tuple(f"{hit.what} in {Path(hit.path).name}" for hit in found.hits)
    bill.lost = max(0, home.held - len(kept(export)))
    return bill


def kept(export: Path) -> list[bytes]:
    """The events of a file, where there is one."""
    found: list[bytes] = []
    for message in split(export.read_bytes()) if export.exists() else ():
        fields: Any = wire.parse("bundle", message).fields
        found += fields["events"]
    return found


def outcome(trials: int, first: int, unsafe: str = "") -> Outcome:
    """Homes from seed `first` on."""
    variant = UNSAFE[unsafe] if unsafe else Variant()
    bills: list[tuple[int, Bill]] = []
    for seed in range(first, first + trials):
        with tempfile.TemporaryDirectory(prefix="trygg-rehome-") as name:
            bills.append((seed, left_home(Path(name) / "home", seed, variant)))
    failures = [
        f"{said(bill)}: python -m tools.rig.rehome_figures --count 1 --seed {seed}"
        for seed, bill in bills
        if bad(bill)
    ]
    reached: dict[str, int | str] = {
        "undelivered events": sum(bill.held for _, bill in bills),
        "lost": sum(bill.lost for _, bill in bills),
        "traces left": sum(len(bill.left) for _, bill in bills),
        "kills": sum(bill.kills for _, bill in bills),
        "max_wipe_ms": max((bill.took_ms for _, bill in bills), default=0),
    }
    return Outcome(trials, sum(bad(bill) for _, bill in bills), reached, tuple(failures))


def bad(bill: Bill) -> int:
    """1 where anything is wrong with it."""
    return int(bool(bill.lost or bill.left or bill.wrong))


def said(bill: Bill) -> str:
    """What is wrong with one."""
    return f"lost {bill.lost} of {bill.held}, left {list(bill.left[:3])} {bill.wrong}".rstrip()


def control(seed: int) -> Outcome:
    """All three unsafe wipes: each must be found out. What only some of them were is no control."""
    runs = [outcome(CONTROL_HOMES, seed, name) for name in UNSAFE]
    rows, names, hasty = runs
    every = (
        rows.reached["traces left"]
        and names.reached["traces left"]
        and (hasty.reached["lost"] or no_waiting(hasty))
    )
    reached = {
        "traces left": f"{rows.reached['traces left']} and {names.reached['traces left']}",
        "lost": hasty.reached["lost"],
    }
    failures: Sequence[str] = [line for run in runs for line in run.failures]
    return Outcome(3 * CONTROL_HOMES, sum(run.bad for run in runs) if every else 0, reached, tuple(failures))


def no_waiting(run: Outcome) -> bool:
    """Whether no home of a run had anything to lose, which with four homes is one in 16."""
    return run.reached["undelivered events"] == 0


FIGURES = (
    Figure(
        id="F24",
        title="Gateways that leave their homes: what is left of it, and what is lost",
        trial="home",
        asked="0 traces left, 0 undelivered events lost",
        release=1_000,
        share=4,
        modules=(
            "gateway/daemon/rehome.py",
            "gateway/daemon/rehome_history.py",
            "hal/linux/journal.py",
            "hal/linux/journal_file.py",
            "hal/linux/journal_store.py",
            "hal/linux/keystore.py",
            "tools/move",
            "tools/rig/rehome_figures.py",
            "tools/rig/rehome_homes.py",
        ),
        run=outcome,
        control=control,
        unsafe="a wipe that deletes rows and forgets the log and the bonds, one that only unlinks files, one that erases before it exports",
        conditions="simulated homes on a real file system: journals, bonds, keys, Wi-Fi, logs of power cuts; looked for in every file and "
        "in the blocks that every file had, as text, hexadecimal, base 64 and bytes; half of the trials killed up to three times; no "
        "flash below, whose own copies nobody outside it can look at",
    ),
)


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 where nothing was found."""
    parser = parser_of("tools.rig.rehome_figures", __doc__, count="count", usual=20)
    parser.add_argument("--unsafe", choices=tuple(UNSAFE), help="a wipe that must be found")
    options = parser.parse_args(argv)
    found = say(outcome(options.count, options.seed, options.unsafe or ""))
    return int(not found) if options.unsafe else int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
