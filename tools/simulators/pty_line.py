"""A serial cable as a pseudo-terminal: the far end, seen from the device that a virtual home plugs in.

    line = PtyLine(folder / "dispenser")
    line.put_back()                  # the gateway may open folder/dispenser now
    line.send(b"...")
    data = await line.read()
    line.pull()                      # hang-up: the name is gone, an open port is lost

It has the face of `hal.sim.line.SerialLine`, so that a simulated device runs on either.
"""

import asyncio
import os
import tty
from pathlib import Path

CHUNK = 4096


class PtyLine:
    """`path` becomes a link to the terminal that the gateway opens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._master: int | None = None
        self._slave: int | None = None
        self._received = bytearray()
        self._outgoing = bytearray()
        self._arrived = asyncio.Event()
        self.is_spoken_to = False  # whether a gateway has ever written something

    @property
    def plugged(self) -> bool:
        """Whether the cable is in."""
        return self._master is not None

    def put_back(self) -> None:
        """Plug the cable in; no error where it is in."""
        if self._master is not None:
            return
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        # Our own slave stays open: with none open, the master would report a hang-up before the gateway comes.
        self._master, self._slave = master, slave
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(slave))
        asyncio.get_running_loop().add_reader(master, self._on_readable)

    def pull(self) -> None:
        """Pull the cable out; no error where it is out."""
        if self._master is None or self._slave is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._master)
        loop.remove_writer(self._master)
        self._outgoing.clear()
        self.path.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = None

    def send(self, data: bytes) -> bool:
        """Bytes towards the gateway, as fast as the line takes them. False where the cable is out."""
        if self._master is None:
            return False
        self._outgoing += data
        self._on_writable()
        return True

    def received(self) -> bytes:
        """Take everything the gateway has written and nobody has taken."""
        data = bytes(self._received)
        self._received.clear()
        return data

    async def read(self) -> bytes:
        """Wait until the gateway has written something and take it."""
        while not self._received:
            self._arrived.clear()
            await self._arrived.wait()
        return self.received()

    def _on_readable(self) -> None:
        assert self._master is not None
        try:
            self._received += os.read(self._master, CHUNK)
        except BlockingIOError:
            return
        self.is_spoken_to = True
        self._arrived.set()

    def _on_writable(self) -> None:
        assert self._master is not None
        loop = asyncio.get_running_loop()
        try:
            del self._outgoing[: os.write(self._master, self._outgoing)]
        except BlockingIOError:
            pass
        if self._outgoing:
            loop.add_writer(self._master, self._on_writable)
        else:
            loop.remove_writer(self._master)
