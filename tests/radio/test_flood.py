"""Strangers in numbers that have no end: nothing is kept of them, in our stack or in bleak's."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from bleak.backends.bluezdbus.scanner import BleakScannerBlueZDBus
from bleak.backends.device import BLEDevice
from bumble.device import Device

from hal.bumble.scanner import REMEMBERED, BumbleScanner
from hal.linux.bluez_scanner import BluezScanner
from tests.radio.home import Home, run, soon
from tools.simulators.flood import Flood

STRANGERS = 2 * REMEMBERED
DOOR = "C3:00:00:00:00:01"


async def hear_strangers(home: Home, **asked: Any) -> BumbleScanner:
    """Twice as many as anything is kept of, then one of the home's own, all heard."""
    await home.scanner.start(**asked)
    flood = Flood(home.link, answers=True)
    for _ in range(STRANGERS):
        flood.send()
        await asyncio.sleep(0)
    flood.send(DOOR)
    while (await soon(home.scanner.receive())).address != DOOR:
        pass
    (scanner,) = home.adapter._listeners
    assert isinstance(scanner, BumbleScanner)
    flood.stop()
    return scanner


def test_of_strangers_that_nobody_waits_for_nothing_is_kept(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        scanner = await hear_strangers(home, known={DOOR})
        assert not scanner.seen_devices and not scanner._responses
        assert (await home.adapter.device()).advertisement_accumulators == {}

    run(tmp_path, program)


def test_while_somebody_looks_for_a_device_what_is_kept_of_strangers_has_a_limit(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        scanner = await hear_strangers(home, active=True, known={DOOR}, offering="1822")
        assert not scanner.seen_devices and len(scanner._responses) == REMEMBERED
        assert (await home.adapter.device()).advertisement_accumulators == {}

    run(tmp_path, program)


def test_control_bumbles_own_device_keeps_one_of_each(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.scanner.start(known={DOOR})
        device = await home.adapter.device()
        device.host.on("advertising_report", lambda report: Device.on_advertising_report(device, report))
        await hear_strangers(home, known={DOOR})
        assert len(device.advertisement_accumulators) == STRANGERS + 1

    run(tmp_path, program)


@pytest.mark.parametrize(("kind", "kept"), [(BluezScanner, 0), (BleakScannerBlueZDBus, STRANGERS)])
def test_bleaks_scanner_for_bluez_hands_on_and_keeps_nothing_where_the_control_keeps_all(
    kind: type[BleakScannerBlueZDBus], kept: int
) -> None:
    heard: list[BLEDevice] = []
    scanner = kind(lambda device, _data: heard.append(device), None, "active", bluez={})
    for number in range(STRANGERS):
        address = f"C5:00:00:00:{number >> 8:02X}:{number & 255:02X}"
        scanner._handle_advertising_data(
            f"/org/bluez/hci0/dev_{number}", {"Address": address, "Alias": address}
        )
    assert len(heard) == len({each.address for each in heard}) == STRANGERS
    assert len(scanner.seen_devices) == kept
