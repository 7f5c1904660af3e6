"""Debian packages as bytes: an `ar` of two tar archives, the same bytes from the same files. Sources: deb(5), ar(5), deb-control(5).

Written here and not by `dpkg-deb`, so that neither the build machine's tools nor its clock are in the package; `dpkg-deb` reads it in the tests.
"""

import gzip
import hashlib
import io
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"!<arch>\n"
HEADER_BYTES = 60
LARGEST_CONTROL = 1 << 20


class PackageError(Exception):
    """No Debian package, or a damaged one."""


@dataclass(frozen=True)
class Entry:
    """A file of the package. mode: permission bits."""

    data: bytes
    mode: int = 0o644


def build(control: dict[str, str], scripts: dict[str, bytes], files: dict[str, Entry], epoch: int) -> bytes:
    """A package. files: by absolute path without the first stroke. epoch: seconds, the time of everything in it."""
    installed_kb = sum(-(-len(each.data) // 1024) for each in files.values())
    fields = {**control, "Installed-Size": str(installed_kb)}
    md5 = "".join(
        f"{hashlib.md5(files[name].data, usedforsecurity=False).hexdigest()}  {name}\n"
        for name in sorted(files)
    )
    text = "".join(f"{name}: {value}\n" for name, value in fields.items())
    inner = {
        "control": Entry(text.encode()),
        "md5sums": Entry(md5.encode()),
        **{name: Entry(data, 0o755) for name, data in scripts.items()},
    }
    if settings := [f"/{name}\n" for name in sorted(files) if name.startswith("etc/")]:
        inner["conffiles"] = Entry("".join(settings).encode())  # whoever changed one is asked
    members = [
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz", packed(inner, epoch)),
        ("data.tar.gz", packed(files, epoch)),
    ]
    return MAGIC + b"".join(member(name, data, epoch) for name, data in members)


def packed(files: dict[str, Entry], epoch: int) -> bytes:
    """A tar archive of root's files and their folders, compressed."""
    out = io.BytesIO()
    folders = {str(folder) for name in files for folder in Path(name).parents} - {"."}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in sorted({*files, *folders, "."}):
            info = tarfile.TarInfo("./" + name if name != "." else "./")
            info.mtime, info.uname, info.gname = epoch, "root", "root"
            if name in files:
                info.size, info.mode = len(files[name].data), files[name].mode
                archive.addfile(info, io.BytesIO(files[name].data))
            else:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
    return gzip.compress(out.getvalue(), 9, mtime=0)


def member(name: str, data: bytes, epoch: int) -> bytes:
    """One member of the outer archive."""
    header = f"{name:<16}{epoch:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode("ascii")
    return header + data + b"\n" * (len(data) % 2)


def read_control(data: bytes) -> dict[str, str]:
    """What a package says of itself. Raises PackageError."""
    try:
        inner = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(
            members(data)["control.tar.gz"], LARGEST_CONTROL
        )
        with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
            found = archive.extractfile("./control")
            text = found.read(LARGEST_CONTROL).decode() if found else ""
    except (KeyError, OSError, EOFError, tarfile.TarError, UnicodeError, ValueError, zlib.error) as error:
        raise PackageError("no Debian package that make deb has built, or a damaged one") from error
    rows = [line.partition(": ") for line in text.splitlines() if not line.startswith(" ")]
    return {name: value for name, _, value in rows}


def members(data: bytes) -> dict[str, bytes]:
    """The outer archive taken apart. Raises ValueError."""
    if not data.startswith(MAGIC):
        raise ValueError("no archive")
    found, at = {}, len(MAGIC)
    while at < len(data):
        head = data[at : at + HEADER_BYTES]
        if len(head) < HEADER_BYTES or head[58:] != b"`\n":
            raise ValueError("a header that is none")
        size, begin = int(head[48:58]), at + HEADER_BYTES
        if size < 0 or begin + size > len(data):
            raise ValueError("cut off")
        found[head[:16].decode("ascii").strip().rstrip("/")] = data[begin : begin + size]
        at = begin + size + size % 2
    return found
