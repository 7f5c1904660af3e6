"""How fast the path and the platform take what goes out, and how fast it may go. Pure arithmetic, times handed in.

Two measures, since a broker acknowledges what the platform has not seen yet:

| measure | what tells                            | what it bounds                                          |
|---------|---------------------------------------|---------------------------------------------------------|
| `Rate`  | PUBACKs, within milliseconds          | sizes of bundles, what may be on its way                |
| `Pace`  | receipts, once a second (DESIGN.md 4) | how soon one routine bundle follows the other           |

Without a pace everything that may be on its way goes at once with each receipt, stands between broker and platform,
and the next alarm stands behind it.
"""

RATE_WINDOW_MS = 200
RATE_BYTES = 8 * 1024  # a smaller burst tells of latency, not of the rate

# What a bundle costs a platform grows with its events more than with its bytes: the pace is kept in units of work, which
# are its bytes and so many more for each event. Measured with the reference platform: 29 events of 213 bytes take two
# fifths of the time of 128 of 48.
EVENT_WORK = 150
FIRST_PACE = 20 * 1024 * 1024  # a second: some 100,000 events as a home has them
LEAST_PACE, MOST_PACE = 256 * 1024, 256 * 1024 * 1024
BURST = 96 * 1024  # may go at once after a pause: a path is measured by it
LATE_MS = 8  # a busy machine wakes the sender so much too late; what it missed follows at once
JUDGE_MS = 500  # receipts of a shorter time tell of their own spacing
STANDING_SHARE = 10  # less than a tenth of a second's bytes at the platform: it waits for the gateway
HOLD_MS = 100  # a bundle that its pace held back goes within that, or it was something else
KEPT_STEPS = 4  # eighths in a row that the platform kept: more than it ever fell back by


class Rate:
    """Bytes per second the path takes: what PUBACKs confirm in the time that something is on its way.

    Time in which nothing is on its way does not count, so a window that is closed for lack of receipts does
    not look like a slow path; nor does a lone small bundle, whose time is all latency.
    """

    __slots__ = ("busy_ms", "bytes_per_s", "counted", "since_ms")

    def __init__(self) -> None:
        self.bytes_per_s = 0
        self.counted = 0
        self.busy_ms = 0
        self.since_ms = 0

    def start(self, now_ms: int) -> None:
        """Something goes out after a time in which nothing was on its way."""
        self.since_ms = now_ms

    def took(self, size: int, now_ms: int, idle: bool) -> None:
        """The path took `size` bytes; `idle`: nothing else is on its way. Weighs a new sample at one half."""
        self.counted += size
        self.busy_ms += now_ms - self.since_ms
        self.since_ms = now_ms
        if self.counted >= RATE_BYTES and (idle or self.busy_ms >= RATE_WINDOW_MS):
            seen = self.counted * 1000 // max(1, self.busy_ms)
            self.bytes_per_s = seen if self.bytes_per_s == 0 else (self.bytes_per_s + seen) // 2
            self.counted = self.busy_ms = 0
        elif idle:
            self.counted = self.busy_ms = 0


def work_of(size: int, count: int) -> int:
    """Units of work that a bundle of `count` events and `size` bytes is to a platform."""
    return size + EVENT_WORK * count


class Pace:
    """Spreads routine bundles over the time between receipts, at the rate at which the platform stores them.

    Doubles with each receipt while nothing stands at the platform, else grows by an eighth; where the platform does not keep up
    and something stands there it goes an eighth below what was stored, which empties that, and grows by eighths. Where it keeps KEPT_STEPS of these it was no limit of the platform
    that was met, and it doubles again. Judged once a receipt, whatever lanes that covers, and only where something was
    held back all the time: a lane with little to send says nothing of the platform.
    stored_per_s: bytes a second that receipts covered then, 0 while not known. work_per_s: see EVENT_WORK.
    """

    __slots__ = (
        "at_ms",
        "credit",
        "done",
        "due_ms",
        "held_back",
        "kept",
        "since_ms",
        "stored",
        "stored_per_s",
        "work_per_s",
    )

    def __init__(self) -> None:
        self.work_per_s = FIRST_PACE
        self.stored_per_s = 0
        self.kept = (
            KEPT_STEPS  # judgements in a row by which the platform kept up; it has not shown its limit yet
        )
        self.credit = BURST  # work that may go now
        self.at_ms = 0  # when that was reckoned
        self.due_ms = -HOLD_MS  # when what was held back last was to go
        self.stored = self.done = 0  # bytes receipted, and the work they were
        self.since_ms = 0  # since then
        self.held_back = False  # whether more was there to send since then

    def wait_ms(self, now_ms: int) -> int:
        """How long until a routine bundle may go; 0 is now."""
        burst = max(BURST, self.work_per_s * LATE_MS // 1000)
        self.credit = min(burst, self.credit + self.work_per_s * (now_ms - self.at_ms) // 1000)
        self.at_ms = now_ms
        if self.credit > 0:
            return 0
        self.held_back = True
        wait_ms = 1 - self.credit * 1000 // self.work_per_s
        self.due_ms = now_ms + wait_ms
        return wait_ms

    def sent(self, size: int, count: int, now_ms: int, idle: bool) -> None:
        """A routine bundle goes now; `idle`: no other waits for its receipt.

        Then measuring begins, but for a platform that has stored everything before the pace let the next one go: that
        one more than keeps up.
        """
        self.credit -= work_of(size, count)
        if idle and now_ms - self.due_ms >= HOLD_MS:
            self.begin(now_ms)

    def begin(self, now_ms: int) -> None:
        """Measure from now on."""
        self.stored = self.done = 0
        self.since_ms, self.held_back = now_ms, False

    def receipted(self, size: int, count: int) -> None:
        """A receipt covers a bundle of `count` events and `size` bytes more."""
        self.stored += size
        self.done += work_of(size, count)

    def receipt_ends(self, now_ms: int, is_more: bool, standing: int) -> None:
        """All lanes of a receipt are told; `is_more`: a routine lane has more to send, and `standing` work has no receipt."""
        took_ms = now_ms - self.since_ms
        if took_ms >= JUDGE_MS:
            if self.held_back and is_more:
                self.stored_per_s = self.stored * 1000 // took_ms
                self.judge(self.done * 1000 // took_ms, standing)
            self.begin(now_ms)

    def judge(self, done_per_s: int, standing: int) -> None:
        """The platform did so much a second while more was there to send, and `standing` is left over."""
        if done_per_s * 16 >= self.work_per_s * 15:
            is_search = self.kept >= KEPT_STEPS and standing * STANDING_SHARE <= self.work_per_s
            self.kept += 1
            self.work_per_s = min(MOST_PACE, self.work_per_s * (16 if is_search else 9) // 8)
        elif standing * STANDING_SHARE > self.work_per_s:
            self.kept = 0
            self.work_per_s = max(LEAST_PACE, done_per_s * 7 // 8)
