"""The technician at the page, in a real browser: finds what they need by its place in the forms, whatever the language.

Chromium of the system, driven by Playwright. What is shown is kept as pictures, where a folder for them is given.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Error, Page, ViewportSize, sync_playwright

PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_S = 60.0
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


class NotShownError(Exception):
    """The page does not show what it should."""


def program() -> str | None:
    """A browser of this system."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def opened(address: str, language: str, pictures: Path | None) -> Iterator["Technician"]:
    """A phone's browser at the page; the certificate is the gateway's own, and was compared by its fingerprint."""
    found = program()
    assert found is not None, "ask program() first"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield Technician(browser, address.rstrip("/"), "nb-NO" if language == "nb" else "en-GB", pictures)
        finally:
            browser.close()


class Technician:
    """One person with a phone. `clicks` counts what they press."""

    def __init__(self, browser: Browser, address: str, locale: str, pictures: Path | None) -> None:
        self.browser, self.address, self.locale, self.pictures = browser, address, locale, pictures
        context = browser.new_context(ignore_https_errors=True, viewport=PHONE, locale=locale)
        self.page: Page = context.new_page()
        self.clicks = 0
        self.shown = 0
        self.page.set_default_timeout(1000 * PATIENCE_S)

    def colleague(self) -> "Technician":
        """Somebody else with a phone of their own."""
        return Technician(self.browser, self.address, self.locale, None)

    def go(self, path: str) -> None:
        """A link of the page."""
        self.page.goto(self.address + path)

    def picture(self, name: str) -> None:
        """Keep what is shown."""
        self.shown += 1
        if self.pictures is not None:
            self.pictures.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(self.pictures / f"{self.shown:02}-{name}.png"), full_page=True)

    def press(self, form: str, within: str = "") -> None:
        """The button of a form, by where the form goes."""
        self.clicks += 1
        self.page.locator(f'form[action="{form}"]{within} button').first.click()
        self.page.wait_for_load_state()

    def fill(self, **fields: str) -> None:
        """Fields by their name."""
        for name, text in fields.items():
            self.page.locator(f'[name="{name}"]').first.fill(text)

    def until(self, is_so: Callable[[], Any], what: str, path: str = "", limit_s: float = PATIENCE_S) -> None:
        """Look again and again, as a person does; `path` is loaded anew each time. Raises NotShownError."""
        end = time.monotonic() + limit_s
        while True:
            try:
                if path:
                    self.go(path)
                if is_so():
                    return
            except Error:  # the gateway is away for a moment, as when its plug is pulled
                pass
            if time.monotonic() > end:
                raise NotShownError(
                    f"not shown within {limit_s:.0f} s: {what}; shown is: {self.words()[:600]}"
                )
            time.sleep(0.4)

    def words(self) -> str:
        """What is to be read."""
        try:
            return " ".join(self.page.locator("main").inner_text().split())
        except Error as error:
            return str(error)

    # --- what a technician does --------------------------------------------------------------------------------

    def sign_in(self, code: str, name: str) -> None:
        """With the code on the label."""
        self.go("/sign-in")
        self.fill(name=name, code=code)
        self.press("/sign-in")
        if self.page.locator('form[action="/sign-in"]').count():
            raise NotShownError(f"not let in: {self.words()}")

    def add_detectors(self, rooms: dict[str, tuple[str, str, str]]) -> None:
        """Several in one go. rooms: address -> (room, name, key on the label)."""

        def rows() -> dict[str, str]:
            found = self.page.locator('input[type="hidden"][name^="address-"]')
            values = [(each.get_attribute("name"), each.get_attribute("value")) for each in found.all()]
            return {str(value): str(name).partition("-")[2] for name, value in values}

        self.until(lambda: set(rooms) <= set(rows()), "all detectors are heard", "/several")
        self.picture("several")
        for address, number in rows().items():
            if address in rooms:
                room, name, key = rooms[address]
                self.fill(**{f"room-{number}": room, f"name-{number}": name, f"key-{number}": key})
        self.press("/several")
        self.picture("several-added")

    def add(self, address: str, name: str, room: str, driver: str) -> None:
        """One device from its card."""
        card = f'a[href*="{quote(address)}"]'
        self.until(lambda: self.page.locator(card).count(), f"{address} is heard", "/nearby")
        self.picture("nearby")
        self.page.locator(card).first.click()
        self.fill(name=name, room=room)
        self.page.locator('select[name="driver"]').select_option(driver)
        self.press("/add")

    def pair(self, name: str, code: str) -> None:
        """With the six digits on the device."""
        self.go(f"/device?name={quote(name)}")
        self.fill(code=code)
        self.press("/device/pair")
        self.until(lambda: self.page.locator("[data-over]").count(), "the pairing comes to its end")
        self.picture("paired")
        if not self.page.locator(".box.good").count():
            raise NotShownError(f"not paired: {self.words()}")

    def test(self, name: str, press: Callable[[], None] | None = None) -> None:
        """Begin the test, press its button, and see it come back."""
        place = f"/device?name={quote(name)}"
        self.go(place)
        self.press("/device/test")
        if press is not None:
            press()
        steps = self.page.locator("ol.steps > li")
        self.until(
            lambda: steps.count() and all("done" in str(each.get_attribute("class")) for each in steps.all()),
            f"{name} is tested",
            place,
        )
        self.picture("tested")

    def walk(self, room: str) -> None:
        """Measure from a room."""
        self.go("/walk")
        buttons = self.page.locator(f'form[action="/walk"]:has(input[value="{room}"]) button')
        self.clicks += 1
        buttons.first.click()
        self.until(
            lambda: room in self.page.locator("main table").first.inner_text(), f"{room} is measured", "/walk"
        )

    def centre(self) -> None:
        """Ring the response centre."""
        self.go("/centre")
        self.press("/centre")

    def centre_says(self, is_accepted: bool) -> None:
        """Wait until the page shows it: received is not yet accepted."""
        reached = ".stages li .state"
        if is_accepted:
            self.until(
                lambda: self.page.locator(".box.good").count(), "the centre has accepted it", "/centre"
            )
        else:
            self.until(
                lambda: self.page.locator(reached).count() and self.stages() >= 2,
                "the platform has it",
                "/centre",
            )
            if self.page.locator(".box.good").count():
                raise NotShownError("green before anybody has accepted it")

    def stages(self) -> int:
        """How many stages have been reached."""
        return self.page.locator(".stages li.running, .stages li.done").count()

    def missing(self) -> int:
        """How many steps stand in the way of the end."""
        self.go("/finish")
        return self.page.locator("ol.steps > li").count()

    def finish(self, technician: str) -> None:
        """Sign the record."""
        self.go("/finish")
        self.fill(technician=technician)
        self.press("/finish")
        self.picture("finished")
