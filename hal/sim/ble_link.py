"""One connection of the simulated stack: its GATT table by handles, its pairing, its encryption."""

from hal.types import BOND_AUTHENTICATED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hal.sim.ble_stack import SimBle
    from hal.sim.peripheral import SimPeripheral

SERVICE, SERVICES_DONE, LAST = 9, 10, 0xFFFF
CHARACTERISTIC, CHARACTERISTICS_DONE, DESCRIPTOR, DESCRIPTORS_DONE = 11, 12, 13, 14
READ_RESULT, READ_DONE, WRITE_DONE, NOTIFY = 15, 16, 17, 18
ENCRYPTED, PASSKEY = 28, 31
INPUT, COMPARE = 2, 4
DISPLAY_YES_NO, KEYBOARD_ONLY, KEYBOARD_DISPLAY = 1, 2, 4
EVERYTHING = 0x1E  # read, write, write without response, notify
ATT = 0x100  # what NimBLE adds to the codes of the attribute protocol
INVALID_HANDLE, INSUFFICIENT_ENCRYPTION = ATT + 0x01, ATT + 0x0F
CONFIGURATION = "2902"
BOTH_SECRETS = (1, 2)  # ours, the peer's
SECRET_BYTES = 88  # struct ble_store_value_sec of ESP-IDF 5


class SimUuid:
    """`bluetooth.UUID` as an event carries it: bytes, last one first."""

    def __init__(self, uuid: str) -> None:
        digits = uuid.replace("-", "")
        self._data = [int(digits[at : at + 2], 16) for at in range(len(digits) - 2, -2, -2)]

    def __iter__(self) -> "Iterator[int]":
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


class SimLink:
    """A central's end of a connection with a `SimPeripheral`; three handles for each characteristic."""

    def __init__(self, stack: "SimBle", handle: int, peripheral: "SimPeripheral") -> None:
        self.handle = handle
        self.peripheral = peripheral
        self.is_encrypted = False
        self._stack = stack
        self._served = sorted(peripheral.characteristics)

    # --- the peripheral's side -------------------------------------------------------------------------------------

    def hear(self, uuid: str, value: bytes) -> None:
        """It notifies."""
        self._stack.tell(NOTIFY, (self.handle, self._value_of(uuid)), value)

    def lose(self, reason: str) -> None:
        """The link is gone."""
        self._stack.lost(self.handle)

    # --- the attribute protocol ------------------------------------------------------------------------------------

    def services(self) -> None:
        """One, which holds everything."""
        self._stack.tell(SERVICE, (self.handle, 1, LAST), SimUuid("1822"))
        self._stack.tell(SERVICES_DONE, (self.handle, 0))

    def characteristics(self, first: int, last: int) -> None:
        tell = self._stack.tell
        for uuid in self._served:
            value = self._value_of(uuid)
            if first <= value - 1 <= last and self._stands():
                end = last if uuid == self._served[-1] else value + 1
                tell(CHARACTERISTIC, (self.handle, end, value, EVERYTHING), SimUuid(uuid))
        tell(CHARACTERISTICS_DONE, (self.handle, 0))

    def descriptors(self, first: int, last: int) -> None:
        for uuid in self._served:
            configuration = self._value_of(uuid) + 1
            if first <= configuration <= last and self._stands():
                self._stack.tell(DESCRIPTOR, (self.handle, configuration), SimUuid(CONFIGURATION))
        self._stack.tell(DESCRIPTORS_DONE, (self.handle, 0))

    def read(self, value_handle: int) -> None:
        status = self._status(value_handle)
        if not status:
            value = self.peripheral.characteristics[self._at(value_handle)]
            self._stack.tell(READ_RESULT, (self.handle, value_handle), value)
        self._stack.tell(READ_DONE, (self.handle, value_handle, status))

    def write(self, value_handle: int, data: bytes, mode: int) -> None:
        status = self._status(value_handle)
        uuid = "" if status else self._at(value_handle)
        is_configuration = value_handle % 3 == 0
        peripheral = self.peripheral
        if mode:
            self._stack.tell(WRITE_DONE, (self.handle, value_handle, status))
        if status:
            return
        if not is_configuration:
            peripheral.writes.append((uuid, data))
            if peripheral.on_write is not None:
                peripheral.on_write(uuid, data)
        elif uuid not in peripheral.subscribed:
            peripheral.subscribed.append(uuid)

    # --- security --------------------------------------------------------------------------------------------------

    def pair(self) -> None:
        """Encrypt with the secret that is kept; where there is none, pair."""
        value = self._stack.secret(self.peripheral.address)
        if value is not None:
            key = int.from_bytes(value[24:40], "big")
            if self.peripheral.knows(key):
                self._encrypt(bool(value[80] & 1))
            else:
                self._stack.tell(ENCRYPTED, (self.handle, False, False, False, 0))
            return
        peripheral, io = self.peripheral, self._stack.settings["io"]
        if peripheral.passkey is not None and io in (KEYBOARD_ONLY, KEYBOARD_DISPLAY):
            self._stack.tell(PASSKEY, (self.handle, INPUT, 0))
        elif peripheral.compares is not None and io in (DISPLAY_YES_NO, KEYBOARD_DISPLAY):
            self._stack.tell(PASSKEY, (self.handle, COMPARE, peripheral.compares))
        elif self._stack.settings["mitm"] and not self._stack.is_lax:
            self._refuse()
        else:
            self._bond(None, False)

    def answered(self, action: int, passkey: int) -> None:
        """What was entered, or whether the numbers are the same."""
        self._bond(passkey if action == INPUT else None, action == COMPARE and bool(passkey))

    def _bond(self, passkey: "int | None", confirmed: bool) -> None:
        made = self.peripheral.pair(passkey, confirmed)
        if made is None:
            self._refuse()
            return
        authenticated = made[1] == BOND_AUTHENTICATED
        self._stack.bond(self.peripheral.address, made[0], authenticated)
        self._encrypt(authenticated)

    def _encrypt(self, authenticated: bool) -> None:
        if self._stands():
            self.is_encrypted = True
            known = (self.handle, True, authenticated, True, self._stack.key_size)
            self._stack.tell(ENCRYPTED, known)

    def _refuse(self) -> None:
        self._stack.tell(ENCRYPTED, (self.handle, False, False, False, 0))

    def _stands(self) -> bool:
        return self.handle in self._stack.links

    def _status(self, value_handle: int) -> int:
        """Why a handle may not be read or written; 0 where it may. Configurations are written only with a bond, too."""
        if not 2 <= value_handle <= 3 * len(self._served) or value_handle % 3 == 1:
            return INVALID_HANDLE
        if self.peripheral.secure and not self.is_encrypted:
            return INSUFFICIENT_ENCRYPTION
        return 0

    def _value_of(self, uuid: str) -> int:
        return 3 * self._served.index(uuid) + 2

    def _at(self, value_handle: int) -> str:
        return self._served[(value_handle - 1) // 3]


def secret_of(key: bytes, secret: int, authenticated: bool, key_size: int, is_legacy: bool) -> bytes:
    """A secret as NimBLE lays it out on a 32-bit machine: address, key size, EDIV, Rand, key, flags.

    Keys of legacy pairing have an EDIV and a Rand of their own, those of LE Secure Connections 0 (Core 5.4, Vol 3, Part H, 2.4.4).
    """
    value = bytearray(SECRET_BYTES)
    value[: len(key)] = key
    value[10] = key_size
    if is_legacy:
        value[12:24] = bytes(range(1, 13))
    value[24:40] = secret.to_bytes(16, "big")
    value[80] = int(authenticated) | (0 if is_legacy else 2)
    return bytes(value)
