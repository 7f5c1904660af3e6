"""Shares of `make check` that are smaller than their harnesses say."""

from pathlib import Path

from tests.tools.evidence_bench import Bench
from tools.evidence.figures import SMALLER, load, smaller


def test_a_smaller_share_leaves_the_slices_of_a_release_as_they_are(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    usual = bench.figure(id="F1", share=100_000)
    less = smaller(usual)
    assert less.share == SMALLER["F1"] < usual.share and less.least == usual.share
    assert (
        smaller(bench.figure(id="F1", share=10)).share == 10
        and smaller(bench.figure(id="F1", share=0)).share == 0
    )
    assert smaller(bench.figure(id="F9")) == bench.figure(id="F9")
    assert {each.id for each in load()[0]} >= SMALLER.keys()
