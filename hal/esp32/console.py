"""The console of a board as a serial line: whatever the log prints stands between. Portable.

An interrupt of the console is the byte 3, which any packet may hold: while the line is open it is a byte as any other.
"""

from hal.errors import LinkLostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GONE = "the console is gone: open it again when it is back"


class ConsolePort:
    """`SerialPort` on `firmware.natives.Console`. Closed it is the console again."""

    def __init__(self, native: "Any") -> None:
        self._native = native
        self._is_open = True
        native.interrupts(False)

    async def read(self) -> bytes:
        data: bytes = await self._native.read() if self._is_open else b""
        if not data:
            raise LinkLostError(GONE)
        return data

    async def write(self, data: bytes) -> None:
        if not self._is_open:
            raise LinkLostError(GONE)
        try:
            self._native.write(data)
        except OSError as error:
            raise LinkLostError(GONE, str(error))

    async def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._native.interrupts(True)
            self._native.close()
