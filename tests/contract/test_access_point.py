"""What every access point of our own promises (`hal.provisioning.AccessPoint`)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Variant

from hal.errors import DeniedError, HalError, TimedOutError, UnavailableError
from hal.linux.access_point import (
    ADDRESSES,
    NO_ADAPTER,
    NOT_MANAGED,
    NOT_READY,
    OFF,
    OURS,
    UNABLE,
    WITHOUT_ADDRESSES,
    NetworkManagerAccessPoint,
    free_address,
)
from tests.contract.backends import ACCESS_POINTS
from tests.contract.point_hosts import NetworkManagerPointHost, PointHost, network_manager_point
from tests.private_bus import private_bus

NAME, PASSPHRASE = "Trygg-4711", "7KQ2-M9DX-04TB-H8WZ"
Program = Callable[[PointHost], Awaitable[None]]


@pytest.fixture(params=ACCESS_POINTS)
def on_machine(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Program], None]:
    """Runs a program on a machine of the backend."""

    def run(program: Program) -> None:
        async def life() -> None:
            async with ACCESS_POINTS[request.param](tmp_path) as host, asyncio.timeout(45):
                await program(host)

        asyncio.run(life())

    return run


def test_it_is_on_the_air_until_it_is_closed(on_machine: Callable[[Program], None]) -> None:
    async def program(host: PointHost) -> None:
        assert not await host.point.is_open()
        assert await host.point.open(NAME, PASSPHRASE) == ADDRESSES[0]
        assert host.on_air() == (NAME, PASSPHRASE) and await host.point.is_open()
        await host.point.open(NAME, "another-passphrase")
        assert host.on_air() == (NAME, "another-passphrase"), "there is one at most"
        await host.point.close()
        assert host.on_air() is None and not await host.point.is_open()
        await host.point.close()

    on_machine(program)


def test_letting_go_ends_it_and_it_can_be_used_again(on_machine: Callable[[Program], None]) -> None:
    async def program(host: PointHost) -> None:
        await host.point.open(NAME, PASSPHRASE)
        await host.point.release()
        await host.noticed()
        assert host.on_air() is None
        assert not await host.point.is_open()
        await host.point.open(NAME, PASSPHRASE)
        assert host.on_air() == (NAME, PASSPHRASE)

    on_machine(program)


def test_what_a_killed_run_has_left_is_removed(on_machine: Callable[[Program], None]) -> None:
    async def program(host: PointHost) -> None:
        await host.point.open(NAME, PASSPHRASE)
        after = await host.again()
        assert host.on_air() == (NAME, PASSPHRASE), "nobody has noticed"
        assert not await after.is_open(), "it is none of this run's"
        await after.close()
        assert host.on_air() is None

    on_machine(program)


def test_a_refusal_leaves_nothing_and_holds_neither_name_nor_passphrase(
    on_machine: Callable[[Program], None],
) -> None:
    async def program(host: PointHost) -> None:
        host.mute()
        with pytest.raises(TimedOutError) as late:
            await host.point.open(NAME, PASSPHRASE, timeout_ms=50)
        assert host.on_air() is None
        host.take_away()
        with pytest.raises(UnavailableError, match="no Wi-Fi adapter") as absent:
            await host.point.open(NAME, PASSPHRASE)
        with pytest.raises(UnavailableError, match="no Wi-Fi adapter"):
            await host.point.takes_way()
        for error in (late.value, absent.value):
            for secret in (NAME, PASSPHRASE):
                assert secret not in str(error) + repr(error.__cause__)

    on_machine(program)


def test_the_way_out_is_known_as_such(on_machine: Callable[[Program], None]) -> None:
    async def program(host: PointHost) -> None:
        assert not await host.point.takes_way()
        await host.point.open(NAME, PASSPHRASE)
        assert not await host.point.takes_way(), "an access point is no way out"
        await host.point.close()
        host.is_way()
        assert await host.point.takes_way()

    on_machine(program)


def test_whoever_reached_the_platform_by_it_knows_better_than_the_default_route(
    on_machine: Callable[[Program], None],
) -> None:
    async def program(host: PointHost) -> None:
        assert await host.point.takes_way("wlan0") is True, "lost a moment ago"
        assert await host.point.takes_way("eth0") is False, "and no network is known to it"
        host.may_be_way()
        assert await host.point.takes_way("wlan0") is True, "a cable that leads nowhere has the route"
        for used in ("", "eth0"):
            assert await host.point.takes_way(used) is None

    on_machine(program)


def test_one_that_is_broken_off_leaves_nothing(on_machine: Callable[[Program], None]) -> None:
    async def program(host: PointHost) -> None:
        host.mute()
        with pytest.raises(TimeoutError):  # of ours: it cancels what is within
            async with asyncio.timeout(0.05):
                await host.point.open(NAME, PASSPHRASE)
        assert host.on_air() is None and not await host.point.is_open()

    on_machine(program)


# --- Linux ---------------------------------------------------------------------------------------------------------


def on_linux(folder: Path, program: Callable[[NetworkManagerPointHost], Awaitable[None]]) -> None:
    async def life() -> None:
        async with network_manager_point(folder) as host, asyncio.timeout(45):
            assert isinstance(host, NetworkManagerPointHost)
            await program(host)

    asyncio.run(life())


def plain(value: Any) -> Any:
    """Settings without their types on the bus."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return plain(value.value) if hasattr(value, "signature") else value


def test_it_is_wpa2_volatile_and_shuts_both_ways(tmp_path: Path) -> None:
    async def program(host: NetworkManagerPointHost) -> None:
        await host.point.open(NAME, PASSPHRASE)
        settings = plain(host.manager.opened)
        security = settings["802-11-wireless-security"]
        assert (security["key-mgmt"], security["proto"], security["pairwise"]) == (
            "wpa-psk",
            ["rsn"],
            ["ccmp"],
        )
        assert (
            settings["802-11-wireless"]["mode"] == "ap" and settings["802-11-wireless"]["ap-isolation"] == 1
        )
        assert settings["connection"]["id"] == OURS and settings["connection"]["autoconnect"] is False
        assert settings["ipv4"]["method"] == "shared" and settings["ipv6"]["method"] == "disabled"
        own, into, out = settings["ipv4"]["routing-rules"]
        assert (own["iifname"], own["to"], own["table"]) == ("lo", "10.61.17.0", 254)
        assert (into["action"], into["to"], into["to-len"]) == (8, "10.61.17.0", 24)
        assert (out["action"], out["iifname"]) == (8, "wlan0") and "to" not in out
        assert own["priority"] < into["priority"] < out["priority"]
        assert host.manager.saved == []

    on_linux(tmp_path, program)


def test_what_was_joined_comes_back(tmp_path: Path) -> None:
    async def program(host: NetworkManagerPointHost) -> None:
        host.is_way()
        await host.point.open(NAME, PASSPHRASE)
        assert host.manager.joined == ""
        await host.point.close()
        assert host.manager.joined == "Hjemme" and host.manager.saved == ["Hjemme"]
        host.manager.has_way = True  # a cable is in, which may lead nowhere
        assert await host.point.takes_way() is None

    on_linux(tmp_path, program)


@pytest.mark.parametrize("state", [40, 50, 60, 70, 80, 90])
def test_one_that_is_joining_is_the_way(tmp_path: Path, state: int) -> None:
    """After a power cut the hub starts before the home's Wi-Fi has let the machine in."""

    async def program(host: NetworkManagerPointHost) -> None:
        host.manager.join_slowly("Hjemme", state)
        assert host.manager.primary == "/"
        assert await host.point.takes_way() is True
        host.manager.has_way = True
        assert await host.point.takes_way() is True

    on_linux(tmp_path, program)


def test_one_that_has_not_joined_yet_is_the_way_where_it_knows_a_network(tmp_path: Path) -> None:
    async def program(host: NetworkManagerPointHost) -> None:
        manager = host.manager
        assert await host.point.takes_way() is False
        manager.know("Ved behov", autoconnect=Variant("b", False))
        manager.know("Et annet kort", interface_name=Variant("s", "wlan7"))
        assert await host.point.takes_way() is False, "none that it joins by itself"
        other = manager.know("Andre", person="user:kari:")
        assert await host.point.takes_way() is None, "another person's may be anything"
        manager.delete(other.path)
        manager.know("Hjemme", interface_name=Variant("s", "wlan0"))
        for state in (30, 120):
            manager.device.state = state
            manager.has_way = False
            assert await host.point.takes_way() is True
            manager.has_way = True
            assert await host.point.takes_way() is None

    on_linux(tmp_path, program)


def test_another_persons_connection_hides_nothing_of_ours(tmp_path: Path) -> None:
    async def program(host: NetworkManagerPointHost) -> None:
        host.manager.know("Andre", person="user:kari:")
        await host.point.open(NAME, PASSPHRASE)
        assert host.on_air() == (NAME, PASSPHRASE)
        await host.point.close()
        assert host.on_air() is None and host.manager.saved == ["Andre"]

    on_linux(tmp_path, program)


def test_what_a_restarted_networkmanager_has_kept_is_found_and_removed(tmp_path: Path) -> None:
    async def program(host: NetworkManagerPointHost) -> None:
        host.manager.know("Andre", person="user:kari:")
        first = host.manager.know("Et gammelt")
        await host.point.open(NAME, PASSPHRASE)
        host.manager.delete(first.path)  # so that the numbers are others
        host.manager.join_at_start("Hjemme")
        await host.manager.restart()
        after = await host.again()
        assert host.on_air() == (NAME, PASSPHRASE), "who had asked for it is forgotten"
        await after.close()
        assert host.on_air() is None and sorted(host.manager.saved) == ["Andre", "Hjemme"]

    on_linux(tmp_path, program)


def test_what_bears_the_number_of_ours_after_a_restart_is_not_ours(tmp_path: Path) -> None:
    async def program(host: NetworkManagerPointHost) -> None:
        await host.point.open(NAME, PASSPHRASE)
        (ours,) = host.manager.connections
        host.manager.delete(ours)
        host.manager.renumber()
        host.manager.join_at_start("Hjemme")
        assert ours in host.manager.connections
        assert not await host.point.is_open()

    on_linux(tmp_path, program)


def test_each_reason_why_there_is_none_is_said(tmp_path: Path) -> None:
    async def program(host: NetworkManagerPointHost) -> None:
        manager = host.manager

        async def why() -> str:
            with pytest.raises(HalError) as found:
                await host.point.open(NAME, PASSPHRASE)
            assert manager.connections == {}
            return found.value.message

        manager.denied = True
        assert "polkit" in await why()
        manager.denied = False
        for reason, words in ((18, WITHOUT_ADDRESSES), (5, WITHOUT_ADDRESSES)):
            manager.fails = reason
            assert await why() == words
        manager.fails = 9
        assert "did not become an access point" in await why()
        manager.fails = 0
        manager.wireless.can &= ~0x40
        assert await why() == UNABLE
        manager.device.state = 10
        assert await why() == NOT_MANAGED
        manager.device.state = 20
        assert await why() == NOT_READY
        for switch in ("soft_blocked", "hard_blocked"):
            setattr(manager, switch, True)
            assert await why() == OFF
            setattr(manager, switch, False)
        manager.has_wifi = False
        assert await why() == NO_ADAPTER
        manager.has_wifi, manager.device.state = True, 30
        manager.wireless.can |= 0x40
        with pytest.raises(UnavailableError, match="did not take"):
            await host.point.open(NAME, "short")

    on_linux(tmp_path, program)


def test_without_networkmanager_or_a_bus_that_is_said_and_there_is_nothing_to_close(tmp_path: Path) -> None:
    async def life() -> None:
        async with private_bus(tmp_path) as address:
            point = NetworkManagerAccessPoint(address)
            with pytest.raises(UnavailableError, match="systemctl start NetworkManager"):
                await point.open(NAME, PASSPHRASE)
            await point.close()
            await point.release()
        gone = NetworkManagerAccessPoint(f"unix:path={tmp_path}/none")
        with pytest.raises(UnavailableError, match="dbus"):
            await gone.takes_way()
        await gone.close()

    asyncio.run(life())


def test_a_removal_that_is_refused_is_no_removal(tmp_path: Path) -> None:
    async def program(host: NetworkManagerPointHost) -> None:
        await host.point.open(NAME, PASSPHRASE)
        host.manager.keeps = True
        with pytest.raises(DeniedError):
            await host.point.close()
        assert host.on_air() is not None

    on_linux(tmp_path, program)


def test_the_address_is_none_of_the_machines_own_networks() -> None:
    assert free_address([]) == free_address(["192.168.1.20", "10.61.18.1"]) == "10.61.17.1"
    assert free_address(["10.61.17.90"]) == "172.27.61.1"
    assert free_address(ADDRESSES) == ADDRESSES[0]
