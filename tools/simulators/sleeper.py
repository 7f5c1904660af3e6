"""A health device of a virtual home that sleeps: it measures, wakes, hands over what it has, and hangs up.

    cuff = Sleeper(link, "C1:00:00:00:00:04", "Cuff", service=0x1810, measurement=0x2A35)
    await cuff.start()
    cuff.measured(blood_pressure(138, 88, 105))
    await cuff.stop()

While it sleeps it is not on the air. A value counts as handed over once its indication is confirmed; one that is not
is sent at the next visit. With `resends` it sends all that it ever measured at every visit, as some cuffs do.
Source: behaviour of cuffs and scales that people own (A&D, Omron), as their clients describe it.
"""

import asyncio
import contextlib
from collections import deque

from bumble.core import UUID, BaseBumbleError
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, Service

from tools.simulators.link import HomeLink
from tools.simulators.peripheral import VirtualPeripheral

BATTERY, DEVICE_INFORMATION = 0x180F, 0x180A
BATTERY_LEVEL, MANUFACTURER, MODEL, SERIAL = 0x2A19, 0x2A29, 0x2A24, 0x2A25
AWAKE_S = 1.0

Properties = Characteristic.Properties


class Sleeper(VirtualPeripheral):
    """`awake_s` is how long it stays connected after the last value: 0 hangs up at once, in the midst of questions."""

    def __init__(
        self,
        link: HomeLink,
        address: str,
        name: str,
        *,
        service: int,
        measurement: int,
        features: tuple[int, bytes] | None = None,
        model: str = "Virtual-1",
        passkey: int | None = None,
        battery_pct: int = 80,
        awake_s: float = AWAKE_S,
        resends: bool = False,
    ) -> None:
        super().__init__(link, address, name, secure=True, passkey=passkey)
        self.service = service
        self.awake_s = awake_s
        self.resends = resends
        self.unsent: deque[bytes] = deque()
        self.handed_over: list[bytes] = []
        self.visits = 0  # connections over which something was confirmed
        self._changed = asyncio.Event()  # somebody subscribed, or the link broke
        self._handing: asyncio.Task[None] | None = None
        self._measurement = self._value(measurement, Properties.INDICATE)
        self._measurement.on(Characteristic.EVENT_SUBSCRIPTION, self._on_subscription)
        self.device.on(Device.EVENT_CONNECTION, self._on_link)
        characteristics = [self._measurement]
        if features is not None:
            characteristics.append(self._value(features[0], Properties.READ, features[1]))
        self._battery = self._value(BATTERY_LEVEL, Properties.READ | Properties.NOTIFY, bytes([battery_pct]))
        texts = {MANUFACTURER: "Virtual", MODEL: model, SERIAL: address.replace(":", "")}
        identity = [self._value(uuid, Properties.READ, text.encode()) for uuid, text in texts.items()]
        self.add_service(Service(UUID.from_16_bits(service), characteristics))
        self.add_service(Service(UUID.from_16_bits(BATTERY), [self._battery]))
        self.add_service(Service(UUID.from_16_bits(DEVICE_INFORMATION), identity))

    async def start(self, service_uuids: tuple[int, ...] = (), interval_ms: int = 100) -> None:
        """Put the battery in; it sleeps until it has measured something."""
        await self.device.power_on()

    async def stop(self) -> None:
        """Switch off for good."""
        if self._handing is not None:
            self._handing.cancel()
            await asyncio.gather(self._handing, return_exceptions=True)
        await super().stop()

    @property
    def holds(self) -> bool:
        """Whether it has a value that nobody has confirmed, or has not gone to sleep yet."""
        return self._handing is not None and not self._handing.done()

    def measured(self, value: bytes) -> None:
        """A measurement ends: wake, and hand it over as soon as somebody listens."""
        self.unsent.append(value)
        if not self.holds:
            self._handing = asyncio.get_running_loop().create_task(self._hand_over())

    def set_battery(self, battery_pct: int) -> None:
        """The battery is at `battery_pct`; it is read at the next visit."""
        self._battery.value = bytes([battery_pct])

    # --- awake -----------------------------------------------------------------------------------------------

    async def _hand_over(self) -> None:
        while self.unsent:
            await self.advertise((self.service,), again=False)
            await self._changed.wait()
            if await self._send() and not self.unsent:
                await asyncio.sleep(self.awake_s)
            await self._sleep()

    async def _send(self) -> bool:
        """Hand over what there is; whether anything was confirmed."""
        before = len(self.handed_over)
        for value in list(self.handed_over) if self.resends else []:
            if not await self.indicate(self._measurement, value):
                return False
        while self.unsent and await self.indicate(self._measurement, self.unsent[0]):
            self.handed_over.append(self.unsent.popleft())
        self.visits += len(self.handed_over) > before
        return len(self.handed_over) > before

    async def _sleep(self) -> None:
        await self.device.stop_advertising()
        for connection in list(self.device.connections.values()):
            with contextlib.suppress(BaseBumbleError):  # it may be gone already
                await connection.disconnect()
        self._changed.clear()

    def _on_subscription(self, _connection: Connection, notifies: bool, indicates: bool) -> None:
        if notifies or indicates:
            self._changed.set()

    def _on_link(self, connection: Connection) -> None:
        connection.once(Connection.EVENT_DISCONNECTION, lambda _reason: self._changed.set())

    def _value(self, uuid: int, properties: Properties, value: bytes = b"") -> Characteristic[bytes]:
        return Characteristic(UUID.from_16_bits(uuid), properties, self.permissions, value)
