"""A fault of the configuration names the file that has to be mended, whichever layer it is in."""

from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from gateway.daemon.configuration import load
from tests.gateway.test_cli import ROOT, trygg

# A district's profile, and the home; the hub itself keeps a device that was added in the home.
PROFILE = f"""
[hub]
tenant = "oslo"
language = "en"
[uplink]
brokers = ["mqtt://127.0.0.1:1", "mqtt://127.0.0.1:2"]
[platform]
root_public_key = "{ROOT}"
"""
HOME = """
[hub]
id = "hub-1"
data_directory = "data"
[radio]
backend = "none"
"""
ADDED = '[[device]]\nname = "Medicine"\ndriver = "dispenser"\nport = "/dev/ttyUSB77"\n'
BROKEN = (
    # (in which file, what is changed there, key that is told)
    ("profile", ('"mqtt://127.0.0.1:2"', '"http://x"'), "uplink.brokers"),
    ("profile", ('"oslo"', '"Oslo 1"'), "hub.tenant"),
    ("profile", ("[uplink]", '[quiet]\nfrom = "25:00"\n[uplink]'), "quiet.from"),
    ("profile", (f'"{ROOT}"', '"gone.pub"'), "platform.root_public_key"),
    ("profile", (f'"{ROOT}"', '"short"'), "platform.root_public_key"),
    ("home", ('id = "hub-1"\n', ""), "hub.id"),
    ("home", ('"none"', '"other"'), "radio.backend"),
    ("added", ('"dispenser"', '"nothing"'), "device[Medicine].driver"),
)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "data").mkdir(mode=0o700)
    found = {
        "profile": tmp_path / "west.toml",
        "home": tmp_path / "hub.toml",
        "added": tmp_path / "data" / "installed.toml",
    }
    for path, text in zip(found.values(), (PROFILE, HOME, ADDED), strict=True):
        path.write_text(text)
    return found


def layers(files: dict[str, Path]) -> tuple[str | Path, ...]:
    return ("-c", files["profile"], "-c", files["home"])


def test_control_the_files_are_well(files: dict[str, Path]) -> None:
    config = load([files["profile"], files["home"]]).config
    assert config.source == str(files["home"]), "and not what the hub itself has written"


@pytest.mark.parametrize("command", ["check", "doctor", "run"])
@pytest.mark.parametrize(("where", "change", "key"), BROKEN, ids=[f"{row[0]} {row[2]}" for row in BROKEN])
def test_the_file_that_is_named_is_the_one_to_mend(
    files: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
    command: str,
    where: str,
    change: tuple[str, str],
    key: str,
) -> None:
    text = files[where].read_text()
    assert change[0] in text
    files[where].write_text(text.replace(*change))
    # DESIGN.md 7: what cannot be used is 2; only the doctor goes on where a file beside a good configuration is not there
    is_beside = command == "doctor" and change[1] == '"gone.pub"'
    assert trygg(command, *layers(files)) == (1 if is_beside else 2)
    said = "".join(capsys.readouterr())
    assert f"{files[where]}: {key}: found" in said


def test_a_file_for_the_identity_is_looked_for_where_it_is_said(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody says where the key is: the home's file is the one that lacks it."""
    assert trygg("identity", *layers(files), "--request", files["home"].parent / "request") == 2
    assert f"trygg identity: {files['home']}: uplink.key: found nothing" in capsys.readouterr().err


def test_a_fault_of_another_sort_keeps_its_own_source(files: dict[str, Path]) -> None:
    loaded = load([files["profile"], files["home"]])
    with pytest.raises(ConfigError, match=r"^command line: --token"), loaded.blaming():
        raise ConfigError("--token", "nothing", "a token", "command line")
