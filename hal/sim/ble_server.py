"""The simulated stack as a peripheral: its own table of values, what it advertises, and the phones that connect to it.

As MicroPython's driver does where that is awkward (modbluetooth.c and modbluetooth_nimble.c of 1.28, NimBLE's ble_gatts.c): services are
taken only while nothing is under way; a value that is written is cut at the size of its buffer, 20 bytes unless another was asked for, and
overwritten by the next; advertising ends with a connection; whether the link is encrypted is asked for reading and writing as the flags
say, and for nobody's subscription.
"""

from hal.errors import DeniedError, LinkLostError
from hal.sim.ble_air import address_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.sim.ble_stack import SimBle

GUEST_CONNECTED, GUEST_GONE, GUEST_WROTE, ENCRYPTED = 1, 2, 3, 28
READ, WRITE, NOTIFY, READ_ENCRYPTED, WRITE_ENCRYPTED = 0x02, 0x08, 0x10, 0x0200, 0x1000
FIRST_HANDLE, BUFFER_BYTES = 16, 20
LARGEST_PACKET = 31
BUSY, NO_SUCH, INVALID, NO_MEMORY = 16, 2, 22, 12
SERVICE_DATA = 0x16
PHONE = "5A:00:00:00:00:01"
MOST_LINKS = 4


class SimValue:
    """One characteristic."""

    def __init__(self, uuid: bytes, flags: int) -> None:
        self.uuid, self.flags = uuid, flags
        self.value = b""
        self.size = BUFFER_BYTES


class SimServer:
    """Of one stack. advertised: the packet on the air, None where there is none."""

    def __init__(self, stack: "SimBle") -> None:
        self.stack = stack
        self.values: "dict[int, SimValue]" = {}
        self.phones: "dict[int, SimPhone]" = {}
        self.advertised: "bytes | None" = None
        self.response = b""

    # --- the driver's face, as `SimBle` hands it on ------------------------------------------------------------------

    def register(self, services: "Any") -> "Any":
        stack = self.stack
        if stack.scans or stack.is_dialling or stack.links or self.phones or self.advertised is not None:
            raise OSError(BUSY)
        self.values = {}
        found, handle = [], FIRST_HANDLE
        for _, characteristics in services:
            handles = []
            for uuid, flags in characteristics:
                self.values[handle] = SimValue(bytes(uuid), flags)
                handles.append(handle)
                handle += 3
            found.append(tuple(handles))
        return tuple(found)

    def read(self, handle: int) -> bytes:
        return self._value(handle).value

    def write(self, handle: int, data: bytes, send_update: bool) -> None:
        held = self._value(handle)
        held.value, held.size = bytes(data), max(held.size, len(data))
        for phone in self.phones.values() if send_update else ():
            if held.uuid in phone.subscribed:
                phone.told.append((held.uuid, held.value))

    def set_buffer(self, handle: int, size: int) -> None:
        self._value(handle).size = size

    def advertise(self, interval_us: "int | None", data: "bytes | None", response: "bytes | None") -> None:
        if interval_us is None:
            self.advertised = None
            return
        if len(self.phones) + len(self.stack.links) >= MOST_LINKS:
            raise OSError(NO_MEMORY)
        for given in (data or b"", response or b""):
            if len(given) > LARGEST_PACKET:
                raise OSError(INVALID)
        self.advertised = bytes(data) if data is not None else b""
        self.response = bytes(response) if response is not None else b""

    def hang_up(self, handle: int) -> bool:
        phone = self.phones.pop(handle, None)
        if phone is None:
            return False
        phone.handle = None
        self.stack.tell(GUEST_GONE, (handle, 1), address_bytes(phone.address))
        return True

    def switched_off(self) -> None:
        """The radio is off, or gone."""
        self.advertised = None
        for handle in sorted(self.phones):
            self.hang_up(handle)
        self.values = {}

    def _value(self, handle: int) -> SimValue:
        if handle not in self.values:
            raise OSError(NO_SUCH)
        return self.values[handle]

    # --- the phone's side --------------------------------------------------------------------------------------------

    def service_data(self) -> "dict[bytes, bytes] | None":
        """What a phone hears, by UUID as it is on the air; None where nothing is advertised."""
        if self.advertised is None:
            return None
        found, at = {}, 0
        while at < len(self.advertised):
            end = at + 1 + self.advertised[at]
            if self.advertised[at + 1] == SERVICE_DATA:
                found[self.advertised[at + 2 : at + 4]] = self.advertised[at + 4 : end]
            at = end
        return found

    def connected(self, phone: "SimPhone") -> int:
        """A phone has connected; its handle. Raises LinkLostError: nobody advertises."""
        if self.advertised is None:
            raise LinkLostError("nobody advertises")
        handle = self.stack.next_handle()
        self.advertised = None
        self.phones[handle] = phone
        self.stack.tell(GUEST_CONNECTED, (handle, 1), address_bytes(phone.address))
        return handle


class SimPhone:
    """A phone in reach. UUIDs are bytes as they are on the air. told: notifications, in order."""

    def __init__(self, server: SimServer, address: str = PHONE) -> None:
        self.address = address
        self.handle: "int | None" = None
        self.is_encrypted = False
        self.bonded = 0
        self.subscribed: "list[bytes]" = []
        self.told: "list[tuple[bytes, bytes]]" = []
        self._server = server

    def connect(self) -> None:
        """Raises LinkLostError: it cannot be heard."""
        self.is_encrypted, self.subscribed, self.told = False, [], []
        self.handle = None
        handle = self._server.connected(self)
        if handle in self._server.phones:  # else it was hung up on at once
            self.handle = handle

    def pair(self, key_size: int = 16) -> None:
        """Just Works, bonded where the stack wants that. Raises LinkLostError: hung up on."""
        handle, stack = self._stands(), self._server.stack
        self.is_encrypted = True
        bonds = bool(stack.settings["bond"])
        if bonds:
            self.bonded += 1
            stack.bond(self.address, self.bonded, False)
        stack.tell(ENCRYPTED, (handle, True, False, bonds, key_size))

    def read(self, uuid: bytes) -> bytes:
        """Raises DeniedError, LinkLostError."""
        return self._found(uuid, READ, READ_ENCRYPTED)[1].value

    def write(self, uuid: bytes, value: bytes) -> None:
        """Raises DeniedError, LinkLostError."""
        handle, held = self._found(uuid, WRITE, WRITE_ENCRYPTED)
        held.value = value[: held.size]
        self._server.stack.tell(GUEST_WROTE, (self._stands(), handle))

    def subscribe(self, uuid: bytes) -> None:
        """The stack lets anybody, over any link."""
        self._found(uuid, NOTIFY, 0)
        self.subscribed.append(uuid)

    def leave(self) -> None:
        """Out of reach."""
        if self.handle is not None:
            self._server.hang_up(self.handle)

    def _stands(self) -> int:
        if self.handle is None:
            raise LinkLostError("the link is gone")
        return self.handle

    def _found(self, uuid: bytes, may: int, encrypted: int) -> "tuple[int, SimValue]":
        self._stands()
        for handle, held in self._server.values.items():
            if held.uuid == uuid:
                if not held.flags & may or (held.flags & encrypted and not self.is_encrypted):
                    break
                return handle, held
        raise DeniedError("the value does not allow this")
