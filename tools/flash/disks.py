"""The disks of this machine, and which of them may be written: cards in a reader, and never what the machine itself runs from.

Read from sysfs and `/proc/self/mountinfo`, both of which a test may make. Sources: Linux, Documentation/ABI (sysfs-block, stable),
proc(5) on mountinfo. A disk is hidden when anything is mounted from it that belongs to the system, through partitions, LVM, RAID and
encryption; where the disk of `/` cannot be told, none is offered.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from tools.flash.errors import FlashError

SECTOR = 512  # sysfs counts in it whatever the disk's own is
LARGEST = 300 * 10**9  # bytes; cards of gateways have 8 to 256 GB, and a disk with somebody's photos has more
SMALLEST = 1 << 20
SYSTEM = (
    "/",
    "/boot",
    "/boot/efi",
    "/boot/firmware",
    "/usr",
    "/var",
    "/home",
    "/etc",
    "/opt",
    "/srv",
)
ESCAPED = re.compile(r"\\([0-7]{3})")  # a blank, a tab, a line end or a stroke in the name of a folder
NO_DISKS = ("loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "mtdblock")


@dataclass(frozen=True)
class Disk:
    """A whole disk. size: bytes. bus: `usb`, `sd`, `emmc`, `nvme`, `ata`, `virtio` or `other`. mounted: where to."""

    name: str
    number: str
    size: int
    bus: str
    removable: bool
    read_only: bool
    model: str
    system: bool
    mounted: tuple[str, ...] = field(default=())

    @property
    def path(self) -> Path:
        """Its device."""
        return Path("/dev", self.name)

    @property
    def is_card(self) -> bool:
        """A card in a slot, or a card or stick in a reader on USB; an empty slot is none."""
        slotted = self.bus == "sd" or (self.bus == "usb" and self.removable)
        return slotted and not self.system and self.size > 0


class Disks:
    """sysfs: where it is mounted. mountinfo, swaps: files of /proc."""

    def __init__(
        self,
        sysfs: Path = Path("/sys"),
        mountinfo: Path = Path("/proc/self/mountinfo"),
        swaps: Path = Path("/proc/swaps"),
    ) -> None:
        self._block = sysfs / "block"
        self._mountinfo = mountinfo
        self._swaps = swaps

    def all(self) -> list[Disk]:
        """Every disk, the system's own marked. Raises FlashError: it cannot be told which those are."""
        mounts = self._mounts()
        system = {disk for where, disks in mounts if where in SYSTEM for disk in disks} | self._swapped()
        if not {disk for where, disks in mounts if where == "/" for disk in disks}:
            raise FlashError("the disk that this machine runs from cannot be told: no card is written here")
        found = []
        for folder in sorted(self._block.iterdir()):
            if not folder.name.startswith(NO_DISKS):
                mounted = tuple(sorted(where for where, disks in mounts if folder.name in disks))
                found.append(self._disk(folder, folder.name in system, mounted))
        return found

    def cards(self) -> list[Disk]:
        """Those that may be offered."""
        return [disk for disk in self.all() if disk.is_card]

    def judged(self, name: str) -> Disk:
        """The disk that somebody named, `sdb` or `/dev/sdb`. Raises FlashError: it may not be written."""
        named = name.removeprefix("/dev/")
        disk = next((each for each in self.all() if each.name == named), None)
        if disk is None:
            raise FlashError(
                f"{name} is no whole disk of this machine: trygg-kit flash pi --list shows the cards"
            )
        if disk.system:
            raise FlashError(f"{name} is a disk that this machine runs from: it is never written")
        if not disk.is_card:
            raise FlashError(
                f"{name} is no memory card ({disk.bus!s}): only cards and sticks in a reader are written"
            )
        if disk.read_only:
            raise FlashError(f"{name} is write-protected: move the small slide on the card")
        if not SMALLEST <= disk.size <= LARGEST:
            raise FlashError(
                f"{name} has {gigabytes(disk.size)!s}, no size of a gateway's card: take another one"
            )
        if disk.mounted:
            raise FlashError(
                f"{name} is in use at {', '.join(disk.mounted)}: eject it there, and leave it in the reader"
            )
        return disk

    def _disk(self, folder: Path, system: bool, mounted: tuple[str, ...]) -> Disk:
        return Disk(
            folder.name,
            read(folder / "dev"),
            number(folder / "size") * SECTOR,
            bus_of(folder),
            read(folder / "removable") == "1",
            read(folder / "ro") == "1",
            " ".join(
                filter(
                    None,
                    (
                        read(folder / "device/vendor"),
                        read(folder / "device/model") or read(folder / "device/name"),
                    ),
                )
            ),
            system,
            mounted,
        )

    def _mounts(self) -> list[tuple[str, set[str]]]:
        """(where, whole disks beneath it)."""
        found = []
        for line in self._mountinfo.read_text("utf-8", "surrogateescape").splitlines():
            before, _, behind = line.partition(" - ")
            cells, after = before.split(), behind.split()
            if len(cells) >= 5 and len(after) >= 2:
                where = ESCAPED.sub(lambda found: chr(int(found[1], 8)), cells[4])
                disks = self._whole(cells[2]) or self._named(after[1])
                if disks or where == "/":
                    found.append((where, disks))
        return found

    def _swapped(self) -> set[str]:
        try:
            lines = self._swaps.read_text("utf-8").splitlines()[1:]
        except OSError:
            return set()
        return {disk for line in lines if line for disk in self._named(line.split()[0])}

    def _named(self, source: str) -> set[str]:
        """Disks beneath a device that is called by its path: a file system over several disks has a number of its own."""
        if not source.startswith("/dev/"):
            return set()
        name = Path(source).name
        for folder in self._devices():
            mapped = read(folder / "dm/name")
            if name == folder.name or (mapped and source == f"/dev/mapper/{mapped}"):
                return self._beneath(folder)
        return set()

    def _whole(self, device: str) -> set[str]:
        return next((self._beneath(each) for each in self._devices() if read(each / "dev") == device), set())

    def _devices(self) -> list[Path]:
        """Disks and their partitions."""
        disks = sorted(self._block.iterdir())
        return disks + [part.parent for disk in disks for part in sorted(disk.glob("*/partition"))]

    def _beneath(self, folder: Path) -> set[str]:
        """The disks that hold it: of a partition the whole disk, of a mapping those of its parts."""
        if (folder / "partition").exists():
            return self._beneath(folder.parent)
        parts = sorted((folder / "slaves").glob("*"))
        if not parts:
            return {folder.name}
        by_name = {each.name: each for each in self._devices()}
        return {disk for part in parts if part.name in by_name for disk in self._beneath(by_name[part.name])}


def bus_of(folder: Path) -> str:
    """How the disk is attached, by where sysfs keeps it."""
    if folder.name.startswith("mmcblk"):
        return "sd" if read(folder / "device/type") == "SD" else "emmc"
    parts = folder.resolve().parts
    for bus in ("usb", "nvme", "ata", "virtio"):
        if any(part.startswith(bus) for part in parts):
            return bus
    return "other"


def read(path: Path) -> str:
    """What an attribute says, nothing where there is none."""
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeError):
        return ""


def number(path: Path) -> int:
    """The same of a whole number."""
    text = read(path)
    return int(text) if text.isascii() and text.isdigit() else 0


def gigabytes(size: int) -> str:
    """As cards are labelled."""
    tenths = size * 10 // 10**9
    return f"{tenths // 10}.{tenths % 10} GB" if size >= 10**8 else f"{size // 10**6}.{size // 10**5 % 10} MB"
