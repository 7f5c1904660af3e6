"""A path to a broker that counts what a gateway says in TLS: records by their sort, which are plain to see in TLS 1.2.

    async with RecordCounter(broker_port) as counter:
        ...                                   # the gateway's broker is 127.0.0.1:counter.port
        counter.records.get(APPLICATION, 0)   # 0: no byte of a message has left it

Source: RFC 5246, 6.2.1.
"""

import asyncio
import contextlib
from collections import Counter
from types import TracebackType
from typing import Self

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION = 20, 21, 22, 23
HEADER = 5
HOST = "127.0.0.1"


class RecordCounter:
    """`records`: how many of each sort went from the gateway to the broker; `opened`: connections that were made."""

    def __init__(self, target_port: int) -> None:
        self.records: Counter[int] = Counter()
        self.opened = 0
        self.port = 0
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None, "entered"
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        task = asyncio.current_task()
        assert task is not None, "a callback of the server"
        self._tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            broker_reader, broker_writer = await asyncio.open_connection(HOST, self._target_port)
            back = asyncio.create_task(copy(broker_reader, writer))
            try:
                await self._count(reader, broker_writer)
                await back
            finally:
                back.cancel()
                writer.close()
                broker_writer.close()
        self._tasks.discard(task)

    async def _count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Record by record, until the gateway ends."""
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                header = await reader.readexactly(HEADER)
                body = await reader.readexactly(int.from_bytes(header[3:], "big"))
                self.records[header[0]] += 1
                writer.write(header + body)
                await writer.drain()
        writer.write_eof()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the broker ends."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
