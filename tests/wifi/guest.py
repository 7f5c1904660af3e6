"""Runs in the virtual machine, on its own Python, as the hub's user: our side of NetworkManager, until SIGTERM.

python3 -m tests.wifi.guest open NAME PASSPHRASE     # says the address, then serves what stands for the page
python3 -m tests.wifi.guest way                      # says whether the Wi-Fi is the way out
python3 -m tests.wifi.guest join NAME PASSWORD       # as Improv does
"""

import asyncio
import signal
import sys

from hal.errors import HalError
from hal.linux.access_point import NetworkManagerAccessPoint
from hal.linux.wifi import NetworkManagerWifi
from tests.wifi.air import PORT


async def serve(address: str) -> None:
    """What stands for the page, until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"the page")
        writer.close()

    async with await asyncio.start_server(answer, address, PORT):
        print(address, flush=True)
        await ended.wait()


async def life(act: str, *given: str) -> None:
    if act == "join":
        wifi = NetworkManagerWifi()
        await wifi.join(*given, timeout_ms=100_000)
        print("joined", flush=True)
        await wifi.close()
        return
    point = NetworkManagerAccessPoint()
    if act == "way":
        print(await point.takes_way(), flush=True)
    else:
        await serve(await point.open(*given, timeout_ms=100_000))
        await point.close()
    await point.release()


if __name__ == "__main__":
    try:
        asyncio.run(life(*sys.argv[1:]))
    except HalError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        sys.exit(1)
