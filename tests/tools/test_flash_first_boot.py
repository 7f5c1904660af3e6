"""The first boot, run by a real shell in a tree of its own; commands of the system are stand-ins that do as little as it asks of them."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.tools.flash_cards import TOKEN_TEXT, TRIXIE, HandedOut, fill
from tools.flash import boot_seed
from tools.flash.boot_media import Folder

COMMANDS = {
    # installs what it is given, once there is a network
    "apt-get": 'test -e "$TREE/network" || { echo "no network" >&2; exit 100; }; for deb; do :; done; cp "$deb" "$TREE/installed.deb"',
    "dpkg-query": 'test -e "$TREE/installed.deb" && echo "ii 0.1.0" || exit 1',
    "dpkg": 'test ! -e "$TREE/half" || rm "$TREE/half"',
    "systemctl": 'echo "$*" >>"$TREE/systemctl"; case $* in *is-active*) test ! -e "$TREE/broken" ;; esac',
    "runuser": 'while test "$1" != --; do shift; done; shift; exec "$@"',
    "chown": ":",
    "sync": ":",
}
TRYGG = """#!/bin/sh
case "$*" in
  *--enrol*) cat >"$TREE/token-sent"; test ! -e "$TREE/refused" || { echo "the token has expired" >&2; exit 1; } ;;
  *) grep -q "id = \\"$(cat "$TREE/is" 2>/dev/null || echo home-1)\\"" "$TREE/etc/trygg/hub.toml" || { echo refused >&2; exit 2; }
     echo "{\\"gateway\\": \\"$(cat "$TREE/is" 2>/dev/null || echo home-1)\\", \\"tenant\\": \\"oslo\\"}" ;;
esac
"""


class Machine:
    """A Raspberry Pi with a prepared card in it."""

    def __init__(self, folder: Path, **seed: str) -> None:
        self.tree = folder / "tree"
        self.boot = self.tree / "boot/firmware"
        for name in ("boot/firmware", "dev", "var/log", "opt/trygg/bin", "sys/class/leds/ACT"):
            (self.tree / name).mkdir(parents=True)
        self.lamp = self.tree / "sys/class/leds/ACT/trigger"
        self.lamp.write_text("mmc0")
        fill(Folder(self.boot), TRIXIE)
        given = HandedOut(folder)
        made = boot_seed.gather(
            gateway="home-1",
            profile_path=given.profile,
            root_key=given.root_key,
            package=given.package,
            **seed,
        )
        boot_seed.prepare(Folder(self.boot), made)
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name, body in COMMANDS.items():
            self.program(self.bin / name, f"#!/bin/sh\n{body}\n")
        self.program(self.tree / "opt/trygg/bin/trygg", TRYGG)
        self.touch("network")

    @staticmethod
    def program(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def touch(self, name: str, text: str = "") -> None:
        (self.tree / name).write_text(text)

    def run(self, verb: str = "apply") -> int:
        environment = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "TREE": str(self.tree),
            "TRYGG_FIRST_BOOT_TREE": str(self.tree),
        }
        line = ["sh", str(self.boot / "trygg/first-boot.sh"), verb]
        return subprocess.run(line, env=environment, stdin=subprocess.DEVNULL, check=False).returncode

    @property
    def outcome(self) -> tuple[bool, str]:
        return boot_seed.outcome(Folder(self.boot))

    @property
    def console(self) -> str:
        return (self.tree / "var/log/trygg-first-boot.log").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_everything_is_put_into_its_place_and_secrets_leave_the_card(folder: Path) -> None:
    machine = Machine(folder, token=TOKEN_TEXT, enrol="https://enrol.example:8443", code="KODE-1234")
    assert machine.run() == 0
    assert machine.outcome == (True, "OK: gateway home-1, trygg 0.1.0")
    assert (machine.tree / "etc/trygg/root.pub").read_text() == "ab" * 32 + "\n"
    assert 'id = "home-1"' in (machine.tree / "etc/trygg/hub.toml").read_text()
    assert (machine.tree / "var/lib/trygg/keys/page.code").read_text() == "KODE-1234\n"
    assert (machine.tree / "var/lib/trygg/keys/page.code").stat().st_mode & 0o777 == 0o600
    assert (machine.tree / "token-sent").read_text() == TOKEN_TEXT + "\n"
    assert not (machine.tree / "var/lib/trygg/token").exists(), "it has been used"
    assert "Front door" in (machine.tree / "etc/trygg/district.toml").read_text()
    assert not (machine.boot / "trygg/token").exists() and not (machine.boot / "trygg/code").exists()
    assert "enable --now trygg.service" in (machine.tree / "systemctl").read_text()
    assert machine.lamp.read_text().strip() == "mmc0"
    assert machine.run() == 0 and machine.outcome[0]


def test_a_token_without_an_address_waits_in_its_place_for_whoever_installs(folder: Path) -> None:
    machine = Machine(folder, token=TOKEN_TEXT)
    assert machine.run() == 0 and machine.outcome[1].endswith("waits for its certificate")
    token = machine.tree / "var/lib/trygg/token"
    assert token.read_text() == TOKEN_TEXT + "\n" and token.stat().st_mode & 0o777 == 0o600
    assert not (machine.boot / "trygg/token").exists()


def test_an_installation_that_was_cut_off_is_ended(folder: Path) -> None:
    machine = Machine(folder)
    machine.touch("half")
    assert machine.run() == 0 and not (machine.tree / "half").exists()


def test_without_a_token_it_waits_for_its_certificate_and_says_so(folder: Path) -> None:
    machine = Machine(folder)
    assert machine.run() == 0
    assert machine.outcome == (True, "OK: gateway home-1, trygg 0.1.0, waits for its certificate")
    assert not (machine.tree / "systemctl").exists(), "a hub without a certificate is not started"


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("network", "the package was not installed: is there a network?"),
        ("damaged", "files on the card are damaged"),
        ("is", "the configuration was not accepted"),
        ("refused", "no certificate yet: the token has expired"),
        ("broken", "the hub does not start"),
    ],
)
def test_what_was_not_applied_fails_loudly_and_is_tried_again(folder: Path, trouble: str, words: str) -> None:
    machine = Machine(folder, token=TOKEN_TEXT, enrol="https://enrol.example:8443")
    package = machine.boot / "trygg/trygg.deb"
    whole = package.read_bytes()
    if trouble == "network":
        (machine.tree / "network").unlink()
    elif trouble == "damaged":
        package.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    else:
        machine.touch(trouble, "home-2")
    assert machine.run() == 1
    applied, report = machine.outcome
    assert not applied and report.startswith("FAILED: ") and words in report
    assert words in machine.console and machine.lamp.read_text().strip() == "timer"
    assert (machine.boot / "trygg/token").exists(), "what is not applied stays on the card"
    machine.touch("network")
    package.write_bytes(whole)
    if trouble not in ("network", "damaged"):
        (machine.tree / trouble).unlink()
    assert machine.run() == 0 and machine.outcome[0]


@pytest.mark.timeout(60)  # some thirty shells, one after another
def test_an_interrupted_first_boot_goes_on(folder: Path) -> None:
    """Power cuts before each of its steps, one after another: the next start goes on, and the last one ends it."""
    machine = Machine(folder, token=TOKEN_TEXT, enrol="https://enrol.example:8443", code="KODE-1234")
    script = machine.boot / "trygg/first-boot.sh"
    sound = script.read_text().splitlines()
    first, last = sound.index("apply() {") + 2, sound.index("case ${1:-} in")
    steps = [
        number
        for number in range(first, last)
        if sound[number].startswith("  ")
        and not sound[number].strip().startswith(("fi", "done", "esac"))
        and not sound[number - 1].endswith("\\")
        and sound[number][2] != " "
    ]
    assert len(steps) > 15
    for number in steps:
        script.write_text("\n".join([*sound[:number], "  exit 9", *sound[number:]]) + "\n")
        resum(machine)
        assert machine.run() == 9, sound[number]
        done = machine.tree / "var/lib/trygg-first-boot/done"
        assert not done.exists() or machine.outcome[0], "what is done is told before"
        done.unlink(missing_ok=True)
    script.write_text("\n".join(sound) + "\n")
    resum(machine)
    assert machine.run() == 0 and machine.outcome == (True, "OK: gateway home-1, trygg 0.1.0")
    assert not (machine.boot / "trygg/token").exists() and not (machine.tree / "var/lib/trygg/token").exists()


def resum(machine: Machine) -> None:
    folder = machine.boot / "trygg"
    names = [line.split()[1] for line in (folder / "SHA256SUMS").read_text().splitlines()]
    sums = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (folder / "SHA256SUMS").write_text(sums)


@pytest.mark.parametrize("verb", ["install", "enable"])
def test_it_is_made_due_at_each_start_until_it_is_done(folder: Path, verb: str) -> None:
    machine = Machine(folder)
    assert machine.run(verb) == 0
    unit = (machine.tree / "etc/systemd/system/trygg-first-boot.service").read_text()
    assert "ConditionPathExists=!/var/lib/trygg-first-boot/done" in unit and "Restart=on-failure" in unit
    assert f"ExecStart=/bin/sh {machine.boot}/trygg/first-boot.sh apply" in unit
    asked = (machine.tree / "systemctl").read_text()
    assert "enable trygg-first-boot.service" in asked and ("start --no-block" in asked) == (verb == "install")


def test_another_word_is_refused(folder: Path) -> None:
    assert Machine(folder).run("fly") == 2
