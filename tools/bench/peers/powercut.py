"""Power cuts: a store on a file system that forgets what was not synced, cut at a moment of chance."""

import asyncio
import contextlib
import os
import random
import subprocess
from pathlib import Path

from tools.bench.peers.events import LARGE
from tools.bench.peers.measure import OFFERED_PER_S, PACED, Loss, loss, until_accepted
from tools.bench.peers.peer import Peer
from tools.bench.peers.program import ROOT, ProgramError

PYTHON = ROOT / ".venv-peers" / "bin" / "python"
FUSE = Path("/dev/fuse")
CUT = "user.cut"
MOUNT_LIMIT_S = 10.0
LOOK_S = 0.02


def missing() -> str | None:
    """Why power cuts cannot be simulated here, or None."""
    if not FUSE.exists():
        return "no /dev/fuse"
    if os.geteuid() != 0:
        return "not root, who alone may mount without a helper"
    if not PYTHON.exists():
        return "no .venv-peers: make bench-peers makes it"
    probe = [str(PYTHON), "-c", "import mfusepy"]
    if subprocess.run(probe, capture_output=True, timeout=60, check=False).returncode:
        return "libfuse is not installed: apt-get install libfuse3-3"
    return None


class Disk:
    """One such file system."""

    def __init__(self, folder: Path) -> None:
        self.backing = folder / "backing"
        self.mount = folder / "disk"
        self.mount.mkdir(parents=True)
        self._process: asyncio.subprocess.Process | None = None

    async def on(self) -> None:
        """Mount what survived. Raises ProgramError."""
        arguments = ["-m", "tools.bench.peers.lazyfs", str(self.backing), str(self.mount)]
        self._process = await asyncio.create_subprocess_exec(
            str(PYTHON), *arguments, cwd=ROOT, stderr=asyncio.subprocess.DEVNULL, start_new_session=True
        )
        end = asyncio.get_running_loop().time() + MOUNT_LIMIT_S
        while not os.path.ismount(self.mount):  # noqa: ASYNC240 - the kernel tells nobody
            if self._process.returncode is not None or asyncio.get_running_loop().time() > end:
                raise ProgramError("the file system did not mount")
            await asyncio.sleep(LOOK_S)

    async def cut(self) -> None:
        """The power is gone, in the midst of whatever is being written."""
        with contextlib.suppress(OSError):  # it dies within the call
            await asyncio.to_thread(os.setxattr, self.mount, CUT, b"")
        await self.off()

    async def off(self) -> None:
        """End the process and take the dead mount away."""
        if self._process is None:
            return
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        unmount = await asyncio.create_subprocess_exec(
            "umount", "-l", str(self.mount), stderr=asyncio.subprocess.DEVNULL
        )
        await unmount.wait()
        self._process = None


async def cut(peer: Peer, folder: Path, chance: random.Random) -> Loss:
    """As `measure.kill`, with the power cut instead of the process."""
    disk = Disk(folder)
    store = peer.store(disk.mount)
    try:
        await disk.on()
        await store.start()
        await store.pace(0, PACED, OFFERED_PER_S, LARGE)
        await until_accepted(store, 100, chance)
        await disk.cut()
        await store.kill()
        await disk.on()
        return await loss(store)
    finally:
        await store.stop()
        await disk.off()
