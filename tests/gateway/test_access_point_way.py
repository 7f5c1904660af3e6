"""The access point never cuts by itself what is, or may be, the way to the platform; and an error that nobody foresaw ends nothing."""

import asyncio
from pathlib import Path

import pytest

from gateway.core.errors import RefusedError
from gateway.daemon.access_point import BROKEN, IS_WAY, NAME, WAY_UNKNOWN, AccessPointKeeper
from tests.gateway.point_gateway import Gateway, judge, play

# --- the way to the platform: never cut by itself where it is not known ------------------------------------------------

# (what the adapter looks like, by what the hub reached the platform, whether it does now) and why it is refused
WAYS = (
    ("no network is known to it, and nothing was reached yet", False, ("", False), None),
    ("joining, after a power cut", True, ("", False), IS_WAY),
    ("joined, the cable has the route, nothing was reached yet", None, ("", False), WAY_UNKNOWN),
    ("joined, the cable has the route, and was the way before", None, ("eth0", False), WAY_UNKNOWN),
    ("joined, the platform is reached, by what cannot be told", None, ("", True), WAY_UNKNOWN),
    ("joined, the cable has the route and leads nowhere", None, ("wlan0", True), IS_WAY),
    (
        "joined, the cable has the route and leads nowhere, and the Wi-Fi fails",
        None,
        ("wlan0", False),
        IS_WAY,
    ),
    ("joined, and the platform is reached by the cable", None, ("eth0", True), None),
)


@pytest.mark.parametrize(("_what", "is_way", "way_out", "cause"), WAYS)
def test_by_itself_it_opens_only_where_the_way_is_known_to_be_another(
    tmp_path: Path, _what: str, is_way: bool | None, way_out: tuple[str, bool], cause: str | None
) -> None:
    play(Gateway(tmp_path), lambda gateway: by_itself(gateway, is_way, way_out, cause))


async def by_itself(
    gateway: Gateway, is_way: bool | None, way_out: tuple[str, bool], cause: str | None
) -> None:
    """With each window as configured, in one that a power cut has resumed, and by the command with and without --yes."""
    gateway.point.is_way, gateway.way_out = is_way, way_out
    for is_resumed in (False, True):
        async with gateway.running() as keeper:
            if is_resumed:
                (gateway.folder / NAME).write_text('{"passphrase": "7KQ2-M9DX", "is_sure": false}')
            else:
                keeper.by_itself = True
            keeper.follow(True)
            await gateway.pass_by(60_000)
            assert (gateway.point.opened is None) is (cause is not None), "the way to the platform is cut"
            assert keeper.facts()["cause"] == (cause or "")
            if cause is not None:
                with pytest.raises(RefusedError) as refused:
                    await gateway.want()
                assert refused.value.reason == cause and gateway.point.opened is None
                await gateway.want(sure=True)
            assert gateway.point.opened is not None
            keeper.follow(False)
            await gateway.pass_by()


class Trusting(AccessPointKeeper):
    """Takes what is not known for no."""

    async def _check_way(self) -> None:
        if not self._is_sure and await self._point.takes_way() is True:
            raise RefusedError(IS_WAY)


def test_control_a_hub_that_takes_what_it_does_not_know_for_no_is_reported(tmp_path: Path) -> None:
    caught = []
    for what, is_way, way_out, cause in WAYS:
        try:
            play(
                Gateway(tmp_path, Trusting),
                lambda gateway, row=(is_way, way_out, cause): by_itself(gateway, *row),  # type: ignore[misc]
            )
        except AssertionError:
            caught.append(what)
        (tmp_path / NAME).unlink(missing_ok=True)
    assert caught == [what for what, is_way, _, cause in WAYS if is_way is None and cause is not None]


def test_it_opens_by_itself_as_soon_as_the_platform_is_reached_by_another_way(tmp_path: Path) -> None:
    async def scene(gateway: Gateway) -> None:
        gateway.point.is_way = True  # it joins, at the start of the machine
        async with gateway.running() as keeper:
            keeper.by_itself = True
            keeper.follow(True)
            await gateway.pass_by(20_000)
            gateway.point.is_way = None
            await gateway.pass_by(20_000)
            assert keeper.facts()["cause"] == WAY_UNKNOWN and gateway.point.opened is None
            gateway.way_out = ("eth0", True)
            await gateway.pass_by(20_000)
            assert gateway.point.opened is not None and gateway.point.used == "eth0"
            keeper.follow(False)
            await gateway.pass_by()
            judge(gateway)

    play(Gateway(tmp_path), scene)


# --- what nobody foresaw -----------------------------------------------------------------------------------------------


class Unforeseen(Exception):  # noqa: N818  it stands for any other
    """Neither of the hub's errors nor of the machine's; its words hold a secret, as those of a library may."""


async def unforeseen(gateway: Gateway) -> None:
    """Each call to what manages the Wi-Fi fails once in a way of its own; whoever asks is answered, and the next try is good."""
    point = gateway.point

    def fails(name: str) -> None:
        async def broken(*_given: object, **_more: object) -> None:
            delattr(point, name)  # once
            raise Unforeseen("7KQ2-M9DX")

        setattr(point, name, broken)

    fails("close")  # what a killed run has left
    async with gateway.running() as keeper:
        await gateway.pass_by()
        keeper.follow(True)
        for name in ("takes_way", "open"):
            fails(name)
            with pytest.raises(RefusedError) as told:
                async with asyncio.timeout(10):
                    await gateway.want()
            assert told.value.reason == BROKEN and keeper.facts()["cause"] == BROKEN
        assert (await gateway.want())["state"] == "open"
        fails("is_open")
        await gateway.pass_by(30_000)
        assert keeper.facts()["state"] == "open", "tried again"
        fails("close")
        keeper.follow(False)
        await gateway.pass_by()
        assert point.opened is None, "hanging up has ended it"
        fails("release")
    judge(gateway)
    logged = [line for line in gateway.logged if "Unforeseen" in line]
    assert len(logged) == 6 and "test_access_point_way.py:" in logged[0] and "7KQ2" not in "".join(logged)


def test_an_error_that_nobody_foresaw_is_logged_and_answered_and_ends_nothing(tmp_path: Path) -> None:
    play(Gateway(tmp_path), unforeseen)


class Mortal(AccessPointKeeper):
    """Ends with the first error that it does not know."""

    async def _fail(self, error: Exception) -> None:
        raise error

    async def _guarded(self) -> int | None:
        return await self._step()


def test_control_a_part_that_ends_without_a_word_is_reported(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        play(Gateway(tmp_path, Mortal), unforeseen)


def test_what_cannot_be_told_to_the_page_is_taken_away_again(tmp_path: Path) -> None:
    async def scene(gateway: Gateway) -> None:
        def cannot(_address: str) -> None:
            raise Unforeseen

        gateway.keeper = gateway.kind(
            gateway.point, gateway.folder, "home-4711", gateway.clock, gateway.log, cannot
        )
        async with gateway.keeper.beside():
            gateway.keeper.follow(True)
            with pytest.raises(RefusedError):
                await gateway.want()
            assert gateway.point.history and gateway.point.opened is None, "open, and said to be none"

    play(Gateway(tmp_path), scene)
