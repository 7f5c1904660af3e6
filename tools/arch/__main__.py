"""`python -m tools.arch`: the rules of the house that no linter knows. Exit status 1 where one is broken."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.arch import habits, portable, sizes, text
from tools.arch.source import Finding, Source, read_sources, repository_files

PER_FILE = (text.check, text.check_empty, sizes.check, portable.check, habits.check_sleeping)


def findings(sources: Sequence[Source]) -> Iterator[Finding]:
    """Everything that any check says about `sources`."""
    readable = []
    for source in sources:
        error = source.syntax_error()
        if error is None:
            readable.append(source)
        else:
            yield source.finding(error.lineno or 1, f"is no Python: {error.msg}")
    for source in readable:
        for check in PER_FILE:
            yield from check(source)
    yield from habits.check_patching(readable)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a checkout, print what is found."""
    parser = argparse.ArgumentParser(prog="python -m tools.arch", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="checkout to read (default: here)")
    parser.add_argument("--advice", action="store_true", help="also print what is near a limit")
    options = parser.parse_args(arguments)
    sources = read_sources(options.root, repository_files(options.root))
    found = sorted(findings(sources))
    fatal = [finding for finding in found if finding.fatal]
    for finding in found if options.advice else fatal:
        print(finding)
    portable_count = sum(portable.area_of(source) is not None for source in sources)
    print(
        f"{len(sources)} files read, {portable_count} of them portable: "
        f"{len(fatal)} findings, {len(found) - len(fatal)} pieces of advice (--advice)"
    )
    return 1 if fatal else 0


if __name__ == "__main__":
    sys.exit(main())
