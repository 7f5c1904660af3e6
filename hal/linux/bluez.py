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

from hal.errors import HalError, PairingError, UnavailableError
from hal.linux.agent import PATH, PairingAgent
from hal.linux.bluez_bus import ADAPTER, CHARACTERISTIC, DEVICE, BluezBus, Interfaces
from hal.linux.bluez_scanner import BluezScanner
from hal.linux.bond_keys import ANSWER_S, BondKeys
from hal.linux.bond_vetting import REFUSED, BondVetting
from hal.linux.finish import finish
from hal.linux.native_errors import native_errors
from hal.linux.pairing_talk import PairingTalk
from hal.linux.private_file import read_text, replace_text
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK

log = logging.getLogger(__name__)

MANAGER = "org.bluez.AgentManager1"
OLD_OR_SHORT = "{} pairs by the old method or with a short key: use another device"
STUCK = (
    "the bond with {} was refused and could not be deleted: restart bluetoothd (systemctl restart bluetooth)"
)
QUICK_S = 2.0  # spent on a key on the way of a connection: a cuff is awake for some seconds
TO_DELETE = BOND_NONE  # noted as the level of a bond that was refused, until it is gone


class BluezRadio:
    """A `Radio` on bluetoothd, which keeps the bonds itself.

    It does not say how a bond was made, so that is kept in the file `levels`. A bond that is not there, made by
    another program, counts as weak. How long a key is, `keys` tells; what becomes known of bonds goes to `vetting.tell`.
    """

    scanner_backend = BluezScanner
    client_backend = None

    def __init__(
        self,
        levels: Path,
        *,
        adapter_name: str | None = None,
        bus_address: str | None = None,
        keys: BondKeys | None = None,
    ) -> None:
        self.adapter_name = adapter_name
        self.vetting = BondVetting(keys or BondKeys())
        self._path = levels
        self._bus = BluezBus(bus_address, self._on_lost)
        self._watchers: list[Callable[[str], None]] = []
        self._pairing = asyncio.Lock()
        self._discovery = asyncio.Lock()
        self._seekers = 0
        self._unvetted: set[str] = set()  # paired by us, and nobody has looked at the key since
        self._cleared: set[str] = (
            set()
        )  # devices of which nothing is left that a process before this one began

    @property
    def takes_oob(self) -> bool:
        """There is none on bluetoothd's bus; the kernel's own command takes a right that the hub must not have."""
        return False

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
        await self._clear(path, properties)
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
        name, (adapter, names) = address.upper(), await self._paired(address)
        if name not in names:
            return BOND_NONE
        return self.vetting.level(adapter, name, (await self._levels()).get(name, BOND_WEAK))

    async def bonds(self) -> dict[str, int]:
        """Address and level of every bond that bluetoothd has stored for our adapter, without those that are to be deleted.

        Nobody is asked for keys here: this is on the way of each connection.
        """
        (adapter, names), levels = await self._paired("the adapter"), await self._levels()
        return {
            name: self.vetting.level(adapter, name, levels.get(name, BOND_WEAK))
            for name in names
            if levels.get(name) != TO_DELETE
        }

    async def survey(self) -> None:
        """Look at the keys of all bonds, with patience, and delete what was refused and is still there.

        A stored bond by a short key is told, not deleted: somebody relies on that device, and is not here.
        """
        (adapter, names), levels = await self._paired("the adapter"), await self._levels()
        for name in names:
            if levels.get(name) == TO_DELETE:
                await self._delete(name)
        kept = [name for name in names if levels.get(name) != TO_DELETE]
        await self.vetting.look(adapter, kept)
        for name in kept:
            self.vetting.say(adapter, name)

    async def vet(self, address: str, *, new: bool) -> None:
        """See what the key of the bond is, unless that is known; one that was just made must be whole, where that can be seen.

        Raises:
            PairingError: it is not; or it was not, and the bond could not be deleted since.
        """
        name, (adapter, names) = address.upper(), await self._paired(address)
        if name not in names:
            return
        if (await self._levels()).get(name) == TO_DELETE:
            if not await self._delete(name):
                raise PairingError(STUCK.format(address), reason=PairingError.KEY)
            return
        new = new or name in self._unvetted  # the pairing broke off before its key was looked at
        if self.vetting.is_settled(adapter, name) and not new:
            return
        await self.vetting.look(adapter, [name], within_s=ANSWER_S if new else QUICK_S)
        self._unvetted.discard(name)
        key = self.vetting.seen.get((adapter, name))
        if new and key is not None and not key.is_whole:
            await self._remember(address, TO_DELETE)
            detail = f"a key of {key.key_bytes} bytes"
            raise PairingError(OLD_OR_SHORT.format(address), detail, PairingError.KEY)
        self.vetting.say(adapter, name)

    @asynccontextmanager
    async def answering(self, address: str, talk: PairingTalk) -> AsyncIterator[None]:
        """While inside, pairing with `address` is answered; leaving without an error remembers its level."""
        async with self._pairing:
            self.vetting.drop(address.upper())
            self._unvetted.add(address.upper())
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
        name = address.upper()
        refused = (await self._levels()).get(name) == TO_DELETE
        if not refused:
            await self._remember(address, None)
        try:
            found = await self._find(address)
            if found is not None:
                path = found[0]
                with native_errors(address):
                    await self._bus.call(path.rsplit("/", 1)[0], ADAPTER, "RemoveDevice", "o", path)
        except HalError:
            if refused:
                self.vetting.tell(name, REFUSED, 0)
            raise
        await self._remember(address, None)
        self._unvetted.discard(name)
        self.vetting.forget(name)

    async def close(self) -> None:
        """Hang up from the message bus."""
        await self._bus.close()

    async def _adapter(self) -> str:
        with native_errors("the adapter"):
            objects = await self._bus.objects()
        path = self._ours(objects)
        if path and objects[path][ADAPTER].get("Powered"):
            return path
        if path:
            name = path.rpartition("/")[2]
            raise UnavailableError(
                f"the Bluetooth adapter {name} is off: switch it on (sudo btmgmt -i {name} power on)"
            )
        name = self.adapter_name or ""
        raise UnavailableError(f"no Bluetooth adapter {name}".rstrip() + ": check that it is plugged in")

    def _ours(self, objects: dict[str, Interfaces]) -> str:
        """Path of the one adapter whose devices and bonds we use: the first that is on, else the first; "" for none."""
        paths = [path for path in sorted(objects) if ADAPTER in objects[path] and self._is_ours(path + "/")]
        powered = [path for path in paths if objects[path][ADAPTER].get("Powered")]
        return (powered + paths + [""])[0]

    async def _clear(self, path: str, properties: dict[str, Any]) -> None:
        """End a connection that a process before this one began and did not live to see.

        bluetoothd goes on with it, shows it nowhere, and refuses each new one as in progress. To disconnect cancels
        it, and is nothing where there is none. A link that stands is taken over as it is.
        """
        if path in self._cleared:
            return
        if not properties.get("Connected"):
            try:
                with native_errors(path):
                    await self._bus.call(path, DEVICE, "Disconnect")
            except HalError as error:
                log.info("nothing was left to cancel at %s: %s", path, error)
        self._cleared.add(path)

    def _is_ours(self, path: str) -> bool:
        """Whether an object is of the adapter that we are to use."""
        return self.adapter_name is None or path.startswith(f"/org/bluez/{self.adapter_name}/")

    async def _find(self, address: str) -> tuple[str, dict[str, Any]] | None:
        """Object path and properties of the device, where bluetoothd knows it."""
        with native_errors(address):
            objects = await self._bus.objects()
        for path, properties in self._devices(objects):
            if str(properties.get("Address", "")).upper() == address.upper():
                return path, properties
        return None

    def _devices(self, objects: dict[str, Interfaces]) -> list[tuple[str, dict[str, Any]]]:
        """Path and properties of the devices of our adapter. Another adapter may know the same device, by another key."""
        ours = self._ours(objects)
        return [
            (path, each[DEVICE])
            for path, each in sorted(objects.items())
            if DEVICE in each and ours and path.startswith(ours + "/")
        ]

    async def _paired(self, subject: str) -> tuple[str, list[str]]:
        """The address of our adapter, and the devices that it has a bond with."""
        with native_errors(subject):
            objects = await self._bus.objects()
        adapter = objects.get(self._ours(objects), {}).get(ADAPTER, {})
        return str(adapter.get("Address", "")).upper(), [
            str(device.get("Address", "")).upper()
            for _, device in self._devices(objects)
            if device.get("Paired")
        ]

    async def _delete(self, name: str) -> bool:
        """Delete a bond that was refused; False where it cannot be, which is told: that one device stays refused."""
        try:
            await self.forget(name)
        except HalError as error:
            log.warning("a bond that was refused cannot be deleted: %s", error)
            return False
        return True

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

    async def _remember(self, address: str, level: int | None) -> None:
        """Note a level, or with None that there is none."""
        levels = await self._levels()
        before = dict(levels)
        levels.pop(address.upper(), None)
        if level is not None:
            levels[address.upper()] = level
        if levels != before:
            await finish(asyncio.to_thread(replace_text, self._path, json.dumps(levels, sort_keys=True)))

    def _on_lost(self, reason: str, adapter: str) -> None:
        """Where no adapter is named, a device may be reached over any: then each that goes away counts."""
        if adapter and not self._is_ours(adapter + "/"):
            return
        for watcher in list(self._watchers):
            watcher(reason)
