"""Consistent overhead byte stuffing: frames without a zero in them, so that a zero always ends one.

Source: S. Cheshire, M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999.
A frame of n bytes becomes at most n + 1 + n // 254 bytes. After any garbage the next zero begins afresh.
"""

from gateway.core.errors import DecodeError

DELIMITER = b"\x00"
MAX_RUN = 254  # bytes that one code byte can lead


def encoded_size(size: int) -> int:
    """Bytes that `size` bytes need at most, without delimiters."""
    return size + 1 + size // MAX_RUN


def encode(data: bytes) -> bytes:
    """`data` without zeros, to be put between two zeros. A full last run is not followed by an empty one."""
    out = bytearray()
    pieces = bytes(data).split(DELIMITER)
    for index, piece in enumerate(pieces):
        at = 0
        while len(piece) - at >= MAX_RUN:
            out.append(MAX_RUN + 1)
            out.extend(piece[at : at + MAX_RUN])
            at += MAX_RUN
        last = index == len(pieces) - 1
        if last and at and at == len(piece):
            break
        out.append(len(piece) - at + 1)
        out.extend(piece[at:])
    return bytes(out)


def decode(data: bytes) -> bytes:
    """What `encode` was given. `data` holds no delimiter. Raises DecodeError where a run passes the end."""
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        end = at + code
        run = data[at + 1 : end]
        if code == 0 or DELIMITER in run:
            raise DecodeError("COBS: a zero inside the frame", at)
        if end > len(data):
            raise DecodeError("COBS: a run of " + str(code - 1) + " bytes passes the end of the frame", at)
        out.extend(run)
        at = end
        if code <= MAX_RUN and at < len(data):
            out.append(0)
    return bytes(out)


class Framer:
    """Cuts a byte stream into frames, however the stream is cut into pieces; holds at most `limit` bytes.

    limit: encoded size of the largest frame. What is longer is dropped up to the next zero and said once.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = bytearray()
        self.overrun = False

    def reset(self) -> None:
        """Forget the half frame: the line was opened again."""
        self.held = bytearray()
        self.overrun = False

    def push(self, data: bytes) -> "list[bytes | DecodeError]":
        """Frames that `data` completes, decoded, in order; a DecodeError where one cannot be."""
        found: "list[bytes | DecodeError]" = []
        pieces = bytes(data).split(DELIMITER)
        for piece in pieces[:-1]:
            self.hold(piece)
            self.finish(found)
        self.hold(pieces[-1])
        return found

    def hold(self, piece: bytes) -> None:
        """Add to the half frame, or note that it has grown too long."""
        if self.overrun or len(self.held) + len(piece) > self.limit:
            self.overrun = True
            self.held = bytearray()
        else:
            self.held.extend(piece)

    def finish(self, found: "list[bytes | DecodeError]") -> None:
        """A delimiter came: what is held is a frame, or nothing between two delimiters."""
        if self.overrun:
            found.append(DecodeError("COBS: more than " + str(self.limit) + " bytes without a delimiter"))
        elif self.held:
            try:
                found.append(decode(bytes(self.held)))
            except DecodeError as error:
                found.append(error)
        self.reset()
