"""A GATT service on BlueZ: registered with bluetoothd over D-Bus, advertised by it, served by our objects.

While it is served, whoever asks for encryption is paired with Just Works. What was paired that way is forgotten at the end: a
technician's phone is nothing that a gateway should go on trusting.
"""

import logging
from collections.abc import Mapping, Sequence

from dbus_fast import Message, Variant

from hal.buffer import Buffer
from hal.errors import HalError, UnavailableError
from hal.linux.finish import finish
from hal.linux.gatt_objects import (
    ADVERTISEMENT,
    AGENT,
    ROOT,
    SERVICE,
    Advertised,
    GattCharacteristic,
    GattService,
    WindowAgent,
)
from hal.linux.system_bus import RefusedByServiceError, SystemBus
from hal.types import Served, Written

log = logging.getLogger(__name__)

BLUEZ = "org.bluez"
ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
GATT_MANAGER, ADVERTISING_MANAGER = "org.bluez.GattManager1", "org.bluez.LEAdvertisingManager1"
AGENT_MANAGER, OBJECT_MANAGER = "org.bluez.AgentManager1", "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
HELD = (
    32  # writes that wait; a client that writes faster than we read loses the oldest, and its checksum tells
)
ABSENT = "BlueZ does not answer: start it (systemctl start bluetooth)"
NO_ADAPTER = "no Bluetooth adapter that can advertise: plug one in"
STOPPED = "the Bluetooth service is served no more: open the window again"


class BluezGattServer:
    """`BlePeripheral` on bluetoothd. adapter: `hci0`, or None for the first one that is on."""

    def __init__(self, adapter: str | None = None, bus_address: str | None = None) -> None:
        self._adapter_name = adapter
        self._bus = SystemBus(BLUEZ, ABSENT, bus_address)
        self._adapter = ""
        self._name = self._service = ""
        self._characteristics: dict[str, GattCharacteristic] = {}
        self._advertised: Advertised | None = None
        self._agent = WindowAgent()
        self._writes = Buffer(HELD)
        self._last_client = ""
        self._clients: set[str] = set()
        self._known: set[str] = set()  # devices that were paired before

    async def serve(self, service: str, characteristics: Sequence[Served], name: str) -> None:
        await self.stop()
        self._writes = Buffer(HELD)
        self._service, self._name = service, name
        self._adapter = await self._find_adapter()
        self._known = {path for path, row in (await self._devices()).items() if row.get("Paired")}
        self._agent = WindowAgent()
        for rule in (
            f"type='signal',sender='{BLUEZ}',interface='{PROPERTIES}',member='PropertiesChanged'",
            f"type='signal',sender='{BLUEZ}',interface='{OBJECT_MANAGER}',member='InterfacesRemoved'",
            f"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{BLUEZ}'",
        ):
            await self._bus.listen(rule, self._on_signal)
        try:
            await self._register(characteristics)
        except HalError:
            await self.stop()
            raise

    async def advertise(self, data: Mapping[str, bytes]) -> None:
        if self._advertised is not None:
            self._advertised.put(data)
            return
        advertised = Advertised(self._service, data, self._name)
        await self._bus.export(ADVERTISEMENT, advertised)
        try:
            await self._bus.call(
                self._adapter, ADVERTISING_MANAGER, "RegisterAdvertisement", "oa{sv}", ADVERTISEMENT, {}
            )
        except RefusedByServiceError as error:
            self._bus.unexport(ADVERTISEMENT)
            raise UnavailableError(
                "BlueZ does not advertise: end what else does, and try again", error.detail
            ) from error
        self._advertised = advertised

    async def put(self, characteristic: str, value: bytes) -> None:
        held = self._characteristics.get(characteristic)
        if held is not None:  # else it is served no more
            held.put(value)

    async def receive(self) -> Written:
        written: Written = await self._writes.get()
        return written

    async def stop(self) -> None:
        self._writes.end(STOPPED)
        if self._adapter:
            adapter, self._adapter = self._adapter, ""
            await finish(self._let_go(adapter))

    async def close(self) -> None:
        """Stop, and hang up from the message bus."""
        await self.stop()
        await self._bus.close()

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _let_go(self, adapter: str) -> None:
        if self._advertised is not None:
            await self._try(adapter, ADVERTISING_MANAGER, "UnregisterAdvertisement", "o", ADVERTISEMENT)
            self._bus.unexport(ADVERTISEMENT)
            self._advertised = None
        await self._try(adapter, GATT_MANAGER, "UnregisterApplication", "o", ROOT)
        await self._try("/org/bluez", AGENT_MANAGER, "UnregisterAgent", "o", AGENT)
        for path in self._clients | self._agent.paired:
            if path in self._known:
                await self._try(path, DEVICE, "Disconnect")
            else:
                await self._try(adapter, ADAPTER, "RemoveDevice", "o", path)
        for path in [f"{SERVICE}/{each.path_part}" for each in self._characteristics.values()]:
            self._bus.unexport(path)
        for path in (SERVICE, AGENT):
            self._bus.unexport(path)
        self._characteristics, self._clients, self._last_client = {}, set(), ""

    async def _find_adapter(self) -> str:
        (objects,) = await self._bus.call("/", OBJECT_MANAGER, "GetManagedObjects")
        off = ""
        for path, interfaces in sorted(objects.items()):
            ours = self._adapter_name is None or path == f"/org/bluez/{self._adapter_name}"
            if not ours or not {ADAPTER, GATT_MANAGER, ADVERTISING_MANAGER} <= set(interfaces):
                continue
            powered = interfaces[ADAPTER].get("Powered")
            if powered is not None and powered.value:
                return str(path)
            off = off or str(path)
        if off:
            name = off.rpartition("/")[2]
            raise UnavailableError(
                f"the Bluetooth adapter {name} is off: switch it on (sudo btmgmt -i {name} power on)"
            )
        if self._adapter_name is not None:
            raise UnavailableError(
                f"no Bluetooth adapter {self._adapter_name} that can advertise: plug it in, or name another in [radio]"
            )
        raise UnavailableError(NO_ADAPTER)

    async def _devices(self) -> dict[str, dict[str, object]]:
        """Devices that bluetoothd knows, with their properties."""
        (objects,) = await self._bus.call("/", OBJECT_MANAGER, "GetManagedObjects")
        return {
            path: {name: variant.value for name, variant in interfaces[DEVICE].items()}
            for path, interfaces in objects.items()
            if DEVICE in interfaces
        }

    async def _register(self, characteristics: Sequence[Served]) -> None:
        self._characteristics = {
            each.uuid: GattCharacteristic(each, self._on_write) for each in characteristics
        }
        await self._bus.export(SERVICE, GattService(self._service))
        for each in self._characteristics.values():
            await self._bus.export(f"{SERVICE}/{each.path_part}", each)
        await self._bus.export(AGENT, self._agent)
        try:
            await self._bus.call("/org/bluez", AGENT_MANAGER, "RegisterAgent", "os", AGENT, "NoInputNoOutput")
            await self._bus.call("/org/bluez", AGENT_MANAGER, "RequestDefaultAgent", "o", AGENT)
            await self._bus.call(
                self._adapter, PROPERTIES, "Set", "ssv", ADAPTER, "Pairable", Variant("b", True)
            )
            await self._bus.call(self._adapter, GATT_MANAGER, "RegisterApplication", "oa{sv}", ROOT, {})
        except RefusedByServiceError as error:
            raise UnavailableError(
                "BlueZ did not take the service: restart it (systemctl restart bluetooth)", error.detail
            ) from error

    async def _try(self, path: str, interface: str, member: str, signature: str = "", *body: object) -> None:
        """What may have ended by itself."""
        try:
            await self._bus.call(path, interface, member, signature, *body)
        except HalError as error:
            log.info("nothing was left of it at %s: %s", path, error)

    def _on_write(self, uuid: str, value: bytes, client: str) -> None:
        fresh = client != self._last_client
        self._last_client = client
        if client:
            self._clients.add(client)
        self._writes.put(Written(uuid, value, fresh))

    def _on_signal(self, message: Message) -> None:
        body = message.body
        if message.member == "NameOwnerChanged" and body and body[0] == BLUEZ and not body[2]:
            self._lose("bluetoothd ended")
        elif message.member == "InterfacesRemoved" and len(body) == 2:
            if body[0] == self._adapter and ADAPTER in body[1]:
                self._lose("the adapter was removed")
        elif message.member == "PropertiesChanged" and len(body) == 3:
            if body[0] == DEVICE and "Connected" in body[1]:
                self._last_client = ""  # whoever writes next begins anew, the same phone too
            elif (
                body[0] == ADAPTER
                and message.path == self._adapter
                and "Powered" in body[1]
                and not body[1]["Powered"].value
            ):
                self._lose("the adapter was switched off")

    def _lose(self, reason: str) -> None:
        log.info("the Bluetooth service ended: %s", reason)
        self._writes.end("the Bluetooth adapter is gone: open the window again when it is back", reason)
