"""From readings to durable events: the one door into the journal.

What is made together is stored together: a `Work` holds events and the state that moved with them, and goes into
one append, at once or as often as it takes. Whoever may wait calls `store`; whoever may not (one loop that hears
every sensor, the hub's own notes) calls `offer`, which keeps what finds no room; the part `run` tries it again.
"""

import asyncio

from gateway.core.event_codec import encode_event
from gateway.core.model import Event
from gateway.core.rules.engine import Moment
from gateway.core.rules.exercise import LONGEST_MS
from gateway.core.rules.leaving import DEVICE
from gateway.hub.overrun import Work
from gateway.hub.parts import PartFailedError
from gateway.hub.waiting import Waiting
from gateway.hub.waking import Wake
from gateway.hub.writing import again_bytes, is_there, record_identity, tell, written
from hal.errors import HalError, StorageFullError, UnavailableError
from hal.types import EPOCH_SIZE, TECHNICAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.devices.driver import Reading
    from gateway.core.rules.engine import Engine
    from hal.interfaces import Clock, Crypto, Journal
    from hal.types import Entry

    Log = Callable[..., None]
    State = dict[str, bytes | None]
    Encoded = list[tuple[int, bytes]]
    Ending = tuple[list[tuple[str, dict[str, object]]], State]

RETRY_MS = 1_000
RETRY_FULL_MS = 5_000
FAILURES_LIMIT = 3  # appends in a row that the medium refuses before the process starts anew
LONGEST_TEXT = 200  # characters of a cause that an event of the hub carries


def nobody() -> None:
    """Nobody is told."""


def nothing_more() -> "Ending":
    """An epoch of which nothing is left to say."""
    return [], {}


class Recorder:
    """Applies rules, gives times, incidents and identities, and appends; tells `appended` when something is new.

    undated: whether something was learned while the clock was not trusted, since that was last asked.
    is_frozen: memory was missing where something may have moved; `gave_up` is called then, and ends the process.
    """

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
        self.stored: "list[Callable[[Event, Entry], None]]" = []  # told of each event, when it is durable
        self.training = False  # whether all that is made is an exercise
        self.undated = False
        self.is_frozen = False
        self.gave_up: "Callable[[], None]" = nobody
        self.waiting = Waiting(self.overrun_event)
        self.wake = Wake(clock)
        self.trouble, self.no_room = "", False
        self.failures = 0
        self.pause_ms = RETRY_MS
        self.retry_ms: "int | None" = None
        self.settling, self.writing = False, 0
        self.quiet, self.open = asyncio.Event(), asyncio.Event()
        self.quiet.set()
        self.open.set()

    @property
    def full(self) -> bool:
        """Whether something waits because lanes 0 and 1 alone fill the store."""
        return self.no_room and self.waiting.has()

    def freeze(self) -> None:
        """From this moment nothing is asked for any more: it would be stored with state whose event is lost. Takes no memory."""
        self.is_frozen = True
        self.gave_up()

    # --- making -------------------------------------------------------------------------------------------------

    def moment(self, heard_ms: "int | None" = None) -> Moment:
        """Now, or the moment of a reception a little while ago (uptime in ms)."""
        now_ms, utc_ms = self.clock.uptime_ms(), self.clock.utc_ms()
        if heard_ms is None or heard_ms > now_ms:
            heard_ms = now_ms
        self.undated = self.undated or utc_ms is None
        return Moment(self.boot, heard_ms, None if utc_ms is None else utc_ms - (now_ms - heard_ms))

    def made(self, events: "list[Event]", state: "State | None" = None) -> Work:
        """Events just made, with the state that the rules moved for them."""
        changes = self.engine.take_changes()
        changes.update(state or {})
        for event in events:
            event.exercise = event.exercise or self.training
        return Work(events, changes)

    def reading(
        self, placement: int, reading: "Reading", heard_ms: "int | None" = None, utc_ms: "int | None" = None
    ) -> Work:
        """What a device said, what follows from it, and the driver's state. Rules move once: store it, do not ask again."""
        moment = self.moment(heard_ms)
        moment.utc_ms = moment.utc_ms if utc_ms is None else utc_ms
        events: "list[Event]" = []
        try:
            for observation in reading.observations:
                identity = record_identity(self.crypto, placement, observation)
                events += self.engine.observe(placement, observation, moment, identity)
            state = {device_key(placement, key): item for key, item in reading.state.items()}
            return self.made(events, state)
        except MemoryError:
            self.freeze()
            raise

    def own(self, kind: str, placement: int = 0, values: "dict[str, object] | None" = None) -> Event:
        """An event of the hub's own making, now. Its words are cut: no text from outside makes an event too long to send."""
        moment = self.moment()
        if values is not None:
            longest = LONGEST_TEXT
            values = {key: each[:longest] if isinstance(each, str) else each for key, each in values.items()}
        event = Event(kind, placement, moment.boot, moment.uptime_ms, moment.utc_ms, values)
        self.engine.assign(event)
        event.exercise = event.exercise or self.training
        return event

    def event_bytes(self, kind: str, values: "dict[str, object]") -> bytes:
        """An event of the hub as bytes, for the rare append that goes past `append` (an epoch, a recovery)."""
        return encode_event(self.own(kind, 0, values))

    def exercise(self, placement: int, kind: str, length_ms: int = LONGEST_MS) -> None:
        """From now on, for at most two minutes, `kind` of a placement is an exercise.

        Raises:
            RefusedError: as `Exercises.begin`.
        """
        self.engine.exercises.begin(placement, kind, self.moment(), length_ms)

    # --- storing ------------------------------------------------------------------------------------------------

    async def note(
        self,
        kind: str,
        placement: int = 0,
        values: "dict[str, object] | None" = None,
        state: "State | None" = None,
    ) -> bool:
        """Store an event of the hub's own making, now or when there is room again; whether it was now."""
        return await self.offer(self.made([self.own(kind, placement, values)], state))

    async def condition(
        self,
        kind: str,
        end: str,
        holds: bool,
        values: "dict[str, object] | None" = None,
        placement: int = 0,
    ) -> None:
        """Say when a condition begins and when it ends, each once, also across a restart."""
        is_open = self.engine.incidents.is_open(placement, kind)
        if holds and not is_open:
            await self.note(kind, placement, values)
        elif is_open and not holds:
            await self.note(end, placement)

    async def keep(self, state: "State") -> bool:
        """Store state alone, now or when there is room again; whether it was now."""
        return await self.offer(Work([], state))

    async def due(self) -> None:
        """Store what time alone brought, and what rules want to remember of it."""
        work = self.made(self.engine.due(self.moment()))
        if work.events or work.state:
            await self.offer(work)

    async def store(self, work: Work) -> None:
        """Return when `work` is durable, however long the store is full.

        Raises:
            PartFailedError: the medium takes nothing any more.
            MemoryError: there was none, now or before: the process ends.
        """
        self.ask(work)
        try:
            self.waiting.held.append(work)
            while not await self.tried(work):
                await self.clock.sleep_ms(self.pause_ms)
        except MemoryError:
            self.freeze()
            raise
        finally:
            if work in self.waiting.held:
                self.waiting.held.remove(work)
            if not work.is_stored:
                self.waiting.cut_short.append(work)

    def ask(self, work: Work) -> None:
        """Note that `work` is asked for now. Raises MemoryError: it was asked for too late."""
        if self.is_frozen:
            raise MemoryError
        self.waiting.number(work)

    async def offer(self, work: Work) -> bool:
        """Store `work`, now or when there is room again; one with an alarm waits behind other alarms only.

        Whether it was stored at once.

        Raises:
            PartFailedError: the medium takes nothing any more.
            MemoryError: as `store`.
        """
        self.ask(work)
        must_wait = self.waiting.stands_before(work)
        try:
            return not must_wait and await self.tried(work)
        except MemoryError:
            self.freeze()
            raise
        finally:
            if not work.is_stored:
                self.wait_for_room(work, at_once=must_wait and work.urgent)

    def wait_for_room(self, work: Work, at_once: bool) -> None:
        """Let `work` wait for `run`. Memory is finite: beyond the limit work without an alarm goes, and a notice stands for it."""
        gone = self.waiting.add(work)
        if gone is not None:
            kinds = [event.kind for event in gone.events]
            self.log("error", "No room in the store nor in memory: events are lost.", kinds=kinds)
        if at_once:
            self.retry_ms = self.clock.uptime_ms()
        elif self.retry_ms is None:
            self.retry_ms = self.clock.uptime_ms() + self.pause_ms
        self.wake.call()

    async def run(self) -> None:
        """The part that stores what waits, as soon as there is room: nobody who hears or watches waits for it.

        Raises:
            PartFailedError: the medium takes nothing any more.
        """
        while True:
            await self.wake.wait(self.retry_ms)
            if self.retry_ms is not None and self.clock.uptime_ms() >= self.retry_ms:
                await self.settle()

    async def settle(self) -> None:
        """Try again what found no room: alarms first, then the rest, each in its order, until one finds none.

        A work in which a fault of ours shows holds nothing up: the rest is stored, and the fault is raised after it.
        """
        if self.settling:
            return
        self.settling = True
        faults: "list[Exception]" = []
        try:
            for queue in (self.waiting.alarms, self.waiting.routine):
                await self.drain(queue, faults)
        finally:
            self.settling = False
            waits = self.waiting.alarms or self.waiting.routine
            self.retry_ms = self.clock.uptime_ms() + self.pause_ms if waits else None
        if faults:
            raise faults[0]

    async def drain(self, queue: "list[Work]", faults: "list[Exception]") -> None:
        """Store what is in `queue`, until a work finds no room or all that is left failed by a fault of ours."""
        faulty: "list[Work]" = []
        while True:
            left = queue[:1] if not faulty else [work for work in queue if work not in faulty]
            if not left:
                return
            is_stored = await self.tried_alone(left[0], faults)
            if is_stored is None:
                faulty.append(left[0])
            elif is_stored:
                self.waiting.remove(left[0])
            else:
                return

    async def tried_alone(self, work: Work, faults: "list[Exception]") -> "bool | None":
        """As `tried`; None where that failed by a fault of ours, which goes to `faults`."""
        try:
            work.is_stored = work.is_stored or (work.in_doubt and is_there(work, self.journal))
            return work.is_stored or await self.tried(work)
        except (PartFailedError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, it is of this work and not of those behind it
            kinds = [event.kind for event in work.events]
            self.log("error", "What waits could not be stored.", kinds=kinds, cause=type(error).__name__)
            faults.append(error)
            return None

    async def tried(self, work: Work) -> bool:
        """Whether `work` could be stored now."""
        await self.waiting.take_off(work)
        try:
            await self.append(work)
            return True
        except StorageFullError as error:
            self.trouble = error.message
            if not self.no_room:
                self.log("error", "The store is full of alarms; what comes waits for room.", cause=str(error))
            self.no_room, self.pause_ms = True, RETRY_FULL_MS
        except HalError as error:
            self.trouble = error.message
            self.failures += 1
            self.pause_ms = RETRY_MS
            self.log("error", "The journal failed.", cause=str(error), times=self.failures)
            if self.failures >= FAILURES_LIMIT or not isinstance(error, UnavailableError):
                raise PartFailedError("the journal takes nothing any more: " + str(error))
        except MemoryError:
            work.in_doubt = True
            raise
        finally:
            self.waiting.land(work, work.is_stored)
        return False

    def overrun_event(self) -> Event:
        """What says that memory lost something, and why nothing could be stored."""
        return self.own("journal.overrun", values={"reason": self.trouble})

    async def append(self, work: Work) -> "list[Entry]":
        """Store `work` now.

        Raises:
            StorageFullError, UnavailableError, CorruptDataError, DeniedError: nothing is promised about it.
        """
        entries = await self.put(written(work, self.own, self.log), work.state, work)
        self.failures = 0
        self.no_room = self.no_room and work.urgent  # room for an alarm says nothing about the rest
        tell(work, entries, self.journal.epoch, self.log)
        for entry, event in zip(entries, work.events):
            for hear in self.stored:
                hear(event, entry)
        return entries

    async def put(self, encoded: "Encoded", state: "State", work: "Work | None" = None) -> "list[Entry]":
        """Store encoded events, those of `work`, but not while an epoch begins: they would go with the old one.

        Raises:
            StorageFullError, UnavailableError, CorruptDataError, DeniedError: as `Journal.append`.
        """
        while not self.open.is_set():
            await self.open.wait()
        self.writing += 1
        self.quiet.clear()
        try:
            entries = await self.journal.append(encoded, state)
            if work is not None:
                work.is_stored = True  # whatever fails from here on: it is not stored again
        finally:
            self.writing -= 1
            if self.writing == 0:
                self.quiet.set()
        for call in self.appended:
            call()
        return entries

    async def begin_epoch(self, reason: str, ending: "Callable[[], Ending]" = nothing_more) -> "list[Entry]":
        """Go on under a new epoch: what is held is journalled again with its old identity, and nothing comes between.

        `ending` gives kind and values of what must be said of the epoch that ends, and state to keep of it, when nothing
        more comes in it. Returns the entries of those words.

        Raises:
            StorageFullError: lanes 0 and 1 alone would not fit with their identities.
            CorruptDataError: an entry is damaged; a fresh start sets the store aside.
            UnavailableError: the medium failed.
        """
        self.open.clear()
        try:
            await self.quiet.wait()
            words, state = ending()
            words = words + [("epoch.begun", {"reason": reason, "epoch": self.journal.epoch})]
            notices = [(TECHNICAL, self.event_bytes(kind, values)) for kind, values in words]
            entries = await self.journal.begin_epoch(
                self.crypto.random(EPOCH_SIZE), again_bytes, notices, state
            )
            return entries[:-1]
        finally:
            self.open.set()


def device_key(placement: int, key: str) -> str:
    """State key of a driver's own `key`."""
    return DEVICE + str(placement) + "." + key
