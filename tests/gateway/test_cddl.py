"""docs/wire.cddl, the vectors and the tables of the code say the same of every message."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.core import cbor, cose, event_codec, schema, wire
from gateway.core.cbor import Tagged
from gateway.core.errors import DecodeError
from gateway.core.model import Decimal
from tests.gateway.cddl import Entry, Grammar

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "wire.cddl").read_text(encoding="utf-8")
STRICT = Grammar(TEXT)
LENIENT = Grammar(TEXT, embedded=False)
TABLES = {sort: spec[0] for sort, spec in wire.SORTS.items()} | {
    "device": wire.DEVICE,
    "event": event_codec.EVENT,
    "devtime": event_codec.DEVICE_TIME,
}
# What a grammar cannot say.
BEYOND_CDDL = {"keyset: a kid of another key", "keyset: a key twice"}


def vectors(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / name).read_text(encoding="utf-8"))
    return content


VALID = vectors("wire_valid.json")["messages"]
REFUSED = vectors("wire_refused.json")["messages"]
EVENTS = vectors("event.json")


def entries(rule: str) -> dict[int, Entry]:
    """What docs/wire.cddl says of each key of a map."""
    flat = STRICT.flat(STRICT.rules[rule].type[1])
    return {entry.key[1]: entry for entry in flat if entry.key is not None and entry.key[0] == "value"}


def probes() -> list[object]:
    """Values of every shape: what stands anywhere in the vectors, good or not, and the edges of each type."""
    found: list[object] = [
        0, 1, 2, 3, 4, 5, 255, 0xFFFF_FFFF, 0x1_0000_0000, 2**64 - 1, -1, -(2**64), True, False, "", "a", "*", "oslo",
        "a" * 32, "a" * 33, "-a", "A", "a\n", *(bytes(size) for size in (0, 7, 8, 9, 15, 16, 17, 31, 32, 33)),
        Decimal(1, 1), Tagged(1, 1), [], [""], ["", ""], [0], [0, 0], [0, 0, 0], [-1, 0], [b""], [b""] * 256, [b""] * 257,
        [bytes(32)], [bytes(31)], {}, {0: 0}, {1: -1}, {-1: 0}, {"a": 0}, {"a": []}, {0: [0]}, {0: [""]}, {4: Decimal(1, 1)},
    ]  # fmt: skip
    for row in [*VALID, *REFUSED]:
        try:
            payload = cbor.decode(cose.take_apart(bytes.fromhex(row["message"])).payload)
        except DecodeError:
            continue
        if isinstance(payload, dict):
            found += payload.values()
    for row in [*EVENTS["valid"], *EVENTS["refused"]]:
        try:
            pairs = cbor.decode(bytes.fromhex(row["hex"]))
        except DecodeError:
            continue
        if isinstance(pairs, dict):
            found += pairs.values()
    return found


PROBES = probes()


def passes(check: Any, value: object) -> bool:
    try:
        check(value)
    except DecodeError:
        return False
    return True


@pytest.mark.parametrize("row", VALID, ids=lambda row: row["name"])
def test_valid_messages_are_of_the_grammar(row: dict[str, Any]) -> None:
    assert LENIENT.allows(row["sort"] + "-message", bytes.fromhex(row["message"]))
    of_today = "later version" not in row["name"] and "no event" not in row["name"]
    if of_today:
        assert STRICT.allows(row["sort"] + "-message", bytes.fromhex(row["message"]))


@pytest.mark.parametrize(
    "row", [row for row in REFUSED if row["step"] == "form"], ids=lambda row: row["name"]
)
def test_messages_refused_for_their_form_are_not_of_the_grammar(row: dict[str, Any]) -> None:
    allowed = LENIENT.allows(row["sort"] + "-message", bytes.fromhex(row["message"]))
    assert allowed == (row["name"] in BEYOND_CDDL)


def test_messages_refused_later_are_of_the_grammar() -> None:
    later = [row for row in REFUSED if row["step"] != "form"]
    assert later
    for row in later:
        assert LENIENT.allows(row["sort"] + "-message", bytes.fromhex(row["message"])), row["name"]


def test_events_are_of_the_grammar_exactly_where_they_are_read() -> None:
    for row in EVENTS["valid"]:
        assert STRICT.allows("event", bytes.fromhex(row["hex"])), row["name"]
    for row in EVENTS["refused"]:
        assert not STRICT.allows("event", bytes.fromhex(row["hex"])), row["name"]


@pytest.mark.parametrize("rule", TABLES)
def test_tables_have_the_keys_of_the_grammar_and_need_the_same(rule: str) -> None:
    said = {key: entry.least == 1 for key, entry in entries(rule).items()}
    assert said == {key: row[2] for key, row in TABLES[rule].items()}


@pytest.mark.parametrize("rule", TABLES)
def test_every_map_of_the_grammar_may_grow(rule: str) -> None:
    growth = [
        entry for entry in STRICT.flat(STRICT.rules[rule].type[1]) if entry.key == ("name", "later", ())
    ]
    assert [entry.type for entry in growth] == [("name", "any", ())]


@pytest.mark.parametrize("rule", TABLES)
def test_tables_take_the_values_that_the_grammar_takes(rule: str) -> None:
    for key, entry in entries(rule).items():
        check = TABLES[rule][key][1]
        taken = [value for value in PROBES if LENIENT.matches(entry.type, value)]
        assert taken, f"no probe is a value of {rule} key {key}: this test shows nothing there"
        assert len(taken) < len(PROBES)
        for value in PROBES:
            assert passes(check, value) == LENIENT.matches(entry.type, value), f"{rule} key {key}: {value!r}"


def test_growth_begins_where_the_code_says() -> None:
    later = STRICT.rules["later"].type
    assert later == ("range", schema.FIRST_IGNORED_KEY, 2**64 - 1)


def test_every_sort_has_a_message() -> None:
    for sort in wire.SORTS:
        assert STRICT.rules[sort + "-message"].type == ("name", "message", (sort,))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("4: lane,", "? 4: lane,"),
        ("5: [* device],", "5: [+ device],"),
        ("? 10: { + uint => int },", "? 10: { * uint => int },"),
        ("lane = 0..4", "lane = 0..5"),
        ("? 8: true,", "? 8: bool,"),
        ("kid = bstr .size 8", "kid = bstr"),
        ('"[a-z0-9][a-z0-9-]{0,31}"', '"[a-z0-9-]{1,32}"'),
    ],
)
def test_a_changed_grammar_is_noticed(old: str, new: str) -> None:
    """Control: each of these differs from the tables, and the comparison above finds it."""
    assert old in TEXT
    grammar = Grammar(TEXT.replace(old, new, 1), embedded=False)
    differs = False
    for rule, table in TABLES.items():
        for entry in grammar.flat(grammar.rules[rule].type[1]):
            if entry.key is not None and entry.key[0] == "value":
                row = table[entry.key[1]]
                differs |= (entry.least == 1) != row[2]
                differs |= any(
                    grammar.matches(entry.type, value) != passes(row[1], value) for value in PROBES
                )
    assert differs
