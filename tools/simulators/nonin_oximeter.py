"""An oximeter of a virtual home that speaks Nonin's own service instead of 1822: one value of ten bytes a second.

The digits come from the callable. While no finger is in, it goes on showing the last numbers, as the real one does for
seconds: a gateway that looks at the numbers alone takes them for fresh.
"""

import asyncio
from collections.abc import Callable

from bumble.core import UUID
from bumble.gatt import Characteristic, Service

from tools.simulators.link import HomeLink
from tools.simulators.peripheral import VirtualPeripheral

SERVICE = "46A970E0-0D5F-11E2-8B5E-0002A5D5C51B"
MEASUREMENT = "0AAD7EA0-0D60-11E2-8E3C-0002A5D5C51B"
ATTACHED, SEARCHING, BATTERY_LOW = 0x10, 0x08, 0x20
BATTERY_TENTHS_V, LOW_TENTHS_V = 30, 21

Reading = tuple[int, int]  # SpO2 in %, pulse rate per minute


class NoninOximeter(VirtualPeripheral):
    """finger: whether one is in. searching: whether it looks for the pulse of the one that is."""

    def __init__(
        self, link: HomeLink, address: str, name: str = "Nonin3230", *, passkey: int | None = None
    ) -> None:
        super().__init__(link, address, name, secure=True, passkey=passkey)
        self.finger, self.searching = True, False
        self.battery_tenths_v = BATTERY_TENTHS_V
        self.counter = 0
        self.shown: Reading = (127, 511)
        self._stream: asyncio.Task[None] | None = None
        self._measurement: Characteristic[bytes] = Characteristic(
            UUID(MEASUREMENT), Characteristic.Properties.NOTIFY, self.permissions, b""
        )
        self.add_service(Service(UUID(SERVICE), [self._measurement]))

    async def start(self, service_uuids: tuple[int, ...] = (), interval_ms: int = 100) -> None:
        """Switch on and advertise; the name tells what it is."""
        await super().start(service_uuids, interval_ms)

    async def stop(self) -> None:
        """Switch off for good."""
        if self._stream is not None:
            self._stream.cancel()
        await super().stop()

    def value(self, reading: Reading) -> bytes:
        """The next ten bytes; without a finger, or while it searches, the numbers are those of before."""
        if self.finger and not self.searching:
            self.shown = reading
        self.counter = (self.counter + 1) & 0xFFFF
        status = (ATTACHED if self.finger else 0) | (SEARCHING if self.searching else 0)
        status |= BATTERY_LOW if self.battery_tenths_v <= LOW_TENTHS_V else 0
        spo2, pulse = self.shown
        head = bytes([10, status, self.battery_tenths_v]) + (250).to_bytes(2, "big")
        return head + self.counter.to_bytes(2, "big") + bytes([spo2]) + pulse.to_bytes(2, "big")

    async def measure(self, reading: Reading) -> bool:
        """Send one value now; whether somebody had subscribed."""
        return await self.notify(self._measurement, self.value(reading))

    def stream(self, values: Callable[[], Reading], interval_ms: int = 1000) -> None:
        """Send a value each `interval_ms`; replaces an earlier stream."""
        self.rest()
        self._stream = asyncio.get_running_loop().create_task(self._send_each(values, interval_ms))

    def rest(self) -> None:
        """Stream no more; the link stays."""
        if self._stream is not None:
            self._stream.cancel()

    async def _send_each(self, values: Callable[[], Reading], interval_ms: int) -> None:
        while True:
            await asyncio.sleep(interval_ms / 1000)
            await self.measure(values())
