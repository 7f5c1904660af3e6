"""What `make bench` says of the path: parts `path`, `outage`, `start`, `wire`, `cut`. None of them runs unasked."""

import asyncio
from collections.abc import Callable

from tools.bench.backlog import Make, stored, streamed
from tools.bench.cuts import KINDS, cut
from tools.bench.figures import (
    DRAINING,
    FAR_AWAY,
    IDLE,
    MONTH_EVENTS,
    SLOW_LINE,
    Place,
    drain,
    in_folder,
    latencies,
    latency_outcome,
    starts,
    wire_outcome,
)
from tools.evidence.figure import Outcome

Say = Callable[..., None]

STARTS = 10
WIRE_EVENTS = 20_000
PLACES = (
    ("idle, loopback", IDLE, "aim p50 3 ms, p99 10 ms"),
    ("while 100,000 drain, loopback", DRAINING, "aim p99 20 ms"),
    ("while 100,000 drain, 50 ms round trip", FAR_AWAY, "aim p99 100 ms"),
    ("while 100,000 drain, 64 kbit/s, 600 ms", SLOW_LINE, "aim p99 3,000 ms"),
)
WIRE: tuple[tuple[str, Make, int], ...] = (
    ("streamed whole numbers", streamed, 48),
    ("stored records", stored, 104),
)


def number(outcome: Outcome, name: str) -> int:
    """One of the numbers reached, -1 for one that is a word."""
    value = outcome.reached[name]
    return value if isinstance(value, int) else -1


def path(say: Say, alarms: int, seed: int) -> None:
    """Alarm latencies in the four places, one after the other."""
    for name, place, aim in PLACES:
        say_latency(say, name, place, aim, alarms, seed)


def say_latency(say: Say, name: str, place: Place, aim: str, alarms: int, seed: int) -> None:
    """One place."""
    found = latency_outcome(place, latencies(place, alarms, seed), seed)
    p50, p99, most = (number(found, key) / 1000 for key in ("p50_us", "p99_us", "max_us"))
    words = f"p50 {p50:,.1f} ms, p99 {p99:,.1f} ms, worst {most:,.1f} ms ({found.trials} alarms)"
    say(f"alarm, {name}", words, aim)


def outage(say: Say, events: int, seed: int) -> None:
    """The drain of a month."""
    found = drain(events, seed)
    took = found.reached["drained_ms"]
    words = f"{took / 1000:,.1f} s" if isinstance(took, int) else took
    say(f"{events:,} events drained at 64 kbit/s, 600 ms", words, f"aim {events * 600 // MONTH_EVENTS:,} s")
    say("lost", f"{found.reached['lost']}", "aim 0; every number that the hub forgot is at the platform")
    cost = number(found, "wire_centibytes_an_event") / 100
    say("bytes on the wire an event, all counted", f"{cost:.1f}", "alarms, states, TLS and MQTT included")
    first, least, most = (number(found, f"resident_{name}_kib") / 1024 for name in ("first", "last", "most"))
    say("resident memory of the hub", f"{first:.1f} MiB before, {least:.1f} after, {most:.1f} at most")
    first_ms = number(found, "first_alarm_ms")
    say("alarm with the path's return", f"{first_ms:,} ms", "connection made meanwhile: TCP, TLS, MQTT")
    p50, p99, worst = (number(found, f"alarm_{name}_us") / 1000 for name in ("p50", "p99", "max"))
    say("alarm meanwhile", f"p50 {p50:,.0f} ms, p99 {p99:,.0f} ms, worst {worst:,.0f} ms", "aim p99 3,000 ms")


def start(say: Say, seed: int) -> None:
    """Cold starts with a month held."""
    found = starts(STARTS, seed)
    for name, words in (("listening", "radio listens"), ("ready", "alarm verified at the platform")):
        p50, most = (number(found, f"{name}_{which}_us") / 1000 for which in ("p50", "max"))
        say(f"start, {words}", f"p50 {p50:,.0f} ms, worst {most:,.0f} ms", f"{STARTS} starts; aim 2,000 ms")


def wire(say: Say, seed: int) -> None:
    """Bytes on the wire of two sorts of events."""
    for name, make, limit in WIRE:
        found = wire_outcome(make, limit, WIRE_EVENTS, seed)
        cost = number(found, "centibytes_an_event") / 100
        say(f"bytes on the wire an event, {name}", f"{cost:.1f}", f"TLS, MQTT, greeting counted; aim {limit}")


def cuts(say: Say, seed: int) -> None:
    """An alarm that meets a cut."""
    for kind in KINDS:
        took_ms = cut_of(kind, seed)
        words = "not within 3 min" if took_ms is None else f"{took_ms:,} ms"
        say(f"alarm into a connection cut by {kind}", words, "until verified over a new one; aim 90 s")


def cut_of(kind: str, seed: int) -> int | None:
    """Milliseconds of the alarm, or None."""
    return in_folder(lambda folder: asyncio.run(cut(folder, seed, kind)))


def report(wanted: list[str], say: Say, *, events: int | None, alarms: int, seed: int) -> None:
    """The parts that are asked for."""
    if "path" in wanted:
        path(say, alarms, seed)
    if "outage" in wanted:
        outage(say, events or MONTH_EVENTS, seed)
    if "start" in wanted:
        start(say, seed)
    if "wire" in wanted:
        wire(say, seed)
    if "cut" in wanted:
        cuts(say, seed)
