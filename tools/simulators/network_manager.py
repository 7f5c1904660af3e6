"""NetworkManager as far as a gateway is given Wi-Fi or gives one, on a private message bus: device, access points, connections.

    manager = NetworkManager(bus_address)
    await manager.start()
    manager.add("Home", "secret-1234", strength=80)
    manager.joined, manager.saved      # what it is connected to, and what would be there after a restart
    manager.opened                     # settings of the access point that it is itself, or None
    await manager.stop()

Written from nm-dbus-interface and its API pages: AddAndActivateConnection2 with persist=memory, then Save; a connection that fails is
deactivated, the reason stands at the device, and what was active before comes back. A volatile one is forgotten when it is deactivated, and
with bind-activation=dbus-client that happens when whoever asked for it leaves the bus.
"""

import asyncio
from typing import Any, cast

from dbus_fast import DBusError, Message, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusDict, DBusObjectPath
from dbus_fast.constants import PropertyAccess
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

from tools.simulators.network_manager_objects import (
    ACCESS_POINT,
    ACTIVATED,
    ACTIVATED_DEVICE,
    BUS,
    DEACTIVATED,
    DISCONNECTED,
    FAILED,
    NAME,
    NO_SECRETS,
    NONE,
    NOT_FOUND,
    OTHERS,
    ROOT,
    WIFI,
    WIFI_PATH,
    WIRED,
    WIRED_PATH,
    Added,
    Flag,
    Long,
    Number,
    Path,
    Paths,
    Settings,
    SimActive,
    SimDevice,
    SimPoint,
)


class SimWireless(ServiceInterface):
    """The Wi-Fi side of the device."""

    def __init__(self, manager: "NetworkManager") -> None:
        super().__init__(NAME + ".Device.Wireless")
        self.manager, self.scans, self.last = manager, 0, -1
        self.busy = False  # it has just scanned and refuses to do so again
        self.can = ACCESS_POINT | OTHERS

    @dbus_property(access=PropertyAccess.READ)
    def WirelessCapabilities(self) -> Number:  # noqa: N802
        """What it can."""
        return self.can

    @dbus_property(access=PropertyAccess.READ)
    def LastScan(self) -> Long:  # noqa: N802
        """When it scanned last."""
        return self.last

    @dbus_method()
    def RequestScan(self, options: DBusDict) -> None:  # noqa: N802
        """Scan; the end of it is a changed LastScan."""
        if self.busy:
            raise DBusError(
                NAME + ".Device.NotAllowed", "Scanning not allowed immediately following previous scan"
            )
        self.scans += 1
        asyncio.get_running_loop().call_soon(self._scanned)

    def _scanned(self) -> None:
        self.last = self.scans * 1000
        self.emit_properties_changed({"LastScan": self.last})

    @dbus_method()
    def GetAllAccessPoints(self) -> Paths:  # noqa: N802
        """All in reach."""
        return list(self.manager.points)


class SimConnection(ServiceInterface):
    """A connection; in memory until it is saved."""

    def __init__(self, manager: "NetworkManager", path: str, settings: dict[str, dict[str, Variant]]) -> None:
        super().__init__(NAME + ".Settings.Connection")
        self.manager, self.path, self.settings = manager, path, settings
        self.active = SimActive(settings["connection"]["id"].value)
        self.active_path = path.replace("/Settings/", "/ActiveConnection/")
        self.saved = False
        self.person = ""  # whose it is, where it is not everybody's
        self.owner = ""  # whose place on the bus its activation is bound to

    @property
    def is_point(self) -> bool:
        """Whether it makes the device an access point."""
        mode = self.settings["802-11-wireless"].get("mode")
        return mode is not None and mode.value == "ap"

    @dbus_method()
    def Save(self) -> None:  # noqa: N802
        """Write it to disk."""
        self.saved = True

    @dbus_method()
    def Delete(self) -> None:  # noqa: N802
        """Forget it."""
        if self.manager.keeps:
            raise DBusError(NAME + ".Settings.PermissionDenied", "Insufficient privileges.")
        self.manager.delete(self.path)

    @dbus_method()
    def GetSettings(self) -> Settings:  # noqa: N802
        """Without secrets."""
        if self.person:
            raise DBusError(
                NAME + ".Settings.PermissionDenied", "uid 990 has no permission to perform this operation"
            )
        return {name: table for name, table in self.settings.items() if not name.endswith("security")}


class SimSettings(ServiceInterface):
    """The list of connections."""

    def __init__(self, manager: "NetworkManager") -> None:
        super().__init__(NAME + ".Settings")
        self.manager = manager

    @dbus_method()
    def ListConnections(self) -> Paths:  # noqa: N802
        """All of them."""
        return list(self.manager.connections)


class SimManager(ServiceInterface):
    """org.freedesktop.NetworkManager."""

    def __init__(self, manager: "NetworkManager") -> None:
        super().__init__(NAME)
        self.manager = manager

    @dbus_method()
    def GetDevices(self) -> Paths:  # noqa: N802
        """All of them."""
        return [WIRED_PATH, WIFI_PATH] if self.manager.has_wifi else [WIRED_PATH]

    @dbus_property(access=PropertyAccess.READ)
    def WirelessEnabled(self) -> Flag:  # noqa: N802
        """By rfkill in software."""
        return not self.manager.soft_blocked

    @dbus_property(access=PropertyAccess.READ)
    def WirelessHardwareEnabled(self) -> Flag:  # noqa: N802
        """By a switch."""
        return not self.manager.hard_blocked

    @dbus_property(access=PropertyAccess.READ)
    def PrimaryConnection(self) -> Path:  # noqa: N802
        """The activation that bears the default route."""
        return self.manager.primary

    @dbus_method()
    def AddAndActivateConnection2(  # noqa: N802
        self, connection: Settings, device: DBusObjectPath, specific: DBusObjectPath, options: DBusDict
    ) -> Added:
        """Make a connection and try it."""
        return self.manager.begin(connection, {name: each.value for name, each in options.items()})


class NetworkManager:
    """The service, and the back door to it.

    mute: a network that never answers, or all of an access point ("ap"). denied: this user may do nothing. fails: the reason why no access
    point comes about. keeps: nothing is removed for this user. binds: whether it notices that whoever asked has left. has_way: it has another way out than the Wi-Fi.
    """

    def __init__(self, bus_address: str) -> None:
        self._address = bus_address
        self._bus: MessageBus | None = None
        self.points: dict[str, SimPoint] = {}
        self.connections: dict[str, SimConnection] = {}
        self.device, self.wireless = SimDevice(WIFI), SimWireless(self)
        self.joined, self.mute, self.denied, self.has_wifi = "", "", False, True
        self.soft_blocked = self.hard_blocked = False
        self.fails, self.keeps, self.binds, self.has_way = NONE, False, True, False
        self._number = 0
        self._caller = ""

    async def start(self) -> None:
        """Appear on the bus."""
        self._bus = bus = await MessageBus(bus_address=self._address).connect()
        bus.export(ROOT, SimManager(self))
        bus.export(ROOT + "/Settings", SimSettings(self))
        bus.export(WIRED_PATH, SimDevice(WIRED))
        bus.export(WIFI_PATH, self.device)
        bus.export(WIFI_PATH, self.wireless)
        bus.add_message_handler(self._hear)
        rule = f"type='signal',sender='{BUS}',member='NameOwnerChanged'"
        await bus.call(Message(BUS, "/org/freedesktop/DBus", BUS, "AddMatch", signature="s", body=[rule]))
        await bus.request_name(NAME)

    def renumber(self) -> None:
        """Count from the beginning, as after a restart."""
        self._number = 0

    async def restart(self) -> None:
        """Die and come back: what is active goes on under other numbers, and who had asked for it is forgotten."""
        kept, device = list(self.connections.values()), self.device.active
        await self.stop()
        await self.start()
        self.connections = {}
        self.renumber()
        for each in kept:
            again = self._make(each.settings)
            again.saved, again.person, again.active.state = each.saved, each.person, each.active.state
            if device == each.active_path:
                self.device.active = again.active_path

    async def stop(self) -> None:
        """Die."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.disconnect()
            await cast(Any, bus).wait_for_disconnect()

    def _hear(self, message: Message) -> None:
        if message.member == "AddAndActivateConnection2":
            self._caller = message.sender or ""
        elif message.member == "NameOwnerChanged" and not message.body[2] and self.binds:
            for each in list(self.connections.values()):
                if each.owner == message.body[0]:
                    self.delete(each.path)

    def add(self, ssid: str | bytes, password: str = "", strength: int = 70) -> None:
        """Another access point in reach."""
        raw = ssid.encode() if isinstance(ssid, str) else ssid
        path = f"{ROOT}/AccessPoint/{len(self.points) + 1}"
        self.points[path] = SimPoint(raw, password, strength)
        self._there().export(path, self.points[path])

    def join_at_start(self, ssid: str) -> None:
        """A network that it knew before, and has joined."""
        self._use(self.know(ssid))
        self.joined = ssid

    def know(self, ssid: str, *, person: str = "", **how: Variant) -> SimConnection:
        """A network that it knew before. person: whose it is alone. how: more of its connection's settings, such as autoconnect."""
        self.add(ssid)
        network = {"ssid": Variant("ay", ssid.encode()), "mode": Variant("s", "infrastructure")}
        more = {name.replace("_", "-"): each for name, each in how.items()}
        made = self._make({"connection": {"id": Variant("s", ssid), **more}, "802-11-wireless": network})
        made.saved, made.person = True, person
        return made

    def join_slowly(self, ssid: str, state: int) -> None:
        """It is about to join a network that it knew before: at a state of the device between 40 and 90."""
        self.device.active, self.device.state = self.know(ssid).active_path, state

    @property
    def saved(self) -> list[str]:
        """Names of networks that would be there after a restart."""
        kept = [each for each in self.connections.values() if each.saved]
        return [each.settings["802-11-wireless"]["ssid"].value.decode() for each in kept]

    @property
    def opened(self) -> dict[str, dict[str, Variant]] | None:
        """Settings of the access point that it is."""
        mine = [
            each for each in self.connections.values() if each.is_point and each.active.state == ACTIVATED
        ]
        return mine[0].settings if mine else None

    @property
    def primary(self) -> str:
        """The activation that bears the default route: an access point never does."""
        if self.has_way:
            return f"{ROOT}/ActiveConnection/wired"
        return self.device.active if self.joined else "/"

    def begin(self, settings: dict[str, dict[str, Variant]], options: dict[str, str]) -> list[Any]:
        """Make the objects, and decide soon."""
        if self.denied:
            raise DBusError(NAME + ".PermissionDenied", "Not authorized to control networking.")
        password = settings.get("802-11-wireless-security", {}).get("psk", Variant("s", "")).value
        if password and not 8 <= len(password) <= 64:
            raise DBusError(
                NAME + ".Settings.Connection.InvalidProperty", "802-11-wireless-security.psk: invalid"
            )
        connection = self._make(settings)
        connection.saved = options["persist"] == "disk"
        connection.owner = self._caller if options.get("bind-activation") == "dbus-client" else ""
        ssid = settings["802-11-wireless"]["ssid"].value.decode()
        if self.mute not in ([ssid, "ap"] if connection.is_point else [ssid]):
            decide = self._open if connection.is_point else self._decide
            asyncio.get_running_loop().call_soon(decide, connection, ssid, password)
        return [connection.path, connection.active_path, {}]

    def _make(self, settings: dict[str, dict[str, Variant]]) -> SimConnection:
        """A connection and its activation, as objects."""
        self._number += 1
        path = f"{ROOT}/Settings/{self._number}"
        connection = self.connections[path] = SimConnection(self, path, settings)
        self._there().export(path, connection)
        self._there().export(connection.active_path, connection.active)
        return connection

    def _decide(self, connection: SimConnection, ssid: str, password: str) -> None:
        named = [point for point in self.points.values() if point.ssid == ssid.encode()]
        if named and any(point.password == password for point in named):
            self._use(connection)
            self.joined = ssid
        else:
            self._fail(connection, NO_SECRETS if named else NOT_FOUND)

    def _open(self, connection: SimConnection, _ssid: str, _password: str) -> None:
        """Become an access point, for which the network that was joined is left."""
        if self.fails:
            self._fail(connection, self.fails)
        else:
            self._use(connection)
            self.joined = ""

    def _use(self, connection: SimConnection) -> None:
        self.device.state, self.device.reason = ACTIVATED_DEVICE, NONE
        self.device.active, connection.active.state = connection.active_path, ACTIVATED
        connection.active.StateChanged()

    def _fail(self, connection: SimConnection, reason: int) -> None:
        self.device.state, self.device.reason, connection.active.state = FAILED, reason, DEACTIVATED
        connection.active.StateChanged()

    def delete(self, path: str) -> None:
        """Forget a connection; where the device used it, it goes back to a network that it keeps."""
        connection = self.connections.pop(path, None)
        if connection is None:
            raise DBusError("org.freedesktop.DBus.Error.UnknownObject", "no such connection")
        self._there().unexport(path)
        self._there().unexport(connection.active_path)
        if self.device.active == connection.active_path:
            self.joined, self.device.active, self.device.state = "", "/", DISCONNECTED
            for each in self.connections.values():
                if each.saved and not each.is_point:
                    self._use(each)
                    self.joined = each.settings["802-11-wireless"]["ssid"].value.decode()

    def _there(self) -> MessageBus:
        assert self._bus is not None, "the service has not been started"
        return self._bus
