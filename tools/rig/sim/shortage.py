"""Memory that is missing at one chosen point while an alarm is taken in, on both interpreters: an allocator that fails the nth time.

Neither interpreter has one. `Scarce` stands in for it at the seams that an intake crosses: each call of one is two points, before it
began and after it had done its work. `tools/rig/allocations.py` does the same at every line, which CPython can.
"""

from gateway.core.event_codec import decode_event, lane_of
from gateway.hub.parts import Parts
from tools.rig.sim.bench import HOME, Bench
from tools.simulators import enocean_air as air

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from hal.interfaces import Journal

FRAMES = (
    1,
    2,
)  # packet ids of what a detector goes on saying: the first as it was, for radios say everything several times
OPEN_MS = 60_000
WAITED = ("append", "offer", "take", "take_off")  # seams that are awaited


class Scarce:
    """Memory is there but at point `fails_at`, counted from 1; `points` have been passed."""

    def __init__(self, fails_at: int) -> None:
        self.fails_at = fails_at
        self.points = 0

    def pass_point(self) -> None:
        """One more; raises MemoryError at the one that was chosen."""
        self.points += 1
        if self.points == self.fails_at:
            raise MemoryError("simulated")

    def over(self, owner: "Any", name: str) -> None:
        """Let each call of `owner.name` be two points from now on."""
        within = getattr(owner, name)

        def call(*given: "Any", **named: "Any") -> "Any":
            self.pass_point()
            answer = within(*given, **named)
            self.pass_point()
            return answer

        async def waited(*given: "Any", **named: "Any") -> "Any":
            self.pass_point()
            answer = await within(*given, **named)
            self.pass_point()
            return answer

        setattr(owner, name, waited if name in WAITED else call)

    def over_all(self, bench: Bench) -> None:
        """Every seam that a frame of the smoke detector crosses on its way into the journal."""
        app = bench.app
        device = next(each for each in app.devices if each.config.name == "Smoke")
        recorder, engine = app.recorder, app.recorder.engine
        for owner, names in (
            (device.driver, ("advertised",)),
            (device.driver.observer, ("observe", "remember", "changed")),
            (device, ("count",)),
            (app.intake, ("take", "heard", "learn")),
            (app.supervision, ("heard",)),
            (recorder, ("moment", "reading", "made", "offer", "append", "log")),
            (recorder.waiting, ("number", "stands_before", "take_off", "land", "supersede")),
            (engine, ("observe", "finished", "assign", "take_changes")),
            (engine.incidents, ("assign", "begin")),
            (engine.storms, ("follow", "due")),
            (app.dispositions.alarms, ("tell",)),
            (recorder.journal, ("append",)),
        ):
            for name in names:
                self.over(owner, name)


class HardyParts(Parts):
    """The negative control: a part that met a lack of memory goes on, with whatever it remembers."""

    async def keep(
        self, name: str, run: "Callable[[], Awaitable[None]]", once: bool, sends: bool = False
    ) -> None:
        await self.restart(name, run, once, True)


SAFE, HARDY = "safe", "hardy"
LAX = "lax"  # the other parts store what they like until the process ends
FORGETS = "forgets"  # what a reader has in hand goes with the process


class Trial:
    """A home in which it begins to smoke while memory is missing at one point. `came`: alarms in the journal, and what comes besides.

    beside: the gateway is connected, and before it ends another device speaks. No platform runs: what is stored stays, to be counted.
    """

    kind = "smoke.detected"
    besides: "tuple[str, ...]" = ()  # kinds of what else must come once

    def __init__(self, ways: str = SAFE, beside: bool = False) -> None:
        self.ways = ways
        self.beside = beside
        self.came = 0
        self.restarts = 0

    async def play(self, shorten: "Callable[[Bench], None]", enough: "Callable[[], None]") -> None:
        """`shorten` makes memory short, `enough` ends that, when all that follows from one frame is done."""
        bench = self.home()
        if not self.beside:
            bench.broker.stop()
        await self.start(bench)
        await self.prepare(bench)
        shorten(bench)
        await self.happen(bench)
        enough()
        if self.beside:
            self.speak(bench)
            await bench.clock.settle()
        await self.go_on(bench)
        self.came = self.count(bench, self.kind)
        for kind in self.besides:
            if self.came == 1:
                self.came = self.count(bench, kind)
        await bench.app.parts.stop()
        await bench.app.delivery.ended()

    def count(self, bench: Bench, kind: str) -> int:
        """How many events of a kind the journal holds."""
        held = bench.journal.peek(lane_of(kind), 0, 65_536)
        return [decode_event(entry.event).kind for entry in held].count(kind)

    def home(self) -> Bench:
        """Where it happens."""
        return Bench()

    async def prepare(self, bench: Bench) -> None:
        """What comes before the lack."""

    async def happen(self, bench: Bench) -> None:
        """What memory is missing for."""
        bench.smoke(True, 1)
        await bench.clock.settle()

    def speak(self, bench: Bench) -> None:
        """Another device."""
        bench.door(True, 1)

    async def go_on(self, bench: Bench) -> None:
        """What comes after it."""
        for packet in FRAMES:
            await self.look_after(bench)
            bench.smoke(True, packet)
            await bench.clock.advance(2_000)

    async def start(self, bench: Bench) -> None:
        """A fresh process."""
        app = bench.build()
        if self.ways == HARDY:
            app.parts = HardyParts(app.recorder, bench.clock, bench.log)
            bench.app.recorder.freeze = lambda: None
        if self.ways == LAX:
            bench.app.recorder.freeze = app.parts.give_up
        if self.ways == FORGETS:
            bench.app.in_hand = list
        await app.start()
        await bench.clock.advance(500)

    async def look_after(self, bench: Bench) -> None:
        """What starts the hub anew where it has given up: systemd, or the reset of a board."""
        if not bench.app.parts.given_up.is_set():
            return
        self.restarts += 1

        async def anew() -> "Journal":
            return bench.open_journal()

        await bench.clock.run(bench.app.stop(False, anew))
        await self.start(bench)


class Overdue(Trial):
    """A door stands open too long, which a rule alone finds, and says once, while memory is missing at one point."""

    kind = "door.left_open"

    def home(self) -> Bench:
        tree = dict(HOME)
        tree["rule"] = [{"type": "left_open", "device": "Front door", "minutes": 1}]
        return Bench(tree=tree)

    async def prepare(self, bench: Bench) -> None:
        bench.door(True, 1)
        await bench.clock.advance(OPEN_MS - 500)

    async def happen(self, bench: Bench) -> None:
        await bench.clock.advance(1_000)

    def speak(self, bench: Bench) -> None:
        bench.smoke(True, 1)

    async def go_on(self, bench: Bench) -> None:
        for packet in range(2, 4):
            await self.look_after(bench)
            bench.door(True, packet)
            await bench.clock.advance(60_000)


class Once(Trial):
    """The detector says it once, and nobody speaks after it."""

    async def go_on(self, bench: Bench) -> None:
        for _ in FRAMES:
            await self.look_after(bench)
            await bench.clock.advance(2_000)


class OnceByTelegram(Once):
    """The same on the line of a transceiver, in two pieces, behind a switch whose every telegram is another press."""

    port = "/dev/serial/by-id/usb-EnOcean"
    hall, kitchen = "01:82:5D:01", "01:82:5D:02"
    besides = ("button.pressed",)
    first_size = 9

    def home(self) -> Bench:
        tree = dict(HOME)
        tree["enocean"] = {"port": self.port}
        tree["rule"] = []
        tree["device"] = [
            {"name": "Hall", "driver": "enocean", "sender": self.hall, "options": {"profile": "F6-05-02"}},
            {"name": "Key", "driver": "enocean", "sender": self.kitchen, "options": {"profile": "F6-02-01"}},
        ]
        bench = Bench(tree=tree)
        bench.world.serial_line(self.port)
        return bench

    async def prepare(self, bench: Bench) -> None:
        said = air.telegram(self.kitchen, air.rocker(2))
        said += air.telegram(self.hall, air.smoke(air.SMOKE))
        self.rest = said[self.first_size :]
        bench.world.serial_line(self.port).send(said[: self.first_size])
        await bench.clock.settle()

    async def happen(self, bench: Bench) -> None:
        bench.world.serial_line(self.port).send(self.rest)
        await bench.clock.settle()
