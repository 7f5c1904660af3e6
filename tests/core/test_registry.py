"""Kinds and value names by number. Every code that was ever given stands in tests/vectors/registry.json."""

from gateway.core import registry
from gateway.core.registry_text import KIND_TEXTS, VALUE_TEXTS
from hal.types import LANES
from tests.core.vectors import load

GIVEN = load("registry.json")
ENDINGS = (
    "_pct",
    "_bpm",
    "_v",
    "_c",
    "_lx",
    "_dbm",
    "_ms",
    "_mmhg",
    "_kpa",
    "_f",
    "_kg",
    "_lb",
    "_m2",
    "_m",
    "_in",
    "_kj",
)
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"


def test_codes_keep_the_meaning_they_were_given() -> None:
    for name, row in GIVEN["kinds"].items():  # type: ignore[attr-defined]
        assert list(registry.KINDS[name]) == row, name
    for name, code in GIVEN["values"].items():  # type: ignore[attr-defined]
        assert registry.VALUES[name] == code, name


def test_every_code_is_kept_for_ever() -> None:
    assert len(GIVEN["kinds"]) == len(registry.KINDS), "run `make vectors`"
    assert len(GIVEN["values"]) == len(registry.VALUES), "run `make vectors`"


def test_no_code_stands_for_two_things() -> None:
    assert len(registry.KIND_NAMES) == len(registry.KINDS)
    assert len(registry.VALUE_NAMES) == len(registry.VALUES)
    for name, row in registry.KINDS.items():
        assert registry.KIND_NAMES[row[0]] == name and row[0] > 0
    for name, code in registry.VALUES.items():
        assert registry.VALUE_NAMES[code] == name and code > 0


def test_names_are_thing_and_happening() -> None:
    for name, (_, lane, _) in registry.KINDS.items():
        parts = name.split(".")
        assert len(parts) == 2 and all(
            part and all(letter in LETTERS for letter in part) for part in parts
        ), name
        assert lane in LANES
    for name in registry.VALUES:
        assert name and all(letter in LETTERS for letter in name), name


def test_what_clears_a_state_is_of_its_lane() -> None:
    clearing = [(name, row) for name, row in registry.KINDS.items() if row[2] and row[2] != "*"]
    assert clearing
    for name, (_, lane, clears) in clearing:
        assert registry.KINDS[clears][1] == lane, name
        assert registry.KINDS[clears][2] == "", name + " clears what clears"


def test_a_state_has_one_clearing_kind() -> None:
    cleared = [row[2] for row in registry.KINDS.values() if row[2] and row[2] != "*"]
    assert len(cleared) == len(set(cleared))


def test_every_lane_with_states_has_one_word_for_those_that_nobody_follows_any_more() -> None:
    lanes = {registry.KINDS[row[2]][1] for row in registry.KINDS.values() if row[2] and row[2] != "*"}
    assert sorted([row[1] for row in registry.KINDS.values() if row[2] == "*"]) == sorted(lanes)


def test_no_name_claims_more_than_the_device_knows() -> None:
    for name in registry.KINDS:
        for word in ("taken", "swallowed", "fallen", "dead", "emergency"):
            assert word not in name, name


def test_every_kind_and_value_has_words() -> None:
    assert set(KIND_TEXTS) == set(registry.KINDS)
    assert set(VALUE_TEXTS) == set(registry.VALUES)
    for name, row in list(KIND_TEXTS.items()) + list(VALUE_TEXTS.items()):
        assert row[0] and row[1], name  # nb and en


def test_the_kinds_that_others_rely_on_are_there() -> None:
    for kind, lane in (
        ("smoke.detected", 0),
        ("smoke.cleared", 0),
        ("door.night_exit", 1),
        ("door.night_return", 1),
        ("dose.missed", 1),
        ("dose.unconfirmed", 2),
        ("device.silent", 2),
        ("device.back", 2),
        ("hub.started", 2),
        ("journal.dropped", 2),
        ("oximetry.measured", 3),
        ("measurement.failed", 3),
        ("dose.dispensed", 3),
        ("dose.collected", 3),
        ("door.opened", 4),
        ("door.closed", 4),
    ):
        assert registry.KINDS[kind][1] == lane, kind
