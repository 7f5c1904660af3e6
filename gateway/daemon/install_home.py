"""The layer that an installation writes: `installed.toml` in the gateway's data, behind the files that the hub was started with.

Nobody's own file is touched: comments and order of a home's configuration stay as they are, and what the installation added
can be taken back by leaving this one away. It is written whole or not at all, checked before, and put back where the hub
could not use it.
"""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from gateway.core.config_layers import merge
from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.applying import write_layer
from gateway.daemon.configuration import INSTALLED, checked, layers_of, read, replace_private
from gateway.daemon.toml_text import dump
from hal.errors import HalError

FIRST_LINES = (
    "# Written by trygg while the home was installed. trygg install adds and takes back what stands here.\n"
)
KEY_BYTES = 16
NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


class HomeLayer:
    """`paths` are the files before it. `apply` lets the hub use what the files say now, or puts back what was there before."""

    def __init__(
        self,
        paths: Sequence[Path],
        folder: Path,
        add_key: Callable[[str, bytes], None],
        apply: Callable[[Callable[[], object]], Coroutine[Any, Any, None]],
    ) -> None:
        self._paths = paths
        self._path = folder / INSTALLED
        self._add_key = add_key
        self._apply = apply

    async def add(self, device: dict[str, Any], secret: str) -> None:
        """Write a device and use it, or neither. Raises ConfigError, RefusedError, HalError."""
        key = key_of(secret) if secret else None
        tree = await asyncio.to_thread(self._tree)
        row = dict(device)
        if key is not None:
            row["key"] = reference_of(str(device.get("name", "")))
        tree["device"] = [*tree.get("device", []), row]
        await asyncio.to_thread(self._check, tree)
        if key is not None:
            await asyncio.to_thread(self._add_key, row["key"], key)
        await self._use(tree)

    async def remove(self, names: list[str]) -> None:
        """Take devices out, and of use. Raises RefusedError, HalError."""
        tree = await asyncio.to_thread(self._tree)
        before = list(tree.get("device", []))
        tree["device"] = [row for row in before if row.get("name") not in names]
        if tree["device"] != before:
            await self._use(tree)

    def _tree(self) -> dict[str, Any]:
        """What is written now."""
        return read(self._path) if self._path.exists() else {}

    def _check(self, tree: dict[str, Any]) -> None:
        """What would come of it. Raises ConfigError."""
        layers = layers_of(self._paths)
        names = [str(row.get("name")) for row in merge(layers).get("device", []) if isinstance(row, dict)]
        for row in tree["device"]:
            if row.get("name") in names:
                raise RefusedError("there is a device of this name already: give this one another name")
        checked([*layers, (str(self._path), tree)])

    async def _use(self, tree: dict[str, Any]) -> None:
        """Write and apply; what was there comes back where the hub cannot use it. Raises ConfigError, HalError."""
        before = await asyncio.to_thread(self._text)

        def put_back() -> None:
            if before is None:
                self._path.unlink(missing_ok=True)
            else:
                replace_private(self._path, before)

        await asyncio.to_thread(write_layer, self._path, FIRST_LINES + dump(tree))
        try:
            await self._apply(put_back)
        except (ConfigError, HalError):
            with contextlib.suppress(OSError):
                await asyncio.to_thread(put_back)
            raise

    def _text(self) -> str | None:
        return self._path.read_text(encoding="utf-8") if self._path.exists() else None


def key_of(secret: str) -> bytes:
    """A bind key from the hexadecimal digits of a label. Raises ConfigError, which does not repeat it."""
    digits = "".join(secret.split()).replace("-", "").replace(":", "")
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(
            "key", f"{len(digits)} characters", "the 32 hexadecimal digits on the label of the device"
        )
    return key


def reference_of(name: str) -> str:
    """The file of a device's key in the key folder: the name, as far as a reference may hold it, and what tells it from others."""
    plain = NOT_IN_A_NAME.sub("-", name.lower().translate(str.maketrans("æøåäö", "aoaao"))).strip("-")
    return f"device-{plain[:40]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
