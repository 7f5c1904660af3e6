"""Clearing what a broker retains of a gateway that has left: a message without a byte on each of its retained topics.

The gateway clears its own while it still has its key (`leave_clear`); the platform's it may not write. Whoever may write them runs this,
with the platform's certificate, after the gateway was taken out of the registry: a running platform publishes keyset and receipt again.
"""

import asyncio

from gateway.core import wire
from gateway.core.config_fields import Broker
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.mqtt_tls import TlsFiles
from hal.interfaces import Uplink

PLATFORM, GATEWAY = ("receipt", "keyset", "config"), ("manifest", "state")


def topics(tenant: str, gateway: str, *, of_gateway: bool) -> list[str]:
    """The retained topics: the platform's, and the gateway's where it could not clear them itself."""
    return [wire.topic(tenant, gateway, sort) for sort in (*PLATFORM, *(GATEWAY if of_gateway else ()))]


async def clear(uplink: Uplink, asked: list[str]) -> None:
    """Clear them one after the other; each is acknowledged. Raises HalError."""
    await uplink.connect([asked[0]])
    try:
        for topic in asked:
            await uplink.publish(topic, b"", retain=True)
    finally:
        await uplink.close()


def clear_over(broker: Broker, client_id: str, tls: TlsFiles | None, asked: list[str]) -> None:
    """The same over MQTT. Raises HalError."""
    asyncio.run(clear(PahoUplink(broker, client_id=client_id, tls=tls), asked))
