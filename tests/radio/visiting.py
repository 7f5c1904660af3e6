"""A hub that visits one virtual peripheral over the radio in real time: driver, recorder and journal as they run in a home."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.core.devices.driver import GattDriver
from gateway.hub.air import Visitor
from gateway.hub.waking import stop
from hal.interfaces import BleCentral
from tests.contract.air_hosts import MonotonicClock
from tests.hub.bench import NIGHT_UTC_MS
from tests.hub.small import Small

OSLO_AHEAD_S = 3600  # in winter, as at NIGHT_UTC_MS


class TrustedClock(MonotonicClock):
    """Real time whose date is `NIGHT_UTC_MS` at the start."""

    def __init__(self) -> None:
        self.began_ms = self.uptime_ms()

    def utc_ms(self) -> int:
        return NIGHT_UTC_MS + self.uptime_ms() - self.began_ms

    def oslo_s(self) -> int:
        """What a clock on the wall shows, in seconds since 1970."""
        return self.utc_ms() // 1000 + OSLO_AHEAD_S


class InReach(asyncio.Event):
    """The peripheral is always heard."""

    def clear(self) -> None:
        """It still is."""


class Hub(Small):
    """Recorder and intake in real time; the journal stays when `visiting` begins anew."""

    def __init__(self) -> None:
        super().__init__()
        self.real = TrustedClock()
        self.clock = self.real  # type: ignore[assignment]
        self.restart()

    @asynccontextmanager
    async def visiting(
        self, central: BleCentral, kind: type[GattDriver], address: str
    ) -> AsyncIterator[GattDriver]:
        """The driver, while its device is visited."""
        device = self.device(kind, address=address)
        driver: GattDriver = device.driver  # type: ignore[assignment]
        driver.context.zone = "Europe/Oslo"
        driver.clock.zone = "Europe/Oslo"  # type: ignore[attr-defined]
        if not (await central.bonds()).get(address):  # the technician was here
            connection = await central.connect(address, pair=device.driver.pairing != "none")  # type: ignore[attr-defined]
            await connection.disconnect()
        near = InReach()
        near.set()
        visitor = Visitor(device, central, near, self.intake, self.real, lambda: 0, lambda: None)
        task = asyncio.create_task(visitor.run())
        try:
            yield driver
        finally:
            await stop(task)
