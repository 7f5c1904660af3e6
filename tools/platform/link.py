"""The platform's connection: a receiver, kept connected to a broker until told to stop.

One thread: messages are read from the connection until none is left, then one is acted on, alarms first, and so
on. What the broker still holds never keeps an alarm waiting that has arrived.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable

from gateway.core.session import Backoff
from hal.errors import HalError
from hal.interfaces import Uplink
from tools.platform.receiver import Receiver

FIRST_WAIT_MS, MOST_WAIT_MS = 200, 5_000  # a platform has one broker beside it, not a city's outage behind it
LOOK_MS = 1_000
READ_TURNS = 256  # messages read at most before one is acted on


class SystemTime:
    """Clocks of this machine."""

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def utc_ms(self) -> int:
        return time.time_ns() // 1_000_000


class Link:
    """Serves `receiver` over `uplink` for `tenants`.

    on_connection(error) is told of each attempt: None where it stands, else why it does not.
    """

    def __init__(
        self,
        uplink: Uplink,
        tenants: Iterable[str],
        *,
        on_connection: Callable[[HalError | None], None] = lambda _error: None,
    ) -> None:
        self.uplink = uplink
        self.topics = [f"trygg/v1/{tenant}/+/up/#" for tenant in sorted(tenants)]
        self.look_ms = 0
        self.on_connection = on_connection
        self.stopping = asyncio.Event()
        self.arrived = asyncio.Event()
        self.publishing: set[asyncio.Task[None]] = set()
        self.backoff = Backoff(lambda: random.randrange(65536), FIRST_WAIT_MS, MOST_WAIT_MS)

    def stop(self) -> None:
        """Make `serve` return; what has arrived is still acted on."""
        self.stopping.set()
        self.arrived.set()

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a retained message now, or lose it: the next connection says all of it again."""
        if self.uplink.connected:
            task = asyncio.get_running_loop().create_task(self.hand_over(topic, payload))
            self.publishing.add(task)
            task.add_done_callback(self.publishing.discard)

    async def hand_over(self, topic: str, payload: bytes) -> None:
        """Wait for the PUBACK, which says nothing of delivery."""
        try:
            await self.uplink.publish(topic, payload, retain=True)
        except HalError:
            pass

    async def serve(self, receiver: Receiver, each_second: Callable[[], None] = lambda: None) -> None:
        """Receive until `stop`, across every loss of the connection; look for changed files in `each_second`."""
        keeping = asyncio.create_task(self.keep_connected(receiver))
        try:
            while not self.stopping.is_set():
                await self.read_all(receiver)
                if keeping.done():
                    keeping.result()  # raises: it ends by a fault of ours only
                has_worked = receiver.work()
                due_ms = receiver.settle()
                if receiver.time.now_ms() >= self.look_ms:
                    self.look_ms = receiver.time.now_ms() + LOOK_MS
                    each_second()
                if not has_worked:
                    await self.wait(due_ms)
            while receiver.has_waiting:
                receiver.work()
            receiver.commit()
            receiver.settle()
            while receiver.hand_on():
                pass
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            if self.publishing:
                await asyncio.wait(self.publishing, timeout=1)
            await self.uplink.close()
            await asyncio.gather(*self.publishing, return_exceptions=True)

    async def read_all(self, receiver: Receiver) -> None:
        """Let the connection hand over what has arrived, up to the first alarm."""
        for _ in range(READ_TURNS):
            before = receiver.arrival
            await asyncio.sleep(0)  # the selector finds a packet,
            await asyncio.sleep(0)  # and `keep_connected` takes it
            if receiver.arrival == before or receiver.urgent:
                return

    async def wait(self, most_ms: int) -> None:
        """Until something arrives, at most `most_ms`."""
        self.arrived.clear()
        if self.stopping.is_set():
            return
        try:
            async with asyncio.timeout(most_ms / 1000):
                await self.arrived.wait()
        except TimeoutError:
            pass

    async def keep_connected(self, receiver: Receiver) -> None:
        """Connect, receive until the connection ends, wait, and so on."""
        while True:
            since_ms = None
            try:
                await self.uplink.connect(self.topics)
                since_ms = receiver.time.now_ms()
                self.on_connection(None)
                receiver.connected()
                await self.receive(receiver)
            except HalError as error:
                self.on_connection(error)
            if since_ms is not None:
                self.backoff.held(receiver.time.now_ms() - since_ms)
            await asyncio.sleep(self.backoff.next_ms() / 1000)

    async def receive(self, receiver: Receiver) -> None:
        """Hand messages to the receiver. Raises HalError when the connection ends."""
        while True:
            message = await self.uplink.receive()
            receiver.receive(message.topic, message.payload, message.retained)
            self.arrived.set()
