"""Small values in a board's non-volatile storage (`esp32.NVS`): whole or not at all, kept when the call returns.

The driver has blobs and 32-bit numbers under names of 15 characters at most. Source: MicroPython, esp32.NVS; ESP-IDF, nvs.h.
"""

from hal.errors import CorruptDataError, UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NOT_FOUND = (-0x1102, 0x1102)  # ESP_ERR_NVS_NOT_FOUND, as MicroPython raises it
LONGEST_NAME = 15
LARGEST = 160  # of a value: a key reference and its key
LARGEST_TOLD = (
    1_536  # of what a board is told before its first start: a configuration without devices, a certificate
)


class Nvs:
    """One namespace. `native` is an `esp32.NVS`."""

    def __init__(self, native: "Any") -> None:
        self._native = native
        self._buffer = bytearray(LARGEST)

    def read(self, name: str, largest: int = LARGEST) -> "bytes | None":
        """The value, of at most `largest` bytes, or None where there is none. Raises UnavailableError."""
        buffer = self._buffer if largest <= LARGEST else bytearray(largest)
        try:
            size = self._native.get_blob(name, buffer)
        except OSError as error:
            if error.args and error.args[0] in NOT_FOUND:
                return None
            raise UnavailableError("the board's storage cannot be read: try again", str(error))
        return bytes(memoryview(buffer)[:size])

    def read_told(self, name: str) -> "bytes | None":
        """The same for a value that a board was told before its first start. Raises UnavailableError."""
        return self.read(name, LARGEST_TOLD)

    def write(self, name: str, value: bytes) -> None:
        """Returns when it is kept. Raises UnavailableError: what was there before may still be."""
        if len(name) > LONGEST_NAME or len(value) > LARGEST:
            raise ValueError("a name of more than 15 characters, or a value of more than 160 bytes")
        try:
            self._native.set_blob(name, value)
            self._native.commit()
        except OSError as error:
            raise UnavailableError("the board's storage takes nothing: try again", str(error))

    def erase(self, name: str) -> None:
        """Let nothing stand under the name. Raises UnavailableError."""
        try:
            self._native.erase_key(name)
            self._native.commit()
        except OSError as error:
            if not error.args or error.args[0] not in NOT_FOUND:
                raise UnavailableError("the board's storage takes nothing: try again", str(error))


class NvsNumber:
    """One whole number, 0 to 2^63 - 1, under a name."""

    def __init__(self, nvs: Nvs, name: str) -> None:
        self._nvs = nvs
        self._name = name

    def read(self) -> int:
        """0 where nothing is kept. Raises UnavailableError, CorruptDataError."""
        data = self._nvs.read(self._name)
        if data is None:
            return 0
        if len(data) != 8 or data[0] & 0x80:
            raise CorruptDataError("the number kept as " + self._name + " does not read back")
        return int.from_bytes(data, "big")

    def write(self, value: int) -> None:
        """Raises UnavailableError."""
        self._nvs.write(self._name, value.to_bytes(8, "big"))
