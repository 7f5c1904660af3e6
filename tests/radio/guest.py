"""Runs in the virtual machine, on its own Python: connects to a peripheral, prints its features, hangs up."""

import asyncio
import sys
import tempfile
from pathlib import Path

from hal.linux.bluez import BluezRadio
from hal.linux.central import BleakBleCentral
from hal.linux.clock import SystemClock


async def life(address: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        radio = BluezRadio(Path(folder) / "levels.json")
        connection = await BleakBleCentral(SystemClock(), radio).connect(address)
        print((await connection.read("2a60")).hex())
        await connection.disconnect()
        await radio.close()


if __name__ == "__main__":
    asyncio.run(life(sys.argv[1]))
