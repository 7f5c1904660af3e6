"""Every page in both languages, and the whole walk of an installation without a screen."""

import asyncio
import html
from pathlib import Path

import pytest

from gateway.daemon.commands.explain import kind_of
from gateway.daemon.page.app import FORMS, OPEN, VIEWS
from gateway.daemon.page.cards import MOST_TEXT, card_text
from gateway.daemon.page.visit import FOLDER, sentence
from gateway.daemon.page.words import Words
from gateway.daemon.texts import LANGUAGES
from tests.gateway.english import english_in
from tests.gateway.page.browser import Answer, Browser, Site, visiting

LARGEST = 200_000
# Every page that GET shows, with what it needs in its address.
PAGES = [
    "/",
    "/status",
    "/nearby",
    "/device?name=R%C3%B8yk+stue",
    "/pair?name=Oksymeter",
    "/walk",
    "/plug",
    "/centre",
    "/add",
    "/add?address=A4%3AC1%3A38%3A00%3A00%3A01&driver=bthome",
    "/add?sender=01%3A82%3A5D%3AAB&driver=enocean",
    "/add?port=%2Fdev%2FttyUSB0&driver=dispenser",
    "/several",
    "/undo",
    "/finish",
    "/colleague",
    "/faults",
    "/faults?find=66",
    "/fault/66",
    "/fault/67",
    "/fault/128",
]


def furnish(site: Site) -> None:
    """A home in the middle of it."""
    home = site.home
    home.hear("ATC_1", rssi_dbm=-50)
    home.hear("Nonin3230", "plx", -88)
    home.hear("stranger", "", -97)
    home.hear("", "enocean", -70, sender="01:82:5D:AB")
    home.hear("usb serial", "dispenser", port="/dev/ttyUSB0")
    home.near[-1]["rssi_dbm"] = None
    home.add(home.token, "Røyk stue", "Stue", "bthome", "A4:C1:38:00:00:07")
    home.add(home.token, "Oksymeter", "Soverom", "plx", "A4:C1:38:00:00:08")
    home.measure("Røyk stue", "battery_pct", "97", "nan", "96", "95")
    home.test(home.token, "Røyk stue")
    home.pair(home.token, "Oksymeter")
    home.say("heard")
    home.troubles = {"faults": ["path.unreceipted", "part.stopped"], "devices_silent": ["Røyk stue"]}
    home.walk(home.token, "Stue")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_there_in_both_languages(tmp_path: Path, language: str) -> None:
    async def work(site: Site) -> None:
        browser = await site.inside(language=language)
        furnish(site)
        for path in PAGES:
            answer = await browser.get(path)
            assert answer.status == 200, (path, answer.text)
            look_at(path, answer, language)
            if language == "nb":
                text = answer.text
                # What the hub says in English has its Norwegian where it is raised.
                for said in [said for row in site.home.steps() for said in (row["cause"], row["action"])]:
                    text = text.replace(sentence(said) or " ", " ")
                assert english_in(text.replace("English", "")) == set(), (path, text)
        for path in VIEWS:
            part = "/part/checklist" if path == "/" else "/part" + path
            whole = next(each for each in PAGES if each.partition("?")[0] == path)
            answer = await browser.get(part + whole.removeprefix(path) if path != "/" else part)
            assert answer.status == 200 and b"<html" not in answer.body
            assert html.unescape(answer.body.decode()).strip()[:40] in html.unescape(
                (await browser.get(whole)).body.decode()
            )

    visiting(tmp_path, work)
    known = {path for path in (*VIEWS, *FORMS, *OPEN) if "{" not in path}
    seen = {path.partition("?")[0] for path in PAGES}
    assert known - seen == {
        "/sign-in",
        "/sign-out",
        "/language",
        "/record",
        "/taken",
    }  # each has a test of its own


def look_at(path: str, answer: Answer, language: str) -> None:
    """What holds for every page."""
    document = answer.document
    assert document.language == language, path
    assert [tag for tag, _ in document.tags].count("h1") == 1, path
    assert len(answer.body) + sum(each.stat().st_size for each in (FOLDER / "static").iterdir()) < LARGEST, (
        path
    )
    for tag, attributes in document.tags:
        assert "style" not in attributes and not any(name.startswith("on") for name in attributes), (
            path,
            tag,
        )
        if tag == "script":
            assert attributes.get("src") == "/static/page.js", path
        assert tag not in ("style", "iframe", "object", "base"), path
    for form in document.forms:
        if form.method == "POST" and form.action != "/sign-in":
            assert form.fields.get("form"), (path, form.action)


def test_coupled_detectors_are_told_of_before_the_trial_and_are_tried_together(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        home = site.home
        browser = await site.inside("Kari", "nb")
        home.hear("ATC_1")
        page = await browser.submit(await browser.get("/several"), "/several", **{"room-0": "Gang"})
        page = await browser.get("/device?name=R%C3%B8ykvarsler+Gang")
        assert "koblet sammen" not in page.text, "it is alone"
        home.hear("ATC_2")
        page = await browser.submit(await browser.get("/several"), "/several", **{"room-0": "Stue"})
        page = await browser.get("/device?name=R%C3%B8ykvarsler+Gang")
        before = page.text.partition("Begynn prøven")[0]
        assert "de andre er ekte alarmer hos responssenteret" in before and "før du trykker" in before
        await browser.submit(page, "/device/test", name="Røykvarsler Gang")
        assert home.asked[-1][1]["together"] is False
        await browser.submit(page, "/device/test", name="Røykvarsler Gang", together="yes")
        asked = [given for what, given in home.asked if what == "test"]
        assert asked[-1]["together"] is True
        page = await (await site.inside("Ola", "en")).get("/device?name=R%C3%B8ykvarsler+Gang")
        assert "those of the others are real at the response centre" in page.text

    visiting(tmp_path, work)


def test_a_whole_installation_can_be_done_by_forms_alone(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        home = site.home
        browser = await site.inside("Kari", "en")
        home.hear("ATC_1")
        home.hear("ATC_2")
        home.hear("Nonin3230", "plx", -62)
        page = await browser.get("/")
        assert "Add the devices" in page.text and "4 of 6" not in page.text
        page = await browser.get("/several")
        page = await browser.submit(page, "/several", **{"room-0": "Hall", "room-1": "Kitchen"})
        assert "Smoke detector Hall" in page.text and "Smoke detector Kitchen" in page.text
        page = await browser.get((await browser.get("/nearby")).document.links[-1])
        add = [link for link in (await browser.get("/nearby")).document.links if link.startswith("/add?")]
        page = await browser.submit(await browser.get(add[-1]), "/add", name="Oximeter", room="Hall")
        assert "Pair the device" in page.text
        await pair(browser, site, page)
        for name in ("Smoke detector Hall", "Smoke detector Kitchen", "Oximeter"):
            page = await browser.get(f"/device?name={name.replace(' ', '+')}")
            page = await browser.submit(page, "/device/test", name=name)
            assert "Under way" in page.text
            home.press(name)
        for room in ("Hall", "Kitchen"):
            page = await browser.submit(await browser.get("/walk"), "/walk", room=room)
        assert "Good enough." in page.text
        page = await browser.submit(await browser.get("/plug"), "/plug")
        assert "Under way" in page.text
        home.come_back()
        page = await browser.submit(await browser.get("/centre"), "/centre")
        for state, words in (("received", "The platform has it"), ("forwarded", "on its screens")):
            home.centre = state
            page = await browser.get("/centre")
            assert words in page.text and 'class="box good"' not in page.body.decode(), state
        home.centre = "accepted"
        assert 'class="box good"' in (await browser.get("/centre")).body.decode()
        page = await browser.get("/")
        assert "Everything is done and tried" in page.text
        page = await browser.submit(await browser.get("/finish"), "/finish", technician="Kari Nordmann")
        assert "Installation record" in page.text and "Kari Nordmann" in page.text
        assert home.record is not None and site.closed

    visiting(tmp_path, work)


async def pair(browser: Browser, site: Site, page: Answer) -> None:
    """The three minutes of a pairing, each state told, the code asked for, the numbers compared."""
    page = await browser.submit(page, "/device/pair", name="Oximeter", code="")
    assert (
        "Put Oximeter in pairing mode" in page.text
        and "180 s left" not in page.text
        and "3 min left" in page.text
    )
    site.home.say("heard", state="heard", question="code")
    page = await browser.submit(await browser.get("/pair?name=Oximeter"), "/pair/answer", code="123456")
    assert site.home.asked[-1] == ("pair_answer", {"yes": False, "code": "123456"})
    site.home.pairing |= {"question": "number", "compare": 42}
    page = await browser.get("/pair?name=Oximeter")
    assert "000042" in page.text
    await browser.submit(page, "/pair/answer", same="yes")
    assert site.home.asked[-1] == ("pair_answer", {"yes": True, "code": ""})
    await browser.submit(page, "/pair/answer", same="no")
    assert site.home.asked[-1] == ("pair_answer", {"yes": False, "code": ""})
    site.home.say("bonded", 2, state="bonded", question="", bond=2)
    page = await browser.get("/pair?name=Oximeter")
    assert "Paired, with protection" in page.text and not [
        f for f in page.document.forms if "pair" in f.action
    ]


def test_what_is_missing_keeps_an_installation_open_and_is_named(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        browser = await site.inside("Kari", "nb")
        page = await browser.get("/finish")
        assert "steg gjenstår" in page.text and "Legg til" not in page.text
        assert not [form for form in page.document.forms if form.action == "/finish"]
        token = next(form.fields["form"] for form in page.document.forms if "form" in form.fields)
        page = await browser.post("/finish", form=token, technician="Kari")
        assert page.status == 409 and site.home.record is None
        page = await browser.post("/finish", form=token, technician=" ")
        assert page.status == 422 and "Skriv hvem som har installert" in page.text

    visiting(tmp_path, work)


def test_values_have_their_unit_and_words_stay_words(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        browser = await site.inside("Kari", "en")
        home = site.home
        home.add(home.token, "Oximeter", "Hall", "plx", "A4:C1:38:00:00:08")
        home.measure("Oximeter", "spo2_pct", "97", "-96")
        home.measure("Oximeter", "pulse_rate_bpm", "nan")
        home.measure("Oximeter", "features", "32767")
        page = await browser.get("/device?name=Oximeter")
        assert "oxygen saturation −96 %" in page.text and "nan" in page.text and "nan /min" not in page.text
        assert "32767" not in page.text, "a row of bits says nothing to whoever stands there"

    visiting(tmp_path, work)


def test_undo_asks_first_and_then_takes_back(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        browser = await site.inside("Kari", "nb")
        furnish(site)
        page = await browser.get("/undo")
        assert site.home.devices and "tas bort igjen" in page.text
        await browser.submit(page, "/undo")
        assert site.home.devices == []
        site.home.record = {}
        assert not [form for form in (await browser.get("/undo")).document.forms if form.action == "/undo"]

    visiting(tmp_path, work)


def test_what_the_hub_refuses_is_said_beside_the_form_and_nothing_typed_is_lost(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        browser = await site.inside("Kari", "en")
        furnish(site)
        page = await browser.get("/add?address=A4%3AC1%3A38%3A00%3A00%3A01&driver=bthome")
        page = await browser.submit(page, "/add", name="Røyk stue", room="Gang", key="ab" * 16)
        assert page.status == 422 and "name already" in page.text
        form = next(each for each in page.document.forms if each.action == "/add")
        assert form.fields["name"] == "Røyk stue" and form.fields["room"] == "Gang"
        page = await browser.submit(page, "/add", name="Røyk gang")
        assert page.status == 200 and site.home.asked[-1][1].get("key", "ab" * 16) == "ab" * 16
        page = await browser.get("/add?sender=01%3A82%3A5D%3AAB&driver=enocean")
        await browser.submit(page, "/add", name="Røyk bod", room="Bod", profile="f6-05-02")
        assert (
            "add",
            {"name": "Røyk bod", "options": '{"profile": "F6-05-02"}', "key": ""},
        ) in site.home.asked
        page = await browser.get("/device?name=nobody")
        assert page.status == 409

    visiting(tmp_path, work)


def test_the_next_action_is_on_top_and_what_failed_comes_first(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        browser = await site.inside("Kari", "nb")
        furnish(site)
        site.home.is_up["platform"] = False
        page = (await browser.get("/")).text
        assert "Få forbindelse med plattformen" in page.partition("Alle steg")[0]
        assert "Feilkort" in page.partition("Alle steg")[0]
        site.home.plug = "failed"
        assert "Trekk ut støpselet" in (await browser.get("/")).text.partition("Alle steg")[0]

    visiting(tmp_path, work)


def test_the_language_is_switched_and_leads_back_and_nowhere_else(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        browser = await site.inside()
        page = await browser.get("/walk")
        assert page.document.language == "nb"
        link = next(each for each in page.document.links if each.startswith("/language"))
        page = await browser.get(link)
        assert browser.at == "/walk" and page.document.language == "en"
        for elsewhere in (
            "//evil.example",
            "https://evil.example/",
            "/\\evil.example",
            "javascript:alert(1)",
        ):
            answer = await browser.ask("GET", f"/language?to=nb&back={elsewhere}")
            assert answer.headers["location"] == "/", elsewhere
        answer = await browser.ask("GET", "/language?to=xx&back=/walk")
        assert not answer.cookies

    visiting(tmp_path, work)


def test_every_fault_has_its_card_and_a_code_that_carries_it(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        browser = site.browser()
        page = await browser.get("/faults")
        cards = sorted({link for link in page.document.links if link.startswith("/fault/")})
        assert len(cards) > 60
        for card in cards:
            answer = await browser.get(card)
            assert answer.status == 200 and "Hva du gjør" in answer.text, card
            kind = kind_of(card.removeprefix("/fault/"))
            assert kind is not None
            for language in LANGUAGES:
                text = card_text(kind, Words(language))
                assert (
                    text.endswith(f"trygg explain {card.removeprefix('/fault/')}") and len(text) <= MOST_TEXT
                )
        for card in (cards[0], "/fault/66", "/fault/67"):
            code = await browser.get(card + "/code.svg")
            assert code.headers["content-type"] == "image/svg+xml" and len(code.body) < 60_000, card
        for nothing in (
            "/fault/999999",
            "/fault/nonsense",
            "/fault/x/code.svg",
            "/nowhere",
            "/static/app.py",
        ):
            assert (await browser.get(nothing)).status == 404, nothing

    visiting(tmp_path, work)


def test_what_is_wrong_is_said_with_cause_action_and_card(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        browser = await site.inside("Kari", "en")
        furnish(site)
        page = await browser.get("/status")
        assert "Røyk stue" in page.text and "/fault/66" in page.document.links
        site.home.troubles = {"connected": False, "utc_ms": None, "storage_full": True}
        site.home.troubles |= {"configuration_fault": "hub.toml: hub.id: found nothing, expected text"}
        page = await browser.get("/status")
        assert page.text.count("Do this:") >= 4

    visiting(tmp_path, work)


def test_a_hub_that_goes_in_the_middle_is_said_in_plain_words(tmp_path: Path) -> None:
    site = Site(tmp_path)

    async def work() -> None:
        browser = site.browser()
        browser.cookies["__Host-trygg"] = site.gate.sign_in(site.gate.new_code(), "Kari", "x").cookie
        for path in ("/", "/nearby", "/status", "/device?name=x", "/record"):
            answer = await browser.get(path)
            assert answer.status == 503 and "Huben svarer ikke" in answer.text, path
            assert path in answer.document.links
        page = await browser.get("/sign-in")
        assert page.status == 503  # signed in already: on to the checklist

    asyncio.run(work())
