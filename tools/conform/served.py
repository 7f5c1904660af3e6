"""The reference dispenser, right or wrong in one thing, on a pseudo-terminal, as a program of its own.

    python -m tools.conform.served PATH [NAME]

PATH becomes a link to the terminal. SIGUSR1 takes its power away for half a second, SIGTERM ends it.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from time import time

from tools.conform.reference import BEAT_S, RIGHT, kind_of, lived
from tools.simulators.dispenser_pty import DispenserOnPty

OFF_MS = 500


def utc_ms() -> int:
    """This machine's time of day."""
    return int(time() * 1000)


async def serve(path: Path, name: str) -> None:
    """Until SIGTERM."""
    medium: dict[str, object] = {}
    lived(name, medium, os.urandom, DispenserOnPty.now_ms(), utc_ms())
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    kind = kind_of(name)
    async with DispenserOnPty(path, os.urandom, utc_ms, medium, kind=kind, beat_s=BEAT_S) as served:
        loop.add_signal_handler(signal.SIGTERM, gone.set)
        loop.add_signal_handler(signal.SIGUSR1, lambda: asyncio.ensure_future(served.power_cut(OFF_MS)))
        print("ready", flush=True)
        await gone.wait()


def main() -> int:
    """Exit status 0."""
    path, *names = sys.argv[1:]
    asyncio.run(serve(Path(path), names[0] if names else RIGHT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
