"""The one reader that holds maps to their tables, and the growth rule."""

from gateway.core import schema
from gateway.core.errors import DecodeError
from gateway.core.schema import OPTIONAL, REQUIRED
from tests.core.vectors import refusal

INNER = {1: ("size", schema.uint, REQUIRED)}
TABLE = {
    1: ("name", schema.text, REQUIRED),
    2: ("flag", schema.exactly(True), OPTIONAL),
    3: ("inner", schema.nested(INNER, "inner"), OPTIONAL),
}


def read(value: object) -> "dict[str, object]":
    return schema.read(TABLE, value, "row")


def test_fields_come_by_name_and_absent_ones_are_not_there() -> None:
    assert read({1: "a"}) == {"name": "a"}
    assert read({1: "a", 2: True, 3: {1: 5}}) == {"name": "a", "flag": True, "inner": {"size": 5}}


def test_unknown_keys_of_24_and_above_are_ignored_and_below_24_refused() -> None:
    for key in (24, 25, 255, 2**32, 2**64 - 1):
        assert read({1: "a", key: [{}, b"anything"]}) == {"name": "a"}, key
    for key in (23, 4, 0, -1, -24, -25, -(2**64)):
        assert refusal(read, {1: "a", key: 0}).reason == "row has an unknown key below 24", key
    for key in ("24", "", b"\x18", b""):
        assert refusal(read, {1: "a", key: 0}).reason == "row has a key that is no integer", key


def test_the_reason_names_map_key_and_field() -> None:
    assert refusal(read, {1: 5}).reason == "row key 1 (name): not text"
    assert (
        refusal(read, {1: "a", 3: {1: -1}}).reason
        == "row key 3 (inner): inner key 1 (size): not an unsigned integer"
    )
    assert refusal(read, {2: True}).reason == "row lacks key 1 (name)"
    assert refusal(read, []).reason == "row is not a map"


def test_reasons_do_not_repeat_what_a_stranger_sent() -> None:
    """They are counted by their words: a sender must not be able to make as many as it likes."""
    reasons = {refusal(read, {1: "a", key: 0}).reason for key in (-1, -2, -3, 2, 4, 5, "x", "y", b"z")}
    assert len(reasons) == 3  # below 24, no integer, and key 2 whose value is wrong


def test_writing_leaves_out_what_is_none_and_refuses_what_reading_would() -> None:
    assert schema.write(TABLE, {"name": "a", "flag": None}) == {1: "a"}
    assert schema.write(TABLE, {"name": "a", "inner": {1: 5}}) == {1: "a", 3: {1: 5}}
    for fields in ({}, {"name": None}, {"name": 1}, {"name": "a", "flag": False}, {"name": "a", "inner": {}}):
        try:
            schema.write(TABLE, fields)  # type: ignore[arg-type]
        except DecodeError:
            continue
        raise AssertionError("was written: " + repr(fields))


def test_checks_take_what_they_say_and_nothing_else() -> None:
    one, text = schema.exactly(1), schema.text
    table = (
        (schema.uint, (0, 1, 2**64 - 1), (-1, True, False, "1", b"", None, [])),
        (schema.positive, (1, 2**64 - 1), (0, -1, True, "1")),
        (schema.integer, (0, -1, -(2**64)), (True, False, "0", b"\x00")),
        (schema.up_to(4), (0, 4), (5, -1, True, "4")),
        (text, ("", "å"), (b"", 0, True, [])),
        (schema.octets(), (b"", bytes(300)), ("", 0, bytearray(1), [])),
        (schema.octets(2), (b"ab",), (b"", b"a", b"abc", "ab")),
        (one, (1,), (True, 0, 2, "1")),
        (schema.exactly(True), (True,), (1, False, "True")),
        (schema.listing(text, 1, 2), (["a"], ["a", "b"]), ([], ["a", "b", "c"], [1], "a", {})),
        (schema.listing(text), ([], ["a"] * 300), ({}, None)),
        (schema.row(text, schema.uint), (["a", 1],), (["a"], [1, "a"], ["a", 1, 1], [], "a")),
        (schema.mapping(schema.uint, text), ({}, {1: "a"}), ({"1": "a"}, {1: 1}, {-1: "a"}, [])),
        (schema.mapping(schema.uint, text, 1), ({1: "a"},), ({},)),
        (schema.nested(INNER, "inner"), ({1: 0}, {1: 0, 24: 0}), ({}, {1: 0, 2: 0}, [])),
    )
    for check, good, bad in table:
        for value in good:
            check(value)  # type: ignore[operator]
        for value in bad:
            refusal(check, value)  # type: ignore[arg-type]
