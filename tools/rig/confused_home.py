"""A home in which everything toggles, falls silent and restarts, around the product's engine, rules, supervision and decoder.

The journal is a dictionary and time a number: a step takes microseconds. What the hub says goes to a `Judge`
(`confused_judge.py`), beside what the world did. `tools.rig.confusions` plays such homes from a seed, the tests from Hypothesis.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.core.devices.bthome import Bthome
from gateway.core.devices.driver import Context
from gateway.core.errors import RefusedError
from gateway.core.model import Event, Observation
from gateway.core.rules.dose import DoseRule
from gateway.core.rules.engine import Engine, Moment, Rule
from gateway.core.rules.exercise import LONGEST_MS
from gateway.core.rules.night_window import NightWindow
from gateway.core.rules.storm import Storms
from gateway.core.supervision import Supervision
from hal.sim.crypto import SimCrypto
from hal.sim.keystore import SimKeyStore
from hal.types import Advertisement
from tools.rig.confused_judge import Judge, Said

SMOKE, WATER, DOOR, BUTTON, LID, KEYED, DISPENSER = range(1, 8)
SENSORS = (SMOKE, WATER, DOOR, BUTTON, LID)
FROM, TO = 22 * 60, 6 * 60
JANUARY_UTC_MS = 1_798_761_600_000  # 2027-01-01 00:00: Oslo is an hour ahead until the end of March
MINUTE_MS = 60_000
DAY_MINUTES = 1_440
INTERVAL_MS, INTERVALS = 60_000, 3
MOST_LOOKS = 1_000  # of one wait: more is a hub that asks for the same moment again and again
PLAIN, PACKET, PRESS = 0x40, 0x00, b"\x3a\x01"


@dataclass(frozen=True)
class Contact:
    """One state of a sensor, by its BTHome object: what begins and ends it, and its part."""

    placement: int
    code: int
    begins: str
    ends: str
    part: str = ""


CONTACTS = (
    Contact(SMOKE, 0x15, "battery.low", "battery.restored"),
    Contact(SMOKE, 0x29, "smoke.detected", "smoke.cleared"),
    Contact(WATER, 0x20, "water.detected", "water.cleared"),
    Contact(DOOR, 0x1A, "door.opened", "door.closed"),
    Contact(DOOR, 0x1A, "door.opened", "door.closed", "door_2"),
    Contact(LID, 0x26, "problem.detected", "problem.cleared"),
    Contact(LID, 0x2B, "tamper.detected", "tamper.cleared"),
)


@dataclass(frozen=True)
class Kind:
    """What hub it is: the product's, or one with a part replaced. `carry` is what it takes with it over a restart."""

    engine: type[Engine] = Engine
    storms: type[Storms] = Storms
    carry: Callable[[Engine, Engine, int, int], None] | None = None


class Home:
    """`judge.found` is what was wrong, one line each."""

    def __init__(self, kind: Kind, random: Callable[[int], bytes]) -> None:
        self.kind, self.random = kind, random
        self.journal: dict[str, bytes] = {}
        self.crypto = SimCrypto(SimKeyStore(bytes(32), {}))
        self.judge = Judge()
        self.now_ms, self.boot = 1_000, 1
        self.began_utc_ms: int | None = None
        self.states: dict[Contact, bool] = {}
        self.packets = dict.fromkeys(SENSORS, 0)
        self.doses = 0
        self.silent: set[int] = set()  # by what the world did
        self.start()
        self.look()

    # --- the hub ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """A process over the journal."""
        rules: list[Rule] = [
            NightWindow(DOOR, b"night-id", FROM, TO, "Europe/Oslo", self.journal.get(f"night.{DOOR}")),
            DoseRule(DISPENSER, b"dose--id", self.journal),
        ]
        self.engine = self.kind.engine(rules, {}, self.random, self.journal)
        if self.kind.storms is not Storms:
            self.engine.storms = self.engine.exercises.storms = self.kind.storms(
                self.engine.incidents, self.journal
            )
        self.supervision = Supervision()
        for placement in (*SENSORS, KEYED):
            silent = self.engine.incidents.is_open(placement, "device.silent")
            self.supervision.watch(placement, INTERVAL_MS, self.now_ms, silent)
        self.heard_ms = dict.fromkeys((*SENSORS, KEYED), self.now_ms)
        self.drivers = {placement: self.driver(placement) for placement in SENSORS}

    def driver(self, placement: int) -> Bthome:
        return Bthome(Context("", {}, self.crypto, lambda key: self.journal.get(f"device.{placement}.{key}")))

    def moment(self) -> Moment:
        """Now, by the hub's clocks."""
        utc_ms = None if self.began_utc_ms is None else self.began_utc_ms + self.now_ms
        return Moment(self.boot, self.now_ms, utc_ms)

    def store(self, state: dict[str, bytes | None]) -> None:
        """One append."""
        for key, item in {**self.engine.take_changes(), **state}.items():
            if item is None:
                self.journal.pop(key, None)
            else:
                self.journal[key] = item

    def own(self, kind: str, placement: int) -> Event:
        """A word of the hub itself, as the recorder makes it."""
        event = Event(kind, placement, self.boot, self.now_ms, self.moment().utc_ms)
        self.engine.assign(event)
        return event

    def take(
        self, placement: int, observations: Iterable[Observation], said: list[Said], heard: bool = True
    ) -> None:
        """What a device said reaches the hub; `said` is what follows from it by what the world did."""
        moment = self.moment()
        events: list[Event] = []
        for observation in observations:
            events += self.engine.observe(placement, observation, moment)
        if heard and self.supervision.heard(placement, self.now_ms):
            events.append(self.own("device.back", placement))
        if heard and placement in self.heard_ms:
            self.heard_ms[placement] = self.now_ms
            said = [*said, *[Said(placement, "device.back")] * (placement in self.silent)]
            self.silent.discard(placement)
        self.store({})
        self.judge.see(self.now_ms, events, said)
        self.look()

    def look(self) -> None:
        """The hub does what is due now."""
        for _ in range(MOST_LOOKS):
            events = [self.own("device.silent", one) for one, _ in self.supervision.due(self.now_ms)]
            said = self.fallen_silent()
            due_ms = self.engine.next_due_ms()
            is_due = due_ms is not None and due_ms <= self.now_ms
            if is_due:
                events += self.engine.due(self.moment())
            if not events and not is_due and not said:
                self.judge.settled(self.now_ms)
                return
            self.store({})
            self.judge.see(self.now_ms, events, said)
        self.judge.found.append("the hub asks for the same moment again and again")

    def fallen_silent(self) -> list[Said]:
        """Devices that have said nothing for three intervals, by what the world did."""
        late_ms = self.now_ms - INTERVALS * INTERVAL_MS
        found = [one for one, at_ms in self.heard_ms.items() if at_ms <= late_ms and one not in self.silent]
        self.silent.update(found)
        return [Said(placement, "device.silent") for placement in found]

    # --- what befalls it ----------------------------------------------------------------------------------------

    def wait(self, for_ms: int) -> None:
        """Time passes; the hub looks when it asked to."""
        until_ms = self.now_ms + for_ms
        while True:
            times = [self.engine.next_due_ms(), self.supervision.next_due_ms()]
            due_ms = min([at_ms for at_ms in times if at_ms is not None], default=until_ms)
            if due_ms > until_ms or self.judge.found:
                break
            self.now_ms = max(self.now_ms, due_ms)
            self.look()
            if due_ms == until_ms:
                break
        self.now_ms = until_ms

    def turn(self, contact: Contact, damage: int | None = None) -> None:
        """A state of a sensor changes, and its frame is heard; of a damaged one so many bytes."""
        self.states[contact] = not self.states.get(contact, False)
        row = [one for one in CONTACTS if one.placement == contact.placement]
        objects = b"".join([bytes([one.code, self.states.get(one, False)]) for one in row])
        self.frame(contact.placement, objects, row, damage)

    def frame(
        self, placement: int, objects: bytes, row: list[Contact], damage: int | None, pressed: int = 0
    ) -> None:
        """A frame is on the air."""
        self.now_ms += 1
        packet = self.packets[placement] = (self.packets[placement] + 1) % 256
        data = (bytes([PLAIN, PACKET, packet]) + objects)[:damage]
        reading = self.drivers[placement].advertised(Advertisement("", -60, self.now_ms, {"fcd2": data}, ()))
        self.store({f"device.{placement}.{key}": item for key, item in reading.state.items()})
        whole = max(0, len(data) - 3) // 2
        said = pressed * [Said(placement, "button.pressed", "")] if whole else []
        for contact in row[:whole]:
            said += self.judge.turned(contact, self.states.get(contact, False), self.is_night())
        self.take(placement, reading.observations, said, reading.heard)

    def press(self, damage: int | None = None) -> None:
        """Somebody presses the button."""
        self.frame(BUTTON, PRESS, [], damage, 1)

    def warn(self, begins: bool, doubt: int) -> None:
        """A detector with a key is heard, or somebody who speaks in its name: `doubt` is its provenance."""
        self.now_ms += 1
        kind = "smoke.detected" if begins else "smoke.cleared"
        self.take(KEYED, [Observation(kind, {}, provenance=doubt)], [Said(KEYED, kind)], doubt == 0)

    def plan_dose(self) -> None:
        """A dispenser plans a dose for the next minutes."""
        utc_ms = self.moment().utc_ms
        if utc_ms is not None:
            self.doses += 1
            values: dict[str, object] = {
                "dose_id": self.doses,
                "window_end_utc_ms": utc_ms + 5 * MINUTE_MS,
            }
            self.dispense("dose.planned", values)

    def tell_dose(self, outcome: str) -> None:
        """The dispenser says what became of its newest dose."""
        if self.doses:
            self.dispense(outcome, {"dose_id": self.doses})

    def dispense(self, kind: str, values: dict[str, object]) -> None:
        self.now_ms += 1
        self.take(DISPENSER, [Observation(kind, values)], [Said(DISPENSER, kind)])

    def exercise(self, placement: int, kind: str, length_ms: int = LONGEST_MS) -> None:
        """Somebody tries a device out."""
        try:
            self.engine.exercises.begin(placement, kind, self.moment(), length_ms)
        except RefusedError:
            return
        self.judge.exercise(placement, kind, self.now_ms, self.now_ms + length_ms)

    def set_clock(self, minute: int | None) -> None:
        """The time of day jumps to a minute of January, or is lost."""
        self.began_utc_ms = None if minute is None else JANUARY_UTC_MS + minute * MINUTE_MS - self.now_ms

    def is_night(self) -> bool:
        """Whether a door that opens now opens at night, by arithmetic of its own."""
        utc_ms = self.moment().utc_ms
        if utc_ms is None:
            return True
        minute = (utc_ms // MINUTE_MS + 60) % DAY_MINUTES
        return minute >= FROM or minute < TO

    def restart(self, away_ms: int) -> None:
        """The process ends; whatever it kept in memory is gone, and nobody knows how long it was away."""
        before, before_ms = self.engine, self.now_ms
        if self.began_utc_ms is not None:
            self.began_utc_ms += self.now_ms + away_ms - 1_000
        self.boot, self.now_ms = self.boot + 1, 1_000
        self.judge.restarted(self.now_ms)
        self.start()
        if self.kind.carry is not None:
            self.kind.carry(before, self.engine, before_ms, self.now_ms)
        self.look()
