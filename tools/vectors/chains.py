"""chain.json: the hash chain of a lane in numbers, bundles that continue it, and what breaks it."""

from gateway.core.wire import chain_values
from hal.types import chain_start
from tools.vectors.home import EPOCH, EVENT_BYTES
from tools.vectors.messages import LEAST, Vector
from tools.vectors.plain import Plain

ABOUT = (
    "The chain of one lane: `starts` are h(0) by lane, `values` h(1), h(2), ... of `events` in `lane`. Each audit is a "
    "list of signed bundles in their order, and the number and chain value that a state or a receipt names for the end. "
    "Where `broken` is true, no auditor may find the bundles whole; their signatures hold all the same."
)
LANE = 1
EVENTS = [
    EVENT_BYTES[name] for name in ("smoke", "door at night, window assumed, made by a rule", "exercise")
] + [
    EVENT_BYTES["spot-check with the device's digits"],
    EVENT_BYTES["the least an event can be"],
]
START = chain_start(EPOCH, LANE)
VALUES = chain_values(START, EVENTS)
SPLIT = 2  # events of the first bundle


def bundle(first_seq: int, before: bytes, events: list[bytes]) -> Vector:
    """A bundle of the lane, as a gateway would sign it."""
    return LEAST["bundle"].but("", {4: LANE, 6: first_seq, 7: before, 8: events})


def whole(events: list[bytes], before: bytes = START, second: bytes | None = None) -> list[Vector]:
    """The events in two bundles; `second` is what the second one names as the chain before it."""
    middle = chain_values(before, events[:SPLIT])[-1] if second is None else second
    return [bundle(1, before, events[:SPLIT]), bundle(1 + SPLIT, middle, events[SPLIT:])]


def audits() -> list[tuple[str, bool, list[Vector]]]:
    """(name, broken, bundles); the end is always that of the events as they were."""
    without = EVENTS[:1] + EVENTS[2:]
    changed = [EVENTS[0], EVENTS[1][:-1] + bytes([EVENTS[1][-1] ^ 1]), *EVENTS[2:]]
    swapped = [EVENTS[1], EVENTS[0], *EVENTS[2:]]
    across = [EVENTS[0], EVENTS[2], EVENTS[1], *EVENTS[3:]]
    other_lane = chain_start(EPOCH, 0)
    return [
        ("two bundles", False, whole(EVENTS)),
        ("one bundle", False, [bundle(1, START, EVENTS)]),
        ("one bundle each", False, [bundle(1 + at, [START, *VALUES][at], [EVENTS[at]]) for at in range(len(EVENTS))]),
        ("an event removed", True, whole(without)),
        ("an event removed, the chain kept as it was", True, whole(without, second=VALUES[SPLIT - 1])),
        ("the last event removed", True, whole(EVENTS[:-1])),
        ("the first bundle removed", True, whole(EVENTS)[1:]),
        ("the last bundle removed", True, whole(EVENTS)[:1]),
        ("an event changed", True, whole(changed)),
        ("an event changed, the chain kept as it was", True, whole(changed, second=VALUES[SPLIT - 1])),
        ("two events swapped", True, whole(swapped)),
        ("two events swapped, the chain kept as it was", True, whole(swapped, second=VALUES[SPLIT - 1])),
        ("two events swapped across bundles", True, whole(across, second=VALUES[SPLIT - 1])),
        ("two bundles swapped", True, list(reversed(whole(EVENTS)))),
        ("an event twice", True, whole([EVENTS[0], *EVENTS])),
        ("an event put in", True, whole([EVENTS[0], b"\xa0", *EVENTS[1:]])),
        ("a bundle twice", True, [whole(EVENTS)[0], *whole(EVENTS)]),
        ("the chain of another lane", True, whole(EVENTS, other_lane)),
        ("a number left out", True, [whole(EVENTS)[0], bundle(2 + SPLIT, VALUES[SPLIT - 1], EVENTS[SPLIT:])]),
    ]  # fmt: skip


def chain_vectors() -> dict[str, Plain]:
    """The content of chain.json."""
    return {
        "about": ABOUT,
        "epoch": EPOCH.hex(),
        "starts": [chain_start(EPOCH, lane).hex() for lane in range(5)],
        "lane": LANE,
        "events": [event.hex() for event in EVENTS],
        "values": [value.hex() for value in VALUES],
        "end": {"seq": len(EVENTS), "chain": VALUES[-1].hex()},
        "audits": [
            {"name": name, "broken": broken, "messages": [vector.message.hex() for vector in bundles]}
            for name, broken, bundles in audits()
        ],
    }
