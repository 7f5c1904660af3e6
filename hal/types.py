"""Portable values that cross the seam between hub and hardware.

Bluetooth UUIDs are lower-case strings: four hex digits where the SIG assigned 16 bits (`"2a5f"`), else the
36-character form. Addresses are upper-case with colons. Times are integers: `uptime_ms` counts from the start
of the process and never goes back, `utc_ms` counts from 1970 and exists only while the clock is trusted.
"""

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LANES = (0, 1, 2, 3, 4)
SAFETY, ALARM, TECHNICAL, MEASUREMENT, INFO = LANES
# Who gives up its oldest first when space runs out; 0 and 1 never do.
YIELD_ORDER = (INFO, MEASUREMENT, TECHNICAL)

# The state key of this and a name says: what was put aside under that name is journalled again.
ASIDE_STATE = "aside/"

EVERYBODY = "*"  # as the service that strangers offer, to a scanner: whoever they are
BOND_NONE, BOND_WEAK, BOND_AUTHENTICATED = 0, 1, 2
CHAIN_SIZE = 16
EPOCH_SIZE = 8


def chain_start(epoch: bytes, lane: int) -> bytes:
    """h(0) of a lane: first 16 bytes of SHA-256(epoch || lane as one byte). Source: DESIGN.md 4, Chain."""
    return hashlib.sha256(epoch + bytes([lane])).digest()[:CHAIN_SIZE]


def chain_next(before: bytes, event: bytes) -> bytes:
    """h(n): first 16 bytes of SHA-256(h(n-1) || event bytes). Source: DESIGN.md 4, Chain."""
    return hashlib.sha256(before + event).digest()[:CHAIN_SIZE]


class Advertisement:
    """One reception of an advertising packet, scan response merged where the backend saw one."""

    __slots__ = (
        "address",
        "manufacturer_data",
        "name",
        "received_ms",
        "rssi_dbm",
        "service_data",
        "service_uuids",
    )

    def __init__(
        self,
        address: str,
        rssi_dbm: int,
        received_ms: int,
        service_data: "dict[str, bytes]",
        service_uuids: "tuple[str, ...]" = (),
        manufacturer_data: "dict[int, bytes] | None" = None,
        name: "str | None" = None,
    ) -> None:
        self.address = address
        self.rssi_dbm = rssi_dbm
        self.received_ms = received_ms
        self.service_data = service_data
        self.service_uuids = service_uuids
        self.manufacturer_data = manufacturer_data if manufacturer_data is not None else {}
        self.name = name


class Notification:
    """One value a peripheral sent by notification or indication."""

    __slots__ = ("characteristic", "received_ms", "value")

    def __init__(self, characteristic: str, value: bytes, received_ms: int) -> None:
        self.characteristic = characteristic
        self.value = value
        self.received_ms = received_ms


class Entry:
    """One event as the journal holds it: its number in its lane, its bytes, and h(seq)."""

    __slots__ = ("chain", "event", "lane", "seq")

    def __init__(self, lane: int, seq: int, event: bytes, chain: bytes) -> None:
        self.lane = lane
        self.seq = seq
        self.event = event
        self.chain = chain


class LaneMark:
    """Where a lane stands: what it holds runs from `first` to `last`; empty when first is last + 1.

    `before` is h(first - 1), `chain` is h(last).
    """

    __slots__ = ("before", "chain", "first", "last")

    def __init__(self, first: int, before: bytes, last: int, chain: bytes) -> None:
        self.first = first
        self.before = before
        self.last = last
        self.chain = chain

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LaneMark) and self.as_list() == other.as_list()

    def __hash__(self) -> int:
        return hash((self.first, self.last))

    def as_list(self) -> "list[int | bytes]":
        """[first held, chain before it, last, chain], the order of the state message."""
        return [self.first, self.before, self.last, self.chain]


class GivenUp:
    """Numbers of one lane that were given up for space: `first` to `last`, both gone."""

    __slots__ = ("first", "lane", "last")

    def __init__(self, lane: int, first: int, last: int) -> None:
        self.lane = lane
        self.first = first
        self.last = last

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GivenUp) and (self.lane, self.first, self.last) == (
            other.lane,
            other.first,
            other.last,
        )

    def __hash__(self) -> int:
        return hash((self.lane, self.first, self.last))

    def __repr__(self) -> str:
        return "GivenUp(" + ", ".join([str(self.lane), str(self.first), str(self.last)]) + ")"


class SetAside:
    """A store that did not open: where it lies now, why, and the entries that can still be read from it.

    entries: by lane and number, the same at each iteration; they may be read as they are taken, and be more than
    the memory holds. starts: lane => (number, chain value) just before what was held, where that can still be read:
    with it the first entry of a lane can be held against the chain, too. state: what reads back by key; nothing proves
    it. is_state_whole: whether that is all there was, as far as the medium can tell. given_up: epoch and numbers of what
    went for space and was not confirmed.
    """

    __slots__ = ("entries", "given_up", "is_state_whole", "name", "reason", "starts", "state")

    def __init__(
        self,
        name: str,
        reason: str,
        entries: "Iterable[Entry]",
        starts: "dict[int, tuple[int, bytes]] | None" = None,
        state: "dict[str, bytes] | None" = None,
        is_state_whole: bool = False,
        given_up: "list[tuple[bytes, GivenUp]] | None" = None,
    ) -> None:
        self.name = name
        self.reason = reason
        self.entries = entries
        self.starts = starts if starts is not None else {}
        self.state = state if state is not None else {}
        self.is_state_whole = is_state_whole
        self.given_up = given_up if given_up is not None else []


class Message:
    """One MQTT message as it arrived: `retained` tells a stored one from a live one."""

    __slots__ = ("payload", "retained", "topic")

    def __init__(self, topic: str, payload: bytes, retained: bool = False) -> None:
        self.topic = topic
        self.payload = payload
        self.retained = retained


class NetworkPath:
    """One way out of the house: `kind` is ethernet, wifi, cellular or other.

    routed: whether the system sends what has no route of its own over it.
    """

    __slots__ = ("address", "kind", "name", "routed", "up")

    def __init__(self, name: str, kind: str, up: bool, address: "str | None", routed: bool = False) -> None:
        self.name = name
        self.kind = kind
        self.up = up
        self.address = address
        self.routed = routed


class WifiSeen:
    """A Wi-Fi network in reach: its name, how strongly it is received, whether it asks for a password."""

    __slots__ = ("protected", "rssi_dbm", "ssid")

    def __init__(self, ssid: str, rssi_dbm: int, protected: bool) -> None:
        self.ssid = ssid
        self.rssi_dbm = rssi_dbm
        self.protected = protected


class Served:
    """One characteristic that we serve: what a client may do with it, and its first value.

    A value is read and written only over an encrypted link, whatever the client asks.
    """

    __slots__ = ("notifies", "reads", "uuid", "value", "writes")

    def __init__(
        self,
        uuid: str,
        value: bytes = b"",
        *,
        reads: bool = False,
        writes: bool = False,
        notifies: bool = False,
    ) -> None:
        self.uuid = uuid
        self.value = value
        self.reads = reads
        self.writes = writes
        self.notifies = notifies


class Written:
    """What a client wrote to a characteristic of ours; `fresh` where it is another connection's than the one before."""

    __slots__ = ("fresh", "uuid", "value")

    def __init__(self, uuid: str, value: bytes, fresh: bool = False) -> None:
        self.uuid = uuid
        self.value = value
        self.fresh = fresh
