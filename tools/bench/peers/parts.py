"""The parts of a run: which party is measured how often with what, and what is said of it."""

import asyncio
import dataclasses
import math
import os
import random
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tools.bench.journal import synced_writes
from tools.bench.peers import decode, measure, powercut, process_facts
from tools.bench.peers.events import LARGE, SMALL
from tools.bench.peers.measure import Loss
from tools.bench.peers.peer import Peer, Road
from tools.bench.peers.program import ProgramError
from tools.bench.peers.report import Figure, Sample, lost_line, quantile, table
from tools.simulators.mosquitto import MosquittoError

# A fair mobile link: IPv4 and TCP on each segment, and a queue of half a second before the narrow place.
FAR = Road({"delay_ms": 25, "bits_per_s": 1_000_000, "overhead_bytes": 52, "queue_bytes": 64 * 1024})
FAR_WORDS = "1 Mbit/s and 50 ms round trip"
NEAR_LIMIT_S = 60.0
KIB = 1024
WIRE_EVENTS = 2000
SYNC_S = 0.2
Hurt = Callable[[Peer, Path, random.Random], Awaitable[Loss]]


@dataclasses.dataclass(frozen=True)
class Size:
    """How much of everything."""

    rounds: int
    alone: int
    together: int
    disk: int
    backlog: int
    idle: int
    kills: int
    cuts: int
    far_s: int
    behind: int
    stream: int
    frames: int

    def with_rounds(self, rounds: int) -> "Size":
        """The same with other rounds."""
        return dataclasses.replace(self, rounds=rounds)


class Bench:
    """One run over the parties that are there."""

    def __init__(
        self, there: list[Peer], absent: dict[str, str], folder: Path, size: Size, seed: int
    ) -> None:
        self.there = there
        self.absent = absent
        self.folder = folder
        self.size = size
        self.seed = seed
        self.places = 0

    async def part(self, name: str) -> None:
        """Measure one part and say its figures."""
        began = time.monotonic()
        parts: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
            "accept": self.accept,
            "disk": self.disk,
            "kills": self.kills,
            "cuts": self.cuts,
            "drain": self.drain,
            "readings": self.readings,
            "alarm": self.alarm,
            "far": self.far,
            "behind": self.behind,
            "stream": self.stream,
            "idle": self.idle,
            "wire": self.wire,
            "decode": self.decode,
        }
        print(f"[{name}; the disk syncs {self.synced():,.0f} pages a second]", flush=True)
        for figure in await parts[name]():
            print("\n".join(table(figure)) + "\n")
        print(f"({name}: {time.monotonic() - began:.0f} s)\n", flush=True)

    def figure(self, title: str, unit: str, *, more: bool) -> Figure:
        """A figure in which the absent are already told."""
        return Figure(title, unit, more, missing=dict(self.absent))

    def place(self) -> Path:
        """A folder that nobody has used, for one party in one round."""
        self.places += 1
        place = self.folder / str(self.places)
        place.mkdir()
        return place

    async def rounds(
        self, part: str, figures: list[Figure], once: Callable[[Peer, Path], Awaitable[None]]
    ) -> list[Figure]:
        """Every party that has this part once a round, in turn: a busy moment of the machine falls on several."""
        for _ in range(self.size.rounds):
            for peer in [peer for peer in self.there if part in peer.parts]:
                place = self.place()
                try:
                    await once(peer, place)
                except (ProgramError, MosquittoError, TimeoutError, OSError, RuntimeError) as error:
                    for figure in figures:
                        figure.missing[peer.name] = f"failed: {type(error).__name__} {error}"
                shutil.rmtree(place, ignore_errors=True)
        return figures

    def backlog(self, peer: Peer, part: str) -> int:
        """What is held for it at the start."""
        return min(self.size.backlog, peer.largest.get(part, self.size.backlog))

    def held(self, peer: Peer, part: str) -> str:
        """A note where that is less than for the others."""
        count = self.backlog(peer, part)
        return "" if count == self.size.backlog else f"with {count:,} held"

    # --- stores ------------------------------------------------------------------------------------------------

    async def accept(self) -> list[Figure]:
        """Offering as quickly as it accepts."""
        alone = self.figure("accepted, one at a time", "events/s", more=True)
        together = self.figure("accepted, up to 100 at a time", "events/s", more=True)
        stored = self.figure("accepted and written to its store, up to 100 at a time", "events/s", more=True)

        async def once(peer: Peer, place: Path) -> None:
            limit = peer.largest.get("accept", self.size.together)
            count = min(self.size.alone, limit)
            alone.add(peer.name, (await measure.accept(peer, place / "alone", count, 1))[0])
            count = min(self.size.together, limit)
            accepted, written = await measure.accept(peer, place / "together", count, 100)
            together.add(peer.name, accepted)
            if written is None:
                stored.missing[peer.name] = "not written while it runs"
            else:
                stored.add(peer.name, written)

        disk: list[float] = []

        async def disk_first(peer: Peer, place: Path) -> None:
            disk.append(self.synced())
            await once(peer, place)

        await self.rounds("accept", [alone, together, stored], disk_first)
        for value in disk:
            alone.add("(the disk alone, before each party)", value)
        return [alone, together, stored]

    def synced(self) -> float:
        """Syncs a second of one page that the disk itself does now: it may be another's turn to use it."""
        took = synced_writes(self.folder / "frames", SYNC_S)
        return len(took) / sum(took)

    async def disk(self) -> list[Figure]:
        """Bytes written to the disk."""
        sizes = {
            LARGE: self.figure(
                f"written for each of {self.size.disk} events, alone, 200 bytes", "bytes", more=False
            ),
            SMALL: self.figure(f"written for each of {self.size.disk} readings, alone", "bytes", more=False),
        }
        if self.size.rounds == 1:
            del sizes[SMALL]  # one figure is enough for a quick look

        before = process_facts.written(os.getpid())
        self.synced()
        if process_facts.written(os.getpid()) == before:
            print(
                "bytes on the disk: SKIPPED FOR ALL: the folder is in memory; TRYGG_BENCH_DIR names another"
            )
            return []

        async def once(peer: Peer, place: Path) -> None:
            for size, figure in sizes.items():
                value = await measure.disk(peer, place / str(size), self.size.disk, size)
                figure.add(peer.name, value, "" if value else "nothing: it is in memory only")

        return await self.rounds("disk", list(sizes.values()), once)

    async def losses(self, part: str, title: str, count: int, hurt: Hurt) -> list[Figure]:
        """All parties beside each other: nothing is timed here."""

        async def one(peer: Peer) -> list[Loss]:
            found = []
            for trial in range(count):
                place = self.place()
                found.append(await hurt(peer, place / "store", random.Random(f"{self.seed} {part} {trial}")))
                shutil.rmtree(place, ignore_errors=True)
            return found

        peers = [peer for peer in self.there if part in peer.parts]
        for peer, found in zip(peers, await asyncio.gather(*[one(peer) for peer in peers]), strict=True):
            print(f"{title}: {peer.name:<30}{lost_line([(loss.accepted, loss.lost) for loss in found])}")
            for words in sorted({loss.error for loss in found if loss.error}):
                print(f"    did not start again, {sum(loss.error == words for loss in found)} times: {words}")
        for name, why in self.absent.items():
            print(f"{title}: {name:<30}SKIPPED: {why}")
        return []

    async def kills(self) -> list[Figure]:
        """SIGKILL of the process that holds the events."""
        return await self.losses("kills", "SIGKILL, lost of accepted", self.size.kills, measure.kill)

    async def cuts(self) -> list[Figure]:
        """Power cuts of the disk."""
        if (why := powercut.missing()) is not None:
            print(f"power cut, lost of accepted: SKIPPED FOR ALL: {why}")
            return []
        return await self.losses("cuts", "power cut, lost of accepted", self.size.cuts, powercut.cut)

    # --- whole gateways ----------------------------------------------------------------------------------------

    async def drain(self) -> list[Figure]:
        """The backlog alone, of events of 200 bytes."""
        return await self.drained("drain", "", LARGE)

    async def readings(self) -> list[Figure]:
        """The same of readings as each party writes them: what a home's backlog is made of."""
        return await self.drained("readings", "readings ", SMALL)

    async def drained(self, part: str, of: str, size: int) -> list[Figure]:
        """A backlog of events of that size on loopback."""
        rate = self.figure(f"drained, {self.size.backlog:,} {of}held", "events/s", more=True)
        missed = self.figure("of these never arrived", "%", more=False)

        async def once(peer: Peer, place: Path) -> None:
            way = peer.way(place / "way", Road(), alarms=False)
            drained, share = await measure.drain(way, self.backlog(peer, part), size)
            rate.add(peer.name, drained, self.held(peer, part))
            missed.add(peer.name, 100 * share)

        return await self.rounds(part, [rate, missed], once)

    async def alarm(self) -> list[Figure]:
        """Alarms while the backlog drains, on loopback; memory."""
        figures = self.latencies("alarm behind the backlog")
        memory = self.figure("largest resident memory with the backlog", "MiB", more=False)

        async def once(peer: Peer, place: Path) -> None:
            way = peer.way(place / "way", Road(), alarms=True)
            took, kib = await measure.alarms(way, self.backlog(peer, "alarm"), NEAR_LIMIT_S)
            self.enter(figures, peer, took, self.held(peer, "alarm"))
            memory.add(peer.name, kib / KIB)

        return await self.rounds("alarm", [*figures, memory], once)

    async def far(self) -> list[Figure]:
        """The same over a narrow line, for the first seconds."""
        figures = self.latencies(f"alarm behind the backlog, {FAR_WORDS}, the first {self.size.far_s} s")
        for figure in figures:
            figure.limit = 1000.0 * self.size.far_s

        async def once(peer: Peer, place: Path) -> None:
            way = peer.way(place / "way", FAR, alarms=True)
            took, _ = await measure.alarms(way, self.backlog(peer, "far"), self.size.far_s)
            self.enter(figures, peer, took, self.held(peer, "far"))

        return await self.rounds("far", figures, once)

    async def behind(self) -> list[Figure]:
        """One alarm at once after the connection, over a narrow line, waited for until it is there."""
        title = f"one alarm behind {self.size.behind:,} events, {FAR_WORDS}"
        figure = self.figure(title, "ms", more=False)
        figure.limit = 1000.0 * measure.BEHIND_LIMIT_S

        async def once(peer: Peer, place: Path) -> None:
            took = await measure.behind(peer.way(place / "way", FAR, alarms=True), self.size.behind)
            figure.add(peer.name, math.inf if took is None else took)

        return await self.rounds("behind", [figure], once)

    async def stream(self) -> list[Figure]:
        """A backlog of readings over a narrow line."""
        figure = self.figure(f"drained, {self.size.stream:,} readings, {FAR_WORDS}", "events/s", more=True)
        missed = self.figure("of these never arrived", "%", more=False)

        async def once(peer: Peer, place: Path) -> None:
            way = peer.way(place / "way", FAR, alarms=False)
            drained, share = await measure.drain(way, self.size.stream, SMALL)
            figure.add(peer.name, drained)
            missed.add(peer.name, 100 * share)

        return await self.rounds("stream", [figure, missed], once)

    async def idle(self) -> list[Figure]:
        """With nothing else to do."""
        figures = self.latencies("alarm, idle")
        memory = self.figure("resident memory, idle", "MiB", more=False)

        async def once(peer: Peer, place: Path) -> None:
            took, kib = await measure.idle(peer.way(place / "way", Road(), alarms=True), self.size.idle)
            self.enter(figures, peer, took, "")
            memory.add(peer.name, kib / KIB)

        return await self.rounds("idle", [*figures, memory], once)

    def latencies(self, title: str) -> list[Figure]:
        """p50 and p99 of one thing."""
        return [self.figure(f"{title}, p{share}", "ms", more=False) for share in (50, 99)]

    @staticmethod
    def enter(figures: list[Figure], peer: Peer, took: list[Sample], note: str) -> None:
        """One round's alarms."""
        for figure, share in zip(figures, (0.5, 0.99), strict=True):
            figure.add(peer.name, quantile(took, share) if took else math.inf)
            counts = figure.notes.get(peer.name, "n = ").split(", with")[0]
            missing = sum(sample is None for sample in took)
            counts += ("" if counts.endswith("= ") else " + ") + str(len(took))
            counts += f" ({missing} did not come)" if missing else ""
            figure.notes[peer.name] = counts + (", " + note if note else "")

    async def wire(self) -> list[Figure]:
        """Bytes at the gateway's connection."""
        sizes = {
            LARGE: self.figure("on the wire for an event of 200 bytes", "bytes", more=False),
            SMALL: self.figure("on the wire for a reading", "bytes", more=False),
        }

        async def once(peer: Peer, place: Path) -> None:
            for size, figure in sizes.items():
                figure.add(peer.name, await measure.wire(peer, place / str(size), WIRE_EVENTS, size))

        return await self.rounds("wire", list(sizes.values()), once)

    # --- decoders ----------------------------------------------------------------------------------------------

    async def decode(self) -> list[Figure]:
        """Frames of a sensor to what they say; whole gateways take no part."""
        return decode.measure(self.place(), self.size.rounds, self.size.frames, self.seed)
