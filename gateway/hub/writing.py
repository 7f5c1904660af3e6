"""Events as the bytes that the journal takes, made or journalled again. What does not encode costs nothing beside or behind it.

Such an event is a bug of ours, and stays one however often it is tried: waiting for it would hold up every alarm behind it.
"""

from gateway.core import cbor
from gateway.core.errors import DecodeError
from gateway.core.event_codec import (
    IDENTITY_SIZE,
    encode_event,
    encode_values,
    kind_code,
    lane_of,
    with_identity,
)
from gateway.core.model import Event
from gateway.hub.overrun import COUNTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.core.model import Observation
    from gateway.hub.overrun import Work
    from hal.interfaces import Crypto, Journal
    from hal.types import Entry

    Log = Callable[..., None]
    Own = Callable[[str, int, dict[str, object]], Event]


NEWEST, LOOKED_AT_BYTES = 8, 65_536  # entries of a lane in which an event is looked for


def written(work: "Work", own: "Own", log: "Log") -> "list[tuple[int, bytes]]":
    """Lane and bytes of each event of `work`, which then holds what is written.

    An alarm whose values do not encode goes without them, and says so. Any other such event is lost; `own` makes the
    `journal.overrun` in its place, which names its kind. Neither says what the value was: it may be of somebody's health.
    """
    events, encoded = [], []
    for event in work.events:
        for form in forms(event, own):
            try:
                data = encode_event(form)
            except MemoryError:
                raise  # it says nothing of the event
            except Exception as error:  # noqa: BLE001  whatever a wrong type brings about
                log("error", "An event does not encode.", kind=form.kind, cause=type(error).__name__)
                log("debug", "trace", error=error)
                continue
            events.append(form)
            encoded.append((lane_of(form.kind), data))
            break
    work.events = events
    return encoded


def record_identity(crypto: "Crypto", placement: int, observation: "Observation") -> "bytes | None":
    """Key 9 of a stored record: the same whenever the same record is read again (DESIGN.md 4, Identity). None for what is no record."""
    if observation.record is None:
        return None
    parts = [placement, kind_code(observation.kind), observation.record, encode_values(observation.values)]
    return crypto.hmac_sha256("identity", cbor.encode(parts))[:IDENTITY_SIZE]


def is_there(work: "Work", journal: "Journal") -> bool:
    """Whether `journal` has all that `work` would store: it may have failed when it had stored it, for want of memory to say so.

    An event names its moment to the millisecond, so one of the newest with the same bytes is the same one.
    """
    for event in work.events:
        lane, data = lane_of(event.kind), encode_event(event)
        newest = journal.peek(lane, journal.mark(lane).last - NEWEST, LOOKED_AT_BYTES, NEWEST)
        if not any([entry.event == data for entry in newest]):
            return False
    return bool(work.events)


def forms(event: Event, own: "Own") -> "Iterator[Event]":
    """An event, and what stands for it where it does not encode, the best first. The last is of ours, and does."""
    yield event
    lane = lane_of(event.kind)
    if lane not in COUNTS:
        yield bare(event, True)
        yield bare(event, False)
    values: "dict[str, object]" = {"reason": event.kind + " does not encode", "count": 1}
    if lane in COUNTS:
        values[COUNTS[lane]] = 1
    yield own("journal.overrun", 0, values)


def bare(event: Event, whole: bool) -> Event:
    """An alarm as far as it needs no values; without `whole` nothing but that it came, from where and when."""
    made = Event(event.kind, event.placement, event.boot, event.uptime_ms, event.utc_ms)
    made.values = {"reason": "what it holds does not encode"}
    made.exercise = event.exercise is True
    if whole:
        made.incident, made.identity, made.rule = event.incident, event.identity, event.rule
        made.provenance = event.provenance
    return made


def tell(work: "Work", entries: "list[Entry]", epoch: bytes, log: "Log") -> None:
    """Log each event as it was stored."""
    for entry, event in zip(entries, work.events):
        log(
            "info",
            "stored",
            kind=event.kind,
            lane=entry.lane,
            seq=entry.seq,
            placement=event.placement,
            epoch=epoch.hex(),
            identity=(event.identity or entry.chain).hex(),
        )


def again_bytes(entry: "Entry", provenance: int = 0) -> bytes:
    """An event as it is journalled again: with its old identity, or as it came where it cannot be read.

    `provenance`: bits that it has from now on beside its own.
    """
    try:
        return with_identity(entry.event, entry.chain, provenance)
    except DecodeError:
        return entry.event
