"""`trygg-kit`: its commands, their exit status and words, and the keys it makes."""

import importlib
import json
import pkgutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import tools.kit
from gateway.core.errors import ConfigError
from gateway.core.trust import Trust
from tools.kit.__main__ import COMMANDS, main
from tools.kit.keys import add_gateway, make_tenant, open_tenant
from tools.platform.broker import parse_broker
from tools.platform.parties import Names, Verifier, Watched, read_names, read_registry

ROOT = Path(__file__).resolve().parents[2]
KEY = "ab" * 32


def test_every_command_is_a_module_and_every_module_a_command() -> None:
    modules = {module.name for module in pkgutil.iter_modules(tools.kit.__path__)} - {"__main__"}
    assert modules == set(COMMANDS)
    for name in modules:
        module = importlib.import_module(f"tools.kit.{name}")
        assert callable(module.add_parser)
        assert callable(module.run)


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_ends_with_0(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 0
    assert "usage: trygg-kit" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["keys"], ["platform"], ["verify"], ["ca"], ["profile"], ["enrol"]]
)
def test_a_wrong_command_line_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "trygg-kit" in capsys.readouterr().err


def test_a_command_imports_only_what_it_needs() -> None:
    code = (
        "import sys\nfrom tools.kit.__main__ import make_parser\nmake_parser('keys')\n"
        "sys.exit(any(name in sys.modules for name in ('bumble', 'rich', 'amqtt', 'paho', 'tools.kit.home')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


# --- keys ---------------------------------------------------------------------------------------------------------


def test_keys_are_made_private_and_fit_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "keys"
    assert main(["keys", "init", str(directory), "--tenant", "city"]) == 0
    assert main(["keys", "add-gateway", str(directory), "--gateway", "hub-1", "--public-key", KEY]) == 0
    made = open_tenant(directory)
    assert made.root_public_key.hex() in capsys.readouterr().out
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert modes.pop("root.pub") == 0o644, "every gateway's hub reads it, under a user of its own"
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    trust = Trust("city", [made.root_public_key])
    assert trust.accept(made.keyset.read_bytes(), Verifier().verify)
    assert [(key, roles) for key, roles in trust.keys.values()] == [(made.receipt_public_key, ["receipt"])]
    assert read_registry(made.registry) == {("city", "hub-1"): bytes.fromhex(KEY)}
    assert (directory / "root.pub").read_text().strip() == made.root_public_key.hex()


def test_keys_are_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_tenant(tmp_path, "city")
    before = (tmp_path / "root.pem").read_bytes()
    assert main(["keys", "init", str(tmp_path), "--tenant", "city"]) == 2
    assert (tmp_path / "root.pem").read_bytes() == before
    assert "root.pem: found there already" in capsys.readouterr().err


def test_a_gateway_may_get_another_key_and_others_stay(tmp_path: Path) -> None:
    made = make_tenant(tmp_path, "city")
    for gateway, key in [("hub-1", b"1" * 32), ("hub-2", b"2" * 32), ("hub-1", b"3" * 32)]:
        add_gateway(tmp_path, gateway, key)
    assert read_registry(made.registry) == {("city", "hub-1"): b"3" * 32, ("city", "hub-2"): b"2" * 32}


@pytest.mark.parametrize(
    "arguments",
    [
        ["init", "{}", "--tenant", "Bad Name"],
        ["add-gateway", "{}", "--gateway", "hub-1", "--public-key", KEY],
        ["add-gateway", "{}", "--gateway", "Hub", "--public-key", "12"],
    ],
)
def test_wrong_words_for_keys_end_with_2(arguments: list[str], tmp_path: Path) -> None:
    assert main(["keys", *(word.format(tmp_path) for word in arguments)]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    "line",
    [
        "platform --broker mqtt://127.0.0.1:1 --registry {0}/r.json --signing-key {0}/receipt.pem --root-key {1}",
        "verify --key {1} {0}/keyset.cbor",
        "record --key {1} {0}/keyset.cbor",
        "deviation --key {1} {0}/keyset.cbor",
        "keys add-gateway {0} --gateway hub-1 --public-key {1}",
        "ca keyset {0} --out {0}/next.cbor --passphrase-file {0}/pass --next-root {1}",
        "ca role add {0} desk --role command --days 5 --public-key {1} --passphrase-file {0}/pass",
    ],
    ids=lambda line: " ".join(line.split()[:2]),
)
def test_a_private_key_given_for_a_public_one_is_never_repeated(
    line: str, as_text: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_tenant(tmp_path, "city").root_key
    (tmp_path / "pass").write_text("long enough a passphrase\n")
    (tmp_path / "pass").chmod(0o600)
    secret = root.read_text()
    given = secret + secret + secret if as_text else str(root)
    try:
        status = main([word.format(tmp_path, given) for word in line.split()])
    except SystemExit as end:
        status = int(end.code or 0)
    said = "".join(capsys.readouterr())
    assert status == 2 and said
    assert not any(part in said for part in (*secret.split()[3:-3], "BEGIN", "MC4")), said


# --- what the platform reads --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("mqtts://broker.example:8884", "broker.example", 8884, True),
        ("mqtts://broker.example", "broker.example", 8883, True),
        ("mqtt://127.0.0.1:1", "127.0.0.1", 1, False),
        ("mqtt://localhost", "localhost", 1883, False),
        ("mqtt://[::1]:5", "::1", 5, False),
    ],
)
def test_brokers_are_named_by_url(url: str, host: str, port: int, tls: bool) -> None:
    broker = parse_broker(url)
    assert (broker.host, broker.port, broker.tls) == (host, port, tls)


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://broker.example",
        "mqtt://192.0.2.1:1883",
        "http://localhost",
        "localhost:1883",
        "mqtts://",
        "mqtts://host:port",
        "mqtts://user@host",
        "mqtts://host/path",
        "mqtts://host:99999",
    ],
)
def test_other_urls_and_plain_mqtt_to_other_machines_are_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        parse_broker(url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"city": 5}',
        '{"city": {"hub-1": "12"}}',
        '{"City": {"hub-1": "' + KEY + '"}}',
        "\udcff",
    ],
)
def test_a_registry_that_is_none_is_said_with_its_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError) as error:
        read_registry(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("text", ["5", '{"hub-1": []}', '{"hub-1": {"x": "door"}}', '{"hub-1": {"7": 5}}'])
def test_names_that_are_none_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    path.write_text(text)
    with pytest.raises(ConfigError):
        read_names(path)


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    names: Watched[Names] = Watched(path, read_names, {})
    assert (names.content, names.refresh()) == ({}, False)
    path.write_text('{"hub-1": {"7": "front door"}}')
    assert names.refresh()
    assert names.content == {"hub-1": {7: "front door"}}
    assert not names.refresh()
    path.write_text("{ broken")
    with pytest.raises(ConfigError):
        names.refresh()
    assert not names.refresh()
    assert names.content == {"hub-1": {7: "front door"}}


def platform_arguments(directory: Path, **changed: str) -> list[str]:
    options = {
        "broker": "mqtt://127.0.0.1:1",
        "registry": str(directory / "registry.json"),
        "signing-key": str(directory / "receipt.pem"),
        "keyset": str(directory / "keyset.cbor"),
        "store": str(directory / "platform.db"),
    } | changed
    return ["platform", *(word for name, value in options.items() for word in (f"--{name}", value))]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"broker": "mqtt://192.0.2.1"}, "--broker: found 'mqtt://192.0.2.1', expected mqtts://"),
        ({"broker": "mqtts://localhost"}, "--ca: found nothing"),
        ({"signing-key": "{}/{root}.pem"}, "--signing-key: found a key that the keyset does not name"),
        ({"signing-key": "{}/registry.json"}, "--signing-key: found"),
        ({"keyset": "{}/registry.json"}, "--keyset: found"),
        ({"keyset": "{}/missing"}, "--keyset: found"),
        ({"root-key": KEY}, "--keyset: found the keyset is not signed by a root key"),
        ({"registry": "{}/missing"}, "registry: found"),
        ({"registry": "{}/other.json"}, "--keyset: found none of tenant town"),
        ({"store": "{}/registry.json"}, "--store: found"),
        ({"store": "{}/missing/platform.db"}, "--store: found"),
        ({"names": "{}/receipt.pem"}, "names: found"),
    ],
)
def test_a_wrong_option_of_the_platform_is_said_and_ends_with_2(
    changed: dict[str, str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_tenant(tmp_path, "city")
    (tmp_path / "other.json").write_text(json.dumps({"town": {"hub-1": KEY}}))
    values = {name.replace("_", "-"): value.format(tmp_path, root="root") for name, value in changed.items()}
    assert main(platform_arguments(tmp_path, **values)) == 2
    assert words in capsys.readouterr().err
