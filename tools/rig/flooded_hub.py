"""A hub whose radio hears strangers without end: `trygg run`, and beside its radio a source of made-up receptions.

    python -m tools.rig.flooded_hub run -c hub.toml --log-json [--per-s N] [--everybody]

SIGUSR1 begins the flood: N times a second the function that bleak calls for each packet is called, each time with an
address that was never heard before. How many strangers were heard, whoever sent them, is printed as JSON lines.
`--everybody` is the control: its scanner is not told which devices are the home's own.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Collection
from time import perf_counter

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

import hal.linux.scanner
from gateway.hub.uplink import Delivery
from tools.rig import unsafe_hub
from tools.simulators.flood import SMOKE_DETECTED, STRANGER, stranger

SERVICE = "0000fcd2-0000-1000-8000-00805f9b34fb"
TURN_S = 0.001
TELL_S = 0.05
options = argparse.Namespace(per_s=0, everybody=False)


class Flooded(hal.linux.scanner.BleakBleScanner):
    """Counts strangers, and makes some."""

    strangers = 0
    telling: asyncio.Task[None] | None = None
    flooding: asyncio.Task[None] | None = None

    async def start(
        self, *, active: bool = False, known: Collection[str] | None = None, offering: str = ""
    ) -> None:
        """Begin to listen, and to wait for the signal."""
        known = None if options.everybody else known
        await super().start(active=active, known=known, offering=offering)
        if self.telling is None:
            loop = asyncio.get_running_loop()
            self.telling = loop.create_task(self.tell())
            loop.add_signal_handler(signal.SIGUSR1, self.begin)

    def begin(self) -> None:
        """The flood begins."""
        self.flooding = asyncio.get_running_loop().create_task(self.flood())

    async def flood(self) -> None:
        """Packets in bursts of a millisecond; what the machine was too busy for comes in one heap, as from a socket."""
        began, made = perf_counter(), 0
        data = AdvertisementData(None, {}, {SERVICE: SMOKE_DETECTED}, [], None, -60, ())
        while True:
            due = int((perf_counter() - began) * options.per_s)
            for number in range(made, due):
                self._heard(BLEDevice(stranger(number), None, None), data)
            made = due
            await asyncio.sleep(TURN_S)

    async def tell(self) -> None:
        """Print how many were heard."""
        while True:
            print(json.dumps({"strangers": self.strangers, "dropped": self.dropped}), flush=True)
            await asyncio.sleep(TELL_S)

    def _wants(self, address: str) -> bool:
        self.strangers += address.startswith(STRANGER)
        return super()._wants(address)


def main(argv: list[str]) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-s", type=int, default=0)
    parser.add_argument("--everybody", action="store_true")
    rest = parser.parse_known_args(argv, options)[1]
    hal.linux.scanner.BleakBleScanner = Flooded  # type: ignore[misc]
    return unsafe_hub.main(rest, delivery=Delivery)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
