"""Evidence: slices add up only for the same code, controls must find something, and the page shows all of it."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tools.evidence import __main__ as command
from tools.evidence import hashing, table
from tools.evidence.figure import Figure, Outcome, UnavailableError
from tools.evidence.figures import HARNESSES, Missing, by_number, offered
from tools.evidence.page import page
from tools.evidence.store import Store, made
from tools.evidence.svg import plot

CODE = ("tools/evidence/hashing.py",)


def figure(**changes: object) -> Figure:
    """A figure whose trials find nothing and whose control finds one."""
    facts: dict[str, object] = {
        "id": "F1",
        "title": "Nothing lost",
        "trial": "image",
        "asked": "0 lost in 1,000",
        "release": 1_000,
        "share": 10,
        "modules": CODE,
        "run": lambda trials, seed: Outcome(trials, 0, {"lives": trials // 10}),
        "control": lambda seed: Outcome(5, 1),
        "unsafe": "forgets",
        "conditions": "simulated",
    }
    return Figure(**{**facts, **changes})  # type: ignore[arg-type]


def slice_of(what: Figure, trials: int, code: str, bad: int = 0, seed: int = 1):  # type: ignore[no-untyped-def]
    return made(what, Outcome(trials, bad, {"lives": 1, "p99_ms": trials}), code, seed, 1)


# --- adding up ------------------------------------------------------------------------------------------------------


def test_slices_of_the_same_code_add_up_and_others_are_kept_apart(tmp_path: Path) -> None:
    store, what = Store(tmp_path), figure()
    store.add(what, slice_of(what, 100, "old", bad=3))
    store.add(what, slice_of(what, 200, "new", seed=1))
    store.add(what, slice_of(what, 300, "new", seed=201))
    total = store.sum(what, "new")
    assert (total.trials, total.bad, total.seeds, total.earlier) == (500, 0, [1, 201], 100)
    assert total.reached == {"lives": 2, "p99_ms": 300}, "counts add up, measures are the newest's"


def test_of_a_measure_the_newest_run_counts(tmp_path: Path) -> None:
    store, what = Store(tmp_path), figure(adds_up=False)
    store.add(what, slice_of(what, 100, "code"))
    store.add(what, slice_of(what, 50, "code", bad=1))
    assert store.sum(what, "code").trials == 50 and len(store.slices(what)) == 1


def test_the_hash_changes_with_the_code_and_with_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "gateway"
    folder.mkdir()
    (folder / "a.py").write_text("1")
    (folder / "notes.md").write_text("x")
    first = hashing.hash_of(["gateway"], tmp_path)
    (folder / "notes.md").write_text("y")
    assert hashing.hash_of(["gateway"], tmp_path) == first
    (folder / "a.py").write_text("2")
    changed = hashing.hash_of(["gateway"], tmp_path)
    assert changed != first
    (folder / "a.py").rename(folder / "b.py")
    assert hashing.hash_of(["gateway"], tmp_path) not in (first, changed)
    with pytest.raises(FileNotFoundError, match="code that is not there"):
        hashing.hash_of(["nowhere"], tmp_path)


# --- running --------------------------------------------------------------------------------------------------------


def test_a_run_goes_on_where_the_last_stopped_and_runs_the_control_once(tmp_path: Path) -> None:
    asked: list[tuple[int, int]] = []

    def run(trials: int, seed: int) -> Outcome:
        asked.append((trials, seed))
        if len(asked) == 3:
            raise KeyboardInterrupt
        return Outcome(trials, 0)

    controls: list[int] = []
    what = figure(run=run, control=lambda seed: controls.append(seed) or Outcome(1, 1))
    store = Store(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        command.whole(what, store, 1, 60.0)
    done = store.sum(what, hashing.hash_of(CODE)).trials
    assert 0 < done < 1_000, "what was finished is kept"
    asked.append((0, 0))
    command.whole(what, store, 1, 60.0)
    assert store.sum(what, hashing.hash_of(CODE)).trials == 1_000
    assert asked[4][1] == 1 + done, "seeds go on, and none is used twice"
    assert len(controls) == 1


def test_a_budget_ends_a_figure_before_its_release(tmp_path: Path) -> None:
    store, what = Store(tmp_path), figure()
    command.whole(what, store, 1, 0.0)
    assert store.sum(what, hashing.hash_of(CODE)).trials == 0
    assert store.sum(what, hashing.hash_of(CODE)).control_bad == 1


def test_the_share_fails_for_what_is_bad_and_for_a_control_that_finds_nothing() -> None:
    assert command.run_share([figure()], []) == 0
    assert (
        command.run_share([figure(run=lambda trials, seed: Outcome(trials, 1, failures=("seed 7",)))], [])
        == 1
    )
    assert command.run_share([figure(control=lambda seed: Outcome(5, 0))], []) == 1
    assert command.run_share([figure(share=0, control=lambda seed: Outcome(5, 0))], []) == 0


def test_what_is_missing_is_a_fault_where_everything_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(trials: int, seed: int) -> Outcome:
        raise UnavailableError("no such program: apt-get install it")

    for fails in (False, True):
        if fails:
            monkeypatch.setenv("TRYGG_REQUIRE_ALL", "1")
        else:
            monkeypatch.delenv("TRYGG_REQUIRE_ALL", raising=False)
        assert command.run_share([figure(run=unavailable)], []) == int(fails)
        assert command.run_share([], [Missing("tools.gone", "not here")]) == int(fails)


def test_a_harness_that_is_not_there_is_named_with_its_reason() -> None:
    (found,) = offered(("tools.evidence.nowhere",))
    assert isinstance(found, Missing) and "nowhere" in found.reason


def test_every_harness_offers_figures_with_a_control_and_an_honest_word_on_conditions() -> None:
    figures = [row for row in offered(HARNESSES) if isinstance(row, Figure)]
    assert len({row.id for row in figures}) == len(figures) > 2
    for row in figures:
        assert row.control is None or row.unsafe, row.id
        assert row.conditions and row.asked and row.release > 0, row.id
        hashing.hash_of(row.modules)
    assert next(row.id for row in sorted(figures, key=by_number)) == "F1"


def test_a_part_is_named_by_its_figure() -> None:
    assert command.is_part(figure(id="F8a"), "F8") and command.is_part(figure(id="F8a"), "F8a")
    assert not command.is_part(figure(id="F10"), "F1")


# --- table and page -------------------------------------------------------------------------------------------------


def test_the_table_says_reached_missed_partly_and_what_the_control_found(tmp_path: Path) -> None:
    store, what = Store(tmp_path), figure()
    assert table.verdict(what, store.sum(what, "c")) == "not run"
    store.add(what, slice_of(what, 400, "c"))
    assert table.row(what, store.sum(what, "c"))[2].startswith("partly: 0 bad in 400 of 1,000 × image")
    store.add(what, slice_of(what, 600, "c"))
    assert table.verdict(what, store.sum(what, "c")) == "reached"
    assert table.row(what, store.sum(what, "c"))[3] == "not run (forgets)"
    store.add(what, made(what, Outcome(5, 0), "c", 1, 1, control=True))
    assert table.verdict(what, store.sum(what, "c")) == "control found nothing"
    store.add(what, slice_of(what, 1, "c", bad=1))
    assert table.verdict(what, store.sum(what, "c")) == "missed"


class Reader(HTMLParser):
    """Whether what is opened is closed again."""

    VOID = ("meta", "line")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.said = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def test_the_page_is_whole_and_has_every_figure_and_every_failure(tmp_path: Path) -> None:
    store = Store(tmp_path)
    one, two = figure(), figure(id="F8a", title="Alarm <first>", adds_up=False)
    store.add(one, made(one, Outcome(5, 1, failures=("seed 3, operation 9: lost & gone",)), "c", 3, 2))
    series = {"latency": [(900, 1), (1_000, 50), (90_000, 99)], "drain": [(0, 0), (500, 60_000)]}
    store.add(two, made(two, Outcome(100, 0, {"p99_us": 900}, series=series), "c", 1, 2))  # type: ignore[arg-type]
    rows = [(what, store.sum(what, "c")) for what in (one, two)]
    text = page(rows, [Missing("tools.gone", "not installed")])
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    for words in (
        "F1 Nothing lost",
        "F8a Alarm <first>",
        "lost & gone",
        "seeds 3",
        "not installed",
        "p99 us 900",
    ):
        assert words in reader.said, words
    assert text.count("<svg") == 2 and "http" not in text.replace("charset", ""), "nothing is fetched"


def test_a_plot_needs_two_points_and_takes_a_logarithmic_axis() -> None:
    assert plot("t", [(1, 1)], "x", "y") == ""
    assert 'aria-label="t &amp; u"' in plot("t & u", [(1, 1), (1_000, 5)], "x", "y", log_x=True)
    assert plot("t", [(0, 1), (0, 2)], "x", "y", log_x=True) == ""


def lines() -> Iterator[str]:
    yield from table.lines([("F1 a", "asked", "reached", "control", "conditions")])


def test_the_terminal_has_a_block_a_figure() -> None:
    assert list(lines())[:2] == ["F1 a", "    asked      asked"]
