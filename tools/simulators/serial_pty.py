"""A simulated serial device on a pseudo-terminal, behind a line that is noisy by seed.

served = SerialOnPty(folder / "oximeter", device.received, device.due, NoisyBytes(7, flipped=20))
await served.start()
served.say(device.check(97, 72, served.now_ms()))
served.pull()                # the cable; the device goes on
served.put_back()
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tools.simulators.noisy_bytes import NoisyBytes
from tools.simulators.pty_line import PtyLine

TICK_S = 0.1


class SerialOnPty:
    """`received(data, now_ms)` gives the answer of the device, `due(now_ms)` what it says by itself; both are called here alone."""

    def __init__(
        self,
        path: Path,
        received: Callable[[bytes, int], bytes],
        due: Callable[[int], bytes],
        noise: NoisyBytes,
    ) -> None:
        self.line = PtyLine(path)
        self.received = received
        self.due = due
        self.noise = noise
        self.tasks: list[asyncio.Task[None]] = []

    @staticmethod
    def now_ms() -> int:
        """The bench's clock."""
        return int(asyncio.get_running_loop().time() * 1000)

    def say(self, data: bytes) -> None:
        """Bytes towards the gateway, as they come through."""
        for piece in self.noise.carry(data):
            self.line.send(piece)

    def pull(self) -> None:
        """Pull the cable: an open port is lost and the name is gone."""
        self.line.pull()

    def put_back(self) -> None:
        """Plug the cable in again, under the same name."""
        self.line.put_back()

    async def start(self) -> None:
        """Power on and plug in."""
        self.put_back()
        loop = asyncio.get_running_loop()
        self.tasks = [loop.create_task(self._listen()), loop.create_task(self._tick())]

    async def stop(self) -> None:
        """Pull the plug."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.line.pull()

    async def _listen(self) -> None:
        while True:
            self.say(self.received(await self.line.read(), self.now_ms()))

    async def _tick(self) -> None:
        while True:
            self.say(self.due(self.now_ms()))
            await asyncio.sleep(TICK_S)
