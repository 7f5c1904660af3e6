"""registry.json: every code that was ever given. Codes are never reused and never change their meaning."""

import json
from pathlib import Path
from typing import Any

from gateway.core import registry
from tools.vectors.plain import Plain

ABOUT = (
    "Codes of kinds ([code, lane, the kind it clears]) and of values, as they were first given. A row is never taken "
    "out or changed: whoever holds old events reads them by it."
)


class ReusedCodeError(Exception):
    """A code or a name has another meaning than it was given."""


def kept(held: dict[str, Any], now: dict[str, Any], what: str) -> dict[str, Any]:
    """`held` and what is new in `now`. Raises ReusedCodeError where they disagree."""
    codes = {row[0] if isinstance(row, list) else row: name for name, row in held.items()}
    for name, row in now.items():
        code = row[0] if isinstance(row, list) else row
        if held.get(name, row) != row or codes.get(code, name) != name:
            raise ReusedCodeError(
                f"{what} {name} is {row} and tests/vectors/registry.json holds {codes.get(code, name)} as "
                f"{held.get(codes.get(code, name))}: codes are never reused, give it a new name and a new code"
            )
    return {**now, **held}  # in the order of the registry, wherever a new row stands there


def code_vectors(file: Path) -> dict[str, Plain]:
    """The content of registry.json: what `file` holds already, and what the registry has gained."""
    held = json.loads(file.read_text()) if file.exists() else {"kinds": {}, "values": {}}
    kinds = {name: list(row) for name, row in registry.KINDS.items()}
    return {
        "about": ABOUT,
        "kinds": kept(held["kinds"], kinds, "kind"),
        "values": kept(held["values"], registry.VALUES, "value"),
    }
