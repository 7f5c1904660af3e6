"""Where the benches put what they measure: the disk counts, so whoever runs them may name another."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.evidence.folders import writable

VARIABLE = "TRYGG_BENCH_DIR"


@contextmanager
def scratch(name: str, named: str | None = None) -> Iterator[Path]:
    """A folder that goes away, in the one that is named, or that TRYGG_BENCH_DIR names. Raises FolderError."""
    place = named or os.environ.get(VARIABLE)
    above = None if place is None else writable(Path(place), f"name another folder in {VARIABLE}")
    with tempfile.TemporaryDirectory(prefix=f"trygg-{name}-", dir=above) as made:
        yield Path(made)
