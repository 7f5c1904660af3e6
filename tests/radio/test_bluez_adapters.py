"""Which adapter is used, what becomes of one that goes, and a bus that comes back; the other party simulated."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from bleak.backends.scanner import BaseBleakScanner

from hal.errors import UnavailableError
from hal.linux.bluez import BluezRadio
from hal.linux.clock import SystemClock
from hal.linux.scanner import BleakBleScanner
from tests.radio.bluez_party import DEVICE, Party, party, run
from tests.radio.home import soon, turns

pytestmark = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed (Debian: apt-get install dbus)"
)


def test_an_adapter_that_is_off_or_out_is_told_and_not_ready(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        lost: list[str] = []
        await both.radio.ready()
        stop = both.radio.on_lost(lost.append)
        both.daemon.switch(on=False)
        await turns(lambda: len(lost) == 1)
        with pytest.raises(UnavailableError, match=r"adapter hci0 is off: .*sudo btmgmt -i hci0 power on"):
            await both.radio.ready()
        both.daemon.switch(on=True)
        await both.radio.ready()
        both.daemon.remove_adapter()
        await turns(lambda: len(lost) == 2)
        with pytest.raises(UnavailableError, match="plugged in"):
            await both.radio.ready()
        await both.daemon.stop()
        await turns(lambda: len(lost) == 3)
        with pytest.raises(UnavailableError, match="bluetoothd"):
            await both.radio.ready()
        stop()
        assert [each.split()[-1] for each in lost] == ["off", "removed", "ended"]

    run(tmp_path, program)


@pytest.mark.parametrize("name", ["hci0", "hci1", None])
def test_another_adapter_that_goes_away_ends_nothing_of_ours(tmp_path: Path, name: str | None) -> None:
    lost: list[str] = []

    async def program(both: Party) -> None:
        both.radio.adapter_name = name
        both.daemon.add_neighbour()
        await both.radio.ready()
        both.radio.on_lost(lost.append)
        both.daemon.switch(on=False, neighbour=True)
        both.daemon.remove_neighbour()
        both.daemon.switch(on=False)
        both.daemon.remove_adapter()
        await both.daemon.stop()
        await turns(lambda: bool(lost) and lost[-1] == "bluetoothd ended")

    run(tmp_path, program)
    # Without a name a device may be reached over either.
    ours = ["hci0", "hci1"] if name is None else [name]
    expected = [
        f"adapter /org/bluez/{each} was {word}"
        for each in ("hci1", "hci0")
        if each in ours
        for word in ("switched off", "removed")
    ]
    assert lost == [*expected, "bluetoothd ended"]


def test_the_adapter_that_is_named_is_used_and_no_other(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        both.daemon.add_device(DEVICE)
        both.radio.adapter_name = "hci0"
        await soon(both.radio.ready())
        assert (await soon(both.radio.locate(DEVICE))).address == DEVICE
        both.radio.adapter_name = "hci1"
        with pytest.raises(UnavailableError, match="no Bluetooth adapter hci1"):
            await soon(both.radio.ready())
        with pytest.raises(UnavailableError, match="hci1"):
            await soon(both.radio.locate(DEVICE))

    run(tmp_path, program)


def test_of_several_that_are_off_the_command_is_for_the_one_that_is_named(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        both.daemon.add_neighbour()
        for neighbour in (False, True):
            both.daemon.switch(on=False, neighbour=neighbour)
        for named, asked in (("hci1", "hci1"), ("hci0", "hci0"), (None, "hci0")):
            both.radio.adapter_name = named
            with pytest.raises(UnavailableError, match=f"{asked} is off: .*sudo btmgmt -i {asked} power on"):
                await both.radio.ready()

    run(tmp_path, program)


@pytest.mark.parametrize("name", [None, "hci1"])
def test_a_scan_names_its_adapter_and_asks_for_every_reception(tmp_path: Path, name: str | None) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    class Heard(BaseBleakScanner):
        """Notes what bleak passes on to BlueZ."""

        def __init__(self, callback: Any, uuids: Any, mode: str, *, bluez: dict[str, Any], **_: Any) -> None:
            super().__init__(callback, uuids)
            asked.append((mode, bluez))

        async def start(self) -> None: ...

        async def stop(self) -> None: ...

    class Air(BluezRadio):
        scanner_backend = Heard  # type: ignore[assignment]

        async def ready(self) -> None: ...

    async def program() -> None:
        scanner = BleakBleScanner(SystemClock(), Air(tmp_path / "levels.json", adapter_name=name))
        for active in (True, False):
            await scanner.start(active=active)
        await scanner.stop()

    asyncio.run(program())
    assert [mode for mode, _ in asked] == ["active", "passive"]
    assert [options.get("adapter") for _, options in asked] == [name, name]
    assert asked[0][1]["filters"] == {"DuplicateData": True} and "filters" not in asked[1][1]


def test_a_bus_that_goes_away_and_comes_back_is_used_again(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        await both.radio.ready()
        both.bus.terminate()
        await both.bus.wait()
        with pytest.raises(UnavailableError):
            await both.radio.ready()
        (tmp_path / "bus").unlink(missing_ok=True)
        async with party(tmp_path) as again:
            both.daemon = again.daemon
            await both.radio.ready()
            await both.radio.close()

    run(tmp_path, program)
