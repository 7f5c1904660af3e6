"""Where the hub stands in a dispenser's log, and what one call to the driver gathers.

The cursor is in the journal's state, moved in the same append as the observations that moved it.
"""

from gateway.core.devices.dispenser_events import record_of
from gateway.core.devices.dispenser_messages import LOG_ID_SIZE
from gateway.core.model import Observation


class Cursor:
    """The last entry taken: number 0 before the first of a log."""

    __slots__ = ("log_id", "number")

    def __init__(self, log_id: bytes, number: int) -> None:
        self.log_id = log_id
        self.number = number

    def to_bytes(self) -> bytes:
        """As the journal keeps it: log id, then the number in 8 bytes."""
        return record_of(self.log_id, self.number)


def read_cursor(stored: "bytes | None") -> "Cursor | None":
    """The cursor from the journal's state; None before the first contact."""
    if stored is None or len(stored) != LOG_ID_SIZE + 8:
        return None
    return Cursor(stored[:LOG_ID_SIZE], int.from_bytes(stored[LOG_ID_SIZE:], "big"))


class Turn:
    """What one call gathers, to become a Reading."""

    def __init__(self, now_ms: int, utc_ms: "int | None", cursor: "Cursor | None") -> None:
        self.now_ms = now_ms
        self.utc_ms = utc_ms
        self.durable = cursor
        self.cursor = cursor
        self.observations: "list[Observation]" = []
        self.state: "dict[str, bytes | None]" = {}
        self.send: "list[bytes]" = []
        self.refusals: "list[tuple[str, str]]" = []
        self.heard = False
        self.taken = False  # an entry moved the cursor
        self.repeated = False  # an entry came that is durable already

    def move(self, cursor: Cursor) -> None:
        """Set the cursor, to be stored with what moved it."""
        self.cursor = cursor
        self.state["cursor"] = cursor.to_bytes()

    def refused(self) -> "tuple[str, str] | None":
        """The first refusal, with how many there were; a malformed frame goes before a repeated one."""
        if not self.refusals:
            return None
        word, detail = min(self.refusals, key=lambda refusal: refusal[0])
        count = len(self.refusals)
        return word, detail if count == 1 else detail + " (of " + str(count) + " refused together)"


class Standing:
    """Where a device's log stands, from any message that says so. A number not acknowledged may still be held."""

    __slots__ = ("acknowledged", "first", "log_id", "newest")

    def __init__(self, log_id: bytes, first: int, newest: int, acknowledged: int) -> None:
        self.log_id = log_id
        self.first = first
        self.newest = newest
        self.acknowledged = acknowledged

    @property
    def fresh_start(self) -> Cursor:
        """Where to begin a log never read before: what another gateway acknowledged is its own, not news."""
        return Cursor(self.log_id, max(self.first - 1, self.acknowledged))


def standing_of(fields: "dict[str, object]") -> Standing:
    """Keys 1 to 4 of a description, log state or beat."""
    return Standing(fields["log_id"], fields["first"], fields["newest"], fields["acknowledged"])  # type: ignore[arg-type]


def settle(standing: Standing, replaced: str, turn: Turn) -> None:
    """Compare where the device's log stands with the cursor; move the cursor and say what was lost.

    replaced: the reason to give where the log is another one.
    """
    cursor = turn.cursor
    if cursor is None:
        turn.move(standing.fresh_start)
    elif cursor.log_id != standing.log_id:
        lose({"reason": replaced, "log_number": cursor.number}, standing.fresh_start, turn)
    elif standing.newest < cursor.number:
        values: "dict[str, object]" = {"log_number": standing.newest, "last_seq": cursor.number}
        values["reason"] = "log_went_back"
        lose(values, Cursor(cursor.log_id, standing.first - 1), turn)
    elif standing.first > cursor.number + 1:
        values = {"first_seq": cursor.number + 1, "last_seq": standing.first - 1}
        values["count"] = standing.first - 1 - cursor.number
        values["reason"] = "overwritten"
        lose(values, Cursor(cursor.log_id, standing.first - 1), turn)


def lose(values: "dict[str, object]", after: Cursor, turn: Turn) -> None:
    """Say that entries are gone, and go on from what is held, in one append."""
    before = turn.cursor.to_bytes() if turn.cursor is not None else b""
    turn.observations.append(Observation("device.log_lost", values, b"lost" + before + after.to_bytes()))
    turn.move(after)
