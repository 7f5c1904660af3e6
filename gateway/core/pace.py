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

FIRST_PACE = 2 * 1024 * 1024
LEAST_PACE, MOST_PACE = 64 * 1024, 64 * 1024 * 1024
BURST_BYTES = 24 * 1024  # may go at once after a pause: a path is measured by it
LATE_MS = 8  # a busy machine wakes the sender so much too late; what it missed follows at once
JUDGE_MS = 500  # receipts of a shorter time tell of their own spacing


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


class Pace:
    """Spreads routine bundles over the time between receipts, at the rate at which the platform stores them.

    Doubles with each receipt until the platform does not keep up; then it goes an eighth below what was stored, which
    empties what stands there, and grows by eighths. Judged only where something was held back: a lane with little to
    send says nothing of the platform.
    stored_per_s: bytes a second that receipts covered then, 0 while not known.
    """

    __slots__ = (
        "at_ms",
        "bytes_per_s",
        "credit",
        "held_back",
        "searching",
        "since_ms",
        "stored",
        "stored_per_s",
    )

    def __init__(self) -> None:
        self.bytes_per_s = FIRST_PACE
        self.stored_per_s = 0
        self.searching = True  # the platform has not shown its limit yet
        self.credit = BURST_BYTES  # bytes that may go now
        self.at_ms = 0  # when that was reckoned
        self.stored = 0  # receipted
        self.since_ms = 0  # since then
        self.held_back = False  # whether more was there to send since then

    def wait_ms(self, now_ms: int) -> int:
        """How long until a routine bundle may go; 0 is now."""
        burst = max(BURST_BYTES, self.bytes_per_s * LATE_MS // 1000)
        self.credit = min(burst, self.credit + self.bytes_per_s * (now_ms - self.at_ms) // 1000)
        self.at_ms = now_ms
        if self.credit > 0:
            return 0
        self.held_back = True
        return 1 - self.credit * 1000 // self.bytes_per_s

    def sent(self, size: int, now_ms: int, idle: bool) -> None:
        """A routine bundle goes now; `idle`: no other waits for its receipt."""
        self.credit -= size
        if idle:
            self.begin(now_ms)

    def begin(self, now_ms: int) -> None:
        """Measure from now on."""
        self.stored, self.since_ms, self.held_back = 0, now_ms, False

    def receipted(self, size: int, now_ms: int) -> None:
        """A receipt covers `size` bytes more."""
        self.stored += size
        took_ms = now_ms - self.since_ms
        if took_ms >= JUDGE_MS:
            if self.held_back:
                self.judge(self.stored * 1000 // took_ms)
            self.begin(now_ms)

    def judge(self, stored_per_s: int) -> None:
        """The platform stored so many bytes a second while more was there to send."""
        self.stored_per_s = stored_per_s
        if stored_per_s * 16 < self.bytes_per_s * 15:
            self.searching = False
            self.bytes_per_s = max(LEAST_PACE, stored_per_s * 7 // 8)
        else:
            grown = 2 * self.bytes_per_s if self.searching else self.bytes_per_s * 9 // 8
            self.bytes_per_s = min(MOST_PACE, grown)
