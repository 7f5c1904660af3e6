"""The measuring code: one and the same for Trygg and every peer. Each function measures one party once."""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path

from tools.bench.path import OPEN
from tools.bench.peers import process_facts
from tools.bench.peers.events import LARGE
from tools.bench.peers.peer import Peer, Road, Store, Way
from tools.bench.peers.program import ProgramError

OFFERED_PER_S = 200  # a busy home; what is lost with a queue in memory grows with it
PACED = 100_000
ALARM_EVERY_S = 0.03
DRAIN_LIMIT_S = 60.0
SETTLED_S = 2.0
LAST_ALARMS_S = 5.0
BEHIND_LIMIT_S = 60.0


@dataclass(frozen=True)
class Loss:
    """Of one kill or cut: events accepted, how many of them were gone afterwards, and what the party said if it died."""

    accepted: int
    lost: int
    error: str = ""


async def accept(peer: Peer, folder: Path, count: int, window: int) -> tuple[float, float | None]:
    """Events a second accepted, and in the store; None where they are not written while it runs."""
    store = peer.store(folder)
    try:
        await store.start()
        found = await store.offer(0, count, LARGE, window)
        stored = None if found.store_ns is None else count / (found.store_ns / 1e9)
        return count / (found.accept_ns / 1e9), stored
    finally:
        await store.stop()


async def disk(peer: Peer, folder: Path, count: int, size: int) -> float:
    """Bytes written an event, each offered alone, all delivered and deleted afterwards."""
    store = peer.store(folder)
    try:
        await store.start()
        before = store.written()
        await store.offer(0, count, size, 1)
        await store.forget()
        return (store.written() - before) / count
    finally:
        await store.stop()


async def until_accepted(store: Store, at_least: int, chance: random.Random) -> None:
    """Some are accepted, then a moment of chance goes by."""
    end = time.monotonic() + DRAIN_LIMIT_S
    while len(store.accepted()) < at_least and time.monotonic() < end:  # noqa: ASYNC110 - lines of another process
        await asyncio.sleep(0.01)
    await asyncio.sleep(chance.random() * 1.5)


async def kill(peer: Peer, folder: Path, chance: random.Random) -> Loss:
    """SIGKILL at a moment of chance while events come in evenly; then a start over the same folder."""
    store = peer.store(folder)
    try:
        await store.start()
        await store.pace(0, PACED, OFFERED_PER_S, LARGE)
        await until_accepted(store, 100, chance)
        await store.kill()
        return await loss(store)
    finally:
        await store.stop()


async def loss(store: Store) -> Loss:
    """What of the accepted is gone; a party that does not start again has lost all of it."""
    accepted = set(store.accepted())
    try:
        return Loss(len(accepted), len(accepted - await store.survivors()))
    except ProgramError as error:
        return Loss(len(accepted), len(accepted), str(error))


async def drain(way: Way, count: int, size: int = LARGE) -> tuple[float, float]:
    """Events a second that arrived, from the connection to the last; and the share that never arrived."""
    try:
        held = await way.fill(count, size)
        await way.open()
        found = await way.drained(DRAIN_LIMIT_S)
        return found.events / max(found.took_ns / 1e9, 1e-9), (held - found.events) / held
    finally:
        await way.close()


async def alarms(way: Way, count: int, within_s: float) -> tuple[list[float | None], int]:
    """Milliseconds of alarms raised at even times while the backlog drains; and the largest memory, in KiB.

    Where the backlog is not gone `within_s`, an alarm is waited for as long as the first was, and no longer.
    """
    last_s = LAST_ALARMS_S
    try:
        await way.fill(count, LARGE)
        await way.open()
        emptied = asyncio.create_task(way.emptied(count // 100, within_s))
        raised: list[asyncio.Task[float | None]] = []
        while not emptied.done():
            raised.append(asyncio.create_task(way.alarm(len(raised))))
            await asyncio.sleep(ALARM_EVERY_S)
        await emptied
        _, pending = await asyncio.wait(raised, timeout=last_s)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        took = [None if task in pending else task.result() for task in raised]
        return took, process_facts.memory_kib(way.pid)[1]
    finally:
        await way.close()


async def behind(way: Way, count: int) -> float | None:
    """Milliseconds of one alarm raised as soon as there is a connection, however long; None beyond the limit."""
    try:
        await way.fill(count, LARGE)
        await way.open()
        async with asyncio.timeout(BEHIND_LIMIT_S):
            return await way.alarm(0)
    except TimeoutError:
        return None
    finally:
        await way.close()


async def idle(way: Way, count: int) -> tuple[list[float | None], int]:
    """Milliseconds of alarms, one after the other, with nothing else to do; and the resident memory, in KiB."""
    try:
        await way.fill(0, LARGE)
        await way.open()
        await asyncio.sleep(SETTLED_S)
        took = []
        for number in range(count):
            took.append(await way.alarm(number))
            await asyncio.sleep(ALARM_EVERY_S)
        return took, process_facts.memory_kib(way.pid)[0]
    finally:
        await way.close()


async def wire(peer: Peer, folder: Path, count: int, size: int) -> float:
    """Bytes an event, both ways, TLS and acknowledgements and the connection's beginning counted."""
    way = peer.way(folder, Road(OPEN), alarms=False)
    try:
        held = await way.fill(count, size)
        await way.open()
        found = await way.drained(DRAIN_LIMIT_S)
        assert found.wire_bytes is not None, "the road counts"
        if found.events < held:
            raise ProgramError(f"{held - found.events} of {held} events did not arrive")
        return found.wire_bytes / held
    finally:
        await way.close()
