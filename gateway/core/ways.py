"""Which way out to try next. A way is a broker, and the interface by which it is reached. No I/O: the hub asks and does.

The order of preference is that of the brokers in the configuration; to each first as the system routes, then over
every other interface that is up, the cheapest first: a cable that leads nowhere must not hide a mobile network.

| what happened                                   | what follows                                                     |
|-------------------------------------------------|------------------------------------------------------------------|
| a way is lost, or cannot be taken               | the rest of the round; after a whole round a pause               |
| a way takes messages and no receipt comes       | it is distrusted for an hour, then twice as long, up to a day:   |
|                                                 | it comes after all others, and nobody returns to it              |
| a live receipt came over a way                  | it is trusted again                                              |
| another than the first way is in use            | better ones are looked for after 5 min, then after twice as      |
|                                                 | long, up to an hour; the one that answers is taken               |
| a live receipt came over the first way          | that begins at 5 min again: what answers and then refuses would  |
|                                                 | else take the connection down for ever                           |

Receipts tell of a broker and the platform behind it together: where none comes over any way, the hub stays.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.types import NetworkPath

KINDS = ("ethernet", "wifi", "cellular")  # of interfaces that are tried, in this order

DISTRUST_MS, DISTRUST_CEILING_MS = 3_600_000, 86_400_000
RETURN_MS, RETURN_CEILING_MS = 300_000, 3_600_000

# Without a receipt for so long the broker is left for another way. Receipts for alarms come at once, for the rest each
# second; what is slower than this is broken.
URGENT_MUTE_MS, MUTE_MS = 30_000, 90_000


class Way:
    """`broker` counts from 0 in the order of the configuration; `interface` is None where the system routes."""

    __slots__ = ("broker", "distrust_ms", "distrusted_until_ms", "interface")

    def __init__(self, broker: int, interface: "str | None" = None) -> None:
        self.broker = broker
        self.interface = interface
        self.distrusted_until_ms = 0
        self.distrust_ms = DISTRUST_MS


class Ways:
    """Every way there is, in order, and what is known of each."""

    def __init__(self, brokers: int) -> None:
        self.brokers = brokers
        self.known: "dict[tuple[int, str | None], Way]" = {}
        self.return_ms = RETURN_MS

    def order(self, paths: "list[NetworkPath]") -> "list[Way]":
        """All ways over `paths`, the preferred first."""
        up = [path for kind in KINDS for path in paths if path.kind == kind and path.up]
        others = [path.name for path in up if not path.routed]
        if len(up) == 1 and not any([path.routed for path in paths]):
            others = []  # the one there is, without a default route: what the system does is the same
        return [self.way(broker, name) for broker in range(self.brokers) for name in [None] + others]

    def way(self, broker: int, interface: "str | None") -> Way:
        """The one object of a way."""
        key = (broker, interface)
        if key not in self.known:
            self.known[key] = Way(broker, interface)
        return self.known[key]

    def round(self, paths: "list[NetworkPath]", now_ms: int) -> "list[Way]":
        """What to try one after the other: all of them, the distrusted last."""
        ways = self.order(paths)
        trusted = [way for way in ways if way.distrusted_until_ms <= now_ms]
        return trusted + [way for way in ways if way not in trusted]

    def better(self, way: Way, paths: "list[NetworkPath]", now_ms: int) -> "list[Way]":
        """What is preferred to `way` and may be returned to."""
        ways = self.order(paths)
        before = ways[: ways.index(way)] if way in ways else ways
        return [other for other in before if other.distrusted_until_ms <= now_ms]

    def has_other(self, way: Way, paths: "list[NetworkPath]", now_ms: int) -> bool:
        """Whether there is another way that is trusted."""
        return any([other.distrusted_until_ms <= now_ms for other in self.order(paths) if other is not way])

    def distrust(self, way: Way, now_ms: int) -> None:
        """It takes messages, and nothing comes of them."""
        way.distrusted_until_ms = now_ms + way.distrust_ms
        way.distrust_ms = min(DISTRUST_CEILING_MS, way.distrust_ms * 2)

    def trust(self, way: Way) -> None:
        """A live receipt came over it."""
        way.distrusted_until_ms, way.distrust_ms = 0, DISTRUST_MS
        if way is self.way(0, None):
            self.return_ms = RETURN_MS

    def looked_back(self) -> None:
        """Better ways were tried: whatever they answered, the next look waits longer."""
        self.return_ms = min(RETURN_CEILING_MS, self.return_ms * 2)


def interface_of(way: Way, paths: "list[NetworkPath]") -> str:
    """The interface that a way goes by, or empty: a tunnel says nothing of what carries it."""
    if way.interface is not None:
        return way.interface
    up = [path for path in paths if path.up]
    names = [path.name for path in up if path.routed and path.kind in KINDS]
    if not names and len(up) == 1 and up[0].kind in KINDS:
        names = [up[0].name]  # without a default route, to what is near
    return names[0] if names else ""
