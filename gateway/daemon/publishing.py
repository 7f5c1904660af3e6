"""The layer from afar on this machine: `published.cbor` in the gateway's data, and beside it the one before while it is tried.

`published-before.cbor` is there from before the new one is written until it stays; it is empty where there was none. Whatever
is cut short in between, one of the two is whole.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from gateway.core.config_afar import changes
from gateway.core.config_layers import merge
from gateway.core.config_trial import STARTED_IN_VAIN, STARTS
from gateway.core.errors import ConfigError
from gateway.daemon.applying import Applying, write_layer
from gateway.daemon.configuration import (
    INSTALLED,
    PUBLISHED,
    Loaded,
    data_directory,
    last_good,
    load_with,
    replace_private,
    save_last_good,
    sync_folder,
)
from hal.errors import UnavailableError

BEFORE = "published-before.cbor"
COUNT = "published-starts"  # of the process, with what is tried: what ends before the journal is open is counted there alone


class Publishing:
    """The applier of one run (`gateway.hub.configured`). `used` is what the hub runs with, `paths` its own files."""

    def __init__(self, paths: Sequence[Path], applying: Applying, used: Loaded) -> None:
        self._paths = paths
        self._applying = applying
        self._data = data_directory(paths)
        self._used = used
        self.in_use = used.published
        self.refusal = applying.failure or used.config.fault
        self.local = local_changes(used)

    async def check(self, data: bytes) -> None:
        """Raises ConfigError, RefusedError: nothing could be made of it."""
        await asyncio.to_thread(load_with, self._paths, data)

    async def use(self, data: bytes) -> None:
        """Keep it beside the one before, and let the hub start with it in a moment. Raises ConfigError, UnavailableError."""
        await asyncio.to_thread(self._write, data)
        await self._applying.apply(self._put_back)

    async def confirm(self) -> None:
        """It stays. Raises UnavailableError."""
        await asyncio.to_thread(self._confirm)

    async def put_back(self) -> None:
        """The one before comes back. Where the gateway's own files have a fault by now, the hub goes on with the last good configuration.

        Raises:
            ConfigError: there is none, or it cannot be used either; the one before is back for the next start.
            UnavailableError: the disk does not let it come back.
        """
        try:
            if await asyncio.to_thread(self._put_back):
                await self._start_anew()
        except OSError as error:
            raise UnavailableError(
                f"the configuration could not be put back in {self._data}: look at the disk",
                str(error.strerror),
            ) from error

    async def _start_anew(self) -> None:
        """Start with what the files say now; a fault of theirs leaves the last good one, in which this run may be. Raises ConfigError."""
        try:
            await self._applying.apply()
        except ConfigError as error:
            fault = error
            if not self._used.config.fault:
                await self._applying.apply(load=lambda: last_good(self._paths, fault))

    def _write(self, data: bytes) -> None:
        published, before = self._data / PUBLISHED, self._data / BEFORE
        try:
            kept = None if before.exists() else published.read_bytes() if published.exists() else b""
        except OSError as error:
            raise UnavailableError(
                f"{published} could not be read, and nothing has changed: look at the disk",
                str(error.strerror),
            ) from error
        if kept is not None:
            write_layer(before, kept)
        write_layer(self._data / COUNT, "0")
        write_layer(published, data)

    def _confirm(self) -> None:
        try:
            (self._data / BEFORE).unlink(missing_ok=True)
            (self._data / COUNT).unlink(missing_ok=True)
            sync_folder(self._data)
            keep_good(self._used)
        except OSError as error:
            raise UnavailableError(
                f"{self._data / BEFORE} could not be removed: look at the disk", str(error.strerror)
            ) from error

    def _put_back(self) -> bool:
        """Put back the one before, where there is one; whether this run is with another. Raises OSError."""
        if not files_put_back(self._data):
            return False
        published = self._data / PUBLISHED
        is_now = published.read_bytes() if published.exists() else None
        return bool(self._used.config.fault) or is_now != self.in_use


def files_put_back(data: Path) -> bool:
    """Let the layer from afar be the one before again; whether there was one to put back. Raises OSError."""
    published, before = data / PUBLISHED, data / BEFORE
    if not before.exists():
        return False
    if before.stat().st_size:
        before.replace(published)
    else:
        published.unlink(missing_ok=True)
        before.unlink()
    (data / COUNT).unlink(missing_ok=True)
    sync_folder(data)
    return True


def counted_start(data: Path) -> str:
    """Count a start of the process where a layer from afar is tried, before anything is made of it.

    What crashes or hangs with it before the hub runs is counted nowhere else. After `STARTS` of them the one before is put back:
    why, or empty. Raises OSError: not counted.
    """
    if not is_tried(data):
        return ""
    count = data / COUNT
    said = count.read_text(encoding="ascii", errors="replace") if count.exists() else ""
    starts = 1 + (int(said) if said.isdecimal() and len(said) < 4 else 0)
    if starts > STARTS:
        return STARTED_IN_VAIN if files_put_back(data) else ""
    replace_private(count, str(starts))
    return ""


def keep_good(used: Loaded) -> None:
    """Keep what has started well as the last good one; not while it is tried, or a failed trial had nothing to go back to. Raises OSError."""
    data = Path(used.config.hub.data_directory)
    if not used.config.fault and not is_tried(data):
        save_last_good(used)


def is_tried(data: Path) -> bool:
    """Whether the layer from afar that lies there differs from the one before it, which goes where the trial ends well. Raises OSError."""
    published, before = data / PUBLISHED, data / BEFORE
    if not before.exists():
        return False
    return before.read_bytes() != (published.read_bytes() if published.exists() else b"")


def local_changes(used: Loaded) -> list[str]:
    """Keys that what an installation wrote says otherwise than all before it."""
    name, tree = used.layers[-1]
    return changes(tree, merge(used.layers[:-1])) if Path(name).name == INSTALLED else []
