"""A GATT service of a board: one table, one phone at a time, and nothing but over an encrypted link. Portable.

The stack sees to it that nobody reads or writes a value over a link that is not encrypted; a subscription it takes from anybody, so values are told
only while the link is encrypted. Pairing is Just Works, without a bond: neither side keeps a key (`BondStore` takes none that was
not asked for), and a phone that comes again pairs again. A short key is hung up on. What pairs with a device of the home at that
moment comes first: a phone is hung up on, and tries again.

Source: MicroPython 1.28, extmod/modbluetooth.c; NimBLE, ble_gatts.c.
"""

import asyncio

from hal.buffer import Buffer
from hal.errors import UnavailableError
from hal.esp32.ble_events import ENCRYPTED, GUEST_CONNECTED, GUEST_GONE, GUEST_WROTE
from hal.esp32.ble_packets import advertising, naming
from hal.esp32.ble_pairing import KEY_BYTES, NO_INPUT_OUTPUT
from hal.types import Written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from hal.esp32.ble_radio import BoardRadio
    from hal.types import Served

READ, WRITE, NOTIFY, READ_ENCRYPTED, WRITE_ENCRYPTED = 0x02, 0x08, 0x10, 0x0200, 0x1000
INTERVAL_US = 100_000  # between advertisements: a phone finds it in a second
LARGEST = 260  # of a value that is written: a whole command of Improv; a longer one is cut by the stack, and its checksum tells
HELD = 16  # writes that wait; whoever writes faster than we read loses the oldest, and its checksum tells
STRANGER_MS = 30_000  # for a link to be encrypted, a person's tap on the phone included (Core 5.4, Vol 3, Part H, 3.4: as long as one step)
NOT_SERVED = "the radio does not serve phones: try again"
STOPPED = "the Bluetooth service is served no more: open the window again"
LOST = "the Bluetooth adapter is gone: open the window again when it is back"


class BoardGattServer:
    """`BlePeripheral` on a `BoardRadio`. `uuid_of` makes the driver's own: `bluetooth.UUID`."""

    def __init__(self, radio: "BoardRadio", uuid_of: "Callable[[str], Any]") -> None:
        self._radio = radio
        self._uuid_of = uuid_of
        self._service = self._name = ""
        self._handles: "dict[str, int]" = {}
        self._table: "dict[str, Served]" = {}
        self._data: "dict[str, bytes] | None" = None
        self._writes = Buffer(HELD)
        self._phone: "int | None" = None  # handle of the connection
        self._is_encrypted = False
        self._is_fresh = True
        self._limit: "asyncio.Task[None] | None" = None

    async def serve(self, service: str, characteristics: "Sequence[Served]", name: str) -> None:
        await self.stop()
        radio = self._radio
        await radio.ready()
        self._writes = Buffer(HELD)
        self._service, self._name = service, name
        rows = [(self._uuid_of(each.uuid), flags_of(each)) for each in characteristics]
        ((handles),) = await radio.register(service, ((self._uuid_of(service), tuple(rows)),))
        try:
            for each, handle in zip(characteristics, handles):
                self._handles[each.uuid], self._table[each.uuid] = handle, each
                radio.ble.gatts_set_buffer(handle, LARGEST)
                radio.ble.gatts_write(handle, each.value)
        except OSError as error:
            raise UnavailableError(NOT_SERVED, str(error))
        radio.host = self

    async def advertise(self, data: "Mapping[str, bytes]") -> None:
        self._data = dict(data)
        if self._phone is None:
            self._call()

    async def put(self, characteristic: str, value: bytes) -> None:
        handle = self._handles.get(characteristic)
        if handle is None:
            return  # served no more
        is_told = self._is_encrypted and self._table[characteristic].notifies
        try:
            self._radio.ble.gatts_write(handle, value, is_told)
        except OSError as error:
            self.lose(str(error))

    async def receive(self) -> Written:
        written: Written = await self._writes.get()
        return written

    async def stop(self) -> None:
        self._end(STOPPED, "")

    async def close(self) -> None:
        """Nothing is held beyond the radio, which is the gateway's own."""
        await self.stop()

    # --- the radio's side ----------------------------------------------------------------------------------------------

    def taken(self, event: int, data: "tuple[Any, ...]") -> None:
        """A phone has come, gone, written, or encrypted its link."""
        if event == GUEST_CONNECTED:
            self._welcome(data[0])
        elif data[0] != self._phone:
            return
        elif event == GUEST_GONE:
            self._phone = None
            self._let_be()
            if self._data is not None:
                self._call_quietly()
        elif event == ENCRYPTED:
            self._is_encrypted = bool(data[1]) and data[4] >= KEY_BYTES
            if not self._is_encrypted:
                self._radio.hang_up(data[0])
            self._let_be()
        elif event == GUEST_WROTE and self._is_encrypted:
            uuid = self._uuid_at(data[1])
            if uuid:
                self._writes.put(Written(uuid, data[2], self._is_fresh))
                self._is_fresh = False

    def lose(self, detail: str) -> None:
        """The radio is gone, or something of what was written is."""
        self._end(LOST, detail)

    # --- inside --------------------------------------------------------------------------------------------------------

    def _welcome(self, handle: int) -> None:
        radio = self._radio
        if self._phone is not None or radio.pairing.locked():
            radio.hang_up(handle)
            if self._phone is None:
                self._call_quietly()
            return
        self._phone, self._is_encrypted, self._is_fresh = handle, False, True
        try:
            radio.ble.config(bond=False, le_secure=True, mitm=False, io=NO_INPUT_OUTPUT)
        except OSError:
            radio.hang_up(handle)
            return
        self._limit = asyncio.create_task(self._expect(handle))

    async def _expect(self, handle: int) -> None:
        """Let go of a phone that does not encrypt its link: it keeps others away."""
        await self._radio.clock.sleep_ms(STRANGER_MS)
        self._limit = None
        self._radio.hang_up(handle)

    def _call(self) -> None:
        """Advertise; a connection has ended it. Raises UnavailableError."""
        try:
            packet = advertising(self._service, self._data or {})
            self._radio.ble.gap_advertise(INTERVAL_US, packet, naming(self._name))
        except (OSError, ValueError) as error:
            raise UnavailableError(NOT_SERVED, str(error))

    def _call_quietly(self) -> None:
        try:
            self._call()
        except UnavailableError as error:
            self.lose(error.detail)

    def _let_be(self) -> None:
        """The phone has encrypted its link, or is gone."""
        limit, self._limit = self._limit, None
        if limit is not None:
            limit.cancel()

    def _uuid_at(self, handle: int) -> str:
        for uuid, held in self._handles.items():
            if held == handle:
                return uuid
        return ""

    def _end(self, message: str, detail: str) -> None:
        """Nobody is served, and nothing of what was stays in the table."""
        radio = self._radio
        self._writes.end(message, detail)
        if radio.host is self:
            radio.host = None
        handles, self._handles, self._table, self._data = self._handles, {}, {}, None
        phone, self._phone, self._is_encrypted = self._phone, None, False
        self._let_be()
        if phone is not None:
            radio.hang_up(phone)
        if not handles:
            return
        try:
            radio.ble.gap_advertise(None)
            for handle in handles.values():
                radio.ble.gatts_write(handle, b"")
        except OSError:
            pass  # with the radio its table is gone, too


def flags_of(served: "Served") -> int:
    """What the driver is told of a characteristic."""
    flags = READ | READ_ENCRYPTED if served.reads else 0
    flags |= WRITE | WRITE_ENCRYPTED if served.writes else 0
    return flags | (NOTIFY if served.notifies else 0)
