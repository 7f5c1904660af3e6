"""A blood glucose meter of a virtual home: Glucose Service 1.0.1, its memory behind the record access control point.

    meter = GlucoseMeter(link, "C1:00:00:00:00:05", "Meter", clock=VirtualClock(shown_s, now_ms()))
    await meter.start()
    meter.measure(sfloat(111, -5))
    await meter.stop()

It sends nothing by itself: records stay in its memory, and are asked for by sequence number.
"""

from bumble.core import UUID
from bumble.gatt import Characteristic, Service

from tools.simulators.clock_service import ClockService, now_ms
from tools.simulators.link import HomeLink
from tools.simulators.oximeter import DEVICE_INFORMATION, MANUFACTURER, MODEL, SERIAL
from tools.simulators.peripheral import VirtualPeripheral
from tools.simulators.racp import RecordAccess
from tools.simulators.record_memory import RecordMemory
from tools.simulators.virtual_clock import VirtualClock

GLUCOSE, MEASUREMENT, CONTEXT, FEATURES = 0x1808, 0x2A18, 0x2A34, 0x2A51
KEPT = 500
OFFSET_AND_RESULT, AMOUNT = 0x03, 0x04  # flags: time offset and concentration; mol/L
FINGER, CAPILLARY_WHOLE_BLOOD, CONTROL_SOLUTION = 0x10, 0x01, 0x0A

Properties = Characteristic.Properties


class GlucoseMeter(VirtualPeripheral):
    """`amount`: results are mol/L, else kg/L."""

    def __init__(
        self,
        link: HomeLink,
        address: str,
        name: str = "Meter",
        *,
        clock: VirtualClock,
        passkey: int | None = None,
        amount: bool = False,
        by_number: bool = True,
    ) -> None:
        super().__init__(link, address, name, secure=True, passkey=passkey)
        self.amount = amount
        self.next_number = 1
        measurement = self._value(MEASUREMENT, Properties.NOTIFY)
        self.records = RecordAccess(
            self, measurement, RecordMemory(once=False, by_number=by_number, kept=KEPT)
        )
        characteristics = [
            measurement,
            self._value(CONTEXT, Properties.NOTIFY),
            self._value(FEATURES, Properties.READ, b"\x00\x00"),
            self.records.characteristic,
        ]
        self.add_service(Service(UUID.from_16_bits(GLUCOSE), characteristics))
        self.shows = ClockService(self, clock)
        texts = {MANUFACTURER: "Virtual", MODEL: "GLS-1", SERIAL: address.replace(":", "")}
        identity = [self._value(uuid, Properties.READ, text.encode()) for uuid, text in texts.items()]
        self.add_service(Service(UUID.from_16_bits(DEVICE_INFORMATION), identity))

    async def start(self, service_uuids: tuple[int, ...] = (GLUCOSE,), interval_ms: int = 100) -> None:
        """Switch on and advertise."""
        await super().start(service_uuids, interval_ms)

    async def stop(self) -> None:
        """Switch off for good."""
        self.records.stop()
        await super().stop()

    def measure(self, result: int, *, control: bool = False) -> bytes:
        """A strip is read: `result` is the 16 bits of an SFLOAT in its unit; `control`: of control solution. The record."""
        flags = OFFSET_AND_RESULT | (AMOUNT if self.amount else 0)
        number, stamp = self.next_number.to_bytes(2, "little"), self.shows.clock.stamp(now_ms())
        sample = FINGER | (CONTROL_SOLUTION if control else CAPILLARY_WHOLE_BLOOD)
        value = bytes([flags]) + number + stamp + b"\x00\x00" + result.to_bytes(2, "little") + bytes([sample])
        self.records.memory.store(value, self.next_number)
        self.next_number += 1
        return value

    def begin_anew(self) -> None:
        """Its memory is cleared, and its numbers begin at 1."""
        self.records.memory.clear()
        self.next_number = 1

    def _value(self, uuid: int, properties: Properties, value: bytes = b"") -> Characteristic[bytes]:
        return Characteristic(UUID.from_16_bits(uuid), properties, self.permissions, value)
