"""A memory card, as good or as bad as it is told to be; it has the face of `tools.flash.medium.Medium`.

card = Card(16 << 20)
card.pull_at = 5 << 20       # pulled out when so many bytes have been written
card.holds = 8 << 20         # says 16 MiB and keeps 8: what is beyond lands on what was there before
card.full_at = 3 << 20       # the reader refuses from there on
card.weak = {1234567}        # bits that always read as the other value, counted from the first of byte 0
card.flip(1234567)           # one bit changes by itself, once
card.put_back()
"""

import hashlib

from tools.flash.errors import CardFullError, CardGoneError
from tools.flash.medium import DIRECT


class Card:
    """size: bytes that it says it has."""

    def __init__(self, size: int) -> None:
        self.size: int | None = size
        self.past = DIRECT
        self.holds = size
        self.content = bytearray(size)
        self.pull_at: int | None = None
        self.full_at: int | None = None
        self.weak: set[int] = set()
        self.written = 0
        self.reads = 0
        self.is_in = True

    def put_back(self) -> None:
        """Into the reader again, and this time it stays."""
        self.is_in, self.pull_at, self.written = True, None, 0

    def flip(self, bit: int) -> None:
        """One bit changes."""
        self.content[bit // 8] ^= 1 << bit % 8

    def write(self, at: int, data: bytes) -> None:
        self._here()
        if self.full_at is not None and at + len(data) > self.full_at:
            raise CardFullError("the card is full before the image ends: take a larger card, or make room")
        room = len(data) if self.pull_at is None else max(0, self.pull_at - self.written)
        self._keep(at, data[:room])
        self.written += len(data)
        if room < len(data):
            self.is_in = False
            self._here()

    def sync(self) -> None:
        self._here()

    def read(self, at: int, size: int) -> bytes:
        self._here()
        self.reads += 1
        found = bytearray(self.content[at % self.holds : at % self.holds + size])
        for bit in self.weak:
            if at <= bit // 8 < at + size:
                found[bit // 8 - at] ^= 1 << bit % 8
        return bytes(found)

    @property
    def sha256(self) -> str:
        """Of all that it holds."""
        return hashlib.sha256(self.content).hexdigest()

    def _keep(self, at: int, data: bytes) -> None:
        place = at % self.holds
        self.content[place : place + len(data)] = data

    def _here(self) -> None:
        if not self.is_in:
            raise CardGoneError("the card is gone: put the card back and write it from the start")
