"""Runs within a workshop's folder, as a program: what only mutmut's modules can say. The answer is the line after the last `@`."""

import importlib
import json
import os
import sys
from pathlib import Path


def early(modules: list[str]) -> list[str]:
    """Functions with mutants that run while these modules are imported."""
    from mutmut.state import state

    os.environ["MUTANT_UNDER_TEST"] = "stats"
    sys.path.insert(0, str(Path("mutants").absolute()))
    for module in modules:
        importlib.import_module(module.removesuffix(".py").replace("/", "."))
    return sorted(state()._stats)


def changes(names: list[str]) -> dict[str, str]:
    """The lines that each mutant changed."""
    from mutmut.mutation.diff_apply import find_mutant, get_diff_for_mutant

    found = {}
    for name in names:
        lines = get_diff_for_mutant(name, path=find_mutant(name).path).splitlines()
        kept = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        found[name] = "\n".join(kept)
    return found


if __name__ == "__main__":
    asked = early if sys.argv[1] == "early" else changes
    print("\n@" + json.dumps(asked(sys.argv[2:])))
