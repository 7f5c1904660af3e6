"""What the ledger keeps in mind of each gateway, and what it asks of the store that keeps the rest."""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from gateway.core.model import Event
from hal.types import LANES, chain_start

GIVEN_UP, AT_PLATFORM = "given_up", "platform"


class Row(NamedTuple):
    """One stored event. `own_identity`: key 9, None where its identity is its chain value.

    `is_copy`: its identity was stored before. `fault`: why its bytes are no event.
    """

    epoch_key: int
    lane: int
    seq: int
    chain: bytes
    own_identity: bytes | None
    event: bytes
    is_copy: bool
    fault: str | None

    @property
    def identity(self) -> bytes:
        """What the event is known by across epochs."""
        return self.chain if self.own_identity is None else self.own_identity


class Shelf(Protocol):
    """The store as the ledger sees it: what was put there is seen at once, and durable at the next commit."""

    def chains(self, epoch_key: int, lane: int, first: int, last: int) -> set[tuple[int, bytes]]:
        """(number, chain value) of every event stored under numbers `first` to `last`; forks give two."""
        ...

    def contents(self, epoch_key: int, lane: int, first: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        """(number, event bytes, chain value) of what is stored from `first` on, in order, at most `limit`."""
        ...

    def known(self, gateway_key: int, identities: list[bytes], own: list[bytes]) -> set[bytes]:
        """Those of `identities` under which this gateway has an event stored; `own` are those by key 9.

        An identity by key 9 may be the chain value of an event of an epoch that was left.
        """
        ...

    def put_message(
        self, gateway_key: int, sort: str, received_ms: int, message: bytes, *, is_read: bool
    ) -> int:
        """Store a signed message; its key. `is_read`: each event in it was looked at."""
        ...

    def put_events(self, message_key: int, rows: list[Row]) -> None:
        """Store events that came with that message."""
        ...

    def open_gateway(self, tenant: str, name: str) -> int:
        """The key of a gateway, made where it has none."""
        ...

    def open_epoch(self, gateway_key: int, epoch: bytes, *, is_left: bool) -> int:
        """Store a new epoch, as left or as the current one; then every other of the gateway is left. Its key."""
        ...

    def put_mark(self, epoch_key: int, lane: int, seq: int, chain: bytes) -> None:
        """Store how far the unbroken part of a lane goes."""
        ...

    def put_hole(self, epoch_key: int, lane: int, first: int, last: int, cause: str) -> None:
        """Store that these numbers will not come."""
        ...

    def rename_holes(self, epoch_key: int, lane: int, first: int, last: int, cause: str) -> None:
        """The holes within `first` to `last` have another cause than it seemed."""
        ...

    def put_boot(self, epoch_key: int, boot: int, uptime_ms: int | None, zero_utc_ms: int | None) -> None:
        """Store what is known of a boot; None leaves what is stored."""
        ...

    def put_manifest(self, gateway_key: int, revision: int, message_key: int) -> None:
        """Store that the message is this revision of the manifest."""
        ...


@dataclass(slots=True)
class Gone:
    """Numbers the gateway does not hold any more, `chain` = h(last); those from `given_from` on went for space.

    They are passed over when what follows them is here, or nothing follows (`is_end`).
    """

    first: int
    last: int
    chain: bytes
    given_from: int
    is_end: bool = False


@dataclass(slots=True)
class LaneBook:
    """One lane of one epoch: unbroken to `seq`, whose chain value is `chain`; `highest` number stored."""

    number: int
    seq: int
    chain: bytes
    highest: int = 0
    gone: list[Gone] = field(default_factory=list)
    said_last: int = 0  # the last number given, by the gateway's newest state
    broken_at: int | None = None  # number after which nothing stored continues the chain, once reported

    @property
    def has_gap(self) -> bool:
        """Whether something is stored that is not part of the unbroken part."""
        return self.highest > self.seq


@dataclass(slots=True)
class EpochBook:
    """One epoch of one gateway, first named by arrival `opened_at`.

    `left_at`: the arrival after which it should have been silent, or None.
    """

    key: int
    epoch: bytes
    lanes: list[LaneBook]
    opened_at: int = 0
    left_at: int | None = None
    uptimes: dict[int, int] = field(default_factory=dict)  # boot: largest uptime_ms a state has said


def new_epoch_book(key: int, epoch: bytes) -> EpochBook:
    """A book in which nothing is stored yet."""
    return EpochBook(key, epoch, [LaneBook(lane, 0, chain_start(epoch, lane)) for lane in LANES])


@dataclass(slots=True)
class GatewayBook:
    """What the platform knows of one gateway."""

    key: int
    tenant: str
    name: str
    epochs: dict[bytes, EpochBook] = field(default_factory=dict)
    current: EpochBook | None = None
    zero_utc_ms: dict[int, int] = field(default_factory=dict)  # boot: utc_ms at its uptime 0
    manifests: set[bytes] = field(default_factory=set)  # signatures of those stored
    devices: dict[int, tuple[int, dict[str, object]]] = field(
        default_factory=dict
    )  # placement: (revision, device)


@dataclass(slots=True)
class Fault:
    """Something for the technical resource person; never an alarm of a person."""

    cause: str
    tenant: str
    gateway: str
    details: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Verified:
    """A new event that was read, to be acted on; `content` is None where its bytes are no event.

    received_ms: utc_ms, None where the message was read from a file that does not say.
    """

    book: GatewayBook
    epoch: bytes
    row: Row
    content: Event | None
    received_ms: int | None


@dataclass(slots=True)
class Taken:
    """What came of one message.

    fresh: how many new events. verified: those of them that were read. duplicates: how many were removed.
    moved: the unbroken part of the lane grew. repeated: a bundle in which nothing was new. answer: the gateway
    should learn where we stand. alive: it counts as a sign of life. urgent: it came in a lane of alarms.
    """

    book: GatewayBook
    fresh: int = 0
    verified: list[Verified] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    duplicates: int = 0
    moved: bool = False
    repeated: bool = False
    answer: bool = False
    alive: bool = False
    urgent: bool = False

    def fault(self, cause: str, **details: object) -> None:
        """Report a fault of this gateway."""
        self.faults.append(Fault(cause, self.book.tenant, self.book.name, details))
