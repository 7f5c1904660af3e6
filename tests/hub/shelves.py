"""Where a simulated gateway keeps the layer from afar: a disk in memory, and a hub that starts anew when it is told to."""

import asyncio

from gateway.core import config_afar
from gateway.core.config import validate
from gateway.core.config_layers import merge
from gateway.core.errors import ConfigError
from hal.errors import UnavailableError
from tests.hub.bench import Bench

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Tree = dict[str, Any]


class Shelf:
    """The applier of one gateway, over every start of it. `base` are its own files, `home` what an installation added.

    fails_to_start: the hub does not start with what is published. is_broken: nothing can be written. is_edited: its own files
    are half-written, so that nothing can be made of them: who starts then starts with the last good ones.
    """

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.base: "Tree" = dict(bench.tree)
        self.home: "Tree" = {}
        self.published: "bytes | None" = None
        self.before: "list[bytes | None]" = []
        self.in_use: "bytes | None" = None
        self.refusal = ""
        self.local: "list[str]" = []
        self.wants_start = False
        self.fails_to_start = False
        self.is_broken = False
        self.is_edited = False
        self.starts = 0

    def layers(self, data: "bytes | None") -> "Tree":
        found = [("files", self.base)]
        if data is not None:
            found.append(("afar", config_afar.read(data)))
        return merge(found + [("home", self.home)])

    async def check(self, data: bytes) -> None:
        validate(self.layers(data), "hub.toml")

    async def use(self, data: bytes) -> None:
        if self.is_broken:
            raise UnavailableError("the disk takes nothing")
        self.before = self.before or [self.published]
        self.published = data
        self.wants_start = True

    async def confirm(self) -> None:
        self.before = []

    async def put_back(self) -> None:
        if self.before:
            self.published = self.before.pop()
            if self.is_edited:
                raise ConfigError("(file)", "what is no TOML", "a whole line", "hub.toml")
            self.wants_start = self.in_use != self.published

    async def start(self) -> None:
        """A fresh hub with what is on the disk; the one before where it does not start with that."""
        self.starts += 1
        self.wants_start, self.refusal = False, ""
        if self.fails_to_start and self.before:
            self.published, self.refusal = self.before.pop(), "port: no such port"
        self.in_use = self.published
        if self.is_edited:
            self.in_use, self.refusal = None, "hub.toml: (file): found what is no TOML"
        self.bench.tree = self.layers(self.published)
        named = [] if self.published is None else config_afar.read(self.published)
        self.local = config_afar.changes(self.home, merge([("files", self.base), ("afar", named or {})]))
        self.bench.options["applier"] = self
        await self.bench.build().start()

    async def follow(self, duration_ms: int) -> None:
        """Let time pass, and the hub start anew whenever it wants to."""
        for _ in range(duration_ms // 1_000):
            await self.bench.clock.advance(1_000)
            if self.wants_start:
                await stop(self.bench)
                await self.start()


async def stop(bench: Bench) -> None:
    """The hub stops as told, in its own time."""
    stopping = asyncio.create_task(bench.app.stop())
    while not stopping.done():
        await bench.clock.advance(50)
    await stopping


async def shelved(bench: Bench) -> Shelf:
    """The gateway started anew over a shelf, with a key that may configure it."""
    shelf = Shelf(bench)
    await bench.cut()
    await shelf.start()
    await bench.platform.give_roles("config", "command")
    await bench.clock.advance(3_000)
    return shelf


def layer(**sections: "Any") -> bytes:
    """A layer as the desk compiles it."""
    return config_afar.compiled(sections)


def told(bench: Bench, kind: str) -> "list[Any]":
    return [event.values for _, _, event in bench.platform.order if event.kind == kind]


async def publish(bench: Bench, shelf: Shelf, revision: int, data: bytes, wait_ms: int = 10_000) -> None:
    await bench.platform.say("config", bench.platform.config(revision, data), retain=True)
    await shelf.follow(wait_ms)


def refusals(bench: Bench) -> str:
    return " | ".join(sorted(bench.app.inward.refused))
