"""A connectable Bluetooth LE peripheral of a virtual home: a whole stack (Bumble's) over a virtual controller.

    link = HomeLink()
    peripheral = VirtualPeripheral(link, "C1:00:00:00:00:01", "Oximeter", passkey=123456)
    peripheral.add_service(Service(...))
    await peripheral.start()

The front face is the radio. The back door is for whoever writes the scenario: `leave`, `return_`, `forget_bonds`,
`drop_link`, and what it has seen (`connected`, `pairings`).
"""

import asyncio
from collections.abc import Callable

from bumble import hci
from bumble.att import Attribute
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR, Characteristic, Service
from bumble.host import Host
from bumble.keys import MemoryKeyStore, PairingKeys
from bumble.pairing import PairingConfig
from bumble.transport.common import AsyncPipeSink

from tools.simulators.controller import HomeController
from tools.simulators.link import HomeLink
from tools.simulators.pairing import WHOLE_KEY_BYTES, Io, Label, StrictLinks, StrictSession

Permissions = Attribute.Permissions
OPEN = Permissions.READABLE | Permissions.WRITEABLE
ENCRYPTED = Permissions.READ_REQUIRES_ENCRYPTION | Permissions.WRITE_REQUIRES_ENCRYPTION
AUTHENTICATED = Permissions.READ_REQUIRES_AUTHENTICATION | Permissions.WRITE_REQUIRES_AUTHENTICATION
# General discoverable, no classic Bluetooth (Supplement to the Core Specification, Part A, 1.3)
FLAGS = (AdvertisingData.Type.FLAGS, b"\x06")
LONGEST_NAME = 29  # bytes that a scan response holds beside length and type


class VirtualPeripheral:
    """`secure`: every value needs an encrypted link; with `passkey` one that was paired by entering it.

    With `compares` it must have been paired by comparing numbers, with `out_of_band` by the data of `label`. `capability` is for one that tells more or less of
    itself than it has.
    """

    def __init__(
        self,
        link: HomeLink,
        address: str,
        name: str,
        *,
        secure: bool = True,
        passkey: int | None = None,
        compares: bool = False,
        out_of_band: bool = False,
        capability: Io | None = None,
        key_bytes: int = WHOLE_KEY_BYTES,
    ) -> None:
        self.address = address
        self.name = name
        self.secure = secure or passkey is not None or compares or out_of_band
        self.pairings: list[bool] = []  # one for each pairing: whether it was authenticated
        self.label = Label(
            passkey, key_bytes, compares=compares, capability=capability, out_of_band=out_of_band
        )
        self.on_connected: Callable[[], None] | None = None
        self.controller = HomeController(name, link)
        host = Host(self.controller, AsyncPipeSink(self.controller))
        config = DeviceConfiguration(name=name, address=hci.Address(address))
        self.device = Device(config=config, host=host)
        self.device.keystore = MemoryKeyStore()
        self.device.smp_session_proxy = StrictSession
        self.device.pairing_config_factory = self._pairing_config
        self.links = StrictLinks(self.device)
        self.device.on(Device.EVENT_CONNECTION, self._on_connection)

    # --- what it is made of --------------------------------------------------------------------------------

    @property
    def permissions(self) -> Permissions:
        """What reading and writing its values takes."""
        if not self.secure:
            return OPEN
        return OPEN | ENCRYPTED | (AUTHENTICATED if self.label.protects else Permissions(0))

    def add_service(self, service: Service) -> None:
        """Serve `service`, its subscriptions under the same permissions as its values.

        Upstream lets everybody write the subscription descriptors that it adds by itself.
        """
        server = self.device.gatt_server
        before = len(server.attributes)
        server.add_service(service)
        for attribute in server.attributes[before:]:
            if attribute.type == GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR:
                attribute.permissions = self.permissions

    # --- life ----------------------------------------------------------------------------------------------

    async def start(self, service_uuids: tuple[int, ...] = (), interval_ms: int = 100) -> None:
        """Switch on and advertise."""
        await self.device.power_on()
        await self.advertise(service_uuids, interval_ms)

    async def advertise(
        self, service_uuids: tuple[int, ...] = (), interval_ms: int = 100, *, again: bool = True
    ) -> None:
        """Be heard, and take connections; the name is in the scan response. `again`: after each connection, too."""
        uuids = b"".join(bytes(UUID.from_16_bits(uuid)) for uuid in service_uuids)
        items = [FLAGS]
        if uuids:
            items.append((AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, uuids))
        await self.device.start_advertising(
            auto_restart=again,
            advertising_interval_min=interval_ms,
            advertising_interval_max=interval_ms,
            advertising_data=bytes(AdvertisingData(items)),
            scan_response_data=self._scan_response(),
        )

    async def stop(self) -> None:
        """Switch off for good."""
        self.controller.remove()
        await self.device.power_off()

    # --- back door -----------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether a central is connected."""
        return bool(self.device.connections)

    def leave(self) -> None:
        """Go out of range: the link breaks by supervision time-out, and no connection is possible."""
        self.controller.leave()

    def return_(self) -> None:
        """Come back into range; it advertises again as before."""
        self.controller.return_()

    def drop_link(self) -> None:
        """Lose the link once; it stays in range."""
        self.controller.lose_links()

    def forget_bonds(self) -> None:
        """Factory reset: it no longer knows who it was paired with."""
        self.device.keystore = MemoryKeyStore()

    # --- what it sends -------------------------------------------------------------------------------------

    async def notify(self, characteristic: Characteristic[bytes], value: bytes) -> bool:
        """Notify whoever has subscribed; whether somebody has."""
        sent = False
        for connection in list(self.device.connections.values()):
            if self._subscribed(connection, characteristic):
                await self.device.gatt_server.notify_subscriber(connection, characteristic, value)
                sent = True
        return sent

    async def indicate(self, characteristic: Characteristic[bytes], value: bytes) -> bool:
        """Indicate and wait for the confirmation; False where nobody has subscribed or the link broke first."""
        for connection in list(self.device.connections.values()):
            if self._subscribed(connection, characteristic):
                sending = self.device.gatt_server.indicate_subscriber(connection, characteristic, value)
                try:
                    # Upstream goes on waiting for a confirmation that cannot come over a broken link.
                    await connection.cancel_on_disconnection(asyncio.ensure_future(sending))
                except asyncio.CancelledError:
                    task = asyncio.current_task()
                    if task is not None and task.cancelling():
                        raise
                    return False
                return True
        return False

    def _subscribed(self, connection: Connection, characteristic: Characteristic[bytes]) -> bool:
        return bool(self.device.gatt_server.read_cccd(connection, characteristic)[0])

    def _scan_response(self) -> bytes:
        name, kind = self.name.encode(), AdvertisingData.Type.COMPLETE_LOCAL_NAME
        if len(name) > LONGEST_NAME:
            name, kind = name[:LONGEST_NAME], AdvertisingData.Type.SHORTENED_LOCAL_NAME
        return bytes(AdvertisingData([(kind, name)]))

    # --- pairing -------------------------------------------------------------------------------------------

    def _pairing_config(self, _connection: Connection) -> PairingConfig:
        context = self.label.context
        oob = None if context is None else PairingConfig.OobConfig(context, None, None)
        return PairingConfig(sc=True, mitm=self.label.protects, bonding=True, delegate=self.label, oob=oob)

    def _on_connection(self, connection: Connection) -> None:
        connection.on(Connection.EVENT_PAIRING, self._on_pairing)
        if self.on_connected is not None:
            self.on_connected()

    def _on_pairing(self, keys: PairingKeys) -> None:
        self.pairings.append(bool(keys.ltk and keys.ltk.authenticated))
