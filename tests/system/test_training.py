"""A training room: the demonstration with its switch, whole processes; every event that arrives is an exercise."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tools.authority_bench import run
from tools.kit.__main__ import main as kit_main


@pytest.mark.long
@pytest.mark.timeout(120)
def test_all_that_arrives_from_a_training_room_is_an_exercise(tmp_path: Path) -> None:
    words = [
        "-m",
        "tools.kit",
        "demo",
        "--training",
        "--seconds",
        "12",
        "--json",
        "--keep",
        str(tmp_path / "kept"),
    ]
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    events = [line for line in lines if "kind" in line]
    assert len(events) > 5 and all(event.get("exercise") for event in events)
    assert {event["tenant"] for event in events if "tenant" in event} <= {"training"}
    assert (tmp_path / "kept" / "hub" / "keys" / "training").exists()


@pytest.mark.parametrize(
    "words", [("--training", "--tenant", "oslo"), ("--tenant", "training"), ("--tenant", "training-vest")]
)
def test_a_tenant_of_training_and_the_switch_go_together(words: tuple[str, ...]) -> None:
    assert run(kit_main, ["demo", *words]).status == 2
