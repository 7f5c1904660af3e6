"""`trygg install --access-point`: what it prints, what a camera reads of it, and that the time is open where there can be none."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.access_point import AccessPointKeeper
from hal.errors import UnavailableError
from hal.sim.clock import SimClock
from hal.sim.wifi import SimAccessPoint
from tests.gateway.install_desk import Desk, DeskPage
from tests.tools.qr_reader import QUIET, read

UPPER, LOWER = "█▀", "█▄"  # what is light in the upper and in the lower row of a line


def codes(said: str) -> list[str]:
    """The texts of the QR codes that were printed."""
    found, drawing = [], []
    for line in [*said.splitlines(), ""]:
        if line and set(line) <= set("█▀▄ "):
            drawing.append(line)
        elif drawing:
            found.append(read(as_svg(drawing)))
            drawing = []
    return found


def as_svg(drawing: list[str]) -> str:
    """What a terminal shows, as the reader takes it: with a white border of its own width around it."""
    size = len(drawing[0])
    rows = [[letter not in half for letter in line] for line in drawing for half in (UPPER, LOWER)][:size]
    more = QUIET - next(at for at, row in enumerate(rows) if any(row))
    dark = [(r + more, c + more) for r, row in enumerate(rows) for c, is_dark in enumerate(row) if is_dark]
    path = "".join(f"M{c} {r}h1" for r, c in dark)
    return f'<svg viewBox="0 0 {size + 2 * more} {size + 2 * more}"><path d="{path}"/></svg>'


class Counter:
    """A desk with a page and a Wi-Fi adapter."""

    def __init__(self, folder: Path, language: str) -> None:
        self.desk = Desk(folder, language)
        self.page = self.desk.page = DeskPage()
        clock = SimClock(utc_ms=0)
        self.point = SimAccessPoint(clock, open_ms=0)
        also = self.page.serve_also
        self.keeper = AccessPointKeeper(self.point, self.desk.data, "home-4711", clock, self.desk.log, also)
        self.desk.keeper = self.keeper


def at_counter(folder: Path, scene: Callable[[Counter], Any], language: str = "en") -> None:
    async def play() -> None:
        counter = Counter(folder, language)
        async with counter.keeper.beside():
            await counter.desk.start()
            await counter.desk.site.resume()
            try:
                await scene(counter)
            finally:
                await counter.desk.end()

    asyncio.run(play())


@pytest.mark.parametrize(
    ("language", "words"), [("nb", "eget trådløse nett"), ("en", "own wireless network")]
)
def test_name_passphrase_address_and_two_codes_that_a_camera_reads(
    tmp_path: Path, language: str, words: str
) -> None:
    async def scene(counter: Counter) -> None:
        desk = counter.desk
        assert await desk.run("--access-point", "--minutes", "30") == 0, desk.complained
        assert counter.point.opened is not None
        name, passphrase = counter.point.opened
        assert words in desk.said and name in desk.said and passphrase in desk.said
        assert "https://10.61.17.1:8443/" in desk.said and "https://192.168.1.20:8443/" in desk.said
        assert codes(desk.said) == [f"WIFI:T:WPA;S:{name};P:{passphrase};;", "https://10.61.17.1:8443/"]
        assert await desk.run("--close") == 0
        await counter.desk.clock.advance(1_000)
        assert not (desk.data / "access-point.json").exists() and counter.point.opened is None

    at_counter(tmp_path, scene, language)


def test_it_is_told_as_json_and_by_the_open_of_a_hub_that_opens_one_by_itself(tmp_path: Path) -> None:
    async def scene(counter: Counter) -> None:
        desk = counter.desk
        assert await desk.run("--open") == 0
        assert "not set up" not in desk.said, "control: it has one"
        assert await desk.run("--close") == 0
        counter.keeper.by_itself = True
        counter.page.address = ""  # a home without any network
        assert await desk.run("--open", "--json") == 0
        told = json.loads(desk.said)
        assert told["address"] == "https://10.61.17.1:8443/" and told["code"] == "7KQ2-M9DX"
        assert told["access_point"]["state"] == "open"
        assert told["access_point"]["passphrase"] == (counter.point.opened or ("", ""))[1]

    at_counter(tmp_path, scene)


def test_where_there_can_be_none_the_time_is_open_all_the_same(tmp_path: Path) -> None:
    async def scene(counter: Counter) -> None:
        desk = counter.desk
        counter.point.refusal = UnavailableError("this machine has no Wi-Fi adapter: use the local network")
        assert await desk.run("--access-point") == 1
        assert "Koden til gatewayens egen side" in desk.said and codes(desk.said) == []
        assert "ikke noe trådløst nettkort" in desk.complained and desk.window.is_open()
        assert (desk.said + desk.complained).count("ikke noe trådløst nettkort") == 1, "said once"
        counter.point.refusal, counter.point.is_way = None, True
        assert await desk.run("--access-point") == 1
        assert "--yes" in desk.complained and counter.point.opened is None
        assert await desk.run("--access-point", "--yes") == 0
        assert counter.point.opened is not None

    at_counter(tmp_path, scene, "nb")


def test_without_a_page_there_is_nothing_to_reach_by_it(tmp_path: Path) -> None:
    async def play() -> None:
        desk = Desk(tmp_path, "en")
        await desk.start()
        try:
            assert await desk.run("--access-point") == 1
            assert "listen in [page]" in desk.complained and desk.window.is_open()
            assert "[page]" not in desk.said, "said once"
            assert await desk.run("--open") == 0
            assert "The gateway's own page is not set up" in desk.said and 'listen = "eth0"' in desk.said
            assert await desk.run("--access-point", "--close") == 2
        finally:
            await desk.end()

    asyncio.run(play())


def test_the_hub_that_runs_says_by_what_the_platform_is_reached(tmp_path: Path) -> None:
    async def scene(counter: Counter) -> None:
        counter.point.is_way = None  # it is joined to a network, and the cable has the default route
        await counter.desk.clock.advance(2_000)
        interface, is_reached = counter.desk.app.delivery.way_out()
        assert is_reached and interface == "eth0" == counter.keeper.way_out()[0]
        assert await counter.desk.run("--access-point") == 0
        assert counter.point.opened is not None and counter.point.used == "eth0"

    at_counter(tmp_path, scene)
