"""`trygg identity` before the configuration is whole: it says what to write there, and where that comes from."""

from pathlib import Path

import pytest

from tests.gateway.english import english_in
from tests.gateway.test_cli import HUB, trygg

ENROL = ("--enrol", "https://enrolment.example:8443", "--token", "TRYGG-1")


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir(mode=0o700)
    return tmp_path / "hub.toml"


@pytest.mark.parametrize("words", [(), ENROL, ("--request", "request")], ids=["", "enrol", "request"])
@pytest.mark.parametrize("language", ["en", "nb"])
def test_without_an_address_of_the_platform_it_says_where_that_comes_from(
    hub: Path, capsys: pytest.CaptureFixture[str], language: str, words: tuple[str, ...]
) -> None:
    hub.write_text(HUB.replace('brokers = ["mqtt://127.0.0.1:1"]', "").replace('"en"', f'"{language}"'))
    assert trygg("identity", "-c", hub, *words) == 2
    fault, advice = capsys.readouterr().err.splitlines()
    assert fault.startswith(f"trygg identity: {hub}: uplink.brokers: ")
    assert 'brokers = ["mqtts://broker.example"]' in advice and "trygg-kit profile import" in advice
    if language == "nb":
        assert not english_in(advice.replace("trygg-kit profile import", ""))


@pytest.mark.parametrize("missing", ["ca", "key", "certificate"])
@pytest.mark.parametrize("language", ["en", "nb"])
def test_without_the_name_of_a_file_it_says_what_to_write(
    hub: Path, capsys: pytest.CaptureFixture[str], language: str, missing: str
) -> None:
    names = {"ca": "tls/ca.pem", "certificate": "tls/hub.pem", "key": "tls/hub.key"}
    files = "".join(f'{key} = "{name}"\n' for key, name in names.items() if key != missing)
    text = HUB.replace('["mqtt://127.0.0.1:1"]\n', '["mqtts://127.0.0.1:1"]\n' + files)
    hub.write_text(text.replace('"en"', f'"{language}"'))
    assert trygg("identity", "-c", hub, *ENROL) == 2
    fault, advice = capsys.readouterr().err.splitlines()
    assert fault.startswith(f"trygg identity: {hub}: uplink.{missing}: ")
    assert f'{missing} = "/var/lib/trygg/{names[missing]}"' in advice
    assert not (language == "nb" and english_in(advice))


def test_another_fault_has_no_such_advice(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hub.write_text(HUB.replace('["mqtt://127.0.0.1:1"]', '["http://x"]'))
    assert trygg("identity", "-c", hub, *ENROL) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("language", ["en", "nb"])
def test_a_certificate_that_is_not_there_is_told_with_its_option_and_what_to_do(
    hub: Path, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    hub.write_text(HUB.replace('"en"', f'"{language}"'))
    gone = hub.parent / "back.pem"
    for path in (gone, hub.parent):
        assert trygg("identity", "-c", hub, "--install", path) == 2
        (said,) = capsys.readouterr().err.splitlines()
        assert f"--install: {'found' if language == 'en' else 'fant'} " in said and f" {path} (" in said
        assert ("check the path" if language == "en" else "se på filnavnet") in said
        assert not (language == "nb" and english_in(said.replace(str(path), "").replace("--install", ""))), (
            said
        )
    assert not (hub.parent / "data" / "keys").exists(), "nothing was made for a command that cannot be meant"
    gone.write_text("no PEM")
    assert trygg("identity", "-c", hub, "--install", gone) != 0
    assert "--install: " not in capsys.readouterr().err, "control"
