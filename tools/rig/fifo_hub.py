"""The negative control of the latency figures: a hub without lanes, where an alarm waits for all that is older.

    python -m tools.rig.fifo_hub run -c hub.toml --log-json [--clock-offset-s N]

It is `trygg run` with one method replaced. Never for a home.
"""

import sys

from gateway.core.outbox import URGENT_LANES
from gateway.hub.uplink import Delivery
from hal.types import LaneMark
from tools.rig import unsafe_hub


class FirstInFirstOut(Delivery):
    """Shows the outbox no alarm while anything else waits to be sent."""

    def marks(self) -> list[LaneMark]:
        """Where all lanes stand, alarms hidden behind what is older."""
        marks, lanes = super().marks(), self.outbox.lanes
        others = [number for number in range(len(marks)) if number not in URGENT_LANES]
        if any(marks[number].last > lanes[number].sent for number in others):
            for number in URGENT_LANES:
                mark = marks[number]
                seen = max(mark.first - 1, min(mark.last, lanes[number].sent))
                marks[number] = LaneMark(mark.first, mark.before, seen, mark.chain)
        return marks


if __name__ == "__main__":
    sys.exit(unsafe_hub.main(delivery=FirstInFirstOut))
