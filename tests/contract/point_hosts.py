"""Machines that can be an access point: the hosts of `hal.provisioning.AccessPoint`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from hal.linux.access_point import NetworkManagerAccessPoint
from hal.provisioning import AccessPoint
from hal.sim.wifi import SimAccessPoint
from tests.contract.air_hosts import MonotonicClock
from tests.private_bus import private_bus
from tools.simulators.network_manager import NetworkManager


class PointHost(Protocol):
    """One machine, and what is in its air."""

    point: AccessPoint

    def on_air(self) -> tuple[str, str] | None:
        """Name and passphrase of the network that it makes."""
        ...

    async def noticed(self) -> None:
        """Whatever manages the Wi-Fi has noticed who is there."""
        ...

    def take_away(self) -> None:
        """The machine has no Wi-Fi any more."""
        ...

    def mute(self) -> None:
        """Nothing comes of what is asked."""
        ...

    def is_way(self) -> None:
        """The machine reaches others by its Wi-Fi."""
        ...

    def may_be_way(self) -> None:
        """It is joined to a network, and something else has the default route."""
        ...

    async def again(self) -> AccessPoint:
        """That of the next process, after this one was killed."""
        ...


class SimPointHost:
    """The simulated machine."""

    def __init__(self) -> None:
        self.sim = SimAccessPoint(MonotonicClock(), open_ms=1)
        self.point: AccessPoint = self.sim

    def on_air(self) -> tuple[str, str] | None:
        return self.sim.opened or self.sim.left

    async def noticed(self) -> None:
        pass

    def take_away(self) -> None:
        self.sim.there = False

    def mute(self) -> None:
        self.sim.muted = True

    def is_way(self) -> None:
        self.sim.is_way = True

    def may_be_way(self) -> None:
        self.sim.is_way = None

    async def again(self) -> AccessPoint:
        self.sim.left, self.sim.opened = self.sim.opened, None
        return self.sim


class NetworkManagerPointHost:
    """Our side of NetworkManager, and a stand-in for it, on a message bus of their own."""

    def __init__(self, manager: NetworkManager, address: str) -> None:
        self.manager, self._address = manager, address
        self.point: AccessPoint = self._new()

    def _new(self) -> NetworkManagerAccessPoint:
        return NetworkManagerAccessPoint(self._address, lambda: ["192.168.1.20"])

    def on_air(self) -> tuple[str, str] | None:
        opened = self.manager.opened
        if opened is None:
            return None
        return opened["802-11-wireless"]["ssid"].value.decode(), opened["802-11-wireless-security"][
            "psk"
        ].value

    async def noticed(self) -> None:
        another = self._new()  # the bus tells who left before it hands on what comes later
        await another.takes_way()
        await another.release()

    def take_away(self) -> None:
        self.manager.has_wifi = False

    def mute(self) -> None:
        self.manager.mute = "ap"

    def is_way(self) -> None:
        self.manager.join_at_start("Hjemme")

    def may_be_way(self) -> None:
        self.manager.join_at_start("Hjemme")
        self.manager.has_way = True

    async def again(self) -> AccessPoint:
        self.manager.binds = False  # one that does not notice who leaves
        await self.point.release()
        self.point = self._new()
        return self.point


@asynccontextmanager
async def sim_point(_folder: Path) -> AsyncIterator[PointHost]:
    yield SimPointHost()


@asynccontextmanager
async def network_manager_point(folder: Path) -> AsyncIterator[PointHost]:
    async with private_bus(folder) as address:
        manager = NetworkManager(address)
        await manager.start()
        host = NetworkManagerPointHost(manager, address)
        try:
            yield host
        finally:
            await host.point.release()
            await manager.stop()
