"""The side of bluetoothd that serves GATT for others, on a private message bus, and the phones in reach of it.

    daemon = GattDaemon(bus_address)
    await daemon.start()
    ...                                          # a program registers a service and an advertisement
    phone = daemon.phone("C1:00:00:00:00:09")
    await phone.write(uuid, b"...")              # refused until it is paired, for flags that ask for encryption
    await phone.pair()
    await phone.read(uuid); phone.told           # notifications

Written from org.bluez.GattManager(5), LEAdvertisingManager(5) and Agent(5). It has no radio; the real daemon stands behind the same tests in a
virtual machine.
"""

import asyncio
from typing import Any, cast

from dbus_fast import DBusError, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusDict, DBusObjectPath, DBusStr
from dbus_fast.constants import PropertyAccess
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

ADAPTER_PATH = "/org/bluez/hci0"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
LONGEST_ADVERTISEMENT, FLAGS_SIZE = 31, 3


class SimAdapter(ServiceInterface):
    """org.bluez.Adapter1."""

    def __init__(self, daemon: "GattDaemon") -> None:
        super().__init__("org.bluez.Adapter1")
        self._daemon = daemon
        self.powered, self.pairable = True, False

    @dbus_property(access=PropertyAccess.READ)
    def Powered(self) -> DBusBool:  # noqa: N802  BlueZ's name, as all below
        """Whether the radio is on."""
        return self.powered

    @dbus_property()
    def Pairable(self) -> DBusBool:  # noqa: N802
        """Whether strangers may pair."""
        return self.pairable

    @Pairable.setter  # type: ignore[no-redef]
    def Pairable(self, value: DBusBool) -> None:  # noqa: N802
        self.pairable = value

    @dbus_method()
    def RemoveDevice(self, device: DBusObjectPath) -> None:  # noqa: N802
        """Forget a device and its bond, and hang up on it."""
        self._daemon.remove(device)


class SimDevice(ServiceInterface):
    """org.bluez.Device1."""

    def __init__(self) -> None:
        super().__init__("org.bluez.Device1")
        self.paired, self.connected = False, True

    @dbus_property(access=PropertyAccess.READ)
    def Paired(self) -> DBusBool:  # noqa: N802
        """Whether there is a bond."""
        return self.paired

    @dbus_property(access=PropertyAccess.READ)
    def Connected(self) -> DBusBool:  # noqa: N802
        """Whether a link stands."""
        return self.connected

    @dbus_method()
    def Disconnect(self) -> None:  # noqa: N802
        """Hang up."""
        self.connected = False


class SimGattManager(ServiceInterface):
    """org.bluez.GattManager1."""

    def __init__(self, daemon: "GattDaemon") -> None:
        super().__init__("org.bluez.GattManager1")
        self._daemon = daemon

    @dbus_method()
    async def RegisterApplication(self, application: DBusObjectPath, options: DBusDict) -> None:  # noqa: N802
        """Ask what there is, and serve it."""
        await self._daemon.take_application(application)

    @dbus_method()
    def UnregisterApplication(self, application: DBusObjectPath) -> None:  # noqa: N802
        """Serve it no more."""
        self._daemon.drop_application()


class SimAdvertisingManager(ServiceInterface):
    """org.bluez.LEAdvertisingManager1."""

    def __init__(self, daemon: "GattDaemon") -> None:
        super().__init__("org.bluez.LEAdvertisingManager1")
        self._daemon = daemon

    @dbus_method()
    async def RegisterAdvertisement(self, advertisement: DBusObjectPath, options: DBusDict) -> None:  # noqa: N802
        """Advertise."""
        if self._daemon.busy:
            raise DBusError("org.bluez.Error.NotPermitted", "Maximum advertisements reached")
        await self._daemon.take_advertisement(advertisement)

    @dbus_method()
    def UnregisterAdvertisement(self, advertisement: DBusObjectPath) -> None:  # noqa: N802
        """Do not."""
        self._daemon.on_air = None


class SimAgentManager(ServiceInterface):
    """org.bluez.AgentManager1."""

    def __init__(self) -> None:
        super().__init__("org.bluez.AgentManager1")
        self.agent = self.default = ""

    @dbus_method()
    def RegisterAgent(self, agent: DBusObjectPath, capability: DBusStr) -> None:  # noqa: N802
        """Take an agent."""
        self.agent = agent

    @dbus_method()
    def RequestDefaultAgent(self, agent: DBusObjectPath) -> None:  # noqa: N802
        """Let it answer for everybody."""
        self.default = agent

    @dbus_method()
    def UnregisterAgent(self, agent: DBusObjectPath) -> None:  # noqa: N802
        """Let it go."""
        self.agent = self.default = ""


class Phone:
    """A client in reach. told: notifications, in order."""

    def __init__(self, daemon: "GattDaemon", path: str, device: SimDevice) -> None:
        self.daemon, self.path, self.device = daemon, path, device
        self.told: list[tuple[str, bytes]] = []

    async def pair(self) -> None:
        """Just Works. Raises DBusError where nobody agrees."""
        if not self.daemon.adapter.pairable or not self.daemon.agents.default:
            raise DBusError("org.bluez.Error.AuthenticationRejected", "nobody answers for pairing")
        await self.daemon.ask(
            self.daemon.agents.default, "org.bluez.Agent1", "RequestAuthorization", "o", self.path
        )
        self.device.paired = True

    async def read(self, uuid: str) -> bytes:
        """Raises DBusError."""
        path = self._may(uuid, "read")
        (value,) = await self.daemon.ask(path, CHARACTERISTIC, "ReadValue", "a{sv}", self._options())
        return bytes(value)

    async def write(self, uuid: str, value: bytes) -> None:
        """Raises DBusError."""
        await self.daemon.ask(
            self._may(uuid, "write"), CHARACTERISTIC, "WriteValue", "aya{sv}", value, self._options()
        )

    async def subscribe(self, uuid: str) -> None:
        """Raises DBusError."""
        await self.daemon.ask(self._may(uuid, "notify"), CHARACTERISTIC, "StartNotify", "")
        self.daemon.subscribed.append((self._may(uuid, "notify"), uuid, self))

    def _options(self) -> dict[str, Variant]:
        return {"device": Variant("o", self.path), "offset": Variant("q", 0), "mtu": Variant("q", 23)}

    def _may(self, uuid: str, what: str) -> str:
        """Object of a characteristic, where its flags let this link do that."""
        for path, (found, flags) in self.daemon.characteristics.items():
            if found == uuid:
                if what in flags or (f"encrypt-{what}" in flags and self.device.paired):
                    return path
                raise DBusError("org.bluez.Error.NotPermitted", "Insufficient Encryption")
        raise DBusError("org.bluez.Error.Failed", "no such characteristic")


class GattDaemon:
    """bluetoothd. on_air: properties of what is advertised, or None. busy: no room for another advertisement."""

    def __init__(self, bus_address: str) -> None:
        self._address = bus_address
        self._bus: MessageBus | None = None
        self._client = ""
        self.adapter, self.agents = SimAdapter(self), SimAgentManager()
        self.services: list[str] = []
        self.characteristics: dict[str, tuple[str, list[str]]] = {}
        self.subscribed: list[tuple[str, str, Phone]] = []
        self.on_air: dict[str, Any] | None = None
        self.busy = False
        self.devices: dict[str, SimDevice] = {}
        self.changed = asyncio.Event()

    async def start(self) -> None:
        """Appear on the bus."""
        self._bus = bus = await MessageBus(bus_address=self._address).connect()
        bus.add_message_handler(self._on_message)
        bus.export("/org/bluez", self.agents)
        for each in (self.adapter, SimGattManager(self), SimAdvertisingManager(self)):
            bus.export(ADAPTER_PATH, each)
        rule = "type='signal',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'"
        await bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=[rule],
            )
        )
        await bus.request_name("org.bluez")

    async def stop(self) -> None:
        """Die."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.disconnect()
            await cast(Any, bus).wait_for_disconnect()

    def phone(self, address: str) -> Phone:
        """A phone connects."""
        path = f"{ADAPTER_PATH}/dev_{address.replace(':', '_')}"
        if path not in self.devices:
            self.devices[path] = SimDevice()
            self._there().export(path, self.devices[path])
        else:
            self.devices[path].connected = True
        self.devices[path].emit_properties_changed({"Connected": True})
        return Phone(self, path, self.devices[path])

    def remove(self, path: str) -> None:
        """Forget a device."""
        device = self.devices.pop(path, None)
        if device is None:
            raise DBusError("org.bluez.Error.DoesNotExist", "Does Not Exist")
        device.paired = device.connected = False
        self._there().unexport(path)

    def switch(self, *, on: bool) -> None:
        """Switch the radio."""
        self.adapter.powered = on
        self.adapter.emit_properties_changed({"Powered": on})

    async def take_application(self, root: str) -> None:
        """What a program offers below `root`."""
        (objects,) = await self.ask(root, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "")
        for path, interfaces in sorted(objects.items()):
            if "org.bluez.GattService1" in interfaces:
                self.services.append(interfaces["org.bluez.GattService1"]["UUID"].value)
            if CHARACTERISTIC in interfaces:
                row = interfaces[CHARACTERISTIC]
                self.characteristics[path] = (row["UUID"].value, row["Flags"].value)
        if not self.services:
            raise DBusError("org.bluez.Error.Failed", "No object received")

    def drop_application(self) -> None:
        """It is served no more."""
        self.services, self.characteristics, self.subscribed = [], {}, []

    async def take_advertisement(self, path: str) -> None:
        """What a program wants to be advertised; what is too long for one packet is refused as bluetoothd does."""
        (found,) = await self.ask(
            path, "org.freedesktop.DBus.Properties", "GetAll", "s", "org.bluez.LEAdvertisement1"
        )
        facts = {name: variant.value for name, variant in found.items()}
        data = {uuid: bytes(variant.value) for uuid, variant in facts.get("ServiceData", {}).items()}
        size = FLAGS_SIZE + sum(2 + (16 if len(uuid) > 4 else 2) for uuid in facts["ServiceUUIDs"])
        size += sum(2 + 2 + len(value) for value in data.values())
        if size > LONGEST_ADVERTISEMENT:
            raise DBusError("org.bluez.Error.InvalidLength", "Advertising data too long")
        self.on_air = {**facts, "ServiceData": data}

    async def ask(self, path: str, interface: str, member: str, signature: str, *body: object) -> list[Any]:
        """Call a method of the program that has registered. Raises DBusError."""
        message = Message(
            destination=self._client,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        reply = await self._there().call(message)
        assert reply is not None
        if reply.message_type == MessageType.ERROR:
            raise DBusError(reply.error_name or "org.bluez.Error.Failed", str(reply.body))
        return list(reply.body)

    def _on_message(self, message: Message) -> None:
        if message.member in ("RegisterAgent", "RegisterApplication"):
            self._client = message.sender or ""
        if (
            message.message_type != MessageType.SIGNAL
            or message.sender != self._client
            or len(message.body) != 3
        ):
            return
        interface, changed, _ = message.body
        if interface == CHARACTERISTIC and "Value" in changed:
            for path, uuid, phone in self.subscribed:
                if path == message.path:
                    phone.told.append((uuid, bytes(changed["Value"].value)))
        elif (
            interface == "org.bluez.LEAdvertisement1" and "ServiceData" in changed and self.on_air is not None
        ):
            data = changed["ServiceData"].value
            self.on_air["ServiceData"] = {uuid: bytes(variant.value) for uuid, variant in data.items()}
        self.changed.set()

    def _there(self) -> MessageBus:
        assert self._bus is not None, "the daemon has not been started"
        return self._bus
