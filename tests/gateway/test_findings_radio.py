"""What `trygg check` finds of the radio: there, on, and which of several is used."""

from pathlib import Path
from typing import Any

import pytest

from gateway.daemon import wiring
from gateway.daemon.findings import FAULT, OK, WARNING, Finding, check_radio
from gateway.daemon.texts import Texts
from hal.errors import HalError, UnavailableError
from hal.linux.system_bus import NO_BUS
from tests.gateway.test_findings import DOOR, EN, NB, configured, only
from tests.radio.bluez_party import Party, run


def test_the_radio_of_the_configured_backend_is_there_or_named(tmp_path: Path) -> None:
    bluetooth, bus = tmp_path / "bluetooth", tmp_path / "bus"
    power = {"hci1": True}
    error: list[HalError] = []

    async def adapters() -> list[tuple[str, bool]]:
        for each in error:
            raise each
        return sorted(power.items())

    def found(**radio: Any) -> list[Finding]:
        config = configured(tmp_path, DOOR, radio=radio)
        return check_radio(config, EN, adapters, bluetooth=bluetooth, system_bus=bus)

    only(found(adapter="hci1"), FAULT, "hci1 is not there")
    (bluetooth / "hci1").mkdir(parents=True)
    (bluetooth / "hci1:64").mkdir()
    only(found(adapter="hci1"), FAULT, "systemctl start bluetooth")
    bus.touch()
    only(found(adapter="hci1"), OK, "hci1 is there")
    only(found(), OK, "hci1 is there")
    only(found(adapter="hci2"), FAULT, "hci2 is not there")
    only(found(backend="bumble", transport="usb:0"), OK, "usb:0 is not looked at")
    only(found(backend="bumble", transport=f"serial:{tmp_path}/none,1000000"), FAULT, "none")
    only(check_radio(configured(tmp_path), EN, adapters, bluetooth=tmp_path / "x"), OK, "none is needed")
    power["hci1"] = False
    only(found(), FAULT, "hci1 is off: switch it on (sudo btmgmt -i hci1 power on)")
    error.append(UnavailableError(NO_BUS))
    only(found(), FAULT, "the system message bus cannot be reached: start it (sudo systemctl start dbus)")
    assert NB.reword(error[0].message).endswith(": start den (sudo systemctl start dbus)")


def test_of_several_radios_it_is_said_which_is_used_and_how_to_name_one(tmp_path: Path) -> None:
    bluetooth, bus = tmp_path / "bluetooth", tmp_path / "bus"
    bus.touch()
    for name in ("hci0", "hci1", "hci2"):
        (bluetooth / name).mkdir(parents=True)
    power = {"hci0": False, "hci1": True, "hci2": True}

    async def adapters() -> list[tuple[str, bool]]:
        return sorted(power.items())

    def found(texts: Texts = EN, **radio: Any) -> list[Finding]:
        config = configured(tmp_path, DOOR, radio=radio)
        return check_radio(config, texts, adapters, bluetooth=bluetooth, system_bus=bus)

    only(
        found(),
        WARNING,
        "the hub uses hci1, the first that is on, and not hci0, hci2, there as well.",
        'adapter = "hci1" in [radio]',
    )
    only(found(NB), WARNING, "huben bruker hci1, den første som er på; hci0, hci2 er der også")
    only(found(adapter="hci2"), OK, "hci2 is there")
    only(found(adapter="hci0"), FAULT, "hci0 is off")
    (bluetooth / "hci0").rmdir()
    only(found(), WARNING, "and not hci2, there as well.", 'adapter = "hci1" in [radio]')
    power.clear()
    only(
        found(),
        FAULT,
        "none of hci1, hci2 is on: switch on the one",
        "for hci1: sudo btmgmt -i hci1 power on",
    )
    only(found(NB), FAULT, "ingen av hci1, hci2 er på: slå på den som skal brukes (for hci1: ")
    only(found(adapter="hci2"), FAULT, "hci2 is off: switch it on (sudo btmgmt -i hci2 power on)")


def test_the_radios_are_those_that_bluetoothd_tells_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def program(both: Party) -> None:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", str(both.daemon._bus_address))
        assert await wiring.adapters() == [("hci0", True)]
        both.daemon.add_neighbour()
        both.daemon.switch(on=False)
        assert await wiring.adapters() == [("hci0", False), ("hci1", True)]
        await both.daemon.stop()
        with pytest.raises(UnavailableError, match="bluetoothd"):
            await wiring.adapters()

    run(tmp_path, program)
