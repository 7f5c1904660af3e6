"""The layer from afar on a board: one small file beside those it was provisioned with, and the one before while it is tried.

published.bin          32 bytes of SHA-256, then the layer as it came: a torn write is noticed
published-before.bin   the one before, empty for none; there from before the new one is written until that one stays
published-starts       one byte: starts with the one that is tried in which the hub did not come to run

A start is counted before anything is made of the layer, and the count goes when the hub runs. So a layer with which the board dies, hangs,
or has too little memory is left after `STARTS` such starts, by a board that never came as far as its journal. A start that power brought
says nothing of the layer: a plug that is pulled in and out, or a mains that flickers, takes no good one back. Where the layer is at fault the starts
behind it are the board's own, and count.

`Published` is the applier of `gateway.hub.configured`; whoever wires the board gives `restart`, which lets the hub stop as told and
the board start anew.
"""

import hashlib
import os

from gateway.core import config_afar
from gateway.core.config import validate
from gateway.core.config_layers import merge
from gateway.core.config_trial import STARTED_IN_VAIN, STARTS
from gateway.core.errors import ConfigError, RefusedError
from hal.errors import UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Tree = dict[str, Any]

NAME, BEFORE, COUNT = "published.bin", "published-before.bin", "published-starts"
DIGEST = 32


class Folder:
    """Files of a board's flash, each replaced whole. Every method raises OSError."""

    def __init__(self, path: str) -> None:
        self._path = path

    def read(self, name: str) -> "bytes | None":
        """The whole file, or None where there is none."""
        if name not in os.listdir(self._path):
            return None
        with open(self._path + "/" + name, "rb") as file:
            return file.read()

    def write(self, name: str, data: bytes) -> None:
        """Replace the file."""
        with open(self._path + "/" + name + ".new", "wb") as file:
            file.write(data)
        os.rename(self._path + "/" + name + ".new", self._path + "/" + name)

    def rename(self, name: str, other: str) -> None:
        """Let it stand in the other's place."""
        os.rename(self._path + "/" + name, self._path + "/" + other)

    def remove(self, name: str) -> None:
        """Take it away; no error where it is not there."""
        if name in os.listdir(self._path):
            os.remove(self._path + "/" + name)


def sealed(data: bytes) -> bytes:
    """A layer as it stands in its file."""
    return hashlib.sha256(data).digest() + data


def layer(files: "Folder", name: str = NAME) -> "bytes | None":
    """The layer of that file, or None: there is none, or what is there was torn."""
    data = files.read(name)
    if data is None or hashlib.sha256(data[DIGEST:]).digest() != data[:DIGEST]:
        return None
    return data[DIGEST:]


def tree_with(base: "Tree", data: "bytes | None") -> "Tree":
    """What a board was provisioned with, and a layer over it. Raises ConfigError, RefusedError."""
    return base if data is None else merge([("hub.cbor", base), (config_afar.SOURCE, config_afar.read(data))])


def counted_start(files: "Folder", by_power: bool = False) -> str:
    """Count this start where a layer is tried, unless power brought it. Above `STARTS` the one before is put back: why, until the hub has run.

    Raises OSError: not counted.
    """
    said = files.read(COUNT) or b""
    starts = said[0] if len(said) == 1 else 0
    if files.read(BEFORE) is not None:
        if not by_power:
            starts = min(starts + 1, 0xFF)
            files.write(COUNT, bytes([starts]))
        if starts > STARTS:
            put_back(files)
    return STARTED_IN_VAIN if starts > STARTS else ""


def put_back(files: "Folder") -> None:
    """Let the layer be the one before again, where there is one. Raises OSError."""
    if files.read(BEFORE) is None:
        return
    if layer(files, BEFORE) is not None:
        files.rename(BEFORE, NAME)
    else:
        files.remove(NAME)
        files.remove(BEFORE)


class Published:
    """The applier of one run over `base`, the tree that the board was provisioned with."""

    def __init__(
        self, files: "Folder", base: "Tree", restart: "Callable[[], None]", by_power: bool = False
    ) -> None:
        """`tree` is what this run is to be made of: of the one before where the newest cannot be used, and `refusal` says so.

        by_power: this start came of power that was switched on, or dipped; False also where nobody knows.
        """
        self._files = files
        self._base = base
        self._restart = restart
        self._runs_before = False  # the newest cannot be used while the one before is kept: that is in use
        self.in_use: "bytes | None" = None
        self.refusal = ""
        self.local: "list[str]" = []
        self.tree = base
        try:
            vain = counted_start(files, by_power)
        except OSError:
            vain = ""  # a flash that takes no count may still start a hub
        try:
            data = layer(files)
            self._take_up(data)
            is_torn = data is None and files.read(NAME) is not None
            if is_torn and files.read(BEFORE) is not None:  # where none is kept, the broker's is taken again
                self.refusal = "the configuration was torn in the flash"
        except (ConfigError, RefusedError) as error:
            self.refusal = str(error)
        self._runs_before = bool(self.refusal) and files.read(BEFORE) is not None
        if self._runs_before:
            try:
                self._take_up(layer(files, BEFORE))
            except (ConfigError, RefusedError):
                pass  # what the board was provisioned with is in use
        self.refusal = self.refusal or vain

    def started(self) -> None:
        """The hub runs, and has heard of the refusal where there is one: from here on it counts itself."""
        try:
            self._files.remove(COUNT)
        except OSError:
            pass  # counted on: at worst the one before comes back sooner

    def _take_up(self, data: "bytes | None") -> None:
        """Make this run of `data`. Raises ConfigError, RefusedError: it cannot be used, and nothing changes."""
        tree = tree_with(self._base, data)
        validate(tree, config_afar.SOURCE)
        self.in_use, self.tree = data, tree

    async def check(self, data: bytes) -> None:
        """Raises ConfigError, RefusedError: nothing could be made of it."""
        validate(tree_with(self._base, data), config_afar.SOURCE)

    async def use(self, data: bytes) -> None:
        """Keep it beside the one before, and start anew. Raises UnavailableError."""
        try:
            if self._files.read(BEFORE) is None:
                self._files.write(BEFORE, self._files.read(NAME) or b"")
            self._files.remove(COUNT)
            self._files.write(NAME, sealed(data))
        except OSError as error:
            raise UnavailableError(
                "the configuration could not be written: provision this gateway again", str(error)
            )
        self._restart()

    async def confirm(self) -> None:
        """What is in use stays. Raises UnavailableError."""
        if self._runs_before:
            return await self.put_back()
        try:
            self._files.remove(BEFORE)
        except OSError as error:
            raise UnavailableError(
                "the configuration could not be written: provision this gateway again", str(error)
            )

    async def put_back(self) -> None:
        """The one before comes back, where there is one; a start anew where another is in use. Raises UnavailableError."""
        try:
            if self._files.read(BEFORE) is None:
                return
            put_back(self._files)
        except OSError as error:
            raise UnavailableError(
                "the configuration could not be written: provision this gateway again", str(error)
            )
        if not self._runs_before:
            self._restart()
        self._runs_before = False
