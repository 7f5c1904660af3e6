"""Bleak's own scanner for BlueZ, without the memory of whom it has heard."""

from typing import Any

from bleak.backends.bluezdbus.scanner import BleakScannerBlueZDBus
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData


class BluezScanner(BleakScannerBlueZDBus):
    """Upstream keeps a device and its last packet for every address, until bluetoothd forgets the device.

    Our scanner hands packets on and never looks at that. What bleak holds besides is a copy of bluetoothd's own
    objects, and goes with them: of a stranger 30 s after it was last heard (TemporaryTimeout in its main.conf).
    """

    def create_or_update_device(
        self, key: str, address: str, name: str | None, details: Any, adv: AdvertisementData
    ) -> BLEDevice:
        """A device for this one packet."""
        return BLEDevice(address, name, details)
