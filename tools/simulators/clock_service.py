"""The Current Time Service of a virtual health device: its clock is shown, and set where it lets itself be set."""

import asyncio

from bumble.att import ATT_Error, ErrorCode
from bumble.core import UUID
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service

from tools.simulators.peripheral import VirtualPeripheral
from tools.simulators.virtual_clock import VirtualClock

CURRENT_TIME_SERVICE, CURRENT_TIME = 0x1805, 0x2A2B
DATA_FIELD_IGNORED = 0x80  # CTS 1.1, 3.1.1
CURRENT_TIME_SIZE = 10

Properties = Characteristic.Properties


def now_ms() -> int:
    """The bench's clock."""
    return int(asyncio.get_running_loop().time() * 1000)


class ClockService:
    """`locked`: it is shown, and refuses to be set; what was tried is kept."""

    def __init__(self, peripheral: VirtualPeripheral, clock: VirtualClock, *, locked: bool = False) -> None:
        self.clock = clock
        self.locked = locked
        self.tried: list[bytes] = []
        value = CharacteristicValue(read=self._on_read, write=self._on_write)
        current_time: Characteristic[bytes] = Characteristic(
            UUID.from_16_bits(CURRENT_TIME), Properties.READ | Properties.WRITE, peripheral.permissions, value
        )
        peripheral.add_service(Service(UUID.from_16_bits(CURRENT_TIME_SERVICE), [current_time]))

    def _on_read(self, _connection: Connection) -> bytes:
        return self.clock.value(now_ms())

    def _on_write(self, _connection: Connection, value: bytes) -> None:
        self.tried.append(bytes(value))
        if self.locked or len(value) != CURRENT_TIME_SIZE:
            raise ATT_Error(ErrorCode(DATA_FIELD_IGNORED))
        self.clock.write(bytes(value), now_ms())
