"""A machine's disks as files, and images in every packing."""

import bz2
import gzip
import lzma
import random
from collections.abc import Callable
from pathlib import Path

from tools.flash.disks import Disks
from tools.rig.readback import TABLE

CARD_BYTES = 16 << 30


class MadeMachine:
    """sysfs and /proc as Linux lays them out, in a folder. The machine runs from sda: / on LVM in sda2, /boot/efi on sda1."""

    def __init__(self, folder: Path) -> None:
        self.sysfs = folder / "sys"
        self.mountinfo = folder / "mountinfo"
        self.swaps = folder / "swaps"
        (self.sysfs / "block").mkdir(parents=True)
        self.mounts: list[str] = []
        self.swaps.write_text("Filename Type Size Used Priority\n")
        self.disk("sda", "8:0", "pci0000:00/ata1/host0", size=500 * 10**9, model="SYSTEM", partitions=2)
        self.disk("dm-0", "254:0", "virtual")
        self.under("dm-0", "sda2")
        (self.sysfs / "block/dm-0/dm").mkdir()
        (self.sysfs / "block/dm-0/dm/name").write_text("vg-root\n")
        self.mount("/", "254:0", "/dev/mapper/vg-root")
        self.mount("/boot/efi", "8:1", "/dev/sda1")
        self.mount("/proc", "0:21", "proc")

    def disks(self) -> Disks:
        return Disks(self.sysfs, self.mountinfo, self.swaps)

    def disk(
        self,
        name: str,
        number: str,
        where: str,
        *,
        size: int = CARD_BYTES,
        removable: bool = False,
        model: str = "",
        kind: str = "",
        read_only: bool = False,
        partitions: int = 0,
    ) -> None:
        folder = self.sysfs / "devices" / where / "block" / name
        (folder / "device").mkdir(parents=True)
        (self.sysfs / "block" / name).symlink_to(folder)
        self.attributes(
            folder, dev=number, size=str(size // 512), removable=str(int(removable)), ro=str(int(read_only))
        )
        if model:
            (folder / "device/model").write_text(model + "\n")
        if kind:
            (folder / "device/type").write_text(kind + "\n")
        major, minor = map(int, number.split(":"))
        for part in range(1, partitions + 1):
            between = "p" if name[-1].isdigit() else ""
            inner = folder / f"{name}{between}{part}"
            inner.mkdir()
            self.attributes(inner, dev=f"{major}:{minor + part}", partition=str(part))

    def under(self, mapping: str, part: str) -> None:
        """The mapping (LVM, RAID, encryption) lies on this partition or disk."""
        slaves = self.sysfs / "block" / mapping / "slaves"
        slaves.mkdir(exist_ok=True)
        (slaves / part).write_text("")

    def mount(self, where: str, number: str, source: str) -> None:
        line = f"{len(self.mounts) + 20} 1 {number} / {where} rw,relatime shared:1 - ext4 {source} rw"
        self.mounts.append(line)
        self.mountinfo.write_text("\n".join(self.mounts) + "\n")

    def card(self, name: str = "sdb", number: str = "8:16", **facts: object) -> None:
        """A card in a reader on USB."""
        given: dict[str, object] = {"removable": True, "model": "SD Reader", "partitions": 1, **facts}
        self.disk(name, number, f"pci0000:00/usb1/1-2-{name}/host6", **given)  # type: ignore[arg-type]

    @staticmethod
    def attributes(folder: Path, **said: str) -> None:
        for name, text in said.items():
            (folder / name).write_text(text + "\n")


def content(size: int, seed: int = 1) -> bytes:
    """Bytes of no pattern, with a stretch of zeros as images have."""
    made = bytearray(random.Random(seed).randbytes(size))
    made[size // 3 : size // 2] = bytes(size // 2 - size // 3)
    return bytes(made)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".xz": lzma.compress,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
}


def card_content(size: int) -> bytes:
    """The same behind a table of partitions, with which alone it is an image of a card."""
    return TABLE + content(size - len(TABLE))


def packed(folder: Path, data: bytes, suffix: str = "") -> Path:
    path = folder / f"os.img{suffix}"
    path.write_bytes(PACKERS[suffix](data))
    return path
