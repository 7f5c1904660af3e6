"""A serial port without a file descriptor: a thread reads it."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import serial

from hal.linux.serial_input import CHUNK, SerialInput

PATIENCE_S = 0.1  # how long one read of the thread waits, and so how long a close may take


class ThreadSerialPort:
    """`SerialPort` on whatever pyserial can read with a time-out, which `native` has been given (`PATIENCE_S`)."""

    def __init__(self, native: serial.SerialBase, url: str) -> None:
        self._native = native
        self._input = SerialInput(url)
        self._writing = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read_on, name=f"serial {url}", daemon=True)
        self._thread.start()

    async def read(self) -> bytes:
        """At least one byte, at most 4096."""
        return await self._input.get()

    async def write(self, data: bytes) -> None:
        """All of `data`, or LinkLostError."""
        async with self._writing:
            self._input.check()
            try:
                await asyncio.to_thread(self._native.write, data)
            except OSError as error:  # serial.SerialException is one
                self._input.end(str(error))
            self._input.check()

    async def close(self) -> None:
        """Let go of the port; no error where it is gone."""
        self._input.end("closed here")
        self._closing.set()
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._native.close)

    def _read_on(self) -> None:
        while not self._closing.is_set():
            try:
                data = self._native.read(min(max(1, getattr(self._native, "in_waiting", 0)), CHUNK))
            except OSError as error:
                self._tell(self._input.end, str(error))
                return
            if data:
                self._tell(self._input.feed, data)

    def _tell(self, what: Callable[[Any], None], argument: object) -> None:
        try:
            self._loop.call_soon_threadsafe(what, argument)
        except RuntimeError:  # the loop has ended; nobody reads any more
            self._closing.set()
