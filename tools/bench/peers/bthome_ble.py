"""`bthome-ble`, what Home Assistant reads BTHome sensors with, called as Home Assistant calls it."""

from bleak.backends.device import BLEDevice
from bthome_ble import BTHomeBluetoothDeviceData
from habluetooth import BluetoothServiceInfoBleak
from sensor_state_data import SensorUpdate

UUID = "0000fcd2-0000-1000-8000-00805f9b34fb"


def heard(address: str, data: bytes, at_s: float, name: str = "") -> BluetoothServiceInfoBleak:
    """A reception of service data, in its form."""
    return BluetoothServiceInfoBleak(
        name=name or address,
        address=address,
        rssi=-60,
        manufacturer_data={},
        service_data={UUID: data},
        service_uuids=[],
        source="",
        device=BLEDevice(address, name, {}),
        advertisement=None,
        connectable=False,
        time=at_s,
        tx_power=None,
    )


def parser(key: bytes | None = None) -> BTHomeBluetoothDeviceData:
    """A fresh parser of one sensor."""
    return BTHomeBluetoothDeviceData(bindkey=key)


def read(
    address: str, data: bytes, key: bytes | None = None
) -> tuple[BTHomeBluetoothDeviceData, SensorUpdate]:
    """What a fresh parser says of one frame, and the parser."""
    reader = parser(key)
    return reader, reader.update(heard(address, data, 0.0))
