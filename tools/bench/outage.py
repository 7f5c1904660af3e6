"""After an outage: the drain of a month's events, what they cost on the wire, and a start with them in the journal."""

import asyncio
import shutil
import time
from pathlib import Path

from tools.bench.backlog import Make, fill, month
from tools.bench.path import LOOK_S, OPEN, Conditions, FarSystem, Measured, wire
from tools.bench.system import SMOKE, WAIT_S
from tools.home.scenario import Act

WAITING = 3  # alarms that come while there is no path
FRAME_S = 0.05


async def outage(
    folder: Path,
    seed: int,
    *,
    events: int,
    conditions: dict[str, int],
    most_s: float,
    make: Make = month,
    hub_module: str | None = None,
) -> Measured:
    """A hub without a path that holds `events` and three alarms; the path returns, and alarms go on until all is out."""
    system = FarSystem(folder, seed, hub_module=hub_module)
    measured = Measured()
    async with system.far(events, make, conditions):
        await system.proxy.do(mode="refuse")
        await system.start_hub()
        await system.listening()
        for _ in range(WAITING):
            await system.next_alarm(0.3)
        measured.resident_kib.append(system.resident_kib())
        await system.proxy.do(mode="forward")
        began_s = time.perf_counter()
        drawing = asyncio.create_task(draw(system, measured, events, began_s))
        first = await system.next_alarm()
        measured.first_ms = None if first is None else round(first)
        while not drawing.done() and time.perf_counter() - began_s < most_s:
            measured.add(await system.next_alarm())
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
        measured.wire = wire(await system.proxy.do())
        lanes = await system.lanes()
        measured.held = await system.backlog()
        measured.lost = system.lost(lanes)
    return measured


async def draw(system: FarSystem, measured: Measured, events: int, began_s: float) -> None:
    """The drain curve and the hub's memory each second, until nothing of the backlog is held."""
    while True:
        held = await system.backlog()
        now_ms = round(1000 * (time.perf_counter() - began_s))
        measured.resident_kib.append(system.resident_kib())
        measured.curve.append((now_ms, max(0, events - held)))
        if held == 0:
            measured.drained_ms = now_ms
            return
        await asyncio.sleep(LOOK_S)


async def on_the_wire(
    folder: Path, seed: int, *, events: int, make: Make, hub_module: str | None = None
) -> Measured:
    """Drain `events` over an unhindered path and count what crosses it, TLS, MQTT and the greeting included."""
    system = FarSystem(folder, seed, hub_module=hub_module)
    measured = Measured()
    async with system.far(events, make, OPEN):
        await system.start_hub()
        while await system.backlog() > 0:  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.02)
        measured.wire = wire(await system.proxy.do())
        measured.lost = system.lost(await system.lanes())
    return measured


async def cold_starts(
    folder: Path,
    seed: int,
    *,
    events: int,
    count: int,
    conditions: Conditions,
    hub_module: str | None = None,
) -> list[tuple[int, int]]:
    """Microseconds from the start of the hub's process, with `events` held, to (its radio listens, an alarm is verified).

    Frames go on the air each 50 ms from the moment the radio listens; the first of them that arrives counts, so the
    second number is ready and delivered, the drain of the backlog beside it. `folder` exists.
    """
    template = folder / "template.db"
    await fill(template, events, month)
    took = []
    for number in range(count):
        system = FarSystem(folder / str(number), seed + number, hub_module=hub_module)
        shutil.copy(template, system.stage.hub / "journal.db")
        async with system.far(0, month, conditions):
            took.append(await cold_start(system))
        shutil.rmtree(folder / str(number))
    return took


async def cold_start(system: FarSystem) -> tuple[int, int]:
    """One start. Raises RuntimeError where it comes to nothing."""
    began_s = time.perf_counter()
    await system.hub.start()
    while not system.house.server.connected:
        if not system.hub.running or time.perf_counter() - began_s > WAIT_S:
            raise RuntimeError("the hub did not start:\n" + system.hub.last_words())
        await asyncio.sleep(0.002)
    listening_s = time.perf_counter() - began_s
    while system.arrivals.empty():
        if time.perf_counter() - began_s > WAIT_S:
            raise RuntimeError("no alarm arrived:\n" + system.hub.last_words())
        system.number += 1
        await system.house.perform(Act(0, SMOKE, "smoke" if system.number % 2 else "clear", {}))
        await asyncio.sleep(FRAME_S)
    _, at_s = system.arrivals.get_nowait()
    return round(1e6 * listening_s), round(1e6 * (at_s - began_s))
