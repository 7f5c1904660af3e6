"""A scanner backend for bleak on a `BumbleAdapter`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from bleak.args.bluez import BlueZScannerArgs
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.exc import BleakError

from hal.bumble.advertising import Report, Structures, is_scan_response, parse, structures

if TYPE_CHECKING:
    from hal.bumble.adapter import BumbleAdapter

REMEMBERED = 1024  # senders whose scan response is kept; their number has no end, as phones change addresses


class BumbleScanner(BaseBleakScanner):
    """Delivers each packet at once, once. `BumbleAdapter` makes a subclass that knows its adapter.

    A scan response is remembered and joined to the sender's later advertisements; the advertisement that it answered
    is not delivered again with it, because the same service data twice would look like two events.

    `wants` is asked of each sender first: what it does not want is neither parsed nor remembered.
    """

    adapter: ClassVar["BumbleAdapter"]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: Literal["active", "passive"],
        *,
        bluez: BlueZScannerArgs,
        wants: Callable[[str], bool] | None = None,
        **_kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode != "passive"
        self._wants = wants
        self._patterns = list(bluez.get("or_patterns", []))
        self._responses: dict[str, Structures] = {}
        if not self._active and not self._patterns:
            raise BleakError("passive scanning mode requires bluez or_patterns")

    @property
    def active(self) -> bool:
        """Whether scan responses are asked for."""
        return self._active

    async def start(self) -> None:
        """Start scanning."""
        self._responses = {}
        await self.adapter.listen(self)

    async def stop(self) -> None:
        """Stop scanning."""
        await self.adapter.unlisten(self)

    def hear(self, report: Report) -> None:
        """Adapter side: one packet."""
        address = report.address.to_string(False)
        if self._wants is not None and not self._wants(address):
            return
        items = structures(report.data)
        if is_scan_response(report):
            self._remember(address, items)
        elif not self._fits(items):
            return
        else:
            items = items + self._responses.get(address, [])
        data = parse(items, report.rssi, report)
        if self.is_allowed_uuid(data.service_uuids):
            device = self.create_or_update_device(address, address, data.local_name, report.address, data)
            self.call_detection_callbacks(device, data)

    def create_or_update_device(
        self, key: str, address: str, name: str | None, details: Any, adv: AdvertisementData
    ) -> BLEDevice:
        """A device for this one packet: upstream keeps each that was ever heard, and nobody here looks at them."""
        return BLEDevice(address, name, details)

    def lose(self, reason: str) -> None:
        """Adapter side: the controller is gone. Bleak has no word for it; `hal.linux.radio` has."""

    def _remember(self, address: str, response: Structures) -> None:
        if address not in self._responses and len(self._responses) >= REMEMBERED:
            del self._responses[next(iter(self._responses))]
        self._responses[address] = response

    def _fits(self, items: Structures) -> bool:
        """A passive scan takes what fits a pattern, as BlueZ does; an active one everything."""
        if self._active:
            return True
        return any(
            kind == pattern[1] and value[pattern[0] : pattern[0] + len(pattern[2])] == pattern[2]
            for kind, value in items
            for pattern in self._patterns
        )
