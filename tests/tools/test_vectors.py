"""The generator of our own vectors: the same every time, and jealous of codes."""

import json
from pathlib import Path

import pytest

from gateway.core import registry
from tools.vectors.__main__ import CODES, FOLDER, MAKERS, main
from tools.vectors.codes import ReusedCodeError, code_vectors


def test_what_is_committed_is_what_the_code_gives(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    for name in (*MAKERS, CODES):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_a_changed_file_is_named_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([], tmp_path)
    changed = tmp_path / "chain.json"
    changed.write_text(changed.read_text().replace("removed", "taken out"))
    before = changed.read_bytes()
    assert main(["--check"], tmp_path) == 1
    assert "chain.json differ" in capsys.readouterr().out
    assert changed.read_bytes() == before
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0


@pytest.mark.parametrize(
    ("part", "name", "other"),
    [
        ("kinds", "smoke.detected", [999, 0, ""]),
        ("kinds", "smoke.detected", [1, 1, ""]),
        ("kinds", "smoke.smelled", [1, 0, ""]),
        ("values", "spo2_pct", 999),
        ("values", "oxygen_pct", 1),
    ],
)
def test_a_code_that_had_another_meaning_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], part: str, name: str, other: object
) -> None:
    """`held` says that the code, or the name, was once given to something else."""
    file = tmp_path / CODES
    held = {"about": "", "kinds": {}, "values": {}}
    held[part] = {name: other}  # type: ignore[assignment]
    file.write_text(json.dumps(held))
    with pytest.raises(ReusedCodeError, match="codes are never reused"):
        code_vectors(file)
    assert main([], tmp_path) == 1
    assert "codes are never reused" in capsys.readouterr().err
    assert json.loads(file.read_text()) == held


def test_a_code_that_left_the_registry_stays_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / CODES
    file.write_text(json.dumps({"kinds": {"horse.bolted": [60_000, 2, ""]}, "values": {"hay_kg": 60_000}}))
    kept = code_vectors(file)
    assert kept["kinds"] == {"horse.bolted": [60_000, 2, ""]} | {
        k: list(v) for k, v in registry.KINDS.items()
    }
    assert kept["values"] == {"hay_kg": 60_000} | registry.VALUES
