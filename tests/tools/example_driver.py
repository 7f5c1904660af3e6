"""The example of docs/examples/driver, imported from where it stands."""

import importlib
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "examples" / "driver"


def module() -> Any:
    """`trygg_example_roll.driver`."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module("trygg_example_roll.driver")
    finally:
        sys.path.remove(str(FOLDER))
