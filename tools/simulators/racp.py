"""The record access control point of a virtual health device: what its memory holds is handed out over the air.

Source: Pulse Oximeter Service 1.0.1, 3.4; Glucose Service 1.0.1, 3.4. What is asked and answered is in `record_memory.py`;
here are the procedures: one at a time, behind the subscriptions, each record confirmed before the next.
"""

import asyncio

from bumble.att import ATT_Error, ErrorCode
from bumble.core import UUID
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue

from tools.simulators.peripheral import VirtualPeripheral
from tools.simulators.record_memory import ABORT, Record, RecordMemory

CONTROL_POINT = 0x2A52
IN_PROGRESS, CCCD_IMPROPER = 0xFE, 0xFD
FROM_STORAGE = 0x0200  # measurement status of a spot-check, bit 9
HAS_STATUS = 0x02  # spot-check flags, bit 1


class RecordAccess:
    """Procedures on the records of `memory`, which go out over `stream`, indicated or notified as that offers.

    drop_after, hush_after: records of one transfer after which the link is lost, or nothing more is said; once.
    """

    def __init__(
        self, peripheral: VirtualPeripheral, stream: Characteristic[bytes], memory: RecordMemory | None = None
    ) -> None:
        self.memory = RecordMemory() if memory is None else memory
        self.drop_after: int | None = None
        self.hush_after: int | None = None
        self.requests: list[bytes] = []
        self._peripheral = peripheral
        self._stream = stream
        self._indicates = bool(stream.properties & Characteristic.Properties.INDICATE)
        self._running: asyncio.Task[None] | None = None
        self._answering = False
        self.characteristic: Characteristic[bytes] = Characteristic(
            UUID.from_16_bits(CONTROL_POINT),
            Characteristic.Properties.WRITE | Characteristic.Properties.INDICATE,
            peripheral.permissions,
            CharacteristicValue(write=self._on_write),
        )

    @property
    def records(self) -> list[bytes]:
        """What the memory holds, oldest first."""
        return [record.value for record in self.memory.records]

    def store(self, value: bytes) -> None:
        """Keep a spot-check; marked as stored, as its bit 9 says when it is handed out."""
        flags = value[0] | HAS_STATUS
        self.memory.store(bytes([flags]) + value[1:] + FROM_STORAGE.to_bytes(2, "little"))

    def stop(self) -> None:
        """End what is running."""
        if self._running is not None:
            self._running.cancel()

    @property
    def busy(self) -> bool:
        """Whether a procedure is under way: from the request until its answer has been sent."""
        return self._running is not None and not self._running.done() and not self._answering

    def _on_write(self, connection: Connection, value: bytes) -> None:
        if self.busy and value[:1] != bytes([ABORT]):
            raise ATT_Error(ErrorCode(IN_PROGRESS))
        if not self._listened_to(connection):
            raise ATT_Error(ErrorCode(CCCD_IMPROPER))
        if self.busy:
            self.stop()
        self.requests.append(bytes(value))
        self._answering = False
        self._running = asyncio.get_running_loop().create_task(self._procedure(bytes(value)))

    def _listened_to(self, connection: Connection) -> bool:
        server = self._peripheral.device.gatt_server
        stream, control = (
            server.read_cccd(connection, self._stream),
            server.read_cccd(connection, self.characteristic),
        )
        return any(stream[:2]) and bool(control[0] or control[1])

    async def _procedure(self, request: bytes) -> None:
        found, answer = self.memory.asked(request)
        for sent, record in enumerate(found):
            if sent == self.drop_after:
                self.drop_after = None
                self._peripheral.drop_link()
                return
            if sent == self.hush_after:
                self.hush_after = None
                return
            if not await self._hand_out(record):
                return  # the link broke: there is no resume, and what was not confirmed is kept
        self._answering = True
        await self._peripheral.indicate(self.characteristic, answer)

    async def _hand_out(self, record: Record) -> bool:
        send = self._peripheral.indicate if self._indicates else self._peripheral.notify
        if not await send(self._stream, record.value):
            return False
        self.memory.delivered(record)
        return True
