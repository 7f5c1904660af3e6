"""A short share of the fuzzing in every run, and that the harness finds what it looks for."""

import ast
import contextlib
import json
import random
import sys
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.devices.registry import driver_names
from gateway.core.errors import DecodeError
from gateway.daemon.json_text import dumps
from tests.conftest import ROOT
from tests.gateway.decode_cli import trygg_decode
from tests.gateway.fuzz.afar_targets import LAYERS, trusting
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


def test_the_harness_finds_a_gateway_that_lets_itself_be_renamed_from_afar() -> None:
    outcome = fuzz(Target("trusting", LAYERS[-1:], trusting), SEED, 100)
    assert "who it is came from afar" in outcome.findings[0].what


def test_a_seed_replays_its_inputs() -> None:
    def first(seed: int) -> list[bytes]:
        return [data for _, data in zip(range(3_000), inputs(TARGETS[0], seed), strict=False)][-100:]

    assert first(1) == first(1) != first(3)


def test_mutations_reach_beyond_their_seeds() -> None:
    made = {mutate(random.Random(number), (b"\x40\x29\x01",)) for number in range(300)}
    assert len(made) > 150 and b"" in made


def decoders() -> set[str]:
    """Every decoder of bytes in the folder of devices, by module and name."""
    found = set()
    for path in sorted((ROOT / "gateway" / "core" / "devices").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("decode"):
                found.add(f"{path.stem}.{node.name}")
    return found


def called(targets: tuple[Target, ...]) -> set[str]:
    """Those of them that the inputs which these targets start from call."""
    found = set()

    def look(frame: FrameType, event: str, _given: object) -> None:
        if event == "call" and frame.f_code.co_name.startswith("decode"):
            found.add(f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}")

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        for target in targets:
            function = target.make()
            for data in target.seeds:
                with contextlib.suppress(DecodeError):
                    function(data)
    finally:
        sys.setprofile(before)
    return found


def test_every_decoder_and_every_driver_is_fuzzed() -> None:
    assert len(decoders()) > 20
    assert decoders() - called(TARGETS) == set()
    names = " ".join(target.name for target in TARGETS)
    assert [name for name in driver_names() if f"{name.removesuffix('_ble')} driver" not in names] == []


def test_control_without_its_target_a_decoder_is_missed() -> None:
    fewer = tuple(target for target in TARGETS if "glucose" not in target.name)
    assert "glucose.decode_measurement" in decoders() - called(fewer)


@given(st.binary(max_size=40))
def test_the_command_line_answers_any_frame_with_one_line_of_json(data: bytes) -> None:
    for arguments in (["ble-adv", "--uuid", "fcd2"], ["gatt", "2a5f"], ["gatt", "2a29"]):
        answer = trygg_decode(*arguments, data.hex())
        assert answer.status in (0, 1) and len(answer.lines) == 1
        assert ("error" in answer.line) is (answer.status == 1)


@given(st.text(), st.text())
def test_any_text_is_written_as_json_reads_it(name: str, text: str) -> None:
    assert json.loads(dumps({name: [text]})) == {name: [text]}
