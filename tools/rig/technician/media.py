"""What a technician has on the bench: the image of a card as far as its boot partition goes, and an application for a board.

Neither is what a maker hands out (no image is fetched, and no ESP-IDF is here): the card's partition has the files by which Raspberry Pi OS
is recognised, the application the header by which a chip is. What is written onto them is the product's.
"""

import hashlib
import random
import shutil
import struct
import subprocess
from pathlib import Path

CMDLINE = b"console=serial0,115200 console=tty1 root=PARTUUID=12345678-02 rootfstype=ext4 fsck.repair=yes rootwait quiet\n"
# Raspberry Pi OS of 2026: first boot by cloud-init (../shared/protocols/provisioning.md).
FILES = {
    "cmdline.txt": CMDLINE,
    "config.txt": b"arm_64bit=1\n",
    "issue.txt": b"Raspberry Pi reference 2026-06-18\nGenerated using pi-gen\n",
    "user-data": b"#cloud-config\n\nssh_pwauth: false\n",
    "meta-data": b"dsmode: local\ninstance_id: rpios-image\n",
    "network-config": b"network:\n  version: 2\n  ethernets:\n    eth0:\n      dhcp4: true\n      optional: true\n",
}
PARTITION_AT, CARD_BYTES = 1 << 20, 96 << 20
FAT32 = 0x0C
APPLICATION_BYTES = 300_001
TOOLS = ("mformat", "mcopy")


def missing() -> list[str]:
    """Programs that are not here."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def card_image(path: Path) -> Path:
    """The image of a card, with its SHA-256 beside it."""
    sectors = (CARD_BYTES - PARTITION_AT) // 512
    head = bytearray(512)
    head[446:462] = struct.pack("<B3sB3sII", 0x80, bytes(3), FAT32, bytes(3), PARTITION_AT // 512, sectors)
    head[510:] = b"\x55\xaa"
    with path.open("wb") as file:
        file.write(head)
        file.truncate(CARD_BYTES)
    where = f"{path}@@{PARTITION_AT}"
    subprocess.run(
        ["mformat", "-F", "-i", where, "-T", str(sectors), "-h", "16", "-s", "32", "::"], check=True
    )
    for name, data in FILES.items():
        subprocess.run(["mcopy", "-o", "-i", where, "-", f"::{name}"], input=data, check=True)
    return with_sum(path)


def copy_boot(image: Path, folder: Path) -> None:
    """The boot partition of a card, mounted."""
    subprocess.run(["mcopy", "-s", "-n", "-i", f"{image}@@{PARTITION_AT}", "::*", str(folder)], check=True)


def application(path: Path, chip: int = 0, size: int = APPLICATION_BYTES) -> Path:
    """An application's image as far as its header goes, of bytes without a pattern; chip: its number, 0 is an ESP32."""
    head = struct.pack("<BBBBIBBBBHBHH", 0xE9, 1, 2, 0x3F, 0x40080000, 0xEE, 0, 0, 0, chip, 0, 0, 65535)
    path.write_bytes(head + random.Random(chip).randbytes(size - len(head)))
    return with_sum(path)


def with_sum(path: Path) -> Path:
    """As whoever publishes an image does."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n")
    return path
