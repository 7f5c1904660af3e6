"""From readings to durable events: the one door into the journal."""

from gateway.core import cbor
from gateway.core.event_codec import IDENTITY_SIZE, encode_event, encode_values, kind_code, lane_of
from gateway.core.model import Event
from gateway.core.rules.engine import Moment
from hal.errors import StorageFullError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.devices.driver import Reading
    from gateway.core.model import Observation
    from gateway.core.rules.engine import Engine
    from hal.interfaces import Clock, Crypto, Journal
    from hal.types import Entry

    Log = Callable[..., None]


class Recorder:
    """Applies rules, gives times, incidents and identities, and appends; tells `appended` when something is new."""

    def __init__(
        self, journal: "Journal", clock: "Clock", crypto: "Crypto", engine: "Engine", boot: int, log: "Log"
    ) -> None:
        self.journal = journal
        self.clock = clock
        self.crypto = crypto
        self.engine = engine
        self.boot = boot
        self.log = log
        self.appended: "list[Callable[[], None]]" = []
        self.unsaved: "dict[str, bytes | None]" = {}
        self.full = False

    def moment(self, heard_ms: "int | None" = None) -> Moment:
        """Now, or the moment of a reception a little while ago (uptime in ms)."""
        now_ms, utc_ms = self.clock.uptime_ms(), self.clock.utc_ms()
        if heard_ms is None or heard_ms > now_ms:
            heard_ms = now_ms
        return Moment(self.boot, heard_ms, None if utc_ms is None else utc_ms - (now_ms - heard_ms))

    async def record(self, placement: int, reading: "Reading", heard_ms: "int | None" = None) -> None:
        """Store what a device said, what follows from it, and the driver's state, in one append.

        Raises:
            StorageFullError: see `append`; nothing was stored and `reading.send_after` must not go out.
        """
        moment = self.moment(heard_ms)
        events: "list[Event]" = []
        for observation in reading.observations:
            made = self.engine.observe(placement, observation, moment)
            if observation.record is not None and made and made[0].kind == observation.kind:
                made[0].identity = self.identity(placement, observation)
            events += made
        state = {device_key(placement, key): item for key, item in reading.state.items()}
        if events or state:
            await self.append(events, state)

    def identity(self, placement: int, observation: "Observation") -> bytes:
        """Key 9 of a stored record: the same whenever the same record is read again (DESIGN.md 4, Identity)."""
        parts = [
            placement,
            kind_code(observation.kind),
            observation.record,
            encode_values(observation.values),
        ]
        return self.crypto.hmac_sha256("identity", cbor.encode(parts))[:IDENTITY_SIZE]

    async def due(self) -> None:
        """Store what time alone brought."""
        events = self.engine.due(self.moment())
        if events:
            await self.append(events, {})

    async def note(
        self,
        kind: str,
        placement: int = 0,
        values: "dict[str, object] | None" = None,
        state: "dict[str, bytes | None] | None" = None,
    ) -> None:
        """Store an event of the hub's own making; a full store is logged, not raised: there is no one to answer."""
        moment = self.moment()
        event = Event(kind, placement, moment.boot, moment.uptime_ms, moment.utc_ms, values)
        self.engine.incidents.assign(event)
        try:
            await self.append([event], state or {})
        except StorageFullError as error:
            self.log("error", "An event of the hub itself found no room.", kind=kind, cause=str(error))

    def event_bytes(self, kind: str, values: "dict[str, object]") -> bytes:
        """An event of the hub as bytes, for the rare append that goes past this door (a new epoch)."""
        moment = self.moment()
        return encode_event(Event(kind, 0, moment.boot, moment.uptime_ms, moment.utc_ms, values))

    async def append(self, events: "list[Event]", state: "dict[str, bytes | None]") -> "list[Entry]":
        """Store events and state with what the rules want kept.

        Raises:
            StorageFullError: the store is full of alarms; the rules' state is kept for the next append.
        """
        self.unsaved.update(self.engine.take_changes())
        changes, self.unsaved = self.unsaved, {}
        changes.update(state)
        try:
            entries = await self.journal.append(
                [(lane_of(event.kind), encode_event(event)) for event in events], changes
            )
        except BaseException:
            changes.update(self.unsaved)
            self.unsaved = changes
            raise
        for entry, event in zip(entries, events):
            self.log(
                "info",
                "stored",
                kind=event.kind,
                lane=entry.lane,
                seq=entry.seq,
                placement=event.placement,
                epoch=self.journal.epoch.hex(),
                identity=(event.identity or entry.chain).hex(),
            )
        for call in self.appended:
            call()
        return entries


def device_key(placement: int, key: str) -> str:
    """State key of a driver's own `key`."""
    return "device." + str(placement) + "." + key
