"""Bytes of the flash journal: the header of a sector, and the frames that follow it.

A sector (4,096 bytes) belongs to one stream of one epoch. Its header, 44 bytes, little-endian:

    "TJF1"  stream u8  flags u8  0xFFFF  serial u32  epoch 8  first u32  chain 16  crc32 of all that u32

serial: counts the sectors ever taken; of two sectors the later one has the larger. first: number of the first entry that
begins here. chain: h(first - 1). Frames follow, each from an address that four divides:

    word u16  its complement u16  txn u32  payload  crc32 u32

word: flags in the upper 4 bits, bytes of the payload in the lower 12. The CRC-32 begins with the sector's serial, so that
no frame of an earlier use of the sector, and none that an event carries within itself, passes for one of this use. An entry that does not
fit goes on in the next sector. Where a start found a torn end, writing goes on at a page of its own with a frame that
says which number comes next: there the reader takes up again.
"""

import binascii
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SECTOR = 4096
PAGE = 256  # what the chip programs at once
HEADER_SIZE = 44
FRAME = 12  # bytes of a frame beside its payload
LEAST = 64  # of a payload in a sector where more follows: less is not worth a frame

CONTROL = 5  # the stream beside the five lanes
STARTS = 1  # flag of a sector: a whole picture of the control stream begins here

FIRST, LAST, END, SELF = (
    1,
    2,
    4,
    8,
)  # an entry begins, ends; what was written together ends; and needs no other word
STATE = 8  # in the control stream: this entry holds state alone
RESUME = END  # no entry has this without LAST
RESUME_SIZE = FRAME + 20
BAD = -1  # in place of flags: length and kind can be told, contents cannot

HEADER = "<4sBBHI8sI16s"
MAGIC = b"TJF1"


class Header:
    """What a sector says of itself."""

    __slots__ = ("chain", "epoch", "first", "serial", "starts", "stream")

    def __init__(
        self, stream: int, starts: bool, serial: int, epoch: bytes, first: int, chain: bytes
    ) -> None:
        self.stream = stream
        self.starts = starts
        self.serial = serial
        self.epoch = epoch
        self.first = first
        self.chain = chain

    def encode(self) -> bytes:
        """44 bytes."""
        flags = STARTS if self.starts else 0
        head = struct.pack(
            HEADER, MAGIC, self.stream, flags, 0xFFFF, self.serial, self.epoch, self.first, self.chain
        )
        return head + struct.pack("<I", binascii.crc32(head))


def decode_header(data: "bytes | bytearray | memoryview") -> "Header | None":
    """The header at the beginning of `data`, or None where there is none."""
    if bytes(data[:4]) != MAGIC:
        return None
    head = bytes(data[: HEADER_SIZE - 4])
    if struct.unpack("<I", bytes(data[HEADER_SIZE - 4 : HEADER_SIZE]))[0] != binascii.crc32(head):
        return None
    _, stream, flags, _, serial, epoch, first, chain = struct.unpack(HEADER, head)
    if stream > CONTROL:
        return None
    return Header(stream, flags & STARTS != 0, serial, epoch, first, chain)


def aligned(size: int) -> int:
    """`size`, up to the next address that four divides."""
    return (size + 3) & ~3


def encode_frame(flags: int, txn: int, payload: "bytes | memoryview", serial: int) -> bytearray:
    """One frame with its padding; made in one piece, for a payload may be much of what memory has left in one."""
    word = flags << 12 | len(payload)
    end = 8 + len(payload)
    frame = bytearray(aligned(end + 4))
    struct.pack_into("<HHI", frame, 0, word, word ^ 0xFFFF, txn)
    frame[8:end] = payload
    struct.pack_into("<I", frame, end, binascii.crc32(memoryview(frame)[:end], serial))
    for at in range(end + 4, len(frame)):
        frame[at] = 0xFF
    return frame


def frames(buffer: bytearray, serial: int, bad: bool = False) -> "Iterator[tuple[int, int, int, int, int]]":
    """Frames of the sector in `buffer`: (flags, txn, where the payload begins, its bytes, where the next frame is).

    Ends at the first that does not read back, unless writing was resumed after it. With `bad` one whose length can be
    told is given with the flags BAD, its own flags in place of txn, and reading goes on.
    """
    at = HEADER_SIZE
    while at + FRAME <= SECTOR:
        word, inverse, txn = struct.unpack_from("<HHI", buffer, at)
        size = word & 0xFFF
        end = at + 8 + size
        has_length = word ^ inverse == 0xFFFF and end + 4 <= SECTOR
        if has_length and holds(buffer, at, end, serial):
            yield word >> 12, txn, at + 8, size, aligned(end + 4)
            at = aligned(end + 4)
            continue
        resumed = find_resumed(buffer, at, serial)
        if resumed:
            at = resumed
        elif bad and has_length:
            yield BAD, word >> 12, at + 8, size, aligned(end + 4)
            at = aligned(end + 4)
        else:
            return


def holds(buffer: bytearray, at: int, end: int, serial: int) -> bool:
    """Whether the CRC-32 of a frame is right."""
    found: bool = struct.unpack_from("<I", buffer, end)[0] == binascii.crc32(
        memoryview(buffer)[at:end], serial
    )
    return found


def find_resumed(buffer: bytearray, at: int, serial: int) -> int:
    """Where after `at` writing was resumed, or 0."""
    for page in range(at // PAGE * PAGE + PAGE, SECTOR - RESUME_SIZE + 1, PAGE):
        word, inverse = struct.unpack_from("<HH", buffer, page)
        if word == RESUME << 12 | 20 and word ^ inverse == 0xFFFF and holds(buffer, page, page + 28, serial):
            return page
    return 0


def encode_resume(txn: int, seq: int, chain: bytes, serial: int) -> bytearray:
    """The frame that says which entry comes next, and what the chain was before it."""
    return encode_frame(RESUME, txn, struct.pack("<I", seq) + chain, serial)


def decode_resume(buffer: bytearray, start: int) -> "tuple[int, bytes]":
    """Number of the next entry, and h of the one before."""
    return struct.unpack_from("<I", buffer, start)[0], bytes(buffer[start + 4 : start + 20])


def written_end(buffer: bytearray) -> int:
    """Where in the sector the last byte stands that does not read as erased, plus one."""
    end = SECTOR
    view = memoryview(buffer)
    blank = b"\xff" * PAGE
    while end > 0 and view[end - PAGE : end] == blank:
        end -= PAGE
    while end > 0 and buffer[end - 1] == 0xFF:
        end -= 1
    return end
