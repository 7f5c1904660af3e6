"""Another network for a board: what is in reach, and one that is tried before it is kept. Portable.

A search holds up everything for two to three seconds, for the driver has no other: it is made when a person asks for it, and no more often.
What tells why a network did not let us in are the driver's numbers. Sources: MicroPython 1.28, ports/esp32/network_wlan.c; ESP-IDF,
esp_wifi_types.h, wifi_err_reason_t. The error's `detail` holds such a number and no name.
"""

from hal.errors import DeniedError, TimedOutError, UnavailableError
from hal.types import WifiSeen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hal.errors import HalError
    from hal.esp32.wifi import WifiNetwork

LOOK_MS = 200
TRIES_AGAIN = 2  # of the driver by itself, before it says why
FOR_EVER = -1
LONGEST_NAME = 32
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 64  # a passphrase of WPA2, or a key as 64 digits
CONNECTING, IDLE, GOT_IP = 1001, 1000, 1010
WRONG_PASSWORD = (2, 15, 202, 204)  # AUTH_EXPIRE, 4WAY_HANDSHAKE_TIMEOUT, AUTH_FAIL, HANDSHAKE_TIMEOUT
NOT_FOUND = (201, 210, 211, 212)  # NO_AP_FOUND and its three sorts
NO_WIFI = "this machine has no Wi-Fi that is on: switch it on, or use a cable"
NOT_TAKEN = "the network did not take the password: type it again"
NO_NETWORK = "no such network is in reach: check its name, and go closer to it"
LATE = "the network did not let us in in time: go closer to it, or try again"
NOT_LET_IN = "the network did not let us in: go closer to it, or try again"


class BoardWifi:
    """`Wifi` over the network of a board. `keep(name, password)` makes it the one for every start; it raises OSError."""

    def __init__(self, network: "WifiNetwork", keep: "Callable[[str, str], None]") -> None:
        self._network = network
        self._keep = keep

    async def scan(self) -> "list[WifiSeen]":
        """Networks in reach, each name once, the strongest first."""
        self._switch_on()
        try:
            found: "list[Any]" = self._network.wlan.scan()
        except OSError as error:
            raise UnavailableError(NO_WIFI, str(error))
        best: "dict[str, WifiSeen]" = {}
        for row in found:
            seen = seen_of(row)
            if seen is not None and (seen.ssid not in best or best[seen.ssid].rssi_dbm < seen.rssi_dbm):
                best[seen.ssid] = seen
        return sorted(best.values(), key=lambda each: -each.rssi_dbm)

    async def join(self, ssid: str, password: str, *, timeout_ms: int = 30_000) -> None:
        """Join a network and keep it; what was joined before comes back where it does not come about."""
        network = self._network
        self._switch_on()
        if not 0 < len(ssid.encode()) <= LONGEST_NAME:
            raise UnavailableError(NO_NETWORK)
        if password and not SHORTEST_PASSWORD <= len(password.encode()) <= LONGEST_PASSWORD:
            raise DeniedError(NOT_TAKEN)
        network.is_lent, has_let_in = True, False
        try:
            self._begin(ssid, password)
            await self._let_in(timeout_ms)
            self._store(ssid, password)
            network.known, has_let_in = (ssid, password), True
        finally:
            network.is_lent = False
            self._end(has_let_in)

    async def close(self) -> None:
        """Nothing is held."""

    def _switch_on(self) -> None:
        try:
            self._network.wlan.active(True)
        except OSError as error:
            raise UnavailableError(NO_WIFI, str(error))

    def _begin(self, ssid: str, password: str) -> None:
        wlan = self._network.wlan
        try:
            wlan.disconnect()
            wlan.config(reconnects=TRIES_AGAIN)
            wlan.connect(ssid, password)
        except OSError as error:
            raise UnavailableError(NOT_LET_IN, str(error))

    async def _let_in(self, timeout_ms: int) -> None:
        clock, wlan = self._network.clock, self._network.wlan
        end_ms = clock.uptime_ms() + timeout_ms
        while not self._network.paths()[0].up:
            status = wlan.status()
            if status not in (CONNECTING, IDLE, GOT_IP):
                raise refusal(status)
            left_ms = end_ms - clock.uptime_ms()
            if left_ms <= 0:
                raise TimedOutError(LATE)
            await clock.sleep_ms(min(LOOK_MS, left_ms))

    def _store(self, ssid: str, password: str) -> None:
        try:
            self._keep(ssid, password)
        except OSError as error:
            raise UnavailableError("the network could not be kept in the flash: try again", str(error))

    def _end(self, has_let_in: bool) -> None:
        """The driver as it was; a network that did not let us in is left, and `WifiNetwork.keep` goes back to the one before."""
        try:
            self._network.wlan.config(reconnects=FOR_EVER)
            if not has_let_in:
                self._network.wlan.disconnect()
        except OSError:
            pass


def refusal(status: int) -> "HalError":
    """Why a network did not let us in."""
    if status in WRONG_PASSWORD:
        return DeniedError(NOT_TAKEN, str(status))
    if status in NOT_FOUND:
        return UnavailableError(NO_NETWORK, str(status))
    return UnavailableError(NOT_LET_IN, str(status))


def seen_of(row: "tuple[Any, ...]") -> "WifiSeen | None":
    """A network of the driver's: name, address, channel, strength, security, hidden. None where it has no name, or none that is text."""
    try:
        name = str(bytes(row[0]), "utf-8")
    except UnicodeError:
        return None
    return WifiSeen(name, row[3], row[4] != 0) if name.strip("\0") else None
