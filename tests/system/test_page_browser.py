"""The page in a real Chromium: the whole installation by keys alone, axe on every page, a phone's width, live parts, no script."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.page.words import Words
from gateway.daemon.texts import LANGUAGES
from tests.gateway.page.installation import Installation
from tests.system.chromium import (
    chromium,
    follow,
    keep_picture,
    reach,
    signed_in,
    too_wide,
    violations,
    write,
)
from tests.system.test_page import Bench, configure, free_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]

LARGEST = 200_000
PAGES = [
    "/", "/status", "/nearby", "/device?name=R%C3%B8yk+stue", "/pair?name=Oksymeter", "/walk", "/plug", "/centre",
    "/add", "/add?address=A4%3AC1%3A38%3A00%3A00%3A01&driver=bthome", "/several", "/undo", "/finish", "/colleague",
    "/faults", "/fault/66", "/nowhere", "/device?name=nobody",
]  # fmt: skip
BROKEN = """<!doctype html><html><head><title>x</title></head><body>
<img src="/static/icon.svg"><p style="color:#bbb;width:900px">pale and wide</p><input><div role="nonsense"></div></body></html>"""


def furnish(home: Installation) -> None:
    """A home in the middle of it, with long names."""
    home.hear("ATC_1", rssi_dbm=-50)
    home.hear("A_name_as_long_as_an_advertisement_allows_it", "plx", -88)
    home.hear("", "enocean", -97, sender="01:82:5D:AB")
    home.add(home.token, "Røyk stue", "Stue", "bthome", "A4:C1:38:00:00:07")
    home.add(home.token, "Oksymeter", "Soverommet innerst i gangen", "plx", "A4:C1:38:00:00:08")
    home.measure("Røyk stue", "spo2_pct", "97", "96", "nan", "98", "97")
    home.pair(home.token, "Oksymeter")
    home.say("heard", question="number", compare=42)
    home.walk(home.token, "Stue")
    home.centre, home.note = "forwarded", "set på skjermen"
    home.troubles = {"faults": ["path.unreceipted"], "devices_silent": ["Røyk stue"], "connected": False}


def browsing(data: Path, work: Callable[[Bench], Awaitable[Any]]) -> None:
    configure(data, listen="127.0.0.1", port=free_port())
    asyncio.run(asyncio.wait_for(work(Bench(data)), 220))


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_and_a_phone_needs_no_scrolling_sideways(tmp_path: Path, language: str) -> None:
    async def work(bench: Bench) -> None:
        async with signed_in(bench, language) as tab:
            furnish(bench.home)
            for number, path in enumerate(PAGES):
                await tab.goto(tab.address + path)
                assert await violations(tab) == [], path
                assert await too_wide(tab) <= 0, path
                await keep_picture(tab, f"{language}-{number:02}")
            finish(bench.home)
            await tab.goto(tab.address + "/centre")
            assert await violations(tab) == []
            await keep_picture(tab, language + "-accepted")
            await tab.goto(tab.address + "/finish")
            await tab.click("form[action='/finish'] button")
            await tab.wait_for_selector(".digest")
            assert await violations(tab) == [] and await too_wide(tab) <= 0
            await keep_picture(tab, language)
            assert not [each for each in tab.complaints if "404" not in each and "409" not in each], (
                tab.complaints
            )
            await tab.context.clear_cookies()
            await tab.goto(tab.address + "/sign-in")
            assert await violations(tab) == []
            await keep_picture(tab, language)

    browsing(tmp_path, work)


def finish(home: Installation) -> None:
    """All is done."""
    for device in home.devices:
        device.heard = device.tested = device.paired = True
    home.walk(home.token, "Soverommet innerst i gangen")
    home.plug, home.centre = "done", "accepted"


def test_control_axe_and_the_width_are_looked_at(tmp_path: Path) -> None:
    async def work() -> None:
        async with chromium() as tab:
            await tab.set_content(BROKEN)
            found = " ".join(await violations(tab))
            for rule in ("image-alt", "color-contrast", "html-has-lang", "label", "aria-roles"):
                assert rule in found, (rule, found)
            assert await too_wide(tab) > 0

    asyncio.run(work())


def test_the_whole_installation_by_keys_alone(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        home = bench.home
        t = Words("en")
        async with signed_in(bench, "en") as tab:
            home.hear("ATC_1")
            home.hear("ATC_2", rssi_dbm=-70)
            home.hear("Nonin3230", "plx", -75)
            await reach(tab, t("ui.skip"))
            await tab.keyboard.press("Enter")
            await follow(tab, t("checklist.go"))
            await tab.goto(tab.address + "/")
            await follow(tab, t("checklist.several"))
            await write(tab, t("several.room"), "Hall")
            await reach(tab, t("several.own_name").replace("(", r"\(").replace(")", r"\)"))
            await write(tab, t("several.room"), "Kitchen")
            await follow(tab, t("several.do"))
            assert [device.room for device in home.devices] == ["Hall", "Kitchen"]
            await follow(tab, t("nav.nearby"))
            await follow(tab, t("nearby.add", name="Nonin3230"))
            await write(tab, t("add.name"), "Oximeter")
            await write(tab, t("add.room"), "Hall")
            await follow(tab, t("add.do"))
            await follow(tab, t("device.pair_do"))
            home.say("heard", state="heard")
            home.say("bonded", 2, state="bonded", bond=2)
            await tab.wait_for_selector(".box.good")
            for device in home.devices:
                await follow(tab, t("nav.checklist"))
                await follow(tab, t("step.tested", name=device.name))
                await follow(tab, t("device.test_do"))
                home.press(device.name)
            for room in ("Hall", "Kitchen"):
                await follow(tab, t("nav.checklist"))
                await follow(tab, t("step.walk"))
                await follow(tab, t("walk.measure", room=room))
            await follow(tab, t("nav.checklist"))
            await follow(tab, t("step.plug"))
            await follow(tab, t("plug.do"))
            home.come_back()
            await follow(tab, t("nav.checklist"))
            await follow(tab, t("step.centre"))
            await follow(tab, t("centre.do"))
            home.centre = "accepted"
            await tab.wait_for_selector(".box.good")
            await follow(tab, t("nav.checklist"))
            await follow(tab, t("finish.title"))
            await write(tab, t("finish.technician"), "Kari Nordmann")
            await follow(tab, t("finish.do"))
            assert await tab.text_content("h1") == t("record.title")
            assert home.record is not None and home.record["technician"] == "Kari Nordmann"

    browsing(tmp_path, work)


def test_live_parts_follow_without_a_reload_until_somebody_stops_them(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        async with signed_in(bench) as tab:
            furnish(bench.home)
            await tab.goto(tab.address + "/device?name=R%C3%B8yk+stue")
            await tab.evaluate("window.here = true")
            await tab.click("summary >> text=tabell")
            bench.home.measure("Røyk stue", "spo2_pct", "97", "88")
            await tab.wait_for_selector("figcaption:has-text('88')")
            assert await tab.evaluate("window.here") and await tab.is_visible("figure table")
            await tab.click("[data-pause]")
            bench.home.measure("Røyk stue", "spo2_pct", "97", "77")
            await asyncio.sleep(3)
            assert await tab.is_visible("figcaption:has-text('88')")
            await tab.click("[data-pause]")
            await tab.evaluate("document.activeElement.blur()")
            await tab.wait_for_selector("figcaption:has-text('77')")
            bench.home.is_open = False
            await tab.wait_for_selector("text=Installasjonen er lukket")

    browsing(tmp_path, work)


def test_without_script_everything_works_by_forms_and_a_refresh_that_is_asked_for(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        async with signed_in(bench, java_script_enabled=False) as tab:
            furnish(bench.home)
            bench.home.centre = "none"
            await tab.goto(tab.address + "/centre")
            assert await tab.is_hidden("[data-pause]")
            await tab.click("form[action='/centre'] button")
            await tab.wait_for_selector("text=Lagret. Venter", timeout=45_000)
            await tab.click("text=hvert femte sekund")
            bench.home.centre = "accepted"
            await tab.wait_for_selector(".box.good", timeout=45_000)
            await tab.click("text=English")
            await tab.wait_for_selector("text=Taken by the response centre", timeout=45_000)

    browsing(tmp_path, work)


def test_a_page_with_all_that_it_loads_is_small(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        async with signed_in(bench) as tab:
            furnish(bench.home)
            for path in PAGES:
                sizes: list[int] = []
                tab.on(
                    "response",
                    lambda answer, sizes=sizes: sizes.append(int(answer.headers["content-length"])),
                )
                await tab.goto(tab.address + path, wait_until="networkidle")
                assert len(sizes) > 2 and sum(sizes) < LARGEST, (path, sizes)
                assert all(url.startswith(tab.address) for url in [tab.url])

    browsing(tmp_path, work)
