"""The radio that the operating system drives: BlueZ."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bleak.backends.device import BLEDevice
from dbus_fast import Variant

from hal.errors import HalError, UnavailableError
from hal.linux.agent import PATH, PairingAgent
from hal.linux.bluez_bus import ADAPTER, CHARACTERISTIC, DEVICE, BluezBus
from hal.linux.finish import finish
from hal.linux.native_errors import native_errors
from hal.linux.pairing_talk import PairingTalk
from hal.linux.private_file import read_text, replace_text
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK

log = logging.getLogger(__name__)

MANAGER = "org.bluez.AgentManager1"


class BluezRadio:
    """A `Radio` on bluetoothd, which keeps the bonds itself.

    It does not say how a bond was made, so that is kept in the file `levels`. A bond that is not there, made by
    another program, counts as weak.
    """

    scanner_backend = None
    client_backend = None

    def __init__(
        self, levels: Path, *, adapter_name: str | None = None, bus_address: str | None = None
    ) -> None:
        self.adapter_name = adapter_name
        self._path = levels
        self._bus = BluezBus(bus_address, self._on_lost)
        self._watchers: list[Callable[[str], None]] = []
        self._pairing = asyncio.Lock()
        self._discovery = asyncio.Lock()
        self._seekers = 0

    async def ready(self) -> None:
        """See that there is an adapter and that it is on."""
        await self._adapter()

    def on_lost(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call `callback` with the reason each time the adapter goes away; returns how to stop that."""
        self._watchers.append(callback)

        def stop() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)

        return stop

    async def locate(self, address: str) -> BLEDevice:
        """Bluetoothd's object for the peripheral; what it does not know yet is discovered.

        Bleak would discover over the connection to the bus that our scanner uses, and bluetoothd allows each
        connection one discovery.
        """
        found = await self._find(address)
        if found is None:
            async with self._discovering():
                while found is None:
                    self._bus.news.clear()
                    found = await self._find(address)
                    if found is None:
                        await self._adapter()  # without one nothing would ever be found
                        await self._bus.news.wait()
        path, properties = found
        return BLEDevice(address, properties.get("Name"), {"path": path, "props": properties})

    async def served(self, address: str) -> int:
        """Characteristics that bluetoothd knows: asking makes it tell everybody first what it has not told yet."""
        found = await self._find(address)
        if found is None:
            return 0
        with native_errors(address):
            objects = await self._bus.objects()
        return sum(
            CHARACTERISTIC in each for path, each in objects.items() if path.startswith(found[0] + "/")
        )

    async def bond(self, address: str) -> int:
        """Level of the bond that bluetoothd has stored."""
        found = await self._find(address)
        if found is None or not found[1].get("Paired"):
            return BOND_NONE
        return (await self._levels()).get(address.upper(), BOND_WEAK)

    async def bonds(self) -> dict[str, int]:
        """Address and level of every bond that bluetoothd has stored for our adapter."""
        with native_errors("the adapter"):
            objects = await self._bus.objects()
        levels = await self._levels()
        found = [each.get(DEVICE, {}) for path, each in sorted(objects.items()) if self._is_ours(path)]
        names = [str(device.get("Address", "")).upper() for device in found if device.get("Paired")]
        return {name: levels.get(name, BOND_WEAK) for name in names}

    @asynccontextmanager
    async def answering(self, address: str, talk: PairingTalk) -> AsyncIterator[None]:
        """While inside, pairing with `address` is answered; leaving without an error remembers its level."""
        async with self._pairing:
            agent = PairingAgent(address, talk)
            await self._bus.export(PATH, agent)
            try:
                with native_errors(address):
                    await self._bus.call("/org/bluez", MANAGER, "RegisterAgent", "os", PATH, agent.capability)
                    # Pair() comes from bleak's connection to the bus, so only the default agent is asked.
                    await self._bus.call("/org/bluez", MANAGER, "RequestDefaultAgent", "o", PATH)
                yield
                level = BOND_AUTHENTICATED if talk.authenticated else BOND_WEAK
                await self._remember(address, level)
            finally:
                await self._unregister()

    async def forget(self, address: str) -> None:
        """Delete the bond, here and in bluetoothd; no error where there is none."""
        await self._remember(address, BOND_NONE)
        found = await self._find(address)
        if found is not None:
            path = found[0]
            with native_errors(address):
                await self._bus.call(path.rsplit("/", 1)[0], ADAPTER, "RemoveDevice", "o", path)

    async def close(self) -> None:
        """Hang up from the message bus."""
        await self._bus.close()

    async def _adapter(self) -> str:
        with native_errors("the adapter"):
            objects = await self._bus.objects()
        adapters = {
            path: each[ADAPTER]
            for path, each in sorted(objects.items())
            if ADAPTER in each and self._is_ours(path + "/")
        }
        for path, properties in adapters.items():
            if properties.get("Powered"):
                return path
        if adapters:
            raise UnavailableError("the Bluetooth adapter is off: switch it on (bluetoothctl power on)")
        name = self.adapter_name or ""
        raise UnavailableError(f"no Bluetooth adapter {name}".rstrip() + ": check that it is plugged in")

    def _is_ours(self, path: str) -> bool:
        """Whether an object is of the adapter that we are to use."""
        return self.adapter_name is None or path.startswith(f"/org/bluez/{self.adapter_name}/")

    async def _find(self, address: str) -> tuple[str, dict[str, Any]] | None:
        """Object path and properties of the device, where bluetoothd knows it."""
        with native_errors(address):
            objects = await self._bus.objects()
        for path, interfaces in sorted(objects.items()):
            properties = interfaces.get(DEVICE, {})
            if self._is_ours(path) and str(properties.get("Address", "")).upper() == address.upper():
                return path, properties
        return None

    @asynccontextmanager
    async def _discovering(self) -> AsyncIterator[None]:
        """While somebody is inside, bluetoothd discovers for us."""
        adapter = await self._adapter()
        try:
            await finish(self._begin_discovery(adapter))
            yield
        finally:
            await finish(self._end_discovery(adapter))

    async def _begin_discovery(self, adapter: str) -> None:
        async with self._discovery:
            self._seekers += 1
            if self._seekers == 1:
                with native_errors("the adapter"):
                    le_only = {"Transport": Variant("s", "le")}
                    await self._bus.call(adapter, ADAPTER, "SetDiscoveryFilter", "a{sv}", le_only)
                    await self._bus.call(adapter, ADAPTER, "StartDiscovery")

    async def _end_discovery(self, adapter: str) -> None:
        async with self._discovery:
            self._seekers -= 1
            if self._seekers == 0:
                try:
                    with native_errors("the adapter"):
                        await self._bus.call(adapter, ADAPTER, "StopDiscovery")
                except HalError as error:
                    log.info("the discovery ended with its adapter: %s", error)

    async def _unregister(self) -> None:
        try:
            with native_errors("the adapter"):
                await self._bus.call("/org/bluez", MANAGER, "UnregisterAgent", "o", PATH)
        except HalError as error:
            log.info("bluetoothd has already let go of the agent: %s", error)
        self._bus.unexport(PATH)

    async def _levels(self) -> dict[str, int]:
        text = await asyncio.to_thread(read_text, self._path)
        try:
            return {str(address): int(level) for address, level in json.loads(text or "{}").items()}
        except (ValueError, AttributeError, TypeError) as error:
            log.warning("%s does not read; bonds count as weak: %s", self._path, error)
            return {}

    async def _remember(self, address: str, level: int) -> None:
        levels = await self._levels()
        before = dict(levels)
        levels.pop(address.upper(), None)
        if level != BOND_NONE:
            levels[address.upper()] = level
        if levels != before:
            await finish(asyncio.to_thread(replace_text, self._path, json.dumps(levels, sort_keys=True)))

    def _on_lost(self, reason: str) -> None:
        for watcher in list(self._watchers):
            watcher(reason)
