"""The reference dispenser on a pseudo-terminal, for anything that opens a serial port.

served = DispenserOnPty(folder / "dispenser", os.urandom, utc_ms=lambda: int(time.time() * 1000))
async with served:
    served.device.log_event("lid.opened", served.now_ms())
    served.wake()                # something was done to the device: send it now
    served.pull()                # the cable; the device and its log go on
    served.put_back()            # the same name again
    await served.power_cut(500)  # without mains and battery for half a second; what it has logged is there after it
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tools.simulators.dispenser import DispenserDevice
from tools.simulators.pty_line import PtyLine

DARK_MS = 60_000  # how long it waits for the end of a power cut before it looks again


class DispenserOnPty:
    """`path` becomes a link to the terminal. utc_ms: the home's clock when the device is made, which may be offset.

    medium: the device's durable memory, to go on with that of an earlier one. kind: the device, right or wrong.
    settings: as of `DispenserDevice`.
    """

    def __init__(
        self,
        path: Path,
        random: Callable[[int], bytes],
        utc_ms: Callable[[], int | None],
        medium: dict[str, object] | None = None,
        kind: type[DispenserDevice] = DispenserDevice,
        **settings: Any,
    ) -> None:
        self.line = PtyLine(path)
        medium = {} if medium is None else medium
        self.device = kind(medium, random, self.now_ms(), utc_ms(), **settings)
        self._dark = False
        self._done = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @staticmethod
    def now_ms() -> int:
        """The bench's clock."""
        return int(asyncio.get_running_loop().time() * 1000)

    async def __aenter__(self) -> Self:
        self.line.put_back()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._listen()), loop.create_task(self._tick())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.line.pull()

    def pull(self) -> None:
        """Pull the cable: an open port is lost and the name is gone."""
        self.line.pull()

    def put_back(self) -> None:
        """Plug the cable in again, under the same name."""
        self.line.put_back()

    def wake(self) -> None:
        """Something was done to the device: let it send now."""
        self._done.set()

    async def power_cut(self, off_ms: int, keeps_clock: bool = True) -> None:
        """No power for `off_ms`: it says nothing, and what is said to it is lost."""
        self._dark = True
        began_ms = self.now_ms()
        await asyncio.sleep(off_ms / 1000)
        self.device.power_cut(began_ms, self.now_ms() - began_ms, keeps_clock)
        self._dark = False
        self.wake()

    async def _listen(self) -> None:
        while True:
            data = await self.line.read()
            if not self._dark:
                self.line.send(self.device.received(data, self.now_ms()))
            self.wake()

    async def _tick(self) -> None:
        while True:
            self._done.clear()
            wait_ms = DARK_MS
            if not self._dark:
                self.line.send(self.device.due(self.now_ms()))
                wait_ms = max(1, self.device.next_due_ms() - self.now_ms())
            try:
                async with asyncio.timeout(wait_ms / 1000):
                    await self._done.wait()
            except TimeoutError:
                continue
