"""The counter of encrypted BTHome frames: it rises, and begins anew only where a person says so.

A sensor that loses its counter (a change of battery) begins below the last one that was accepted, exactly as a recording
would. Its frames are refused until a person confirms the reset; from then on counters rise from the one that was heard.

**After a reset** every frame that was recorded before it has a counter above the new one and a tag that holds. So, until
the counter has passed the highest one from before (`peak`), it may rise only as far as a sensor can count in the time
since its last frame. A recording of just those next few counters still passes: only a new key ends that.
docs/adr/0028-counter-reset.md says why.
"""

COUNTER_KEY, PEAK_KEY = "counter", "peak"
SIZE = 4
MOST = 0xFFFFFFFF
# A burst of copies that each count, and on the average one frame a second: batteries allow no more.
AHEAD, AHEAD_PER_S = 256, 1
UNKNOWN_GAP_MS = 3_600_000  # taken for the time since the last frame before a start


class Counter:
    """What was accepted last, and the highest from before a confirmed reset; -1 where there was none.

    `stored` and `peak` are what `state` gave before. The stored counter has the number of resets before its four bytes:
    as one number it always rises, so that of two stores the later one is known.
    """

    __slots__ = ("last", "peak", "resets", "stored_peak", "taken_ms")

    def __init__(self, stored: "bytes | None", peak: "bytes | None") -> None:
        number = int.from_bytes(stored, "big") if stored else -1
        self.resets = (number >> 8 * SIZE) & (MOST >> 1) if stored else 0
        self.last = number & MOST if stored else -1
        self.peak = int.from_bytes(peak, "big") & MOST if peak else -1
        self.stored_peak = self.peak
        self.taken_ms: "int | None" = None

    def is_new(self, counter: int, now_ms: int) -> bool:
        """Whether a frame with this counter may be taken for new."""
        return counter > self.last and (counter > self.peak or counter <= self.last + self.ahead(now_ms))

    def ahead(self, now_ms: int) -> int:
        """By how much a sensor may have counted since its last frame."""
        gap_ms = UNKNOWN_GAP_MS if self.taken_ms is None else now_ms - self.taken_ms
        return AHEAD + gap_ms // 1_000 * AHEAD_PER_S

    def take(self, counter: int, now_ms: int) -> None:
        """A new frame was taken."""
        self.last, self.taken_ms = counter, now_ms
        if counter > self.peak:
            self.peak = -1

    def reset(self, counter: int, now_ms: int) -> None:
        """A person confirmed that the sensor counts from here."""
        self.peak = max(self.peak, self.last)
        self.resets += 1
        self.last, self.taken_ms = counter, now_ms

    def state(self) -> "dict[str, bytes | None]":
        """What is to be stored; the peak where it moved."""
        state: "dict[str, bytes | None]" = {COUNTER_KEY: self.last.to_bytes(SIZE, "big")}
        if self.resets:
            state[COUNTER_KEY] = (self.resets << 8 * SIZE | self.last).to_bytes(2 * SIZE, "big")
        if self.peak != self.stored_peak:
            self.stored_peak = self.peak
            state[PEAK_KEY] = None if self.peak < 0 else self.peak.to_bytes(SIZE, "big")
        return state
