"""The end of a scenario in words: who needed help, and what needs mending, each fault with its card."""

from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

from gateway.daemon.commands import explain
from tools.demo import doses, words
from tools.demo.judge import Alarm, Event, Verdict
from tools.demo.view import when

INDENT = "    "
STREAM = 5  # from so many of one kind on, a device streams: a line for each would hide the others


def lines(verdict: Verdict, language: str, time_zone: str) -> list[str]:
    """Personal alarms with their incidents, technical faults with what each means and what to do, and measurements."""
    said = [words.say(language, "personal_alarms", count=len(verdict.alarms))]
    for number, (incident, alarm) in enumerate(verdict.alarms.items(), 1):
        said.append("  " + words.say(language, "incident", number=number, incident=incident))
        said += [INDENT + line for line in history(alarm, language, ZoneInfo(time_zone))]
    said += ["", words.say(language, "technical_faults", count=len(verdict.faults))]
    for kind in verdict.fault_counts():
        devices = [event["device"] for event in verdict.faults if event["kind"] == kind]
        said.append(f"  {words.kind(language, kind)} ({kind}): {', '.join(devices)}")
        said += [INDENT + line for line in card(kind, language)]
    said += ["  " + line for line in marked(verdict.marked, language)]
    if verdict.doses:
        said += ["", words.doses(language, doses.ends(verdict.doses))]
    if verdict.readings:
        said += ["", words.say(language, "readings", count=len(verdict.readings))]
        said += ["  " + line for line in readings(verdict.readings, language, ZoneInfo(time_zone))]
    return said


def readings(events: list[Event], language: str, zone: ZoneInfo) -> list[str]:
    """Each measurement in its digits, and each that failed with its reason; of a stream only how often it came."""
    streams = Counter((event["device"], event["kind"]) for event in events)
    often = {each for each, count in streams.items() if count >= STREAM}
    rows = [
        f"{when(event, zone)}  {event['device']}: {words.reading(language, event)}"
        for event in events
        if (event["device"], event["kind"]) not in often
    ]
    for device, kind in sorted(often):
        text = words.say(language, "stream", kind=words.kind(language, kind), count=streams[device, kind])
        rows.append(f"{device}: {text}")
    return rows


def counts(verdict: Verdict) -> dict[str, Any]:
    """The same in numbers, for a summary that a program reads."""
    counted = {
        "personal_alarms": len(verdict.alarms),
        "technical_faults": dict(verdict.fault_counts()),
        "marked_repetitions": verdict.marked + sum(alarm.marked for alarm in verdict.alarms.values()),
    }
    measured = Counter(event["kind"] for event in verdict.readings)
    if verdict.doses:
        counted["doses"] = dict(doses.ends(verdict.doses))
    return counted | ({"measurements": dict(measured)} if measured else {})


def history(alarm: Alarm, language: str, zone: ZoneInfo) -> list[str]:
    """What happened in one incident, in the order of its times; marked repetitions are counted, not shown."""
    events = sorted([*alarm.begun, *alarm.ended], key=lambda event: (event["boot"], event["uptime_ms"]))
    rows = [
        f"{when(event, zone)}  {event['device']}: {words.kind(language, event['kind'])}"
        for event in events
        if "repeat" not in event["values"]
    ]
    return [*rows, *marked(alarm.marked, language), words.say(language, "over" if alarm.over else "stands")]


def marked(count: int, language: str) -> list[str]:
    """How many events were marked as repetitions; nothing where none was."""
    return [words.say(language, "marked", events=words.counted(language, "events", count))] if count else []


def card(kind: str, language: str) -> list[str]:
    """What the fault means and what to do, as `trygg explain` says it; nothing for one without a card."""
    facts: dict[str, Any] = explain.facts(kind) if explain.kind_of(kind) else {}
    return [
        f"{explain.label(part, language)}: {facts[part + '_' + language]}"
        for part in ("cause", "do")
        if part + "_" + language in facts
    ]
