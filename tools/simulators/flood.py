"""Strangers who advertise without end, each packet from an address of its own, as a jammer with a cheap radio does.

    flood = Flood(link)
    flood.send()                      # one packet
    task = asyncio.create_task(flood.run(10_000))
    ... flood.sent

It looks like what it is for: sensors of the same sort as the home's, with frames that read as an alarm.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter

from bumble import hci
from bumble.core import AdvertisingData

from tools.simulators.controller import HomeController
from tools.simulators.link import HomeLink
from tools.simulators.pdus import NON_CONNECTABLE, SCANNABLE

UUID = bytes.fromhex("d2fc")  # BTHome, 0xFCD2 as it is on the air
SMOKE_DETECTED = bytes.fromhex("440001 2901")
RESPONSE = bytes(AdvertisingData([(AdvertisingData.Type.COMPLETE_LOCAL_NAME, b"Smoke")]))
TURN_S = 0.001  # packets are put on the air in bursts of a millisecond
LONGEST_BURST_S = 0.004  # of packets, where the machine had no time for shorter ones
STRANGER = "C5:"  # begins each of their addresses: static random ones (Core 5.4, Vol 6, Part B, 1.3.2.1)
ADDRESSES = 1 << 40


def stranger(number: int) -> str:
    """An address of nobody; there are 2 to the power of 40 of them."""
    return STRANGER + (number % ADDRESSES).to_bytes(5, "big").hex(":").upper()


class Flood:
    """One jammer in a `HomeLink`. `sent` counts packets; with `answers` each has a scan response."""

    def __init__(self, link: HomeLink, *, answers: bool = False) -> None:
        self.sent = 0
        self._kind = SCANNABLE if answers else NON_CONNECTABLE
        self._controller = HomeController("flood", link)
        self._data = bytes(
            AdvertisingData(
                [
                    (AdvertisingData.Type.FLAGS, b"\x06"),
                    (AdvertisingData.Type.SERVICE_DATA_16_BIT_UUID, UUID + SMOKE_DETECTED),
                ]
            )
        )

    def send(self, address: str | None = None) -> None:
        """One packet, from a stranger who was never heard before or from `address`."""
        name = stranger(self.sent) if address is None else address
        self.sent += 1
        self._controller.broadcast(self._kind, self._data, RESPONSE, hci.Address(name))

    async def run(self, per_s: int, has_room: Callable[[], bool] = lambda: True) -> None:
        """Send so many a second until cancelled, while whoever listens has room; what is missed is not made up for."""
        then, due = perf_counter(), 0.0
        while True:
            now = perf_counter()
            due, then = min(due + (now - then) * per_s, per_s * LONGEST_BURST_S), now
            while due >= 1 and has_room():
                self.send()
                due -= 1
            due = due % 1
            await asyncio.sleep(TURN_S)

    def stop(self) -> None:
        """Off the air."""
        self._controller.remove()
