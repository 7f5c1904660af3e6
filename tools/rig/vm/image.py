"""Kernel and files of the virtual machine, from packages of this machine's own Debian release, kept outside the tree.

Nothing is installed: packages are downloaded by apt as it is set up here, and unpacked. An image is named by a hash of
all that it is made of, so that a change of these files, of a package list or of a package's version makes a new one.
"""

import functools
import hashlib
import os
import platform
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.rig.vm.archive import Archive, copy_tar
from tools.rig.vm.recipes import BLUEZ, Recipe

HERE = Path(__file__).parent
PARTS = (HERE / "image.py", HERE / "archive.py", HERE / "init.sh")
PROGRAMS = {
    "apt-get": "apt",
    "depmod": "kmod",
    "dpkg-deb": "dpkg",
    "mmdebstrap": "mmdebstrap",
    "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux",
}
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
PACKAGES = (
    "base-files coreutils dash dbus grep iproute2 kmod libc-bin mount procps python3 sed socat util-linux"
)
UNWANTED = (
    "dev/",
    "boot/",
    "usr/share/doc/",
    "usr/share/man/",
    "usr/share/locale/",
    "usr/share/zoneinfo/",
    "var/lib/apt/",
)
MODULES = "virtio_pci virtio_console virtio_net virtio_rng 9pnet_virtio 9p rfkill"
# Kernels on which a bond that the peripheral forgot ends the machine (list corruption in hci_chan_del).
CRASHING = ("6.1.192-",)
KEPT = 2  # images of other hashes: another worktree may have one of its own


class ImageError(Exception):
    """There is no image, and none can be made; the message says what is missing."""


@dataclass(frozen=True)
class Image:
    """What a machine boots."""

    folder: Path

    @property
    def kernel(self) -> Path:
        """The kernel itself."""
        return self.folder / "vmlinuz"

    @property
    def files(self) -> Path:
        """All files, unpacked into memory at boot."""
        return self.folder / "files.cpio"

    @property
    def versions(self) -> str:
        """Packages that a result depends on, with their versions."""
        return (self.folder / "versions").read_text("utf-8").strip()


def cache_folder() -> Path:
    """Where images are kept: TRYGG_CACHE, or this user's cache."""
    named = os.environ.get("TRYGG_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trygg"


def missing() -> str | None:
    """Why there can be no virtual machine here, or None."""
    if platform.machine() != "x86_64":
        return f"the virtual machine is for x86_64, this machine is {platform.machine()}"
    lacking = sorted(package for program, package in PROGRAMS.items() if find_program(program) is None)
    if lacking:
        return "not installed: apt-get install --no-install-recommends " + " ".join(lacking)
    return None


def find_program(name: str) -> str | None:
    """Path of a program; Debian keeps some where a user's search path may not lead."""
    return shutil.which(name, path=SEARCH_PATH)


def find(recipe: Recipe = BLUEZ) -> Image:
    """The image that is wanted. Raises ImageError where it has not been made."""
    image = Image(_folder(recipe))
    if not image.files.exists():
        raise ImageError(f"the virtual machine's image is not made yet: make {recipe.target}")
    return image


def build(recipe: Recipe = BLUEZ) -> Image:
    """The image that is wanted, made where it is not there. Raises ImageError where that fails."""
    try:
        return find(recipe)
    except ImageError:
        reason = missing()
        if reason is not None:
            raise ImageError(reason) from None
    folder = _folder(recipe)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-") as name:
        scratch = Path(name)
        finished = scratch / "image"
        finished.mkdir()
        _make(recipe, scratch, finished)
        finished.rename(folder)
    _tidy(recipe, folder)
    return Image(folder)


# --- what it is made of --------------------------------------------------------------------------------------------


@functools.cache
def _release() -> str:
    names = platform.freedesktop_os_release()
    if names.get("ID") != "debian":
        raise ImageError(
            "the virtual machine is made from Debian's packages, this is " + names.get("ID", "another")
        )
    return names["VERSION_CODENAME"]


@functools.cache
def _kernel_package() -> tuple[str, str]:
    """Name and version of the kernel: the release's newest that does not crash where we know that one does."""
    shown = _run("apt-cache", "show", "--all-versions", "linux-image-amd64")
    found: list[tuple[str, str]] = re.findall(r"^Depends: (linux-image-\S+) \(= (\S+)\)", shown, re.MULTILINE)
    if not found:
        raise ImageError("apt knows no kernel: apt-get update")
    return next((each for each in found if not each[1].startswith(CRASHING)), found[0])


@functools.cache
def _versions(told: tuple[str, ...]) -> str:
    shown = _run("apt-cache", "show", "--no-all-versions", *told, "dbus", "python3")
    pairs = re.findall(r"^Package: (\S+)$.*?^Version: (\S+)$", shown, re.MULTILINE | re.DOTALL)
    kernel, version = _kernel_package()
    return "\n".join([_release(), f"{kernel} {version}", *(" ".join(each) for each in sorted(pairs))])


def _folder(recipe: Recipe) -> Path:
    digest = hashlib.sha256((_versions(recipe.told) + repr(recipe)).encode())
    for part in PARTS:
        digest.update(part.read_bytes())
    return cache_folder() / f"{recipe.name}-{digest.hexdigest()[:16]}"


# --- making it -----------------------------------------------------------------------------------------------------


def _make(recipe: Recipe, scratch: Path, finished: Path) -> None:
    kernel = _unpack_kernel(scratch)
    _run(
        "mmdebstrap",
        "--variant=extract",
        "--include=" + ",".join(f"{PACKAGES} {recipe.packages}".split()),
        '--aptopt=Acquire::Languages "none"',
        _release(),
        str(scratch / "files.tar"),
    )
    shutil.copy(next((kernel / "boot").glob("vmlinuz-*")), finished / "vmlinuz")
    with (finished / "files.cpio").open("wb") as file:
        archive = Archive(file)
        _add_ours(archive, recipe)
        _add_modules(archive, kernel, recipe.modules.split())
        copy_tar(scratch / "files.tar", archive, UNWANTED)
        archive.close()
    (finished / "versions").write_text(_versions(recipe.told) + "\n", "utf-8")


def _add_ours(archive: Archive, recipe: Recipe) -> None:
    for link in ("bin", "sbin", "lib", "lib64"):
        archive.add(link, stat.S_IFLNK | 0o777, f"usr/{link}".encode())
    archive.add("var/run", stat.S_IFLNK | 0o777, b"/run")
    archive.add("usr/bin/sh", stat.S_IFLNK | 0o777, b"dash")
    archive.add("init", stat.S_IFREG | 0o755, (HERE / "init.sh").read_bytes())
    texts = {
        "passwd": recipe.users,
        "group": recipe.groups,
        "modules": "\n".join(f"{MODULES} {recipe.modules}".split()) + "\n",
        **recipe.files,
    }
    for name, text in texts.items():
        archive.add(f"etc/{name}", stat.S_IFREG | 0o644, text.encode())
    for folder in ("proc", "sys", "dev", "run", "tmp", "mnt", "root", "var/lib/dbus"):
        archive.add(folder, stat.S_IFDIR | 0o755)


def _unpack_kernel(scratch: Path) -> Path:
    """The folder of the unpacked package, with the list of what each module needs."""
    name, version = _kernel_package()
    _run("apt-get", "download", f"{name}={version}", folder=scratch)
    target = scratch / "kernel"
    _run("dpkg-deb", "--extract", str(next(scratch.glob("linux-image-*.deb"))), str(target))
    if not (target / "lib").exists():  # since trixie all lies below usr
        (target / "lib").symlink_to("usr/lib")
    _run("depmod", "--basedir", str(target), next((target / "lib" / "modules").iterdir()).name)
    return target


def _add_modules(archive: Archive, kernel: Path, more: list[str]) -> None:
    """The modules that we want and those that they need, under their own names, with the kernel's lists of them."""
    folder = next((kernel / "lib" / "modules").iterdir())
    place = f"usr/lib/modules/{folder.name}"
    needs = {}
    for line in (folder / "modules.dep").read_text("utf-8").splitlines():
        path, _, others = line.partition(":")
        needs[_module(path)] = [path, *others.split()]
    wanted = sorted({path for module in [*MODULES.split(), *more] for path in needs.get(module, [])})
    for path in wanted:
        archive.add(f"{place}/{path}", stat.S_IFREG | 0o644, (folder / path).read_bytes())
    for listed in sorted(folder.glob("modules.*")):
        archive.add(f"{place}/{listed.name}", stat.S_IFREG | 0o644, listed.read_bytes())


def _module(path: str) -> str:
    return Path(path).name.partition(".ko")[0].replace("-", "_")


def _tidy(recipe: Recipe, folder: Path) -> None:
    others = sorted(
        (each for each in folder.parent.glob(f"{recipe.name}-*") if each != folder),
        key=lambda each: each.stat().st_mtime,
    )
    for old in others[:-KEPT] if len(others) > KEPT else []:
        shutil.rmtree(old)


def _run(program: str, *arguments: str, folder: Path | None = None) -> str:
    path = find_program(program)
    if path is None:
        raise ImageError(f"{program} is not installed")
    done = subprocess.run(
        [path, *arguments], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode != 0:
        tail = "\n".join(done.stderr.splitlines()[-20:])
        raise ImageError(f"{program} ended with {done.returncode}:\n{tail}")
    return done.stdout
