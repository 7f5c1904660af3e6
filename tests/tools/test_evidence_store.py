"""What is kept of evidence: rows come back as they went, a hash sees what counts, slices become one outcome."""

from pathlib import Path

import pytest

from tests.tools.evidence_bench import CODE, CONDITIONS, Bench
from tools.evidence import merge
from tools.evidence.figure import Outcome
from tools.evidence.hashing import files_of, hash_of
from tools.evidence.store import Row, StoreError


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_row_comes_back_as_it_went_and_no_draft_is_left(bench: Bench) -> None:
    outcome = Outcome(
        5, 1, {"p99_us": 7, "kind": "a \u2028 b"}, ("seed 1",), {"noticed_ms": [(0, 1), (1, 2)]}
    )
    row = Row("h", ((1, 5), (7, 8)), outcome, 12, CONDITIONS)
    bench.store.add("F1", row)
    bench.store.add_control("F1", row)
    record = bench.store.read("F1")
    assert (record.rows, record.controls) == ((row,), (row,))
    assert [path.name for path in bench.store.folder.iterdir()] == ["F1.json"]


@pytest.mark.parametrize(
    "text", ["", "{}", '{"schema": 2, "figure": "F1"}', '{"schema": 1, "figure": "F1", "rows": [{}]}']
)
def test_a_file_that_is_not_ours_is_refused_with_its_name(bench: Bench, text: str) -> None:
    bench.store.folder.mkdir()
    bench.store.path("F1").write_text(text)
    with pytest.raises(StoreError, match=r"F1\.json"):
        bench.store.read("F1")


def test_the_hash_sees_contents_and_names_of_what_counts(bench: Bench) -> None:
    first = hash_of(bench.root, ["code"])
    (bench.root / "code" / "notes.md").write_text("x")
    assert hash_of(bench.root, ["code"]) == first
    (bench.root / "code" / "tables.sql").write_text("x")
    second = hash_of(bench.root, ["code"])
    (bench.root / "code" / "tables.sql").rename(bench.root / "code" / "other.sql")
    assert len({first, second, hash_of(bench.root, ["code"])}) == 3
    assert files_of(bench.root, ["code", CODE]) == ["code/other.sql", CODE], "each once"
    with pytest.raises(ValueError, match="no such module"):
        hash_of(bench.root, ["cod"])


def test_extremes_stay_and_counts_are_added() -> None:
    one = Outcome(
        1, 0, {"kills": 2, "p99_ms": 9, "least_ms": 3, "limit_ms": 50, "drained_ms": "never", "broker": "x"}
    )
    other = Outcome(
        1, 1, {"kills": 1, "p99_ms": 7, "least_ms": 1, "limit_ms": 50, "drained_ms": 5, "broker": "x"}
    )
    assert merge.add(one, other).reached == {
        "kills": 3,
        "p99_ms": 9,
        "least_ms": 1,
        "limit_ms": 50,
        "drained_ms": "never / 5",
        "broker": "x",
    }
    silences = [Outcome(1, 0, {"latest notice, ms": each, "earliest, ms": each}) for each in (7, 9)]
    assert merge.add(*silences).reached == {"latest notice, ms": 9, "earliest, ms": 7}


def test_a_long_series_is_thinned_and_keeps_its_highest_and_last_point() -> None:
    points = [(x, 5_000 if x == 1_001 else x % 7) for x in range(5_000)]
    kept = merge.thinned(points)
    assert len(kept) <= merge.POINTS_MOST
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert (1_001, 5_000) in kept
    assert merge.joined("noticed_ms", [(0, 4), (1, 5)], [(0, 6)]) == [(0, 4), (1, 5), (2, 6)]
    assert merge.joined("drained_by_ms", [(0, 4), (1, 5)], [(0, 6)]) == [(0, 6)]
