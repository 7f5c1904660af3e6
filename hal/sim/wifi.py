"""The Wi-Fi of a simulated machine, the networks around it, and the one that it makes itself."""

from hal.errors import DeniedError, HalError, TimedOutError, UnavailableError
from hal.types import WifiSeen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.interfaces import Clock

JOIN_MS = 2_000  # as an access point takes


class SimWifi:
    """`Wifi` among `networks` (name to password, strength). The back door: `add`, `mute`, `there`, and what was joined."""

    def __init__(self, clock: "Clock", join_ms: int = JOIN_MS) -> None:
        self._clock = clock
        self._join_ms = join_ms
        self.networks: "dict[str, tuple[str, int]]" = {}
        self.muted: "list[str]" = []  # networks that never answer
        self.there = True
        self.joined = ""
        self.tries = 0

    def add(self, ssid: str, password: str, rssi_dbm: int = -50) -> None:
        """Another network in reach."""
        self.networks[ssid] = (password, rssi_dbm)

    async def scan(self) -> "list[WifiSeen]":
        self._check()
        await self._clock.sleep_ms(0)
        found = [WifiSeen(ssid, row[1], bool(row[0])) for ssid, row in self.networks.items()]
        return sorted(found, key=lambda each: -each.rssi_dbm)

    async def join(self, ssid: str, password: str, *, timeout_ms: int = 30_000) -> None:
        self._check()
        self.tries += 1
        if ssid in self.muted:
            await self._clock.sleep_ms(timeout_ms)
            raise TimedOutError("the network did not let us in in time: go closer to it, or try again")
        await self._clock.sleep_ms(self._join_ms)
        if ssid not in self.networks:
            raise UnavailableError("no such network is in reach: check its name, and go closer to it")
        if self.networks[ssid][0] != password:
            raise DeniedError("the network did not take the password: type it again")
        self.joined = ssid

    async def close(self) -> None:
        """Nothing is held."""

    def _check(self) -> None:
        if not self.there:
            raise UnavailableError("this machine has no Wi-Fi that is on: switch it on, or use a cable")


class SimAccessPoint:
    """`AccessPoint` of a simulated machine, by `INTERFACE`. The back door: `opened` (name, passphrase), `left` by a run before, `refusal`, `is_way`, `used`, `history`."""

    ADDRESS = "10.61.17.1"
    INTERFACE = "wlan0"

    def __init__(self, clock: "Clock", open_ms: int = JOIN_MS) -> None:
        self._clock = clock
        self._open_ms = open_ms
        self.there = True
        self.is_way: "bool | None" = False
        self.used = ""  # what was said to be the way, at the last opening
        self.muted = False
        self.refusal: "HalError | None" = None
        self.opened: "tuple[str, str] | None" = None
        self.left: "tuple[str, str] | None" = None
        self.history: "list[tuple[str, str]]" = []

    async def takes_way(self, used: str = "") -> bool | None:
        self._check()
        return True if used == self.INTERFACE else self.is_way

    async def open(self, ssid: str, passphrase: str, *, used: str = "", timeout_ms: int = 30_000) -> str:
        await self.close()
        self._check()
        await self._clock.sleep_ms(timeout_ms if self.muted else self._open_ms)
        if self.muted:
            raise TimedOutError("the access point did not open in time: try again, or use the local network")
        self.opened, self.used = (ssid, passphrase), used
        self.history.append(self.opened)
        return self.ADDRESS

    async def is_open(self) -> bool:
        return self.there and self.opened is not None

    async def close(self) -> None:
        self.opened = self.left = None

    async def release(self) -> None:
        self.opened = None

    def _check(self) -> None:
        if not self.there:
            raise UnavailableError("this machine has no Wi-Fi adapter: use the local network")
        if self.refusal is not None:
            raise self.refusal
