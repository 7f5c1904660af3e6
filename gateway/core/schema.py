"""Tables that say what a CBOR map of the wire may hold, and the one reader that holds messages to them.

A table maps an integer key to `(name, check, required)`. The growth rule of the wire contract lives here and
nowhere else: unknown integer keys of 24 and above are ignored, below 24 refused (DESIGN.md 4, Growth).
"""

from gateway.core.cbor import is_int
from gateway.core.errors import DecodeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[[object], object]
    Table = dict[int, tuple[str, Check, bool]]

FIRST_IGNORED_KEY = 24
REQUIRED, OPTIONAL = True, False


def read(table: "Table", value: object, what: str) -> "dict[str, object]":
    """The fields of one map by name; absent optional ones are not in the result.

    Raises:
        DecodeError: not a map, a missing or unknown key, or a value its check refuses.
    """
    if not isinstance(value, dict):
        raise DecodeError(what + " is not a map")
    fields: "dict[str, object]" = {}
    for key, item in value.items():
        row = table.get(key) if is_int(key) else None
        if row is not None:
            try:
                fields[row[0]] = row[1](item)
            except DecodeError as error:
                raise DecodeError(what + " key " + str(key) + " (" + row[0] + "): " + error.reason)
        elif not is_int(key):
            raise DecodeError(what + " has a key that is no integer")
        elif key < FIRST_IGNORED_KEY:
            raise DecodeError(what + " has an unknown key below " + str(FIRST_IGNORED_KEY))
    for key, row in table.items():
        if row[2] and row[0] not in fields:
            raise DecodeError(what + " lacks key " + str(key) + " (" + row[0] + ")")
    return fields


def write(table: "Table", fields: "dict[str, object]") -> "dict[int, object]":
    """The map for `fields`; None values are left out. Raises DecodeError where a check refuses a value."""
    result: "dict[int, object]" = {}
    for key, row in table.items():
        item = fields.get(row[0])
        if item is not None:
            row[1](item)
            result[key] = item
        elif row[2]:
            raise DecodeError("lacks " + row[0])
    return result


def uint(value: object) -> object:
    """An integer of 0 or more."""
    if not is_int(value) or value < 0:  # type: ignore[operator]
        raise DecodeError("not an unsigned integer")
    return value


def positive(value: object) -> object:
    """An integer of 1 or more."""
    if not is_int(value) or value < 1:  # type: ignore[operator]
        raise DecodeError("not an integer of 1 or more")
    return value


def integer(value: object) -> object:
    """Any integer."""
    if not is_int(value):
        raise DecodeError("not an integer")
    return value


def up_to(limit: int) -> "Check":
    """An integer of 0 to `limit`."""

    def check(value: object) -> object:
        if not is_int(value) or not 0 <= value <= limit:  # type: ignore[operator]
            raise DecodeError("not an integer of 0 to " + str(limit))
        return value

    return check


def text(value: object) -> object:
    """Text."""
    if not isinstance(value, str):
        raise DecodeError("not text")
    return value


def octets(size: "int | None" = None) -> "Check":
    """A byte string, of `size` bytes where given."""

    def check(value: object) -> object:
        if not isinstance(value, bytes) or (size is not None and len(value) != size):
            raise DecodeError("not a byte string" + ("" if size is None else " of " + str(size)))
        return value

    return check


def exactly(expected: object) -> "Check":
    """One value only."""

    def check(value: object) -> object:
        if value is not expected and (
            isinstance(expected, bool) or isinstance(value, bool) or value != expected
        ):
            raise DecodeError("not " + repr(expected))
        return value

    return check


def listing(check_item: "Check", least: int = 0, most: "int | None" = None) -> "Check":
    """An array of `least` to `most` items."""

    def check(value: object) -> object:
        if (
            not isinstance(value, (list, tuple))
            or len(value) < least
            or (most is not None and len(value) > most)
        ):
            raise DecodeError("not an array of the right length")
        return [check_item(item) for item in value]

    return check


def row(*checks: "Check") -> "Check":
    """An array of fixed length, each item by its own check."""

    def check(value: object) -> object:
        if not isinstance(value, (list, tuple)) or len(value) != len(checks):
            raise DecodeError("not an array of " + str(len(checks)))
        return [one(item) for one, item in zip(checks, value)]

    return check


def mapping(check_key: "Check", check_item: "Check", least: int = 0) -> "Check":
    """A map of `least` pairs or more whose keys and items all pass."""

    def check(value: object) -> object:
        if not isinstance(value, dict) or len(value) < least:
            raise DecodeError("not a map" + (" of at least " + str(least) if least else ""))
        return {check_key(key): check_item(item) for key, item in value.items()}

    return check


def nested(table: "Table", what: str) -> "Check":
    """A map by another table; read into its fields by name."""

    def check(value: object) -> object:
        return read(table, value, what)

    return check
