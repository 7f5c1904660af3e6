"""Machines with Wi-Fi, and the networks around them: the hosts of `hal.provisioning.Wifi`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from hal.esp32.wifi import WifiNetwork
from hal.esp32.wifi_join import BoardWifi
from hal.linux.wifi import NetworkManagerWifi
from hal.provisioning import Wifi
from hal.sim.wifi import SimWifi
from hal.sim.wlan import SimWlan
from tests.contract import far_air
from tests.contract.air_hosts import MonotonicClock
from tests.contract.far_hosts import far_board
from tests.private_bus import private_bus
from tools.simulators.network_manager import NetworkManager


class WifiHost(Protocol):
    """One machine."""

    wifi: Wifi

    def add(self, ssid: str, password: str, rssi_dbm: int) -> None:
        """A network in reach; strengths are even numbers from -100 to -50."""
        ...

    def mute(self, ssid: str) -> None:
        """This network never answers."""
        ...

    def take_away(self) -> None:
        """The machine has no Wi-Fi any more."""
        ...

    def kept(self) -> list[str]:
        """Networks that it would join after a restart."""
        ...


class SimWifiHost:
    """The simulated machine."""

    def __init__(self) -> None:
        self.sim = SimWifi(MonotonicClock(), join_ms=1)
        self.wifi: Wifi = self.sim

    def add(self, ssid: str, password: str, rssi_dbm: int) -> None:
        self.sim.add(ssid, password, rssi_dbm)

    def mute(self, ssid: str) -> None:
        self.sim.muted.append(ssid)

    def take_away(self) -> None:
        self.sim.there = False

    def kept(self) -> list[str]:
        return [self.sim.joined] if self.sim.joined else []


class NetworkManagerHost:
    """Our side of NetworkManager, and a stand-in for it, on a message bus of their own."""

    def __init__(self, manager: NetworkManager, wifi: NetworkManagerWifi) -> None:
        self.manager = manager
        self.wifi: Wifi = wifi

    def add(self, ssid: str, password: str, rssi_dbm: int) -> None:
        self.manager.add(ssid, password, (rssi_dbm + 100) * 2)

    def mute(self, ssid: str) -> None:
        self.manager.mute = ssid

    def take_away(self) -> None:
        self.manager.has_wifi = False

    def kept(self) -> list[str]:
        return self.manager.saved


class BoardWifiHost:
    """A board's own, over a simulator of MicroPython's driver."""

    def __init__(self) -> None:
        self._wlan = SimWlan()
        self._wlan.networks = {}
        self._kept: list[str] = []
        self.wifi: Wifi = BoardWifi(WifiNetwork(self._wlan, MonotonicClock()), self._keep)

    def _keep(self, name: str, password: str) -> None:
        self._kept = [name]

    def add(self, ssid: str, password: str, rssi_dbm: int) -> None:
        self._wlan.add(ssid, password, rssi_dbm)

    def mute(self, ssid: str) -> None:
        self._wlan.muted.append(ssid)

    def take_away(self) -> None:
        self._wlan.there = False

    def kept(self) -> list[str]:
        return self._kept


class FarWifiHost:
    """The same on the board's interpreter, over its agent."""

    def __init__(self) -> None:
        board = far_board()
        board.faces.update({face.__name__: face for face in (BoardWifi, far_air.FarWifi)})
        self._far: Any = board.make("FarWifi")
        self.wifi: Wifi = self._far.wifi

    def add(self, ssid: str, password: str, rssi_dbm: int) -> None:
        self._far.add(ssid, password, rssi_dbm)

    def mute(self, ssid: str) -> None:
        self._far.mute(ssid)

    def take_away(self) -> None:
        self._far.take_away()

    def kept(self) -> list[str]:
        return list(self._far.kept())


@asynccontextmanager
async def board_wifi(_folder: Path) -> AsyncIterator[WifiHost]:
    yield BoardWifiHost()


@asynccontextmanager
async def far_board_wifi(_folder: Path) -> AsyncIterator[WifiHost]:
    yield FarWifiHost()


@asynccontextmanager
async def sim_wifi(_folder: Path) -> AsyncIterator[WifiHost]:
    yield SimWifiHost()


@asynccontextmanager
async def network_manager_wifi(folder: Path) -> AsyncIterator[WifiHost]:
    async with private_bus(folder) as address:
        manager, wifi = NetworkManager(address), NetworkManagerWifi(address)
        await manager.start()
        try:
            yield NetworkManagerHost(manager, wifi)
        finally:
            await wifi.close()
            await manager.stop()
