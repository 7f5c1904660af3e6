"""Training mode: everything is an exercise, and neither side takes the keys, the store or the tenant of the other."""

from pathlib import Path

import pytest

from gateway.core.config import Config
from gateway.core.errors import ConfigError
from gateway.daemon import doctor_hub, training
from gateway.daemon.commands.status import show
from gateway.daemon.configuration import load
from gateway.daemon.texts import Texts
from gateway.hub.status import status
from tests.gateway.test_cli import HUB, STATUS, trygg
from tests.hub.bench import Bench, play

TRAINING = HUB.replace('tenant = "oslo"', 'tenant = "training-vest"')


def config_at(folder: Path, text: str) -> Config:
    path = folder / "hub.toml"
    path.write_text(text)
    return load([path]).config


def run_once(folder: Path, text: str, *words: str) -> int:
    """Exit status of `trygg run` that is refused before it begins."""
    path = folder / "hub.toml"
    path.write_text(text)
    return trygg("run", "--log-json", "-c", path, *words)


def test_training_takes_a_folder_of_its_own_and_marks_it(tmp_path: Path) -> None:
    config = config_at(tmp_path, TRAINING)
    training.check(config, training=True)
    for folder in training.folders(config):
        assert training.is_marked(folder) and (folder / training.MARK).stat().st_mode & 0o777 == 0o600
    (Path(config.keys.directory) / "identity.key").write_text("ab" * 32)
    Path(config.storage.path).touch()
    training.check(config, training=True)  # its own, from an earlier training


@pytest.mark.parametrize("held", ["keys/identity.key", "journal.db"])
def test_keys_or_a_store_of_a_gateway_in_operation_are_refused_and_left_as_they_are(
    tmp_path: Path, held: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data" / "keys").mkdir(parents=True, mode=0o700)
    (tmp_path / "data" / held).write_text("real")
    assert run_once(tmp_path, TRAINING, "--training") == 2
    assert "with the keys or the store of a gateway" in capsys.readouterr().err
    assert (tmp_path / "data" / held).read_text() == "real"
    assert not any(path.name == training.MARK for path in tmp_path.rglob("*"))


def test_a_real_tenant_is_no_tenant_for_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_once(tmp_path, HUB, "--training") == 2
    assert "a tenant for training" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_what_was_for_training_never_runs_for_real(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_once(tmp_path, TRAINING) == 2, "the switch cannot be forgotten"
    assert "--training beside it" in capsys.readouterr().err
    training.check(config_at(tmp_path, TRAINING), training=True)
    assert run_once(tmp_path, HUB) == 2, "another tenant does not make it real"
    assert "a folder for training" in capsys.readouterr().err
    (tmp_path / "data" / training.MARK).unlink()
    with pytest.raises(ConfigError, match="a folder for training"):
        training.check(config_at(tmp_path, HUB), training=False)  # the keys have a mark of their own


def test_control_a_gateway_in_operation_is_as_it_was(tmp_path: Path) -> None:
    training.check(config_at(tmp_path, HUB), training=False)
    assert not (tmp_path / "data").exists()
    assert not training.is_tenant("trainingsenter") and training.is_tenant("training")


@pytest.mark.parametrize("is_training", [True, False])
def test_everything_that_a_training_gateway_makes_is_an_exercise_and_a_real_one_makes_none(
    is_training: bool,
) -> None:
    async def scene(bench: Bench) -> None:
        bench.app.recorder.training = is_training
        before = len(bench.platform.order)
        bench.door(True, 1)
        bench.smoke(True, 1)
        await bench.clock.advance(3_600_000)  # sensors fall silent meanwhile
        await bench.app.recorder.begin_epoch("for this test")
        await bench.clock.advance(60_000)
        told = [event for _, _, event in bench.platform.order[before:]]
        kinds = {event.kind for event in told}
        assert {"door.night_exit", "smoke.detected", "device.silent", "epoch.begun"} <= kinds, kinds
        assert {event.exercise for event in told} == {is_training}
        assert status(bench.app)["training"] is is_training

    play(scene)


def test_status_and_doctor_say_that_it_is_for_training() -> None:
    facts = {**STATUS, "training": True}
    for language, words in (("nb", "merket som øvelse"), ("en", "marked as exercise")):
        lines = show(facts, Texts(language))
        assert any(words in line for line in lines) and lines[0] != show(STATUS, Texts(language))[0]
    assert [each.code for each in doctor_hub.of_status(facts, Texts("en"))] == ["hub.training"]
