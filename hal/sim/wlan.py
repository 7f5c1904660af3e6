"""`network.WLAN` of a simulated board, and the access points around it: what `hal/esp32/wifi*.py` asks.

Without access points it joins whatever it is told to. With some (`add`) it tells why it was not let in, in the driver's numbers, and
only after it has been asked a few times: an access point takes a moment.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

IDLE, CONNECTING, GOT_IP = 1000, 1001, 1010
NO_AP_FOUND, HANDSHAKE_TIMEOUT = 201, 15
LOOKS = 2  # at its state, before an access point has made up its mind
NO_DEVICE = 0x3001
OPEN, WPA2 = 0, 3


class SimWlan:
    """The driver. `networks`: name to (password, strength); None where anything is joined. muted: networks that never answer.

    there: whether the chip answers. reconnects: as it was last set.
    """

    def __init__(self) -> None:
        self.up = False
        self.there = True
        self.networks: "dict[str, tuple[str, int]] | None" = None
        self.muted: "list[str]" = []
        self.joined = ""
        self.reconnects = -1
        self.searched = 0
        self._wanted: "tuple[str, str] | None" = None
        self._looks = 0
        self._reason = 0

    def add(self, name: str, password: str, rssi_dbm: int) -> None:
        """An access point; an empty password is an open one."""
        if self.networks is None:
            self.networks = {}
        self.networks[name] = (password, rssi_dbm)

    # --- the driver's face -----------------------------------------------------------------------------------------

    def active(self, is_active: "bool | None" = None) -> bool:
        self._check()
        return True

    def isconnected(self) -> bool:
        self._look()
        return self.up

    def ifconfig(self) -> "tuple[str, ...]":
        return ("192.0.2.2", "255.255.255.0", "192.0.2.1", "192.0.2.1")

    def config(self, **settings: int) -> None:
        self._check()
        self.reconnects = settings.get("reconnects", self.reconnects)

    def scan(self) -> "list[tuple[Any, ...]]":
        """As the driver: the same name once for each access point, and nameless ones."""
        self._check()
        self.searched += 1
        found: "list[tuple[Any, ...]]" = [
            (b"", bytes(6), 1, -30, WPA2, True),
            (b"\xff\xfe", bytes(6), 1, -31, OPEN, False),
        ]
        for name, (password, rssi_dbm) in (self.networks or {}).items():
            for weaker in (10, 0):
                sort = WPA2 if password else OPEN
                found.append((name.encode(), bytes(6), 6, rssi_dbm - weaker, sort, False))
        return found

    def disconnect(self) -> None:
        self._check()
        self.up, self.joined, self._wanted = False, "", None

    def connect(self, name: str, password: str) -> None:
        self._check()
        self._wanted, self._looks, self._reason = (name, password), LOOKS, 0
        if self.networks is None:
            self.up, self.joined = True, name

    def status(self) -> int:
        self._look()
        if self.up:
            return GOT_IP
        if self._wanted is not None and not (self._reason and self.reconnects >= 0):
            return CONNECTING
        return self._reason or IDLE

    # --- inside ----------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        if not self.there:
            raise OSError(NO_DEVICE)

    def _look(self) -> None:
        if self._wanted is None or self.up or self.networks is None:
            return
        self._looks -= 1
        name, password = self._wanted
        if self._looks > 0 or name in self.muted:
            return
        if name not in self.networks:
            self._reason = NO_AP_FOUND
        elif self.networks[name][0] != password:
            self._reason = HANDSHAKE_TIMEOUT
        else:
            self.up, self.joined, self._reason = True, name, 0
