"""What the tests of the uplink share: a broker that must be there, what a refusal is, and many publishes at once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.core.config_fields import broker
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.mqtt_tls import TlsFiles
from hal.errors import HalError, LinkLostError
from tools.simulators.mosquitto import find_mosquitto

WINDOW = 8  # publishes on their way at once
TROUBLE_AT = 20  # answers until something befalls the connection

needs_mosquitto = pytest.mark.skipif(
    find_mosquitto() is None, reason="mosquitto is not installed: apt-get install mosquitto"
)


def failure(
    url: str, work: Callable[[PahoUplink], Awaitable[None]], tls: TlsFiles | None = None
) -> HalError | None:
    """What work with an uplink to that broker raises, or None; the uplink is closed in either case."""

    async def run() -> None:
        uplink = PahoUplink(broker(url), client_id="hub-1", tls=tls, connect_timeout_ms=3000)
        try:
            await work(uplink)
        finally:
            await uplink.close()

    try:
        asyncio.run(run())
    except HalError as error:
        return error
    return None


async def publish_through_trouble(
    uplink: PahoUplink, count: int, size: int, trouble: Callable[[], Awaitable[None]]
) -> list[bool]:
    """Publish `count` payloads in a window; of each answer whether it was a PUBACK. The trouble comes after some."""
    outcomes: list[bool] = []
    window = asyncio.Semaphore(WINDOW)

    async def publish() -> None:
        async with window:
            try:
                await uplink.publish("up", bytes(size))
                outcomes.append(True)
            except LinkLostError:
                outcomes.append(False)
            if len(outcomes) == TROUBLE_AT:
                await trouble()

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(publish())
    return outcomes
