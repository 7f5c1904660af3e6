"""`make bench`: figures with their conditions, side by side in one run. Never fails for being slow.

python -m tools.bench [--events 100000] [--alarms 200] [--only journal,drain,latency]

By name only, for they take minutes: path (alarms over a far and a slow path), outage (a month drained at 64 kbit/s,
--events of it), start (cold starts), wire (bytes an event), cut (an alarm into a dead connection), lines (alarms of a transceiver
beside a full stream), flood (alarms while strangers advertise 10,000 times a second).
"""

import argparse
import asyncio
import os
import platform
import sqlite3
import statistics
import sys
import time
from pathlib import Path

from tools.bench import journal, lines, path_report
from tools.bench.flood import AIR, AIR_CARRIES_PER_S, CALLBACK, PER_S, flood
from tools.bench.scratch import scratch
from tools.bench.system import System
from tools.evidence.figure import UnavailableError
from tools.home.technician import pair_devices
from tools.rig.counts import positive, some_of

PARTS = ("latency", "drain", "journal")
BY_NAME = ("path", "outage", "start", "wire", "cut", "lines", "flood")
PAUSE_S = 0.03
DRAIN_LIMIT_S = 300.0
EVENTS = 100_000


def quantile(samples: list[float], share: float) -> float:
    """The sample at `share` of the sorted ones."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(samples: list[float | None]) -> str:
    """Quantiles of latencies in ms, and how many never arrived."""
    there = [sample for sample in samples if sample is not None]
    missing = len(samples) - len(there)
    if not there:
        return f"none of {len(samples)} arrived"
    parts = [
        f"p50 {statistics.median(there):.1f} ms",
        f"p99 {quantile(there, 0.99):.1f} ms",
        f"worst {max(there):.1f} ms",
    ]
    return (
        ", ".join(parts) + f" ({len(there)} alarms{f', {missing} did not arrive in 10 s' if missing else ''})"
    )


def say(name: str, figure: str, conditions: str = "") -> None:
    """One line of the report."""
    print(f"{name:<44} {figure}" + (f"   [{conditions}]" if conditions else ""), flush=True)


async def idle(folder: Path, alarms: int) -> None:
    """Start-up, memory and alarm latency of a hub with four peripherals and nothing else to do."""
    system = System(folder)
    async with system.running():
        started_s = await system.start_hub()
        say(
            "start-up, process start to listening",
            f"{1000 * started_s:.0f} ms",
            "empty journal; aim 2,000 ms",
        )
        await asyncio.to_thread(pair_devices, system.stage.hub / "control.sock")
        first = await system.warm_up()
        samples = []
        for number in range(first, first + alarms):
            samples.append(await system.alarm(number))
            await asyncio.sleep(PAUSE_S)
        say("alarm, frame on air to verified, idle", spread(samples), "aim p99 10 ms")
        say(
            "resident memory of the hub",
            f"{system.resident_kib() / 1024:.1f} MiB",
            "four peripherals, BLE stack (Bumble) in the process; aim 60 MiB",
        )


async def backlog(folder: Path, events: int) -> None:
    """Drain a backlog while alarms come in."""
    system = System(folder)
    async with system.running(backlog=events):
        began = time.perf_counter()
        started_s = await system.start_hub()
        say("start-up with the backlog", f"{1000 * started_s:.0f} ms", f"{events:,} events held")
        samples: list[float | None] = []
        number = await system.warm_up()
        while (await system.held()) > events // 100 and time.perf_counter() - began < DRAIN_LIMIT_S:
            samples.append(await system.alarm(number))
            number += 1
            await asyncio.sleep(PAUSE_S)
        say(f"alarm while {events:,} drain", spread(samples), "platform prints every event; aim p99 20 ms")


async def drain(folder: Path, events: int) -> None:
    """Drain alone, with a platform that stores and receipts and prints nothing."""
    system = System(folder, prints="--quiet")
    async with system.running(backlog=events):
        await system.start_hub()
        while await system.held() > 0:  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.02)
        took_s = time.time() - system.connected_at()
        say(
            "drained, verified, stored and receipted",
            f"{events / took_s:,.0f} events/s",
            f"{events:,} events in {took_s:.2f} s from the connection on; aim 25,000",
        )
        await asyncio.sleep(1)
    with sqlite3.connect(folder / "platform.db") as store:
        size, bundles = store.execute(
            "SELECT SUM(LENGTH(bytes)), COUNT(*) FROM message WHERE sort='bundle'"
        ).fetchone()
        count = store.execute("SELECT COUNT(*) FROM event").fetchone()[0]
    say(
        "bytes on the wire per event",
        f"{size / count:.1f}",
        f"{count:,} events in {bundles:,} signed bundles, MQTT and TLS not counted",
    )


def flooded(folder: Path, alarms: int) -> None:
    """Alarms in a flood, over the air and at the callback, and beside them a hub that hears everybody."""
    runs = (
        (CALLBACK, PER_S, False),
        (CALLBACK, PER_S, True),
        (AIR, AIR_CARRIES_PER_S, False),
        (AIR, PER_S, False),
        (AIR, PER_S, True),
    )
    for number, (where, per_s, everybody) in enumerate(runs):
        found = asyncio.run(flood(folder / str(number), alarms, where, per_s=per_s, everybody=everybody))
        name = f"flood {where}" + (", without known devices" if everybody else "")
        rate = found.heard / found.seconds
        say(name, spread(found.latencies), f"{rate:,.0f} of {per_s:,} strangers/s heard; aim p99 10 ms")
        memory = f"{found.before_kib / 1024:.1f} MiB before, {found.after_kib / 1024:.1f} after"
        share = f"{100 * found.busy_s / found.seconds:.0f} % of a core, {found.dropped:,} receptions dropped"
        say("  memory of the hub", memory, share)


def conditions() -> None:
    """What this was measured on."""
    say(
        "machine",
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        platform.platform(),
    )
    say("way", "virtual radio over TCP, mutual TLS on loopback, all processes on this machine")


def measure(folder: Path, wanted: list[str], events: int, alarms: int) -> None:
    """The parts that run unasked."""
    if "latency" in wanted:
        asyncio.run(idle(folder / "idle", alarms))
        asyncio.run(backlog(folder / "backlog", events))
    if "drain" in wanted:
        asyncio.run(drain(folder / "drain", events))
    if "lines" in wanted:
        for streams, beside in ((False, "idle"), (True, "75 frames/s beside it")):
            samples, measured = asyncio.run(
                lines.alarms_beside_a_stream(folder / f"lines-{streams}", alarms, streams)
            )
            said = f"{measured} measurements meanwhile; aim p99 10 ms"
            say(f"alarm of a transceiver, {beside}", spread(samples), said)
    if "flood" in wanted:
        flooded(folder / "flood", alarms)
    if "journal" in wanted:  # last: what it writes keeps the disk busy for a while
        journal.report(folder / "journal", say)


def main(argv: list[str] | None = None) -> int:
    """Entry point; 2 for a wrong command line, a folder that takes nothing, or what is not installed."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument(
        "--events", type=positive, default=None, help="of the backlog; 100,000, an outage 60,000"
    )
    parser.add_argument("--alarms", type=positive, default=200)
    parser.add_argument(
        "--only",
        type=some_of(PARTS + BY_NAME),
        default=list(PARTS),
        help="parts of: " + ", ".join(PARTS + BY_NAME),
    )
    parser.add_argument("--seed", type=int, default=1, help="of the pauses between alarms on a path")
    options = parser.parse_args(argv)
    try:
        with scratch("bench") as folder:
            conditions()
            measure(folder, options.only, options.events or EVENTS, options.alarms)
        path_report.report(options.only, say, events=options.events, alarms=options.alarms, seed=options.seed)
    except UnavailableError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
