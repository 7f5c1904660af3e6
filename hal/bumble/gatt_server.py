"""A GATT service on Bumble: served and advertised by the host stack in this process, over a virtual radio or a controller without BlueZ.

As on BlueZ: values are behind encryption, whoever asks for it while the service is there is paired with Just Works over Secure
Connections, and forgotten at the end.
"""

from collections.abc import Callable, Mapping, Sequence

from bumble import hci
from bumble.att import Attribute
from bumble.core import UUID, AdvertisingData, BaseBumbleError
from bumble.device import Connection, Device
from bumble.gatt import (
    GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
    Characteristic,
    CharacteristicValue,
    Service,
)

from hal.buffer import Buffer
from hal.bumble.adapter import BumbleAdapter
from hal.bumble.pairing import Welcome
from hal.errors import UnavailableError
from hal.linux.finish import finish
from hal.types import Served, Written

Permissions, Type = Attribute.Permissions, AdvertisingData.Type
FLAGS = (Type.FLAGS, b"\x06")  # general discoverable, no classic Bluetooth
HELD = 32
INTERVAL_MS = 100
STOPPED = "the Bluetooth service is served no more: open the window again"
GONE = "the Bluetooth adapter is gone: open the window again when it is back"


class BumbleGattServer:
    """`BlePeripheral` on a `BumbleAdapter`."""

    def __init__(self, adapter: BumbleAdapter) -> None:
        self._adapter = adapter
        self._device: Device | None = None
        self._service: Service | None = None
        self._name = ""
        self._held: dict[str, Characteristic[bytes]] = {}
        self._values: dict[str, bytes] = {}
        self._writes = Buffer(HELD)
        self._fresh = True
        self._clients: set[str] = set()
        self._known: dict[str, int] = {}
        self._unwatch: Callable[[], None] = lambda: None

    async def serve(self, service: str, characteristics: Sequence[Served], name: str) -> None:
        await self.stop()
        self._writes, self._name, self._fresh, self._clients = Buffer(HELD), name, True, set()
        self._known = await self._adapter.bonds()
        device = self._device = await self._adapter.device()
        self._values = {each.uuid: each.value for each in characteristics}
        self._held = {each.uuid: self._characteristic(each) for each in characteristics}
        self._service = Service(UUID(service), list(self._held.values()))
        before = len(device.gatt_server.attributes)
        device.gatt_server.add_service(self._service)
        for attribute in device.gatt_server.attributes[before:]:
            if attribute.type == GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR:
                attribute.permissions |= Permissions.WRITE_REQUIRES_ENCRYPTION
        self._unwatch = self._adapter.on_lost(self._lose)
        device.on(Device.EVENT_CONNECTION, self._on_connection)
        self._adapter.welcome(Welcome())

    async def advertise(self, data: Mapping[str, bytes]) -> None:
        if self._device is None or self._service is None:
            return  # served no more
        items: list[tuple[int, bytes]] = [FLAGS]
        items.append((Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, bytes(self._service.uuid)))
        items += [(Type.SERVICE_DATA_16_BIT_UUID, bytes(UUID(uuid)) + value) for uuid, value in data.items()]
        try:
            await finish(self._start(self._device, bytes(AdvertisingData(items))))
        except (BaseBumbleError, ValueError) as error:
            raise UnavailableError("the Bluetooth controller does not advertise", repr(error)) from error

    async def put(self, characteristic: str, value: bytes) -> None:
        held = self._held.get(characteristic)
        if held is None or self._device is None:
            return
        self._values[characteristic] = value
        for connection in self._connections(self._device):
            if held.properties & Characteristic.Properties.NOTIFY and connection.is_encrypted:
                try:
                    await self._device.gatt_server.notify_subscriber(connection, held, value)
                except BaseBumbleError:  # it went away while it was told
                    continue

    async def receive(self) -> Written:
        written: Written = await self._writes.get()
        return written

    async def stop(self) -> None:
        self._writes.end(STOPPED)
        device, self._device = self._device, None
        if device is not None:
            await finish(self._let_go(device))

    async def close(self) -> None:
        """Stop; the adapter is whose it was."""
        await self.stop()

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _start(self, device: Device, data: bytes) -> None:
        """Advertise, in place of what was; the name is in the scan response: 31 bytes are full without it."""
        await device.start_advertising(
            auto_restart=True,
            advertising_interval_min=INTERVAL_MS,
            advertising_interval_max=INTERVAL_MS,
            advertising_data=data,
            scan_response_data=bytes(AdvertisingData([(Type.COMPLETE_LOCAL_NAME, self._name.encode())])),
        )

    async def _let_go(self, device: Device) -> None:
        self._adapter.welcome(None)
        self._unwatch()
        device.remove_listener(Device.EVENT_CONNECTION, self._on_connection)
        try:
            await device.stop_advertising()
            for connection in self._connections(device):
                await connection.disconnect()
        except BaseBumbleError:  # the controller is gone, and they with it
            pass
        server, service = device.gatt_server, self._service
        if service is not None and service in server.services:
            server.services.remove(service)
            first, last = service.handle, service.end_group_handle
            server.attributes = [each for each in server.attributes if not first <= each.handle <= last]
            for handle in range(first, last + 1):
                server.attributes_by_handle.pop(handle, None)
        self._held, self._service = {}, None
        for address in self._clients - set(self._known):
            await self._adapter.forget(address)

    def _characteristic(self, served: Served) -> Characteristic[bytes]:
        properties, permissions = Characteristic.Properties(0), Permissions(0)
        if served.reads:
            properties |= Characteristic.Properties.READ
            permissions |= Permissions.READABLE | Permissions.READ_REQUIRES_ENCRYPTION
        if served.writes:
            properties |= Characteristic.Properties.WRITE
            permissions |= Permissions.WRITEABLE | Permissions.WRITE_REQUIRES_ENCRYPTION
        if served.notifies:
            properties |= Characteristic.Properties.NOTIFY
        uuid = served.uuid

        def read(_connection: Connection) -> bytes:
            return self._values[uuid]

        def write(_connection: Connection, value: bytes) -> None:
            self._writes.put(Written(uuid, bytes(value), self._fresh))
            self._fresh = False

        return Characteristic(
            UUID(uuid), properties, permissions, CharacteristicValue(read=read, write=write)
        )

    def _connections(self, device: Device) -> list[Connection]:
        """Those that came to us: of those that we made others take care."""
        return [each for each in device.connections.values() if each.role == hci.Role.PERIPHERAL]

    def _on_connection(self, connection: Connection) -> None:
        if connection.role == hci.Role.PERIPHERAL:
            self._fresh = True
            self._clients.add(connection.peer_address.to_string(False))

    def _lose(self, reason: str) -> None:
        self._writes.end(GONE, reason)
