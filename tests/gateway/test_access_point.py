"""The access point of an installation window: open with it, gone with it, whatever ends it."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import RefusedError
from gateway.daemon.access_point import (
    NAME,
    NO_WINDOW,
    AccessPointKeeper,
    network_name,
    new_passphrase,
    read,
    wifi_text,
)
from gateway.daemon.typed_codes import LETTERS
from hal.errors import DeniedError, UnavailableError
from tests.gateway.point_gateway import Gateway, Keeper, judge, play

Scene = Callable[[Gateway], Coroutine[Any, Any, None]]


# --- what must never be: an access point without its window ----------------------------------------------------------


async def closed(gateway: Gateway) -> None:
    """Somebody closes the window, or its time is over."""
    async with gateway.running() as keeper:
        keeper.follow(True)
        await gateway.want()
        assert gateway.point.opened
        keeper.follow(False)
        await gateway.pass_by()
        judge(gateway)


async def closed_while_it_opens(gateway: Gateway) -> None:
    async with gateway.running() as keeper:
        keeper.follow(True)
        asking = asyncio.create_task(keeper.want())
        await gateway.settle()
        keeper.follow(False)
        await gateway.pass_by()
        assert isinstance(await settled(asking), RefusedError)
        judge(gateway)


async def stopped(gateway: Gateway) -> None:
    """The program is stopped as told, with its window open."""
    async with gateway.running() as keeper:
        keeper.follow(True)
        await gateway.want()
    judge(gateway, kept=True)


async def killed(gateway: Gateway) -> None:
    """It was killed, whatever manages the Wi-Fi did not notice, and the window was over when it started again."""
    gateway.point.left = ("Trygg-4711", "7KQ2-M9DX")
    (gateway.folder / NAME).write_text('{"passphrase": "7KQ2-M9DX", "is_sure": false}')
    async with gateway.running() as keeper:
        await gateway.settle()
        assert gateway.point.left is None, "before anybody says anything of a window"
        keeper.follow(False)
        await gateway.pass_by()
        judge(gateway)


async def lost_and_closed(gateway: Gateway) -> None:
    async with gateway.running() as keeper:
        keeper.follow(True)
        await gateway.want()
        gateway.point.there = False
        await gateway.pass_by(10_000)
        keeper.follow(False)
        gateway.point.there = True
        await gateway.pass_by(60_000)
        judge(gateway)


async def settled(task: "asyncio.Task[Any]") -> BaseException | None:
    await asyncio.wait({task})
    return task.exception()


async def closed_by_somebody_who_is_in(gateway: Gateway) -> None:
    """The installation is finished from the page itself: the record can be printed, and then it goes, whatever the page does."""
    async with gateway.running() as keeper:
        keeper.is_served = lambda: True
        for _ in range(2):
            keeper.follow(True)
            await gateway.want()
            keeper.follow(False)
            await gateway.pass_by(50_000)
            assert gateway.point.opened is not None and keeper.facts()["passphrase"] == ""
            await gateway.pass_by(20_000)
            judge(gateway)
        keeper.follow(True)
        first = await gateway.want()
        keeper.follow(False)
        keeper.follow(True)  # another window at once has an access point of its own
        assert (await gateway.want())["passphrase"] != first["passphrase"]
        keeper.follow(False)
        await gateway.pass_by(1_000)
        keeper.is_served = lambda: False
        await gateway.pass_by()
        judge(gateway)


SCENES = (closed, closed_while_it_opens, stopped, killed, lost_and_closed, closed_by_somebody_who_is_in)


@pytest.mark.parametrize("scene", SCENES)
def test_it_is_gone_with_its_window_whatever_ends_it(tmp_path: Path, scene: Scene) -> None:
    play(Gateway(tmp_path), scene)


class Careless(AccessPointKeeper):
    """Says that it is closed, and leaves it open."""

    async def _take_away(self) -> None:
        pass


class Untidy(AccessPointKeeper):
    """Takes it away at its own end, and not at that of the window."""

    async def _end(self) -> None:
        self._state = "closed"


@pytest.mark.parametrize("kind", [Careless, Untidy])
def test_control_a_hub_that_leaves_it_open_is_reported(tmp_path: Path, kind: Keeper) -> None:
    caught = []
    for scene in SCENES:
        folder = tmp_path / scene.__name__
        folder.mkdir()
        try:
            play(Gateway(folder, kind), scene)
        except AssertionError:
            caught.append(scene)
    assert closed in caught and (kind is Untidy or {stopped, killed} <= set(caught))


# --- what it is --------------------------------------------------------------------------------------------------------


def test_it_has_a_name_a_fresh_passphrase_and_an_address_that_the_page_is_told_of(tmp_path: Path) -> None:
    async def scene(gateway: Gateway) -> None:
        async with gateway.running() as keeper:
            for _ in range(2):
                keeper.follow(True)
                facts = await gateway.want()
                assert facts["state"] == "open" and facts["name"] == "Trygg-4711"
                assert facts["wifi"] == f"WIFI:T:WPA;S:Trygg-4711;P:{facts['passphrase']};;"
                assert gateway.also[-1] == facts["address"] == "10.61.17.1"
                assert gateway.point.opened == (facts["name"], facts["passphrase"])
                assert await keeper.want() == facts, "whoever asks again is shown the same"
                keeper.follow(False)
                await gateway.pass_by()
        first, second = gateway.point.history
        assert first[1] != second[1]
        assert not any(secret in "".join(gateway.logged) for secret in first)
        assert keeper.facts()["passphrase"] == ""

    play(Gateway(tmp_path), scene)


def test_a_power_cut_within_the_window_leaves_name_and_passphrase_as_they_were(tmp_path: Path) -> None:
    async def scene(gateway: Gateway) -> None:
        async with gateway.running() as keeper:
            keeper.follow(True)
            facts = await gateway.want()
            assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
        async with gateway.running() as keeper:
            gateway.point.refusal = UnavailableError("NetworkManager does not run")  # not yet, after a start
            keeper.follow(True)
            await gateway.pass_by(10_000)
            assert gateway.point.opened is None
            gateway.point.refusal = None
            await gateway.pass_by(20_000)
            assert keeper.facts() == facts and gateway.point.opened is not None
            keeper.follow(True)  # a hub that began anew with another device
            await gateway.pass_by()
            assert len(gateway.point.history) == 2, "it went on all the time"

    play(Gateway(tmp_path), scene)


def test_nobody_cuts_the_way_to_the_platform_by_mistake(tmp_path: Path) -> None:
    async def scene(gateway: Gateway) -> None:
        gateway.point.is_way = True
        async with gateway.running() as keeper:
            keeper.by_itself = True
            keeper.follow(True)
            await gateway.pass_by(60_000)
            assert gateway.point.history == [] and "--yes" in str(keeper.facts()["cause"])
            assert len([line for line in gateway.logged if "not open" in line]) == 1
            with pytest.raises(RefusedError, match="--yes"):
                await gateway.want()
            assert (await gateway.want(sure=True))["state"] == "open"
            keeper.follow(False)
            await gateway.pass_by()
            keeper.follow(True)
            await gateway.pass_by(60_000)
            assert len(gateway.point.history) == 1, "sure is for one window"

    play(Gateway(tmp_path), scene)


def test_what_is_refused_is_said_and_can_be_asked_for_again(tmp_path: Path) -> None:
    async def scene(gateway: Gateway) -> None:
        async with gateway.running() as keeper:
            with pytest.raises(RefusedError, match="open it first"):
                await keeper.want()
            keeper.follow(True)
            for refusal in (DeniedError("polkit says no"), UnavailableError("no Wi-Fi adapter")):
                gateway.point.refusal = refusal
                with pytest.raises(type(refusal), match=refusal.message):
                    await gateway.want()
                assert keeper.facts()["cause"] == refusal.message
            await gateway.pass_by(60_000)
            gateway.point.refusal = None
            await gateway.pass_by(60_000)
            assert gateway.point.history == [], "it is not tried behind anybody's back"
            assert (await gateway.want())["state"] == "open"
            assert "7KQ2" not in str(keeper.facts()["cause"])

    play(Gateway(tmp_path), scene)


def test_one_that_is_wanted_with_every_window_comes_by_itself_and_again_when_it_was_lost(
    tmp_path: Path,
) -> None:
    async def scene(gateway: Gateway) -> None:
        async with gateway.running() as keeper:
            keeper.by_itself = True
            keeper.follow(True)
            await gateway.pass_by()
            assert keeper.facts()["state"] == "open"
            gateway.point.there = False  # the adapter is pulled, and put in again
            await gateway.pass_by(10_000)
            assert keeper.facts()["state"] == "refused"
            gateway.point.there, gateway.point.opened = True, None
            await gateway.pass_by(30_000)
            assert keeper.facts()["state"] == "open"
            assert len({row[1] for row in gateway.point.history}) == 1, "whoever had joined gets in again"

    play(Gateway(tmp_path), scene)


def test_a_disk_that_takes_nothing_and_a_removal_that_is_refused_end_nothing(tmp_path: Path) -> None:
    async def scene(gateway: Gateway) -> None:
        (tmp_path / NAME).mkdir()
        close = gateway.point.close

        async def refuses() -> None:
            raise DeniedError("polkit says no")

        async with gateway.running() as keeper:
            keeper.follow(True)
            assert (await gateway.want())["state"] == "open"
            gateway.point.close = refuses  # type: ignore[method-assign]
            keeper.follow(False)
            await gateway.pass_by()
            assert gateway.point.opened is None, "hanging up has ended it"
            gateway.point.close = close  # type: ignore[method-assign]
        assert any("could not be removed" in line for line in gateway.logged)
        assert any("could not be kept" in line for line in gateway.logged)

    play(Gateway(tmp_path), scene)


def test_what_was_kept_and_does_not_read_is_nothing(tmp_path: Path) -> None:
    file = tmp_path / NAME
    assert read(file) == ("", False)
    for text in (
        "",
        "[]",
        "{}",
        '{"passphrase": 7, "is_sure": true}',
        '{"passphrase": "short", "is_sure": true}',
        "\xff",
    ):
        file.write_text(text, "utf-8")
        assert read(file) == ("", False), text
    file.write_text('{"passphrase": "7KQ2-M9DX", "is_sure": true}')
    assert read(file) == ("7KQ2-M9DX", True)


def test_names_and_passphrases_are_for_people_and_for_cameras() -> None:
    assert network_name("home-4711") == "Trygg-4711" and network_name("hub") == "Trygg-hub"
    assert len(network_name("x" * 32).encode()) <= 32
    made = {new_passphrase() for _ in range(100)}
    assert len(made) == 100
    assert all([len(part) for part in each.split("-")] == [4, 4, 4, 4] for each in made)
    assert all(set(each) <= set(LETTERS + "-") for each in made)
    assert wifi_text('a;b"', "c:d\\,") == 'WIFI:T:WPA;S:a\\;b\\";P:c\\:d\\\\\\,;;'


def test_whoever_asks_while_the_window_ends_is_told(tmp_path: Path) -> None:
    async def scene(gateway: Gateway) -> None:
        gateway.point.muted = True
        async with gateway.running() as keeper:
            keeper.follow(True)
            asking = asyncio.create_task(keeper.want())
            await gateway.pass_by()
            keeper.follow(False)
            error = await settled(asking)
            assert isinstance(error, RefusedError) and error.reason == NO_WINDOW

    play(Gateway(tmp_path), scene)


def test_one_that_cannot_be_looked_at_is_opened_anew(tmp_path: Path) -> None:
    async def scene(gateway: Gateway) -> None:
        async def broken() -> bool:
            raise UnavailableError("the system message bus went away")

        async with gateway.running() as keeper:
            keeper.follow(True)
            await gateway.want()
            gateway.point.is_open = broken  # type: ignore[method-assign]
            await gateway.pass_by(10_000)
            assert len(gateway.point.history) >= 2, "it is opened anew"

    play(Gateway(tmp_path), scene)
