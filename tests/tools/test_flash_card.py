"""An image onto a card and back: every byte is proven, and what goes wrong is never called done."""

import errno
import hashlib
import io
import os
from pathlib import Path

import pytest

from gateway.daemon.wording import norwegian
from tests.gateway.english import english_in
from tests.tools.flash_bench import PACKERS, card_content, packed
from tools.flash import medium
from tools.flash.errors import CardFullError, CardGoneError, DifferentError, FlashError, ImageError
from tools.flash.image import PIECE, Survey, survey
from tools.flash.medium import file, said_of
from tools.flash.progress import Progress, Silent
from tools.flash.writing import check_room, verify, write, write_and_verify
from tools.rig import readback
from tools.rig.readback import TABLE
from tools.simulators.card import Card

SIZE = 2 * PIECE + 12_345
DATA = card_content(SIZE)


@pytest.fixture
def image(tmp_path: Path) -> Survey:
    return survey(packed(tmp_path, DATA))


# --- images -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", PACKERS)
def test_an_image_is_known_whole_before_a_card_is_touched(tmp_path: Path, suffix: str) -> None:
    data = DATA[: PIECE + 1_000]
    path = packed(tmp_path, data, suffix)
    found = survey(path)
    assert (found.size, found.content_sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert found.file_sha256 == hashlib.sha256(path.read_bytes()).hexdigest() and not found.checked
    card = Card(SIZE)
    write_and_verify(found, card, Silent())
    assert bytes(card.content[: len(data)]) == data


@pytest.mark.parametrize("suffix", [".xz", ".gz", ".bz2"])
def test_a_packed_image_that_is_cut_or_damaged_is_refused(tmp_path: Path, suffix: str) -> None:
    path = packed(tmp_path, DATA[:200_000], suffix)
    whole = path.read_bytes()
    for damaged in (whole[:-7], whole[: len(whole) // 2], whole[:100] + b"\x00\xff" * 8 + whole[116:]):
        path.write_bytes(damaged)
        with pytest.raises(ImageError, match="damaged or not whole"):
            survey(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"Sheet of the home\n" * 400, "it has no table of partitions: give the image of the system"),
        (bytes(SIZE), "no table of partitions"),
        (bytes(510) + b"\x55\xaa" + bytes(600), "no table of partitions"),
        (TABLE[:446] + b"disk error" + TABLE[456:], "no table of partitions"),
        (TABLE[:510], "no table of partitions"),
        (b"x", "no table of partitions"),
        (b"PK\x03\x04" + bytes(600), "is a .zip: unpack it"),
        (b"!<arch>\ndebian-binary   ", "belongs behind --package"),
        (b"# A district profile of Trygg: trygg-kit profile import\n", "belongs behind --profile"),
    ],
)
def test_what_is_no_image_of_a_card_is_refused_before_a_card_is_touched(
    tmp_path: Path, data: bytes, words: str
) -> None:
    for suffix in ("", ".xz"):
        with pytest.raises(ImageError, match=words) as told:
            survey(packed(tmp_path, data, suffix))
        assert not english_in(norwegian(str(told.value)))


def test_a_table_of_the_new_kind_is_one_too(tmp_path: Path) -> None:
    assert survey(packed(tmp_path, bytes(512) + b"EFI PART" + bytes(504))).size == 1024


def test_an_image_is_held_against_its_sha256_packed_or_unpacked(tmp_path: Path) -> None:
    path = packed(tmp_path, DATA, ".gz")
    of_file, of_content = hashlib.sha256(path.read_bytes()).hexdigest(), hashlib.sha256(DATA).hexdigest()
    assert survey(path, of_file).checked and survey(path, of_content.upper()).checked
    with pytest.raises(ImageError, match="not the image that its SHA-256 names"):
        survey(path, "0" * 64)
    with pytest.raises(ImageError, match="64 digits in hex"):
        survey(path, "abc")
    beside = tmp_path / "os.img.gz.sha256"
    beside.write_text(f"{of_file}  os.img.gz\n")
    assert survey(path).checked
    beside.write_text("1" * 64)
    with pytest.raises(ImageError, match="not the image"):
        survey(path)
    beside.write_text("")
    with pytest.raises(ImageError, match="holds no SHA-256"):
        survey(path)


def test_a_plain_image_with_one_flipped_bit_is_refused_by_its_sha256(tmp_path: Path) -> None:
    path = packed(tmp_path, DATA)
    damaged = bytearray(DATA)
    damaged[SIZE // 2] ^= 4
    path.write_bytes(damaged)
    with pytest.raises(ImageError, match="not the image"):
        survey(path, hashlib.sha256(DATA).hexdigest())


def test_what_cannot_be_unpacked_here_or_is_not_there_is_said(tmp_path: Path) -> None:
    empty = tmp_path / "empty.img"
    empty.write_bytes(b"")
    with pytest.raises(ImageError, match="is empty"):
        survey(empty)
    with pytest.raises(ImageError, match="cannot be read: check the name"):
        survey(tmp_path / "none.img")
    zst = tmp_path / "os.img.zst"
    zst.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(20))
    with pytest.raises(ImageError, match=r"run zstd -d os\.img\.zst|damaged or not whole"):
        survey(zst)


def test_an_image_that_changes_while_it_is_written_is_noticed(image: Survey) -> None:
    image.path.write_bytes(DATA[:-1] + b"?")
    with pytest.raises(FlashError, match="has changed"):
        write(image, Card(SIZE), Silent())
    image.path.write_bytes(DATA[:PIECE])
    with pytest.raises(FlashError, match="has changed"):
        write(image, Card(SIZE), Silent())
    image.path.write_bytes(DATA + DATA)
    with pytest.raises(FlashError, match="has changed"):
        write(image, Card(SIZE), Silent())


# --- cards --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_card_pulled_out_in_mid_write_is_said_does_not_start_and_works_the_next_time(
    image: Survey, share: float
) -> None:
    card = Card(SIZE)
    card.content[:] = b"\x55" * SIZE
    card.pull_at = int((SIZE + PIECE) * share)
    with pytest.raises(CardGoneError, match="write it from the start") as error:
        write_and_verify(image, card, Silent())
    assert error.value.again
    if card.pull_at < SIZE:
        assert bytes(card.content[:512]) in (b"\x55" * 512, bytes(512)), (
            "no partition table, so nothing starts"
        )
    card.put_back()
    write_and_verify(image, card, Silent())
    assert bytes(card.content) == DATA


def test_a_card_pulled_out_while_it_is_read_back_is_not_called_done(image: Survey) -> None:
    card = Card(SIZE)
    write(image, card, Silent())
    card.is_in = False
    with pytest.raises(CardGoneError):
        verify(card, image, Silent())


def test_a_card_that_is_too_small_is_refused_before_a_byte_is_written(image: Survey) -> None:
    card = Card(SIZE - 1)
    with pytest.raises(
        FlashError, match=r"the image needs 8\.4 MB and the card has 8\.4 MB: take a larger one"
    ):
        write(image, card, Silent())
    assert card.written == 0
    check_room(image, Card(SIZE))


def test_a_reader_that_is_full_too_early_is_said(image: Survey) -> None:
    card = Card(SIZE)
    card.full_at = PIECE + 5
    with pytest.raises(CardFullError, match="full before the image ends"):
        write(image, card, Silent())


def test_a_card_that_holds_less_than_it_says_is_found(image: Survey) -> None:
    card = Card(SIZE)
    card.holds = SIZE // 2
    with pytest.raises(DifferentError, match="throw it away if it happens once more"):
        write_and_verify(image, card, Silent())


def test_a_weak_bit_is_found_where_it_is(image: Survey) -> None:
    card = Card(SIZE)
    card.weak = {8 * (PIECE + 77) + 3}
    with pytest.raises(DifferentError) as error:
        write_and_verify(image, card, Silent())
    assert error.value.at == PIECE and "from 4 MiB on" in str(error.value)


EDGES = [*range(8), *range(8 * PIECE - 4, 8 * PIECE + 4), *range(8 * SIZE - 8, 8 * SIZE)]


def test_every_flipped_bit_is_found(tmp_path: Path, image: Survey) -> None:
    tried, left = readback.of_card(tmp_path, 150, verify)
    assert tried >= 150 and left == []
    card = Card(SIZE)
    write(image, card, Silent())
    assert readback.missed(card.flip, lambda: verify(card, image, Silent()), EDGES) == []
    verify(card, image, Silent())


def test_control_a_verification_of_the_first_mebibyte_misses_bits_and_is_reported(tmp_path: Path) -> None:
    tried, left = readback.of_card(tmp_path, 150, readback.first_mebibyte)
    assert len(left) > tried // 2 and min(left) >= 8 << 20


# --- files that stand for cards -----------------------------------------------------------------------------------


def test_a_new_file_gets_the_image_and_one_that_is_there_is_a_card_of_its_size(
    tmp_path: Path, image: Survey
) -> None:
    with file(tmp_path / "new") as new:
        write_and_verify(image, new, Silent())
        assert new.past in (medium.DIRECT, medium.DROPPED)
    assert (tmp_path / "new").read_bytes() == DATA
    there = tmp_path / "card.img"
    there.write_bytes(b"\x55" * (SIZE + 100))
    with file(there) as old:
        write_and_verify(image, old, Silent())
    assert there.read_bytes() == DATA + b"\x55" * 100
    there.write_bytes(bytes(SIZE - 1))
    with file(there) as small, pytest.raises(FlashError, match="take a larger one"):
        write_and_verify(image, small, Silent())
    assert there.read_bytes() == bytes(SIZE - 1)


def test_a_file_that_is_no_card_is_not_overwritten(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Kjære")
    for path in (letter, Path(os.devnull)):
        with pytest.raises(FlashError, match="give a new name"), file(path):
            pass
    assert letter.read_text() == "Kjære"
    link = tmp_path / "link.img"
    link.symlink_to(letter)
    with pytest.raises(FlashError), file(link):
        pass


def test_a_bit_that_flips_in_a_file_behind_our_back_is_found(tmp_path: Path, image: Survey) -> None:
    path = tmp_path / "card.img"
    with file(path) as target:
        write(image, target, Silent())
        with path.open("r+b") as other:
            other.seek(SIZE - 1)
            other.write(bytes([DATA[-1] ^ 1]))
        with pytest.raises(DifferentError):
            verify(target, image, Silent())
        with path.open("r+b") as other:
            other.truncate(SIZE - 1)
        with pytest.raises(DifferentError):
            verify(target, image, Silent())


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EIO, CardGoneError, "put the card back"),
        (errno.ENOMEDIUM, CardGoneError, "put the card back"),
        (errno.ENOSPC, CardFullError, "larger card"),
        (errno.EFBIG, CardFullError, "larger card"),
        (errno.EACCES, FlashError, "with sudo"),
        (errno.EROFS, FlashError, "small slide"),
        (errno.EBUSY, FlashError, "eject it"),
        (errno.ELOOP, FlashError, "cannot be used"),
    ],
)
def test_what_the_system_says_of_a_card_is_said_with_the_next_action(
    number: int, kind: type[FlashError], words: str
) -> None:
    with pytest.raises(kind, match=words), said_of("/dev/sdb"):
        raise OSError(number, os.strerror(number))


# --- progress -----------------------------------------------------------------------------------------------------


def test_progress_has_speed_and_time_left() -> None:
    progress = Progress()
    progress.phase("writing", 100_000_000)
    assert progress.line(0, 0) == "writing, 0 % done"
    assert progress.line(25_000_000, 2_000) == "writing, 25 % done, 12.5 MB/s, 0 min 6 s left"
    assert progress.line(1_000_000, 2_000) == "writing, 1 % done, 0.5 MB/s, 3 min 18 s left"
    progress.phase("writing", 0)
    assert progress.line(0, 5_000) == "writing, 100 % done"


def test_without_a_terminal_a_line_is_said_each_tenth() -> None:
    out, now_ms = io.StringIO(), iter(range(0, 10**9, 20))
    progress = Progress(out, lambda: next(now_ms))
    progress.phase("writing", 1000)
    for done in range(1001):
        progress.at(done)
    lines = out.getvalue().splitlines()
    assert (
        len(lines) == 10 and lines[0].startswith("writing, 10 %") and lines[-1].startswith("writing, 100 %")
    )


class Paced(Card):
    """A card that takes so long for a piece, by a clock of its own."""

    def __init__(self, write_ms: int, read_ms: int) -> None:
        super().__init__(SIZE)
        self.write_ms, self.read_ms, self.now_ms = write_ms, read_ms, 0

    def write(self, at: int, data: bytes) -> None:
        super().write(at, data)
        self.now_ms += self.write_ms

    def read(self, at: int, size: int) -> bytes:
        self.now_ms += self.read_ms
        return super().read(at, size)


@pytest.mark.parametrize(("write_ms", "read_ms"), [(1_000, 400), (4_000, 400), (1_000, 1_600)])
def test_the_speeds_that_are_shown_are_those_of_the_card(image: Survey, write_ms: int, read_ms: int) -> None:
    out, card = io.StringIO(), Paced(write_ms, read_ms)
    write_and_verify(image, card, Progress(out, lambda: card.now_ms))
    whole = [line for line in out.getvalue().splitlines() if " 100 %" in line]
    writes, reads = len(image.pieces) + 1, len(image.pieces)  # the first piece goes twice
    expected = [SIZE // (writes * write_ms) / 1000, SIZE // (reads * read_ms) / 1000]
    for line, speed in zip(whole, expected, strict=True):
        assert f", {int(speed * 10) / 10:.1f} MB/s, " in line, (line, speed)
