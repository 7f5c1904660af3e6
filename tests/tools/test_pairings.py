"""The harness of F18: its oracle keeps to the specification's tables, and its judge finds what an unsafe central does."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from bumble import smp

from tools.rig.pairings import oracle
from tools.rig.pairings.combinations import BONDS, CODES, DATA, DEMANDS, MODELS, PERSONS, Combination, draw
from tools.rig.pairings.figures import (
    CONTROL_TRIALS,
    FIGURES,
    believing_app,
    fall_back,
    judge,
    pairings,
    tried,
)
from tools.rig.pairings.trial import Result
from tools.simulators.pairing import Io

GOOD = Combination("label", 16, True, "none", "right", "is not there", "authenticated")


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        ({}, 2),
        ({"code": "wrong"}, 0),
        ({"code": "none"}, 0),
        ({"key_bytes": 15}, 0),
        ({"secure": False}, 0),
        ({"model": "nothing"}, 0),
        ({"model": "nothing", "code": "none", "demand": "weak"}, 1),
        ({"model": "nothing", "code": "none", "demand": "weak", "bond": "authenticated"}, 2),
        (
            {
                "model": "nothing",
                "code": "none",
                "demand": "weak",
                "bond": "weak, forgotten by the peripheral",
            },
            1,
        ),
        (
            {
                "model": "nothing",
                "code": "none",
                "demand": "weak",
                "bond": "authenticated, forgotten by the peripheral",
            },
            0,
        ),
        ({"model": "display", "code": "none", "person": "says yes"}, 2),
        ({"model": "display", "code": "none", "person": "says no"}, 0),
        ({"model": "keys", "code": "none", "person": "says yes"}, 0),
        ({"model": "nothing", "code": "none", "data": "right", "demand": "weak"}, 2),
        ({"model": "nothing", "code": "none", "data": "wrong", "demand": "weak"}, 0),
        ({"model": "nothing", "code": "none", "data": "of another", "demand": "weak"}, 0),
        ({"model": "display", "code": "none", "data": "of another", "person": "says yes"}, 0),
        ({"code": "none", "data": "right", "key_bytes": 15}, 0),
    ],
)
def test_the_oracle_knows_what_may_come_of_it(changed: dict[str, object], level: int) -> None:
    assert oracle.expected(replace(GOOD, **changed)).level == level  # type: ignore[arg-type]


def test_the_oracle_and_the_stack_read_the_same_table() -> None:
    table = smp.Session.PAIRING_METHODS
    ours = {oracle.PASSKEY: Io.KEYBOARD_INPUT_ONLY, oracle.COMPARISON: Io.DISPLAY_OUTPUT_AND_YES_NO_INPUT}
    for io in Io:
        method = table[ours[oracle.PASSKEY]][io]
        is_just_works = method == smp.PairingMethod.JUST_WORKS
        assert is_just_works == (oracle.WITH_CODE.get(io, oracle.PASSKEY) == oracle.JUST_WORKS), io
        method = table[ours[oracle.COMPARISON]][io]
        if isinstance(method, tuple) and len(method) == 2:
            method = method[1]
        words = {
            smp.PairingMethod.JUST_WORKS: oracle.JUST_WORKS,
            smp.PairingMethod.NUMERIC_COMPARISON: oracle.COMPARISON,
        }
        said = oracle.WE_SHOW if isinstance(method, tuple) else words[method]
        assert said == oracle.WITHOUT_CODE[io], io


def test_five_hundred_seeds_draw_every_value_and_few_combinations_twice() -> None:
    drawn = [draw(seed) for seed in range(500)]
    for name, values in (
        ("model", MODELS),
        ("bond", BONDS),
        ("code", CODES),
        ("person", PERSONS),
        ("demand", DEMANDS),
        ("data", DATA),
    ):
        assert {getattr(each, name) for each in drawn} == set(values), name
    assert {each.key_bytes for each in drawn} == set(range(7, 17))
    assert len(set(drawn)) > 350
    assert draw(7) == draw(7)


def well(**changed: object) -> Result:
    """A pairing with protection that went well."""
    values: dict[str, object] = {
        "bond": 2,
        "paired": True,
        "read": True,
        "stored": 2,
        "kinds": ["pairing.bonded"],
        "state": "bonded",
        "made": [True],
        "manifest_bond": 2,
    }
    return Result(**(values | changed))  # type: ignore[arg-type]


WEAKLY = replace(GOOD, model="nothing", code="none", demand="weak")
SHOWN = {"bond": 1, "stored": 1, "manifest_bond": 1, "weak_shown": True, "kinds": ["pairing.bonded_weak"]}


@pytest.mark.parametrize(
    ("combination", "result", "said"),
    [
        (GOOD, well(), ""),
        (GOOD, well(bond=1, manifest_bond=1, weak_shown=True), "was accepted where 2 was asked for"),
        (replace(GOOD, code="wrong"), well(), "is worth 0"),
        (replace(GOOD, secure=False), well(), "legacy pairing was accepted"),
        (replace(GOOD, key_bytes=7), well(), "a key of 7 bytes was accepted"),
        (WEAKLY, well(**SHOWN), ""),
        (WEAKLY, well(**{**SHOWN, "weak_shown": False}), "not shown as weak"),
        (WEAKLY, well(**{**SHOWN, "manifest_bond": 2}), "not shown as weak"),
        (WEAKLY, well(**{**SHOWN, "kinds": ["pairing.bonded"]}), "not told as weak"),
        (GOOD, well(paired=False, bond=0, stored=1, state="refused"), "left behind"),
        (GOOD, well(paired=False, bond=0, stored=0, state="refused"), "could be had"),
        (GOOD, well(read=False), "could be had"),
        (
            replace(GOOD, code="wrong"),
            well(paired=False, bond=0, stored=0, made=[], kinds=[]),
            "told to nobody",
        ),
    ],
)
def test_the_judge_finds_what_must_not_be(combination: Combination, result: Result, said: str) -> None:
    found = judge(combination, result)
    assert any(said in each for each in found) if said else found == []


@pytest.mark.timeout(60)
def test_a_handful_comes_out_as_it_must() -> None:
    outcome = pairings(12, 1)
    assert (outcome.trials, outcome.bad, outcome.failures) == (12, 0, ())
    assert sum(int(count) for count in outcome.reached.values()) == 12


LABELLED = replace(WEAKLY, data="right")


@pytest.mark.parametrize(("data", "paired"), [("right", True), ("wrong", False), ("of another", False)])
def test_the_data_of_a_label_is_tried_with_the_whole_hub(tmp_path: Path, data: str, paired: bool) -> None:
    combination = replace(LABELLED, data=data)
    result = asyncio.run(tried(combination, tmp_path, {}))
    assert judge(combination, result) == []
    assert (result.paired, result.bond, result.made) == ((True, 2, [True]) if paired else (False, 0, []))


def test_control_a_central_that_falls_back_to_just_works_is_found_out(tmp_path: Path) -> None:
    combination = replace(LABELLED, data="of another")
    variant = {"make_app": believing_app, "loosen": fall_back}
    result = asyncio.run(tried(combination, tmp_path, variant))
    assert result.paired and result.made == [False], "it did fall back"
    assert "a bond of 1 was accepted where 2 was asked for" in judge(combination, result)


@pytest.mark.long
@pytest.mark.timeout(120)
def test_a_central_without_our_checks_is_found_out() -> None:
    (figure,) = FIGURES
    assert figure.control is not None
    outcome = figure.control(1)
    assert outcome.trials == CONTROL_TRIALS and outcome.bad >= 5
    said = " ".join(outcome.failures)
    assert "was accepted where 2 was asked for" in said and "and it is worth 0" in said
