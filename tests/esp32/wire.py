"""A stream between a connection and a scripted broker, in memory."""

import asyncio

from hal.esp32 import mqtt_packets as packets


class Wire:
    """What `hal.esp32.mqtt_link` takes for a stream; the other methods are the broker's.

    blocked: writes do not end. dead: reads bring nothing, as over a path that swallows.
    """

    def __init__(self):
        self.sent = []
        self.blocked = False
        self.closed = False
        self.last = b""
        self.failure = None
        self._incoming = bytearray()
        self._over = False
        self._arrived = asyncio.Event()
        self._unblocked = asyncio.Event()

    async def read(self):
        while not self._incoming:
            if self.failure is not None:
                raise self.failure
            if self._over:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data, self._incoming = bytes(self._incoming), bytearray()
        return data

    async def write(self, data):
        while self.blocked:
            self._unblocked.clear()
            await self._unblocked.wait()
        self.sent.append(bytes(data))
        await asyncio.sleep(0)

    def close(self, last=b""):
        self.closed, self.last = True, last

    def say(self, data):
        self._incoming.extend(data)
        self._arrived.set()

    def hang_up(self):
        self._over = True
        self._arrived.set()

    def fail(self, error):
        self.failure = error
        self._arrived.set()

    def unblock(self):
        self.blocked = False
        self._unblocked.set()

    def heard(self):
        """Packets that came from the connection since the last call."""
        data, self.sent = b"".join(self.sent), []
        return list(packets.Framer(100_000).feed(data))
