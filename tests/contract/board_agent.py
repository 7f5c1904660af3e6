"""Runs on MicroPython: the agent of a board, with the hands that the contract suite needs around it.

micropython -m tests.contract.board_agent
"""

import asyncio
import os
import sys
import time

from firmware import agent
from gateway.core.config_fields import broker
from hal.esp32.crypto import Esp32Crypto
from hal.esp32.keystore import NvsKeyStore
from hal.esp32.mqtt import MqttUplink
from hal.esp32.mqtt_link import LARGEST, Limits
from hal.esp32.nvs import Nvs
from hal.esp32.signing import Signing
from hal.esp32.tcp import Credentials
from hal.esp32.uart import BoardSerialPorts, Line
from hal.sim.clock import SimClock
from hal.sim.indicator import SimIndicator
from hal.sim.line import SerialLine
from hal.sim.network import SimNetwork
from hal.sim.nvs import SimNvs
from hal.sim.serial_ports import SimSerialPorts
from hal.sim.uart import SimUart
from hal.sim.watchdog import SimWatchdog
from hal.sim.world import World
from tests.contract.far_air import FarHome, FarStand, FarWifi


class TickClock:
    """Real time, as far as time-outs need it."""

    def uptime_ms(self):
        return time.ticks_ms()

    def utc_ms(self):
        return None

    async def sleep_ms(self, duration_ms):
        await asyncio.sleep_ms(duration_ms)


def uplink(
    url,
    client_id,
    ca=None,
    certificate=None,
    key=None,
    connect_timeout_ms=1_500,
    largest=LARGEST,
    keepalive_s=30,
    answer_ms=20_000,
    look_ms=5_000,
    dated=True,
):
    """An uplink; credentials are DER."""
    limits = Limits(keepalive_s=keepalive_s, answer_ms=answer_ms, look_ms=look_ms, largest=largest)
    return MqttUplink(
        broker(url),
        client_id=client_id,
        clock=TickClock(),
        credentials=None if ca is None else lambda: Credentials(ca, certificate, key),
        is_dated=lambda: dated,
        limits=limits,
        connect_timeout_ms=connect_timeout_ms,
    )


async def keys(native):
    """The board's key store and primitives over a storage."""
    signing = Signing(os.urandom)
    await signing.start()
    keystore = await NvsKeyStore.open(Nvs(native), signing, os.urandom)
    return keystore, Esp32Crypto(keystore, signing)


def nvs():
    """A storage that is empty."""
    return SimNvs({})


def implementation():
    """Which interpreter this is."""
    return sys.implementation.name


def uarts(cable):
    """A UART on a cable, with a pin that tells whether it is plugged in."""
    line = Line(lambda **how: SimUart(cable, **how), lambda: cable.plugged)
    return BoardSerialPorts({"uart1": line}, TickClock(), asyncio.ThreadSafeFlag)


MAKERS = {"implementation": implementation, "keys": keys, "nvs": nvs, "uarts": uarts, "uplink": uplink}
for simulated in (
    FarHome,
    FarStand,
    FarWifi,
    SerialLine,
    SimClock,
    SimIndicator,
    SimNetwork,
    SimSerialPorts,
    SimWatchdog,
    World,
):
    MAKERS[simulated.__name__] = simulated

if __name__ == "__main__":
    asyncio.run(agent.serve({}, MAKERS))
