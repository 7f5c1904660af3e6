"""The negative control of the bytes on the wire: a hub that sends each event in a message of its own.

    python -m tools.rig.lone_hub run -c hub.toml --log-json [--clock-offset-s N]

It is `trygg run` with one limit replaced. Never for a home.
"""

import sys

from gateway.hub.uplink import Delivery
from hal.types import LaneMark
from tools.rig import unsafe_hub


class OneByOne(Delivery):
    """Bundles of one event."""

    def marks(self) -> list[LaneMark]:
        """Where all lanes stand; called before each bundle is cut."""
        self.outbox.bundle_limit = lambda: 1  # type: ignore[method-assign]
        return super().marks()


if __name__ == "__main__":
    sys.exit(unsafe_hub.main(delivery=OneByOne))
