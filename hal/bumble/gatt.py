"""Bumble's picture of a peripheral's services as bleak's."""

from collections.abc import Callable, Iterable
from typing import Any

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bumble.gatt_client import CharacteristicProxy, ServiceProxy

from hal.bumble.advertising import long_uuid

# Core 5.4, Vol 3, Part G, 3.3.1.1
PROPERTIES: dict[int, Any] = {
    0x01: "broadcast",
    0x02: "read",
    0x04: "write-without-response",
    0x08: "write",
    0x10: "notify",
    0x20: "indicate",
    0x40: "authenticated-signed-writes",
    0x80: "extended-properties",
}


def collect(
    services: Iterable[ServiceProxy], wanted: set[str] | None, write_limit: Callable[[], int]
) -> BleakGATTServiceCollection:
    """The services, those in `wanted` only where it is given."""
    collection = BleakGATTServiceCollection()
    for proxy in services:
        uuid = long_uuid(bytes(proxy.uuid))
        if wanted is None or uuid in wanted:
            service = BleakGATTService(proxy, proxy.handle, uuid)
            collection.add_service(service)
            for characteristic in proxy.characteristics:
                _add(collection, service, characteristic, write_limit)
    return collection


def _add(
    collection: BleakGATTServiceCollection,
    service: BleakGATTService,
    proxy: CharacteristicProxy[bytes],
    write_limit: Callable[[], int],
) -> None:
    names = [name for bit, name in PROPERTIES.items() if int(proxy.properties) & bit]
    uuid = long_uuid(bytes(proxy.uuid))
    characteristic = BleakGATTCharacteristic(proxy, proxy.handle, uuid, names, write_limit, service)
    collection.add_characteristic(characteristic)
    for each in proxy.descriptors:
        descriptor = BleakGATTDescriptor(each, each.handle, long_uuid(bytes(each.type)), characteristic)
        collection.add_descriptor(descriptor)
