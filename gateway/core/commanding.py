"""Which commands from afar count (DESIGN.md 4, `command`): rules without I/O, kept in one state of the journal.

A command counts once: its counter is above all that its key used before. It counts for an hour at most, so that what was
recorded can be played back to nobody whose journal was lost, longer than that. Where the clock is unknown only what changes
nothing is carried out. There is no verb that dispenses medicine, or that mutes, delays or picks out an alarm.
"""

from gateway.core import cbor
from gateway.core.errors import DecodeError, RefusedError

STATE = "commands"  # state key
KEYS_LIMIT = 16  # keys whose counters are kept; those that the keyset names no more go first
LONGEST_MS = 3_600_000
SLACK_MS = 300_000  # between the desk's clock and ours
STATUS, IDENTIFY, PAIR, EXPORT = "status", "identify", "pair", "export"
VERBS = (STATUS, IDENTIFY, PAIR, EXPORT)
HARMLESS = (
    STATUS,
    IDENTIFY,
)  # they change nothing, and are carried out without a clock and with a full store


class Counters:
    """The highest counter by key."""

    def __init__(self, stored: "bytes | None" = None) -> None:
        self.last: "dict[bytes, int]" = {}
        try:
            found = cbor.decode(stored) if stored else {}
        except DecodeError:
            found = {}
        for kid, counter in found.items() if isinstance(found, dict) else ():
            if isinstance(kid, bytes) and type(counter) is int:
                self.last[kid] = counter

    def examine(self, kid: bytes, counter: int, not_after_ms: int, utc_ms: "int | None") -> None:
        """Raises RefusedError: played back, out of order, too late, or valid for too long."""
        if counter <= self.last.get(kid, -1):
            raise RefusedError("the command's counter has been used: it is played back, or came out of order")
        if utc_ms is not None and utc_ms > not_after_ms:
            raise RefusedError("the command has expired")
        if utc_ms is not None and not_after_ms > utc_ms + LONGEST_MS + SLACK_MS:
            raise RefusedError("the command would be valid for more than an hour")

    def use(self, kid: bytes, counter: int, known: "list[bytes]") -> None:
        """A command counts now; `known` are the keys of the keyset."""
        self.last[kid] = counter
        for other in sorted(self.last):
            if len(self.last) > KEYS_LIMIT and other not in known:
                del self.last[other]

    def encode(self) -> bytes:
        """As they are kept."""
        return cbor.encode(self.last)


def check_verb(verb: str, utc_ms: "int | None", is_counted: bool = True) -> None:
    """Raises RefusedError: no verb of ours, or one that needs a clock or a counter that is durable, where there is none."""
    if verb not in VERBS:
        raise RefusedError("no such command; there are " + ", ".join(VERBS))
    if utc_ms is None and verb not in HARMLESS:
        raise RefusedError("the clock is not set; until it is, only status and identify are carried out")
    if not is_counted and verb not in HARMLESS:
        raise RefusedError(
            "the store is full, so the command could count twice; until there is room, only status and identify are carried out"
        )
