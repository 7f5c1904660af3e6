"""The whole hub over a Mosquitto that holds one message on its way and two in its queue: nothing lost, the drain goes on."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from tools.bench.backlog import month
from tools.bench.path import LOOPBACK, FarSystem
from tools.simulators.mosquitto import Mosquitto, find_mosquitto

needs_mosquitto = pytest.mark.skipif(
    find_mosquitto() is None, reason="mosquitto is not installed: apt-get install mosquitto"
)
SMALL = ["set_tcp_nodelay true", "max_inflight_messages 1", "max_queued_messages 2"]
EVENTS = 3_000
LIMIT_S = 170
AWAY_S = 2.0


class SmallSystem(FarSystem):
    """Without a path in between; the broker has these lines in its configuration."""

    def __init__(self, folder: Path, hub_module: str | None) -> None:
        super().__init__(folder, 1, hub_module=hub_module)
        assert self.mosquitto is not None
        self.mosquitto = Mosquitto(
            folder / "small", tls=self.mosquitto._tls, port=self.mosquitto.port, options=SMALL
        )


async def drained(folder: Path, hub_module: str | None = None) -> tuple[int, int, list[float | None]]:
    """Events lost of a backlog, events still held, and how long alarms took that came meanwhile."""
    system = SmallSystem(folder, hub_module)
    async with system.far(EVENTS, month, LOOPBACK):
        # While its subscriber does not read, the broker throws away all but three, however fast or slow this machine is.
        os.kill(system.platform.pid, signal.SIGSTOP)
        await system.start_hub()
        await system.listening()
        await system.until_connected()
        await asyncio.sleep(AWAY_S)
        os.kill(system.platform.pid, signal.SIGCONT)
        alarms = [await system.next_alarm(20) for _ in range(5)]
        end = time.monotonic() + LIMIT_S
        while await system.backlog() > 0 and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        await asyncio.sleep(1)  # what the platform has received it writes
        lanes = await system.lanes()
        return system.lost(lanes), sum(row["held"] for row in lanes), alarms


@needs_mosquitto
@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_queue_of_two_messages_costs_nothing_the_drain_goes_on_and_alarms_pass(tmp_path: Path) -> None:
    lost, held, alarms = asyncio.run(drained(tmp_path))
    assert lost == 0
    assert held <= 5, "what came at the end may be on its way"
    assert None not in alarms


@needs_mosquitto
@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_loss_of_a_hub_that_forgets_on_puback_is_seen_there(tmp_path: Path) -> None:
    lost, _, _ = asyncio.run(drained(tmp_path, "tools.rig.unsafe_hub"))
    assert lost > 0
