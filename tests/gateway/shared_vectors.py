"""Vectors from outside this repository: tested where they are, never copied. TRYGG_VECTORS names their folder."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def shared_folder() -> Path:
    """The folder, whether it is there or not."""
    named = os.environ.get("TRYGG_VECTORS")
    return Path(named) if named else ROOT.parent / "shared" / "vectors"


def rows_of(name: str) -> list[dict[str, Any]]:
    """Rows of one file; the test is skipped, with the reason, where the file is not there."""
    path = shared_folder() / name
    if not path.is_file():
        pytest.skip(
            f"{name} is not in {shared_folder().name}: set TRYGG_VECTORS to the folder of shared vectors"
        )
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def compare(
    rows: list[dict[str, Any]], ours: dict[str, Any], theirs: dict[str, Any], known: dict[str, Any]
) -> None:
    """Every row reads as its file expects, but for those in `known`, which must read as that table says.

    `ours` and `theirs` are readings by row name; `known` holds (our reading, why). A row that agrees, or is no
    longer there, must not stand in the table.
    """
    assert len(ours) == len(rows) == len(theirs), "row names are not unique"
    wrong = {
        name: (ours[name], theirs[name]) for name in ours if name not in known and ours[name] != theirs[name]
    }
    assert wrong == {}
    stale = [name for name in known if name not in ours or ours[name] == theirs[name]]
    assert stale == [], "these agree or are gone: take them out of the table"
    changed = {name: ours[name] for name, (reading, _) in known.items() if ours[name] != reading}
    assert changed == {}, "these read otherwise than the table says"
