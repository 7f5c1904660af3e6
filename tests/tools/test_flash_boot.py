"""Boot partitions: what a card brings along for one gateway, by the way its system takes it; and what its first boot says."""

import configparser
import email
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from gateway.daemon.configuration import load
from tests.tools.authority_bench import Said, run
from tests.tools.flash_cards import (
    BOOKWORM,
    CMDLINE,
    ROOT_KEY,
    SYSTEMS,
    TOKEN_TEXT,
    TRIXIE,
    HandedOut,
    card_image,
    fill,
)
from tools.flash import boot_seed, boot_systems
from tools.flash.boot_media import BootMedium, Folder, fat_at, fat_of
from tools.flash.errors import DifferentError, FlashError
from tools.kit.__main__ import main as kit_main

IEEE = (
    "IEEE",
    "password",
    "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e",
)  # IEEE 802.11, J.4.2


@pytest.fixture
def given(tmp_path: Path) -> HandedOut:
    folder = tmp_path / "given"
    folder.mkdir()
    return HandedOut(folder)


@pytest.fixture(params=["folder", "image"])
def card(request: pytest.FixtureRequest, tmp_path: Path) -> "Card":
    return Card(request.param, tmp_path)


class Card:
    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.path = folder / ("boot" if kind == "folder" else "card.img")

    def of(self, files: dict[str, bytes]) -> BootMedium:
        if self.kind == "image":
            return fat_of(card_image(self.path, files))
        self.path.mkdir()
        fill(Folder(self.path), files)
        return Folder(self.path)


def pi(*arguments: object) -> Said:
    return run(kit_main, ["flash", "pi", *arguments])


def prepare(card: Card, given: HandedOut, *, gateway: str = "home-1", **more: str) -> Said:
    return pi("--boot-partition", card.path, *given.options(gateway, **more))


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_card_gets_everything_for_one_gateway_and_what_was_there_stays(
    card: Card, given: HandedOut, system: str
) -> None:
    medium = card.of(SYSTEMS[system])
    said = prepare(card, given, token=TOKEN_TEXT, enrol="https://enrol.example:8443", code="KODE-1234")
    assert (said.status, said.err) == (0, "")
    assert (
        "prepared for gateway home-1" in said.out
        and "rules of the district that wait for devices: 1" in said.out
    )
    assert medium.read("trygg/gateway") == b"home-1\n"
    assert medium.read("trygg/trygg.deb") == given.package.read_bytes()
    assert medium.read("trygg/root.pub") == ROOT_KEY.encode() + b"\n"
    assert medium.read("trygg/token") == TOKEN_TEXT.encode() + b"\n"
    assert medium.read("trygg/enrol") == b"https://enrol.example:8443\n"
    assert medium.read("trygg/code") == b"KODE-1234\n"
    assert b"BEGIN CERTIFICATE" in (medium.read("trygg/ca.pem") or b"")
    tree = tomllib.loads((medium.read("trygg/hub.toml") or b"").decode())
    assert tree["hub"] == {"tenant": "oslo", "language": "nb", "id": "home-1"}
    assert tree["uplink"]["ca"] == "/etc/trygg/ca.pem" and "rule" not in tree
    assert (
        tomllib.loads((medium.read("trygg/district.toml") or b"").decode())["rule"][0]["device"]
        == "Front door"
    )
    for name in medium.names():
        assert b"PRIVATE KEY" not in (medium.read(name) or b"")
    assert medium.read("config.txt") == SYSTEMS[system]["config.txt"]


def test_the_configuration_on_the_card_is_one_that_a_hub_accepts(tmp_path: Path, given: HandedOut) -> None:
    seed = gather(given)
    (tmp_path / "hub.toml").write_bytes(
        seed.files["hub.toml"].replace(b"/etc/trygg/root.pub", seed.files["root.pub"].strip())
    )
    assert load([tmp_path / "hub.toml"]).config.hub.id == "home-1"


def gather(given: HandedOut, **more: object) -> boot_seed.Seed:
    facts: dict[str, object] = {
        "gateway": "home-1",
        "profile_path": given.profile,
        "root_key": given.root_key,
        "package": given.package,
    }
    return boot_seed.gather(**{**facts, **more})  # type: ignore[arg-type]


# --- Trixie -------------------------------------------------------------------------------------------------------


def test_cloud_init_gets_what_was_there_and_a_script_of_ours(card: Card, given: HandedOut) -> None:
    medium = card.of(TRIXIE)
    assert prepare(card, given).status == 0
    message = email.message_from_bytes(medium.read("user-data") or b"")
    parts = {
        part.get_content_type(): part.get_payload() for part in message.walk() if not part.is_multipart()
    }
    assert parts["text/cloud-config"] == TRIXIE["user-data"].decode().rstrip("\n")
    assert (
        parts["text/x-shellscript"].startswith("#!/bin/sh\n")
        and "/boot/firmware/trygg/first-boot.sh install" in parts["text/x-shellscript"]
    )
    meta = yaml.safe_load(medium.read("meta-data") or b"")
    assert (
        meta["dsmode"] == "local"
        and re.fullmatch("trygg-[0-9a-f]{16}", meta["instance-id"])
        and "instance_id" not in meta
    )
    assert medium.read("network-config") == TRIXIE["network-config"], "no Wi-Fi was asked for"


def test_preparing_again_changes_the_instance_and_wraps_nothing_twice(card: Card, given: HandedOut) -> None:
    medium = card.of(TRIXIE)
    assert prepare(card, given, token=TOKEN_TEXT).status == 0
    first, meta = medium.read("user-data"), medium.read("meta-data")
    assert prepare(card, given).status == 0
    assert medium.read("user-data") == first and medium.read("meta-data") != meta
    assert medium.read("trygg/token") is None, "a token of an earlier preparation is another gateway's"
    assert prepare(card, given, gateway="home-2").status == 0
    assert medium.read("trygg/gateway") == b"home-2\n"


def test_wifi_goes_as_a_key_of_this_network_and_not_as_the_password(
    card: Card, given: HandedOut, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("hemmelig ord\n")
    secret.chmod(0o600)
    medium = card.of(TRIXIE)
    said = prepare(card, given, wifi='Stue "5G"', wifi_password_file=str(secret))
    assert said.status == 0, said.err
    text = medium.read("network-config") or b""
    assert b"hemmelig" not in text
    interface = yaml.safe_load(text)["network"]["wifis"]["wlan0"]
    assert interface["regulatory-domain"] == "NO"
    assert interface["access-points"] == {
        'Stue "5G"': {"password": boot_systems.wifi('Stue "5G"', "hemmelig ord", "NO").key}
    }


def test_the_key_of_a_network_is_that_of_the_standard() -> None:
    name, password, key = IEEE
    assert boot_systems.wifi(name, password, "NO").key == key


@pytest.mark.parametrize(
    ("name", "password", "country"), [("", "password", "NO"), ("n" * 33, "password", "NO"), ("net", "short", "NO"), ("net", "passwørd", "NO"), ("net", "password", "Norge")]
)  # fmt: skip
def test_wifi_that_cannot_be_is_refused(name: str, password: str, country: str) -> None:
    with pytest.raises(FlashError):
        boot_systems.wifi(name, password, country)


def test_what_cannot_be_kept_beside_ours_is_refused_before_anything_is_written(
    card: Card, given: HandedOut, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("hemmelig ord\n")
    secret.chmod(0o600)
    medium = card.of(TRIXIE)
    medium.write("network-config", b"network:\n  version: 2\n  wifis:\n    wlan0: {}\n")
    said = prepare(card, given, wifi="Stue", wifi_password_file=str(secret))
    assert said.status == 1 and "leave out --wifi" in said.err
    medium.write("user-data", b"#!/bin/sh\nreboot\n")
    said = prepare(card, given)
    assert said.status == 1 and "cannot be kept" in said.err
    assert "trygg" not in medium.names()


# --- Bookworm -----------------------------------------------------------------------------------------------------


def test_bookworm_gets_a_script_and_a_word_on_the_kernels_line(
    card: Card, given: HandedOut, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("hemmelig ord\n")
    secret.chmod(0o600)
    medium = card.of(BOOKWORM)
    assert prepare(card, given, wifi="Stue", wifi_password_file=str(secret)).status == 0
    line = medium.read("cmdline.txt") or b""
    assert (
        line.startswith(BOOKWORM["cmdline.txt"].strip())
        and line.count(b"systemd.run=/boot/firmware/firstrun.sh") == 1
    )
    assert (
        line.endswith(b" systemd.run_success_action=reboot systemd.unit=kernel-command-line.target\n")
        and line.count(b"\n") == 1
    )
    script = (medium.read("firstrun.sh") or b"").decode()
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    assert "hemmelig" not in script and script.rstrip().endswith("exit 0")
    settings = configparser.ConfigParser()
    settings.read_string(script.partition("<<'END'\n")[2].partition("\nEND\n")[0])
    assert bytes(int(byte) for byte in settings["wifi"]["ssid"].rstrip(";").split(";")) == b"Stue"
    assert settings["wifi-security"]["psk"] == boot_systems.wifi("Stue", "hemmelig ord", "NO").key
    assert prepare(card, given).status == 0
    assert (medium.read("cmdline.txt") or b"").count(b"systemd.run=") == 1


def test_a_script_of_the_imager_runs_before_ours(card: Card, given: HandedOut) -> None:
    theirs = b"#!/bin/bash\nset +e\nexit 0\n"
    line = (
        CMDLINE
        + b" systemd.run=/boot/firstrun.sh systemd.run_success_action=reboot systemd.unit=kernel-command-line.target\n"
    )
    medium = card.of({**BOOKWORM, "firstrun.sh": theirs, "cmdline.txt": line})
    for _ in range(2):
        assert prepare(card, given).status == 0
        assert medium.read("trygg/before-firstrun.sh") == theirs
        assert b'bash "$boot/trygg/before-firstrun.sh"' in (medium.read("firstrun.sh") or b"")
        assert medium.read("cmdline.txt") == line


# --- what is not known, what is wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no boot partition of a Raspberry Pi"),
        ({"cmdline.txt": b"x\n", "config.txt": b""}, "not known here"),
        ({**BOOKWORM, "user-data": b"#cloud-config\n"}, "not known here"),
        ({**BOOKWORM, "rpi-preseed.toml": b""}, "not known here"),
        ({**BOOKWORM, "issue.txt": b"Raspberry Pi reference 2023-05-03\n"}, "is of 2023-05-03 and too old"),
        ({**BOOKWORM, "cmdline.txt": b"a\nb\n"}, "not one line"),
    ],
)
def test_a_system_that_is_not_known_is_refused_and_left_as_it_is(
    card: Card, given: HandedOut, files: dict[str, bytes], words: str
) -> None:
    medium = card.of(files)
    said = prepare(card, given)
    assert said.status == 1 and words in said.err
    assert medium.names() == set(files)


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        ("gateway", "Home 1", "small letters"),
        ("root-key", "-----BEGIN PRIVATE KEY-----\n", "the public root key"),
        ("root-key", "abcd", "the public root key"),
        ("profile", "[profile]\n", "a profile of trygg-kit profile export"),
        ("package", "text", "the .deb of make deb"),
        ("token", "ABCD-EFGH", "as it was printed"),
        ("enrol", "http://x", "https://host:port"),
        ("code", "no", "eight letters"),
    ],
)
def test_what_is_given_wrongly_is_refused_by_its_option(
    card: Card, given: HandedOut, option: str, text: str, words: str
) -> None:
    medium = card.of(TRIXIE)
    if option in ("root-key", "profile", "package"):
        wrong = given.folder / "wrong"
        wrong.write_text(text)
        text = str(wrong)
    options = given.options(token=TOKEN_TEXT)
    name = "--" + option
    if name in options:
        options[options.index(name) + 1] = text
    else:
        options += [name, text]
    said = pi("--boot-partition", card.path, *options)
    assert said.status == 2 and words in said.err, said.err
    assert "trygg" not in medium.names()


def test_no_private_key_goes_onto_a_card(given: HandedOut) -> None:
    seed = gather(given, token=TOKEN_TEXT)
    assert not any(boot_seed.PRIVATE.search(data) for data in seed.files.values())
    whole = given.package.read_bytes()
    key = b"-----BEGIN EC PRIVATE KEY-----\n\n"
    given.package.write_bytes(
        whole + b"x               0           0     0     100644  " + b"%-10d`\n" % len(key) + key
    )
    with pytest.raises(FlashError, match=r"trygg\.deb holds a private key"):
        gather(given)


class Forgetful(Folder):
    """A card that loses one file, or half of it."""

    def __init__(self, path: Path, lost: str) -> None:
        super().__init__(path)
        self.lost = lost

    def read(self, name: str) -> bytes | None:
        found = super().read(name)
        return found[:-1] if found and name == self.lost else found


def test_every_file_is_read_back(tmp_path: Path, given: HandedOut) -> None:
    seed = gather(given, token=TOKEN_TEXT)
    names = [boot_seed.FOLDER + name for name in seed.files] + [boot_seed.SUMS, "user-data", "meta-data"]
    for number, name in enumerate(names):
        folder = tmp_path / str(number)
        folder.mkdir()
        fill(Folder(folder), TRIXIE)
        with pytest.raises(DifferentError, match="does not read back"):
            boot_seed.prepare(Forgetful(folder, name), seed)
    folder = tmp_path / "sound"
    folder.mkdir()
    fill(Folder(folder), TRIXIE)
    assert boot_seed.prepare(Forgetful(folder, "none"), seed) == boot_systems.CLOUD_INIT


def test_a_partition_without_room_is_said(tmp_path: Path, given: HandedOut) -> None:
    path = card_image(tmp_path / "card.img", {**TRIXIE, "fill": bytes(10_600_000)})
    with pytest.raises(FlashError, match="no room left"):
        fat_of(path).write("x", bytes(2_000_000))


@pytest.mark.parametrize(
    "head",
    [b"", bytes(512), b"\x00" * 510 + b"\x55\xaa", b"\x00" * 450 + b"\xee" + b"\x01" * 59 + b"\x55\xaa"],
)
def test_an_image_without_such_a_partition_is_said(head: bytes) -> None:
    with pytest.raises(FlashError, match="no FAT partition"):
        fat_at(head, "card.img")


# --- after the first boot -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("report", "status"),
    [(None, 1), (b"FAILED: the package was not installed\n", 1), (b"OK: gateway home-1, trygg 0.1.0\n", 0)],
)
def test_a_card_tells_what_its_first_boot_said(
    card: Card, given: HandedOut, report: bytes | None, status: int
) -> None:
    medium = card.of(TRIXIE)
    assert pi("--check", card.path).status == 1, "never prepared"
    assert prepare(card, given).status == 0
    if report is not None:
        medium.write("trygg/first-boot.txt", report)
    said = pi("--check", card.path)
    assert said.status == status and said.out.strip()
    facts = json.loads(pi("--check", card.path, "--json").out)
    assert facts == {"applied": status == 0, "report": (report or b"").decode().strip()}
