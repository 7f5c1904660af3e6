"""The way out of a board: one Wi-Fi interface, kept up."""

from hal.types import NetworkPath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.interfaces import Clock

NAME = "wlan0"
LOOK_MS = 5_000
TRY_MS = 30_000  # an access point has so long to let us in
NO_ADDRESS = "0.0.0.0"  # noqa: S104  what the driver says before it has one


class WifiNetwork:
    """`Network` over a `network.WLAN` in station mode. `await keep(...)` runs for ever and joins again where it was lost.

    joined: how often it began to join. known: name and password of the network, None for none. is_lent: somebody else
    (`hal.esp32.wifi_join`) tries a network now, and nothing is joined meanwhile.
    """

    def __init__(self, wlan: "Any", clock: "Clock") -> None:
        self.joined = 0
        self.known: "tuple[str, str] | None" = None
        self.is_lent = False
        self.wlan = wlan
        self.clock = clock
        self._waited_ms = TRY_MS

    def paths(self) -> "list[NetworkPath]":
        up = bool(self.wlan.isconnected())
        address = self.wlan.ifconfig()[0] if up else None
        if address == NO_ADDRESS:
            up, address = False, None
        return [NetworkPath(NAME, "wifi", up, address, routed=up)]

    async def keep(self, name: str = "", password: str = "") -> None:
        """Join, and join again. A driver that refuses is asked again at the next look: there is no other way out.

        Without a name: what is known, once something is.
        """
        if name:
            self.known = (name, password)
        self._waited_ms = TRY_MS
        while True:
            if self.is_lent or self.known is None or self.paths()[0].up:
                self._waited_ms = TRY_MS
            elif self._waited_ms >= TRY_MS:
                self._join(self.known)
                self._waited_ms = 0
            else:
                self._waited_ms += LOOK_MS
            await self.clock.sleep_ms(LOOK_MS)

    def _join(self, known: "tuple[str, str]") -> None:
        self.joined += 1
        try:
            self.wlan.active(True)
            self.wlan.disconnect()  # the driver refuses to connect while an attempt stands
            self.wlan.connect(known[0], known[1])
        except OSError:
            pass
