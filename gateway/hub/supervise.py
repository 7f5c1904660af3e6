"""The loop that looks at everything else: sign of life, silence, clock, path, rules in time, watchdog."""

from gateway.core.supervision import KEEP_MS
from gateway.hub.devices import Device
from gateway.hub.quiet import PressAnswer, Quiet
from gateway.hub.recorder import device_key
from gateway.hub.self_test import SelfTest
from gateway.hub.waking import Wake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.config import Config
    from gateway.core.supervision import Supervision
    from gateway.core.trust import Trust
    from gateway.hub.inward import Inward
    from gateway.hub.losses import Losses
    from gateway.hub.outward import Outward
    from gateway.hub.recorder import Log, Recorder, State
    from gateway.hub.uplink import Delivery
    from hal.interfaces import Clock, Indicator, Watchdog

BEAT_MS = 5_000  # how often the watchdog is fed and slow conditions are looked at,
BRISK_MS = 1_000  # and while somebody waits for an answer
JUMP_MS = 60_000  # that the time of day moves beside the uptime: no crystal does that between two beats
PATH_LOST_MS = 90_000  # without a connection for so long is a fault
FAULTS = (
    "path.unreceipted",
    "adapter.lost",
    "disk.full",
    "keyset.expired",
)  # conditions of the hub that its lamp shows
PART_STOPPED = "part.stopped"
LEFT = "gateway.left"
UNRECEIPTED_FAULT_MS = 75_000  # sent, taken by the broker, and no receipt: noticed within 90 s (F5)


class Supervise:
    """Feeds the watchdog only while `alive` says that every part runs."""

    def __init__(
        self,
        config: "Config",
        clock: "Clock",
        recorder: "Recorder",
        supervision: "Supervision",
        delivery: "Delivery",
        outward: "Outward",
        inward: "Inward",
        trust: "Trust",
        losses: "Losses",
        indicator: "Indicator",
        watchdog: "Watchdog",
        alive: "Callable[[], bool]",
        log: "Log",
    ) -> None:
        self.config = config
        self.clock = clock
        self.recorder = recorder
        self.supervision = supervision
        self.delivery = delivery
        self.outward = outward
        self.inward = inward
        self.trust = trust
        self.losses = losses
        self.indicator = indicator
        self.watchdog = watchdog
        self.alive = alive
        self.log = log
        self.self_test = SelfTest(config, clock, recorder, delivery)
        self.quiet = Quiet(config.quiet, config.hub.time_zone)
        self.answer = PressAnswer(recorder.journal, clock)
        self.pairs: "Callable[[], bool]" = lambda: False  # whether a device may be paired now
        self.leaves: "Callable[[], bool]" = lambda: (
            False
        )  # whether the gateway leaves its home, and hears nobody
        self.identify_until_ms = 0  # uptime until which the lamp shows which gateway this is
        self.wake = Wake(clock)
        self.state_due_ms = clock.uptime_ms() + self.state_interval_ms
        self.beat_due_ms = clock.uptime_ms()
        self.rhythm_due_ms = clock.uptime_ms() + KEEP_MS
        self.receipts_seen = 0
        self.began_utc_ms: "int | None" = None  # when this run began, by the clock at the last look

    @property
    def state_interval_ms(self) -> int:
        """How often the sign of life goes out."""
        return 1000 * self.config.hub.state_interval_s

    async def run(self) -> None:
        """Look, then sleep until something is due."""
        while True:
            now_ms = self.clock.uptime_ms()
            await self.silences(now_ms)
            await self.recorder.due()
            if now_ms >= self.state_due_ms:
                self.state_due_ms = now_ms + self.state_interval_ms
                await self.delivery.say_alive()
            if now_ms >= self.beat_due_ms:
                self.beat_due_ms = now_ms + BEAT_MS
                await self.beat(now_ms)
                if self.self_test.runs:
                    self.beat_due_ms = now_ms + BRISK_MS
            elif self.answer.has_news or self.answer.waits:
                self.indicator.show(self.shown(now_ms))
            await self.wake.wait(self.next_due_ms())

    def next_due_ms(self) -> int:
        """The earliest of all that is due."""
        others = [self.supervision.next_due_ms(), self.recorder.engine.next_due_ms()]
        if self.answer.waits:
            others.append(self.clock.uptime_ms() + BRISK_MS)
        return min([self.state_due_ms, self.beat_due_ms] + [at for at in others if at is not None])

    async def silences(self, now_ms: int) -> None:
        """Devices that have now been silent for three of their own intervals."""
        events = []  # all made before one is stored: a device heard meanwhile is back after it was silent
        for placement, watched in self.supervision.due(now_ms):
            values: "dict[str, object]" = {"silent_ms": now_ms - watched.heard_ms}
            if watched.interval_ms:
                values["interval_ms"] = watched.interval_ms
            else:
                values["reason"] = "never heard"
            events.append(self.recorder.own("device.silent", placement, values))
        if events:
            await self.recorder.offer(self.recorder.made(events))

    async def keep_rhythms(self) -> None:
        """Store what was learned of how often devices are heard, and how long they have not been."""
        kept = self.supervision.keep(self.clock.uptime_ms())
        if kept:
            state: "State" = {device_key(placement, Device.RHYTHM): item for placement, item in kept.items()}
            await self.recorder.keep(state)

    async def beat(self, now_ms: int) -> None:
        """Slow conditions, the lamp, and the watchdog."""
        await self.look_at_clock()
        await self.look_at_keyset()
        await self.look_at_path(now_ms)
        await self.recorder.condition("storage.full", "storage.restored", self.recorder.full)
        await self.recorder.condition("disk.full", "disk.freed", self.recorder.journal.cramped)
        await self.losses.report(now_ms)
        await self.self_test.look(now_ms)
        if now_ms >= self.rhythm_due_ms:
            self.rhythm_due_ms = now_ms + KEEP_MS
            await self.keep_rhythms()
        self.indicator.show(self.shown(now_ms))
        if self.alive():
            self.watchdog.feed()

    async def look_at_clock(self) -> None:
        """A clock that became known dates the events of this boot that lack a time; one that jumped is told of."""
        utc_ms = self.clock.utc_ms()
        if utc_ms is not None:
            began_ms = utc_ms - self.clock.uptime_ms()
            jump_ms = 0 if self.began_utc_ms is None else began_ms - self.began_utc_ms
            self.began_utc_ms = began_ms
            if abs(jump_ms) >= JUMP_MS:
                await self.recorder.note("clock.jumped", values={"jump_ms": jump_ms})
        if utc_ms is not None and self.recorder.undated:
            self.recorder.undated = False
            await self.recorder.note("clock.trusted", state=self.outward.date(utc_ms))
        await self.recorder.condition("clock.untrusted", "clock.trusted", utc_ms is None)
        gone = self.outward.undated()
        if gone:
            await self.recorder.keep(gone)

    async def look_at_keyset(self) -> None:
        """Receipts still count under an expired keyset; that it has expired is said. Without a clock nothing is known."""
        utc_ms = self.clock.utc_ms()
        if utc_ms is not None and self.trust.held is not None:
            await self.recorder.condition("keyset.expired", "keyset.renewed", self.trust.expired(utc_ms))

    async def look_at_path(self, now_ms: int) -> None:
        """No connection, or a broker that takes everything and a platform that receipts nothing."""
        down_ms = self.delivery.down_since_ms(now_ms)
        lost = down_ms is not None and now_ms - down_ms >= PATH_LOST_MS
        holding = down_ms is not None and self.recorder.engine.incidents.is_open(0, "path.lost")
        values: "dict[str, object]" = {"reason": self.delivery.last_error or "no connection"}
        await self.recorder.condition("path.lost", "path.restored", lost or holding, values)
        waiting_since = self.delivery.waiting_since_ms()
        mute = waiting_since is not None and now_ms - waiting_since >= UNRECEIPTED_FAULT_MS
        progressed, self.receipts_seen = self.inward.receipts != self.receipts_seen, self.inward.receipts
        still = not progressed and self.recorder.engine.incidents.is_open(0, "path.unreceipted")
        await self.recorder.condition("path.unreceipted", "path.receipted", mute or still)
        await self.look_at_way(now_ms)

    async def look_at_way(self, now_ms: int) -> None:
        """Another way out than the first is in use, and for a while: somebody should look at the first."""
        steady_ms = self.delivery.connected_ms
        if steady_ms is not None and now_ms - steady_ms >= PATH_LOST_MS:
            facts = self.delivery.way_facts()
            await self.recorder.condition("path.fallback", "path.preferred", not self.delivery.first, facts)

    def look_now(self) -> None:
        """Something has changed that the lamp shows: do not wait for the next beat."""
        self.beat_due_ms = self.clock.uptime_ms()
        self.wake.call()

    def faults(self) -> "list[str]":
        """What the lamp's `fault` stands for: open conditions of the hub by kind, a hub that hears nobody, a part that does not run."""
        found = [kind for kind in FAULTS if self.recorder.engine.incidents.is_open(0, kind)]
        if self.leaves():
            found.append(LEFT)
        return found if self.alive() else found + [PART_STOPPED]

    def shown(self, now_ms: int) -> str:
        """What the lamp shows now: an answer to a press, or the state where it is not the hour of quiet."""
        self.answer.look()
        answer = self.answer.state(self.delivery.uplink.connected)
        return answer or self.quiet.shown(self.lamp(), self.clock.utc_ms(), self.cut_off_ms(now_ms))

    def cut_off_ms(self, now_ms: int) -> int:
        """For how long nothing has got through: no connection, or a platform that does not receipt."""
        since = [self.delivery.down_since_ms(now_ms), self.delivery.waiting_since_ms()]
        return max([0] + [now_ms - at for at in since if at is not None])

    def lamp(self) -> str:
        """The one state of the hub, the worst first; `shown` is what of it is seen in the home."""
        if self.recorder.full:
            return "storage_full"
        if self.faults():
            return "fault"
        if self.pairs():
            return "pairing"
        if self.clock.uptime_ms() < self.identify_until_ms:
            return "identify"
        return "ok" if self.delivery.down_since_ms(self.clock.uptime_ms()) is None else "offline"
