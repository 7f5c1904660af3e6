"""Calls `trygg decode` in this process, as its command line does."""

import argparse
import contextlib
import decimal
import io
import json
import sys
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from gateway.daemon import decode


@dataclass(frozen=True)
class Answer:
    """Exit status, standard output as text and as objects, standard error. Fractions keep their digits."""

    status: int
    text: str
    errors: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line, parse_float=decimal.Decimal) for line in self.text.splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        (line,) = self.lines
        return line


def trygg_decode(*arguments: str, stdin: bytes = b"") -> Answer:
    """Run the subcommand with `stdin` as standard input."""
    parser = argparse.ArgumentParser(prog="trygg")
    decode.add_parser(parser.add_subparsers(required=True))
    out, errors = io.StringIO(), io.StringIO()
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            options = parser.parse_args(["decode", *arguments])
            status = options.run(options)
    except SystemExit as stop:
        status = stop.code
    finally:
        sys.stdin = before
    return Answer(status, out.getvalue(), errors.getvalue())


def decode_frame(row: dict[str, Any]) -> Answer:
    """One BTHome row of the shared vectors."""
    key = ["--key", row["bindkey_hex"]] if "bindkey_hex" in row else []
    return trygg_decode(
        "ble-adv", "--address", row["address"], "--uuid", row["service_uuid"], *key, row["service_data_hex"]
    )


REFUSED: dict[str, Any] = {"refused": True}


def number(value: Any) -> Any:
    """A number of a row in its digits."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return decimal.Decimal(str(value)) if is_number else value


def decoded_value(row: dict[str, Any], marks: Collection[str]) -> dict[str, Any]:
    """What `trygg decode gatt` says of a row of the shared vectors, without the marks that are ours alone."""
    answer = trygg_decode("gatt", row["char"].lower(), row["frame_hex"])
    if "error" in answer.line:
        assert answer.status == 1
        return REFUSED
    assert answer.status == 0
    return {name: number(value) for name, value in answer.line["values"].items() if name not in marks}
