"""The simulated path keeps its time, and the whole hub behind it loses nothing when it is cut again and again."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tools.bench.backlog import month
from tools.bench.cuts import cut
from tools.bench.figures import drain
from tools.bench.path import FIFO_HUB, SLOW, FarSystem
from tools.simulators.mosquitto import find_mosquitto
from tools.simulators.proxy import HOST, Proxy

needs_mosquitto = pytest.mark.skipif(
    find_mosquitto() is None, reason="mosquitto is not installed: apt-get install mosquitto"
)
EVENTS = 1_000


@contextlib.asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """A port that sends back what it gets."""
    serving: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(take, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*serving, return_exceptions=True)


def round_trips_ms(delay_ms: int, count: int) -> list[float]:
    """Of single bytes, one after the other."""

    async def work() -> list[float]:
        found = []
        async with echo() as port, Proxy(port, delay_ms=delay_ms) as proxy:
            reader, writer = await asyncio.open_connection(HOST, proxy.port)
            await asyncio.sleep(0.1)
            for _ in range(count):
                began = time.perf_counter()
                writer.write(b"x")
                await reader.readexactly(1)
                found.append(1000 * (time.perf_counter() - began))
            writer.close()
            await writer.wait_closed()
        return found

    return asyncio.run(work())


def test_a_delay_is_kept_to_a_few_milliseconds() -> None:
    """The shortest of many: what a busy machine adds to the others is not the proxy's."""
    found = round_trips_ms(25, 40)
    assert 50 <= min(found) <= 55


def test_a_rate_is_kept_to_a_few_percent_with_the_overhead_of_segments() -> None:
    async def work() -> float:
        async with echo() as port, Proxy(port, bits_per_s=800_000, overhead_bytes=52) as proxy:
            reader, writer = await asyncio.open_connection(HOST, proxy.port)
            began = time.perf_counter()
            writer.write(bytes(100_000))
            await reader.readexactly(100_000)
            took = time.perf_counter() - began
            writer.close()
            await writer.wait_closed()
            return took

    took_s = asyncio.run(work())
    due_s = (100_000 + 100_000 / 1448 * 52) / 100_000
    assert due_s * 0.97 <= took_s <= due_s * 1.15


@needs_mosquitto
@pytest.mark.long
@pytest.mark.timeout(120)
def test_a_hub_behind_a_path_that_is_cut_again_and_again_loses_nothing(tmp_path: Path) -> None:
    chance = random.Random(11)

    async def work() -> tuple[int, int, str]:
        system = FarSystem(tmp_path, 11)
        conditions = {**SLOW, "delay_ms": 20, "bits_per_s": 256_000}
        async with system.far(EVENTS, month, conditions):
            await system.proxy.do(mode="silent")  # reached, and the handshake stalls
            await system.start_hub()
            await system.listening()
            while not (error := (await system.status() or {})["last_error"]):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
            await system.proxy.do(mode="forward")
            await system.until_connected()
            for _ in range(4):
                await asyncio.sleep(0.3 + chance.random())
                await system.proxy.do(do="reset")  # in mid-publish: the backlog is on its way
                await system.until_connected()
            await system.proxy.do(do="stall")
            await asyncio.sleep(1)
            await system.proxy.do(do="resume")
            assert await system.next_alarm() is not None
            while await system.backlog() > 0:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
            return system.lost(await system.lanes()), await system.alarms_given(), error

    lost, given, error = asyncio.run(work())
    assert lost == 0
    assert given > 0
    assert "does not answer: check the network and firewalls" in error


@needs_mosquitto
@pytest.mark.long
@pytest.mark.timeout(120)
def test_the_harness_of_an_outage_sees_a_hub_without_lanes() -> None:
    good, bad = drain(300, 1), drain(1_200, 1, FIFO_HUB)
    assert good.bad == 0 and good.reached["lost"] == 0
    assert good.series["receipted_by_ms"][-1][1] == 300
    assert bad.bad > 0


@needs_mosquitto
def test_an_alarm_into_a_reset_connection_arrives_over_a_new_one(tmp_path: Path) -> None:
    took_ms = asyncio.run(cut(tmp_path, 1, "reset"))
    assert took_ms is not None and took_ms < 10_000
