"""The harness of F21: a branch that no test takes, and a mutant that none sees, are found; and one that runs at import is judged."""

import importlib.util
from pathlib import Path

import pytest

from tools.rig.mutants import figures
from tools.rig.mutants.branches import ROOT, RunError, measure, read
from tools.rig.mutants.core import CORE, PARTS, SMALL, Part
from tools.rig.mutants.workshop import (
    ENDLESS,
    KILLED,
    ODD,
    SURVIVED,
    UNTESTED,
    Judged,
    Workshop,
    drawn,
    verdict_of,
)

SESSION = "gateway/core/session.py"
needs_mutmut = pytest.mark.skipif(
    importlib.util.find_spec("mutmut") is None, reason="mutmut is not installed: make setup"
)


def test_every_module_of_the_core_and_every_test_of_it_is_there_and_every_rule_is_in_it() -> None:
    assert len(set(CORE)) == len(CORE)
    for part in (*PARTS, SMALL):
        assert all((ROOT / path).exists() for path in (*part.modules, *part.tests))
    rules = (ROOT / "gateway/core/rules").glob("[a-z]*.py")
    assert {path.relative_to(ROOT).as_posix() for path in rules} <= set(CORE)


# --- branches -----------------------------------------------------------------------------------------------------


def test_what_a_report_says_of_each_module() -> None:
    told = {
        "files": {
            "a.py": {
                "summary": {"num_branches": 6},
                "missing_branches": [[3, 4], [9, -1]],
                "missing_lines": [4, 7],
            }
        }
    }
    seen = read(told, ["a.py", "b.py"])
    assert seen.branches == 6
    assert seen.missed == ("a.py: 3 -> 4", "a.py: 9 -> the end", "a.py: 7", "b.py: never imported")


@pytest.mark.timeout(120)
def test_a_branch_that_no_test_takes_is_found_and_tests_that_fail_prove_nothing() -> None:
    assert measure([SESSION], ["tests/core/test_session.py"]).missed == ()
    found = measure([SESSION], ["tests/core/test_session.py", "-k", "doubles"])
    assert found.branches == 2
    assert found.missed == (f"{SESSION}: 34 -> the end", f"{SESSION}: 34 -> 35")
    assert len(measure([SESSION], ["tests/core/test_crc.py"]).missed) > 10, "it is not even imported"
    with pytest.raises(RunError, match=r"tests/core/test_none\.py"):
        measure([SESSION], ["tests/core/test_none.py"])


# --- mutants ------------------------------------------------------------------------------------------------------


def test_what_ends_in_a_way_that_nobody_knows_is_no_kill() -> None:
    verdicts = {
        0: SURVIVED,
        1: KILLED,
        3: KILLED,
        5: UNTESTED,
        33: UNTESTED,
        36: ENDLESS,
        -24: ENDLESS,
        -11: ODD,
        2: ODD,
    }
    assert {status: verdict_of(status) for status in verdicts} == verdicts
    judged = Judged({"a": KILLED, "b": ENDLESS, "c": SURVIVED, "d": UNTESTED, "e": ODD})
    assert judged.alive == ["c", "d", "e"]


def test_a_sample_is_the_seeds_and_holds_no_mutant_twice() -> None:
    names = [f"m{number}" for number in range(100)]
    assert drawn(names, 10, 1) == drawn(names, 10, 1) != drawn(names, 10, 2)
    assert len(set(drawn(names, 10, 1))) == 10
    assert drawn(names, 1_000, 1) == sorted(names)


def test_nine_of_ten_are_enough_and_no_fewer() -> None:
    assert figures.enough(figures.Outcome(1_000, 100))
    assert not figures.enough(figures.Outcome(1_000, 101))


def shop(folder: Path, module: str, *tests: str) -> Workshop:
    made = Workshop(Part("test", (module,), tests), folder / "shop")
    made.prepare()
    return made


@needs_mutmut
@pytest.mark.long
@pytest.mark.timeout(240)
def test_mutants_are_judged_by_the_tests_and_told_with_their_change(tmp_path: Path) -> None:
    strong = shop(tmp_path / "strong", SESSION, "tests/core/test_session.py")
    names = strong.names()
    judged = strong.judge(names)
    assert len(names) > 20 and len(judged.alive) * 10 <= len(names)
    weak = shop(
        tmp_path / "weak",
        SESSION,
        "tests/core/test_session.py::test_only_a_steady_connection_clears_the_count",
    )
    assert weak.names() == names
    alive = weak.judge(names).alive
    assert len(alive) * 10 > len(names), "control: with one test left most of them live"
    (weak.folder / "mutants" / f"{SESSION}.meta").write_text("{", "utf-8")
    assert not weak.is_whole(), "stopped while it wrote: made anew at the next start"
    weak.prepare()
    assert weak.judge(names).alive == alive
    change = weak.changes(alive[:1])[alive[0]]
    assert change.startswith("-") and "\n+" in change
    told = figures.outcome([(weak, weak.judge(names))], len(names))
    assert told.trials == len(names) and told.bad == len(alive) and told.failures
    assert not figures.enough(told)


@needs_mutmut
@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_mutant_of_what_runs_at_import_is_judged_by_a_process_of_its_own(tmp_path: Path) -> None:
    made = shop(tmp_path, "gateway/core/wire.py", "tests/core/test_wire.py")
    tables = [name for name in made.names() if ".x_head__mutmut_" in name][:3]
    assert len(tables) == 3
    assert made.judge(tables).alive == []
    assert (made.folder / "again.json").exists(), "a fork sees none of them"
