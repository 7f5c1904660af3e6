"""`make bench-peers`: Trygg beside what a user would pick instead, in one run. Never fails for being slow.

python -m tools.bench.peers [--quick] [--rounds 3]
    [--only accept,disk,kills,cuts,drain,readings,alarm,far,behind,stream,idle,wire,decode]
"""

import argparse
import asyncio
import os
import platform
import random
import sys
from pathlib import Path

from tools.bench.peers.mosquitto import MosquittoPeer
from tools.bench.peers.paho import PahoPeer
from tools.bench.peers.parts import Bench, Size
from tools.bench.peers.peer import ALL_PARTS, QUICK_PARTS, Peer
from tools.bench.peers.thingsboard import ThingsBoardPeer
from tools.bench.peers.trygg import TryggPeer
from tools.bench.scratch import scratch
from tools.evidence.folders import FolderError
from tools.rig.counts import positive, some_of

FULL = Size(
    rounds=3,
    alone=1000,
    together=20_000,
    disk=200,
    backlog=100_000,
    idle=50,
    kills=20,
    cuts=12,
    far_s=6,
    behind=10_000,
    stream=5_000,
    frames=20_000,
)
QUICK = Size(
    rounds=1,
    alone=300,
    together=2000,
    disk=50,
    backlog=10_000,
    idle=10,
    kills=3,
    cuts=3,
    far_s=2,
    behind=5_000,
    stream=2_000,
    frames=5_000,
)


def parties() -> list[Peer]:
    """Trygg and its peers."""
    return [
        TryggPeer(),
        MosquittoPeer(),
        MosquittoPeer(strict=True),
        MosquittoPeer(bare=True),
        ThingsBoardPeer("sqlite"),
        ThingsBoardPeer("file"),
        PahoPeer(),
    ]


def conditions(there: list[Peer], absent: dict[str, str], size: Size, seed: int) -> None:
    """What this was measured on, and who took part."""
    load = "/".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"machine     {os.cpu_count()} cores, {platform.machine()}, load {load} at the start, {platform.platform()}"
    )
    print(f"Python      {platform.python_version()}; seed {seed}; rounds {size.rounds}")
    print("events      200 bytes, the same for all but ThingsBoard, which takes JSON of 200 bytes")
    print(
        "way         loopback, mutual TLS. Trygg, Mosquitto, paho: through Mosquitto to platform or receiver;"
    )
    print(
        "            ThingsBoard: its server is the receiver. It stores, synced, then acknowledges, and checks nothing;"
    )
    print("            Trygg's platform verifies, stores and signs receipts")
    for peer in there:
        print(f"{peer.name:<34}{peer.version()}; accepted: {peer.accepts}; measured: {peer.runs}")
    for name, why in absent.items():
        print(f"{name:<34}SKIPPED: {why}")
    print(flush=True)


async def run(options: argparse.Namespace, folder: Path) -> None:
    """All parts in turn."""
    size = QUICK if options.quick else FULL
    if options.rounds:
        size = size.with_rounds(options.rounds)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    everyone = parties()
    absent = {peer.name: why for peer in everyone if (why := peer.missing())}
    there = [peer for peer in everyone if peer.name not in absent]
    conditions(there, absent, size, seed)
    bench = Bench(there, absent, folder, size, seed)
    usual = QUICK_PARTS if options.quick else ALL_PARTS
    for part in options.only or usual:
        await bench.part(part)


def main(argv: list[str] | None = None) -> int:
    """Entry point; 2 for a wrong command line or a folder that takes nothing."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.peers", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one round of small amounts, without idle and the narrow line, under three minutes",
    )
    parser.add_argument("--rounds", type=positive, help="rounds of each figure")
    parser.add_argument("--seed", type=int, help="moments of kills and cuts")
    parser.add_argument("--only", type=some_of(ALL_PARTS), help="parts of: " + ", ".join(ALL_PARTS))
    options = parser.parse_args(argv)
    try:
        with scratch("peers") as folder:
            asyncio.run(run(options, folder))
    except FolderError as error:
        print(f"peers: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
