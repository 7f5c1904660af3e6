"""Holds what a hub says against what the world did: every word there in its own call and lane, and no mark on what is new.

It keeps its own account of each state, from the rules of docs/adr/0018-storms.md and none of the product's code.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.core.model import Event
from gateway.core.registry import KINDS

if TYPE_CHECKING:
    from tools.rig.confused_home import Contact

TEN_MINUTES_MS, STAYS_MS, COMEBACKS = 600_000, 120_000, 3
SAFETY, ALARM, TECHNICAL = 0, 1, 2
# What each kind is to people, written down a second time: a kind that changes lane is found here.
LANES = {
    **dict.fromkeys(("smoke.detected", "smoke.cleared", "water.detected", "water.cleared"), SAFETY),
    "button.pressed": SAFETY,
    **dict.fromkeys(("door.night_exit", "door.night_return", "dose.missed"), ALARM),
    **dict.fromkeys(("device.silent", "device.back", "device.flapping", "device.steady"), TECHNICAL),
    **dict.fromkeys(("battery.low", "battery.restored", "tamper.detected", "tamper.cleared"), TECHNICAL),
    **dict.fromkeys(("problem.detected", "problem.cleared"), TECHNICAL),
    **dict.fromkeys(("dose.unconfirmed", "dose.accounted"), TECHNICAL),
}
ENDS = {
    "smoke.cleared": "smoke.detected",
    "water.cleared": "water.detected",
    "door.night_return": "door.night_exit",
    "device.back": "device.silent",
    "battery.restored": "battery.low",
    "tamper.cleared": "tamper.detected",
    "problem.cleared": "problem.detected",
}
BEGINS = set(ENDS.values())
OF_PEOPLE = ("door.night_exit",)  # somebody leaves, each time: no mark, and an incident of its own,
TOO_OFTEN, HALF_A_MINUTE_MS = 5, 30_000  # unless nobody could
STORM = ("device.flapping", "device.steady")
OF_DOSES = ("dose.unconfirmed", "dose.accounted")  # the hub's own words of a dose that nobody told of


@dataclass(frozen=True)
class Said:
    """A word that the hub owes for what happened just now."""

    placement: int
    kind: str
    part: str = ""


@dataclass
class Account:
    """One state, as the world knows it; times are uptime in ms of this boot."""

    stands: bool = False
    incident: bytes | None = None
    changed_ms: int | None = None
    notice_ms: int | None = None
    doubt: int = 0
    comebacks: int = 0
    count: int = 0
    owed_ms: int | None = None  # when it must have been told again: it stands behind a mark
    waited: bool = False  # over a restart already
    storm: bool = False
    storm_ends_ms: int | None = None  # told before a restart: when its end is due at the latest
    tried: bool = False  # it was begun by an exercise
    begun_ms: list[int] = field(default_factory=list)

    def quiet(self, now_ms: int) -> bool:
        return self.changed_ms is None or now_ms - self.changed_ms >= TEN_MINUTES_MS


@dataclass
class Judge:
    """What was found, and how much was looked at."""

    found: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    accounts: dict[Said, Account] = field(default_factory=dict)
    told: dict[tuple[int, int, str], bool] = field(default_factory=dict)
    out: set[str] = field(default_factory=set)
    tried: tuple[int, str, int, int] | None = None
    incidents: set[bytes] = field(default_factory=set)

    def turned(self, contact: "Contact", begun: bool, is_night: bool) -> list[Said]:
        """What a frame says that names this state: nothing, where it was told so before."""
        key = (contact.placement, contact.code, contact.part)
        before = self.told.get(key)
        self.told[key] = begun
        is_door = contact.begins == "door.opened"
        if before == begun or (before is None and not begun and not is_door):
            return []
        said = [Said(contact.placement, contact.begins if begun else contact.ends, contact.part)]
        if is_door and begun and is_night:
            self.out.add(contact.part)
            said.append(Said(contact.placement, "door.night_exit", contact.part))
        elif is_door and not begun and contact.part in self.out:
            self.out.discard(contact.part)
            said.append(Said(contact.placement, "door.night_return", contact.part))
        return said

    def see(self, now_ms: int, events: list[Event], said: list[Said]) -> None:
        """The answer of one call: `said` and nothing else but what a storm, an exercise or a dose brings by itself."""
        own = Counter(said)
        for event in events:
            part = str(event.values.get("part", ""))
            self.lane(event)
            if "again" in event.values:
                self.again(now_ms, event, part)
            elif event.kind in STORM:
                self.storm(now_ms, event, part)
            elif event.kind not in OF_DOSES:
                own[Said(event.placement, event.kind, part)] -= 1
                self.word(now_ms, event, part)
        for word, left in own.items():
            if left:
                self.blame("is not told at once" if left > 0 else "was told and did not happen", word)

    def lane(self, event: Event) -> None:
        """A fault is a fault and an alarm an alarm, by a list of its own."""
        if event.kind in LANES and KINDS[event.kind][1] != LANES[event.kind]:
            self.blame("stands in another lane", event)

    def word(self, now_ms: int, event: Event, part: str) -> None:
        """A word of a device, or of the hub about one."""
        self.counts["words"] += 1
        is_tried = self.is_tried(now_ms, event, part)
        if event.exercise != is_tried:
            self.blame("is real" if event.exercise else "is an exercise, and not marked so", event)
        kind = ENDS.get(event.kind, event.kind)
        account = self.accounts.setdefault(Said(event.placement, kind, part), Account())
        if kind not in BEGINS:
            if "repeat" in event.values:
                self.blame("is marked, and is no state", event)
            self.counts["presses"] += event.kind == "button.pressed"
        elif is_tried:
            account.tried = event.kind in BEGINS
            if "repeat" in event.values:
                self.blame("is marked in an exercise", event)
        elif event.kind in BEGINS:
            self.begin(now_ms, event, account)
        elif account.stands:
            self.end(now_ms, event, account)

    def begin(self, now_ms: int, event: Event, account: Account) -> None:
        """A beginning: whether it may be marked, whether it may be unmarked, and to what it belongs."""
        is_new = account.quiet(now_ms)
        recent = account.notice_ms is not None and now_ms - account.notice_ms < TEN_MINUTES_MS
        if not account.stands:
            account.begun_ms.append(now_ms)
        lately = [at_ms for at_ms in account.begun_ms if now_ms - at_ms <= HALF_A_MINUTE_MS]
        is_anyone = event.kind in OF_PEOPLE and len(lately) < TOO_OFTEN
        repeats = recent and not is_new and not is_anyone and not account.doubt & ~event.provenance
        is_marked = "repeat" in event.values
        if is_marked and not repeats:
            self.blame("is marked, and nobody was told of it", event)
        if repeats and not is_marked:
            self.blame("is unmarked a second time in ten minutes", event)
        belongs = account.stands or (not is_new and not is_anyone and account.incident is not None)
        if belongs and event.incident != account.incident:
            self.blame("belongs to the incident before and says another", event)
        if not belongs and (event.incident is None or event.incident in self.incidents):
            self.blame("is new and has the incident of another", event)
        if is_new:
            account.comebacks = account.count = 0
        elif not account.stands and account.incident is not None:
            account.comebacks += 1
        if account.notice_ms is None:
            account.count = 0
        if is_marked:
            account.count += 1
            self.counts["marked"] += 1
            if event.values["repeat"] != account.count:
                self.blame(f"is repetition {account.count}", event)
            if account.owed_ms is None:
                account.waited = False
                account.owed_ms = max((account.notice_ms or 0) + TEN_MINUTES_MS, now_ms + STAYS_MS)
        else:
            self.noticed(now_ms, event, account)
        self.took(now_ms, event, account, stands=True)

    def end(self, now_ms: int, event: Event, account: Account) -> None:
        """An end: that of a marked beginning is marked, and both have one incident."""
        if event.incident != account.incident:
            self.blame("ends another incident", event)
        if ("repeat" in event.values) != (account.owed_ms is not None):
            self.blame("ends a beginning that is marked otherwise", event)
        account.owed_ms = None
        if account.quiet(now_ms):
            account.comebacks = account.count = 0
        self.took(now_ms, event, account, stands=False)

    def took(self, now_ms: int, event: Event, account: Account, *, stands: bool) -> None:
        account.stands, account.incident, account.changed_ms = stands, event.incident, now_ms
        account.storm_ends_ms = None
        self.incidents.add(event.incident or b"")

    def noticed(self, now_ms: int, event: Event, account: Account) -> None:
        """An unmarked beginning: the next ten minutes count from here."""
        account.notice_ms, account.doubt, account.owed_ms = now_ms, event.provenance, None
        self.counts["unmarked"] += 1

    def again(self, now_ms: int, event: Event, part: str) -> None:
        """The hub tells of a state that stands: behind a mark, or out of an exercise."""
        self.counts["told again"] += 1
        account = self.accounts.setdefault(Said(event.placement, event.kind, part), Account())
        if "repeat" in event.values or event.exercise:
            self.blame("is told again and marked", event)
        if event.values["again"] == "exercise":
            if not account.tried or self.runs(now_ms):
                self.blame("is told again out of no exercise", event)
            account.tried = False
            if event.incident in self.incidents:
                self.blame("is told as real in the incident of another", event)
            account.comebacks = account.count = 0
            self.noticed(now_ms, event, account)
            self.took(now_ms, event, account, stands=True)
            return
        if not account.stands or account.owed_ms is None or now_ms < account.owed_ms:
            self.blame("is told again, and was not owed", event)
        if event.incident != account.incident:
            self.blame("is told again in another incident", event)
        self.noticed(now_ms, event, account)
        account.changed_ms, account.storm_ends_ms = now_ms, None

    def storm(self, now_ms: int, event: Event, part: str) -> None:
        """That a state began to toggle, or ceased."""
        self.counts["storms"] += event.kind == "device.flapping"
        key = Said(event.placement, str(event.values.get("state")), part)
        account = self.accounts.setdefault(key, Account())
        begins = event.kind == "device.flapping"
        if account.storm == begins:
            self.blame("is told twice", event)
        if begins and account.comebacks < COMEBACKS:
            self.blame("is told of a state that does not toggle", event)
        account.storm, account.storm_ends_ms = begins, None

    def settled(self, now_ms: int) -> None:
        """The hub has done all that is due: nothing may be owed any more."""
        for key, account in self.accounts.items():
            if account.owed_ms is not None and account.stands and now_ms >= account.owed_ms:
                self.blame("stands behind a mark and is not told again", key)
            if account.tried and not self.runs(now_ms):
                self.blame("outlasts its exercise and is not told as real", key)
            is_quiet = account.quiet(now_ms)
            if not account.storm and account.comebacks >= COMEBACKS and not is_quiet:
                self.blame("toggles, and no fault says so", key)
            over_ms = account.storm_ends_ms
            if account.storm and (is_quiet if over_ms is None else now_ms >= over_ms):
                self.blame("is steady, and its fault goes on", key)

    # --- exercises and restarts ---------------------------------------------------------------------------------

    def exercise(self, placement: int, kind: str, from_ms: int, to_ms: int) -> None:
        """An exercise was begun."""
        self.counts["exercises"] += 1
        self.tried = (placement, kind, from_ms, to_ms)
        for key, account in self.accounts.items():
            if key.placement == placement and key.kind == kind and account.stands:
                self.blame("stands, and an exercise was begun over it", key)

    def runs(self, now_ms: int) -> bool:
        """Whether an exercise covers anything now."""
        return self.tried is not None and self.tried[2] <= now_ms <= self.tried[3]

    def is_tried(self, now_ms: int, event: Event, part: str) -> bool:
        """Whether the world knows this word for a part of an exercise."""
        if event.kind in ENDS:
            account = self.accounts.get(Said(event.placement, ENDS[event.kind], part))
            return account is not None and account.tried
        return (
            self.runs(now_ms) and self.tried is not None and self.tried[:2] == (event.placement, event.kind)
        )

    def restarted(self, now_ms: int) -> None:
        """A new boot: what is new counts from here, and what stood is owed still."""
        self.counts["restarts"] += 1
        self.tried = None
        for account in self.accounts.values():
            if account.owed_ms is not None:
                account.owed_ms = now_ms + (0 if account.waited else STAYS_MS)
                account.waited = True
            account.changed_ms = account.notice_ms = None
            account.begun_ms.clear()
            account.storm_ends_ms = now_ms + TEN_MINUTES_MS if account.storm else None
            if not account.stands:
                account.incident = None
            account.count = account.count if account.owed_ms is not None else 0
            account.comebacks = 0

    def blame(self, what: str, where: "Event | Said") -> None:
        """Write down what is wrong."""
        if isinstance(where, Event):
            self.found.append(
                f"{where.kind} of {where.placement} {where.values} at {where.uptime_ms} ms {what}"
            )
        else:
            self.found.append(f"{where.kind} of {where.placement} {where.part!r} {what}")
