"""An image onto a medium, and the proof that it is there: every byte read back and held against the image, not against what was sent."""

import hashlib
from collections.abc import Callable

from tools.flash.disks import gigabytes
from tools.flash.errors import DifferentError, FlashError
from tools.flash.image import PIECE, Survey, pieces
from tools.flash.medium import Medium
from tools.flash.progress import Progress

Verify = Callable[[Medium, Survey, Progress], None]


def check_room(image: Survey, medium: Medium) -> None:
    """Raises FlashError: the image does not fit. Before anything is written."""
    if medium.size is not None and image.size > medium.size:
        raise FlashError(
            f"the image needs {gigabytes(image.size)!s} and the card has {gigabytes(medium.size)!s}: take a larger one"
        )


def write(image: Survey, medium: Medium, progress: Progress) -> None:
    """Write all of it; returns when it is on the medium.

    The first piece, with the partition table, goes last: a card that was pulled in between does not start.

    Raises:
        FlashError: no room, the card is gone or full, or the image has changed since it was looked through.
    """
    check_room(image, medium)
    progress.phase("writing", image.size)
    at, first = 0, b""
    for number, piece in enumerate(pieces(image.path, image.packed)):
        if number >= len(image.pieces) or hashlib.sha256(piece).digest() != image.pieces[number]:
            raise FlashError(f"{image.path!s} has changed while it was written: begin again")
        if number:
            medium.write(at, piece)
        else:
            first = piece
            medium.write(0, bytes(len(piece)))
        at += len(piece)
        progress.at(min(at, image.size - 1))
    if at != image.size:
        raise FlashError(f"{image.path!s} has changed while it was written: begin again")
    medium.sync()
    medium.write(0, first)
    medium.sync()
    progress.at(image.size)


def verify(medium: Medium, image: Survey, progress: Progress) -> None:
    """Read every byte back and hold each piece against the image. Raises DifferentError, CardGoneError."""
    progress.phase("reading back", image.size)
    for number, wanted in enumerate(image.pieces):
        at = number * PIECE
        size = min(PIECE, image.size - at)
        piece = medium.read(at, size)
        if len(piece) != size or hashlib.sha256(piece).digest() != wanted:
            raise DifferentError(
                f"the card does not hold what was written, from {at >> 20} MiB on: write it again, and throw it away if it happens once more",
                at,
            )
        progress.at(at + size)


def write_and_verify(image: Survey, medium: Medium, progress: Progress) -> None:
    """Both. Raises FlashError."""
    write(image, medium, progress)
    verify(medium, image, progress)
