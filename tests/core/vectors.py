"""Our own golden vectors, read on both interpreters."""

import json

from gateway.core.errors import DecodeError
from gateway.core.model import Absent, Decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def load(name: str) -> "dict[str, list[dict[str, object]]]":
    """The file `name` of tests/vectors, beside this folder."""
    with open(__file__.rsplit("/", 2)[0] + "/vectors/" + name, "rb") as file:
        document: "dict[str, list[dict[str, object]]]" = json.loads(file.read())
    return document


def value_of(written: object) -> object:
    """A value as the vectors write it: [mantissa, exponent], {"absent": why}, {"hex": bytes}, or itself."""
    if isinstance(written, list):
        return Decimal(written[0], written[1])
    if isinstance(written, dict):
        return Absent(written["absent"]) if "absent" in written else bytes.fromhex(written["hex"])
    return written


def values_of(row: "dict[str, object]") -> "dict[str, object]":
    """All values of a row, by name."""
    values: "dict[str, object]" = row["values"]  # type: ignore[assignment]
    return {name: value_of(values[name]) for name in values}


def refusal(decoder: "Callable[..., object]", *arguments: object) -> DecodeError:
    """Why a decoder refuses what it is given."""
    try:
        decoder(*arguments)
    except DecodeError as error:
        return error
    raise AssertionError("not refused: " + repr(arguments))
