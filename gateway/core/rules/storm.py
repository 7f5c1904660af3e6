"""States that come and go by themselves (N3, H11): every word of them is told at once, and who has been told is marked.

A beginning that follows one which was told is marked (`repeat`, a count) and shares its incident. Nothing is withheld or
delayed: the mark lets a receiver notify at most once in ten minutes. **Never marked** is

- the first beginning, and one that follows ten quiet minutes: somebody who looked has been there by then, and what
  begins now is new; after a restart nobody knows how long it was quiet, so the first beginning counts as new;
- one more than ten minutes after the last that was not marked: a storm is told again as long as it lasts;
- a word that lacks a doubt (provenance) which that one had: a forger must not make a true alarm a repetition;
- what a person does anew each time: a press of a button, which is no state, and a door at night, as long as a person could
  have opened it so often (`FAST_TURNS`). Each has an incident of its own; its storm is told all the same;
- what a device told from its own log (it has an identity of its own): that may be heard within a second and have
  happened over days.

A state whose beginning was marked and which then stays for two minutes is told again, unmarked, as soon as ten minutes have
passed since it was told so: the fire behind the flapping. A restart does not begin the ten minutes anew: it is told two
minutes after the first, which a sensor has to say what changed meanwhile, and at once after the next. The technical
resource person hears of a storm (`device.flapping`) and of its end (`device.steady`). Everything is kept for each placement, kind and part: no storm touches another. docs/adr/0018-storms.md.
"""

from gateway.core import cbor, registry
from gateway.core.event_codec import lane_of
from gateway.core.model import Event
from gateway.core.rules.incidents import OPENING, key_of, part_of
from gateway.core.rules.incidents import PREFIX as INCIDENT
from hal.types import TECHNICAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.core.rules.engine import Moment
    from gateway.core.rules.incidents import Incidents

FLAPPING, STEADY = "device.flapping", "device.steady"
QUIET_MS = 600_000  # without a change for so long: what begins then is a new episode, and a storm is over
NOTICE_MS = 600_000  # after an unmarked beginning for so long the next ones are marked
STAYS_MS = 120_000  # a state that stands so long does not flap
FLAPS = 3  # a state that came back so often is a storm: a person may open a door a second time
DEVICE, KEPT = "device.", ".storm."  # state key: what the hub keeps of a device, and goes with it
# states that may be marked: those of people and of faults. Doors by day and motion come and go because somebody lives there.
FOLLOWED = {kind for kind in OPENING if lane_of(kind) <= TECHNICAL and kind != FLAPPING}
OF_PEOPLE = ("door.night_exit",)  # each is a new episode of a person, unless it comes
FAST_TURNS, FAST_MS = 5, 30_000  # so often in so short a time as nobody opens and closes a door
RULE_SIZE = 8  # of event key 12
MOST = 1 << 48  # more than any number of ours that is kept: uptime and time of day in ms, counts


class Spell:
    """One state that changed within ten minutes; times are uptime in ms of this boot, None where they are of an earlier.

    notice_ms, doubt: the last unmarked beginning and its provenance. toggles: how often it came back, count: how often
    it was told. again_ms: when it is told again unless it ends: its last beginning was marked. waited: whether it stood so
    over a restart already. rule: that which made its last beginning. told: the storm is. turns: when it last began, FAST_TURNS times at most.
    """

    __slots__ = (
        "again_ms",
        "count",
        "doubt",
        "incident",
        "kind",
        "last_ms",
        "notice_ms",
        "part",
        "placement",
        "provenance",
        "rule",
        "toggles",
        "told",
        "turns",
        "waited",
    )

    def __init__(self, placement: int, kind: str, part: str) -> None:
        self.placement = placement
        self.kind = kind
        self.part = part
        self.incident: "bytes | None" = None
        self.last_ms: "int | None" = None
        self.again_ms: "int | None" = None
        self.rule: "bytes | None" = None
        self.told = self.waited = False
        self.turns: "list[int]" = []
        self.renew()

    def renew(self) -> None:
        """A new episode."""
        self.incident = None
        self.notice_ms: "int | None" = None
        self.doubt = self.provenance = self.count = self.toggles = 0

    def quiet(self, now_ms: int) -> bool:
        """Whether it has not changed for long enough."""
        return self.last_ms is not None and now_ms - self.last_ms >= QUIET_MS

    def turned(self, now_ms: int) -> None:
        """It begins once more."""
        self.turns = self.turns[-FAST_TURNS + 1 :] + [now_ms]

    def is_fast(self) -> bool:
        """Whether it came back more often in a short time than a person could make it."""
        return len(self.turns) == FAST_TURNS and self.turns[-1] - self.turns[0] <= FAST_MS

    def repeats(self, event: Event) -> bool:
        """Whether a beginning tells nobody anything new: told in the last ten minutes, with no doubt that is gone now."""
        if self.notice_ms is None or event.uptime_ms - self.notice_ms >= NOTICE_MS:
            return False
        return self.doubt & ~event.provenance == 0


class Storms:
    """Spells by incident key; `changes` is the state to store with the events that moved it."""

    def __init__(self, incidents: "Incidents", stored: "dict[str, bytes]") -> None:
        self.incidents = incidents
        self.changes: "dict[str, bytes | None]" = {}
        self.held: "dict[str, Spell]" = {}
        self.left: "dict[str, bytes]" = {}  # the incident of whoever left last, by the same key
        self.is_missed: "Callable[[bytes], bool] | None" = None  # whether who left in it is gone, by a rule
        self.take_up(stored)

    def take_up(self, stored: "dict[str, bytes]") -> None:
        """Storms that were told, and marked beginnings whose state stood, before a restart. Their times mean nothing now."""
        for key in sorted(self.incidents.open):
            number, _, rest = key[len(INCIDENT) :].partition("." + FLAPPING + ".")
            if rest:
                spell = self.spell_of(int(number), rest)
                spell.told, spell.toggles = True, FLAPS
        for key in sorted(stored):
            number, _, rest = key[len(DEVICE) :].partition(KEPT)
            if key.startswith(DEVICE) and rest and number.isdigit():
                kept = read_kept(stored[key], 3) or read_kept(stored[key], 2)
                if kept:
                    spell = self.spell_of(int(number), rest)
                    spell.count, spell.provenance = kept[:2]
                    spell.waited, spell.rule = kept[2:-1] == [1], kept[-1]
                    spell.again_ms = 0

    def spell_of(self, placement: int, name: str) -> Spell:
        """The spell of a state, made where there is none; `name` is kind and part, as in a state key."""
        thing, _, rest = name.partition(".")
        happening, _, part = rest.partition(".")
        key = self.key_of(placement, thing + "." + happening, part)
        if key not in self.held:
            self.held[key] = Spell(placement, thing + "." + happening, part)
        return self.held[key]

    def follows(self, kind: str) -> bool:
        """Whether `kind` begins a state that may be marked."""
        return kind in FOLLOWED

    def may_mark(self, spell: Spell) -> bool:
        """Whether its beginning just now may be a repetition."""
        return spell.kind not in OF_PEOPLE or spell.is_fast()

    def stirs(self, placement: int, kind: str) -> bool:
        """Whether a state of that kind stands, or changed within ten minutes, whatever its part."""
        start = key_of(placement, kind)
        keys = list(self.held) + list(self.incidents.open)
        return any([key == start or key.startswith(start + ".") for key in keys])

    def key_of(self, placement: int, kind: str, part: str) -> str:
        """What is kept apart."""
        return key_of(placement, kind, part)

    def follow(self, event: Event) -> None:
        """Give an event its incident, and its mark where it is a repetition."""
        begins = event.kind in FOLLOWED
        kind = event.kind if begins else registry.KINDS[event.kind][2] if event.kind in registry.KINDS else ""
        if kind not in FOLLOWED or event.incident is not None or is_logged(event):
            self.incidents.assign(event)
            return
        part = part_of(event.values)
        key = self.key_of(event.placement, kind, part)
        was_open = self.incidents.is_open(event.placement, kind, part)
        if not begins and not was_open:
            return  # the end of what never began
        spell = self.held.get(key) or Spell(event.placement, kind, part)
        self.held[key] = spell
        if begins:
            self.begin(spell, event, was_open)
        else:
            self.incidents.assign(event)
            self.end(spell, event)
        spell.incident = event.incident
        spell.last_ms = event.uptime_ms

    def begin(self, spell: Spell, event: Event, was_open: bool) -> None:
        """A state begins, or is said once more while it stands."""
        if spell.quiet(event.uptime_ms):
            spell.renew()
        elif spell.notice_ms is None:
            spell.count = 0  # of an earlier boot
        before = spell.incident
        if not was_open and "again" not in event.values:  # what the hub tells again did not happen again
            spell.turned(event.uptime_ms)
        may_mark = self.may_mark(spell)
        if before is not None and not was_open:
            spell.toggles += 1
            if may_mark:
                self.incidents.resume(spell.placement, spell.kind, spell.part, before)
        if spell.kind in OF_PEOPLE and not was_open:
            self.join(spell)
        self.incidents.assign(event)
        if spell.kind in OF_PEOPLE and event.incident is not None:
            self.left[self.key_of(spell.placement, spell.kind, spell.part)] = event.incident
        spell.provenance = event.provenance & (spell.provenance if was_open else event.provenance)
        spell.rule = event.rule
        if may_mark and spell.repeats(event):
            spell.count += 1
            event.values["repeat"] = spell.count
            if spell.again_ms is None:
                spell.waited = False
                spell.again_ms = max((spell.notice_ms or 0) + NOTICE_MS, event.uptime_ms + STAYS_MS)
            self.keep(spell)
        else:
            self.noticed(spell, event)

    def join(self, spell: Spell) -> None:
        """Who opens while whoever left is missed, as a rule has told, most likely comes back: it is that incident."""
        left = self.left.get(self.key_of(spell.placement, spell.kind, spell.part))
        if left is not None and self.is_missed is not None and self.is_missed(left):
            self.incidents.resume(spell.placement, spell.kind, spell.part, left)

    def end(self, spell: Spell, event: Event) -> None:
        """A state ends: the end of a marked beginning is marked as well."""
        if spell.again_ms is not None:
            event.values["repeat"] = spell.count
            spell.again_ms = None
            self.keep(spell)
        if spell.quiet(event.uptime_ms):
            spell.renew()

    def noticed(self, spell: Spell, event: Event) -> None:
        """An unmarked beginning."""
        spell.notice_ms, spell.doubt = event.uptime_ms, event.provenance
        if spell.again_ms is not None:
            spell.again_ms = None
            self.keep(spell)

    def keep(self, spell: Spell) -> None:
        """Remember across a restart whether the state stands behind a mark."""
        name = spell.kind + ("." + spell.part if spell.part else "")
        key = DEVICE + str(spell.placement) + KEPT + name
        if spell.again_ms is None:
            self.changes[key] = None
        else:
            self.changes[key] = as_kept([spell.count, spell.provenance, int(spell.waited)], spell.rule)

    def due(self, moment: "Moment") -> "list[Event]":
        """What a storm brings by itself: a state that stayed, told again; that a storm began, or is over."""
        found: "list[Event]" = []
        for key in sorted(self.held):
            spell = self.held[key]
            if spell.last_ms is None:
                self.go_on(spell, moment.uptime_ms)
            if spell.again_ms is not None and moment.uptime_ms >= spell.again_ms:
                found += self.again(spell, moment)
            is_quiet = spell.quiet(moment.uptime_ms)
            is_storm = spell.toggles >= FLAPS and not is_quiet
            if is_storm != spell.told:
                spell.told = is_storm
                found.append(self.fault(spell, moment))
            if is_quiet:
                del self.held[key]
        return found

    def go_on(self, spell: Spell, now_ms: int) -> None:
        """A spell of an earlier boot: its ten quiet minutes begin now, but what stands behind a mark waits no longer for it."""
        spell.last_ms = now_ms
        if spell.again_ms is not None:
            spell.again_ms = now_ms + (0 if spell.waited else STAYS_MS)
            spell.waited = True
            self.keep(spell)

    def again(self, spell: Spell, moment: "Moment") -> "list[Event]":
        """A state that stays is told once more, unmarked, in the hub's own words."""
        if not self.incidents.is_open(spell.placement, spell.kind, spell.part):
            spell.again_ms = None  # it ended in another way, such as by a word from the device's log
            self.keep(spell)
            return []
        state = (spell.placement, spell.kind, spell.part)
        event = told_again(state, spell.provenance, spell.rule, moment, "storm")
        self.incidents.assign(event)
        self.noticed(spell, event)
        spell.last_ms = event.uptime_ms  # kept as long as the next beginning may repeat this one
        return [event]

    def fault(self, spell: Spell, moment: "Moment") -> Event:
        """That a storm began or is over."""
        values: "dict[str, object]" = {"state": spell.kind}
        if spell.part:
            values["part"] = spell.part
        kind = FLAPPING if spell.told else STEADY
        event = Event(kind, spell.placement, moment.boot, moment.uptime_ms, moment.utc_ms, values)
        self.incidents.assign(event)
        return event

    def next_due_ms(self) -> "int | None":
        """Uptime in ms at which `due` wants to be called, or None; 0 is at once."""
        times: "list[int]" = []
        for spell in self.held.values():
            if spell.last_ms is None or (spell.toggles >= FLAPS) != spell.told:
                return 0
            times.append(spell.last_ms + QUIET_MS)
            if spell.again_ms is not None:
                times.append(spell.again_ms)
        return min(times) if times else None


def is_logged(event: "Event") -> bool:
    """Whether a device told it from its log, or may have: it has an identity, is of a dose, or was read from memory."""
    return event.identity is not None or "dose_id" in event.values or bool(event.values.get("stored"))


def told_again(
    state: "tuple[int, str, str]", provenance: int, rule: "bytes | None", moment: "Moment", why: str
) -> Event:
    """A state (placement, kind, part) that stands, told by the hub and not by its device: `again` says why."""
    placement, kind, part = state
    values: "dict[str, object]" = {"again": why}
    if part:
        values["part"] = part
    event = Event(kind, placement, moment.boot, moment.uptime_ms, moment.utc_ms, values, rule=rule)
    event.provenance = provenance
    return event


def as_kept(numbers: "list[int]", rule: "bytes | None") -> bytes:
    """Numbers as state keeps them, and behind them the rule (event key 12) where one made the state."""
    row: "list[object]" = list(numbers)
    return cbor.encode(row if rule is None else row + [rule])


def read_kept(kept: bytes, count: int) -> "list[Any]":
    """So many numbers as state keeps them, and the rule behind them or None; [] where the bytes are no such row.

    A single number stands without its list, too. A hub that does not start helps nobody.
    """
    try:
        found = cbor.decode(kept)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  whatever becomes of bytes that nothing proves
        return []
    row: "list[Any]" = found if isinstance(found, list) else [found]
    rule = row.pop() if len(row) == count + 1 else None
    whole = [item for item in row if type(item) is int and 0 <= item < MOST]
    is_rule = rule is None or (isinstance(rule, bytes) and len(rule) == RULE_SIZE)
    return whole + [rule] if is_rule and len(whole) == len(row) == count else []
