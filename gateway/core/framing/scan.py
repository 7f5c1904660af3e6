"""Frames without a delimiter, cut out of a byte stream by looking at every byte where one could begin.

Nothing is thrown away unseen: where a frame that seemed to begin turns out to be none, the search goes on at the very next
byte. So one whole frame behind garbage is the most that can be lost, and only where bytes of it passed for another frame.

A false beginning may announce bytes that never come, and a true frame would wait behind it. No time is measured here: the
driver calls `look_past` when the line has been quiet for a moment. A beginning is kept even then: the rest of a true frame
may only be late, because the hub was busy, and its checksum will tell.
"""

from gateway.core.errors import DecodeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    # Size of the frame that begins at an offset; MORE where bytes are missing to tell, NONE where none begins.
    Measure = Callable[[bytearray, int], int]

MORE, NONE = 0, -1


class Scanner:
    """Cuts a stream into frames, however it is cut into pieces. Holds at most `limit` bytes, the size of the largest frame.

    frames, skipped: counters of frames found and of bytes that belong to none.
    """

    def __init__(self, measure: "Measure", limit: int) -> None:
        self.measure = measure
        self.limit = limit
        self.frames = 0
        self.skipped = 0
        self.reset()

    def reset(self) -> None:
        """Forget what is held: the line was opened again."""
        self.held = bytearray()
        self.strange = 0  # bytes passed over since the last frame

    @property
    def waiting(self) -> bool:
        """Whether something is held that may be the beginning of a frame."""
        return len(self.held) > 0

    def push(self, data: bytes) -> "list[bytes | DecodeError]":
        """Frames that `data` completes, in order; before each a DecodeError where bytes had to be passed over."""
        found: "list[bytes | DecodeError]" = []
        at = 0
        while at < len(data):
            piece = data[at : at + self.limit]
            at += len(piece)
            self.held.extend(piece)
            self.drop(self.search(0, found))
        return found

    def look_past(self) -> "list[bytes | DecodeError]":
        """Whole frames behind a beginning that has not gone on. Without any, everything stays held."""
        found: "list[bytes | DecodeError]" = []
        for at in range(1, len(self.held)):
            size = self.measure(self.held, at)
            if size > 0:
                self.pass_over(at)
                self.drop(self.search(at, found))
                break
        return found

    def search(self, at: int, found: "list[bytes | DecodeError]") -> int:
        """Take every frame from offset `at` on; the offset of the first byte that is still needed."""
        while at < len(self.held):
            size = self.measure(self.held, at)
            if size > 0:
                self.tell(found)
                found.append(bytes(self.held[at : at + size]))
                self.frames += 1
                at += size
            elif size == MORE and len(self.held) - at < self.limit:
                break
            else:
                at += 1
                self.pass_over(1)
                if self.strange >= self.limit:
                    self.tell(found)
        return at

    def pass_over(self, count: int) -> None:
        """Count bytes that belong to no frame."""
        self.skipped += count
        self.strange += count

    def tell(self, found: "list[bytes | DecodeError]") -> None:
        """Say once what was passed over since the last frame."""
        if self.strange:
            found.append(DecodeError(str(self.strange) + " bytes that belong to no frame"))
            self.strange = 0

    def drop(self, count: int) -> None:
        """Let go of the first bytes."""
        if count:
            self.held = self.held[count:]
