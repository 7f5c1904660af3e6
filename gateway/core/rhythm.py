"""How often a device is heard, learned from when it was: the interval of those that nobody gave one.

Radios say everything several times, so receptions within `SAME_MS` are one. The interval is the longest gap that is
remembered: a device that people use (an oximeter once a day) has two rhythms, and the slow one counts. A gap is
forgotten when the device was watched for `MEMORY` times as long without another, so that a new rhythm is learned too.
A gap that was reported as silence is an outage until another about as long shows that the device is simply slow.
"""

from gateway.core import cbor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SAME_MS = 20_000
LEAST_MS, MOST_MS = 60_000, 86_400_000
HOPELESS_MS = 3 * MOST_MS  # a device that is heard less often than that has no sign of life
ENOUGH = 6  # gaps before anything is learned
MEMORY = 8
HELD = 12  # gaps that are remembered

NOTHING = cbor.encode([0, 0, []])


class Rhythm:
    """Gaps of one device, in ms. `kept` is what `keep` gave before a restart, or None."""

    __slots__ = ("count", "gaps", "mark_ms", "watched_ms")

    def __init__(self, kept: "bytes | None" = None) -> None:
        row: "Any" = cbor.decode(kept or NOTHING)
        self.count: int = row[0]
        self.watched_ms: int = row[1]  # sum of all gaps but outages: the time in which they were met
        # [length, watched_ms at its end, 1 where it was reported as silence], oldest first
        self.gaps: "list[list[int]]" = row[2]
        self.mark_ms: "int | None" = None  # uptime of the last reception that counts; a restart is no gap

    def heard(self, now_ms: int, silent: bool) -> None:
        """One reception; `silent` where the device had been reported silent before it."""
        if self.mark_ms is None:
            self.mark_ms = now_ms
        gap_ms = now_ms - self.mark_ms
        if gap_ms < SAME_MS:
            return
        self.mark_ms = now_ms
        self.count = min(ENOUGH, self.count + 1)
        if not silent:  # an outage is no time in which it could have shown another rhythm
            self.watched_ms += gap_ms
        self.gaps.append([gap_ms, self.watched_ms, int(silent)])
        self.forget()

    def forget(self) -> None:
        """Drop gaps that have had their time, and those that two newer ones are as long as: they can decide nothing."""
        kept: "list[list[int]]" = []
        for gap in reversed(self.gaps):
            longer = len([1 for newer in kept if newer[0] >= gap[0] and newer[2] <= gap[2]])
            if longer < 2 and self.watched_ms - gap[1] < MEMORY * gap[0]:
                kept.append(gap)
        if len(kept) > HELD:
            kept.remove(min(kept))
        self.gaps = kept[::-1]

    def interval_ms(self, least_watched_ms: int) -> int:
        """The interval learned, or 0: too little was heard, or so seldom that it is no sign of life."""
        if self.count < ENOUGH or self.watched_ms < least_watched_ms:
            return 0
        believed = [gap[0] for gap in self.gaps if not gap[2] or self.has_company(gap)]
        longest = max(believed) if believed else 0
        if not 0 < longest <= HOPELESS_MS:
            return 0
        return max(LEAST_MS, min(MOST_MS, longest))

    def has_company(self, gap: "list[int]") -> bool:
        """Whether another gap is about as long: no more than twice, and no less than half."""
        return len([1 for other in self.gaps if 2 * other[0] >= gap[0] and other[0] <= 2 * gap[0]]) > 1

    def keep(self) -> bytes:
        """What a restart takes up."""
        return cbor.encode([self.count, self.watched_ms, self.gaps])
