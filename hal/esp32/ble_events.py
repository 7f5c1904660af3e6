"""What the driver of the board's Bluetooth stack tells its handler, by number, how that is kept, and who hears of it. Portable.

Source: MicroPython 1.28, extmod/modbluetooth.h (`_IRQ_...` of docs/library/bluetooth.rst).
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Ears(Protocol):
        """A scanner, as the radio knows it."""

        is_active: bool

        def wants(self, address: bytes) -> bool: ...
        def heard(self, address: bytes, sort: int, rssi_dbm: int, data: bytes) -> None: ...
        def take(self) -> None: ...
        def lose(self, detail: str) -> None: ...
        def starve(self) -> None: ...

    class Host(Protocol):
        """Who serves those that connect to us (`hal.esp32.gatt_server`), as the radio knows it."""

        def taken(self, event: int, data: "tuple[Any, ...]") -> None: ...
        def lose(self, detail: str) -> None: ...

    class Flag(Protocol):
        """`asyncio.ThreadSafeFlag`: raised in an interrupt, waited for in the loop, down again when the wait ends."""

        def set(self) -> None: ...
        async def wait(self) -> None: ...


GUEST_CONNECTED, GUEST_GONE, GUEST_WROTE = 1, 2, 3  # `_IRQ_CENTRAL_...`, `_IRQ_GATTS_WRITE`
SCAN_RESULT, SCAN_DONE, CONNECTED, DISCONNECTED = 5, 6, 7, 8
GET_SECRET, SET_SECRET, ENCRYPTED = 29, 30, 28
KEPT = (11, 12, 13, 14, 15, 16, 17, 18, 19, ENCRYPTED, 31)  # events of a connection that somebody waits for
NOBODY = 0xFF  # the type of the address where a connection did not come about


def kept(data: "tuple[Any, ...]") -> "tuple[Any, ...]":
    """What an event carries, so that it outlives the handler: numbers as they are, bytes and UUIDs as bytes."""
    return tuple([item if isinstance(item, (int, bool)) else bytes(item) for item in data])
