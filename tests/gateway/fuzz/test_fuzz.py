"""A short share of the fuzzing in every run, and that the harness finds what it looks for."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import DecodeError
from gateway.daemon.json_text import dumps
from tests.gateway.decode_cli import trygg_decode
from tests.gateway.fuzz.harness import Target, fuzz, inputs, mutate
from tests.gateway.fuzz.targets import TARGETS

INPUTS = 3_000
SEED = 2


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name.replace(" ", "-"))
def test_no_input_makes_a_decoder_or_a_driver_fail(target: Target) -> None:
    outcome = fuzz(target, SEED, INPUTS)
    assert [str(finding) for finding in outcome.findings] == []
    assert outcome.inputs == INPUTS


def unsafe(data: bytes) -> int:
    """A decoder of the kind that is looked for: it trusts a length."""
    if not data:
        raise DecodeError("empty", 0)
    return data[data[0]]


def slow(data: bytes) -> None:
    """A decoder that works for longer than its input deserves."""
    if len(data) > 3:
        sum(range(20_000_000))


def test_the_harness_finds_a_decoder_that_trusts_a_length() -> None:
    outcome = fuzz(Target("unsafe", (b"\x01\x02",), lambda: unsafe), SEED, 100)
    assert outcome.refused > 0
    assert "IndexError" in outcome.findings[0].what and "--seed 2" in str(outcome.findings[0])


def test_the_harness_finds_a_decoder_that_takes_too_long() -> None:
    outcome = fuzz(Target("slow", (b"\x01\x02\x03\x04",), lambda: slow), SEED, 5)
    assert "took" in outcome.findings[0].what


def test_a_seed_replays_its_inputs() -> None:
    def first(seed: int) -> list[bytes]:
        return [data for _, data in zip(range(3_000), inputs(TARGETS[0], seed), strict=False)][-100:]

    assert first(1) == first(1) != first(3)


def test_mutations_reach_beyond_their_seeds() -> None:
    made = {mutate(random.Random(number), (b"\x40\x29\x01",)) for number in range(300)}
    assert len(made) > 150 and b"" in made


@given(st.binary(max_size=40))
def test_the_command_line_answers_any_frame_with_one_line_of_json(data: bytes) -> None:
    for arguments in (["ble-adv", "--uuid", "fcd2"], ["gatt", "2a5f"], ["gatt", "2a29"]):
        answer = trygg_decode(*arguments, data.hex())
        assert answer.status in (0, 1) and len(answer.lines) == 1
        assert ("error" in answer.line) is (answer.status == 1)


@given(st.text(), st.text())
def test_any_text_is_written_as_json_reads_it(name: str, text: str) -> None:
    assert json.loads(dumps({name: [text]})) == {name: [text]}
