"""Driver and reference dispenser over a real pseudo-terminal and pyserial: the cable is pulled and put back."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hal.errors import LinkLostError, UnavailableError
from hal.interfaces import SerialPort
from hal.linux.serial_ports import PyserialPorts
from tests.core.dispenser_bench import UTC_AT_START_MS, Hub
from tools.simulators.dispenser_pty import DispenserOnPty


async def opened(path: Path) -> SerialPort:
    """The port, as soon as it is there."""
    while True:
        try:
            return await PyserialPorts().open(str(path))
        except UnavailableError:
            await asyncio.sleep(0)


async def serve(path: Path, hub: Hub, arrived: Callable[[], bool], now_ms: Callable[[], int]) -> str:
    """What the hub's loop does, until `arrived` or the line is lost; says which."""
    port = await opened(path)
    try:
        await port.write(hub.take(hub.driver.opened(now_ms(), UTC_AT_START_MS)))
        while not arrived():
            answer = hub.take(hub.driver.received(await port.read(), now_ms(), UTC_AT_START_MS))
            if answer:
                await port.write(answer)
        return "arrived"
    except LinkLostError:
        return "lost"
    finally:
        await port.close()


def test_every_entry_arrives_once_over_a_serial_port_that_goes_and_comes_back(tmp_path: Path) -> None:
    asyncio.run(scenario(tmp_path))


async def scenario(folder: Path) -> None:
    hub = Hub()
    async with DispenserOnPty(folder / "dispenser", os.urandom, lambda: UTC_AT_START_MS) as served:
        for turn in range(50):
            served.device.log_event(("lid.opened", "lid.closed")[turn % 2], served.now_ms())
        served.wake()

        def some() -> bool:
            if len(hub.numbers()) >= 10 and served.line.plugged:
                served.pull()
            return False

        assert await serve(served.line.path, hub, some, served.now_ms) == "lost"
        assert not served.line.path.is_symlink()
        assert 10 <= len(hub.numbers()) < 50
        served.device.log_event("dose.missed", served.now_ms(), dose_id=1)
        served.put_back()
        done = await serve(served.line.path, hub, lambda: len(hub.numbers()) >= 51, served.now_ms)
        assert done == "arrived"
        assert hub.numbers() == list(range(1, 52))
        assert hub.kinds()[-1] == "dose.missed"
        assert "device.log_lost" not in hub.kinds()


def test_the_name_is_the_same_after_the_cable_was_out(tmp_path: Path) -> None:
    async def swap() -> None:
        async with DispenserOnPty(tmp_path / "dispenser", os.urandom, lambda: None) as served:
            before = served.line.path
            served.pull()
            with pytest.raises(UnavailableError):
                await PyserialPorts().open(str(before))
            served.put_back()
            assert served.line.path == before
            port = await PyserialPorts().open(str(before))
            await port.close()

    asyncio.run(swap())
