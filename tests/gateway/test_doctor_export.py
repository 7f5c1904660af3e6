"""The export for a deviation report: the same facts make the same bytes, it is signed, and nothing of the home's names and secrets is in it."""

import base64
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.devices.bthome import TEXTS as REFUSALS
from gateway.core.errors import DecodeError, RefusedError
from gateway.daemon import doctor_export, doctor_looks, doctor_timeline
from gateway.daemon.configuration import load
from gateway.daemon.doctor_leaks import Known, forms, known_of, leaks
from gateway.daemon.doctor_timeline import Timeline, of_log
from tests.gateway.test_cli import HUB, STATUS, trygg, while_running
from tests.gateway.test_doctor import ROWS
from tools.kit.__main__ import main as kit
from tools.simulators.certificates import Authority

BIND_KEY, PASSKEY = "231d39c1d7cc1ab1aee224cd096db932", "049381"
NAMES = (
    "Front door",
    "Karis medisin",
    "Karis soverom",
    "Hall",
    "AA:BB:CC:00:00:01",
    "/dev/ttyUSB7",
    "front-door",
    "Natt hos Kari",
)
DEVICES = """
[[device]]
name = "Front door"
driver = "bthome"
address = "AA:BB:CC:00:00:01"
key = "front-door"
room = "Hall"
interval_s = 600
[[device]]
name = "Karis medisin"
driver = "dispenser"
port = "/dev/ttyUSB7"
room = "Karis soverom"
[[rule]]
name = "Natt hos Kari"
type = "night_window"
device = "Front door"
from = "22:00"
to = "06:00"
"""
RADIO = 'backend = "bumble"\ntransport = "tcp-client:127.0.0.1:1"'
SERIAL_NUMBER = "SN-0815-4711"

LOG_LINES: tuple[dict[str, Any], ...] = (
    {
        "time": "2026-09-21T10:00:00.000Z",
        "level": "info",
        "part": "hub",
        "message": "stored",
        "kind": "device.silent",
        "lane": 2,
        "seq": 3,
        "placement": 8,
    },
    {
        "time": "2026-09-21T10:00:01.000Z",
        "level": "info",
        "part": "hub",
        "message": "stored",
        "kind": "oximetry.measured",
        "lane": 3,
        "seq": 9,
        "placement": 7,
    },
    {
        "time": "2026-09-21T10:00:02.000Z",
        "level": "warning",
        "part": "hal.linux.bluez",
        "message": "nothing at AA:BB:CC:00:00:01",
    },
    {
        "time": "2026-09-21T10:00:03.000Z",
        "level": "error",
        "part": "hub",
        "message": "The journal failed.",
        "cause": "Karis medisin",
    },
)


class Home:
    """A gateway with every sort of name and secret, and its export."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "hub.toml"
        self.out = folder / "export.zip"
        data = folder / "data"
        for each in (data, data / "keys"):
            each.mkdir(mode=0o700)
        self.identity = Ed25519PrivateKey.generate()
        self.keep("keys/identity.key", self.identity.private_bytes_raw().hex())
        self.keep("keys/identity.hmac", "cd" * 32)
        self.keep("keys/front-door.key", BIND_KEY)
        self.keep("keys/oximeter.passkey", PASSKEY)
        own = Authority(folder / "ca").client("hub-1")
        self.tls = Path(own.key).read_text()
        tls = f'ca = "{own.ca}"\ncertificate = "{own.certificate}"\nkey = "{own.key}"\n'
        text = HUB.replace('backend = "none"', RADIO).replace("[platform]", tls + "[platform]")
        self.path.write_text(text + DEVICES)

    def keep(self, name: str, text: str) -> None:
        path = self.folder / "data" / name
        path.write_text(text + "\n")
        path.chmod(0o600)

    @property
    def public_key(self) -> bytes:
        return self.identity.public_key().public_bytes_raw()

    def facts(self, **changed: Any) -> dict[str, Any]:
        """What the running hub says, names and all."""
        first = {**ROWS[0], "described": {"maker": "Maker", "model": "M1", "serial_number": SERIAL_NUMBER}}
        second = {**ROWS[1], "name": "Karis medisin", "room": "Karis soverom", "reached": "/dev/ttyUSB7"}
        second["link"] = "no such serial port /dev/ttyUSB7: check the cable and the name"
        status = {
            **STATUS,
            "devices_silent": ["Karis medisin"],
            "frames_refused": {"Front door": 3},
            "utc_ms": 1_790_000_000_000,
        }
        timeline = [{"ago_ms": 5, "kind": "device.silent", "placement": 8, "seq": 4}]
        return {"status": status, "devices": [first, second], "timeline": timeline, **changed}

    def log(self, *lines: dict[str, Any]) -> Path:
        path = self.folder / "log.json"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    def export(self, *words: str | Path, **changed: Any) -> int:
        log = words or ("--log", self.log())
        line = ("doctor", "-c", self.path, "--export", self.out, *log)
        return while_running(self.path, self.facts(**changed), lambda: trygg(*line))

    def members(self) -> dict[str, bytes]:
        return doctor_export.unpack(self.out.read_bytes())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def assert_clean(members: dict[str, bytes], home: Home) -> None:
    """None of its names or secrets, looked for as plain text here, and not by the product's own search."""
    whole = b"\n".join(members.values())
    for name in (*NAMES, SERIAL_NUMBER, str(home.folder)):
        assert name.encode() not in whole, name
    for secret in (BIND_KEY, PASSKEY, home.identity.private_bytes_raw().hex(), *home.tls.splitlines()[1:-1]):
        assert secret.encode() not in whole
        assert base64.b64encode(secret.encode())[:-4] not in whole


def test_an_export_holds_what_happened_and_no_name_no_secret_and_no_value(home: Home) -> None:
    log = home.log(*LOG_LINES)
    assert home.export("--log", log) == 0
    members = home.members()
    assert list(members) == sorted(members)
    assert_clean(members, home)
    parts = {name: json.loads(data) for name, data in members.items() if name.endswith(".json")}
    assert [row["placement"] for row in parts["devices.json"]] == [7, 8]
    assert parts["configuration.json"]["device"][1] == {
        "driver": "dispenser",
        "name": "device 8",
        "port": "(device 8)",
        "room": "room 2",
    }
    assert parts["configuration.json"]["rule"][0]["device"] == "device 7"
    assert any(
        row["device"] == "device 8" and row["code"] == "device.silent"
        for row in parts["findings.json"]["complaints"]
    )
    timeline = parts["timeline.json"]
    assert [entry.get("kind", entry.get("message")) for entry in timeline["log"]] == [
        "device.silent",
        "",
        "The journal failed.",
    ]
    assert timeline["since_start"] == [{"ago_ms": 5, "kind": "device.silent", "placement": 8, "seq": 4}]
    assert len(parts["versions.json"]["code_sha256"]["gateway"]) == 64
    assert home.out.stat().st_mode & 0o777 == 0o600


def test_where_the_key_of_a_device_belongs_leaves_nothing_of_its_name(home: Home) -> None:
    home.path.write_text(home.path.read_text() + '[keys]\ndirectory = "/srv/Nordmann/keys"\n')
    first, second = home.facts()["devices"]
    second |= {"refused": {"unauthenticated": 3}, "last_refusal": REFUSALS["no_key"]}
    assert home.export(devices=[first, second]) == 0
    members = home.members()
    assert_clean(members, home)
    said = members["findings.json"]
    assert b"set -C" in said and b"karis" not in said and b"Nordmann" not in said


def test_the_same_facts_make_the_same_bytes(home: Home) -> None:
    assert home.export() == 0
    first = home.out.read_bytes()
    assert home.export() == 0
    assert home.out.read_bytes() == first


def test_it_is_signed_by_the_identity_and_any_change_is_found(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert home.export() == 0
    data = home.out.read_bytes()
    manifest = doctor_export.verify(data, home.public_key)
    assert (manifest["gateway"], manifest["tenant"]) == ("hub-1", "oslo")
    assert kit(["deviation", str(home.out), "--key", home.public_key.hex()]) == 0
    assert "configuration.json" in capsys.readouterr().out
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert kit(["deviation", str(home.out), "--key", other.hex()]) == 1
    members = home.members()

    def changed(**files: bytes | None) -> bytes:
        new = {name.replace("_", "."): data for name, data in files.items()}
        return doctor_export.pack(
            {name: data for name, data in {**members, **new}.items() if data is not None}
        )

    for wrong in (
        changed(status_json=b"{}\n"),
        changed(status_json=None),
        changed(added_json=b"{}"),
        changed(manifest_json=members["manifest.json"].replace(b"oslo", b"rana")),
        changed(manifest_cose=None),
    ):
        with pytest.raises(RefusedError):
            doctor_export.verify(wrong, home.public_key)
    for wrong in (b"", b"PK", data[: len(data) // 2], changed(manifest_cose=b"\xd2")):
        with pytest.raises(DecodeError):
            doctor_export.verify(wrong, home.public_key)


def test_an_export_that_is_far_too_large_is_not_unpacked() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", bytes(doctor_export.LARGEST + 1))
    with pytest.raises(DecodeError, match="more than"):
        doctor_export.unpack(held.getvalue())


# --- negative controls: an export that leaks is found -----------------------------------------------------------------


def keeps_names(known: Known, value: Any) -> Any:
    """What an export would be without the step that replaces names."""
    del known
    return value


def test_control_without_the_replacing_of_names_nothing_is_written(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Known, "scrubbed", keeps_names)
    assert home.export() == 1
    said = capsys.readouterr().err
    assert "configuration.json (name)" in said and "findings.json (name)" in said and not home.out.exists()
    assert not any(name in said for name in NAMES)


@pytest.mark.parametrize("secret", ["bind", "passkey", "identity", "identity raw", "tls"])
@pytest.mark.parametrize("written", ["plain", "base64", "hex"])
def test_control_a_secret_in_any_part_and_form_is_found(
    home: Home, secret: str, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = home.identity.private_bytes_raw()
    held = {
        "bind": bytes.fromhex(BIND_KEY),
        "passkey": PASSKEY.encode(),
        "identity": raw.hex().encode(),
        "identity raw": raw,
        "tls": base64.b64decode("".join(home.tls.splitlines()[1:-1])),
    }[secret]
    if written == "plain" and secret in ("bind", "identity raw", "tls"):
        held = held.hex().upper().encode()
    shapes: dict[str, Callable[[bytes], str]] = {
        "plain": lambda data: data.decode(),
        "base64": lambda data: base64.b64encode(b"x" + data).decode(),
        "hex": lambda data: data.hex(),
    }
    if secret == "passkey" and written != "plain":  # six digits are searched for as they are typed
        return
    timeline = [{"ago_ms": 1, "message": "a part said " + shapes[written](held)}]
    assert home.export(timeline=timeline) == 1
    said = capsys.readouterr().err
    assert "timeline.json (secret)" in said and shapes[written](held) not in said


def test_each_form_of_a_secret_is_met_wherever_it_stands_in_what_is_encoded() -> None:
    secret = bytes(range(16, 48))
    for before in range(7):
        for after in range(4):
            encoded = base64.b64encode(b"\xff" * before + secret + b"\xee" * after)
            assert any(form in encoded for form in forms(secret)), (before, after)
    assert not any(form in base64.b64encode(bytes(64)) for form in forms(secret))


def test_names_are_found_as_words_and_our_own_words_are_none() -> None:
    known = Known(
        {"door": "device 1", "Kari": "device 2", "dør (ute)": "device 3"}, [], frozenset({"door.opened"})
    )
    files = {"a.json": json.dumps({"k": "door.opened", "v": "outdoors", "w": "Karin"}).encode()}
    assert leaks(files, known) == []
    for text in ("the door", "KARI Kari", "Kari's", "ved dør (ute)."):
        assert leaks({"a.json": json.dumps([text]).encode()}, known) == [("a.json", "name")]
        assert leaks({"a.json": json.dumps(known.scrubbed([text])).encode()}, known) == []
    assert leaks({"a.json": b'{"door": 1}'}, known) == [("a.json", "name")]
    assert leaks({"a.bin": b"not json, the door"}, known) == [("a.bin", "name")]


def test_names_of_a_configuration_that_does_not_hold_are_known_too(home: Home) -> None:
    config = load([home.path]).config
    broken = {
        "device": [{"name": "Gamle Ola", "room": 7}, "x"],
        "rule": {"name": ["Ole"]},
        "uplink": {"key": "tls/hub.key"},
    }
    known = known_of(config, [broken], {}, frozenset())
    assert {"Gamle Ola", "Ole"} <= set(known.names) and "tls/hub.key" not in known.names


# --- rights, identity -------------------------------------------------------------------------------------------------


def test_without_the_hubs_rights_there_is_no_export(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor_looks, "owner_of", lambda _directory: "trygg")
    assert home.export() == 1
    assert "sudo -u trygg" in capsys.readouterr().err and not home.out.exists()


def test_a_gateway_without_an_identity_makes_none_and_says_that_nothing_is_signed(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    (home.folder / "data" / "keys" / "identity.key").unlink()
    assert home.export() == 0
    assert "not signed" in capsys.readouterr().out
    assert not (home.folder / "data" / "keys" / "identity.key").exists()
    with pytest.raises(RefusedError, match="not signed"):
        doctor_export.verify(home.out.read_bytes(), home.public_key)


# --- timeline ---------------------------------------------------------------------------------------------------------


def test_the_hub_remembers_what_is_technical_and_passes_all_of_it_to_the_log() -> None:
    now, lines = [10.0], []
    timeline = Timeline(lambda *line, **fields: lines.append((line, fields)), lambda: now[0])
    timeline("info", "stored", kind="device.silent", lane=2, seq=1, placement=7, identity="ab")
    timeline("info", "stored", kind="smoke.detected", lane=0, seq=1, placement=7)
    timeline("warning", "The radio does not listen; trying again.", cause="Karis radio")
    timeline("info", "Keyset accepted.", version=3)
    now[0] = 12.5
    assert timeline.entries() == [
        {"ago_ms": 2500, "kind": "device.silent", "seq": 1, "placement": 7},
        {"ago_ms": 2500, "level": "warning", "message": "The radio does not listen; trying again."},
    ]
    assert len(lines) == 4
    for _ in range(2 * doctor_timeline.KEPT):
        timeline("error", "x")
    assert len(timeline.entries()) == doctor_timeline.KEPT


def test_lines_of_journald_are_read_and_what_is_no_line_of_ours_is_passed_over() -> None:
    stamp = "1790000000123456"
    lines = [
        json.dumps({"__REALTIME_TIMESTAMP": stamp, "PRIORITY": "6", "MESSAGE": "hub: stored kind=path.lost lane=2 seq=5 placement=0 epoch=ab"}),
        json.dumps({"__REALTIME_TIMESTAMP": stamp, "PRIORITY": "4", "MESSAGE": "hub: A message was refused. sort=receipt cause=x"}),
        json.dumps({"__REALTIME_TIMESTAMP": stamp, "PRIORITY": "6", "MESSAGE": 'hub: stored kind="open'}),
        json.dumps({"__REALTIME_TIMESTAMP": "x", "MESSAGE": "hub: stored kind=path.lost lane=2"}),
        json.dumps({"__REALTIME_TIMESTAMP": stamp, "MESSAGE": [1, 2]}),
        json.dumps({"__REALTIME_TIMESTAMP": "9" * 16, "PRIORITY": "3", "MESSAGE": "bleak.backends: at AA:BB:CC:00:00:01"}),
        "[]", "no json", "", "null", '{"time": 1, "level": [], "message": "stored"}',
    ]  # fmt: skip
    found = of_log(lines)
    assert found[:2] == [
        {"utc": "2026-09-21T14:13:20Z", "kind": "path.lost", "seq": 5, "placement": 0},
        {"utc": "2026-09-21T14:13:20Z", "level": "warning", "message": "A message was refused."},
    ]
    assert [entry["message"] for entry in found[2:]] == [""]
