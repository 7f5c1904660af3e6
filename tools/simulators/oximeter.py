"""A pulse oximeter of a virtual home: Pulse Oximeter Service 1.0.1, battery, device information.

    oximeter = Oximeter(link, "C1:00:00:00:00:01", passkey=123456)
    await oximeter.start()
    oximeter.stream(lambda: (sfloat(97), sfloat(72)), interval_ms=1000)
    oximeter.leave()
    oximeter.return_()
    await oximeter.stop()

It pairs with LE Secure Connections before it shows any value: Just Works, or with the passkey on its label. Its own
digits come from the callable; nothing is made up here.
"""

import asyncio
from collections.abc import Callable

from bumble.core import UUID
from bumble.gatt import Characteristic, Service

from tools.simulators.clock_service import ClockService, now_ms
from tools.simulators.link import HomeLink
from tools.simulators.pairing import WHOLE_KEY_BYTES, Io
from tools.simulators.peripheral import VirtualPeripheral
from tools.simulators.racp import RecordAccess
from tools.simulators.virtual_clock import VirtualClock

PULSE_OXIMETER, BATTERY, DEVICE_INFORMATION = 0x1822, 0x180F, 0x180A
CONTINUOUS, SPOT_CHECK, FEATURES = 0x2A5F, 0x2A5E, 0x2A60
BATTERY_LEVEL, MANUFACTURER, MODEL, SERIAL = 0x2A19, 0x2A29, 0x2A24, 0x2A25
STORES_SPOT_CHECKS = 0x0004  # features, bit 2
STAMPED, CLOCK_NOT_SET = 0x01, 0x10  # flags of a spot-check
NAN, NRES, POSITIVE_INFINITY, NEGATIVE_INFINITY, RESERVED = 0x07FF, 0x0800, 0x07FE, 0x0802, 0x0801

Properties = Characteristic.Properties
Reading = tuple[int, int]  # SpO2 and pulse rate, each the 16 bits of an SFLOAT


def sfloat(mantissa: int, exponent: int = 0) -> int:
    """The 16 bits of mantissa * 10 ** exponent (IEEE 11073-20601, SFLOAT); specials are the constants above."""
    if not -2048 <= mantissa <= 2047 or not -8 <= exponent <= 7:
        raise ValueError(f"{mantissa}e{exponent} is no SFLOAT: mantissa -2048..2047, exponent -8..7")
    return (exponent & 0xF) << 12 | mantissa & 0xFFF


def continuous(reading: Reading) -> bytes:
    """Value of 2A5F without optional fields (PLXS 1.0.1, 3.2)."""
    return b"\x00" + b"".join(word.to_bytes(2, "little") for word in reading)


def spot_check(reading: Reading, clock: VirtualClock | None = None) -> bytes:
    """Value of 2A5E, with a stamp where the device has a clock (PLXS 1.0.1, 3.1)."""
    if clock is None:
        return continuous(reading)
    flags = STAMPED | (0 if clock.is_set else CLOCK_NOT_SET)
    return bytes([flags]) + continuous(reading)[1:] + clock.stamp(now_ms())


class Oximeter(VirtualPeripheral):
    """With `stores`, spot-checks can be stored and fetched through the record access control point 2A52.

    With `clock`, they carry its stamp, and the clock is shown and set through 2A2B.
    """

    def __init__(
        self,
        link: HomeLink,
        address: str,
        name: str = "Oximeter",
        *,
        secure: bool = True,
        passkey: int | None = None,
        key_bytes: int = WHOLE_KEY_BYTES,
        compares: bool = False,
        out_of_band: bool = False,
        capability: Io | None = None,
        stores: bool = False,
        battery_pct: int = 80,
        clock: VirtualClock | None = None,
    ) -> None:
        super().__init__(
            link,
            address,
            name,
            secure=secure,
            passkey=passkey,
            compares=compares,
            out_of_band=out_of_band,
            capability=capability,
            key_bytes=key_bytes,
        )
        self.sent = 0  # continuous values that somebody had subscribed to
        self._stream: asyncio.Task[None] | None = None
        self._continuous = self._value(CONTINUOUS, Properties.NOTIFY)
        self._spot_check = self._value(SPOT_CHECK, Properties.INDICATE)
        features = STORES_SPOT_CHECKS if stores else 0
        characteristics = [
            self._continuous,
            self._spot_check,
            self._value(FEATURES, Properties.READ, features.to_bytes(2, "little")),
        ]
        self.records = RecordAccess(self, self._spot_check) if stores else None
        if self.records is not None:
            characteristics.append(self.records.characteristic)
        self._battery = self._value(BATTERY_LEVEL, Properties.READ | Properties.NOTIFY, bytes([battery_pct]))
        self.add_service(Service(UUID.from_16_bits(PULSE_OXIMETER), characteristics))
        self.clock = clock
        self.shows = ClockService(self, clock) if clock is not None else None
        self.add_service(Service(UUID.from_16_bits(BATTERY), [self._battery]))
        self.add_service(Service(UUID.from_16_bits(DEVICE_INFORMATION), self._identity(address)))

    async def start(self, service_uuids: tuple[int, ...] = (PULSE_OXIMETER,), interval_ms: int = 100) -> None:
        """Switch on and advertise."""
        await super().start(service_uuids, interval_ms)

    async def stop(self) -> None:
        """Switch off for good."""
        if self._stream is not None:
            self._stream.cancel()
        if self.records is not None:
            self.records.stop()
        await super().stop()

    def stream(self, values: Callable[[], Reading], interval_ms: int = 1000) -> None:
        """Send a continuous value each `interval_ms` while somebody has subscribed; replaces an earlier stream."""
        if self._stream is not None:
            self._stream.cancel()
        self._stream = asyncio.get_running_loop().create_task(self._send_each(values, interval_ms))

    def rest(self) -> None:
        """Stream no more; the link stays."""
        if self._stream is not None:
            self._stream.cancel()

    async def measure(self, reading: Reading) -> bool:
        """Send one continuous value now; whether somebody had subscribed."""
        sent = await self.notify(self._continuous, continuous(reading))
        self.sent += sent
        return sent

    async def check_spot(self, reading: Reading) -> bool:
        """A spot-check ends: indicate it, or store it where nobody listens. Whether it was confirmed."""
        value = spot_check(reading, self.clock)
        if await self.indicate(self._spot_check, value):
            return True
        if self.records is not None:
            self.records.store(value)
        return False

    async def set_battery(self, battery_pct: int) -> None:
        """The battery is at `battery_pct` now."""
        self._battery.value = bytes([battery_pct])
        await self.notify(self._battery, bytes([battery_pct]))

    async def _send_each(self, values: Callable[[], Reading], interval_ms: int) -> None:
        while True:
            await asyncio.sleep(interval_ms / 1000)
            await self.measure(values())

    def _value(self, uuid: int, properties: Properties, value: bytes = b"") -> Characteristic[bytes]:
        return Characteristic(UUID.from_16_bits(uuid), properties, self.permissions, value)

    def _identity(self, address: str) -> list[Characteristic[bytes]]:
        texts = {MANUFACTURER: "Virtual", MODEL: "PLX-1", SERIAL: address.replace(":", "")}
        return [self._value(uuid, Properties.READ, text.encode()) for uuid, text in texts.items()]
