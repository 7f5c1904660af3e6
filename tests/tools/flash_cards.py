"""Cards of Raspberry Pi OS as far as their boot partition goes, and what a municipality hands out for one gateway."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from gateway.daemon.typed_codes import TOKEN, seal
from tests.tools.authority_bench import run
from tools.deb.archive import Entry, build
from tools.flash.boot_media import BootMedium
from tools.kit.__main__ import main as kit_main
from tools.simulators.certificates import Authority

TOKEN_TEXT = seal(TOKEN, bytes(range(16)))
ROOT_KEY = "ab" * 32
CMDLINE = b"console=serial0,115200 console=tty1 root=PARTUUID=12345678-02 rootfstype=ext4 fsck.repair=yes rootwait quiet"
TRIXIE = {
    "cmdline.txt": CMDLINE + b" cfg80211.ieee80211_regdom=NO\n",
    "config.txt": b"arm_64bit=1\n",
    "issue.txt": b"Raspberry Pi reference 2026-06-18\nGenerated using pi-gen\n",
    "user-data": b"#cloud-config\n\n# comments\nssh_pwauth: false\n",
    "meta-data": b"# comments\ndsmode: local\ninstance_id: rpios-image\n",
    "network-config": b"network:\n  version: 2\n\n  ethernets:\n    eth0:\n      dhcp4: true\n      optional: true\n#  wifis:\n",
}
BOOKWORM = {
    "cmdline.txt": CMDLINE + b" init=/usr/lib/raspberrypi-sys-mods/firstboot\n",
    "config.txt": b"arm_64bit=1\n",
    "issue.txt": b"Raspberry Pi reference 2025-05-13\nGenerated using pi-gen\n",
}
SYSTEMS = {"trixie": TRIXIE, "bookworm": BOOKWORM}
PARTITION_AT = 1 << 20
IMAGE_BYTES = 12 << 20
DISTRICT = """
[hub]
tenant = "oslo"
language = "nb"
[uplink]
brokers = ["mqtts://broker.example"]
ca = "ca.pem"
[[rule]]
type = "night_window"
device = "Front door"
from = "22:00"
to = "06:00"
"""


def fill(medium: BootMedium, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        medium.write(name, data)
    medium.sync()


def card_image(path: Path, files: dict[str, bytes], *, kind: int = 0x0C) -> Path:
    """A card's image with a table and one FAT partition. Skips where mtools are not there."""
    if shutil.which("mformat") is None:
        pytest.skip("mtools are not installed")
    head = bytearray(512)
    sectors = (IMAGE_BYTES - PARTITION_AT) // 512
    head[446:462] = struct.pack("<B3sB3sII", 0x80, bytes(3), kind, bytes(3), PARTITION_AT // 512, sectors)
    head[510:] = b"\x55\xaa"
    with path.open("wb") as file:
        file.write(head)
        file.truncate(IMAGE_BYTES)
    where = f"{path}@@{PARTITION_AT}"
    subprocess.run(["mformat", "-i", where, "-T", str(sectors), "-h", "16", "-s", "32", "::"], check=True)
    for name, data in files.items():
        subprocess.run(["mcopy", "-o", "-i", where, "-", f"::{name}"], input=data, check=True)
    return path


class HandedOut:
    """Profile, root key and package in a folder; `options` is how they are given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        Authority(folder)
        (folder / "district.toml").write_text(DISTRICT)
        self.profile = folder / "district.profile"
        made = run(
            kit_main,
            ["profile", "export", folder / "district.toml", "--name", "north", "--out", self.profile],
        )
        assert made.status == 0, made.err
        self.root_key = folder / "root.pub"
        self.root_key.write_text(ROOT_KEY + "\n")
        self.package = folder / "trygg_0.1.0_all.deb"
        control = {"Package": "trygg", "Version": "0.1.0", "Architecture": "all", "Description": "a package"}
        self.package.write_bytes(build(control, {}, {"usr/share/doc/trygg/x": Entry(bytes(2000))}, 1))

    def options(self, gateway: str = "home-1", **more: str) -> list[object]:
        given: list[object] = ["--gateway", gateway, "--profile", self.profile, "--root-key", self.root_key]
        given += ["--package", self.package]
        for name, value in more.items():
            given += ["--" + name.replace("_", "-"), value]
        return given
