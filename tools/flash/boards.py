"""Boards by name, and an image's own word on which chip it is for."""

import importlib.resources
import struct
import tomllib
from dataclasses import dataclass

from tools.flash.errors import ImageError

IMAGE_MAGIC, CHIP_AT, HEADER_BYTES = 0xE9, 12, 24  # ESP-IDF, esp_image_header_t


@dataclass(frozen=True)
class Board:
    """chip: as esptool calls it. flash_bytes: the least it must have."""

    name: str
    chip: str
    image_chip: int
    flash_bytes: int
    bootloader_at: int


def boards() -> dict[str, Board]:
    """All that are known."""
    text = importlib.resources.files("tools.flash").joinpath("boards.toml").read_text("utf-8")
    return {
        name: Board(name, row["chip"], row["image_chip"], row["flash_mb"] << 20, row["bootloader_at"])
        for name, row in tomllib.loads(text).items()
    }


def check_image(data: bytes, board: Board, name: str) -> None:
    """Raises ImageError: no image of an application, or for another chip."""
    if len(data) < HEADER_BYTES or data[0] != IMAGE_MAGIC:
        raise ImageError(f"{name} is no image for such a board: build it again")
    found: int = struct.unpack_from("<H", data, CHIP_AT)[0]
    if found != board.image_chip:
        made_for = next((each.chip for each in boards().values() if each.image_chip == found), str(found))
        raise ImageError(
            f"{name} is made for {made_for}, the board has {board.chip!s}: take the image of this board"
        )
