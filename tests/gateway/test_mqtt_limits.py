"""The uplink over a real Mosquitto with small limits: what it does is what `test_small_brokers.py` simulates."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.core.config_fields import broker
from gateway.daemon.mqtt import PahoUplink
from hal.errors import LinkLostError
from tests.gateway.uplinks import needs_mosquitto
from tools.simulators.mosquitto import Mosquitto

LARGE, SMALL = bytes(2_000), b"small"
ROUND_TRIP_S = 5.0


def with_broker(
    folder: Path, options: list[str], scene: Callable[[PahoUplink, PahoUplink], Awaitable[None]]
) -> None:
    """A scene between a gateway and a platform, over a broker with these lines in its configuration."""
    with Mosquitto(folder / "broker", options=options) as mosquitto:

        async def run() -> None:
            hub = PahoUplink(broker(mosquitto.url), client_id="hub-1")
            platform = PahoUplink(broker(mosquitto.url), client_id="platform")
            try:
                await platform.connect(["up/#"])
                await hub.connect(["down/#"])
                async with asyncio.timeout(ROUND_TRIP_S):
                    await scene(hub, platform)
            finally:
                await hub.close()
                await platform.close()

        asyncio.run(run())


async def until_end(platform: PahoUplink) -> list[int]:
    """Numbers that arrive before the end."""
    arrived = []
    while (message := await platform.receive()).topic != "up/end":
        arrived.append(int(message.payload))
    return arrived


@needs_mosquitto
def test_a_packet_that_is_too_large_ends_the_connection_in_words_and_a_small_one_goes_over_the_next(
    tmp_path: Path,
) -> None:
    async def scene(hub: PahoUplink, platform: PahoUplink) -> None:
        with pytest.raises(LinkLostError, match="before the broker acknowledged"):
            await hub.publish("up/3", LARGE)
        assert not hub.connected
        await hub.connect(["down/#"])
        await hub.publish("up/0", SMALL)
        assert (await platform.receive()).payload == SMALL

    with_broker(tmp_path, ["max_packet_size 1000"], scene)


@needs_mosquitto
def test_a_message_that_is_too_large_is_acknowledged_and_nobody_gets_it(tmp_path: Path) -> None:
    async def scene(hub: PahoUplink, platform: PahoUplink) -> None:
        await hub.publish("up/3", LARGE)
        assert hub.connected
        await hub.publish("up/0", SMALL)
        assert (await platform.receive()).payload == SMALL, "the first to arrive is the second"

    with_broker(tmp_path, ["message_size_limit 1000"], scene)


@needs_mosquitto
def test_one_message_at_a_time_and_a_queue_of_one_acknowledges_every_publish_and_loses_some(
    tmp_path: Path,
) -> None:
    """Why a PUBACK is no delivery: all are acknowledged, and a platform that is slower gets a part of them."""

    async def scene(hub: PahoUplink, platform: PahoUplink) -> None:
        await asyncio.gather(*[hub.publish("up/3", b"%d" % number) for number in range(200)])
        arriving = asyncio.create_task(until_end(platform))
        while not arriving.done():  # the end of it may find no room either
            await platform.publish("up/end", b"end")
        arrived = await arriving
        assert arrived == sorted(arrived) and 0 < len(arrived) < 200

    with_broker(tmp_path, ["max_inflight_messages 1", "max_queued_messages 1"], scene)


@needs_mosquitto
def test_a_broker_without_small_limits_passes_all_of_that_on(tmp_path: Path) -> None:
    # Negative control: the limits are what the others met.
    async def scene(hub: PahoUplink, platform: PahoUplink) -> None:
        await hub.publish("up/3", LARGE)
        await asyncio.gather(*[hub.publish("up/3", b"%d" % number) for number in range(200)])
        assert (await platform.receive()).payload == LARGE
        assert [int((await platform.receive()).payload) for _ in range(200)] == list(range(200))

    with_broker(tmp_path, ["max_queued_messages 0", "max_inflight_messages 0"], scene)
