"""Figures that count: run them, continue them, print them.

    python -m tools.evidence                 every figure up to a release's trials, into evidence/
    python -m tools.evidence --seconds 60    at most so long a figure; the next call continues
    python -m tools.evidence --share         the small share of `make check`, with every control; stores nothing
    python -m tools.evidence --page          table and page of what is stored; runs nothing

Exit status 1: something is bad, fell, or (with TRYGG_REQUIRE_ALL=1) was skipped. 2: usage, the folder of --out among it.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from tools.evidence.figure import Figure
from tools.evidence.figures import HARNESSES, Harness, Skipped, load, names
from tools.evidence.folders import FolderError, writable
from tools.evidence.page import page
from tools.evidence.run import Collector, Share, machine, monotonic_ms
from tools.evidence.standing import BAD, Evidence, gather
from tools.evidence.store import Store, StoreError, write_whole
from tools.evidence.table import table
from tools.evidence.words import decimal
from tools.rig.counts import positive

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 160  # of the table where nobody's terminal says otherwise
INTERRUPTED = 130  # as a shell reports SIGINT


def parsed(argv: list[str] | None) -> argparse.Namespace:
    """Options."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.evidence",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--share", action="store_true", help="what make check runs")
    way.add_argument("--page", action="store_true", help="only write table and page of what is stored")
    parser.add_argument("--only", default="", help="figures by id, as F1,F3; F8 is all its parts")
    parser.add_argument("--seconds", type=positive, help="the most a figure may take in this call")
    parser.add_argument("--out", type=Path, default=ROOT / "evidence", help="the folder of the store")
    parser.add_argument("--seed", type=int, default=1, help="the first seed; later slices count on from it")
    options = parser.parse_args(argv)
    options.only = [each for each in options.only.split(",") if each]
    return options


def chosen(
    only: list[str], listed: list[Figure], skipped: list[Skipped]
) -> tuple[list[Figure], list[Skipped]]:
    """What is asked for.

    Raises:
        ValueError: an id that no harness offers.
    """
    known = [each.id for each in listed]
    absent = [part for each in skipped for part in each.ids]  # F8 may have had a part F8a
    unknown = [
        each for each in only if not names(absent, each) and not any(names([each], name) for name in known)
    ]
    if unknown:
        raise ValueError(f"no figure {', '.join(unknown)}; there are {', '.join(known + absent)}")
    if not only:
        return listed, skipped
    return (
        [each for each in listed if names(only, each.id)],
        [each for each in skipped if any(names(each.ids, part) for part in only)],
    )


def strict() -> bool:
    """Whether a skip is a failure."""
    return os.environ.get("TRYGG_REQUIRE_ALL") == "1"


def say(line: str) -> None:
    """At once, also into a pipe: runs are long."""
    print(line, flush=True)


def share(listed: list[Figure], skipped: list[Skipped], seed: int) -> int:
    """The share, one line a figure."""
    for each in skipped:
        say(f"{', '.join(each.ids)} skipped: {each.reason}")
    began_ms = monotonic_ms()
    run = Share(seed, say)
    for figure in listed:
        if figure.share:
            run.run(figure)
    say(f"all    {decimal(monotonic_ms() - began_ms, 1_000, 1)} s")
    left = [each.id for each in listed if not each.share]
    if left:
        say(f"left to `make evidence`: {', '.join(left)}")
    return int(bool(run.bad) or (strict() and bool(skipped or run.skipped)))


def show(evidence: Evidence, only: Iterable[str]) -> None:
    """The table of what was asked for."""
    wanted = list(only)
    standings = tuple(each for each in evidence.standings if each.figure.id in wanted)
    print(table(Evidence(standings, evidence.skipped), shutil.get_terminal_size((WIDTH, 24)).columns), end="")


def run(options: argparse.Namespace, root: Path, listed: list[Figure]) -> Collector:
    """Bring each figure on, or only open the store where the page is all that is asked for."""
    collector = Collector(root, Store(options.out), options.seed, options.seconds, machine(), say)
    try:
        for each in () if options.page else listed:
            collector.collect(each)
    except KeyboardInterrupt:
        collector.interrupted = True
    return collector


def refuse(status: int, error: Exception) -> int:
    """Say why, in one line."""
    print(f"evidence: {error}", file=sys.stderr)
    return status


def main(argv: list[str] | None = None, harnesses: tuple[Harness, ...] = HARNESSES, root: Path = ROOT) -> int:
    """Entry point."""
    options = parsed(argv)
    everything, all_skipped = load(harnesses)
    try:
        listed, skipped = chosen(options.only, everything, all_skipped)
        if not options.share:
            writable(options.out, "name another folder with --out")
    except (ValueError, FolderError) as error:
        return refuse(2, error)
    if options.share:
        return share(listed, skipped, options.seed)
    try:
        collector = run(options, root, listed)
        evidence = gather(root, collector.store, everything, all_skipped, collector.notes)
        write_whole(options.out / "index.html", page(evidence))
    except StoreError as error:
        return refuse(1, error)
    ids = [each.id for each in listed]
    show(Evidence(evidence.standings, tuple(skipped)), ids)
    if collector.interrupted:
        print("interrupted; what is finished is kept, and the same command continues", file=sys.stderr)
        return INTERRUPTED
    bad = any(each.verdict in BAD for each in evidence.standings if each.figure.id in ids)
    lacking = strict() and bool(skipped or collector.skipped)
    return int(bad or bool(collector.fallen) or lacking)


if __name__ == "__main__":
    sys.exit(main())
