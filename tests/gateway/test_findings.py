"""`trygg check`: each thing that can be wrong on a machine is found, and named with what to do."""

import datetime as dt
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from gateway.core.config import Config, validate
from gateway.daemon.findings import (
    FAULT,
    NOTE,
    OK,
    WARNING,
    Finding,
    check_bonds,
    check_clock,
    check_keys,
    check_page,
    check_serial,
    check_storage,
)
from gateway.daemon.findings_uplink import check_brokers, check_tls
from gateway.daemon.rehome import MARK
from gateway.daemon.texts import Texts
from hal.errors import HalError, UnavailableError
from hal.linux.bond_keys import ABSENT
from tests.gateway.english import english_in
from tools.simulators.certificates import Authority
from tools.simulators.mosquitto import Mosquitto, find_mosquitto, free_port

EN, NB = Texts("en"), Texts("nb")
DOOR = {"name": "Door", "driver": "bthome", "address": "AA:BB:CC:00:00:01", "key": "door"}
OXIMETER = {"name": "Oximeter", "driver": "plx", "address": "AA:BB:CC:00:00:02", "passkey_ref": "oximeter"}


def configured(directory: Path, *devices: dict[str, Any], **sections: dict[str, Any]) -> Config:
    tree: dict[str, Any] = {
        "hub": {"id": "hub-1", "tenant": "oslo", "data_directory": str(directory)},
        "uplink": {"brokers": ["mqtt://localhost"]},
        "platform": {"root_public_key": "ab" * 32},
        "device": list(devices),
    }
    for name, table in sections.items():
        tree[name] = {**tree.get(name, {}), **table}
    return validate(tree, "hub.toml")


def only(findings: list[Finding], level: str, *words: str) -> None:
    """All findings are of this level, one holds each of the words, and none is without text."""
    assert {finding.level for finding in findings} == {level}, findings
    for word in words:
        assert any(word in finding.text for finding in findings), (word, findings)


def put(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


# --- keys -------------------------------------------------------------------------------------------------------------


def test_keys_that_are_there_and_private_are_fine(tmp_path: Path) -> None:
    config = configured(tmp_path, DOOR, OXIMETER)
    put(tmp_path / "keys" / "door.key", "231d39c1d7cc1ab1aee224cd096db932\n")
    put(tmp_path / "keys" / "oximeter.passkey", "049381\n")
    only(check_keys(config, EN), OK, "private")
    only(check_keys(configured(tmp_path / "new"), EN), OK, "at first start")


def test_keys_that_are_missing_malformed_or_open_are_found(tmp_path: Path) -> None:
    config = configured(tmp_path, DOOR, OXIMETER)
    only(check_keys(config, EN), FAULT, "door.key for device Door", "oximeter.passkey for device Oximeter")
    put(tmp_path / "keys" / "door.key", "231d39")
    put(tmp_path / "keys" / "oximeter.passkey", "49381x")
    findings = check_keys(config, EN)
    only(findings, FAULT, "32 × 0–9 a–f / 64 × 0–9 a–f", "6 × 0–9")
    assert len(findings) == 2
    assert not any("231d39" in finding.text or "49381" in finding.text for finding in findings)
    put(tmp_path / "keys" / "door.key", "\xff" * 32)
    only(check_keys(config, EN), FAULT)


def test_keys_that_others_can_read_are_found_used_or_not(tmp_path: Path) -> None:
    config = configured(tmp_path)
    put(tmp_path / "keys" / "old.key", "ab" * 16, 0o640)
    (tmp_path / "keys").chmod(0o755)
    findings = check_keys(config, EN)
    only(findings, FAULT, "(mode 755): chmod 700", "(mode 640): chmod 600")
    assert len(findings) == 2


def test_keys_that_cannot_be_read_are_found(tmp_path: Path) -> None:
    (tmp_path / "keys" / "door.key").mkdir(mode=0o700, parents=True)
    (tmp_path / "keys").chmod(0o700)
    only(check_keys(configured(tmp_path, DOOR), EN), FAULT, "door.key cannot be read (a folder, not a file)")


# --- certificates -----------------------------------------------------------------------------------------------------


def tls_config(directory: Path, authority: Authority, name: str = "hub-1", **options: Any) -> Config:
    own = authority.client(name, **options)
    files = {"ca": str(own.ca), "certificate": str(own.certificate), "key": str(own.key)}
    return configured(directory, uplink={"brokers": ["mqtts://broker.example"], **files})


def test_certificates_are_fine_for_long_or_to_be_renewed_soon(tmp_path: Path) -> None:
    config = tls_config(tmp_path, Authority(tmp_path / "ca"), valid_days=25)
    today = dt.datetime.now(dt.UTC)
    findings = check_tls(config, EN, today - dt.timedelta(hours=12))
    assert [finding.level for finding in findings] == [OK, WARNING]  # the authority has 30 days, ours 25
    assert "hub-1.pem expires on" in findings[1].text
    only(check_tls(configured(tmp_path), EN), OK, "on this machine")


@pytest.mark.parametrize(("days", "words"), [(40, "expired on"), (-40, "look at this machine's clock")])
def test_certificates_out_of_their_time_are_found(tmp_path: Path, days: int, words: str) -> None:
    config = tls_config(tmp_path, Authority(tmp_path / "ca"))
    only(check_tls(config, EN, dt.datetime.now(dt.UTC) + dt.timedelta(days=days)), FAULT, words)


def test_files_that_do_not_belong_to_this_hub_or_together_are_found(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    other = tls_config(tmp_path, authority, "hub-2")
    assert "is for hub-2, and this hub is hub-1" in faults(check_tls(other, EN))
    config = tls_config(tmp_path, authority)
    assert config.uplink.key is not None and config.uplink.ca is not None
    Path(config.uplink.key).chmod(0o644)
    assert "chmod 600" in faults(check_tls(config, EN))
    Path(config.uplink.key).chmod(0o600)
    assert faults(check_tls(config, EN)) == ""
    shutil.copy(str(other.uplink.key), config.uplink.key)
    for texts, words in (
        (EN, "hub-1.key is not the key of"),
        (Texts("nb"), "hub-1.key er ikke nøkkelen til"),
    ):
        said = faults(check_tls(config, texts))
        assert said.index(words) < said.index("(["), "the library's own words are a detail"
        assert "[uplink]" in said
    assert not english_in(said.partition("([")[0]), said
    Path(config.uplink.key).unlink()
    assert "hub-1.key, the certificate's private key, is not there" in faults(check_tls(config, EN))
    Path(config.uplink.ca).write_text("no certificate")
    assert "ca.pem holds no certificate that can be read: fetch the file again" in faults(
        check_tls(config, EN)
    )
    assert not english_in(faults(check_tls(config, Texts("nb"))).partition(" (Unable")[0])


ROLES = ("ca", "certificate", "key")


@pytest.mark.parametrize("role", ROLES)
def test_each_file_that_is_not_there_or_is_no_file_is_named_with_what_brings_it_back(
    tmp_path: Path, role: str
) -> None:
    config = tls_config(tmp_path, Authority(tmp_path / "ca"))
    path = Path(getattr(config.uplink, role))
    assert [each.code for each in check_tls(config, EN) if each.level == FAULT] == []
    path.unlink()
    for texts in (EN, Texts("nb")):
        (missing,) = [each for each in check_tls(config, texts) if each.level == FAULT]
        assert missing.code == "missing_" + role and str(path) in missing.text
    assert not english_in(missing.text), missing.text
    path.mkdir()
    (unreadable,) = [each for each in check_tls(config, EN) if each.level == FAULT]
    assert unreadable.code == "unreadable" and str(path) in unreadable.text


def test_all_three_files_that_are_missing_are_told_at_once(tmp_path: Path) -> None:
    config = tls_config(tmp_path, Authority(tmp_path / "ca"))
    for role in ROLES:
        Path(getattr(config.uplink, role)).unlink()
    found = [each.code for each in check_tls(config, EN)]
    assert found == ["missing_" + role for role in ROLES]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees more than the hub's user")
@pytest.mark.parametrize("role", ROLES)
def test_root_is_told_which_file_is_closed_to_the_hubs_user(role: str) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are root's alone
        Path(name).chmod(0o711)
        look_as_root(Path(name), role)


def look_as_root(folder: Path, role: str) -> None:
    """Certificates in a folder that somebody else's hub uses, of which one file is closed to it."""
    user = pwd.getpwnam("nobody")
    authority = Authority(folder / "ca")
    (folder / "ca").chmod(0o755)
    (folder / "data").mkdir()
    config = tls_config(folder / "data", authority)
    os.chown(folder / "data", user.pw_uid, user.pw_gid)
    for name in ROLES:
        os.chown(getattr(config.uplink, name), user.pw_uid, user.pw_gid)
    assert faults(check_tls(config, EN)) == ""
    path = Path(getattr(config.uplink, role))
    os.chown(path, 0, 0)
    path.chmod(0o600)
    (said,) = [each for each in check_tls(config, EN) if each.level == FAULT]
    assert said.code == "closed" and f"chown nobody {path}" in said.text
    path.chmod(0o640)
    os.chown(path, 0, user.pw_gid)
    assert all(each.code != "closed" for each in check_tls(config, EN)), "by its group it may"
    path.parent.chmod(0o700)
    assert {each.code for each in check_tls(config, EN) if each.level == FAULT} >= {"closed"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become the hub's user")
def test_the_hubs_user_is_told_whose_a_key_must_be_that_it_cannot_read() -> None:
    user = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "data").mkdir()
        config = tls_config(folder / "data", Authority(folder / "ca"))
        (folder / "ca").chmod(0o755)
        os.chown(folder / "data", user.pw_uid, user.pw_gid)
        for role in ROLES:
            os.chown(getattr(config.uplink, role), user.pw_uid, user.pw_gid)
        key = Path(str(config.uplink.key))
        assert as_user(user, config, EN) == [], "control: its own it may read"
        os.chown(key, 0, 0)
        key.chmod(0o600)
        for texts in (EN, Texts("nb")):
            (said,) = as_user(user, config, texts)
            assert said.code == "key_closed", said
            assert f"sudo chown nobody {key} && sudo chmod 600 {key}" in said.text
            assert "fetch" not in said.text and "hent" not in said.text
        assert not english_in(said.text), said.text


def as_user(user: pwd.struct_passwd, config: Config, texts: Texts) -> list[Finding]:
    """What somebody else than root finds wrong."""
    os.seteuid(user.pw_uid)
    try:
        return [each for each in check_tls(config, texts) if each.level == FAULT]
    finally:
        os.seteuid(0)


def faults(findings: list[Finding]) -> str:
    return "\n".join(finding.text for finding in findings if finding.level == FAULT)


# --- store, ports, radio, clock -----------------------------------------------------------------------------------------


def test_the_store_needs_a_folder_with_room(tmp_path: Path) -> None:
    only(check_storage(configured(tmp_path), EN), OK, str(tmp_path))
    only(check_storage(configured(tmp_path / "not" / "yet"), EN), OK, str(tmp_path))
    large = shutil.disk_usage(tmp_path).total // (1 << 20) + 1
    config = configured(tmp_path, storage={"capacity_mb": min(large, 1_000_000)})
    if large <= 1_000_000:
        only(check_storage(config, EN), FAULT, "make room")


def test_a_store_that_cannot_be_made_or_written_is_found(tmp_path: Path) -> None:
    def refuse(_directory: Path) -> bool:
        return False

    only(check_storage(configured(tmp_path), EN, writable=refuse), FAULT, "cannot be written")
    only(check_storage(configured(tmp_path / "sub"), EN, writable=refuse), FAULT, "is not there")
    put(tmp_path / "file", "")
    only(check_storage(configured(tmp_path / "file" / "sub"), EN), FAULT, "is not there")


def test_serial_ports_are_there_or_named(tmp_path: Path) -> None:
    present = put(tmp_path / "ttyUSB0", "")
    rows = [
        {"name": "A", "driver": "dispenser", "port": str(present)},
        {"name": "B", "driver": "dispenser", "port": "socket://localhost:1"},
    ]
    only(check_serial(configured(tmp_path, *rows), EN), OK, str(present))
    rows.append({"name": "C", "driver": "dispenser", "port": str(tmp_path / "ttyUSB1")})
    assert "for device C is not there" in faults(check_serial(configured(tmp_path, *rows), EN))
    assert check_serial(configured(tmp_path), EN) == []


def test_a_page_that_did_not_come_along_to_a_new_home_is_missed_only_there(tmp_path: Path) -> None:
    only(check_page(configured(tmp_path), EN), NOTE, "not set up")
    put(tmp_path / MARK, "{}")
    only(
        check_page(configured(tmp_path), EN), WARNING, "the gateway was moved, and [page] did not come along"
    )
    only(check_page(configured(tmp_path, DOOR), EN), NOTE, 'listen = "eth0"')
    only(check_page(configured(tmp_path, page={"listen": "eth0"}), EN), OK, "is served at eth0")


def test_whether_the_sizes_of_keys_can_be_seen_matters_where_bluez_pairs(tmp_path: Path) -> None:
    scale = {"name": "Oximeter", "driver": "plx", "address": "C0:00:00:00:00:09"}
    errors: list[HalError] = []

    async def see() -> None:
        for error in errors:
            raise error

    def found(*rows: dict[str, Any], **radio: Any) -> list[Finding]:
        return check_bonds(configured(tmp_path, *rows, radio=radio), EN, see)

    only(found(scale), OK, "can be seen")
    errors.append(UnavailableError(ABSENT, "FileNotFoundError(2)"))
    only(found(scale), WARNING, r"systemctl start trygg-bonds.socket); meanwhile every bond counts as weak")
    only(found({**DOOR}), OK, "nothing is needed")
    only(found(scale, backend="bumble", transport="usb:0"), OK, "nothing is needed")
    errors[0] = UnavailableError(ABSENT, "PermissionError(13, 'Permission denied')")
    only(found(scale), WARNING, "as root or as the hub's user")
    assert [each.code for each in found(scale)] == ["denied"], "not a fault of the gateway, for doctor"


def test_an_untrusted_clock_is_worth_a_note() -> None:
    only(check_clock(False, EN), WARNING, "timedatectl")
    only(check_clock(True, EN), OK, "UTC")


# --- broker -----------------------------------------------------------------------------------------------------------


def test_a_running_hub_is_asked_and_not_disturbed(tmp_path: Path) -> None:
    config = configured(tmp_path, uplink={"brokers": [f"mqtt://127.0.0.1:{free_port()}"]})
    only(check_brokers(config, EN, {"connected": True, "last_error": ""}), OK, "running hub is connected")
    only(check_brokers(config, EN, {"connected": False, "last_error": "no route"}), FAULT, "no route")


def test_each_broker_is_tried_where_no_hub_runs(tmp_path: Path) -> None:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    with Mosquitto(tmp_path / "broker") as mosquitto:
        absent = f"mqtt://127.0.0.1:{free_port()}"
        config = configured(tmp_path, uplink={"brokers": [mosquitto.url, absent]})
        findings = check_brokers(config, EN, None)
    assert [finding.level for finding in findings] == [OK, FAULT]
    assert "accepts this hub" in findings[0].text
    assert "nothing listens" in findings[1].text
