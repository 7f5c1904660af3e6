"""An image of a card: plain or packed, looked through whole before any card is touched, and then given piece by piece.

The first look finds damage (the packer's own checks, and SHA-256 where it is known), the size as it will be on the card, and a digest of each
piece, which is what a card is held against afterwards. Packed is told by how the file begins, never by its name.
"""

import bz2
import gzip
import hashlib
import importlib
import lzma
import re
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tools.flash.errors import ImageError

PIECE = 4 << 20
MAGICS = ((b"\xfd7zXZ\x00", "xz"), (b"\x1f\x8b", "gz"), (b"\x28\xb5\x2f\xfd", "zst"), (b"BZh", "bz2"))
ZIP, DEB, PROFILE = (
    b"PK",
    b"!<arch>\n",
    b"# A district profile of Trygg",
)  # what people give instead of an image
# A table of the old kind (MBR): 64 bytes at 446, each entry a flag, its type at 4 and its sectors at 12; then the mark.
# The newer one (GPT) has its name in the next sector; UEFI specification 2.10, 5.2.3 and 5.3.2.
ENTRIES, ENTRY_BYTES, MARK_AT, MARK = range(446, 510, 16), 16, 510, b"\x55\xaa"
FLAGS = (0x00, 0x80)
GPT_AT, GPT = 512, b"EFI PART"
HEAD_BYTES = 1024
SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Survey:
    """What an image is. size: bytes on the card. pieces: SHA-256 of each. packed: `xz`, `gz`, `zst`, `bz2` or nothing."""

    path: Path
    packed: str
    size: int
    file_sha256: str
    content_sha256: str
    pieces: tuple[bytes, ...]
    checked: bool  # against a SHA-256 that came with it


def survey(path: Path, sha256: str = "") -> Survey:
    """Look an image through. sha256: of the file or of what is in it; else that of `path.sha256` beside it.

    Raises:
        ImageError: it cannot be read, is damaged, is another one, or no image of a card.
    """
    wanted = expected(path, sha256)
    packed = packing(path)
    whole, size, digests = hashlib.sha256(), 0, []
    for piece in pieces(path, packed):
        if not size:
            check_head(path, piece[:HEAD_BYTES])
        whole.update(piece)
        digests.append(hashlib.sha256(piece).digest())
        size += len(piece)
    if not size:
        raise ImageError(f"{path} is empty: fetch the image again")
    found = Survey(
        path,
        packed,
        size,
        whole.hexdigest() if not packed else file_sha256(path),
        whole.hexdigest(),
        tuple(digests),
        bool(wanted),
    )
    if wanted and wanted not in (found.file_sha256, found.content_sha256):
        raise ImageError(f"{path} is not the image that its SHA-256 names: fetch it again")
    return found


def check_head(path: Path, head: bytes) -> None:
    """Raises ImageError: what begins so is no card: no machine starts from it."""
    if head.startswith(ZIP):
        raise ImageError(f"{path} is a .zip: unpack it, and give the image that comes out")
    if head.startswith(DEB):
        raise ImageError(
            f"{path} is a package (.deb): it belongs behind --package, and here the image of the system"
        )
    if head.startswith(PROFILE):
        raise ImageError(
            f"{path} is a profile: it belongs behind --profile, and here the image of the system"
        )
    if not has_table(head):
        raise ImageError(
            f"{path} is no image of a card, it has no table of partitions: give the image of the system, .img or .img.xz"
        )


def has_table(head: bytes) -> bool:
    """Whether a card that begins so has a table of partitions, with one at least."""
    if head[GPT_AT : GPT_AT + len(GPT)] == GPT:
        return True
    entries = [head[at : at + ENTRY_BYTES] for at in ENTRIES]
    return (
        head[MARK_AT : MARK_AT + len(MARK)] == MARK
        and all(entry[0] in FLAGS for entry in entries)
        and any(entry[4] and any(entry[12:]) for entry in entries)
    )


def expected(path: Path, sha256: str) -> str:
    """The SHA-256 that somebody gave, or that lies beside the image. Raises ImageError: it is none."""
    beside = path.with_name(path.name + ".sha256")
    if not sha256 and not beside.is_file():
        return ""
    try:
        said = sha256 or (beside.read_text("ascii").split() or [""])[0]
    except (OSError, UnicodeError):
        said = "?"
    if not SHA256.fullmatch(said):
        where = "--sha256" if sha256 else beside
        raise ImageError(f"{where!s} holds no SHA-256: 64 digits in hex are expected")
    return said.lower()


def file_sha256(path: Path) -> str:
    """Of the file as it lies there. Raises ImageError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ImageError(f"{path} cannot be read: check the name ({error.strerror!s})") from error


def packing(path: Path) -> str:
    """How it is packed. Raises ImageError."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise ImageError(f"{path} cannot be read: check the name ({error.strerror!s})") from error
    return next((name for magic, name in MAGICS if head.startswith(magic)), "")


def opened(path: Path, packed: str) -> IO[bytes]:
    """What is in it, as a stream. Raises ImageError, OSError."""
    unpackers: dict[str, Any] = {"xz": lzma.open, "gz": gzip.open, "bz2": bz2.open, "": Path.open}
    if packed == "zst":
        try:
            unpackers["zst"] = importlib.import_module("compression.zstd").open  # from Python 3.14 on
        except ImportError:
            raise ImageError(
                f"this Python unpacks no .zst: run zstd -d {path.name!s}, and give what comes out"
            ) from None
    stream: IO[bytes] = unpackers[packed](path, "rb")
    return stream


def pieces(path: Path, packed: str) -> Iterator[bytes]:
    """The content in pieces of `PIECE` bytes, the last one shorter. Raises ImageError: damaged."""
    try:
        with closing(opened(path, packed)) as stream:
            while piece := stream.read(PIECE):
                yield piece
    except (lzma.LZMAError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise ImageError(f"{path} is damaged or not whole: fetch it again ({error})") from error
    except OSError as error:
        if error.errno is None:  # of bz2, gzip and zstd
            raise ImageError(f"{path} is damaged or not whole: fetch it again ({error})") from error
        raise ImageError(f"{path} cannot be read: check the disk it lies on ({error.strerror!s})") from error
