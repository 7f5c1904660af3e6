"""Run the figures, keep what they found, and write the table and the page.

    python -m tools.evidence [--only F1,F3] [--seconds N] [--seed S] [--out DIR]   a release's trials, resumable
    python -m tools.evidence --share                                             a small part of each, with every control
    python -m tools.evidence --page                                              table and page of what is there

A figure goes on where its last run stopped, while the code it speaks of is the same. Exit status: 0, 1 where something bad
was found or a control found nothing, 2 for a wrong command line.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tools.evidence import hashing, table
from tools.evidence.figure import Figure, UnavailableError
from tools.evidence.figures import Missing, by_number, offered
from tools.evidence.page import page
from tools.evidence.store import Store, made

SHARE_SEED, CONTROL_SEED = 20_261, 77
SLICE_S = 60.0  # what an interruption costs at most, about
FIRST_SLICE = 20  # shares of a share that the first slice is: how long a trial takes is not known yet


def share(figure: Figure) -> list[str]:
    """The small part of one figure and its control; what is wrong."""
    began, wrong = time.monotonic(), []
    if figure.share:
        outcome = figure.run(figure.share, SHARE_SEED)
        if not figure.ok(outcome):
            wrong += [f"{figure.id}: {outcome.bad} bad in {outcome.trials}", *outcome.failures]
    if figure.share and figure.control is not None and figure.control(CONTROL_SEED).bad == 0:
        wrong.append(f"{figure.id}: the control found nothing ({figure.unsafe}): the harness proves nothing")
    words = f"{figure.share:,} × {figure.trial}" if figure.share else "not in the share"
    print(
        f"{figure.id:<5}{'ok' if not wrong else 'BAD':<5}{time.monotonic() - began:6.1f} s  {words}",
        flush=True,
    )
    return wrong


def whole(figure: Figure, store: Store, seed: int, budget_s: float) -> None:
    """As many trials as a release asks for, in slices that are kept as they end, and the control once."""
    code = hashing.hash_of(figure.modules)
    end = time.monotonic() + budget_s
    total = store.sum(figure, code)
    if total.control_bad is None and figure.control is not None:
        keep(figure, store, code, CONTROL_SEED, 0)
    trials = figure.release if not figure.adds_up else max(1, figure.share, figure.release // 1_000)
    while total.trials < figure.release and time.monotonic() < end:
        trials = min(trials, figure.release - total.trials)
        took = keep(figure, store, code, seed + total.trials, trials)
        total = store.sum(figure, code)
        trials = max(1, int(trials * min(4.0, SLICE_S / max(0.1, took))))
        print(f"{figure.id}: {total.trials:,} of {figure.release:,}, {total.bad:,} bad", flush=True)


def keep(figure: Figure, store: Store, code: str, seed: int, trials: int) -> float:
    """Run one slice (0 trials: the control) and keep it; the seconds it took."""
    began = time.monotonic()
    outcome = figure.run(trials, seed) if trials or figure.control is None else figure.control(seed)
    took = time.monotonic() - began
    store.add(figure, made(figure, outcome, code, seed, round(took), control=not trials))
    return took


def chosen(only: str | None) -> tuple[list[Figure], list[Missing]]:
    """The figures that are wanted, and what is missing. Raises ValueError for a name nobody has."""
    found = list(offered())
    figures = sorted([row for row in found if isinstance(row, Figure)], key=by_number)
    missing = [row for row in found if isinstance(row, Missing)]
    if only is not None:
        names = only.split(",")
        unknown = [name for name in names if not any(is_part(figure, name) for figure in figures)]
        if unknown:
            raise ValueError(
                f"no such figure: {', '.join(unknown)}; there are {', '.join(f.id for f in figures)}"
            )
        figures = [figure for figure in figures if any(is_part(figure, name) for name in names)]
    return figures, missing


def is_part(figure: Figure, name: str) -> bool:
    """F8 names F8a and F8b, and F1 not F10."""
    return name in (figure.id, figure.id.rstrip("abcdefgh"))


def run_share(figures: Iterable[Figure], missing: Iterable[Missing]) -> int:
    """The small part of all; 0 where nothing is wrong."""
    wrong: list[str] = []
    for figure in figures:
        try:
            wrong += share(figure)
        except UnavailableError as error:
            wrong += skipped(f"{figure.id}: {error}")
    for gone in missing:
        wrong += skipped(f"{gone.module}: {gone.reason}")
    for line in wrong:
        print(line)
    return int(bool(wrong))


def skipped(reason: str) -> list[str]:
    """A skip is a fault where everything must be there."""
    print(f"skipped: {reason}")
    return [f"skipped, and TRYGG_REQUIRE_ALL is set: {reason}"] if os.environ.get("TRYGG_REQUIRE_ALL") else []


def report(figures: list[Figure], missing: list[Missing], store: Store) -> int:
    """Table and page of what is kept; 1 where a figure was missed or its control found nothing."""
    rows = [(figure, store.sum(figure, hashing.hash_of(figure.modules))) for figure in figures]
    for line in table.lines(table.row(*pair) for pair in rows):
        print(line)
    store.folder.mkdir(parents=True, exist_ok=True)
    (store.folder / "index.html").write_text(page(rows, missing), encoding="utf-8")
    return int(any(table.verdict(*pair) in ("missed", "control found nothing") for pair in rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.evidence",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--share", action="store_true", help="a small part of each, nothing is kept")
    parser.add_argument("--page", action="store_true", help="run nothing, write what is kept")
    parser.add_argument("--only", metavar="F1,F3", help="these figures alone")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at most so long for each figure")
    parser.add_argument("--seed", type=int, default=1, help="of the first trial (default: 1)")
    parser.add_argument("--out", type=Path, default=hashing.ROOT / "evidence", metavar="DIR")
    options = parser.parse_args(argv)
    try:
        figures, missing = chosen(options.only)
    except ValueError as error:
        parser.error(str(error))
    if options.share:
        return run_share(figures, missing)
    store = Store(options.out)
    for figure in figures if not options.page else []:
        try:
            whole(figure, store, options.seed, options.seconds)
        except UnavailableError as error:
            print(f"skipped: {figure.id}: {error}")
        except KeyboardInterrupt:
            print("interrupted: what was finished is kept")
            break
    every, gone = chosen(None)
    return report(every, gone, store)


if __name__ == "__main__":
    sys.exit(main())
