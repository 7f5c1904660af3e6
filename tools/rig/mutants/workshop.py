"""A copy of the tree in which mutmut works, and what it found there.

mutmut puts every mutant of a file into that file, behind a switch, runs the tests once to see which of them reaches which
function, and then forks for each mutant and runs those tests with the switch set. So the tree is copied: nothing of this
may happen to the sources. What is done is kept in the copy, and a run that was stopped goes on where it was.

A mutant of what runs when its module is imported cannot be judged by a fork of a process that has imported it. Those that
seem to live are judged again, each by a process of its own (`again`).
"""

import importlib.util
import json
import random
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.evidence.figure import UnavailableError
from tools.evidence.hashing import hash_of
from tools.rig.mutants.branches import PATIENCE, ROOT, RunError, pytest, run
from tools.rig.mutants.core import Part

TREES = ("gateway", "hal", "firmware", "tools", "tests/core", "tests/hub", "tests/vectors")
FILES = ("tests/__init__.py", "tests/conftest.py")
# what the mutants, and the tests that judge them, are made of
CONTENTS = ("gateway", "hal", "tests/core", "tests/hub", "tools/rig", "tools/simulators", *FILES)
SETTINGS = """
[tool.mutmut]
source_paths = ["gateway"]
only_mutate = {modules}
also_copy = ["firmware", "hal", "tools"]
pytest_add_cli_args = ["-p", "no:randomly", "-o", "{patience}"]
timeout_constant = 20.0
pytest_add_cli_args_test_selection = {tests}
use_git_change_detection = false
track_dependencies = false
use_setproctitle = false
"""
NOBODY = "no.such.mutant"
HELPER = Path(__file__).with_name("inside.py")
KILLED, ENDLESS, SURVIVED, UNTESTED, ODD = (
    "killed",
    "killed as endless",
    "survived",
    "no test reaches it",
    "odd",
)
SEEN = (KILLED, ENDLESS)
# pytest's own status, or mutmut's: 1 a test failed, 3 pytest fell. A loop without end is ended by a signal, after minutes: on a
# busy machine a test that is only slow must not count as a kill.
VERDICTS = {1: KILLED, 3: KILLED, 0: SURVIVED, 5: UNTESTED, 33: UNTESTED}
OUT_OF_TIME = (24, 36, 152, 255, -24, -9)


@dataclass(frozen=True)
class Judged:
    """Mutants by name, each with its verdict."""

    verdicts: dict[str, str]

    def named(self, verdict: str) -> list[str]:
        """Those with this verdict, sorted."""
        return sorted(name for name, each in self.verdicts.items() if each == verdict)

    @property
    def alive(self) -> list[str]:
        """Those that no test has ended, whatever the reason."""
        return sorted(name for name, each in self.verdicts.items() if each not in SEEN)


def verdict_of(status: int) -> str:
    """In words. What nobody can tell (a process that fell) is not called a kill."""
    return ENDLESS if status in OUT_OF_TIME else VERDICTS.get(status, ODD)


def place_of(part: Part) -> Path:
    """Where a part is worked on: another place for other contents, so that nothing old is taken for new."""
    return ROOT / "build" / "mutants" / f"{part.name}-{hash_of(ROOT, CONTENTS)[:16]}"


class Workshop:
    """One part in one folder."""

    def __init__(self, part: Part, folder: Path) -> None:
        self.part = part
        self.folder = folder

    def prepare(self) -> None:
        """Copy, make the mutants, and let the tests say what they reach; nothing where that is done.

        Raises:
            UnavailableError: mutmut is not installed.
            RunError: the tests fail without any mutant.
        """
        if importlib.util.find_spec("mutmut") is None:
            raise UnavailableError("mutmut is not installed: make setup")
        if (self.folder / "ready").exists() and self.is_whole():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        for tree in TREES:
            shutil.copytree(ROOT / tree, self.folder / tree, ignore=ignored)
        for file in FILES:
            shutil.copy2(ROOT / file, self.folder / file)
        settings = SETTINGS.format(
            modules=json.dumps(list(self.part.modules)),
            tests=json.dumps(list(self.part.tests)),
            patience=PATIENCE,
        )
        text = (ROOT / "pyproject.toml").read_text("utf-8") + settings
        (self.folder / "pyproject.toml").write_text(text, "utf-8")
        # mutmut cannot only make mutants: a name that nobody has ends it when they are made and the tests have run once
        told = self.mutmut("run", "--max-children", "1", NOBODY)
        if not (self.folder / "mutants" / "mutmut-stats.json").exists():
            raise RunError(told)
        (self.folder / "ready").touch()

    def mutmut(self, *arguments: str) -> str:
        """Run it; what it said."""
        return run([sys.executable, "-m", "mutmut", *arguments], self.folder).stdout

    def names(self) -> list[str]:
        """Every mutant there is, in an order that is always the same."""
        return sorted(self.statuses())

    def statuses(self) -> dict[str, int | None]:
        """What each mutant's tests ended with; None where they have not run."""
        found: dict[str, int | None] = {}
        for module in self.part.modules:
            kept = self.folder / "mutants" / f"{module}.meta"
            found.update(json.loads(kept.read_text("utf-8"))["exit_code_by_key"])
        return found

    def is_whole(self) -> bool:
        """Whether mutmut was not stopped within a file of its results: it writes them in place."""
        try:
            self.statuses()
        except (OSError, ValueError):
            return False
        return True

    def judge(self, wanted: list[str]) -> Judged:
        """These mutants, each by the tests that reach it.

        Raises:
            RunError: mutmut left some of them out.
        """
        known = self.statuses()
        left = [name for name in wanted if known[name] is None]
        told = ""
        if left:
            told = self.mutmut("run", "--max-children", "1", *([] if len(left) == len(known) else left))
        done = self.statuses()
        if lost := [name for name in wanted if done[name] is None]:
            raise RunError(f"{told}\n{len(lost)} mutants were not judged, {lost[0]} the first")
        verdicts = {name: verdict_of(done[name] or 0) for name in wanted}
        return Judged(verdicts | self.again(verdicts))

    def again(self, verdicts: dict[str, str]) -> dict[str, str]:
        """Those of functions that run at import, where they seem to live, by a process each."""
        alive = Judged(verdicts).alive
        if not alive:
            return {}
        kept = self.folder / "again.json"
        done: dict[str, str] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
        early = set(json.loads(self.inside("early", *self.part.modules)))
        for name in alive:
            if name.partition("__mutmut_")[0] in early and name not in done:
                done[name] = self.fresh(name)
                kept.write_text(json.dumps(done), "utf-8")
        return {name: done[name] for name in alive if name in done}

    def fresh(self, name: str) -> str:
        """The verdict of a process that imports the module with the mutant in force. What cannot be imported is seen, too."""
        command = [sys.executable, "-m", *pytest(self.part.tests)]
        told = run(command, self.folder / "mutants", MUTANT_UNDER_TEST=name)
        return KILLED if told.returncode in (2, 4) else verdict_of(told.returncode)

    def changes(self, names: list[str]) -> dict[str, str]:
        """What each of these mutants changed, as lines that begin with - and +."""
        told: dict[str, str] = json.loads(self.inside("changes", *names)) if names else {}
        return told

    def inside(self, *arguments: str) -> str:
        """Ask mutmut's own modules, which look for their files in the folder in which they run."""
        told = run([sys.executable, str(HELPER), *arguments], self.folder)
        if told.returncode:
            raise RunError(told.stdout)
        return told.stdout.rpartition("\n@")[2]


def drawn(names: list[str], count: int, seed: int) -> list[str]:
    """So many, by a seed; all where there are no more."""
    return sorted(random.Random(seed).sample(names, min(count, len(names))))
