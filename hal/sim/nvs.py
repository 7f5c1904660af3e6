"""The non-volatile storage of a board: `esp32.NVS` as MicroPython's port has it, in memory or in a file."""

import json
import os

NOT_FOUND, NO_SPACE, NAME_TOO_LONG, INVALID_LENGTH = -0x1102, -0x1105, -0x1109, -0x110C  # ESP-IDF, nvs.h


class SimNvs:
    """A namespace on `chip`, a dictionary that outlives it. What is not committed is gone with the power.

    failing: every call raises an error of the driver.
    """

    def __init__(self, chip: "dict[str, bytes]") -> None:
        self.chip = chip
        self.failing = False
        self._set: "dict[str, bytes | None]" = {}

    def get_blob(self, name: str, buffer: bytearray) -> int:
        self._check(name)
        value = self._set[name] if name in self._set else self.chip.get(name)
        if value is None:
            raise OSError(NOT_FOUND)
        if len(value) > len(buffer):
            raise OSError(INVALID_LENGTH)
        buffer[: len(value)] = value
        return len(value)

    def set_blob(self, name: str, value: bytes) -> None:
        self._check(name)
        self._set[name] = bytes(value)

    def erase_key(self, name: str) -> None:
        self._check(name)
        if name not in self._set and name not in self.chip:
            raise OSError(NOT_FOUND)
        self._set[name] = None

    def commit(self) -> None:
        self._check("")
        for name, value in self._set.items():
            if value is None:
                self.chip.pop(name, None)
            else:
                self.chip[name] = value
        self._set = {}

    def _check(self, name: str) -> None:
        if self.failing:
            raise OSError(NO_SPACE)
        if len(name) > 15:
            raise OSError(NAME_TOO_LONG)


class FileNvs(SimNvs):
    """The same in a file of JSON, for a board that is a process: it outlives a kill."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            with open(path) as file:
                text = file.read()
        except OSError:
            text = "{}"
        super().__init__({name: bytes.fromhex(value) for name, value in json.loads(text).items()})

    def commit(self) -> None:
        super().commit()
        with open(self._path + ".new", "w") as file:
            file.write(json.dumps({name: value.hex() for name, value in self.chip.items()}))
        os.rename(self._path + ".new", self._path)
