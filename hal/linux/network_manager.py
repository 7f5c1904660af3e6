"""NetworkManager on the system's message bus, as far as both ways of using a Wi-Fi adapter need it: joining, and being an access point.

Source: its D-Bus API 1.0 to 1.52, nm-dbus-interface.h for numbers.
"""

import asyncio
from typing import Any

from dbus_fast import Message, Variant

from hal.errors import DeniedError, UnavailableError
from hal.linux.system_bus import SystemBus

NAME = "org.freedesktop.NetworkManager"
ROOT = "/org/freedesktop/NetworkManager"
DEVICE, WIRELESS = NAME + ".Device", NAME + ".Device.Wireless"
ACTIVE = NAME + ".Connection.Active"
SETTINGS, CONNECTION = NAME + ".Settings", NAME + ".Settings.Connection"
NOTHING = "/"  # the path where there is no object
WIFI_DEVICE = 2  # NM_DEVICE_TYPE_WIFI
UNMANAGED, UNAVAILABLE, PREPARES, DEVICE_ACTIVATED, DEVICE_FAILED = 10, 20, 40, 100, 120  # NM_DEVICE_STATE_*
WIRELESS_SETTING = "802-11-wireless"
ACTIVATED, DEACTIVATED = 2, 4  # NM_ACTIVE_CONNECTION_STATE_*

Settings = dict[str, dict[str, Variant]]


class NetworkManagerCalls:
    """What both ask of NetworkManager, over a bus that calls it."""

    def __init__(self, bus: SystemBus) -> None:
        self._bus = bus
        self.news = (
            asyncio.Event()
        )  # anything has changed; what is looked at is read anew, so no signal needs to be understood

    async def watch(self) -> None:
        """Let `news` be set from now on. Raises HalError."""
        await self._bus.listen(f"type='signal',sender='{NAME}'", self._on_signal)

    def _on_signal(self, _message: Message) -> None:
        self.news.set()

    async def wifi_devices(self) -> list[tuple[str, dict[str, Any]]]:
        """Object and properties of each Wi-Fi adapter, in order. Raises HalError."""
        (paths,) = await self._bus.call(ROOT, NAME, "GetDevices")
        found = [(str(path), await self._bus.properties(path, DEVICE)) for path in sorted(paths)]
        return [each for each in found if each[1].get("DeviceType") == WIFI_DEVICE]

    async def add_and_activate(self, settings: Settings, device: str, **how: str) -> tuple[str, str]:
        """Objects of a connection that is made and tried at once, and of its activation. Raises HalError."""
        options = {name.replace("_", "-"): Variant("s", value) for name, value in how.items()}
        connection, active, _ = await self._bus.call(
            ROOT, NAME, "AddAndActivateConnection2", "a{sa{sv}}ooa{sv}", settings, device, NOTHING, options
        )
        return str(connection), str(active)

    async def until_active(self, device: str, active: str) -> int | None:
        """None once it is active, or the reason (NM_DEVICE_STATE_REASON_*) why it is not. Raises HalError."""
        while True:
            self.news.clear()
            try:
                state = (await self._bus.properties(active, ACTIVE)).get("State")
            except UnavailableError:  # the object goes away when it is over
                state = DEACTIVATED
            if state == ACTIVATED:
                return None
            if state == DEACTIVATED:
                return int((await self._bus.properties(device, DEVICE)).get("StateReason", (0, 0))[1])
            await self.news.wait()

    async def named(self, name: str) -> list[str]:
        """Objects of the connections that bear a name. Raises HalError."""
        return [
            path
            for path, settings in await self._connections()
            if settings is not None and value(settings, "connection", "id") == name
        ]

    async def would_join(self, interface: str) -> bool | None:
        """Whether an adapter joins a network by itself; None where a connection may not be read. Raises HalError."""
        known = [settings for _, settings in await self._connections()]
        if any(settings is not None and joins_by_itself(settings, interface) for settings in known):
            return True
        return None if None in known else False

    async def _connections(self) -> list[tuple[str, Settings | None]]:
        """Object and settings of each connection, None for another person's (connection.permissions). Raises HalError."""
        (paths,) = await self._bus.call(ROOT + "/Settings", SETTINGS, "ListConnections")
        found: list[tuple[str, Settings | None]] = []
        for path in paths:
            try:
                (settings,) = await self._bus.call(path, CONNECTION, "GetSettings")
            except UnavailableError:  # gone since
                continue
            except DeniedError:
                settings = None
            found.append((str(path), settings))
        return found


def value(settings: Settings, table: str, name: str, default: Any = "") -> Any:
    """One setting; NetworkManager leaves out what is as by default."""
    found = settings.get(table, {}).get(name)
    return default if found is None else found.value


def joins_by_itself(settings: Settings, interface: str) -> bool:
    """Whether a connection joins a network by that adapter without being asked."""
    return (
        WIRELESS_SETTING in settings
        and value(settings, WIRELESS_SETTING, "mode") != "ap"
        and value(settings, "connection", "autoconnect", True)
        and value(settings, "connection", "interface-name") in ("", interface)
    )
