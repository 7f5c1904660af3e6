"""The side of bluetoothd that pairs, on a private message bus: adapter, devices, agents.

    daemon = BluezDaemon(bus_address)
    await daemon.start()
    daemon.add_device("C1:00:00:00:00:01", passkey=123456)
    await daemon.pair("C1:00:00:00:00:01")      # what bleak's Pair() makes it do
    await daemon.stop()

It asks the registered agent as bluetoothd does (org.bluez.Agent(5)) and refuses where none is registered. It has
neither a radio nor GATT: those are tested over Bumble and, in a virtual machine, with the real daemon.
"""

from typing import Any, cast

from dbus_fast import DBusError, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusDict, DBusObjectPath, DBusStr
from dbus_fast.constants import PropertyAccess
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

ADAPTER_PATH, SECOND_PATH = "/org/bluez/hci0", "/org/bluez/hci1"
ADAPTER_ADDRESS, SECOND_ADDRESS = "00:AA:01:00:00:01", "00:AA:01:00:00:02"
AGENT = "org.bluez.Agent1"
FAILED = "org.bluez.Error.AuthenticationFailed"


class SimAdapter(ServiceInterface):
    """org.bluez.Adapter1."""

    def __init__(self, daemon: "BluezDaemon", address: str) -> None:
        super().__init__("org.bluez.Adapter1")
        self.address = address
        self.powered = True
        self.discoveries = 0  # how often one was started
        self.discovering = False
        self._daemon = daemon

    @dbus_property(access=PropertyAccess.READ)
    def Powered(self) -> DBusBool:  # noqa: N802  BlueZ's name, as all below
        """Whether the radio is on."""
        return self.powered

    @dbus_property(access=PropertyAccess.READ)
    def Address(self) -> DBusStr:  # noqa: N802
        """Its own address, below which the daemon keeps its files."""
        return self.address

    @dbus_method()
    def SetDiscoveryFilter(self, properties: DBusDict) -> None:  # noqa: N802
        """Take a filter; only Low Energy is asked for here."""
        assert {key: variant.value for key, variant in properties.items()} == {"Transport": "le"}

    @dbus_method()
    def StartDiscovery(self) -> None:  # noqa: N802
        """One for each client, and there is one client."""
        if self.discovering:
            raise DBusError("org.bluez.Error.InProgress", "Operation already in progress")
        self.discovering = True
        self.discoveries += 1

    @dbus_method()
    def StopDiscovery(self) -> None:  # noqa: N802
        """End it."""
        if not self.discovering:
            raise DBusError("org.bluez.Error.Failed", "No discovery started")
        self.discovering = False

    @dbus_method()
    def RemoveDevice(self, device: DBusObjectPath) -> None:  # noqa: N802
        """Forget a device and its bond."""
        self._daemon.remove_device(device)


class SimDevice(ServiceInterface):
    """org.bluez.Device1; `passkey` is on its label, `compares` is the number it shows; without both it pairs with Just Works."""

    def __init__(self, address: str, passkey: int | None, compares: int | None) -> None:
        super().__init__("org.bluez.Device1")
        self.address = address
        self.passkey = passkey
        self.compares = compares
        self.paired = False
        self.connected = False
        self.connecting = False  # for somebody who may be gone
        self.disconnects = 0  # how often that was asked for

    @dbus_method()
    def Connect(self) -> None:  # noqa: N802
        """Begin to connect; a second time it is refused as bluetoothd 5.66 does."""
        if self.connecting:
            raise DBusError("org.bluez.Error.Failed", "Operation already in progress")
        self.connecting = True

    @dbus_method()
    def Disconnect(self) -> None:  # noqa: N802
        """End a link, or a connection that is on its way; where there is neither that is no error."""
        self.disconnects += 1
        self.connected = self.connecting = False

    @dbus_property(access=PropertyAccess.READ)
    def Connected(self) -> DBusBool:  # noqa: N802
        """Whether a link stands; one that is on its way is shown nowhere."""
        return self.connected

    @dbus_property(access=PropertyAccess.READ)
    def Address(self) -> DBusStr:  # noqa: N802
        """Its address."""
        return self.address

    @dbus_property(access=PropertyAccess.READ)
    def Paired(self) -> DBusBool:  # noqa: N802
        """Whether there is a bond."""
        return self.paired


class SimAgentManager(ServiceInterface):
    """org.bluez.AgentManager1. Who registered is not told to the method; one agent at a time is enough here."""

    def __init__(self) -> None:
        super().__init__("org.bluez.AgentManager1")
        self.agent: str | None = None
        self.capability = ""
        self.is_default = False

    @dbus_method()
    def RegisterAgent(self, agent: DBusObjectPath, capability: DBusStr) -> None:  # noqa: N802
        """Take an agent."""
        if self.agent is not None:
            raise DBusError("org.bluez.Error.AlreadyExists", "Already Exists")
        self.agent, self.capability = agent, capability

    @dbus_method()
    def RequestDefaultAgent(self, agent: DBusObjectPath) -> None:  # noqa: N802
        """Let it answer for everybody."""
        self._check(agent)
        self.is_default = True

    @dbus_method()
    def UnregisterAgent(self, agent: DBusObjectPath) -> None:  # noqa: N802
        """Let it go."""
        self._check(agent)
        self.agent, self.is_default = None, False

    def _check(self, agent: str) -> None:
        if agent != self.agent:
            raise DBusError("org.bluez.Error.DoesNotExist", "Does Not Exist")


class BluezDaemon:
    """The daemon, and the back door to it. `agent_of` is the bus name that agents are called at."""

    def __init__(self, bus_address: str) -> None:
        self.agents = SimAgentManager()
        self.adapter = SimAdapter(self, ADAPTER_ADDRESS)
        self.neighbour = SimAdapter(self, SECOND_ADDRESS)
        self._bus_address = bus_address
        self._bus: MessageBus | None = None
        self._devices: dict[str, SimDevice] = {}
        self._client = ""
        self.held: set[str] = set()  # devices that it does not let go of

    async def start(self) -> None:
        """Appear on the bus."""
        self._bus = await MessageBus(bus_address=self._bus_address).connect()
        self._bus.add_message_handler(self._note_client)
        self._bus.export("/org/bluez", self.agents)
        self._bus.export(ADAPTER_PATH, self.adapter)
        await self._bus.request_name("org.bluez")

    async def stop(self) -> None:
        """Die."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.disconnect()
            await cast(Any, bus).wait_for_disconnect()

    def add_device(
        self, address: str, *, passkey: int | None = None, compares: int | None = None
    ) -> SimDevice:
        """Let it know a device."""
        device = self._devices[self.path(address)] = SimDevice(address, passkey, compares)
        self._connected().export(self.path(address), device)
        return device

    def add_neighbours_device(self, address: str) -> SimDevice:
        """Let the second adapter know a device, too, by a bond of its own."""
        path = self.path(address).replace(ADAPTER_PATH, SECOND_PATH)
        device = self._devices[path] = SimDevice(address, None, None)
        self._connected().export(path, device)
        return device

    def remove_device(self, path: str) -> None:
        """Forget a device; not while it is in use, as bluetoothd where a connection is on its way."""
        if path in self.held:
            raise DBusError("org.bluez.Error.Failed", "Operation already in progress")
        if self._devices.pop(path, None) is None:
            raise DBusError("org.bluez.Error.DoesNotExist", "Does Not Exist")
        self._connected().unexport(path)

    def add_neighbour(self) -> None:
        """Plug a second adapter in, hci1."""
        self._connected().export(SECOND_PATH, self.neighbour)

    def remove_neighbour(self) -> None:
        """Pull it out."""
        self._connected().unexport(SECOND_PATH, self.neighbour)

    def remove_adapter(self) -> None:
        """Pull the adapter out."""
        self._connected().unexport(ADAPTER_PATH, self.adapter)

    def switch(self, *, on: bool, neighbour: bool = False) -> None:
        """Switch the radio of the adapter, or of the second one."""
        adapter = self.neighbour if neighbour else self.adapter
        adapter.powered = on
        adapter.emit_properties_changed({"Powered": on})

    @staticmethod
    def path(address: str) -> str:
        """Object path of a device."""
        return f"{ADAPTER_PATH}/dev_{address.replace(':', '_')}"

    async def pair(self, address: str, *, impostor: bool = False) -> None:
        """Pair as bluetoothd does on Pair(); `impostor` stands there and offers Just Works only.

        Raises:
            DBusError: the pairing failed.
        """
        device = self._devices[self.path(address)]
        if self.agents.agent is None or not self.agents.is_default:
            raise DBusError("org.bluez.Error.AuthenticationCanceled", "no agent")
        asks = device.passkey is not None and not impostor
        if asks and self.agents.capability == "KeyboardOnly":
            (entered,) = await self.ask("RequestPasskey", "o", self.path(address))
            if entered != device.passkey:
                raise DBusError(FAILED, "wrong passkey")
        elif asks:
            raise DBusError(FAILED, "the device wants its passkey")
        elif device.compares is not None and not impostor:
            if self.agents.capability != "DisplayYesNo":
                raise DBusError(FAILED, "the device wants numbers compared")
            await self.ask("RequestConfirmation", "ou", self.path(address), device.compares)
        else:
            await self.ask("RequestAuthorization", "o", self.path(address))
        device.paired = True

    async def ask(self, member: str, signature: str, *body: object) -> list[object]:
        """Call a method of the registered agent.

        Raises:
            DBusError: the agent refused.
        """
        message = Message(
            destination=self._client,
            path=self.agents.agent or "/",
            interface=AGENT,
            member=member,
            signature=signature,
            body=list(body),
        )
        reply = await self._connected().call(message)
        assert reply is not None
        if reply.message_type == MessageType.ERROR:
            raise DBusError(reply.error_name or FAILED, str(reply.body))
        return list(reply.body)

    def _note_client(self, message: Message) -> None:
        if message.member == "RegisterAgent":
            self._client = message.sender or ""

    def _connected(self) -> MessageBus:
        assert self._bus is not None, "the daemon has not been started"
        return self._bus
