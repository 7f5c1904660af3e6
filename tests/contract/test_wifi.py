"""What every Wi-Fi promises (`hal.provisioning.Wifi`)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hal.errors import DeniedError, HalError, TimedOutError, UnavailableError
from hal.linux.wifi import OURS, NetworkManagerWifi, connection_of, seen_of
from tests.contract.backends import WIFIS
from tests.contract.wifi_hosts import NetworkManagerHost, WifiHost, network_manager_wifi
from tests.private_bus import private_bus

SSID, PASSWORD, WRONG = "Karis nett", "hemmelig-1234", "feil-passord"
Program = Callable[[WifiHost], Awaitable[None]]


@pytest.fixture(params=WIFIS)
def on_machine(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Program], None]:
    """Runs a program on a machine of the backend."""

    def run(program: Program) -> None:
        async def life() -> None:
            async with WIFIS[request.param](tmp_path) as host, asyncio.timeout(45):
                host.add(SSID, PASSWORD, -60)
                await program(host)

        asyncio.run(life())

    return run


def words(error: HalError) -> str:
    return str(error) + error.detail + repr(error.__cause__)


def test_networks_come_once_each_the_strongest_first(on_machine: Callable[[Program], None]) -> None:
    async def program(host: WifiHost) -> None:
        host.add("Gjest", "", -50)
        host.add("Naboens", "annet-passord", -90)
        seen = await host.wifi.scan()
        assert [(each.ssid, each.rssi_dbm, each.protected) for each in seen] == [
            ("Gjest", -50, False),
            (SSID, -60, True),
            ("Naboens", -90, True),
        ]

    on_machine(program)


def test_a_network_that_lets_us_in_is_kept(on_machine: Callable[[Program], None]) -> None:
    async def program(host: WifiHost) -> None:
        await host.wifi.join(SSID, PASSWORD)
        assert host.kept() == [SSID]
        host.add("Gjest", "", -50)
        await host.wifi.join("Gjest", "")
        assert host.kept() == ["Gjest"], "the one before is not kept beside it"

    on_machine(program)


def test_a_refusal_says_what_is_wrong_and_holds_neither_name_nor_password(
    on_machine: Callable[[Program], None],
) -> None:
    async def program(host: WifiHost) -> None:
        await host.wifi.join(SSID, PASSWORD)
        with pytest.raises(DeniedError, match="password") as denied:
            await host.wifi.join(SSID, WRONG)
        with pytest.raises(UnavailableError, match="no such network") as unknown:
            await host.wifi.join("Finnes ikke", PASSWORD)
        host.mute(SSID)
        with pytest.raises(TimedOutError) as late:
            await host.wifi.join(SSID, PASSWORD, timeout_ms=50)
        for error in (denied.value, unknown.value, late.value):
            for secret in (SSID, PASSWORD, WRONG, "Finnes ikke"):
                assert secret not in words(error)
        assert host.kept() == [SSID], "what was joined before stays"

    on_machine(program)


def test_a_machine_without_wifi_says_so(on_machine: Callable[[Program], None]) -> None:
    async def program(host: WifiHost) -> None:
        host.take_away()
        for work in (host.wifi.scan(), host.wifi.join(SSID, PASSWORD)):
            with pytest.raises(UnavailableError, match="no Wi-Fi"):
                await work

    on_machine(program)


def test_a_join_that_is_cancelled_leaves_nothing_and_the_object_usable(
    on_machine: Callable[[Program], None],
) -> None:
    async def program(host: WifiHost) -> None:
        host.add("Stum", PASSWORD, -60)
        host.mute("Stum")
        with pytest.raises(TimeoutError):  # of ours: it cancels what is within
            async with asyncio.timeout(0.05):
                await host.wifi.join("Stum", PASSWORD)
        assert host.kept() == []
        await host.wifi.join(SSID, PASSWORD)

    on_machine(program)


# --- Linux ---------------------------------------------------------------------------------------------------------


def on_linux(folder: Path, program: Callable[[NetworkManagerHost], Awaitable[None]]) -> None:
    async def life() -> None:
        async with network_manager_wifi(folder) as host, asyncio.timeout(45):
            assert isinstance(host, NetworkManagerHost)
            await program(host)

    asyncio.run(life())


def test_a_scan_that_is_refused_shows_what_is_known(tmp_path: Path) -> None:
    async def program(host: NetworkManagerHost) -> None:
        host.manager.wireless.busy = True
        host.add(SSID, PASSWORD, -60)
        host.manager.add(b"\xff\xfe", "annet-passord")
        host.manager.add(b"", "annet-passord")
        host.manager.add(SSID, PASSWORD, strength=98)  # the same network from another room
        assert [(each.ssid, each.rssi_dbm) for each in await host.wifi.scan()] == [(SSID, -51)]

    on_linux(tmp_path, program)


def test_what_fails_is_deleted_and_never_written_to_disk(tmp_path: Path) -> None:
    async def program(host: NetworkManagerHost) -> None:
        host.add(SSID, PASSWORD, -60)
        for password in (WRONG, "short"):
            with pytest.raises(DeniedError):
                await host.wifi.join(SSID, password)
        assert host.manager.connections == {}
        host.manager.denied = True
        with pytest.raises(DeniedError, match="root"):
            await host.wifi.join(SSID, PASSWORD)

    on_linux(tmp_path, program)


def test_without_networkmanager_or_a_bus_that_is_said(tmp_path: Path) -> None:
    async def life() -> None:
        async with private_bus(tmp_path) as address:
            wifi = NetworkManagerWifi(address)
            with pytest.raises(UnavailableError, match="systemctl start NetworkManager"):
                await wifi.scan()
            await wifi.close()
        with pytest.raises(UnavailableError, match="dbus"):
            await NetworkManagerWifi(f"unix:path={tmp_path}/none").scan()

    asyncio.run(life())


def test_a_connection_bears_our_name_and_not_the_networks_and_an_open_one_has_no_key() -> None:
    closed, free = connection_of(SSID, PASSWORD), connection_of(SSID, "")
    assert (
        closed["connection"]["id"].value == OURS
        and closed["802-11-wireless-security"]["psk"].value == PASSWORD
    )
    assert "802-11-wireless-security" not in free
    assert seen_of({"Ssid": b"\0\0", "Strength": 3}) is None
