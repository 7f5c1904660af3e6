"""When a gateway gets a receipt. Times in ms of a clock that never goes back.

| why                                       | when                                                              |
|-------------------------------------------|-------------------------------------------------------------------|
| an alarm was stored                       | at once                                                           |
| the mark of a routine lane moved          | with the next group commit, then once a second                    |
| the gateway repeats what is stored        | a second later, unless a receipt goes before: it may be under way |
| something is missing before what is stored| after 2 s, then after twice as long each time, up to 60 s         |

The last two say nothing new on purpose: an unchanged receipt means "send again now" (DESIGN.md 4).
"""

GROUP_MS = 50  # routine events are committed in groups of so long
RECEIPT_GAP_MS = 1_000
FIRST_NUDGE_MS, NUDGE_CEILING_MS = 2_000, 60_000


class Courier:
    """Timing of one gateway's receipts; `due_ms` is None while none is to be sent."""

    __slots__ = ("due_ms", "nudge_ms", "nudge_wait_ms", "sent_ms")

    def __init__(self) -> None:
        self.due_ms: int | None = None
        self.sent_ms = -RECEIPT_GAP_MS
        self.nudge_ms: int | None = None
        self.nudge_wait_ms = FIRST_NUDGE_MS

    def want(self, at_ms: int) -> None:
        """A receipt is due at `at_ms` or before."""
        if self.due_ms is None or at_ms < self.due_ms:
            self.due_ms = at_ms

    def stored(self, now_ms: int, *, urgent: bool) -> None:
        """The unbroken part of a lane grew, or an epoch began."""
        self.want(now_ms if urgent else max(now_ms + GROUP_MS, self.sent_ms + RECEIPT_GAP_MS))

    def repeated(self, now_ms: int) -> None:
        """The gateway sent nothing but what is stored."""
        self.want(now_ms + RECEIPT_GAP_MS)

    def gap(self, now_ms: int, *, has_gap: bool) -> None:
        """Whether something is missing before what is stored."""
        if not has_gap:
            self.nudge_ms, self.nudge_wait_ms = None, FIRST_NUDGE_MS
        elif self.nudge_ms is None:
            self.nudge_ms = now_ms + self.nudge_wait_ms

    def next_ms(self) -> int | None:
        """When the next receipt is to be sent, or None."""
        times = [time for time in (self.due_ms, self.nudge_ms) if time is not None]
        return min(times, default=None)

    def is_due(self, now_ms: int) -> bool:
        """Whether one is to be sent now."""
        at_ms = self.next_ms()
        return at_ms is not None and at_ms <= now_ms

    def sent(self, now_ms: int) -> None:
        """A receipt went."""
        if self.nudge_ms is not None and self.nudge_ms <= now_ms:
            self.nudge_wait_ms = min(NUDGE_CEILING_MS, self.nudge_wait_ms * 2)
            self.nudge_ms = now_ms + self.nudge_wait_ms
        self.due_ms, self.sent_ms = None, now_ms
