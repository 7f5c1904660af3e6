"""The way out: connect, publish what the journal holds, alarms first, and forget on the platform's receipt alone."""

import asyncio

from gateway.core.outbox import BUNDLE_EVENTS, URGENT_LANES
from gateway.core.session import Backoff
from gateway.core.ways import MUTE_MS, URGENT_MUTE_MS, Ways, interface_of
from gateway.hub.claim import chain_at
from gateway.hub.parts import PartFailedError
from gateway.hub.waking import Wake, ended, stop
from hal.errors import CorruptDataError, HalError, TimedOutError
from hal.types import LANES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from gateway.core.outbox import Flight, Outbox
    from gateway.core.ways import Way
    from gateway.hub.inward import Inward
    from gateway.hub.outward import Outward
    from gateway.hub.recorder import Log
    from hal.interfaces import Clock, Journal, Uplink
    from hal.types import LaneMark, NetworkPath

# In this order brokers hand out what they retain.
SUBSCRIBED = ("receipt", "keyset", "config", "disposition", "command")
# A broker that acknowledges nothing for so long is left: it holds the window closed. An alarm waits less: at 64 kbit/s its
# PUBACK comes within 3 s, and a connection that died without a word works again when it is made anew.
PUBACK_LIMIT_MS, URGENT_PUBACK_LIMIT_MS = 60_000, 20_000
RELEASED_MS = 10  # until the journal's word of what it gave up this moment is here
PATHS_MS = 5_000  # how long a look at the interfaces counts
STEADY_MS = 10_000  # a connection that holds so long, or brings a live receipt, is one
GREET_MS = 1_000  # routine lanes wait so long for the retained receipt, which may cover what would go again


class BetterWayError(HalError):
    """Ends a connection because a way that is preferred answers again."""


class Delivery:
    """One broker connection after another, over the ways out there are, the preferred first."""

    def __init__(
        self,
        uplinks: "list[Uplink]",
        journal: "Journal",
        clock: "Clock",
        outbox: "Outbox",
        outward: "Outward",
        inward: "Inward",
        random16: "Callable[[], int]",
        log: "Log",
    ) -> None:
        self.uplinks = uplinks
        self.uplink = uplinks[0]
        self.ways = Ways(len(uplinks))
        self.way = self.ways.way(0, None)
        self.way_is_back = False
        self.interface = ""  # of the last connection, empty where there was none or it cannot be told
        self.seen: "list[NetworkPath]" = []
        self.paths_due_ms = 0
        self.journal = journal
        self.clock = clock
        self.outbox = outbox
        self.outward = outward
        self.inward = inward
        self.backoff = Backoff(random16)
        self.log = log
        self.wake = Wake(clock)
        self.connected_ms: "int | None" = None
        self.lost_ms: "int | None" = clock.uptime_ms()
        self.down_ms: "int | None" = self.lost_ms
        self.last_error = ""
        self.epoch = journal.epoch  # whose numbers the outbox counts in
        self.manifest_due = False
        self.greet_until_ms = 0
        self.receipts_before = 0
        self.sending: "list[tuple[asyncio.Task[None], int]]" = []  # each with the uptime until which it is waited for
        self.hushed = False  # the gateway leaves the home: its retained topics stay cleared
        self.waited_ms = 0  # unreceipted on earlier connections,
        self.waited_at = 0  # while so many receipts had come

    def poke(self) -> None:
        """Something new is in the journal."""
        self.wake.call()

    async def run(self) -> None:
        """Stay connected for ever; ways are tried in order, with a jittered pause after each round."""
        while True:
            alarms = self.alarms()
            for way in self.ways.round(self.paths(), self.clock.uptime_ms()):
                alarms = self.alarms()
                if await self.attempt(way):
                    break
            else:
                await self.pause(alarms)

    async def attempt(self, way: "Way") -> bool:
        """One connection over `way`, until it ends; whether it ended because a better way is back."""
        self.way, self.uplink = way, self.uplinks[way.broker]
        try:
            await self.session()
        except BetterWayError as error:
            self.log("info", "Returning to a preferred way out.", cause=str(error))
            return True
        except CorruptDataError as error:
            raise PartFailedError(str(error))  # the journal's: a fresh start sets it aside
        except HalError as error:
            self.last_error = str(error)
            self.log(
                "warning",
                "No connection to the broker.",
                cause=str(error),
                kind=type(error).__name__,
                **self.way_facts(),
            )
        finally:
            await self.ended()
        return False

    def paths(self) -> "list[NetworkPath]":
        """The interfaces there were a moment ago: asking the system costs more than a bundle."""
        now_ms = self.clock.uptime_ms()
        if now_ms >= self.paths_due_ms:
            self.paths_due_ms = now_ms + PATHS_MS
            self.seen = self.outward.network.paths()
        return self.seen

    def way_facts(self) -> "dict[str, object]":
        """For people and logs: the broker in use, and the interface where the hub chose it."""
        facts: "dict[str, object]" = {"broker": str(self.outward.config.uplink.brokers[self.way.broker])}
        if self.way.interface is not None:
            facts["path"] = self.way.interface
        return facts

    def way_out(self) -> "tuple[str, bool]":
        """The interface of the connection that holds or held last, and whether it holds; as `interface_of`."""
        return self.interface, self.connected_ms is not None

    @property
    def first(self) -> bool:
        """Whether the way in use is the first of the configuration."""
        return self.way is self.ways.way(0, None)

    async def pause(self, alarms: int) -> None:
        """Wait before the next round of brokers; an alarm since the count `alarms` tries them at once."""
        end_ms = self.clock.uptime_ms() + self.backoff.next_ms()
        while self.alarms() == alarms and self.clock.uptime_ms() < end_ms:
            await self.wake.wait(end_ms)

    def alarms(self) -> int:
        """How many alarms there ever were in this journal."""
        return sum([self.journal.mark(lane).last for lane in URGENT_LANES])

    async def ended(self) -> None:
        """A connection is over, or never came about."""
        now_ms = self.clock.uptime_ms()
        if self.connected_ms is not None:
            if self.down_since_ms(now_ms) is None:
                self.down_ms = now_ms
            since = self.waiting_since_ms()
            self.waited_ms = 0 if since is None else now_ms - since
            self.waited_at = self.inward.receipts
            self.backoff.held(now_ms - self.connected_ms)
            self.lost_ms = now_ms
        self.connected_ms = None
        sending, self.sending = self.sending, []
        for task, _ in sending:
            await stop(task)
        await self.uplink.close()

    async def session(self) -> None:
        """One connection, from CONNECT to its loss. Raises HalError when it ends."""
        topics = [self.outward.topic(sort) for sort in SUBSCRIBED]
        await self.uplink.connect(topics, interface=self.way.interface)
        now_ms = self.clock.uptime_ms()
        self.connected_ms, self.lost_ms, self.last_error = now_ms, None, ""
        self.interface = interface_of(self.way, self.outward.network.paths())
        self.inward.connection += 1
        self.greet_until_ms = now_ms + GREET_MS
        self.log("info", "Connected to the broker.", **self.way_facts())
        self.epoch = self.journal.epoch
        self.outbox.connected(self.marks())
        self.receipts_before = self.inward.receipts
        lost: "list[HalError]" = []
        reader = asyncio.create_task(self.listen(lost))
        self.way_is_back = False
        looking_back = asyncio.create_task(self.look_back())
        try:
            await self.say_alive()
            self.manifest_due = True
            while not reader.done():
                await self.turn()
        finally:
            await stop(looking_back)  # first: stopping the reader raises what it failed with
            await stop(reader)
        raise lost[0]

    async def look_back(self) -> None:
        """From time to time see whether a better way answers; `way_is_back` says so."""
        while not self.way_is_back:
            await self.clock.sleep_ms(self.ways.return_ms)
            better = self.ways.better(self.way, self.paths(), self.clock.uptime_ms())
            for way in better:
                try:
                    await self.uplinks[way.broker].probe(interface=way.interface)
                    self.way_is_back = True
                    break
                except HalError as error:
                    self.log("debug", "A preferred way out does not answer yet.", cause=str(error))
            if better:
                self.ways.looked_back()
        self.wake.call()

    async def listen(self, lost: "list[HalError]") -> None:
        """Take what comes in until the connection is lost; `lost` tells why, and the sender is woken to see it."""
        try:
            while True:
                message = await self.uplink.receive()
                if await self.inward.take(message):
                    self.settled()
        except HalError as error:
            lost.append(error)
        finally:
            self.wake.call()

    def settled(self) -> None:
        """A message has been acted on: the retained receipt; or the keyset, which comes after it, so there is none."""
        self.greet_until_ms = 0
        self.wake.call()

    def marks(self) -> "list[LaneMark]":
        """Where all lanes stand."""
        return [self.journal.mark(lane) for lane in LANES]

    async def turn(self) -> None:
        """Send one bundle if one may go, else wait until something changes."""
        await self.look_at_sending()
        if self.manifest_due:
            self.manifest_due = False
            self.offer("manifest", await self.outward.manifest())
        marks = self.marks()
        if self.journal.epoch != self.epoch:  # whoever began it may be gone: its numbers are others
            self.epoch = self.journal.epoch
            self.outbox.connected(marks)
        self.outbox.follow(marks)
        now_ms = self.clock.uptime_ms()
        limit_ms = min([until_ms for _, until_ms in self.sending]) if self.sending else None
        if limit_ms is not None and now_ms >= limit_ms:
            raise TimedOutError("the broker acknowledges nothing: connecting again")
        if self.inward.receipts != self.receipts_before:
            self.receipts_before = self.inward.receipts
            self.ways.trust(self.way)
        mute_ms = self.mute_at_ms(now_ms)
        if mute_ms is not None and now_ms >= mute_ms:
            self.ways.distrust(self.way, now_ms)
            raise TimedOutError("the broker takes messages and no receipt comes: trying another way out")
        if self.way_is_back and not self.outbox.alarms_wait(marks):
            raise BetterWayError("it answers again")
        lane = self.outbox.next_lane(marks, now_ms)
        if lane is not None and lane not in URGENT_LANES and now_ms < self.greet_until_ms:
            await self.wake.wait(self.greet_until_ms)
        elif lane is not None:
            await self.send(lane)
        else:
            times = [at for at in (self.outbox.next_deadline_ms(), limit_ms, mute_ms) if at is not None]
            await self.wake.wait(min(times) if times else None)

    def mute_at_ms(self, now_ms: int) -> "int | None":
        """When this broker is left because no receipt comes over it; None where there is nowhere else to go."""
        since_ms = self.outbox.waiting_since_ms()
        urgent_ms = self.outbox.waiting_since_ms(URGENT_LANES)
        if since_ms is None or not self.ways.has_other(self.way, self.paths(), now_ms):
            return None
        begun_ms = self.connected_ms or 0
        mute_ms = max(since_ms, begun_ms) + MUTE_MS
        return mute_ms if urgent_ms is None else min(mute_ms, max(urgent_ms, begun_ms) + URGENT_MUTE_MS)

    async def send(self, lane: int) -> None:
        """Hand the next bundle of a lane to the broker without waiting for its PUBACK."""
        sent = self.outbox.lanes[lane].sent
        entries = self.journal.peek(lane, sent, self.outbox.bundle_limit(), BUNDLE_EVENTS)
        before = chain_at(self.journal, lane, entries[0].seq - 1) if entries else None
        if before is None:
            await self.wake.wait(self.clock.uptime_ms() + RELEASED_MS)
            return
        size = sum([len(entry.event) for entry in entries])
        flight = self.outbox.sending(lane, entries[0].seq, entries[-1].seq, size, self.clock.uptime_ms())
        message = await self.outward.bundle(entries, before)
        limit_ms = URGENT_PUBACK_LIMIT_MS if lane in URGENT_LANES else PUBACK_LIMIT_MS
        self.begin(self.hand_over(self.outward.topic("bundle", lane), message, flight), limit_ms)

    def begin(self, work: "Coroutine[object, object, None]", limit_ms: int = PUBACK_LIMIT_MS) -> None:
        """Let something go out beside what else goes out."""
        self.sending.append((asyncio.create_task(self.carry(work)), self.clock.uptime_ms() + limit_ms))

    async def carry(self, work: "Coroutine[object, object, None]") -> None:
        """Do it. A lost connection is the reader's to tell; what fails otherwise stays, for `turn` to raise."""
        try:
            await work
        except HalError as error:
            self.log("debug", "A message was not taken.", cause=str(error))
        finally:
            self.wake.call()
        current = asyncio.current_task()
        self.sending = [row for row in self.sending if row[0] is not current]

    async def look_at_sending(self) -> None:
        """Raise what a hand-over failed with: a bug of ours would hold the window closed in silence."""
        for row in list(self.sending):
            if row[0].done():
                self.sending.remove(row)
                await ended(row[0])

    async def hand_over(self, topic: str, message: bytes, flight: "Flight") -> None:
        """Publish one bundle; its PUBACK makes room, nothing else."""
        await self.uplink.publish(topic, message)
        self.outbox.puback(flight, self.clock.uptime_ms())
        self.after_puback(flight)

    def after_puback(self, flight: "Flight") -> None:
        """The broker has a bundle. The journal keeps it: a broker's acknowledgement is not delivery."""

    async def say_alive(self) -> None:
        """Offer the state, where there is a connection."""
        if self.uplink.connected:
            self.offer("state", await self.outward.state())

    def offer(self, sort: str, message: bytes) -> None:
        """Publish a retained message of our own without waiting: no alarm stands behind its PUBACK.

        A connection that ends meanwhile brings the newest one at the next. Nothing goes where the topics were cleared.
        """
        if self.hushed:
            return
        self.begin(self.uplink.publish(self.outward.topic(sort), message, retain=True))

    def down_since_ms(self, now_ms: int) -> "int | None":
        """Since when no connection holds, or None: one that a broker takes and cuts at once delivers nothing."""
        if self.connected_ms is not None and (
            self.outbox.answered or now_ms - self.connected_ms >= STEADY_MS
        ):
            self.down_ms = None
        return self.down_ms

    def waiting_since_ms(self) -> "int | None":
        """Since when the platform has owed a receipt, or None; only time with a connection counts."""
        since = self.outbox.waiting_since_ms()
        if self.connected_ms is None or since is None:
            return None
        before_ms = self.waited_ms if self.inward.receipts == self.waited_at else 0
        return max(since, self.connected_ms) - before_ms

    def tell_manifest(self) -> None:
        """The manifest has changed: publish it on this connection or the next."""
        self.manifest_due = True
        self.wake.call()
