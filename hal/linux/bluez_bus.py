"""Our own connection to bluetoothd, for what bleak does not offer. Source: org.bluez.Adapter(5), Device(5)."""

import asyncio
from collections.abc import Callable
from typing import Any

from bleak.exc import BleakDBusError
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from hal.errors import UnavailableError
from hal.linux.system_bus import BUS, PROPERTIES, BusConnection

BLUEZ = "org.bluez"
ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
# What says that a device came, or that an adapter went away: the daemon, the adapter, or its power.
RULES = (
    f"type='signal',sender='{BLUEZ}',interface='{OBJECT_MANAGER}',member='InterfacesAdded'",
    f"type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
    f"type='signal',sender='{BLUEZ}',interface='{OBJECT_MANAGER}',member='InterfacesRemoved'",
    f"type='signal',sender='{BLUEZ}',interface='{PROPERTIES}',member='PropertiesChanged',arg0='{ADAPTER}'",
)

Interfaces = dict[str, dict[str, Any]]


class BluezBus(BusConnection):
    """Connects when it is first needed and again when the bus has gone."""

    def __init__(self, address: str | None, lost: Callable[[str, str], None]) -> None:
        """`lost` is called with the reason, and with the path of the adapter that went away, empty for all of them."""
        super().__init__(address)
        self._lost = lost
        self.news = asyncio.Event()  # set when an object came, or an adapter went away

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", *body: object
    ) -> list[Any]:
        """Call bluetoothd and return what it answers. Raises bleak's BleakDBusError, UnavailableError."""
        return await self._call(BLUEZ, path, interface, member, signature, *body)

    async def _call(
        self, service: str, path: str, interface: str, member: str, signature: str, *body: object
    ) -> list[Any]:
        bus = await self.connected()
        try:
            return taken(await self.exchange(bus, service, path, interface, member, signature, *body))
        except TimeoutError as error:
            raise UnavailableError(
                f"{service} did not answer {member}: restart it (systemctl restart bluetooth)"
            ) from error

    async def objects(self) -> dict[str, Interfaces]:
        """Every object of bluetoothd with its interfaces and their properties."""
        (found,) = await self.call("/", OBJECT_MANAGER, "GetManagedObjects")
        return {
            path: {
                name: {key: variant.value for key, variant in properties.items()}
                for name, properties in interfaces.items()
            }
            for path, interfaces in found.items()
        }

    async def begin(self, bus: MessageBus) -> None:
        """Hear what comes and goes. Raises UnavailableError, BleakDBusError."""
        bus.add_message_handler(self._on_message)
        for rule in RULES:
            taken(await self.match(bus, rule))

    def _on_message(self, message: Message) -> None:
        if message.message_type != MessageType.SIGNAL:
            return
        self.news.set()
        if message.member == "NameOwnerChanged" and message.body[0] == BLUEZ and not message.body[2]:
            self._lost("bluetoothd ended", "")
        elif message.member == "InterfacesRemoved" and ADAPTER in message.body[1]:
            self._lost(f"adapter {message.body[0]} was removed", message.body[0])
        elif message.member == "PropertiesChanged" and message.body[0] == ADAPTER:
            powered = message.body[1].get("Powered")
            if powered is not None and not powered.value:
                self._lost(f"adapter {message.path} was switched off", message.path or "")


def taken(reply: Message) -> list[Any]:
    """What a reply holds. Raises bleak's BleakDBusError."""
    if reply.message_type == MessageType.ERROR:
        raise BleakDBusError(reply.error_name or "", reply.body)
    return list(reply.body)
