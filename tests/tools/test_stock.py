"""The stock: which changes are allowed, days in each state, CSV there and back, records that move it by themselves."""

import itertools
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.typed_codes import label_code
from tools.kit.__main__ import main as kit
from tools.stock import records, table
from tools.stock.book import DAY_MS, Book, Item, new
from tools.stock.states import ALLOWED, MOST_NOTE, STATES, check_change
from tools.stock.words import STATES as WORDS

LABEL = label_code("oslo", "hub-1", bytes(32))
OTHER = label_code("oslo", "hub-2", bytes(32))
# Written down once more, from the rules in words: what is in a home comes back, is cleaned or mended, and is stock again.
PAIRS = {
    ("stock", "assigned"), ("stock", "repair"), ("stock", "scrapped"),
    ("assigned", "in_home"), ("assigned", "stock"), ("assigned", "scrapped"),
    ("in_home", "returned"),
    ("returned", "cleaning"), ("returned", "repair"), ("returned", "scrapped"),
    ("cleaning", "stock"), ("cleaning", "repair"), ("cleaning", "scrapped"),
    ("repair", "stock"), ("repair", "cleaning"), ("repair", "scrapped"),
}  # fmt: skip


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with Book(tmp_path / "stock.db", make=True) as made:
        made.add(new("hub-1", "gateway", "RPi 4", LABEL), "kari", "", 0)
        made.add(new("SN-1", "device", "3230"), "kari", "", 0)
        yield made


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_only_the_allowed_changes_are_taken_and_the_others_are_refused_in_words(
    before: str, after: str
) -> None:
    if (before, after) in PAIRS:
        check_change(before, after, "kari", "knust")
    else:
        with pytest.raises(RefusedError, match=f"from {before} it goes to .*, not to {after}: "):
            check_change(before, after, "kari", "knust")


def test_no_state_is_a_trap_and_every_state_has_its_words() -> None:
    assert set(ALLOWED) == set(STATES) == set(WORDS)
    assert all({"nb", "en"} == set(each) for each in WORDS.values())
    reach = {"stock"}
    for _ in STATES:
        reach |= {after for state in reach for after in ALLOWED[state]}
    assert reach == set(STATES)
    assert [state for state in STATES if not ALLOWED[state]] == ["scrapped"]


@pytest.mark.parametrize(
    ("after", "who", "note", "why"),
    [
        ("repair", "kari", "", "say why"),
        ("assigned", " ", "", "say who"),
        ("assigned", "k" * 61, "", "say who"),
        ("assigned", "kari", "x" * (MOST_NOTE + 1), "one line"),
        ("assigned", "kari", "a\nb", "one line"),
        ("assigned", "kari", "til 010190 12345", "nothing about residents"),
        ("assigned", "01019012345", "", "nothing about residents"),
        ("away", "kari", "", "there is no state 'away'"),
    ],
)
def test_who_and_why_are_asked_for_and_nothing_about_residents(
    book: Book, after: str, who: str, note: str, why: str
) -> None:
    with pytest.raises(RefusedError, match=why):
        book.move("hub-1", after, who, note, 1)
    assert book.find("hub-1").state == "stock" and len(book.changes("hub-1")) == 1


def test_days_in_each_state_are_counted(book: Book) -> None:
    for day, state in ((3, "assigned"), (5, "in_home"), (105, "returned"), (106, "cleaning"), (107, "stock")):
        book.move("hub-1", state, "kari", "", day * DAY_MS)
    days = book.days("hub-1", 110 * DAY_MS)
    assert days == {
        "stock": 6,
        "assigned": 2,
        "in_home": 100,
        "returned": 1,
        "cleaning": 1,
        "repair": 0,
        "scrapped": 0,
    }
    assert sum(days.values()) == 110
    book.move("hub-1", "assigned", "kari", "", 90 * DAY_MS)
    assert book.days("hub-1", 95 * DAY_MS)["stock"] == 3, "a clock that went back takes nothing away"


def test_it_is_found_by_id_serial_number_and_the_label_however_it_is_typed(book: Book) -> None:
    for typed in ("hub-1", LABEL, LABEL.lower(), LABEL.replace("-", " ")):
        assert book.find(typed).code == "hub-1"
    assert book.find("SN-1").model == "3230"
    with pytest.raises(RefusedError, match="not in the stock's books"):
        book.find("SN-2")


@pytest.mark.parametrize(
    "item",
    [
        new("=cmd()", "device"), new("", "device"), new("x" * 65, "device"), new("-1", "device"),
        new("SN-9", "cat"), new("SN-9", "device", "@x"), new("SN-9", "device", "", "typo"),
        new("SN-1", "device"), new("hub-9", "gateway", "", LABEL), new("SN-9", "device", state="away"),
        new("01019012345", "device"),
    ],
)  # fmt: skip
def test_what_does_not_belong_into_the_books_is_refused(book: Book, item: Item) -> None:
    before = book.items()
    with pytest.raises(RefusedError):
        book.add(item, "kari", "", 1)
    assert book.items() == before


def test_a_table_comes_back_as_it_went(book: Book) -> None:
    book.charge("SN-1", 64)
    text = table.export(book, 9 * DAY_MS)
    assert text.splitlines()[1] == "SN-1,device,3230,,stock,64,9,0,0,0,0,0,0"
    assert table.bring(book, text, "kari", 10 * DAY_MS) == (0, 0)
    assert table.export(book, 9 * DAY_MS) == text
    assert [len(book.changes(code)) for code in ("hub-1", "SN-1")] == [1, 1]


def test_a_table_adds_and_moves_by_the_same_rules(book: Book) -> None:
    text = "\ufeffcode;sort;state;battery_pct\r\nhub-1;gateway;assigned;\r\nSN-7;device;in_home;55\r\n"
    assert table.bring(book, text, "kari", 5) == (1, 1)
    assert book.find("hub-1").state == "assigned" and book.find("SN-7").battery_pct == 55


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names no column code, sort"),
        ("code,state\n", "names no column sort"),
        ("code,sort,resident\n", "not known: resident"),
        ("code,sort\nSN-7,device\nSN-8\n", "line 3: 1 cells"),
        ("code,sort,state\nSN-7,device,\nhub-1,gateway,in_home\n", "line 3: from stock it goes to"),
        ("code,sort,battery_pct\nSN-7,device,9x\n", "line 2: '9x' is no battery"),
        ("code,sort,battery_pct\nSN-7,device,101\n", "line 2: a battery holds"),
        ("code,sort\nSN-7,device\n=1,device\n", "line 3: '=1' is no id"),
        ("code,sort\nhub-1,device\n", "line 2: hub-1 is a gateway"),
        ('code,sort\n"SN-7,device\n', "no CSV"),
    ],
)
def test_a_table_with_one_wrong_line_changes_nothing(book: Book, text: str, why: str) -> None:
    before = table.export(book, 0)
    with pytest.raises(RefusedError, match=why):
        table.bring(book, text, "kari", 5)
    assert table.export(book, 0) == before and len(book.changes()) == 2


@given(st.text(max_size=300))
def test_any_text_is_a_table_or_is_refused(text: str) -> None:
    try:
        for _, row in table.read("code,sort\n" + text):
            assert set(row) == {"code", "sort"}
    except RefusedError:
        pass


SCALAR = st.none() | st.integers() | st.text(max_size=5)
ROW = st.dictionaries(st.sampled_from(["serial", "battery_pct"]), SCALAR, max_size=2)
RECORD = st.fixed_dictionaries(
    {}, optional={"gateway": SCALAR, "label": SCALAR, "devices": SCALAR | st.lists(ROW | SCALAR, max_size=3)}
)


@given(st.text(max_size=50) | RECORD.map(json.dumps))
def test_any_text_is_a_record_or_is_refused(text: str) -> None:
    try:
        assert records.read(text).codes
    except RefusedError:
        pass


def test_an_installation_and_a_gateway_that_leaves_move_what_they_name(book: Book) -> None:
    installed = {
        "gateway": "hub-1",
        "devices": [{"serial": "SN-1", "battery_pct": 90}, {"serial": "SN-404"}, {"room": "x"}],
    }
    assert records.take(book, json.dumps(installed), "installed", "kari", 1) == (
        ["hub-1", "SN-1"],
        ["SN-404"],
    )
    assert {item.state for item in book.items()} == {"in_home"}
    assert [each.after for each in book.changes("hub-1")] == ["stock", "assigned", "in_home"]
    left = {
        "gateway": "hub-1",
        "label": OTHER,
        "devices": [{"serial": "SN-1", "battery_pct": 31}],
        "found": [],
    }
    assert records.take(book, json.dumps(left), "left", "kari", 2).moved == ["hub-1", "SN-1"]
    assert book.find(OTHER).state == "returned" and book.find("SN-1").battery_pct == 31
    assert records.take(book, json.dumps(left), "left", "kari", 3).moved == [], "once"


def test_a_record_that_cannot_be_taken_whole_is_not_taken_at_all(book: Book) -> None:
    book.move("SN-1", "scrapped", "kari", "knust", 1)
    with pytest.raises(RefusedError, match="scrapped stays scrapped"):
        records.take(
            book, json.dumps({"gateway": "hub-1", "devices": [{"serial": "SN-1"}]}), "installed", "kari", 2
        )
    assert book.find("hub-1").state == "stock"


def test_a_file_of_something_else_and_one_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no store, and longer than the head of one: " * 9)
    newer = sqlite3.connect(tmp_path / "newer")
    newer.execute("PRAGMA user_version = 2")
    newer.close()
    (tmp_path / "empty").touch()
    for name in ("text", "newer", "empty", "none/at/all"):
        for make in (False, True):
            with pytest.raises(ConfigError):
                Book(tmp_path / name, make=make)


def test_only_what_takes_things_in_makes_a_stock_file_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, table = str(tmp_path / "misspelt.db"), tmp_path / "table.csv"
    lines = {
        "list": [], "item": ["hub-1"], "battery": ["hub-1", "5"], "export": [],
        "move": ["hub-1", "assigned", "--by", "kari"], "record": ["left", str(table), "--by", "kari"],
    }  # fmt: skip
    for verb, more in lines.items():
        assert kit(["stock", verb, file, *more]) == 2
        assert "there is no such stock file" in capsys.readouterr().err and not list(tmp_path.iterdir())
    assert kit(["stock", "import", file, str(table), "--by", "kari"]) == 2
    assert kit(["stock", "add", file, "hub 1!", "--sort", "gateway", "--by", "kari"]) == 1
    assert not list(tmp_path.iterdir()), "what was refused leaves no file behind"
    assert kit(["stock", "add", file, "hub-1", "--sort", "gateway", "--by", "kari"]) == 0
    assert f"{file} is a new stock file" in capsys.readouterr().out
    assert kit(["stock", "add", file, "hub-2", "--sort", "gateway", "--by", "kari"]) == 0
    assert "new stock file" not in capsys.readouterr().out
    assert kit(["stock", "export", file, "--out", str(table)]) == 0
    assert kit(["stock", "import", file + "2", str(table), "--by", "kari"]) == 0
    assert "is a new stock file" in capsys.readouterr().out


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "stock.db")
    assert kit(["stock", "add", file, "hub-1", "--sort", "gateway", "--label", LABEL, "--by", "kari"]) == 0
    assert kit(["stock", "move", file, LABEL, "in_home", "--by", "kari"]) == 1
    assert "from stock it goes to assigned, repair, scrapped, not to in_home" in capsys.readouterr().err
    assert kit(["stock", "move", file, LABEL, "assigned", "--by", "kari", "--note", "uke 9"]) == 0
    assert kit(["stock", "battery", file, "hub-1", "88"]) == 0
    assert kit(["stock", "list", file]) == 0
    assert f"hub-1 {LABEL}: assigned, 0 days, 88 %" in capsys.readouterr().out
    assert kit(["stock", "item", file, "hub-1", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["state"], shown["changes"][1]["note"], shown["days"]["assigned"]) == (
        "assigned",
        "uke 9",
        0,
    )
    assert kit(["stock", "item", file, "hub-1"]) == 0
    assert "in stock → assigned  kari  uke 9" in capsys.readouterr().out
    out = tmp_path / "out.csv"
    assert kit(["stock", "export", file, "--out", str(out)]) == 0 and kit(["stock", "export", file]) == 0
    assert capsys.readouterr().out == out.read_bytes().decode()
    assert kit(["stock", "import", file, str(out), "--by", "kari"]) == 0
    assert "new 0, changed 0" in capsys.readouterr().out
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"gateway": "hub-1", "devices": [{"serial": "SN-404"}]}))
    assert kit(["stock", "record", file, "installed", str(record), "--by", "kari"]) == 0
    assert "moved 1, not in the books 1\n  SN-404" in capsys.readouterr().out
    assert kit(["stock", "import", file, "/none", "--by", "kari"]) == 2
