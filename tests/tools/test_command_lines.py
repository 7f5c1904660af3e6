"""Command lines that cannot come to anything: one sentence with the cause and what to do, status 2, and no work begun."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.evidence_bench import Bench
from tools.bench import __main__ as bench_command
from tools.bench.peers import __main__ as peers_command
from tools.bench.scratch import scratch
from tools.evidence import __main__ as evidence_command
from tools.evidence.figure import Outcome
from tools.evidence.figures import Harness
from tools.evidence.folders import FolderError, writable
from tools.rig import kills, schedules
from tools.rig.forgery import __main__ as forgery_command

Main = Callable[[list[str]], int]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "taken"
    path.write_text("not a folder")
    return path


def test_a_folder_is_made_where_it_is_not_there_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert writable(folder, "name another") == folder
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("below", "cause"), [("", "is a file and no folder"), ("x", "Not a directory")])
def test_a_folder_that_takes_nothing_is_refused_with_its_cause_and_the_remedy(
    file: Path, below: str, cause: str
) -> None:
    with pytest.raises(FolderError, match=f"taken.*{cause}.*; name another") as refused:
        writable(file / below, "name another")
    assert "\n" not in str(refused.value)


def harness_of(
    bench: Bench, harness: Callable[..., Harness], *runs: Callable[[int, int], Outcome]
) -> Harness:
    ids = tuple(f"F{number}" for number, _ in enumerate(runs, 1))
    figures = (bench.figure(id=each, run=run, release=500) for each, run in zip(ids, runs, strict=True))
    return harness("trygg_lines", ids, FIGURES=tuple(figures))


@pytest.mark.parametrize("way", ["--page", "--only=F1"])
def test_evidence_into_a_folder_that_takes_nothing_is_refused_before_anything_runs(
    bench: Bench, harness: Callable[..., Harness], file: Path, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    offered = harness_of(bench, harness, bench.run)
    assert evidence_command.main([way, "--out", str(file)], (offered,), bench.root) == 2
    assert capsys.readouterr().err == (
        f"evidence: {file} is a file and no folder; name another folder with --out\n"
    )
    assert bench.calls == bench.controls == []


def test_evidence_that_can_no_longer_be_kept_ends_the_run_with_one_sentence(
    bench: Bench, harness: Callable[..., Harness], capsys: pytest.CaptureFixture[str]
) -> None:
    out = bench.root / "evidence"

    def run(trials: int, seed: int) -> Outcome:
        (out / "F1.json").unlink()
        out.rmdir()
        out.write_text("the disk was changed")
        return bench.run(trials, seed)

    offered = harness_of(bench, harness, run, bench.run)
    assert evidence_command.main(["--out", str(out)], (offered,), bench.root) == 1
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "cannot be written (" in said.err and "run it again" in said.err
    assert "Traceback" not in said.out + said.err
    assert len(bench.calls) == 1


@pytest.mark.parametrize(
    ("main", "line", "words"),
    [
        (bench_command.main, ["--only", "nonsense"], "no part 'nonsense'; there are latency, drain, journal"),
        (bench_command.main, ["--alarms", "0"], "found 0, expected 1 or more"),
        (bench_command.main, ["--events", "-5"], "found -5, expected 1 or more"),
        (peers_command.main, ["--only", "wire,nonsense"], "no part 'nonsense'; there are accept"),
        (peers_command.main, ["--rounds", "0"], "found 0, expected 1 or more"),
        (schedules.main, ["--count", "0"], "found 0, expected 1 or more"),
        (schedules.main, ["--life", "0"], "found 0, expected 1 or more"),
        (forgery_command.main, ["--trials", "0"], "found 0, expected 1 or more"),
    ],
)
def test_a_command_that_would_run_nothing_is_refused(
    main: Main, line: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as usage:
        main(line)
    assert usage.value.code == 2
    assert words in capsys.readouterr().err


def test_kills_kept_in_a_folder_that_takes_nothing_are_refused(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kills.main(["--n", "1", "--keep", str(file)]) == 2
    assert (
        capsys.readouterr().err == f"kills: {file} is a file and no folder; name another folder with --keep\n"
    )


def test_a_bench_in_a_folder_that_takes_nothing_is_refused(file: Path) -> None:
    with pytest.raises(FolderError, match="name another folder in TRYGG_BENCH_DIR"), scratch("x", str(file)):
        pass


def test_a_bench_leaves_nothing_in_the_folder_that_is_named(tmp_path: Path) -> None:
    with scratch("x", str(tmp_path)) as folder:
        (folder / "measured").touch()
        assert folder.parent == tmp_path and folder.name.startswith("trygg-x-")
    assert list(tmp_path.iterdir()) == []
