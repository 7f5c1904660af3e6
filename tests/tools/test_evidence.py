"""Evidence: trials resume, add up only where the code is the same, and a harness that is blind is found."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tools.evidence_bench import CONDITIONS, Bench
from tools.evidence import __main__ as command
from tools.evidence import page, words
from tools.evidence.figure import Outcome, UnavailableError
from tools.evidence.figures import HARNESSES, Harness, load, names, rank
from tools.evidence.hashing import files_of
from tools.evidence.run import SLICE_MS, ChangedError, Share
from tools.evidence.standing import CONTROL_EMPTY, NOT_REACHED, NOT_RUN, REACHED, SO_FAR, stand
from tools.evidence.store import SEED_STRIDE, Row


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# --- slices -------------------------------------------------------------------------------------------------------


def test_a_release_is_done_in_slices_that_share_no_seed(bench: Bench) -> None:
    bench.collect(bench.figure())
    assert bench.calls[0] == (500, 1)
    assert sum(trials for trials, _ in bench.calls) == 10_000
    assert all(trials * 10 <= SLICE_MS for trials, _ in bench.calls)
    seeds = [seed for _, seed in bench.calls]
    assert seeds == [1 + SEED_STRIDE * place for place in range(len(seeds))]
    standing = stand(bench.root, bench.store, bench.figure())
    assert standing.verdict == REACHED
    assert len(standing.rows) == 1, "slices of one call are one row"
    assert [(trials, seed) for seed, trials in standing.rows[0].slices] == bench.calls
    assert standing.outcome.reached == {
        "lives": 2 * len(seeds),
        "worst_ms": max(seed % 100 for seed in seeds),
    }


def test_a_budget_ends_a_figure_and_the_next_call_continues(bench: Bench) -> None:
    bench.collect(bench.figure(), seconds=40, date="a")
    standing = stand(bench.root, bench.store, bench.figure())
    assert standing.verdict == SO_FAR
    assert standing.outcome.trials == 4_000
    assert bench.clock.ms == 40_000
    assert "4,000 of 10,000 crash images" in words.reached_words(standing)
    bench.collect(bench.figure(), date="b")
    assert len({seed for _, seed in bench.calls}) == len(bench.calls), "no trial is done twice"
    assert stand(bench.root, bench.store, bench.figure()).outcome.trials == 10_000
    done = len(bench.calls)
    bench.collect(bench.figure(), date="c")
    assert len(bench.calls) == done, "nothing is left to do"
    assert bench.controls == [1], "a control counts as long as the code stays"


def test_a_budget_leaves_no_slice_smaller_than_a_share(bench: Bench) -> None:
    """A harness that counts along lives would see the beginnings of lives only."""
    bench.collect(bench.figure(), seconds=27)
    assert [trials for trials, _ in bench.calls] == [500, 2_000]
    bench.collect(bench.figure(share=3_000), seconds=1)
    assert bench.calls[-1][0] == 3_000, "each call does one slice at least, so that calls come to an end"


def test_an_interrupted_run_keeps_its_slices(bench: Bench) -> None:
    def run(trials: int, seed: int) -> Outcome:
        if len(bench.calls) == 2:
            raise KeyboardInterrupt
        return bench.run(trials, seed)

    with pytest.raises(KeyboardInterrupt):
        bench.collect(bench.figure(run=run))
    kept = stand(bench.root, bench.store, bench.figure()).outcome.trials
    assert kept == sum(trials for trials, _ in bench.calls) > 500


def test_hashes_that_differ_do_not_add_up(bench: Bench) -> None:
    bench.collect(bench.figure(release=600), date="a")
    bench.code("2")
    standing = stand(bench.root, bench.store, bench.figure(release=600))
    assert standing.outcome is None
    assert [row.outcome.trials for row in standing.earlier] == [600]
    assert standing.control is None, "a control speaks of its code too"
    bench.collect(bench.figure(release=600), date="a")
    standing = stand(bench.root, bench.store, bench.figure(release=600))
    assert (standing.outcome.trials, len(standing.rows), len(standing.earlier)) == (600, 1, 1)
    assert "earlier code, not added" in page.page(bench.evidence(bench.figure(release=600)))
    bench.code("1")
    standing = stand(bench.root, bench.store, bench.figure(release=600))
    assert (standing.verdict, standing.outcome.trials) == (REACHED, 600), (
        "code that is back has its trials back"
    )


def test_what_earlier_code_reached_is_said_as_such_and_the_newest_whole_run_of_it(bench: Bench) -> None:
    figure = bench.figure(release=600)
    assert stand(bench.root, bench.store, figure).before is None
    bench.collect(figure, date="2026-11-28T20:00:00Z")
    bench.code("2")
    bench.collect(bench.figure(release=200), date="2026-11-29T03:00:00Z")
    bench.code("3")
    standing = stand(bench.root, bench.store, figure)
    said = words.reached_words(standing)
    assert said.startswith(
        "not run with this code; with earlier code, 2026-11-28: reached: 600 crash images, 0 bad"
    )
    assert standing.verdict == NOT_RUN, "what is of other code decides nothing"
    bench.collect(bench.figure(release=200), date="2026-11-29T04:00:00Z")
    assert words.reached_words(stand(bench.root, bench.store, figure)).startswith("so far: 200 of 600")


def test_a_loss_of_earlier_code_is_said_as_one(bench: Bench) -> None:
    bench.collect(bench.figure(release=600, run=loses), date="2026-11-28T20:00:00Z")
    bench.code("2")
    said = words.reached_words(stand(bench.root, bench.store, bench.figure(release=600)))
    assert said.startswith("not run with this code; with earlier code, 2026-11-28: NOT REACHED: ")


def test_code_that_changes_during_a_run_keeps_nothing_of_it(bench: Bench) -> None:
    def run(trials: int, seed: int) -> Outcome:
        bench.code("changed")
        return bench.run(trials, seed)

    collector = bench.collect(bench.figure(run=run))
    assert collector.fallen == ["F1"]
    assert ChangedError.__name__ in collector.notes["F1"]
    assert stand(bench.root, bench.store, bench.figure()).record.rows == ()


def test_a_harness_that_falls_is_a_finding_and_the_next_one_runs(bench: Bench) -> None:
    def falls(trials: int, seed: int) -> Outcome:
        raise RuntimeError("no broker")

    collector = bench.collect(bench.figure(run=falls))
    collector.collect(bench.figure(id="F2", release=500))
    assert collector.fallen == ["F1"]
    assert collector.standing(bench.figure(id="F2", release=500)).verdict == REACHED


def test_runs_that_do_not_add_up_count_by_the_newest(bench: Bench) -> None:
    late = bench.figure(adds_up=False, release=1_000, share=100)
    bench.collect(late, seconds=5)
    assert [trials for trials, _ in bench.calls] == [100, 400], "a share tells what fits"
    bench.collect(late)
    standing = stand(bench.root, bench.store, late)
    assert (bench.calls[-1][0], standing.outcome.trials, len(standing.rows)) == (1_000, 1_000, 3)
    bench.collect(late)
    assert len(bench.calls) == 3


def test_a_run_that_missed_what_is_asked_may_be_tried_again_and_stays_on_the_list(bench: Bench) -> None:
    def run(trials: int, seed: int) -> Outcome:
        bench.run(trials, seed)
        return Outcome(trials, int(len(bench.calls) == 1))

    late = bench.figure(adds_up=False, release=1_000, run=run)
    bench.collect(late)
    assert stand(bench.root, bench.store, late).verdict == NOT_REACHED
    bench.collect(late)
    standing = stand(bench.root, bench.store, late)
    assert standing.verdict == REACHED
    assert [row.outcome.bad for row in standing.rows] == [1, 0]


def test_one_loss_decides_however_many_trials_follow(bench: Bench) -> None:
    def run(trials: int, seed: int) -> Outcome:
        bench.run(trials, seed)
        return Outcome(trials, int(seed == 1), {}, (f"seed {seed}: lost",) if seed == 1 else ())

    bench.collect(bench.figure(run=run))
    standing = stand(bench.root, bench.store, bench.figure())
    assert (standing.verdict, standing.outcome.failures) == (NOT_REACHED, ("seed 1: lost",))


def test_a_seed_that_another_process_has_brought_is_not_counted_twice(bench: Bench) -> None:
    row = Row("h", ((1, 5),), Outcome(5, 0), 1, CONDITIONS)
    assert bench.store.add("F1", row)
    assert not bench.store.add("F1", row)
    assert bench.store.read("F1").rows == (row,)


def test_slices_of_another_first_seed_share_no_trial_with_those_there(bench: Bench) -> None:
    """A harness counts lives up from its seed: 5 would have the trials of 1 again."""
    bench.collect(bench.figure(release=500))
    record = bench.store.read("F1")
    modules = record.rows[0].modules
    assert record.next_seed(modules, 5) == 1 + SEED_STRIDE
    assert record.next_seed(modules, 1 + 5 * SEED_STRIDE) == 1 + 5 * SEED_STRIDE
    assert record.next_seed("other code", 5) == 5
    assert not bench.store.add("F1", Row(modules, ((5, 100),), Outcome(100, 0), 1, CONDITIONS))


def test_a_figure_whose_start_costs_more_than_its_trials_has_larger_slices(bench: Bench) -> None:
    bench.collect(bench.figure(least=4_000))
    assert [trials for trials, _ in bench.calls] == [4_000, 4_000, 2_000]


# --- controls and skips -------------------------------------------------------------------------------------------


def blind(seed: int) -> Outcome:
    return Outcome(4, 0)


def loses(trials: int, seed: int) -> Outcome:
    return Outcome(trials, 1, {"lost": 1}, (f"seed {seed}: lost",))


def judged(bench: Bench, **given: object) -> list[str]:
    share = Share(1, bench.said.append, bench.clock)
    share.run(bench.figure(**given))
    return share.bad


def test_the_share_runs_each_figure_and_its_control_with_the_fixed_seed(bench: Bench) -> None:
    assert judged(bench) == []
    assert (bench.calls, bench.controls) == ([(500, 1)], [1])
    assert re.search(
        r"F1 +5\.0 s  500 crash images, 0 bad; control: it forgets: 3 bad in 4 crash images", bench.said[0]
    )
    assert not bench.store.folder.exists()


def test_a_control_that_finds_nothing_fails_in_both_ways(bench: Bench) -> None:
    assert judged(bench, control=blind) == ["F1"]
    bench.collect(bench.figure(release=500, control=blind))
    assert stand(bench.root, bench.store, bench.figure(release=500)).verdict == CONTROL_EMPTY
    bench.collect(bench.figure(release=500))
    assert stand(bench.root, bench.store, bench.figure(release=500)).verdict == REACHED, (
        "mended, it is run again"
    )


def test_a_loss_fails_the_share_with_what_replays_it(bench: Bench) -> None:
    assert judged(bench, run=loses) == ["F1"]
    assert "seed 1: lost" in bench.said[-1]


def test_a_figure_without_a_share_is_left_to_the_whole_run(
    bench: Bench, harness: Callable[..., Harness], capsys: pytest.CaptureFixture[str]
) -> None:
    kills = bench.figure(id="F4", share=0)
    assert call(bench, harness("trygg_kills", ("F4",), FIGURES=(kills,)), "--share") == 0
    assert bench.calls == []
    assert "left to `make evidence`: F4" in capsys.readouterr().out
    bench.collect(kills)
    assert bench.calls[0] == (10, 1)
    assert stand(bench.root, bench.store, kills).outcome.trials == 10_000
    late = bench.figure(id="F8", share=0, release=100, adds_up=False)
    bench.collect(late, seconds=30)
    assert [trials for trials, _ in bench.calls[-2:]] == [5, 100]


def test_a_missing_module_and_a_missing_package_are_skipped_with_their_reason(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    import sys

    (tmp_path / "trygg_needs_more.py").write_text("import a_package_that_is_nowhere\n")
    (tmp_path / "trygg_is_broken.py").write_text("import tools.evidence.nowhere\n")
    sys.path.insert(0, str(tmp_path))
    request.addfinalizer(lambda: sys.path.remove(str(tmp_path)))
    figures, skipped = load(
        [Harness("tools.rig.nowhere", ("F4",)), Harness("trygg_needs_more", ("F5", "F6"))]
    )
    assert figures == []
    assert [each.reason for each in skipped] == [
        "tools.rig.nowhere is not in this version",
        "a_package_that_is_nowhere is not installed here",
    ]
    with pytest.raises(ModuleNotFoundError):
        load([Harness("trygg_is_broken", ("F5",))])


def test_figures_stand_in_the_order_of_the_list_and_each_once(
    bench: Bench, harness: Callable[..., Harness]
) -> None:
    both = harness(
        "trygg_both",
        ("F3", "F8", "F12"),
        FIGURES=[bench.figure(id=each) for each in ("F12", "F8b", "F8a", "F3")],
    )
    assert [each.id for each in load([both])[0]] == ["F3", "F8a", "F8b", "F12"]
    with pytest.raises(ValueError, match="twice"):
        load([both, both])
    assert (
        names(["F8"], "F8a")
        and names(["F8a"], "F8a")
        and not names(["F8"], "F81")
        and not names(["F8a"], "F8b")
    )
    assert sorted(["D1", "F12", "F3"], key=rank) == ["F3", "F12", "D1"]
    with pytest.raises(ValueError):
        rank("X1")


def test_harnesses_of_this_tree_offer_what_they_are_listed_with() -> None:
    listed, skipped = load()
    for each in listed:
        assert each.share <= each.release
        assert each.control is not None and each.unsafe
        assert files_of(command.ROOT, each.modules)
    assert {each.module for each in skipped} < {each.module for each in HARNESSES}


# --- the command --------------------------------------------------------------------------------------------------


def call(bench: Bench, harness: Harness, *argv: str) -> int:
    return command.main([*argv, "--out", str(bench.root / "evidence")], (harness,), bench.root)


@contextmanager
def requiring_all(value: str | None) -> Iterator[None]:
    """TRYGG_REQUIRE_ALL as given meanwhile, whatever this run of the tests was started with."""
    before = os.environ.pop("TRYGG_REQUIRE_ALL", None)
    try:
        if value is not None:
            os.environ["TRYGG_REQUIRE_ALL"] = value
        yield
    finally:
        os.environ.pop("TRYGG_REQUIRE_ALL", None)
        if before is not None:
            os.environ["TRYGG_REQUIRE_ALL"] = before


def unavailable(trials: int, seed: int) -> Outcome:
    raise UnavailableError("mosquitto is not installed: apt-get install mosquitto")


def test_a_skip_passes_and_is_a_failure_where_everything_must_run(
    bench: Bench, harness: Callable[..., Harness], capsys: pytest.CaptureFixture[str]
) -> None:

    lacking = harness("trygg_lacking", ("F4",), FIGURES=(bench.figure(id="F4", run=unavailable),))
    absent = Harness("tools.rig.nowhere", ("F5",))
    for required, status in ((None, 0), ("1", 1)):
        with requiring_all(required):
            statuses = [
                call(bench, each, way) for each in (lacking, absent) for way in ("--share", "--seed=1")
            ]
        assert statuses == [status] * 4
    said = capsys.readouterr().out
    assert "skipped: mosquitto is not installed" in said
    assert "skipped: tools.rig.nowhere is not in this version" in said


def test_the_command_runs_what_is_asked_for_and_says_how_it_ended(
    bench: Bench, harness: Callable[..., Harness], capsys: pytest.CaptureFixture[str]
) -> None:
    offered = (bench.figure(release=500), bench.figure(id="F3", release=500, run=loses))
    both = harness("trygg_both", ("F1", "F3"), FIGURES=offered)
    assert call(bench, both, "--page") == 0
    assert bench.calls == []
    assert call(bench, both, "--only", "F1") == 0
    assert bench.calls == [(500, 1)]
    assert not (bench.root / "evidence" / "F3.json").exists()
    assert call(bench, both) == 1
    assert call(bench, both, "--page") == 1
    assert call(bench, both, "--only", "F1", "--page") == 0
    assert "NOT REACHED: 500 crash images, 1 bad" in (bench.root / "evidence" / "index.html").read_text(
        "utf-8"
    )
    assert call(bench, both, "--only", "F3a") == 2
    with requiring_all(None):
        assert call(bench, Harness("tools.rig.nowhere", ("F8",)), "--only", "F8a") == 0
    capsys.readouterr()
    assert call(bench, both, "--only", "F2") == 2
    assert "no figure F2; there are F1, F3" in capsys.readouterr().err
    with pytest.raises(SystemExit) as usage:
        call(bench, both, "--seconds", "0")
    assert usage.value.code == 2


def test_an_interrupt_writes_the_page_of_what_is_kept(bench: Bench, harness: Callable[..., Harness]) -> None:
    def run(trials: int, seed: int) -> Outcome:
        if bench.calls:
            raise KeyboardInterrupt
        return bench.run(trials, seed)

    one = harness("trygg_one", ("F1",), FIGURES=(bench.figure(run=run),))
    assert call(bench, one) == command.INTERRUPTED
    assert "500 of 10,000 crash images" in (bench.root / "evidence" / "index.html").read_text("utf-8")
    assert json.loads((bench.root / "evidence" / "F1.json").read_text("utf-8"))["rows"][0]["slices"] == [
        [1, 500]
    ]
