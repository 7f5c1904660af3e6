"""Scanner over bleak."""

import asyncio
import logging
from collections.abc import Callable, Collection

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDBusError, BleakError

from hal.errors import HalError
from hal.interfaces import Clock
from hal.linux.native_errors import native_errors
from hal.linux.radio import Radio
from hal.linux.uuids import short_uuid
from hal.receptions import BUFFERED, Receptions
from hal.types import Advertisement

log = logging.getLogger(__name__)

START_S, STOP_S = 20.0, 5.0  # a bluetoothd that hangs answers never

# BlueZ scans passively only for patterns. One on service data brings no event on BlueZ 5.82, one on the flags does:
# so all usual flags are asked for, and whose data it is we look at ourselves (Supplement to the Core, Part A, 1.3).
FLAGS = (b"\x06", b"\x04", b"\x05", b"\x02")
OR_PATTERNS = [OrPattern(0, AdvertisementDataType.FLAGS, flags) for flags in FLAGS]


class BleakBleScanner:
    """`BleScanner` on a `Radio`."""

    def __init__(self, clock: Clock, radio: Radio, *, limit: int = BUFFERED) -> None:
        self._clock = clock
        self._radio = radio
        self._heard_ms: int | None = None
        self._active: bool | None = None
        self._scanner: BleakScanner | None = None
        self._unwatch: Callable[[], None] | None = None
        self._buffer = Receptions(limit)
        self._buffer.end("the scan has not been started: call start()")

    @property
    def dropped(self) -> int:
        """How many receptions of known devices were dropped because nobody took them in time."""
        return self._buffer.dropped

    @property
    def heard_ms(self) -> int | None:
        """Uptime at which anybody at all was heard last; None where nobody was yet."""
        return self._heard_ms

    async def start(
        self, *, active: bool = False, known: Collection[str] | None = None, offering: str = ""
    ) -> None:
        """Begin to listen; a scan that runs already goes on as is asked now, and keeps what it holds."""
        self._buffer.expect(known, offering)
        if self._scanner is not None and active == self._active and not self._buffer.ended:
            return
        await self._stop_scanner()
        await self._radio.ready()
        self._buffer.begin()
        try:
            with native_errors("the adapter"):
                async with asyncio.timeout(START_S):
                    self._scanner = await self._start_scanner(active)
        except HalError as error:
            self._buffer.end(error.message, error.detail)
            raise
        self._active = active
        self._unwatch = self._radio.on_lost(self._lost)

    async def stop(self) -> None:
        """Stop listening; no error where it does not run."""
        self._buffer.end("the scan was stopped")
        await self._stop_scanner()

    async def receive(self) -> Advertisement:
        """The next advertisement, those of known devices first."""
        return await self._buffer.get()

    async def _start_scanner(self, active: bool) -> BleakScanner:
        if not active:
            scanner = self._make_scanner(active=False)
            try:
                await scanner.start()
                return scanner
            except BleakDBusError:
                raise
            except BleakError as error:
                # Kernels and daemons without advertisement monitors: the same data, at the cost of scan requests.
                if type(error) is not BleakError:
                    raise
                log.warning("passive scan is not possible, scanning actively: %s", error)
        scanner = self._make_scanner(active=True)
        await scanner.start()
        return scanner

    def _make_scanner(self, *, active: bool) -> BleakScanner:
        if active:
            # Else BlueZ tells only of data that changed: a quiet sensor would seem dead, a second press be missed.
            options = BlueZScannerArgs(filters={"DuplicateData": True})
        else:
            options = BlueZScannerArgs(or_patterns=list(OR_PATTERNS))
        if self._radio.adapter_name is not None:
            options["adapter"] = self._radio.adapter_name
        return BleakScanner(
            self._heard,
            scanning_mode="active" if active else "passive",
            bluez=options,
            backend=self._radio.scanner_backend,
            wants=self._wants,
        )

    async def _stop_scanner(self) -> None:
        scanner, self._scanner = self._scanner, None
        unwatch, self._unwatch = self._unwatch, None
        if unwatch is not None:
            unwatch()
        if scanner is not None:
            try:
                with native_errors("the adapter"):
                    async with asyncio.timeout(STOP_S):
                        await scanner.stop()
            except HalError as error:
                log.info("the scan ended with its adapter: %s", error)

    def _lost(self, reason: str) -> None:
        self._buffer.end("the Bluetooth adapter went away: scan again when it is back", reason)

    def _wants(self, address: str) -> bool:
        """Whether anything of this sender may be wanted: a backend that asks first need not parse what is not."""
        self._heard_ms = self._clock.uptime_ms()
        return self._buffer.may_enter(address)

    def _heard(self, device: BLEDevice, data: AdvertisementData) -> None:
        if self._wants(device.address.upper()):
            self._buffer.put(self._advertisement(device, data))

    def _advertisement(self, device: BLEDevice, data: AdvertisementData) -> Advertisement:
        return Advertisement(
            device.address.upper(),
            data.rssi,
            self._clock.uptime_ms(),
            {short_uuid(uuid): bytes(value) for uuid, value in data.service_data.items()},
            tuple(short_uuid(uuid) for uuid in data.service_uuids),
            {company: bytes(value) for company, value in data.manufacturer_data.items()},
            data.local_name,
        )
