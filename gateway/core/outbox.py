"""What to send next, what a receipt means, and when to send again. No I/O: the hub asks and does.

The journal holds events until the platform's signed receipt covers them. Between the two stand three marks in
each lane: `acked` (receipted and forgotten), `sent` (handed to the broker on this connection), `last` (given
numbers). Rules and their source (DESIGN.md 4, Receipts and resending):

| receipt says                                  | verdict   | the hub                                  |
|-----------------------------------------------|-----------|------------------------------------------|
| another epoch                                 | FOREIGN   | forgets nothing                          |
| a number below what is forgotten              | STALE     | nothing in this lane                     |
| and below what this connection brought before | OUTDATED  | nothing; where it came live, says so     |
| a number never given, or another chain value  | FORK      | begins a new epoch, a technical event    |
| a number above `acked`, chain agrees          | PROGRESS  | forgets up to it                         |
| exactly `acked`, chain agrees                 | UNCHANGED | nothing; all lanes so: sends again now   |

A PUBACK moves nothing but the window: it is not delivery.
"""

from gateway.core.pace import Pace, Rate, work_of
from hal.types import LANES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hal.types import LaneMark

FOREIGN, STALE, FORK, PROGRESS, UNCHANGED = "foreign", "stale", "fork", "progress", "unchanged"
OUTDATED = "outdated"

FIRST_RESEND_MS = (10_000, 10_000, 60_000, 60_000, 60_000)
RESEND_CEILING_MS = 300_000
FORCED_RESEND_GAP_MS = 1_000  # an unchanged receipt sends again at most this often
URGENT_LANES = (0, 1)

# Order within a lane where a broker has lost what it took. A routine lane sends nothing beyond what is in doubt,
# an alarm takes it along: the platform acts on what arrives, so what is sent second must not arrive first.
HOLD_BACK_MS = 5_000
DOUBT_MS = 1_500
TOGETHER = 64  # alarms in doubt beyond that are a storm, and the newest does not wait for it

WINDOW_BUNDLES = 3  # handed over, PUBACK not yet here (DESIGN.md 8)
URGENT_WINDOW_BUNDLES = 2  # beside those, so that an alarm never waits for them
UNRECEIPTED_MS = 2_000  # at most so much of the measured rate may be on its way
LEAST_UNRECEIPTED_BYTES = 24 * 1024
BUNDLE_EVENTS = 128
# A routine bundle fills the line no longer than this, so that an alarm passes; three of them still fill a path of
# 64 kbit/s whose round trip is 600 ms.
BUNDLE_SLICE_MS = 350
LEAST_BUNDLE_BYTES = 2 * 1024
# A path may fall to 64 kbit/s at any moment: a window of these is through within 2.4 s even then.
MOST_BUNDLE_BYTES = 6 * 1024
FIRST_BUNDLE_BYTES = 4 * 1024
# Events of a bundle on a machine that signs in portable Python: with the rest of the message they stay within 2 KiB, as
# every signature hashes the message twice (ADR 0030).
SMALL_BUNDLE_BYTES = 1_536
# A broker may take no messages as large as ours, and MQTT 3.1.1 has no word for that: it ends the connection, or
# acknowledges and drops. After so many bundles without an answer smaller ones go, and after so many receipts larger ones.
SHRINK_AT, GROW_AT = 2, 64


class Flight:
    """A bundle handed to the broker: which numbers, how large, whether its PUBACK is still awaited."""

    __slots__ = ("first", "lane", "last", "size")

    def __init__(self, lane: int, first: int, last: int, size: int) -> None:
        self.lane = lane
        self.first = first
        self.last = last
        self.size = size


class Lane:
    """Where one lane stands on this connection."""

    __slots__ = (
        "acked",
        "deadline_ms",
        "gathered",
        "named",
        "sent",
        "sent_ms",
        "since_ms",
        "unreceipted",
        "wait_ms",
    )

    def __init__(self) -> None:
        self.acked = 0
        self.sent = 0
        self.gathered = 0  # the newest alarm that has taken others along
        self.named = 0  # the highest number that a verified receipt named on this connection
        self.sent_ms = 0  # when the newest of it went
        self.deadline_ms: "int | None" = None
        self.wait_ms = 0
        self.since_ms: "int | None" = None  # when the wait for a receipt began
        # Bundles sent and not receipted: last number, bytes, events.
        self.unreceipted: "list[tuple[int, int, int]]" = []

    def sizes_of_several(self) -> "list[int]":
        """Sizes of bundles on their way that hold more than one event: others cannot be smaller."""
        return [size for _, size, count in self.unreceipted if count > 1]


class Outbox:
    """Policy over lanes, windows and receipts. `random16` gives 0..65535 for jitter.

    `ceiling_bytes`: events a bundle may hold on this machine, whatever its path and its broker take.
    """

    def __init__(self, random16: "Callable[[], int]", ceiling_bytes: int = MOST_BUNDLE_BYTES) -> None:
        self.random16 = random16
        self.ceiling_bytes = ceiling_bytes
        self.lanes = [Lane() for _ in range(5)]
        self.flights: "list[Flight]" = []
        self.rate = Rate()
        self.pace = Pace()
        self.paced_ms: "int | None" = None  # when a routine bundle may go that its pace alone holds back
        self.answered = False  # whether a live receipt has come on this connection
        self.forced_ms = -FORCED_RESEND_GAP_MS
        self.most_bytes = ceiling_bytes  # a bundle may hold, as far as this broker has shown
        self.unanswered = 0
        self.taken = 0

    def connected(self, marks: "list[LaneMark]") -> None:
        """A fresh connection: everything not receipted goes again, from the oldest."""
        self.no_answer([flight.size for flight in self.flights if flight.last > flight.first])
        self.flights = []
        self.answered = False
        for number, mark in enumerate(marks):
            lane = self.lanes[number]
            lane.acked = mark.first - 1
            lane.gathered = lane.named = 0
            if mark.first > mark.last:  # given up meanwhile, or receipted: nothing is waited for
                lane.since_ms = None
            self.rewind(lane)

    def no_answer(self, sizes: "list[int]") -> None:
        """A connection ended, or a deadline passed, before bundles of these sizes, each of several events, had an answer."""
        self.unanswered += bool(sizes)
        if self.unanswered >= SHRINK_AT and sizes:
            self.unanswered = self.taken = 0
            self.most_bytes = max(1, min(self.most_bytes, max(sizes)) // 2)

    def answer(self, size: int) -> None:
        """The platform has a bundle of `size` bytes: so large a message passes."""
        if 2 * size >= self.most_bytes:
            self.unanswered = 0
        self.taken += 1
        if self.taken >= GROW_AT:
            self.taken = 0
            self.most_bytes = min(self.ceiling_bytes, 2 * self.most_bytes)

    def rewind(self, lane: Lane) -> None:
        """Send this lane again from the oldest."""
        lane.sent = lane.acked
        lane.unreceipted = []
        lane.deadline_ms = None

    def follow(self, marks: "list[LaneMark]") -> None:
        """What the journal gave up for space needs no receipt any more."""
        for number, mark in enumerate(marks):
            lane = self.lanes[number]
            if lane.acked < mark.first - 1:
                self.forget(lane, mark.first - 1)

    def forget(self, lane: Lane, seq: int) -> None:
        """The journal holds nothing up to `seq` any more."""
        lane.acked = seq
        lane.sent = max(lane.sent, seq)
        lane.unreceipted = [row for row in lane.unreceipted if row[0] > seq]
        if lane.sent == seq:
            lane.since_ms = None

    def next_lane(self, marks: "list[LaneMark]", now_ms: int) -> "int | None":
        """The lane whose next bundle may go now, or None. Alarm lanes first, and never behind a full window."""
        self.paced_ms = None
        routine = 0
        for flight in self.flights:
            routine += flight.lane not in URGENT_LANES
        for number, mark in enumerate(marks):
            lane = self.lanes[number]
            self.expire(lane, now_ms)
            if lane.sent >= mark.last:
                continue
            if number in URGENT_LANES:
                self.gather(lane, mark.last, now_ms)
                if len(self.flights) - routine < URGENT_WINDOW_BUNDLES:
                    return number
            elif self.is_doubtful(lane, now_ms, HOLD_BACK_MS):
                continue
            elif routine < WINDOW_BUNDLES:
                return number if self.may_go_on(now_ms) else None
        return None

    def may_go_on(self, now_ms: int) -> bool:
        """Whether one more routine bundle may go, by what is on its way and by the pace; `paced_ms` says when, if by that."""
        if self.unreceipted_bytes() >= self.unreceipted_limit():
            self.pace.held_back = True
            return False
        wait_ms = self.pace.wait_ms(now_ms)
        if wait_ms:
            self.paced_ms = now_ms + wait_ms
        return wait_ms == 0

    def is_doubtful(self, lane: Lane, now_ms: int, limit_ms: int) -> bool:
        """Whether what was sent of this lane may be lost: no receipt for `limit_ms`, or none on this connection yet."""
        if lane.sent <= lane.acked or lane.since_ms is None:
            return False
        return not self.answered or now_ms - lane.since_ms >= limit_ms

    def gather(self, lane: Lane, last: int, now_ms: int) -> None:
        """A new alarm behind doubtful ones takes them along before it, so that it does not overtake them.

        Once: where they take more than one bundle, the second follows the first. And no more than go out at once, the
        newest of them: it does not wait for one bundle after the other where a broker takes small ones only.
        """
        is_new = last > lane.gathered
        if is_new and last - lane.acked <= TOGETHER and self.is_doubtful(lane, now_ms, DOUBT_MS):
            lane.gathered = last
            bytes_each = sum([size for _, size, _ in lane.unreceipted]) // (lane.sent - lane.acked)
            at_once = URGENT_WINDOW_BUNDLES * max(1, self.bundle_limit() // max(1, bytes_each))
            self.go_back(lane, last - at_once)

    def go_back(self, lane: Lane, seq: int) -> None:
        """Send this lane again from behind `seq`, where more was sent."""
        if seq <= lane.acked:
            self.rewind(lane)
        elif seq < lane.sent:
            rows = [row for row in lane.unreceipted if row[0] <= seq]
            before = rows[-1][0] if rows else lane.acked
            last, size, count = lane.unreceipted[len(rows)]
            if before < seq:  # the bundle that is cut through
                rows.append(
                    (seq, size * (seq - before) // (last - before), count * (seq - before) // (last - before))
                )
            lane.sent, lane.unreceipted = seq, rows

    def expire(self, lane: Lane, now_ms: int) -> None:
        """No receipt in time: send the lane again from the oldest, and wait twice as long next time."""
        if lane.deadline_ms is not None and now_ms >= lane.deadline_ms:
            lane.wait_ms = min(RESEND_CEILING_MS, lane.wait_ms * 2)
            if self.answered:
                self.no_answer(lane.sizes_of_several())
            self.rewind(lane)

    def unreceipted_bytes(self) -> int:
        """What is on its way in the routine lanes."""
        return sum([size for lane in self.lanes[2:] for _, size, _ in lane.unreceipted])

    def unreceipted_limit(self) -> int:
        """Two seconds of the measured rate, which is the platform's where that is known, and enough to measure one."""
        rate = self.pace.stored_per_s or self.rate.bytes_per_s
        return max(LEAST_UNRECEIPTED_BYTES, rate * UNRECEIPTED_MS // 1000)

    def bundle_limit(self) -> int:
        """Bytes of events a bundle may hold."""
        if self.rate.bytes_per_s == 0:
            return min(self.most_bytes, FIRST_BUNDLE_BYTES)
        slice_bytes = self.rate.bytes_per_s * BUNDLE_SLICE_MS // 1000
        return min(self.most_bytes, max(LEAST_BUNDLE_BYTES, min(MOST_BUNDLE_BYTES, slice_bytes)))

    def sending(self, number: int, first: int, last: int, size: int, now_ms: int) -> Flight:
        """A bundle of lane `number` is handed over now."""
        lane = self.lanes[number]
        if not self.flights:
            self.rate.start(now_ms)
        flight = Flight(number, first, last, size)
        self.flights.append(flight)
        lane.sent, lane.sent_ms = last, now_ms
        if number not in URGENT_LANES:
            self.pace.sent(size, last - first + 1, now_ms, self.unreceipted_bytes() == 0)
        lane.unreceipted.append((last, size, last - first + 1))
        if lane.since_ms is None:
            lane.since_ms = now_ms
        if lane.deadline_ms is None:
            if lane.wait_ms == 0:
                lane.wait_ms = FIRST_RESEND_MS[number]
            lane.deadline_ms = now_ms + lane.wait_ms + lane.wait_ms * self.random16() // (4 * 65536)
        return flight

    def puback(self, flight: Flight, now_ms: int) -> None:
        """The broker has taken a bundle. Not delivery; makes room in the window."""
        if flight in self.flights:
            self.flights.remove(flight)
            self.rate.took(flight.size, now_ms, not self.flights)

    def judge(self, mark: "LaneMark", seq: int, chain: bytes, own_chain: "bytes | None") -> str:
        """What one lane of a receipt of our epoch means; `own_chain` is h(seq), None where we do not hold it."""
        if seq > mark.last:
            return FORK
        if seq < mark.first - 1:
            return STALE
        if own_chain != chain:
            return FORK
        return PROGRESS if seq >= mark.first else UNCHANGED

    def is_outdated(self, number: int, seq: int) -> bool:
        """Whether a receipt takes back what one before it said on this connection, on which order holds.

        So speaks a platform that was restored from a backup, or somebody who plays an old receipt again.
        """
        return seq < self.lanes[number].named

    def named(self, number: int, seq: int) -> None:
        """A verified receipt names this number of the lane."""
        lane = self.lanes[number]
        lane.named = max(lane.named, seq)

    def receipted(self, number: int, seq: int, now_ms: int) -> None:
        """A verified receipt covers lane `number` up to `seq`: the waiting starts anew.

        It says what a PUBACK would say, too: a broker that owes one must not hold the window closed.
        """
        lane = self.lanes[number]
        for flight in [flight for flight in self.flights if flight.lane == number and flight.last <= seq]:
            self.puback(flight, now_ms)
        for last, size, count in lane.unreceipted:
            if last <= seq:
                self.answer(size)
                if number not in URGENT_LANES:
                    self.pace.receipted(size, count)
        self.forget(lane, seq)
        lane.wait_ms = FIRST_RESEND_MS[number]
        lane.deadline_ms = now_ms + lane.wait_ms if lane.unreceipted else None
        lane.since_ms = now_ms if lane.unreceipted else None

    def receipt_ends(self, marks: "list[LaneMark]", now_ms: int) -> None:
        """`receipted` was called for every lane of a receipt: the pace is judged by all of it."""
        is_more = any([marks[number].last > self.lanes[number].sent for number in range(2, len(marks))])
        rows = [row for lane in self.lanes[2:] for row in lane.unreceipted]
        self.pace.receipt_ends(now_ms, is_more, sum([work_of(size, count) for _, size, count in rows]))

    def resend_now(self, now_ms: int) -> bool:
        """An unchanged receipt: send all again, at most once a second. True where something goes again."""
        if now_ms - self.forced_ms < FORCED_RESEND_GAP_MS:
            return False
        waiting = [lane for lane in self.lanes if lane.unreceipted]
        if waiting:
            self.forced_ms = now_ms
        for lane in waiting:
            self.rewind(lane)
        return bool(waiting)

    def left_out(self, now_ms: int, is_first: bool) -> bool:
        """A live receipt covers some lanes and not others: what it had time to cover was lost, and goes again.

        `is_first`: the first on this connection. The platform subscribed after we sent, so alarms go again at once,
        other lanes after DOUBT_MS. Later ones tell of alarms alone: only these are receipted at once. True where
        something goes again.
        """
        lost = []
        for number, lane in enumerate(self.lanes):
            is_urgent = number in URGENT_LANES
            doubt_ms = 0 if is_first and is_urgent else DOUBT_MS
            if lane.unreceipted and (is_first or is_urgent) and now_ms - lane.sent_ms >= doubt_ms:
                lost.append(lane)
        for lane in lost:
            self.rewind(lane)
        return bool(lost)

    def next_deadline_ms(self) -> "int | None":
        """When the next resend is due, or the next bundle by its pace, or None."""
        due = [lane.deadline_ms for lane in self.lanes if lane.deadline_ms is not None]
        if self.paced_ms is not None:
            due.append(self.paced_ms)
        return min(due) if due else None

    def waiting_since_ms(self, numbers: "tuple[int, ...]" = LANES) -> "int | None":
        """Since when something sent in these lanes has waited for a receipt that did not come, or None."""
        waiting = [self.lanes[number].since_ms for number in numbers]
        since = [since_ms for since_ms in waiting if since_ms is not None]
        return min(since) if since else None

    def alarms_wait(self, marks: "list[LaneMark]") -> bool:
        """Whether an alarm is on its way, or stored and about to go."""
        return any([marks[number].last > self.lanes[number].acked for number in URGENT_LANES])
