"""What the pages say is there: links, commands, targets, decisions, and what is generated."""

import re
import tomllib
from pathlib import Path

import pytest

from gateway.daemon.__main__ import COMMANDS as TRYGG
from gateway.daemon.texts import Texts
from tests.conftest import ROOT
from tools.arch.source import repository_files
from tools.docs import cards, faults
from tools.kit.__main__ import COMMANDS as KIT

PAGES = [path for path in repository_files(ROOT) if path.endswith(".md")]
# `trygg status`, not `sudo -u trygg sh` or a path that ends in trygg
TRYGG_COMMAND = re.compile(r"(?<![\w/.-])(?<!-u )trygg ([a-z]+)")
SECTIONS = ["Context", "Decision", "Consequences", "Guarded by"]
LONGEST_DECISION = 90  # lines: a page
SHORTEST_SENTENCE = 12  # words; shorter ones may come again


def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


# --- links and commands -------------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """Names of headings, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)|`", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def broken_links(page: str, text: str) -> list[str]:
    """Links to files that are not there, or to headings that no page has."""
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name
        if not path.exists() or (anchor and anchor not in anchors(path.read_text("utf-8") if name else text)):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    assert broken_links(page, text_of(page)) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    text = "# A b\n[x](README.md) [y](docs/none.md) [z](#a-b) [w](#c)"
    assert broken_links("README.md", text) == ["docs/none.md", "#c"]


def missing_tests(text: str) -> list[str]:
    """Tests that a page names and that are not there."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)", text)
    return [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).is_file() or f"def {name}(" not in (ROOT / path).read_text("utf-8")
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_names_is_there(page: str) -> None:
    assert missing_tests(text_of(page)) == []


def test_a_test_that_is_not_there_is_found() -> None:
    text = (
        "`tests/tools/test_docs.py::test_a_test_that_is_not_there_is_found` `tests/tools/test_docs.py::none`"
    )
    assert missing_tests(text) == ["tests/tools/test_docs.py::none"]


def unknown_commands(text: str) -> set[str]:
    """Commands and targets in code that do not exist."""
    code = "\n".join(pieces(text))
    targets = set(re.findall(r"^([a-z-]+):.*##", text_of("Makefile"), re.MULTILINE))
    asked = set(re.findall(r"(?<![\w/.-])make ((?!-)[a-z-]+)", code)) - targets
    asked |= {f"trygg {name}" for name in TRYGG_COMMAND.findall(code) if name not in TRYGG}
    asked |= {f"trygg-kit {name}" for name in re.findall(r"trygg-kit ([a-z]+)", code) if name not in KIT}
    return asked


def pieces(text: str) -> list[str]:
    """What is written as code: in backticks, and indented."""
    return [inline or block for inline, block in re.findall(r"`([^`\n]+)`|^ {4}(\S.*)$", text, re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_target_exists(page: str) -> None:
    assert unknown_commands(text_of(page)) == set()


def test_a_command_that_does_not_exist_is_found() -> None:
    text = (
        "`make tset` and `make test`\n\n    trygg statis -c x\n    trygg-kit keys init\n    trygg-kit kyes\n"
    )
    assert unknown_commands(text) == {"tset", "trygg statis", "trygg-kit kyes"}


def repeated(text: str) -> list[str]:
    """Sentences that stand twice on a page, code and tables apart: what a merge leaves of two versions."""
    plain = re.sub(r"^(?: {4}|\|).*$|```[^`]*```", "", text, flags=re.MULTILINE)
    sentences = [
        sentence
        for paragraph in re.split(r"\n\s*\n", plain)
        for sentence in re.split(r"(?<=[.:;])\s+", " ".join(paragraph.split()))
        if len(sentence.split()) >= SHORTEST_SENTENCE
    ]
    return sorted({sentence for sentence in sentences if sentences.count(sentence) > 1})


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_said_twice_on_a_page(page: str) -> None:
    assert repeated(text_of(page)) == []


def test_a_sentence_that_stands_twice_is_found() -> None:
    said = "Of sixty alarms eighteen ended in a start anew, and all came."
    broken = said.replace("ended ", "ended\n")
    assert repeated(f"{said} Else.\n\n{broken}\n") == [said]
    assert repeated(f"{said}\n\n    {said}\n") == []


# --- decisions ----------------------------------------------------------------------------------------------------

DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


def test_decisions_are_numbered_without_a_hole_and_listed_with_their_titles() -> None:
    index = text_of("docs/adr/README.md")
    for number, path in enumerate(DECISIONS, 1):
        title = path.read_text("utf-8").splitlines()[0].removeprefix(f"# {number}. ")
        assert path.name.startswith(f"{number:04}-")
        assert f"| {number} | [{title}]({path.name}) |" in index, path.name
    assert index.count("\n| ") == len(DECISIONS) + 1, "one row a decision, and the heading"


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_one_page_with_every_section(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert [line[3:] for line in lines if line.startswith("## ") and line[3:] in SECTIONS] == SECTIONS
    assert lines[2].startswith("Status: ")
    assert len(lines) <= LONGEST_DECISION


# --- the operator's guide -----------------------------------------------------------------------------------------


def said(entry: dict[str, str], language: str) -> str:
    """What the catalogue says, up to what is filled in."""
    return entry[language].partition("{")[0]


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_guide_quotes_what_the_commands_say(language: str) -> None:
    catalogue = tomllib.loads(text_of("gateway/daemon/catalogue.toml"))
    guide = re.split("^## (?:Norsk|English)$", text_of("docs/operator-guide.md"), flags=re.MULTILINE)
    page = " ".join(guide[1 + ["nb", "en"].index(language)].split())
    for word, entry in catalogue["lamp"].items():
        if word != "pairing":  # no command of this version pairs
            first = entry[language].partition(".")[0]
            shown = word.partition("_but_")[0]  # one lamp, two sentences
            assert f"| `{shown}` | {first}" in page, word
    device = catalogue["device"]
    quoted = [device[name] for name in ("heard", "silent", "unheard", "link")]
    quoted += [device["bonds"]["1"], *device["refusals"].values(), catalogue["status"]["delivered"]]
    for entry in quoted:
        assert said(entry, language) in page, entry
    for link in ("connected", "open"):
        assert Texts(language).reword(link) in page


# --- what is generated --------------------------------------------------------------------------------------------


def test_page_and_cards_are_what_registry_and_advice_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert faults.main(["--check"]) == 0, capsys.readouterr().err


def test_a_message_without_words_for_people_is_found() -> None:
    kinds, advice = cards.read_tables()
    hazards = cards.read_hazards()
    assert cards.holes(kinds, advice, hazards) == []
    without = {name: row for name, row in advice.items() if name != "device.silent"}
    assert cards.holes(kinds, without, hazards) == [
        "device.silent: says nothing of what it means and what to do"
    ]
    assert cards.holes(kinds, advice | {"device.sulks": {}}, hazards) == [
        "device.sulks: no kind of the registry"
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"do_nb": " "}, ["do_nb is empty"]),
        ({"urgency": []}, ["urgency is empty"]),
        ({"urgency": ["now", "now"]}, ["urgency has 2 of 3 hours: day, evening, night"]),
        (
            {"urgency": ["now", "now", ""]},
            ["urgency is empty", "urgency '' is none of now, today, morning, workday"],
        ),
        ({"urgency": ["now", "now", "soon"]}, ["urgency 'soon' is none of now, today, morning, workday"]),
        ({"hazards": []}, ["hazards is empty"]),
        ({"hazards": ["H9", "H13"]}, ["H13 is not in docs/hazards.md"]),
        ({"who": "nobody"}, ["who is none of resident, care, response, technical, platform"]),
        ({"whom": "x"}, ["unknown key whom"]),
    ],
)
def test_a_hole_of_a_card_is_found(change: dict[str, object], said: list[str]) -> None:
    kinds, advice = cards.read_tables()
    found = cards.holes(
        kinds, {**advice, "device.silent": advice["device.silent"] | change}, cards.read_hazards()
    )
    assert found == [f"device.silent: {words}" for words in said]


def test_a_person_who_may_need_help_waits_for_no_daytime() -> None:
    kinds, advice = cards.read_tables()
    late = {**advice, "smoke.detected": advice["smoke.detected"] | {"urgency": ["now", "now", "morning"]}}
    assert cards.holes(kinds, late, cards.read_hazards()) == [
        "smoke.detected: a person may need help, and it waits"
    ]


def test_a_hazard_that_is_taken_out_is_missed() -> None:
    kinds, advice = cards.read_tables()
    found = cards.holes(kinds, advice, cards.read_hazards() - {"H9"})
    assert "device.silent: H9 is not in docs/hazards.md" in found


def test_every_message_of_lanes_0_to_2_stands_in_both_languages() -> None:
    page = text_of("docs/faults.md")
    kinds = tomllib.loads(text_of("gateway/core/registry.toml"))["kind"]
    for name, row in kinds.items():
        if row["lane"] in cards.ASKED:
            assert page.count(f"`{name}`") >= 2, f"{name} is not in both languages"
