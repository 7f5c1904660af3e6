"""MicroPython's `bluetooth.BLE` over the simulated air: the driver that `hal/esp32` asks, and the stack behind it.

    stack = SimBle(world)
    stack.irq(handler)
    stack.active(True)
    stack.gap_scan(0, 30_000, 30_000, False)      # handler(5, (type, address, sort, rssi, data)) for each packet

It does what the driver does where that is awkward (extmod/modbluetooth.c and extmod/nimble/modbluetooth_nimble.c of
MicroPython 1.28): an event may come before the call that asks for it has returned; what an event carries is gone when the
handler returns; a handler that raises is never called again; a connection ends a scan; one discovery of characteristics runs
at a time; a failed pairing is an update that says "not encrypted", and why is not told; a bond counts as made also where the
secret was not taken.
"""

import asyncio

from hal.sim.ble_air import address_bytes, packet
from hal.sim.ble_link import BOTH_SECRETS, SimLink, secret_of
from hal.sim.ble_server import SimServer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hal.sim.peripheral import SimPeripheral
    from hal.sim.world import World
    from hal.types import Advertisement

    Handler = Callable[[int, tuple[Any, ...]], Any]

SCAN_RESULT, SCAN_DONE, CONNECTED, DISCONNECTED = 5, 6, 7, 8
ENCRYPTED, GET_SECRET, SET_SECRET, PASSKEY = 28, 29, 30, 31
CONNECTABLE, NOT_CONNECTABLE, RESPONSE = 0, 3, 4
RANDOM_ADDRESS = 1
MOST_LINKS = 4  # CONFIG_BT_NIMBLE_MAX_CONNECTIONS of the port
NO_MEMORY, NO_DEVICE, BUSY, NOT_CONNECTED, INVALID = 12, 19, 16, 107, 22
NOBODY = bytes(6)
GONE = 0xEE  # what stands in the driver's buffer when the handler has returned


class SimBle:
    """One board's stack in `world`; several stand for one board that is switched on again.

    is_lax: a peripheral without any display or keys is paired with although protection from a man in the middle was asked
    for; else such a pairing fails, as Core 5.4, Vol 3, Part H, 2.3.5.1 has it.
    """

    def __init__(self, world: "World") -> None:
        self.world = world
        self.is_lax = False
        self.key_size = 16
        self.is_legacy = False
        self.scans = False
        self.broken = ""  # what a handler raised: the driver calls it no more
        self.links: "dict[int, SimLink]" = {}
        self.settings: "dict[str, int]" = {"bond": 0, "mitm": 0, "io": 3, "le_secure": 1}
        self._handler: "Handler | None" = None
        self._is_active = False
        self._dials = ""
        self._next = 0
        self._wake = self._changed
        self._ear = Ear(self)
        self.server = SimServer(self)

    # --- the driver's face -----------------------------------------------------------------------------------------

    def active(self, wanted: "bool | None" = None) -> bool:
        """Switch the radio. What was under way when it is switched off is told as ended."""
        self._is_active = self._is_active and self.world.adapter_present
        if wanted is None:
            return self._is_active
        if wanted and not self.world.adapter_present:
            raise OSError(NO_DEVICE)
        if not wanted:
            if self._is_active and self.scans:
                self.gap_scan(None)
            for handle in sorted(self.links):
                self.gap_disconnect(handle)
            self.server.switched_off()
        self._is_active = bool(wanted)
        return self._is_active

    def irq(self, handler: "Handler | None") -> None:
        self._handler = handler
        self.broken = ""

    def config(self, **settings: int) -> None:
        self.settings.update(settings)

    def gap_scan(
        self, duration_ms: "int | None", interval_us: int = 0, window_us: int = 0, active: bool = False
    ) -> None:
        self._check()
        if duration_ms is None:
            if self.scans:
                self.scans = False
                self.world.scanner_stopped(self._ear)  # type: ignore[arg-type]  # it has a scanner's face
                self.tell(SCAN_DONE, ())
            return
        if self.scans or self._dials:
            raise OSError(BUSY)
        self.scans, self._ear.active = True, active
        self.world.scanner_started(self._ear)  # type: ignore[arg-type]
        self._call_all()
        self.world.on_change(self._wake)

    def gap_connect(
        self,
        address_type: "int | None",
        address: bytes = NOBODY,
        duration_ms: int = 0,
        least_us: "int | None" = None,
        most_us: "int | None" = None,
    ) -> None:
        self._check()
        if address_type is None:
            if self._dials:
                self._dials = ""
                self.tell(DISCONNECTED, (0, 0xFF), NOBODY)
            return
        if self._dials:
            raise OSError(BUSY)
        if len(self.links) >= MOST_LINKS:
            raise OSError(NO_MEMORY)
        if self.scans:
            self.gap_scan(None)
        self._dials = ":".join(["%02X" % byte for byte in bytes(address)])
        self.world.on_change(self._wake)
        self._dial()

    def gap_disconnect(self, handle: int) -> bool:
        self._check()
        if handle not in self.links:
            return self.server.hang_up(handle)
        self.links[handle].peripheral.drop_link("disconnected here")
        return True

    def gap_pair(self, handle: int) -> None:
        self._link(handle).pair()

    def gap_passkey(self, handle: int, action: int, passkey: int) -> None:
        self._link(handle).answered(action, passkey)

    def gattc_exchange_mtu(self, handle: int) -> None:
        self._link(handle)
        self.tell(21, (handle, 185))

    def gattc_discover_services(self, handle: int, uuid: object = None) -> None:
        self._link(handle).services()

    def gattc_discover_characteristics(self, handle: int, first: int, last: int, uuid: object = None) -> None:
        self._link(handle).characteristics(first, last)

    def gattc_discover_descriptors(self, handle: int, first: int, last: int) -> None:
        self._link(handle).descriptors(first, last)

    def gattc_read(self, handle: int, value_handle: int) -> None:
        self._link(handle).read(value_handle)

    def gattc_write(self, handle: int, value_handle: int, data: bytes, mode: int = 0) -> None:
        self._link(handle).write(value_handle, bytes(data), mode)

    def gap_advertise(
        self,
        interval_us: "int | None",
        adv_data: "bytes | None" = None,
        resp_data: "bytes | None" = None,
        connectable: bool = True,
    ) -> None:
        self._check()
        self.server.advertise(interval_us, adv_data, resp_data)

    def gatts_register_services(self, services: "Any") -> "Any":
        self._check()
        return self.server.register(services)

    def gatts_read(self, handle: int) -> bytes:
        self._check()
        return self.server.read(handle)

    def gatts_write(self, handle: int, data: bytes, send_update: bool = False) -> None:
        self._check()
        self.server.write(handle, data, send_update)

    def gatts_set_buffer(self, handle: int, size: int, append: bool = False) -> None:
        self._check()
        self.server.set_buffer(handle, size)

    # --- for the links ---------------------------------------------------------------------------------------------

    def tell(self, event: int, first: "tuple[Any, ...]", *data: "Any") -> "Any":
        """Call the handler; bytes come as views of a buffer that is filled with something else when it returns."""
        if self._handler is None:
            return None
        buffers: "list[bytearray]" = []
        views: "list[Any]" = []
        for item in data:
            if isinstance(item, (bytes, bytearray)):
                buffers.append(bytearray(item))
                views.append(memoryview(buffers[-1]))
            else:
                views.append(item)
        try:
            return self._handler(event, first + tuple(views))
        except Exception as error:  # noqa: BLE001  as the driver does
            self._handler, self.broken = None, type(error).__name__ + ": " + str(error)
            return None
        finally:
            for buffer in buffers:
                for at in range(len(buffer)):
                    buffer[at] = GONE

    @property
    def is_dialling(self) -> bool:
        """Whether a connection is being begun."""
        return bool(self._dials)

    def next_handle(self) -> int:
        """Of the next connection, whoever begins it."""
        self._next += 1
        return self._next - 1

    def secret(self, address: str) -> "bytes | None":
        """What the handler keeps for a peripheral."""
        found = self.tell(GET_SECRET, (2, 0), secret_key(address))
        return None if found is None else bytes(found)

    def bond(self, address: str, key: int, authenticated: bool) -> None:
        """Hand both secrets of a pairing to the handler; the stack does not care whether they are taken."""
        value = secret_of(secret_key(address), key, authenticated, self.key_size, self.is_legacy)
        for sort in BOTH_SECRETS:
            self.tell(SET_SECRET, (sort,), secret_key(address), value)

    def lost(self, handle: int) -> None:
        """A link has ended."""
        link = self.links.pop(handle, None)
        if link is not None:
            self.tell(DISCONNECTED, (handle, RANDOM_ADDRESS), address_bytes(link.peripheral.address))

    # --- the world's side ------------------------------------------------------------------------------------------

    def hear(self, advertisement: "Advertisement") -> None:
        """One reception; a name comes in a scan response of its own where the scan is active."""
        peripheral = self.world.peripheral(advertisement.address)
        sort = NOT_CONNECTABLE if peripheral is None else CONNECTABLE
        address = address_bytes(advertisement.address)
        is_answered = self._ear.active and peripheral is not None and advertisement.name is not None
        data = packet(advertisement, not is_answered)
        signal = (advertisement.rssi_dbm,)
        self.tell_heard(address, sort, signal, data)
        if is_answered:
            name = advertisement.name or ""
            self.tell_heard(address, RESPONSE, signal, bytes([len(name) + 1, 0x09]) + name.encode())

    def tell_heard(self, address: bytes, sort: int, signal: "tuple[int]", data: bytes) -> None:
        """A packet: type of the address, address, sort of the packet, strength, data."""
        if self._handler is not None and self.scans:
            self.tell(SCAN_RESULT, (RANDOM_ADDRESS,), address, sort, signal[0], data)

    def lose(self) -> None:
        """The radio is gone: whatever ran has ended."""
        if self.scans:
            self.scans = False
            self.world.scanner_stopped(self._ear)  # type: ignore[arg-type]
            self._is_active = False
            self.tell(SCAN_DONE, ())

    def _check(self) -> None:
        if not self.active():
            raise OSError(NO_DEVICE)

    def _link(self, handle: int) -> SimLink:
        self._check()
        link = self.links.get(handle)
        if link is None:
            raise OSError(NOT_CONNECTED)
        return link

    def _changed(self) -> None:
        """A peripheral has come, gone or been let go; or the radio is gone."""
        if not self.active():
            self.server.switched_off()
            if self._dials:
                self._dials = ""
                self.tell(DISCONNECTED, (0, 0xFF), NOBODY)
            return
        if self._dials:
            self.world.on_change(self._wake)
            self._dial()
        elif self.scans:
            self.world.on_change(self._wake)
            self._call_all()

    def _call_all(self) -> None:
        """Whoever waits for a connection says so."""
        for peripheral in self.world.peripherals():
            if peripheral.in_range and not peripheral.connected and self.scans:
                self.tell_heard(address_bytes(peripheral.address), CONNECTABLE, (-60,), b"\x02\x01\x06")

    def _dial(self) -> None:
        peripheral: "SimPeripheral | None" = self.world.peripheral(self._dials)
        if peripheral is None:
            return
        link = SimLink(self, self._next, peripheral)
        if peripheral.accept(link):  # type: ignore[arg-type]  # it has a connection's face
            self._dials = ""
            self.links[self.next_handle()] = link
            address = address_bytes(peripheral.address)
            self.tell(CONNECTED, (link.handle, RANDOM_ADDRESS), address)


class SimFlag:
    """`asyncio.ThreadSafeFlag`, which CPython has not, for an interrupt that comes from the same thread."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()
        self._event.clear()


class Ear:
    """What the world calls: a scanner's face, whose `active` the driver has for something else."""

    def __init__(self, stack: SimBle) -> None:
        self.active = False
        self.hear, self.lose = stack.hear, stack.lose


def secret_key(address: str) -> bytes:
    """Under what a stack keeps a secret: the type of the address, then the address, last byte first."""
    found = address_bytes(address)
    return bytes([RANDOM_ADDRESS] + [found[5 - at] for at in range(6)])
