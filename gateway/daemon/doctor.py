"""What `trygg doctor` makes of all that is found: complaints with cause, next action and owner, the most urgent first.

`trygg check` looks at the machine and `trygg status` asks the hub; the doctor joins both, drops what says the same twice, and
puts the card of the fault beside it (`faults.toml`), whose urgency is that of this hour of the home's day.
"""

from collections.abc import Iterable
from typing import Any

from gateway.core.timezone import local_minutes
from gateway.daemon.commands import explain
from gateway.daemon.findings import FAULT, Finding
from gateway.daemon.texts import Texts

DAY_FROM, EVENING_FROM, NIGHT_FROM = 7 * 60, 15 * 60, 22 * 60
HOURS = ("day", "evening", "night")
URGENCIES = ("now", "today", "morning", "workday")
# Of what no card speaks: by when, after its level, and whose it is.
WITHOUT_CARD = {FAULT: "today"}
OWNER = "technical"
OTHERS_OWN = {"hub.waiting_keyset": "platform"}  # whose it is where it is not the technician's
# First of all, whatever the hour: a gateway on its way out of its home, which hears nobody (a card is for whoever reads the
# platform's list), and files that are not those of the hub that runs, without which nothing else can be understood.
MOVING, LEAVING, OTHER = "gateway.moving", "hub.gateway.left", "configuration.other_hub"
FIRST = (MOVING, LEAVING, OTHER)
# What a running hub says itself, and with more words.
SAID_BY_HUB = (("broker", "disconnected"), ("configuration", "last_good"))
# Findings whose consequence has a card, by check and code; `*` stands for every other code of the check.
KINDS = {
    "configuration.no_root": "",
    "configuration.refused": "configuration.fault",
    "configuration.last_good": "configuration.fault",
    "tls.*": "",
    "broker.*": "path.lost",
    "storage.small": "disk.full",
    "storage.*": "storage.full",
    "journal.damaged": "journal.set_aside",
    "journal.aside": "journal.set_aside",
    "serial.*": "line.lost",
    "lines.silent": "device.silent",
    "lines.other": "line.misread",
    "lines.unknown": "line.misread",
    "lines.*": "line.lost",
    "radio.several": "",
    "radio.*": "adapter.lost",
    "bonds.*": "pairing.bonded_weak",
    "clock.hub_shifted": "",
    "clock.*": "clock.untrusted",
}
# Findings that are themselves why something else is as it is, and what that is. They have no card of their own: the card of what
# follows would send people to cable and router, which are well. The first of them comes before everything that is as urgent.
LEADS_TO = {
    **dict.fromkeys(
        (
            "tls.missing_ca",
            "tls.missing_certificate",
            "tls.missing_key",
            "tls.closed",
            "tls.unreadable",
            "tls.key_closed",
            "tls.no_certificate",
            "tls.expired",
            "tls.early",
            "tls.other_name",
            "tls.failed",
        ),
        "path.lost",
    ),
    "configuration.no_root": "hub.stopped",
    MOVING: "hub.stopped",
}


class Complaint:
    """One thing to mend. kind: the fault whose card tells more, or nothing. device: whose it is, where it is of one.

    is_ahead: what it leads to has not come yet.
    """

    __slots__ = ("code", "device", "is_ahead", "kind", "level", "text")

    def __init__(self, code: str, level: str, text: str, kind: str = "", device: str = "") -> None:
        self.code = code
        self.level = level
        self.text = text
        self.kind = kind
        self.device = device
        self.is_ahead = False

    @property
    def root_of(self) -> str:
        """The fault that this one is the root of, or will be; or nothing."""
        return LEADS_TO.get(self.code, "")

    @property
    def leads_to(self) -> str:
        """The fault that this one is the root of now, or nothing."""
        return "" if self.is_ahead else self.root_of

    def __repr__(self) -> str:
        return f"Complaint({self.code!r}, {self.level!r}, {self.text!r}, {self.kind!r})"


class Unseen:
    """What could not be looked at, and why: a doctor that has not looked does not call anybody well."""

    __slots__ = ("text", "what")

    def __init__(self, what: str, text: str) -> None:
        self.what = what
        self.text = text


def of_findings(findings: Iterable[Finding], texts: Texts, *, hub_answers: bool) -> list[Complaint]:
    """The open ones of `trygg check`, without what a hub that answers says itself, nor what was said of a port before."""
    found = []
    open_ones = [item for item in findings if item.is_open]
    ports_said = [item for item in open_ones if item.check == "serial"]
    lines_said = [item for item in open_ones if (item.check, item.code) == ("lines", "unopened")]
    for item in open_ones:
        if hub_answers and (item.check, item.code) in SAID_BY_HUB:
            continue
        if item in lines_said and len(lines_said) <= len(ports_said):
            continue  # a port that is not there is not opened, either
        code = f"{item.check}.{item.code}"
        kind = KINDS.get(code, KINDS.get(item.check + ".*", ""))
        text = f"{texts.say(f'check.{item.check}.title')}: {item.text}"
        found.append(Complaint(code, item.level, text, kind))
    return found


def hour_of(utc_ms: int | None, zone: str) -> str | None:
    """`day`, `evening` or `night` in the home; None while nobody knows the time."""
    if utc_ms is None:
        return None
    minute = local_minutes(utc_ms, zone)[1]
    if DAY_FROM <= minute < EVENING_FROM:
        return "day"
    return "evening" if EVENING_FROM <= minute < NIGHT_FROM else "night"


def urgency(complaint: Complaint, hour: str | None) -> str:
    """By when somebody must have begun; without a time of day the most urgent that any hour has."""
    if complaint.code in FIRST:
        return URGENCIES[0]
    kind = complaint.kind or complaint.leads_to
    if kind:
        by_hour = explain.facts(kind)["urgency"]
        if hour is not None:
            return str(by_hour[hour])
        return str(min(by_hour.values(), key=URGENCIES.index))
    return WITHOUT_CARD.get(complaint.level, "workday")


def ranked(complaints: Iterable[Complaint], hour: str | None) -> list[Complaint]:
    """The most urgent first; of those roots, then faults before warnings, by the number of their card, by their words.

    The same twice is said once.
    """
    seen: set[tuple[str, str]] = set()
    kept = []
    for each in complaints:
        if (each.code, each.text) not in seen:
            seen.add((each.code, each.text))
            kept.append(each)

    def place(each: Complaint) -> tuple[int, bool, bool, bool, int, str, str]:
        number = explain.facts(each.kind)["code"] if each.kind else 1 << 16
        when = URGENCIES.index(urgency(each, hour))
        is_first = each.code in FIRST
        return (when, not is_first, not each.root_of, each.level != FAULT, number, each.code, each.text)

    return sorted(kept, key=place)


def facts(complaint: Complaint, hour: str | None, language: str) -> dict[str, Any]:
    """A complaint for programs: what, how urgent, whose, the card's cause and action where it has one."""
    row: dict[str, Any] = {
        "code": complaint.code,
        "level": complaint.level,
        "urgency": urgency(complaint, hour),
        "who": OTHERS_OWN.get(complaint.code, OWNER),
        "device": complaint.device or None,
        "text": complaint.text,
        "leads_to": complaint.leads_to or None,
        "will_lead_to": complaint.root_of if complaint.is_ahead else None,
        "card": None,
    }
    if complaint.kind:
        card = explain.facts(complaint.kind)
        row["who"] = card["who"]
        row["card"] = {
            "code": card["code"],
            "name": complaint.kind,
            "cause": card["cause_" + language],
            "do": card["do_" + language],
        }
    return row


def root_of(rows: list[dict[str, Any]], row: dict[str, Any]) -> int:
    """Number of the complaint that this one may follow from, as they are told; 0 where there is none."""
    kind = row["card"]["name"] if row["card"] is not None else None
    numbers = [at for at, each in enumerate(rows, 1) if kind is not None and each["leads_to"] == kind]
    return min(numbers, default=0)


def ahead(kind: str, texts: Texts) -> str:
    """What a finding leads to, which has not come about yet."""
    return (
        texts.say("doctor.path_lost_ahead") if kind == "path.lost" else texts.say("doctor.hub_stopped_ahead")
    )


def lines(row: dict[str, Any], number: int, texts: Texts, root: int = 0) -> list[str]:
    """A complaint for people, from its facts. root: number of the one that it may follow from, 0 where there is none."""
    words = explain.catalogue()
    by_when = words["urgency"][row["urgency"]][texts.language]
    found = [texts.say("doctor.head", number=number, when=by_when, text=row["text"])]
    card = row["card"]
    if row["leads_to"]:
        found.append(texts.say("doctor.leads_to", what=explain.facts(row["leads_to"])[texts.language]))
    if row["will_lead_to"]:
        found.append(ahead(row["will_lead_to"], texts))
    if root:
        found.append(texts.say("doctor.follows", number=root))
    elif card is not None:
        found.append(texts.say("doctor.cause", cause=card["cause"]))
        found.append(texts.say("doctor.action", action=card["do"]))
    who = words["role"][row["who"]][texts.language]
    if card is None:
        found.append(texts.say("doctor.owner", who=who))
    else:
        found.append(texts.say("doctor.owner_card", who=who, code=card["code"], name=card["name"]))
    return [found[0], *("   " + line for line in found[1:])]
