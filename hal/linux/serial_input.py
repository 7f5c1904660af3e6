"""What has arrived on a serial line and waits to be read."""

import asyncio

from hal.errors import LinkLostError

CHUNK = 4096  # the most that one read returns
ENOUGH = 65_536  # bytes that may wait; beyond that the driver keeps them


class SerialInput:
    """Bytes in order; what came before a loss is handed out before the loss is told."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._bytes = bytearray()
        self._changed = asyncio.Event()
        self._lost: str | None = None

    @property
    def full(self) -> bool:
        """Whether more should stay where it is."""
        return len(self._bytes) >= ENOUGH

    @property
    def lost(self) -> bool:
        """Whether the line is gone."""
        return self._lost is not None

    def feed(self, data: bytes) -> None:
        """Bytes have arrived."""
        self._bytes += data
        self._changed.set()

    def end(self, reason: str) -> None:
        """The line is gone; the first reason stands."""
        if self._lost is None:
            self._lost = reason
        self._changed.set()

    async def get(self) -> bytes:
        """At least one byte, at most 4096."""
        while not self._bytes:
            self.check()
            self._changed.clear()
            await self._changed.wait()
        data = bytes(self._bytes[:CHUNK])
        del self._bytes[:CHUNK]
        return data

    def check(self) -> None:
        """Raise LinkLostError where the line is gone."""
        if self._lost is not None:
            raise LinkLostError(f"serial port {self._url} is gone: open it again when it is back", self._lost)
