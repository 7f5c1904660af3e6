"""Labels and cards as paper: their QR codes are read by another reader than drew them, and hold what stands beside them."""

import html
import re
from pathlib import Path

import pytest

from gateway.daemon.texts import catalogue
from gateway.daemon.typed_codes import label_code
from hal.esp32.indicator import PATTERNS as BOARD
from hal.linux.indicator import PATTERNS
from tests.gateway.english import english_in
from tests.tools.authority_bench import Said, run
from tests.tools.qr_reader import read, svgs
from tools.authority import card_sheet, label, qr
from tools.kit.__main__ import main as kit_main
from tools.kit.keys import make_tenant

KEY = bytes(range(32))


def kit(*words: object) -> Said:
    return run(kit_main, list(words))


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    make_tenant(tmp_path / "keys", "oslo")
    for name in ("hub-1", "hub-2"):
        said = kit("keys", "add-gateway", tmp_path / "keys", "--gateway", name, "--public-key", KEY.hex())
        assert said.status == 0, said.err
    return tmp_path / "keys" / "registry.json"


@pytest.mark.parametrize("length", [1, 20, 60, 100, 300, 500])
def test_every_size_of_code_holds_its_text(length: int) -> None:
    text = ("Døren – hvem? " * 40)[:length]
    assert read(qr.svg(text, "x")) == text


def test_control_a_code_with_a_row_that_is_moved_or_drawn_for_another_text_is_found() -> None:
    text = "trygg:oslo/hub-1/ABCD-EFGH"
    drawn = qr.svg(text, "x")
    for row in (9, 12, 15):
        rows = drawn.split("m-")
        end = re.search(r"h(\d+)$", rows[row])
        assert end is not None
        rows[row] = (
            rows[row][: end.start()] + f"h{int(end[1]) - 1}"
        )  # the last dark run of a row one module shorter
        assert may_read("m-".join(rows)) != text, row
    assert read(qr.svg(text.replace("hub-1", "hub-2"), "x")) != text


def may_read(drawn: str) -> str:
    """The text, or nothing where it cannot be read."""
    try:
        return read(drawn)
    except (AssertionError, ValueError):
        return ""


def test_a_label_says_in_letters_and_in_its_code_the_same(registry: Path, tmp_path: Path) -> None:
    page = tmp_path / "labels.html"
    assert kit("label", registry, "--tenant", "oslo", "--out", page).status == 0
    text = page.read_text()
    held = [read(each) for each in svgs(text)]
    assert held == [f"trygg:oslo/{name}/{label_code('oslo', name, KEY)}" for name in ("hub-1", "hub-2")]
    assert all(
        each.rpartition("/")[2] in re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL) for each in held
    )
    assert "http" not in text and "<script" not in text and "size: A4" in text


def test_with_an_address_the_code_leads_there_and_names_the_gateway_behind_the_sign_that_is_not_sent(
    registry: Path, tmp_path: Path
) -> None:
    page = tmp_path / "labels.html"
    words = ("label", registry, "--tenant", "oslo", "--gateway", "hub-1", "--address")
    assert kit(*words, "https://hjelp.example/trygg", "--out", page).status == 0
    (held,) = [read(each) for each in svgs(page.read_text())]
    assert held == f"https://hjelp.example/trygg#oslo/hub-1/{label_code('oslo', 'hub-1', KEY)}"
    for wrong in ("ftp://x", "hjelp.example", "https://x#y", "https://x/" + "y" * 1200):
        assert kit(*words, wrong, "--out", page).status == 2, wrong


def test_another_tenant_than_the_registrys_is_said_with_those_it_has(registry: Path, tmp_path: Path) -> None:
    for what in (("--out", tmp_path / "x.html"), ("--show",), ("--find", "A1B2-C3D4")):
        said = run(kit_main, ["label", registry, "--tenant", "bergen", *what])
        assert said.status == 2 and said.out == "" and not (tmp_path / "x.html").exists()
        assert "--tenant: found bergen, of which no gateway is registered" in said.err
        assert "a tenant of the registry: oslo\n" in said.err
    registry.write_text('{"oslo": {}}')
    said = run(kit_main, ["label", registry, "--tenant", "oslo", "--show"])
    assert (
        said.status == 2 and "expected a registry with gateways in it: trygg-kit ca sign-request" in said.err
    )


def test_what_was_scanned_finds_the_gateway_and_a_code_beside_another_name_does_not(registry: Path) -> None:
    held = label.payload("oslo", "hub-2", KEY)
    for given in (
        held,
        label.payload("oslo", "hub-2", KEY, "https://x.example/a/b"),
        held.rpartition("/")[2],
    ):
        said = kit("label", registry, "--tenant", "oslo", "--find", given)
        assert (said.status, said.out) == (0, "hub-2\n"), given
    for given in (held.replace("hub-2", "hub-1"), held.replace("oslo", "bergen"), held[:-1], "trygg:", ""):
        said = kit("label", registry, "--tenant", "oslo", "--find", given)
        assert said.status == 1 and said.err, given


def test_a_terminal_gets_codes_too(registry: Path) -> None:
    said = kit("label", registry, "--tenant", "oslo", "--show")
    assert said.status == 0 and label_code("oslo", "hub-1", KEY) in said.out and "▀" in said.out


@pytest.mark.parametrize("language", ["nb", "en"])
def test_each_fault_has_a_card_whose_code_holds_what_the_card_says(language: str, tmp_path: Path) -> None:
    page = tmp_path / "cards.html"
    call = ["Hjemmetjenesten 22 00 00 00"]
    chosen = ("--fault", "66", "--fault", "smoke.detected")
    options = [word for each in call for word in ("--call", each)]
    assert kit("cards", "--out", page, "--language", language, *chosen, *options).status == 0
    text = page.read_text()
    sections = re.findall(r"<section.*?</section>", text, re.DOTALL)
    assert len(sections) == 3
    for section in sections:
        lines = [html.unescape(each) for each in re.findall(r"<(?:h2|p)>(.*?)</(?:h2|p)>", section)]
        held = read(svgs(section)[0]).split("\n")
        assert held[0] == lines[0] and set(held) <= set(lines) and any(call[0] in line for line in held)
        assert any(call[0] in line for line in lines)
    if language == "nb":
        assert not english_in(
            re.sub(r"<svg.*?</svg>|<style.*?</style>|<[^>]*>|\b[a-z]+\.[a-z_]+\b", "", text, flags=re.DOTALL)
        )


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_gateways_card_says_of_each_light_how_it_looks_and_what_it_means_as_the_hub_words_it(
    language: str, tmp_path: Path
) -> None:
    page = tmp_path / "cards.html"
    assert kit("cards", "--out", page, "--language", language, "--fault", "66").status == 0
    (first, _) = re.findall(r"<section.*?</section>", page.read_text(), re.DOTALL)
    lines = [html.unescape(each) for each in re.findall(r"<p>(.*?)</p>", first)]
    lights = [line.removeprefix("– ").split(": ", 1) for line in lines if line.startswith("– ")]
    words = catalogue()
    shown = {"ok", "quiet", "offline", "fault", "storage_full", "stopped", "heard", "delivered", "starting"}
    assert set(PATTERNS) == set(BOARD) and shown < set(PATTERNS), "every state of a lamp, on either machine"
    said = {words["light"][state][language]: state for state in PATTERNS}
    assert [said[look] for look, _ in lights] == list(card_sheet.LAMPS)
    assert {said[look] for look, _ in lights} == set(PATTERNS) and len(said) == len(PATTERNS)
    for look, means in lights:
        state = said[look]
        known = words["lamp"].get(state) or words["lamp_only"][state]
        assert means == known[language]
    assert any(line.endswith(":") and "lamp" in line for line in lines), (
        "a heading says that it is of the lamp"
    )
    held = read(svgs(first)[0])
    called = [f"– {look}: {means}" for look, means in lights if said[look] in card_sheet.CALLED_FOR]
    assert len(called) == 4 and all(line in held for line in called), "the code has those that need somebody"


def test_all_faults_get_a_card_each_and_an_address_stands_for_the_text(tmp_path: Path) -> None:
    page = tmp_path / "cards.html"
    assert kit("cards", "--out", page, "--address", "https://hjelp.example/kort").status == 0
    held = [read(each) for each in svgs(page.read_text())]
    assert held[0] == "https://hjelp.example/kort#gateway" and "https://hjelp.example/kort#66" in held
    assert len(held) == len(set(held)) > 60
    assert kit("cards", "--out", page, "--fault", "hub.nonsense").status == 2
    assert kit("cards", "--out", page, "--fault", "door.opened").status == 2, "is no fault"
