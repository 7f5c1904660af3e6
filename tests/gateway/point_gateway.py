"""A gateway with a Wi-Fi adapter, and what keeps its access point, for tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gateway.daemon.access_point import NAME, AccessPointKeeper
from hal.sim.clock import SimClock
from hal.sim.wifi import SimAccessPoint

Keeper = type[AccessPointKeeper]
Scene = Callable[["Gateway"], Coroutine[Any, Any, None]]


class Gateway:
    """A gateway's folder, its clock, and a Wi-Fi adapter that outlives its programs."""

    def __init__(self, folder: Path, kind: Keeper = AccessPointKeeper) -> None:
        self.folder, self.kind = folder, kind
        self.clock = SimClock(utc_ms=1_795_309_800_000)
        self.point = SimAccessPoint(self.clock)
        self.also: list[str] = []
        self.logged: list[str] = []
        self.files = ThreadPoolExecutor(1)  # one thread: what is asked of it last is done last
        self.way_out: tuple[str, bool] = ("", False)  # as `Delivery.way_out`
        self.keeper = self.fresh()

    def fresh(self) -> AccessPointKeeper:
        """That of another process."""
        made = self.kind(self.point, self.folder, "home-4711", self.clock, self.log, self.also.append)
        made.way_out = lambda: self.way_out
        self.keeper = made
        return made

    def log(self, _level: str, message: str, **fields: object) -> None:
        self.logged.append(f"{message} {fields}")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[AccessPointKeeper]:
        """A process, to its orderly end."""
        async with self.fresh().beside():
            yield self.keeper

    async def pass_by(self, ms: int = 3_000) -> None:
        """Time, and what runs in threads."""
        for _ in range(-(-ms // 1_000)):
            await self.clock.advance(1_000)
            await self.settle()

    async def settle(self) -> None:
        """All that can be done without time is done."""
        for _ in range(3):
            await asyncio.get_running_loop().run_in_executor(self.files, lambda: None)
            await asyncio.sleep(0)

    async def want(self, *, sure: bool = False) -> dict[str, object]:
        """As somebody asks who waits for it."""
        asking = asyncio.create_task(self.keeper.want(sure))
        try:
            while not asking.done():
                await self.pass_by(1_000)
            return await asking
        finally:
            asking.cancel()


def play(gateway: Gateway, scene: Scene) -> None:
    async def life() -> None:
        asyncio.get_running_loop().set_default_executor(gateway.files)
        async with asyncio.timeout(20):
            await scene(gateway)

    asyncio.run(life())


def judge(gateway: Gateway, *, kept: bool = False) -> None:
    """Nothing is on the air; a passphrase is kept only where the window goes on."""
    assert gateway.point.opened is None and gateway.point.left is None, "an access point without its window"
    assert (gateway.folder / NAME).exists() is kept, "a passphrase is left"
