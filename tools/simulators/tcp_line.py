"""One direction of a slow path: a bottleneck with a bounded queue, then the time on the way.

    sender -> kernel -> [queue] -> bottleneck, so many bits per second -> [on the way, delay_ms] -> receiver

A full queue is not read into: the sender's kernel fills, and its writes wait, as behind a modem. Nothing is lost
or reordered, which is what TCP makes of a line that loses; the time that its repeats cost is not simulated.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable

SEGMENT = 1448  # payload of a full TCP segment on Ethernet, time stamps on
QUEUE_BYTES = 64 * 1024
FAST_WINDOW_BYTES = 1 << 20  # on its way at most where the rate has no limit
SLACK_S = 0.01  # a timer that late takes nothing from the rate


class Change:
    """Wakes whoever waits for a condition that somebody else brings about."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def tell(self) -> None:
        """Something has changed: every condition is looked at again."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once `condition()` holds."""
        while not condition():
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future


class Line:
    """One direction, shared by all connections. Everything may be set while it runs and counts from the next segment.

    Args:
        change: told at every movement.
        delay_ms: one way.
        bits_per_s: of the bottleneck, 0 for no limit.
        queue_bytes: what may wait before the bottleneck.
        overhead_bytes: what a segment costs on the line beside its payload.

    Read: `taken` payload bytes read from the sender, `given` written to the receiver, `swallowed` thrown away, `held`
    between the two, `most_held` its highest; `packets` segments that passed the bottleneck.
    """

    def __init__(
        self,
        change: Change,
        *,
        delay_ms: int = 0,
        bits_per_s: int = 0,
        queue_bytes: int = QUEUE_BYTES,
        overhead_bytes: int = 0,
    ) -> None:
        self.change = change
        self.delay_ms = delay_ms
        self.bits_per_s = bits_per_s
        self.queue_bytes = queue_bytes
        self.overhead_bytes = overhead_bytes
        self.stalled = False
        self.taken = self.given = self.swallowed = self.held = self.most_held = self.packets = 0
        self._bottleneck = asyncio.Lock()
        self._free_s = 0.0

    def window(self) -> int:
        """Bytes that may be between sender and receiver."""
        if self.bits_per_s == 0:
            return FAST_WINDOW_BYTES
        return self.queue_bytes + self.bits_per_s * self.delay_ms // 8000

    def has_room(self) -> bool:
        """Whether another segment is taken from a sender."""
        return not self.stalled and self.held + SEGMENT <= max(SEGMENT, self.window())

    def took(self, size: int) -> None:
        """Bytes have come from a sender."""
        self.taken += size
        self.held += size
        self.most_held = max(self.most_held, self.held)
        self.change.tell()

    def left(self, size: int, *, given: bool) -> None:
        """They have gone to the receiver, or nowhere."""
        self.held -= size
        if given:
            self.given += size
        else:
            self.swallowed += size
        self.change.tell()

    async def squeeze(self, size: int) -> float:
        """Pass the bottleneck, one segment at a time; the loop's time at which it arrives at the far end."""
        loop = asyncio.get_running_loop()
        async with self._bottleneck:
            await self.change.until(lambda: not self.stalled)
            if self.bits_per_s:
                begins_s = max(self._free_s, loop.time() - SLACK_S)
                self._free_s = begins_s + 8 * (size + self.overhead_bytes) / self.bits_per_s
                await asyncio.sleep(max(0.0, self._free_s - loop.time()))
            self.packets += 1
        return loop.time() + self.delay_ms / 1000


class Pipe:
    """One direction of one connection. `silent` swallows whatever comes, its end included, and says nothing."""

    def __init__(self, line: Line, source: socket.socket, sink: socket.socket) -> None:
        self.line = line
        self.silent = False
        self._source = source
        self._sink = sink
        self._queue: deque[bytes] = deque()
        self._way: deque[tuple[float, bytes]] = deque()
        self._held = 0

    async def run(self) -> None:
        """Until the sender has ended and everything has arrived; for ever where it is silent. Raises OSError."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._take())
                group.create_task(self._squeeze())
                group.create_task(self._give())
        finally:
            self.line.left(self._held, given=False)
            self._held = 0

    async def _take(self) -> None:
        loop, line = asyncio.get_running_loop(), self.line
        while True:
            await line.change.until(lambda: line.has_room() or self.silent)
            data = await loop.sock_recv(self._source, SEGMENT)
            line.took(len(data))
            if self.silent:
                line.left(len(data), given=False)
                if data:
                    continue
                await loop.create_future()  # its end, too, is never told
            self._held += len(data)
            self._queue.append(data)
            line.change.tell()
            if not data:
                return

    async def _squeeze(self) -> None:
        while True:
            await self.line.change.until(lambda: bool(self._queue))
            data = self._queue.popleft()
            self._way.append((await self.line.squeeze(len(data)), data))
            self.line.change.tell()
            if not data:
                return

    async def _give(self) -> None:
        loop, line = asyncio.get_running_loop(), self.line
        while True:
            await line.change.until(lambda: bool(self._way))
            at_s, data = self._way[0]
            await asyncio.sleep(max(0.0, at_s - loop.time()))
            await line.change.until(lambda: self.silent or not line.stalled)
            self._way.popleft()
            if not data:
                await line.change.until(lambda: not self.silent)
                self._sink.shutdown(socket.SHUT_WR)
                return
            if not self.silent:
                await loop.sock_sendall(self._sink, data)
            self._held -= len(data)
            line.left(len(data), given=not self.silent)
