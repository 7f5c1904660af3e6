"""What is flashed is read back: bits of a written card and of a written board are flipped, each alone, and each must be found.

    python -m tools.rig.readback [--bits 5000] [--unsafe]

The card is one in memory; the board is the loader of an ESP32 on a pseudo-terminal, spoken to by the real esptool; some of its bits with a hash
that lies, so that our own comparison has to find them. `--unsafe` looks at the first MiB of the card, and at the first 64 bytes of each piece of the
board, which is what must not be built: it must be reported. Exit status 0: every bit found, 1: not, 2: a wrong command line.
"""

import argparse
import random
import struct
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tools.flash.errors import DifferentError
from tools.flash.esp32_board import Esp32Board, connected
from tools.flash.esp32_plan import Piece
from tools.flash.image import Survey, survey
from tools.flash.medium import Medium
from tools.flash.progress import Progress, Silent
from tools.flash.writing import verify, write
from tools.simulators.card import Card
from tools.simulators.esp_rom import EspRom

CARD_BYTES = (8 << 20) + 12_345
# One partition: without a table it is no image of a card.
TABLE = bytes(446) + struct.pack("<B3xB3xII", 0x80, 0x0C, 8, 2048) + bytes(48) + b"\x55\xaa"
PIECES = ((0x8000, 4096), (0x10000, 12_000))
FIRST_MIB, FIRST_BYTES = 1 << 20, 64

VerifyCard = Callable[[Medium, Survey, Progress], None]
VerifyBoard = Callable[[Esp32Board, list[Piece]], None]


def missed(flip: Callable[[int], None], look: Callable[[], None], bits: Iterable[int]) -> list[int]:
    """Of these bits, each flipped alone and put right again, those that `look` does not find."""
    found = []
    for bit in bits:
        flip(bit)
        try:
            look()
            found.append(bit)
        except DifferentError:
            pass
        flip(bit)
    return found


def first_mebibyte(medium: Medium, image: Survey, progress: Progress) -> None:
    """What must not be built: a quick look at a card."""
    progress.phase("reading back", FIRST_MIB)
    with image.path.open("rb") as file:
        if medium.read(0, FIRST_MIB) != file.read(FIRST_MIB):
            raise DifferentError("the first MiB differs", 0)


def first_bytes(board: Esp32Board, pieces: list[Piece]) -> None:
    """What must not be built: a quick look at a board."""
    for piece in pieces:
        if board.read(piece.at, FIRST_BYTES) != piece.data[:FIRST_BYTES]:
            raise DifferentError("the first bytes differ", piece.at)


def of_card(folder: Path, bits: int, check: VerifyCard, seed: int = 1) -> tuple[int, list[int]]:
    """How many bits of a card were tried, and those that were missed."""
    path = folder / "readback.img"
    path.write_bytes(TABLE + random.Random(seed).randbytes(CARD_BYTES - len(TABLE)))
    image, card = survey(path), Card(CARD_BYTES)
    write(image, card, Silent())
    tried = range(0, 8 * CARD_BYTES, max(1, 8 * CARD_BYTES // bits))
    return len(tried), missed(card.flip, lambda: check(card, image, Silent()), tried)


def of_board(
    folder: Path, bits: int, check: VerifyBoard, *, lying: bool, seed: int = 1
) -> tuple[int, list[int]]:
    """The same of a board."""
    chance = random.Random(seed)
    pieces = [Piece("piece", at, chance.randbytes(size)) for at, size in PIECES]
    whole = 8 * sum(size for _, size in PIECES)
    step = max(1, whole // bits)
    tried = [8 * piece.at + bit for piece in pieces for bit in range(0, 8 * len(piece.data), step)]
    with (
        EspRom(folder / "board") as rom,
        connected(str(folder / "board"), Silent(), stub=False) as board,
    ):
        board.write(pieces)
        rom.lying_md5 = bytes(rom.flash) if lying else None
        return len(tried), missed(rom.flip, lambda: check(board, pieces), tried)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tools.rig.readback", description=__doc__)
    parser.add_argument(
        "--bits",
        type=int,
        default=5_000,
        help="of the card; a board gets a tenth, and a fiftieth while its hash lies",
    )
    parser.add_argument("--unsafe", action="store_true")
    options = parser.parse_args(argv)
    if options.bits < 10:
        parser.error("--bits: 10 at least")
    card_check = first_mebibyte if options.unsafe else verify
    board_check = first_bytes if options.unsafe else Esp32Board.verify
    lost = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [("card", of_card(folder, options.bits, card_check))]
        for lying, share, words in ((False, 10, "board"), (True, 50, "board whose hash lies")):
            rows.append((words, of_board(folder, max(1, options.bits // share), board_check, lying=lying)))
    for words, (tried, left) in rows:
        print(f"{words}: {tried} bits flipped, {tried - len(left)} found, {len(left)} missed")
        lost += len(left)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
