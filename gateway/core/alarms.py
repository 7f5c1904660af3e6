"""What became of the alarms of this home: the last few, and the platform's newest word on each (DESIGN.md 4, `disposition`).

An alarm is known by its identity, as everywhere else. A word counts where the platform signed it later than the one held, so
one that is played back says nothing new. An alarm is open until its state has ended or somebody has handled it; of those that
are open none goes while one that is over is left.
"""

from gateway.core import cbor, registry
from gateway.core.errors import DecodeError, RefusedError
from hal.types import ALARM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Event

STATE = "alarms"  # state key
LIMIT = 12  # alarms that are remembered
NOTE_LIMIT = 80  # characters of a note that are kept
FORWARDED, ACCEPTED, HANDLED, FAILED = 0, 1, 2, 3
NAMES = ("forwarded", "accepted", "handled", "failed")  # by number


class Alarm:
    """One alarm. utc_ms: when it came, None where the clock was unknown. became: a number of `NAMES`, -1 before the first word."""

    __slots__ = (
        "became",
        "became_utc_ms",
        "exercise",
        "identity",
        "incident",
        "is_over",
        "kind",
        "note",
        "placement",
        "utc_ms",
    )

    def __init__(
        self,
        identity: bytes,
        kind: str,
        placement: int,
        incident: "bytes | None" = None,
        exercise: bool = False,
        utc_ms: "int | None" = None,
    ) -> None:
        self.identity = identity
        self.kind = kind
        self.placement = placement
        self.incident = incident
        self.exercise = exercise
        self.utc_ms = utc_ms
        self.is_over = False
        self.became = -1
        self.became_utc_ms = 0
        self.note = ""

    @property
    def is_open(self) -> bool:
        """Whether its state stands, as far as anybody has told, and nobody has handled it."""
        return not self.is_over and self.became != HANDLED

    @property
    def word(self) -> str:
        """What became of it by name; empty before the platform has told."""
        return NAMES[self.became] if self.became >= 0 else ""

    def as_row(self) -> "list[object]":
        """As it is kept; None stands as an empty list."""
        utc_ms: "list[int]" = [] if self.utc_ms is None else [self.utc_ms]
        return [
            self.identity,
            registry.KINDS[self.kind][0],
            self.placement,
            self.incident or b"",
            self.exercise,
            utc_ms,
            self.is_over,
            self.became,
            self.became_utc_ms,
            self.note,
        ]


class Alarms:
    """The last alarms, the oldest first. `has_news` says that what `encode` gives has changed."""

    def __init__(self, stored: "bytes | None" = None) -> None:
        """`stored` is what `encode` gave; what cannot be read of it is left out: it is a record of what was, no alarm."""
        self.rows: "list[Alarm]" = []
        self.has_news = False
        if stored:
            try:
                self.rows = read_rows(cbor.decode(stored))
            except DecodeError:
                self.rows = []

    def tell(self, event: "Event", identity: bytes) -> None:
        """An event was stored: an alarm begins, or one is over."""
        row = registry.KINDS.get(event.kind)
        if row is None or row[1] > ALARM:
            return
        if row[2]:
            for alarm in self.rows:
                if event.incident is not None and alarm.incident == event.incident and not alarm.is_over:
                    alarm.is_over = self.has_news = True
            return
        self.rows.append(
            Alarm(identity, event.kind, event.placement, event.incident, event.exercise, event.utc_ms)
        )
        self.has_news = True
        while len(self.rows) > LIMIT:
            over = [alarm for alarm in self.rows if not alarm.is_open]
            real = [alarm for alarm in self.rows if not alarm.exercise]  # for an exercise somebody is waiting
            self.rows.remove((over or real or self.rows)[0])

    def find(self, identity: bytes) -> "Alarm | None":
        """The alarm of that identity, or None."""
        for alarm in self.rows:
            if alarm.identity == identity:
                return alarm
        return None

    def examine(self, identity: bytes, became: int, utc_ms: int) -> bool:
        """Whether a word would say something new; False for the one that is held, sent once more.

        Raises:
            RefusedError: no alarm that is remembered, or an older word than the one held.
        """
        alarm = self.find(identity)
        if alarm is None:
            raise RefusedError("of an alarm that this gateway does not remember")
        if alarm.became == became and alarm.became_utc_ms == utc_ms:
            return False
        if alarm.became >= 0 and utc_ms <= alarm.became_utc_ms:
            raise RefusedError("older than what is known of this alarm")
        return True

    def dispose(self, identity: bytes, became: int, utc_ms: int, note: str) -> "Alarm":
        """Take a word of the platform that `examine` found new and whose signature holds."""
        alarm = self.find(identity)
        assert alarm is not None
        alarm.became, alarm.became_utc_ms, alarm.note = became, utc_ms, note[:NOTE_LIMIT]
        self.has_news = True
        return alarm

    def encode(self) -> bytes:
        """All of it, to be kept."""
        self.has_news = False
        return cbor.encode([alarm.as_row() for alarm in self.rows])


def read_rows(item: object) -> "list[Alarm]":
    """Alarms as they were kept; what is none, or of a kind that this version does not have, is left out."""
    names = {row[0]: name for name, row in registry.KINDS.items()}
    found = []
    for row in item[:LIMIT] if isinstance(item, list) else []:
        if isinstance(row, list) and [type(part) for part in row] == SHAPE and row[1] in names:
            alarm = Alarm(
                row[0], names[row[1]], row[2], row[3] or None, row[4], row[5][0] if row[5] else None
            )
            alarm.is_over, alarm.became, alarm.became_utc_ms, alarm.note = row[6:]
            found.append(alarm)
    return found


SHAPE = [bytes, int, int, bytes, bool, list, bool, int, int, str]
