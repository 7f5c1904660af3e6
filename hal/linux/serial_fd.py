"""A serial port that has a file descriptor: the event loop says when it can be read or written."""

import asyncio
import os

import serial

from hal.linux.serial_input import CHUNK, SerialInput


class FdSerialPort:
    """`SerialPort` on a descriptor that pyserial has set up. Writers take turns, each with all of its bytes."""

    def __init__(self, native: serial.SerialBase, descriptor: int, url: str) -> None:
        self._native = native
        self._descriptor = descriptor
        self._input = SerialInput(url)
        self._writing = asyncio.Lock()
        self._writable = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        os.set_blocking(descriptor, False)
        self._reading = True
        self._loop.add_reader(descriptor, self._on_readable)

    async def read(self) -> bytes:
        """At least one byte, at most 4096."""
        data = await self._input.get()
        if not self._reading and not self._input.lost and not self._input.full:
            self._reading = True
            self._loop.add_reader(self._descriptor, self._on_readable)
        return data

    async def write(self, data: bytes) -> None:
        """All of `data`, or LinkLostError."""
        async with self._writing:
            rest = memoryview(data)
            while rest:
                self._input.check()
                try:
                    rest = rest[os.write(self._descriptor, rest) :]
                except BlockingIOError:
                    await self._until_writable()
                except OSError as error:
                    self._lose(str(error))
            self._input.check()

    async def close(self) -> None:
        """Let go of the port; no error where it is gone."""
        self._lose("closed here")
        # Closing a UART may wait until what was written has left it.
        await asyncio.to_thread(self._native.close)

    def _on_readable(self) -> None:
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return
        except OSError as error:  # EIO: the far end of a pseudo-terminal or the USB adapter went away
            self._lose(str(error))
            return
        if not data:
            self._lose("hang-up")
            return
        self._input.feed(data)
        if self._input.full:
            self._stop_reading()

    async def _until_writable(self) -> None:
        self._writable.clear()
        self._loop.add_writer(self._descriptor, self._writable.set)
        try:
            await self._writable.wait()
        finally:
            if not self._input.lost:
                self._loop.remove_writer(self._descriptor)

    def _lose(self, reason: str) -> None:
        if not self._input.lost:
            self._stop_reading()
            self._loop.remove_writer(self._descriptor)
        self._input.end(reason)
        self._writable.set()

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._descriptor)
