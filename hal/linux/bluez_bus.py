"""Our own connection to bluetoothd, for what bleak does not offer. Source: org.bluez.Adapter(5), Device(5)."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from bleak.exc import BleakDBusError
from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError
from dbus_fast.service import ServiceInterface

from hal.errors import UnavailableError

BLUEZ = "org.bluez"
ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
OBJECT_MANAGER, PROPERTIES = "org.freedesktop.DBus.ObjectManager", "org.freedesktop.DBus.Properties"
BUS = "org.freedesktop.DBus"
ANSWER_S = 25.0  # as libdbus waits by default; dbus-fast would wait for ever
# What says that a device came, or that an adapter went away: the daemon, the adapter, or its power.
RULES = (
    f"type='signal',sender='{BLUEZ}',interface='{OBJECT_MANAGER}',member='InterfacesAdded'",
    f"type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
    f"type='signal',sender='{BLUEZ}',interface='{OBJECT_MANAGER}',member='InterfacesRemoved'",
    f"type='signal',sender='{BLUEZ}',interface='{PROPERTIES}',member='PropertiesChanged',arg0='{ADAPTER}'",
)

Interfaces = dict[str, dict[str, Any]]


class BluezBus:
    """Connects when it is first needed and again when the bus has gone."""

    def __init__(self, address: str | None, lost: Callable[[str], None]) -> None:
        self._address = address
        self._lost = lost
        self._bus: MessageBus | None = None
        self.news = asyncio.Event()  # set when an object came, or an adapter went away

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", *body: object
    ) -> list[Any]:
        """Call bluetoothd and return what it answers. Raises bleak's BleakDBusError, UnavailableError."""
        return await self._call(BLUEZ, path, interface, member, signature, *body)

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

    async def export(self, path: str, interface: ServiceInterface) -> None:
        """Offer an object of ours to bluetoothd."""
        (await self._connected()).export(path, interface)

    def unexport(self, path: str) -> None:
        """Take it back."""
        if self._bus is not None and self._bus.connected:
            self._bus.unexport(path)

    async def close(self) -> None:
        """Hang up; no error where there is no connection."""
        bus, self._bus = self._bus, None
        if bus is not None and bus.connected:
            bus.disconnect()
            await cast(Any, bus).wait_for_disconnect()

    async def _connected(self) -> MessageBus:
        if self._bus is None or not self._bus.connected:
            bus = MessageBus(bus_address=self._address, bus_type=BusType.SYSTEM)
            try:
                self._bus = await bus.connect()
            except (OSError, EOFError, DBusFastError) as error:
                raise UnavailableError("no system message bus: is dbus running?", repr(error)) from error
            self._bus.add_message_handler(self._on_message)
            for rule in RULES:
                await self._call(BUS, "/org/freedesktop/DBus", BUS, "AddMatch", "s", rule)
        return self._bus

    async def _call(
        self, destination: str, path: str, interface: str, member: str, signature: str = "", *body: object
    ) -> list[Any]:
        bus = await self._connected()
        message = Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        try:
            async with asyncio.timeout(ANSWER_S):
                reply = await bus.call(message)
        except TimeoutError as error:
            raise UnavailableError(
                f"{destination} did not answer {member}: restart it (systemctl restart bluetooth)"
            ) from error
        except (OSError, EOFError) as error:
            raise UnavailableError("the system message bus went away", repr(error)) from error
        assert reply is not None
        if reply.message_type == MessageType.ERROR:
            raise BleakDBusError(reply.error_name or "", reply.body)
        return list(reply.body)

    def _on_message(self, message: Message) -> None:
        if message.message_type != MessageType.SIGNAL:
            return
        self.news.set()
        if message.member == "NameOwnerChanged" and message.body[0] == BLUEZ and not message.body[2]:
            self._lost("bluetoothd ended")
        elif message.member == "InterfacesRemoved" and ADAPTER in message.body[1]:
            self._lost(f"adapter {message.body[0]} was removed")
        elif message.member == "PropertiesChanged" and message.body[0] == ADAPTER:
            powered = message.body[1].get("Powered")
            if powered is not None and not powered.value:
                self._lost(f"adapter {message.path} was switched off")
