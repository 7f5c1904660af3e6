"""What is remembered of an installation: rows in the journal's state, so that a power cut takes nothing back.

Each row stands under a key of its own and is written whole: whatever was cut short, it holds or it does not. A row that
does not read is no row: what it said is done again.
"""

from gateway.core import cbor
from gateway.core.errors import DecodeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.interfaces import Journal

PREFIX = "install."
BEGUN = PREFIX + "begun"  # [utc_ms]
HOLDER = PREFIX + "holder"  # [who, hash of the token, utc_ms or 0]
ADDED = PREFIX + "added"  # [names of devices]
PLUG = PREFIX + "plug"
CENTRE = PREFIX + "centre"
RECORD = PREFIX + "record"  # the message itself
TEST = PREFIX + "test."  # + placement: [utc_ms, kind, identity or b""]
FOUND = PREFIX + "found."  # + placement: [utc_ms or 0]
WALK = PREFIX + "walk."  # + room: [median, lowest, verdict, utc_ms, device]

# What stands in each row, by the beginning of its key.
SHAPES: "dict[str, list[type]]" = {
    BEGUN: [int],
    HOLDER: [str, bytes, int],
    PLUG: [str, int, int, bytes, list, str, int, int, int],
    CENTRE: [str, bytes, int, int, str],
    TEST: [int, str, bytes],
    FOUND: [int],
    WALK: [int, int, int, int, str],
}


def row(*parts: "Any") -> bytes:
    """A row as it is kept."""
    return cbor.encode(list(parts))


class Memory:
    """Reads the rows of one journal."""

    def __init__(self, journal: "Journal") -> None:
        self.journal = journal

    def get(self, key: str, rest: str = "") -> "list[Any] | None":
        """The row of `key` (and of what it is of), or None where there is none that reads."""
        kept = self.journal.state(key + rest)
        if kept is None:
            return None
        try:
            found = cbor.decode(kept)
        except DecodeError:
            return None
        if not isinstance(found, list) or [type(part) for part in found] != SHAPES[key]:
            return None
        return found

    def rooms(self) -> "list[str]":
        """Rooms that were walked."""
        return [key[len(WALK) :] for key in self.journal.state_keys(WALK)]

    def added(self) -> "list[str]":
        """Devices that this installation has added, or had begun to."""
        kept = self.journal.state(ADDED)
        try:
            names = cbor.decode(kept) if kept is not None else []
        except DecodeError:
            names = []
        return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []

    def record(self) -> "bytes | None":
        """The record of the installation that was finished last."""
        return self.journal.state(RECORD)

    def all_keys(self) -> "list[str]":
        """Everything but the record."""
        return [key for key in self.journal.state_keys(PREFIX) if key != RECORD]
