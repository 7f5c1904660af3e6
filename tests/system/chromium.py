"""A real Chromium before the page's own process: keys, axe, widths, screenshots."""

import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.system.test_page import Bench, hub

MOST_TABS = 80
PHONE = {"width": 360, "height": 740}
SCREENSHOTS = "TRYGG_SCREENSHOTS"  # a folder: every page that is looked at is kept there as a picture


def executable() -> str:
    """Where Chromium is; the test is skipped where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no chromium: apt-get install chromium")
    return found


@contextlib.asynccontextmanager
async def chromium(**context: Any) -> AsyncIterator[Any]:
    """A page of a new browser, as on a phone; `errors` of it are what the browser complained of."""
    api = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    async with api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        options: dict[str, Any] = {
            "viewport": PHONE,
            "ignore_https_errors": True,
            "bypass_csp": False,
        } | context
        tab = await (await browser.new_context(**options)).new_page()
        tab.set_default_timeout(10_000)
        try:
            yield tab
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def signed_in(bench: Bench, language: str = "nb", **context: Any) -> AsyncIterator[Any]:
    """A tab in which somebody is signed in; `address` is on it."""
    async with hub(bench):
        code = bench.page.code()
        bench.page.follow(True)
        client = await bench.client()
        async with chromium(**context) as tab:
            tab.complaints = []
            tab.on("console", lambda said: said.type == "error" and tab.complaints.append(said.text))
            tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
            tab.address = client.address
            await tab.goto(f"{client.address}/language?to={language}&back=/sign-in")
            await tab.fill("#name", "Kari")
            await tab.fill("#code", code)
            await tab.press("#code", "Enter")
            await tab.wait_for_selector("footer")
            await tab.wait_for_load_state("load")  # style, too: a focus is seen by it
            yield tab


# --- keys alone ---------------------------------------------------------------------------------------------------

FOCUSED = """() => {
  const one = document.activeElement;
  const label = one.labels && one.labels[0] ? one.labels[0].textContent : "";
  const style = getComputedStyle(one);
  return {tag: one.tagName, text: (label || one.textContent || "").trim().replace(/\\s+/g, " "),
          seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2};
}"""


async def reach(tab: Any, text: str) -> None:
    """Press Tab until the element with this text has the focus, visibly."""
    met = []
    for _ in range(MOST_TABS):
        await tab.keyboard.press("Tab")
        focused = await tab.evaluate(FOCUSED)
        met.append(focused["text"])
        if focused["tag"] != "BODY" and re.fullmatch(text, focused["text"]):
            assert focused["seen"], f"the focus on {focused['text']!r} cannot be seen"
            return
    raise AssertionError(f"no key leads to {text!r}; met {met}")


async def follow(tab: Any, text: str) -> None:
    """Go to a link or button by keys, and press it."""
    await reach(tab, text)
    async with tab.expect_navigation():
        await tab.keyboard.press("Enter")


async def write(tab: Any, label: str, text: str) -> None:
    """Go to a field by keys, and fill it."""
    await reach(tab, label)
    await tab.keyboard.press("Control+A")
    await tab.keyboard.type(text)


# --- what is looked at on every page ------------------------------------------------------------------------------


async def violations(tab: Any) -> list[str]:
    """What axe finds on a page: rule, impact, and where."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright").Axe()
    found = (await axe.run(tab)).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {[node['target'] for node in each['nodes']]}" for each in found
    ]


async def too_wide(tab: Any) -> int:
    """By how many pixels a page is wider than the screen."""
    return int(
        await tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


async def keep_picture(tab: Any, name: str) -> None:
    """A screenshot, where somebody wants them."""
    folder = os.environ.get(SCREENSHOTS)
    if folder:
        path = urlsplit(tab.url).path.strip("/").replace("/", "-") or "checklist"
        await tab.screenshot(path=Path(folder) / f"{name}-{path}.png", full_page=True)
