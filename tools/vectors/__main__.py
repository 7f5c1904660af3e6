"""Write our own golden vectors to tests/vectors/; `--check` only compares. Exit status 1 where they differ.

The same every time: keys are made from labels, Ed25519 needs no random numbers, nothing reads a clock.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.vectors.chains import chain_vectors
from tools.vectors.codes import ReusedCodeError, code_vectors
from tools.vectors.dispenser import dispenser_vectors
from tools.vectors.events import event_vectors
from tools.vectors.plain import Plain
from tools.vectors.primitives import cbor_vectors
from tools.vectors.refused import refused_vectors
from tools.vectors.trust import trust_vectors
from tools.vectors.valid import valid_vectors

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "vectors"
MAKERS: dict[str, Callable[[], dict[str, Plain]]] = {
    "cbor.json": cbor_vectors,
    "event.json": event_vectors,
    "chain.json": chain_vectors,
    "trust.json": trust_vectors,
    "wire_valid.json": valid_vectors,
    "wire_refused.json": refused_vectors,
    "dispenser.json": dispenser_vectors,
}
CODES = "registry.json"


def text_of(content: dict[str, Plain]) -> str:
    """JSON with a line for each row, so that a difference shows what changed."""
    parts = []
    for name, item in content.items():
        if isinstance(item, list):
            rows = ",\n  ".join(dumped(row) for row in item)
            parts.append(f' "{name}": [\n  {rows}\n ]')
        elif isinstance(item, dict):
            rows = ",\n  ".join(f"{dumped(key)}: {dumped(row)}" for key, row in item.items())
            parts.append(f' "{name}": {{\n  {rows}\n }}')
        else:
            parts.append(f' "{name}": {dumped(item)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def dumped(item: object) -> str:
    """One line of JSON; text as it is, since MicroPython reads no pairs of escapes."""
    return json.dumps(item, ensure_ascii=False)


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Write or compare every file."""
    parser = argparse.ArgumentParser(prog="python -m tools.vectors", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; say which files differ")
    options = parser.parse_args(arguments)
    try:
        texts = {name: text_of(make()) for name, make in MAKERS.items()}
        texts[CODES] = text_of(code_vectors(folder / CODES))
    except ReusedCodeError as error:
        print(error, file=sys.stderr)
        return 1
    differ = []
    for name, text in texts.items():
        file = folder / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            differ.append(name)
            if not options.check:
                folder.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
    if options.check and differ:
        print(f"tests/vectors: {', '.join(differ)} differ: run `make vectors` and look at the difference")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
