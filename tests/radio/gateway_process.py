"""A gateway as a process of its own: `python -m tests.radio.gateway_process PORT BONDS ADDRESS`.

It plugs itself into a controller over TCP, connects with bonding, subscribes, and prints a line for what it reached
and for each value, until somebody kills it.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from hal.bumble.adapter import open_adapter
from hal.linux.central import BleakBleCentral
from tests.contract.air_hosts import MonotonicClock


def say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


async def main(port: str, bonds: str, address: str) -> None:
    adapter = open_adapter(f"tcp-client:127.0.0.1:{port}", Path(bonds))
    connection = await BleakBleCentral(MonotonicClock(), adapter).connect(address, pair=True)
    await connection.subscribe("2a5f")
    say(bond=connection.bond)
    while True:
        say(value=(await connection.receive()).value.hex())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
