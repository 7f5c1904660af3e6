"""A line that flips, loses and invents bytes, and hands them over in pieces, by seed and the same on both interpreters.

`NoisyLine` knows frames between zeros; here nothing is known of what is carried, as on a real cable.
"""

from hal.sim.faults import SeededNumbers

LONGEST_BURST = 12


class NoisyBytes:
    """One direction of a line. Chances are per 10,000 bytes; `piece` is the most bytes handed over at once, 0 for all.

    faults: how many have struck. quiet: while set, nothing does.
    """

    def __init__(self, seed: int, flipped: int = 0, lost: int = 0, burst: int = 0, piece: int = 0) -> None:
        self.numbers = SeededNumbers(seed)
        self.flipped = flipped
        self.lost = lost
        self.burst = burst
        self.piece = piece
        self.faults = 0
        self.quiet = False

    def carry(self, data: bytes) -> "list[bytes]":
        """What arrives of `data`, in pieces."""
        arrived = bytes(data) if self.quiet else self.suffer(data)
        if not self.piece:
            return [arrived] if arrived else []
        pieces = []
        while arrived:
            size = 1 + self.numbers.below(self.piece)
            pieces.append(arrived[:size])
            arrived = arrived[size:]
        return pieces

    def suffer(self, data: bytes) -> bytes:
        """The bytes, perhaps not as they were sent."""
        out = bytearray()
        for byte in data:
            if self.hit(self.burst):
                out.extend(self.numbers.take(1 + self.numbers.below(LONGEST_BURST)))
            if self.hit(self.lost):
                continue
            out.append(byte ^ 1 << self.numbers.below(8) if self.hit(self.flipped) else byte)
        return bytes(out)

    def hit(self, chance: int) -> bool:
        """Whether a fault of this chance strikes now."""
        struck = chance > 0 and self.numbers.below(10_000) < chance
        self.faults += struck
        return struck


def at_another_speed(data: bytes, sent_baud: int, read_baud: int) -> bytes:
    """What a UART that reads at one speed makes of bytes sent at another, 8N1 and without a pause between them.

    Each bit is looked at in its middle; a frame whose stop bit is low is kept with the bits that were seen, as drivers keep it.
    """
    bits = []
    for byte in data:
        bits.append(0)
        bits += [byte >> place & 1 for place in range(8)]
        bits.append(1)
    out = bytearray()
    at = 0  # in halves of a bit as read
    last = 2 * len(bits) * read_baud // sent_baud

    def level(place: int) -> int:
        index = place * sent_baud // (2 * read_baud)
        return bits[index] if index < len(bits) else 1

    while at < last:
        if level(at):
            at += 1
            continue
        out.append(sum([level(at + 3 + 2 * place) << place for place in range(8)]))
        at += 20
        while at < last and not level(at - 1) and not level(at):
            at += 1  # a break: the next start bit needs a high line before it
    return bytes(out)
