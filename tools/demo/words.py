"""What the demonstration says to people, in Norwegian (bokmål) and English. Events have their texts in the registry."""

from collections import Counter
from typing import Any

from gateway.core.model import ABSENT_JSON
from gateway.core.registry import VALUES
from gateway.core.registry_text import KIND_TEXTS, VALUE_TEXTS
from tools.export.words import UNIT_TEXTS

ABSENT = tuple(ABSENT_JSON.values())

LANGUAGES = {"nb": 0, "en": 1}
TEXTS = {
    "title": ("Trygg: {events} verifisert", "Trygg: {events} verified"),
    "marked": (
        "{events} merket som gjentakelse og ikke vist her.",
        "{events} marked as repetition and not shown here.",
    ),
    "exercise": ("ØVELSE: {what}", "EXERCISE: {what}"),
    "headings": ("tid,felt,nr.,enhet,hendelse,verdier", "time,lane,seq,device,event,values"),
    "lanes": (
        "sikkerhet,alarm,teknisk,måling,informasjon",
        "safety,alarm,technical,measurement,info",
    ),
    "summary": (
        "{events} lagret i gatewayen, {verified} verifisert hos plattformen, {duplicates} fjernet på veien, {lost} tapt.",
        "{events} stored by the gateway, {verified} verified at the platform, {duplicates} removed on the way, {lost} lost.",
    ),
    "undelivered": (
        "{events} kom ikke frem i tide, men ligger i gatewayens lager og ville blitt sendt igjen. {cause}",
        "{events} did not arrive in time, but can be sent again: the gateway's store has them. {cause}",
    ),
    "look": (
        "Kjør på nytt med --keep MAPPE, og les hub.log og platform.log der.",
        "Run again with --keep DIR, and read hub.log and platform.log there.",
    ),
    "no_broker": (
        "megleren {url} kan ikke brukes: {reason}. Rett --broker, --ca, --cert eller --key",
        "the broker {url} cannot be used: {reason}. Mend --broker, --ca, --cert or --key",
    ),
    "paired": ("{name}: paret av teknikeren", "{name}: paired by the technician"),
    "personal_alarms": ("Personlige alarmer: {count}", "Personal alarms: {count}"),
    "incident": ("{number}. Sak {incident}", "{number}. Incident {incident}"),
    "over": ("Avsluttet.", "Over."),
    "stands": ("Ikke avsluttet.", "Not over."),
    "technical_faults": ("Tekniske feil: {count}", "Technical faults: {count}"),
    "as_expected": (
        "Som ventet: ingen alarm tatt for en feil, ingen feil for en alarm.",
        "As expected: no alarm taken for a fault, no fault for an alarm.",
    ),
    "not_expected": ("ikke som scenarioet venter: {reason}", "not as the scenario expects: {reason}"),
    "wrong_lane": (
        "{device}: {kind} kom i felt {lane}, som ikke er dens eget",
        "{device}: {kind} came in lane {lane}, which is not its own",
    ),
    "joined": (
        "{device}: {kind} er en feil og kom i samme sak som en personlig alarm",
        "{device}: {kind} is a fault and came in the incident of a personal alarm",
    ),
    "never_told": (
        "{device}: {kind} gjentar eller avslutter en alarm som aldri kom",
        "{device}: {kind} repeats or ends an alarm that never came",
    ),
    "alarms_differ": (
        "personlige alarmer: {found}, ventet {expected}",
        "personal alarms: {found}, expected {expected}",
    ),
    "alarm_missing": ("ingen alarm {kind}", "no alarm {kind}"),
    "alarm_stands": ("en personlig alarm ble ikke avsluttet", "a personal alarm did not end"),
    "faults_differ": (
        "{kind}: tekniske feil {found}, ventet {expected}",
        "{kind}: technical faults {found}, expected {expected}",
    ),
    "doses": (
        "Doser: {planned} planlagt, {collected} hentet, {missed} ikke hentet, {wrong_time} utenom planen.",
        "Doses: {planned} planned, {collected} collected, {missed} not collected, {wrong_time} outside the plan.",
    ),
    "dose_invented": ("dose {dose} finnes ikke i planen", "dose {dose} is not in the plan"),
    "dose_count": (
        "dose {dose}: {kind} kom {count} ganger, ventet 1",
        "dose {dose}: {kind} came {count} times, expected 1",
    ),
    "dose_extra": ("dose {dose}: {kind} var ikke ventet", "dose {dose}: {kind} was not expected"),
    "dose_late": (
        "dose {dose} ble meldt {seconds} s etter tiden sin, ventet 0 til {within}",
        "dose {dose} was told {seconds} s after its time, expected 0 to {within}",
    ),
    "readings": ("Målinger: {count}", "Measurements: {count}"),
    "stream": ("{kind}, {count} ganger", "{kind}, {count} times"),
    "reading_missing": (
        "{device}: {kind} ({values}) kom ikke",
        "{device}: {kind} ({values}) did not come",
    ),
    "reading_extra": (
        "{device}: {kind} kom og var ikke ventet",
        "{device}: {kind} came and was not expected",
    ),
    "hub.kill": ("huben drepes (SIGKILL) og starter igjen", "the hub is killed (SIGKILL) and starts again"),
    "ended": (
        "{process} stoppet av seg selv; det siste den sa:\n{words}",
        "{process} ended by itself; its last words:\n{words}",
    ),
    "not_ready": (
        "{process} ble ikke klar; det siste den sa:\n{words}",
        "{process} did not get ready; its last words:\n{words}",
    ),
    "home_goes_on": (
        "hjemmet ble ikke ferdig med scenarioet; det siste det sa:\n{words}",
        "the home did not end its script; its last words:\n{words}",
    ),
    "broker.stop": ("megleren er borte i {seconds} s", "the broker goes away for {seconds} s"),
    "broker.back": ("megleren er tilbake", "the broker is back"),
    "broker.foreign": (
        "megleren er ikke vår å stoppe; denne feilen utelates",
        "the broker is not ours to stop; this failure is left out",
    ),
}
# (nb, en) of one, (nb, en) of more
COUNTED = {
    "events": (("hendelse", "event"), ("hendelser", "events")),
    "duplicates": (("duplikat", "duplicate"), ("duplikater", "duplicates")),
}
ACTS = {
    "stream": ("begynner å måle", "begins to measure"),
    "leave": ("er utenfor rekkevidde", "is out of range"),
    "return": ("er tilbake", "is back"),
    "open": ("åpnes", "opens"),
    "close": ("lukkes", "closes"),
    "smoke": ("røyk", "smoke"),
    "clear": ("røyken er borte", "the smoke is gone"),
    "plan": ("en dose planlegges", "a dose is planned"),
    "week": ("en uke med doser planlegges", "a week of doses is planned"),
    "collect": ("dosen hentes", "the dose is collected"),
    "pull": ("kabelen trekkes ut", "the cable is pulled out"),
    "finger": ("fingeren settes inn eller tas ut", "the finger goes in or out"),
    "refill": ("fylles på", "is refilled"),
    "power_cut": ("strømmen går", "the power fails"),
    "log": ("logger", "logs"),
    "battery": ("batteriet er nesten tomt", "the battery is almost flat"),
    "die": ("slutter å virke", "stops working"),
    "tamper": ("åpnes eller flyttes", "is opened or moved"),
    "flap": ("henger løst og slår av og på", "hangs loose and toggles by itself"),
    "jam": ("setter seg fast", "jams"),
    "release": ("løsnes av en pleier", "is freed by a carer"),
    "measure": ("måler", "measures"),
    "fail": ("finner ingen verdi", "finds no value"),
    "spot": ("måler en gang", "measures once"),
    "control": ("prøver kontrolløsning", "tries control solution"),
    "drop": ("vil miste forbindelsen midt i en overføring", "will lose the link in the midst of a transfer"),
    "begin_anew": ("har tømt minnet", "has cleared its memory"),
    "lose_clock": ("har mistet klokken", "has lost its clock"),
    "take_out": ("fingeren tas ut", "the finger is taken out"),
    "tilt": ("vinduet settes på gløtt", "the window is tilted"),
    "put_back": ("kabelen settes inn igjen", "the cable is put back"),
}
# Why there is no value, as the drivers say it.
REASONS = {
    "no_value": ("apparatet fant ingen verdi", "the device found no value"),
    "unsuccessful": ("vekten fant ingen vekt", "the scale found no weight"),
    "no_contact": ("sensoren berører ingen", "the sensor touches nobody"),
    "invalid": ("apparatet sier at den er ugyldig", "the device says that it is invalid"),
    "unavailable": ("apparatet har ingen ennå", "the device has none yet"),
    "demonstration": ("apparatet viser frem seg selv", "the device demonstrates itself"),
    "testing": ("apparatet tester seg selv", "the device tests itself"),
    "no_finger": ("ingen finger i apparatet", "no finger in the device"),
    "searching": ("apparatet leter etter pulsen", "the device searches for the pulse"),
    "control_solution": ("kontrolløsning, ikke brukeren", "control solution, not the person"),
}
# Words that devices have instead of numbers.
WORDS = {
    "armpit": ("armhulen", "armpit"),
    "body": ("kroppen", "body"),
    "ear": ("øret", "ear"),
    "finger": ("fingeren", "finger"),
    "gi_tract": ("tarmen", "gut"),
    "mouth": ("munnen", "mouth"),
    "rectum": ("endetarmen", "rectum"),
    "toe": ("tåen", "toe"),
    "tympanum": ("trommehinnen", "eardrum"),
    "alternate_site": ("et annet sted", "another place"),
    "earlobe": ("øreflippen", "earlobe"),
    "not_available": ("ikke oppgitt", "not told"),
    "capillary_whole_blood": ("kapillært fullblod", "capillary whole blood"),
    "capillary_plasma": ("kapillært plasma", "capillary plasma"),
    "venous_whole_blood": ("venøst fullblod", "venous whole blood"),
    "venous_plasma": ("venøst plasma", "venous plasma"),
    "arterial_whole_blood": ("arterielt fullblod", "arterial whole blood"),
    "arterial_plasma": ("arterielt plasma", "arterial plasma"),
    "undetermined_whole_blood": ("fullblod", "whole blood"),
    "undetermined_plasma": ("plasma", "plasma"),
    "interstitial_fluid": ("vevsvæske", "interstitial fluid"),
    "control_solution": ("kontrolløsning", "control solution"),
    "above": ("over", "above"),
    "below": ("under", "below"),
}
RAW = (
    "cuff_status",
    "glucose_status",
    "oximeter_status",
    "measurement_status",
    "sensor_status",
    "implausible",
    "reason",
)  # for programs


def say(language: str, name: str, /, **values: object) -> str:
    """The text `name`, filled in."""
    return TEXTS[name][LANGUAGES[language]].format(**values)


def doses(language: str, ends: "Counter[str]") -> str:
    """How many doses were planned, and how they ended."""
    names = ("planned", "collected", "missed", "wrong_time")
    return say(language, "doses", **{name: ends["dose." + name] for name in names})


def counted(language: str, noun: str, count: int) -> str:
    """`1 event`, `2 events`."""
    one, more = COUNTED[noun]
    return f"{count} {(one if count == 1 else more)[LANGUAGES[language]]}"


def told(language: str, event: dict[str, Any]) -> str:
    """What happened, and that it is an exercise where it is one."""
    what = kind(language, event["kind"])
    return say(language, "exercise", what=what) if event.get("exercise") else what


def kind(language: str, name: str) -> str:
    """A kind of event in plain words; one that the registry does not know as it stands."""
    row = KIND_TEXTS.get(name)
    return name if row is None else str(row[LANGUAGES[language]])


def reading(language: str, event: dict[str, Any]) -> str:
    """A measurement in plain words: what it is, its numbers in their digits, and what the device says of it."""
    said = [kind(language, event["kind"])]
    for name, item in sorted(event["values"].items(), key=lambda row: VALUES.get(row[0], 0)):
        if name == "reason":
            said.append(REASONS[item][LANGUAGES[language]] if item in REASONS else str(item))
        elif name in VALUE_TEXTS and name not in RAW and item not in ABSENT:
            said.append(value(language, name, item))
    if "implausible" in event["values"]:
        said.append(f"{VALUE_TEXTS['implausible'][LANGUAGES[language]]}: {event['values']['implausible']}")
    return said[0] + (": " + ", ".join(said[1:]) if len(said) > 1 else "")


def value(language: str, name: str, item: Any) -> str:
    """One value: its name, its digits, its unit; of what is only said, the name alone."""
    row = VALUE_TEXTS[name]
    unit = UNIT_TEXTS.get(row[2], row[2])
    text = str(row[LANGUAGES[language]])
    shown = WORDS[item][LANGUAGES[language]] if item in WORDS else item
    return text if item is True else f"{text} {shown} {unit}".rstrip()


def act(language: str, name: str) -> str:
    """An act of a scenario in plain words; one of somebody's own as it stands."""
    return ACTS[name][LANGUAGES[language]] if name in ACTS else name
