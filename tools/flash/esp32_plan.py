"""What goes onto a board, and where: loader, partition table, settings, a blank word on which slot runs, the application."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from gateway.core import wire
from gateway.core.errors import ConfigError
from gateway.daemon.enrolment_client import check_token
from tools.authority.given import check_readable
from tools.firmware import partitions
from tools.firmware.bundle import BundleError, open_bundle
from tools.flash import nvs_image, partition_table
from tools.flash.boards import Board, boards, check_image
from tools.flash.errors import ImageError
from tools.flash.esp32_district import check_enrol
from tools.flash.image import expected

TABLE = "partitions.csv"
BLANK = b"\xff"


@dataclass(frozen=True)
class Piece:
    """Bytes at an offset of the flash."""

    name: str
    at: int
    data: bytes

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.at + len(self.data)


@dataclass(frozen=True)
class Settings:
    """Of one gateway. root: 32 bytes. wifi: name and password. district: what `esp32_district.read` gave. enrol: a server's address."""

    gateway: str
    tenant: str
    root: bytes
    token: str = ""
    wifi: tuple[str, str] | None = None
    district: dict[str, bytes] = field(default_factory=dict)
    enrol: str = ""

    def values(self) -> dict[str, bytes]:
        """As the board's storage holds them. Raises ConfigError."""
        for option, name in (("--gateway", self.gateway), ("--tenant", self.tenant)):
            if not wire.is_id(name):
                raise ConfigError(
                    option, repr(name), "small letters, digits and -, at most 32", "command line"
                )
        found = {"gateway": self.gateway.encode(), "tenant": self.tenant.encode(), "root": self.root}
        if self.token:
            found["token"] = check_token(self.token).encode()
        found.update(self.district)
        if self.enrol:
            found["enrol"] = check_enrol(self.enrol, found, self.token).encode()
        if self.wifi is not None:
            found["wifi_name"], found["wifi_password"] = (text.encode() for text in self.wifi)
        return found


def checked(path: Path, option: str, sha256: str) -> bytes:
    """A file whose SHA-256 is known, here or beside it. Raises ConfigError, ImageError: it is not known, or another one."""
    check_readable(option, path)
    wanted = expected(path, sha256)
    if not wanted:
        beside = path.name + ".sha256"
        raise ImageError(f"the SHA-256 of {path.name!s} is not known: give it, or put {beside!s} beside it")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} cannot be read: check the name ({error.strerror!s})") from error
    if hashlib.sha256(data).hexdigest() != wanted:
        raise ImageError(f"{path} is not the image that its SHA-256 names: fetch it again")
    return data


def table_of(bundle: Path, board: Board) -> list[partitions.Partition]:
    """The partition table of a bundle of firmware. Raises ConfigError, ImageError."""
    check_readable("--bundle", bundle)
    try:
        _, files = open_bundle(bundle)
    except BundleError as error:
        raise ImageError(
            f"{bundle} is no bundle of make firmware, or a damaged one: build it again"
        ) from error
    table: list[partitions.Partition] = []
    try:
        table = partitions.parse(files[TABLE].decode("ascii"))
        partitions.check(table, board.flash_bytes)
        partition_table.encode(table)
    except partitions.TooLargeError as error:
        raise ImageError(str(error)) from error
    except partitions.ShortJournalError as error:
        raise ImageError(
            for_less(bundle, partitions.least_mib(max(each.end for each in table)), board)
        ) from error
    except (KeyError, UnicodeError, partitions.PartitionError) as error:
        raise ImageError(f"{bundle} holds no partition table that a board can use: build it again") from error
    return table


def for_less(bundle: Path, least: int, board: Board) -> str:
    """What is said of a bundle that gives away the room that a board has, and what to do."""
    there = board.flash_bytes >> 20
    others = [
        each
        for each in boards().values()
        if each.chip == board.chip and least == each.flash_bytes >> 20 < there
    ]
    if others:
        return f'the bundle {bundle!s} is for {least} MiB: --board {others[0].name!s}, or make firmware ARGS="--flash {there}"'
    return f'the bundle {bundle!s} is for {least} MiB: make firmware ARGS="--flash {there}"'


def plan(
    board: Board,
    table: list[partitions.Partition],
    settings: Settings,
    application: bytes,
    loader: bytes | None,
) -> list[Piece]:
    """The pieces in the order of the flash. loader: None where the one on the board stays.

    Raises:
        ImageError: for another chip, or one that does not fit.
    """
    places = {each.name: each for each in table}
    check_image(application, board, "--image")
    slot, storage, chosen = places["ota_0"], places["nvs"], places["otadata"]
    if len(application) > slot.size:
        raise ImageError(
            f"the application has {len(application)} bytes, its slot {slot.size!s}: build a smaller one"
        )
    pieces = [
        Piece("partition table", partition_table.TABLE_AT, partition_table.encode(table)),
        Piece("settings", storage.offset, nvs_image.image(settings.values(), storage.size)),
        # Nothing said here means the first slot, whatever ran before.
        Piece("choice of slot", chosen.offset, BLANK * chosen.size),
        Piece("application", slot.offset, padded(application)),
    ]
    if loader is not None:
        check_image(loader, board, "--bootloader")
        if board.bootloader_at + len(loader) > partition_table.TABLE_AT:
            raise ImageError("the loader reaches into the partition table: build a smaller one")
        pieces.insert(0, Piece("loader", board.bootloader_at, padded(loader)))
    return pieces


def padded(data: bytes) -> bytes:
    """To whole words, which is how a chip writes."""
    return data + BLANK * (-len(data) % 4)


def merged(pieces: list[Piece]) -> bytes:
    """One image from the first byte of the flash to the last that is used, blank between the pieces."""
    whole = bytearray(BLANK * max(piece.end for piece in pieces))
    for piece in pieces:
        whole[piece.at : piece.end] = piece.data
    return bytes(whole)
