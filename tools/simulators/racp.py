"""The record access control point of a virtual oximeter: spot-checks stored while nobody listened.

Source: Pulse Oximeter Service 1.0.1, 3.4. A stored record is handed out once, oldest first; its confirmation counts
as delivery.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine

from bumble.att import ATT_Error, ErrorCode
from bumble.core import UUID
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue

from tools.simulators.peripheral import VirtualPeripheral

CONTROL_POINT = 0x2A52
REPORT, DELETE, ABORT, COUNT, COUNT_ANSWER, ANSWER = 1, 2, 3, 4, 5, 6
NULL, ALL = 0, 1
SUCCESS, OPCODE_NOT_SUPPORTED, INVALID_OPERATOR, NO_RECORDS = 1, 2, 3, 6
IN_PROGRESS, CCCD_IMPROPER = 0xFE, 0xFD
KEPT = 30  # the service recommends at least 30; the oldest goes first
FROM_STORAGE = 0x0200  # measurement status, bit 9
HAS_STATUS = 0x02  # spot-check flags, bit 1


class RecordAccess:
    """Records in the order in which they were measured, and the procedures on them."""

    def __init__(self, peripheral: VirtualPeripheral, spot_check: Characteristic[bytes]) -> None:
        self.records: deque[bytes] = deque(maxlen=KEPT)
        self._peripheral = peripheral
        self._spot_check = spot_check
        self._running: asyncio.Task[None] | None = None
        self._answering = False
        self.characteristic: Characteristic[bytes] = Characteristic(
            UUID.from_16_bits(CONTROL_POINT),
            Characteristic.Properties.WRITE | Characteristic.Properties.INDICATE,
            peripheral.permissions,
            CharacteristicValue(write=self._on_write),
        )

    def store(self, value: bytes) -> None:
        """Keep a spot-check; marked as stored, as its bit 9 says when it is handed out."""
        flags = value[0] | HAS_STATUS
        self.records.append(bytes([flags]) + value[1:] + FROM_STORAGE.to_bytes(2, "little"))

    def stop(self) -> None:
        """End what is running."""
        if self._running is not None:
            self._running.cancel()

    @property
    def busy(self) -> bool:
        """Whether a procedure is under way: from the request until its answer has been sent."""
        return self._running is not None and not self._running.done() and not self._answering

    def _on_write(self, connection: Connection, value: bytes) -> None:
        opcode = value[0] if value else 0
        if self.busy and opcode != ABORT:
            raise ATT_Error(ErrorCode(IN_PROGRESS))
        if not self._listened_to(connection):
            raise ATT_Error(ErrorCode(CCCD_IMPROPER))
        if self.busy:
            self.stop()
        self._answering = False
        self._running = asyncio.get_running_loop().create_task(self._procedure(opcode, value[1:]))

    def _listened_to(self, connection: Connection) -> bool:
        server = self._peripheral.device.gatt_server
        wanted = (self._spot_check, self.characteristic)
        return all(server.read_cccd(connection, each)[0] for each in wanted)

    def _procedure(self, opcode: int, operator: bytes) -> Coroutine[None, None, None]:
        if opcode == ABORT:
            return self._answer(ABORT, SUCCESS)
        if opcode not in (REPORT, DELETE, COUNT):
            return self._answer(opcode, OPCODE_NOT_SUPPORTED)
        if operator != bytes([ALL]):
            return self._answer(opcode, INVALID_OPERATOR)
        return {REPORT: self._report, DELETE: self._delete, COUNT: self._count}[opcode]()

    async def _report(self) -> None:
        if not self.records:
            await self._answer(REPORT, NO_RECORDS)
            return
        while self.records:
            if not await self._peripheral.indicate(self._spot_check, self.records[0]):
                return  # the link broke: there is no resume, and what was not confirmed is kept
            self.records.popleft()
        await self._answer(REPORT, SUCCESS)

    async def _delete(self) -> None:
        found = bool(self.records)
        self.records.clear()
        await self._answer(DELETE, SUCCESS if found else NO_RECORDS)

    async def _count(self) -> None:
        await self._end(bytes([COUNT_ANSWER, NULL]) + len(self.records).to_bytes(2, "little"))

    async def _answer(self, opcode: int, response: int) -> None:
        await self._end(bytes([ANSWER, NULL, opcode, response]))

    async def _end(self, answer: bytes) -> None:
        self._answering = True
        await self._peripheral.indicate(self.characteristic, answer)
