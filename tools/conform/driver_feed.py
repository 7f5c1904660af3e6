"""A driver of a package, fed as the hub feeds it: by shape, with state that it stored, and with times of our choice."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

from gateway.core.devices.driver import Context, Driver, Reading
from hal.types import Advertisement

EXAMPLES = "conform.json"
ADDRESS = "C0:FF:EE:00:00:01"
UTC_MS = 1_795_334_400_000
STEP_MS = 700


@dataclass(frozen=True)
class Row:
    """One example of a package: bytes, and the kinds that come of them. where: characteristic or UUID, where the shape has one."""

    name: str
    data: bytes
    kinds: tuple[str, ...]
    where: str = ""


class WithoutKeys:
    """The cryptography of a bench: nothing is signed or encrypted for a driver that is tried out."""

    async def ed25519_verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Nothing holds."""
        return False

    def aes_ccm_open(
        self, key_ref: str, nonce: bytes, ciphertext: bytes, tag: bytes, aad: bytes = b""
    ) -> bytes:
        """Any text is what it was sent as."""
        return ciphertext

    def hmac_sha256(self, key_ref: str, message: bytes) -> bytes:
        """The same for everything."""
        return bytes(32)

    def random(self, size: int) -> bytes:
        """Not random: two runs are the same run."""
        return bytes(size)


def rows_of(kind: type[Driver]) -> list[Row]:
    """Examples in `conform.json` beside the driver's module. Raises ValueError where there are none that can be read."""
    package = sys.modules[kind.__module__].__package__ or kind.__module__
    try:
        text = resources.files(package).joinpath(EXAMPLES).read_text(encoding="utf-8")
        return [row_of(item) for item in json.loads(text)]
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def row_of(item: dict[str, Any]) -> Row:
    """One of them."""
    where = str(item.get("characteristic") or item.get("uuid") or "")
    return Row(str(item["name"]), bytes.fromhex(item["hex"]), tuple(item["kinds"]), where)


class Feed:
    """One device: the driver, what it stored, and the clock. `stores`: whether what it gives to store is stored."""

    def __init__(
        self, kind: type[Driver], *, utc_ms: int | None = UTC_MS, stored: dict[str, bytes] | None = None
    ) -> None:
        self.kind = kind
        self.stored: dict[str, bytes] = dict(stored or {})
        self.now_ms = 1_000
        self.utc_ms = utc_ms
        self.driver: Any = kind(Context(ADDRESS, {}, WithoutKeys(), self.stored.get, None, "Europe/Oslo"))

    def begin(self) -> Iterator[Reading]:
        """The line is opened, or the device connected."""
        if self.kind.transport == "serial":
            yield self.keep(self.driver.opened(self.now_ms, self.utc_ms))
        elif self.kind.transport == "ble-gatt":
            self.driver.steps([row.where for row in rows_of(self.kind)])

    def hear(self, data: bytes, where: str = "") -> Iterator[Reading]:
        """What comes from the device, and what time asks for behind it."""
        self.now_ms += STEP_MS
        if self.utc_ms is not None:
            self.utc_ms += STEP_MS
        if self.kind.transport == "serial":
            yield self.keep(self.driver.received(data, self.now_ms, self.utc_ms))
        elif self.kind.transport == "ble-gatt":
            yield self.keep(self.driver.notified(where, data, self.now_ms))
        else:
            heard = Advertisement(ADDRESS, -60, self.now_ms, {where: data})
            yield self.keep(self.driver.advertised(heard))
            return
        due_ms = self.driver.next_due_ms(self.now_ms)
        if due_ms is not None and due_ms <= self.now_ms:
            yield self.keep(self.driver.due(self.now_ms, self.utc_ms))

    def keep(self, reading: Any) -> Any:
        """Store what a reading says is to be stored, as the journal does in the same append."""
        if isinstance(reading, Reading) and isinstance(reading.state, dict):
            for key, item in reading.state.items():
                if item is None:
                    self.stored.pop(key, None)
                else:
                    self.stored[key] = item
        return reading

    def wait(self, length_ms: int) -> Iterator[Reading]:
        """Time passes in which nothing comes."""
        self.now_ms += length_ms
        if self.kind.transport != "ble-adv":
            due_ms = self.driver.next_due_ms(self.now_ms)
            if due_ms is not None and due_ms <= self.now_ms:
                yield self.keep(self.driver.due(self.now_ms, self.utc_ms))


def told(readings: Iterator[Reading]) -> list[str]:
    """Kinds of all observations, in order."""
    return [observation.kind for reading in readings for observation in reading.observations]


def print_of(reading: Reading) -> str:
    """A reading as text: two that say the same have the same."""
    seen = [
        (each.kind, sorted(each.values.items(), key=str), each.record, each.provenance)
        for each in reading.observations
    ]
    return repr((seen, sorted(reading.state.items()), reading.send, reading.send_after, reading.refused))


def size_of(item: object, seen: set[int]) -> int:
    """Bytes that an object holds, all that hangs on it counted once; code, classes and the context are not its own."""
    if id(item) in seen or isinstance(item, type | Context) or callable(item):
        return 0
    seen.add(id(item))
    size = sys.getsizeof(item)
    if isinstance(item, dict):
        return size + sum(size_of(key, seen) + size_of(each, seen) for key, each in item.items())
    if isinstance(item, list | tuple | set | frozenset):
        return size + sum(size_of(each, seen) for each in item)
    size += size_of(getattr(item, "__dict__", None), seen)
    for name in getattr(type(item), "__slots__", ()):
        size += size_of(getattr(item, name, None), seen)
    return size


def folder_of(kind: type[Driver]) -> str:
    """The folder of the driver's own package."""
    return os.path.dirname(sys.modules[kind.__module__].__file__ or "")  # noqa: PTH120  as the import system names it
