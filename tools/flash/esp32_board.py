"""A board on a serial line, through esptool: recognised, written, and every byte read back.

esptool holds each written piece against the MD5 that the chip works out; after it we ask for that MD5 once more and then read all bytes
back and compare them ourselves. What goes wrong is said in our words, esptool's stand as the detail.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tools.flash.boards import IMAGE_MAGIC, Board
from tools.flash.errors import BoardError, DifferentError, FlashError
from tools.flash.esp32_plan import Piece
from tools.flash.progress import Progress

CHUNK = 0x1000
ATTEMPTS = 3


class Esp32Board:
    """An open line to a chip's loader. Made by `connected`."""

    def __init__(self, chip: Any, progress: Progress) -> None:
        self._chip = chip
        self._progress = progress

    @property
    def chip(self) -> str:
        """As esptool calls it."""
        return str(self._chip.CHIP_NAME)

    def check(self, board: Board) -> None:
        """Raises FlashError: another chip than the board has, or less flash."""
        from esptool import cmds, util

        if self.chip != board.chip:
            raise FlashError(
                f"this is {self.chip!s} and {board.name!s} has {board.chip!s}: is it the right board, and the right --board?"
            )
        with said():
            found = cmds.detect_flash_size(self._chip)
        size = util.flash_size_bytes(found) if found else None
        if size is None or size < board.flash_bytes:
            raise FlashError(
                f"the flash has {found or 'no size that it tells'}, {board.flash_bytes >> 20} MB are needed: take another board"
            )

    def read(self, at: int, size: int) -> bytes:
        """Bytes of the flash. Raises BoardError."""
        with said():
            return bytes(self._chip.read_flash(at, size))

    def has_loader(self, board: Board) -> bool:
        """Whether one stands where this chip looks for it."""
        return self.read(board.bootloader_at, 4)[0] == IMAGE_MAGIC

    def write(self, pieces: list[Piece]) -> None:
        """Write them all. Raises BoardError: the line was cut, or what the chip hashed is not what was sent."""
        from esptool import cmds

        self._progress.phase("writing", sum(len(piece.data) for piece in pieces))
        done = 0
        for piece in pieces:
            with said():
                cmds.write_flash(self._chip, [(piece.at, piece.data)], no_progress=True)
            done += len(piece.data)
            self._progress.at(done)

    def verify(self, pieces: list[Piece]) -> None:
        """The chip's MD5 of each piece, then each byte. Raises DifferentError, BoardError."""
        self._progress.phase("reading back", sum(len(piece.data) for piece in pieces))
        done = 0
        for piece in pieces:
            with said():
                told = self._chip.flash_md5sum(piece.at, len(piece.data))
            if told.lower() != hashlib.md5(piece.data, usedforsecurity=False).hexdigest():
                raise different(piece, 0)
            for at in range(0, len(piece.data), CHUNK):
                wanted = piece.data[at : at + CHUNK]
                if self.read(piece.at + at, len(wanted)) != wanted:
                    raise different(piece, at)
                self._progress.at(done + at + len(wanted))
            done += len(piece.data)

    def restart(self) -> None:
        """Out of the loader and into the application, where the line can do that. Raises BoardError."""
        from esptool import cmds

        with said():
            cmds.reset_chip(self._chip, "hard-reset")


def different(piece: Piece, at: int) -> DifferentError:
    """What is said of a piece that does not read back."""
    place = f"{piece.at + at:#x}"
    return DifferentError(
        f"the board does not hold what was written, from {place} on: write it again, and put it aside if it happens once more",
        piece.at + at,
    )


@contextmanager
def connected(
    port: str, progress: Progress, *, baud: int = 460_800, stub: bool = True, attempts: int = ATTEMPTS
) -> Iterator[Esp32Board]:
    """A board in its loader. stub: load a faster helper into it, which real chips have and a simulated one has not.

    Raises:
        BoardError: nothing answers, or the line is taken.
    """
    quiet()
    from esptool import cmds
    from esptool.loader import ESPLoader

    with said(f"no board answers at {port}: check the cable, hold BOOT while it starts, and try again"):
        chip = cmds.detect_chip(port, ESPLoader.ESP_ROM_BAUD, connect_attempts=attempts)
    with chip:
        with said():
            if stub:
                chip = cmds.run_stub(chip)
                if baud > ESPLoader.ESP_ROM_BAUD:
                    chip.change_baud(baud)
            cmds.attach_flash(chip)
        # A cut line is ours to tell and to try again: whoever pulled the cable may put in another board.
        chip.WRITE_FLASH_ATTEMPTS = 1
        yield Esp32Board(chip, progress)


@contextmanager
def said(
    words: str = "the board does not answer any more: check the cable, and write it from the start",
) -> Iterator[None]:
    """Esptool's errors, and those of the line, in our words."""
    from esptool import FatalError
    from serial import SerialException

    try:
        yield
    except FatalError as error:
        cause = " ".join(str(error).split("\n")[0].split())
        if "MD5" in cause or "region is empty" in cause:
            raise DifferentError(
                "the board does not hold what was written: write it again, and put it aside if it happens once more",
                0,
            ) from error
        raise BoardError(f"{words} ({cause})") from error
    except (SerialException, OSError) as error:
        raise BoardError(words) from error


def quiet() -> None:
    """Esptool tells its steps to whoever looks; here only what we say is said."""
    from esptool.logger import log

    log.set_verbosity("silent")


def flashed(
    open_board: Callable[[], Any],
    board: Board,
    pieces: list[Piece],
    *,
    replace: bool,
    loader: bool,
    storage: Piece,
) -> None:
    """One board, from recognising to the last byte read back. Raises FlashError."""
    from tools.flash import nvs_image

    with open_board() as line:
        line.check(board)
        if not replace and nvs_image.is_in_use(line.read(storage.at, len(storage.data))):
            raise FlashError(
                "this board is a gateway already, with keys and perhaps events of its own: say --replace to make a new one of it"
            )
        if not loader and not line.has_loader(board):
            raise FlashError("this board has no loader yet: give it with --bootloader")
        line.write(pieces)
        line.verify(pieces)
        line.restart()
