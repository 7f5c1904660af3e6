"""A serial line that loses, damages, repeats and cuts what it carries, by seed and the same on both interpreters."""

from hal.sim.faults import SeededNumbers


class NoisyLine:
    """One direction of a line. Chances are per mille of a frame; `piece` is the most bytes handed over at once.

    A frame here is what stands between two zeros, so a fault hits one frame and its neighbours stay whole.
    """

    def __init__(
        self,
        seed: int,
        lost: int = 0,
        damaged: int = 0,
        cut: int = 0,
        repeated: int = 0,
        noise: int = 0,
        piece: int = 0,
    ) -> None:
        self.numbers = SeededNumbers(seed)
        self.lost = lost
        self.damaged = damaged
        self.cut = cut
        self.repeated = repeated
        self.noise = noise
        self.piece = piece
        self.faults = 0

    def carry(self, data: bytes) -> "list[bytes]":
        """What arrives of `data`, in pieces."""
        frames = data.split(b"\x00")
        arrived = b"\x00".join([self.suffer(frame) if frame else frame for frame in frames])
        if not self.piece:
            return [arrived] if arrived else []
        pieces = []
        while arrived:
            size = 1 + self.numbers.below(self.piece)
            pieces.append(arrived[:size])
            arrived = arrived[size:]
        return pieces

    def suffer(self, frame: bytes) -> bytes:
        """One frame, perhaps not as it was sent."""
        if self.hit(self.lost):
            return b""
        if self.hit(self.cut):
            frame = frame[: self.numbers.below(len(frame))]
        if self.hit(self.damaged) and frame:
            changed = bytearray(frame)
            changed[self.numbers.below(len(frame))] ^= 1 << self.numbers.below(8)
            frame = bytes(changed)
        if self.hit(self.noise):
            frame = self.numbers.take(1 + self.numbers.below(40)) + b"\x00" + frame
        if self.hit(self.repeated):
            frame = frame + b"\x00" + frame
        return frame

    def hit(self, chance: int) -> bool:
        """Whether a fault of this chance strikes now."""
        struck = self.numbers.below(1000) < chance
        self.faults += struck
        return struck
