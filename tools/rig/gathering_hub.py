"""The negative control of the latency of a hub with nothing else to do: it waits for what might go in the same bundle.

    python -m tools.rig.gathering_hub run -c hub.toml --log-json [--clock-offset-s N]

It is `trygg run` with one method replaced. Never for a home.
"""

import asyncio
import sys

from gateway.hub.uplink import Delivery
from tools.rig import unsafe_hub


class Gathering(Delivery):
    """Is woken late: good for the number of bundles, and a quarter of a second that each alarm waits."""

    GATHER_MS = 250

    def poke(self) -> None:
        """Something new is in the journal, and more may come."""
        self.gathering = asyncio.create_task(self.wake.alarm(self.GATHER_MS))


if __name__ == "__main__":
    sys.exit(unsafe_hub.main(delivery=Gathering))
