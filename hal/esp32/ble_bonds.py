"""Bonds of a board in its own storage: the secrets of the stack, and beside them what each bond is worth.

    bonds           eight bytes a bond: type of the address, address, level; a bond counts when it stands here
    b1..., b2...    the secret of the stack for an address, ours and the peer's (`ble_store_value_sec` of NimBLE)

The stack hands over secrets by itself, also when somebody else pairs with us. So none is taken but in a pairing that we began,
it is kept aside until that pairing has shown what it is worth, and only then written: nothing replaces a bond that is stored, and
a weaker one least of all. Portable. Reads are answered from memory: the stack asks in the midst of its own work.
"""

from hal.errors import UnavailableError
from hal.esp32.ble_packets import address_text
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.esp32.nvs import Nvs

INDEX = "bonds"
RECORD = 8
MOST = 16  # bonds; the index has to fit a value of the storage
OURS, PEERS = 1, 2
SECRETS = (OURS, PEERS)
# Where the random number of a key stands in 80 or 88 bytes on a 32-bit machine (NimBLE, host/ble_store.h); a key of LE Secure
# Connections has none there (Core 5.4, Vol 3, Part H, 2.4.4).
RAND = (16, 24)
LAYOUTS = (80, 88)


class BondStore:
    """What is bonded. `load` first; addresses are six bytes in the order of the driver."""

    def __init__(self, nvs: "Nvs") -> None:
        self._nvs = nvs
        self._bonds: "dict[bytes, tuple[int, int]]" = {}  # address => (its type, level)
        self._secrets: "dict[tuple[int, bytes], bytes]" = {}
        self._pairing: "bytes | None" = None
        self._staged: "dict[int, bytes]" = {}

    def load(self) -> None:
        """Read everything. Raises UnavailableError. A bond whose secrets do not read back is none."""
        index = self._nvs.read(INDEX) or b""
        self._bonds, self._secrets = {}, {}
        for at in range(0, len(index) - RECORD + 1, RECORD):
            address, level = index[at + 1 : at + 7], index[at + 7]
            if level not in (BOND_WEAK, BOND_AUTHENTICATED):
                continue
            self._bonds[address] = (index[at], level)
            for sort in SECRETS:
                value = self._nvs.read(place(sort, address))
                if value is not None:
                    self._secrets[(sort, address)] = value
            if (PEERS, address) not in self._secrets:
                del self._bonds[address]

    def levels(self) -> "dict[str, int]":
        """Address and level of every bond."""
        return {address_text(address): bond[1] for address, bond in self._bonds.items()}

    def level(self, address: bytes) -> int:
        """0 where there is none."""
        return self._bonds[address][1] if address in self._bonds else BOND_NONE

    def address_type(self, address: bytes) -> "int | None":
        """How the bonded peripheral is addressed."""
        return self._bonds[address][0] if address in self._bonds else None

    # --- the stack's side ------------------------------------------------------------------------------------------

    def get(self, sort: int, number: int, key: "bytes | None") -> "bytes | None":
        """The secret under a key of the stack, or without one the `number`th of its sort."""
        if key is None:
            held = [address for address in self._bonds if (sort, address) in self._secrets]
            return self._secrets[(sort, held[number])] if number < len(held) else None
        address = address_of(key)
        if address == self._pairing and sort in self._staged:
            return self._staged[sort]
        return self._secrets.get((sort, address)) if address in self._bonds else None

    def set(self, sort: int, key: bytes, value: "bytes | None") -> bool:
        """Whether the stack may believe that its secret is kept, or deleted; deleted it is only by `forget`."""
        address = address_of(key)
        if value is None or sort not in SECRETS or address != self._pairing or address in self._bonds:
            return False
        self._staged[sort] = value
        return True

    # --- pairing ---------------------------------------------------------------------------------------------------

    def begin(self, address: bytes) -> None:
        """Take secrets for this address from now on, and for no other. Raises UnavailableError: no room for one more."""
        if len(self._bonds) >= MOST and address not in self._bonds:
            raise UnavailableError("this gateway keeps no more bonds: forget one that is not used any more")
        self._pairing, self._staged = address, {}

    def end(self) -> None:
        """Take none any more; what was taken and not kept is gone."""
        self._pairing, self._staged = None, {}

    @property
    def is_staged(self) -> bool:
        """Whether the stack has handed over what a later connection needs."""
        return PEERS in self._staged

    @property
    def is_legacy(self) -> bool:
        """Whether a key is none of LE Secure Connections, as far as its layout is known."""
        return any(
            [len(value) in LAYOUTS and any(value[RAND[0] : RAND[1]]) for value in self._staged.values()]
        )

    def keep(self, address_type: int, level: int) -> None:
        """Write what was taken; it counts when this returns. Raises UnavailableError."""
        address, staged = self._pairing, self._staged
        if address is None or self.level(address) > level:
            return
        for sort, value in staged.items():
            self._nvs.write(place(sort, address), value)
        bonds = dict(self._bonds)
        bonds[address] = (address_type, level)
        self._write(bonds)
        for sort, value in staged.items():
            self._secrets[(sort, address)] = value
        self.end()

    def forget(self, address: bytes) -> None:
        """Delete a bond; no error where there is none. Raises UnavailableError."""
        if address not in self._bonds:
            return
        bonds = dict(self._bonds)
        del bonds[address]
        self._write(bonds)
        for sort in SECRETS:
            self._secrets.pop((sort, address), None)
            self._nvs.erase(place(sort, address))

    def _write(self, bonds: "dict[bytes, tuple[int, int]]") -> None:
        index = b""
        for address in sorted(bonds):
            index += bytes([bonds[address][0]]) + address + bytes([bonds[address][1]])
        self._nvs.write(INDEX, index)
        self._bonds = bonds


def place(sort: int, address: bytes) -> str:
    """The name of a secret in the storage."""
    return "b" + str(sort) + "".join(["%02x" % byte for byte in address])


def address_of(key: bytes) -> bytes:
    """The address in a key of the stack: type, then six bytes, last one first."""
    return bytes([key[at] for at in range(6, 0, -1)]) if len(key) == 7 else b""
