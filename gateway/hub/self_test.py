"""The nightly self-test of the whole way (N28): an event of the hub's own must come back as receipted within a limit.

It goes through everything an alarm goes through but the sensor: store, signature, broker, platform, receipt. It travels in the
technical lane, so no alarm waits for it and nobody is woken by it; only a failure reaches people. The hour is one in which
nobody uses the line, and each gateway has its own second of it, from its id: a city of them does not test at once.
"""

import hashlib

from gateway.core import cbor
from gateway.core.timezone import local_minutes
from hal.types import TECHNICAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.config import Config
    from gateway.hub.recorder import Recorder
    from gateway.hub.uplink import Delivery
    from hal.interfaces import Clock

STATE = "self_test"
# 03:00 to 06:00: after the changes of summer time in Central Europe (02:00), before people are up.
SPREAD_FROM_S, SPREAD_S = 3 * 3_600, 3 * 3_600
LATE_S = 3_600  # a hub that starts within an hour of its time tests, too
LIMIT_MS = 300_000  # one lost bundle is sent again after 60 s (DESIGN.md 4); two and a lost connection fit in
WITHOUT_CLOCK_MS = (
    90_000_000  # 25 h: without a known hour the test comes by the uptime, later than any night would have
)
RUNNING, PASSED, FAILED = 0, 1, 2
NAMES = {RUNNING: "running", PASSED: "passed", FAILED: "failed"}
# What stood in the way, as `reason` of self_test.failed; the words for people are in the daemon's catalogue.
NOT_STORED, GIVEN_UP, NO_CONNECTION, NO_RECEIPT = "not_stored", "given_up", "no_connection", "no_receipt"
OBSTACLES = (NOT_STORED, GIVEN_UP, NO_CONNECTION, NO_RECEIPT)
BEGUN_KIND, FAILED_KIND, PASSED_KIND = "self_test.begun", "self_test.failed", "self_test.passed"


def second_of_day(gateway: str, minute: "int | None") -> int:
    """Local second of the day at which this gateway tests itself: as configured, or spread by its id."""
    digest = int.from_bytes(hashlib.sha256(gateway.encode()).digest()[:4], "big")
    if minute is None:
        return SPREAD_FROM_S + digest % SPREAD_S
    return 60 * minute + digest % 60


class SelfTest:
    """One test at a time. `look` is called each few seconds and never waits for the way it tests.

    day: local day of the last test (days since 1970-01-01), or -1. result: of the last one, None where there was none.
    """

    def __init__(self, config: "Config", clock: "Clock", recorder: "Recorder", delivery: "Delivery") -> None:
        self.zone = config.hub.time_zone
        self.at_s = second_of_day(config.hub.id, config.hub.self_test_at)
        self.clock = clock
        self.recorder = recorder
        self.delivery = delivery
        self.due_ms = clock.uptime_ms() + WITHOUT_CLOCK_MS
        self.begun_ms: "int | None" = None  # uptime at which a test began that is not receipted yet
        self.first = self.seq = (
            0  # between these numbers of the technical lane its event stands, or 0: not stored,
        )
        self.epoch = b""  # and in which epoch
        self.gone = False  # given up for space
        self.day, self.took_ms, self.reason = -1, 0, ""
        self.result: "int | None" = None
        self.utc_ms: "int | None" = None
        self.cut_short = False
        kept = recorder.journal.state(STATE)
        if kept is not None:
            row: "list[Any]" = cbor.decode(kept)  # type: ignore[assignment]
            self.day, self.result, self.took_ms, self.reason = row[0], row[1], row[3], row[4]
            self.utc_ms = row[2] or None
            self.cut_short = self.result == RUNNING  # by a restart: it is begun again

    @property
    def runs(self) -> bool:
        """Whether a test is on its way, and within its limit."""
        return self.result == RUNNING

    async def look(self, now_ms: int) -> None:
        """Begin a test that is due, or see what has become of the one that runs."""
        if self.begun_ms is None or self.result == FAILED:
            day = self.due_day(now_ms)
            if day is not None:
                await self.begin(day, now_ms)
                return
        if self.begun_ms is not None:
            await self.follow(now_ms)

    def due_day(self, now_ms: int) -> "int | None":
        """The local day whose test is due now, or None; without a known hour the day before counts on."""
        utc_ms = self.clock.utc_ms()
        if self.cut_short or now_ms >= self.due_ms:
            return self.day if utc_ms is None else local_minutes(utc_ms, self.zone)[0]
        if utc_ms is None:
            return None
        day, minute, _ = local_minutes(utc_ms, self.zone)
        late_s = 60 * minute + utc_ms // 1000 % 60 - self.at_s
        return day if day != self.day and 0 <= late_s < LATE_S else None

    async def begin(self, day: int, now_ms: int) -> None:
        """Send the event."""
        self.day, self.begun_ms, self.due_ms, self.cut_short = day, now_ms, now_ms + WITHOUT_CLOCK_MS, False
        self.result, self.utc_ms, self.took_ms, self.reason = RUNNING, self.clock.utc_ms(), 0, ""
        epoch, before = self.recorder.journal.epoch, self.last()
        is_stored = await self.recorder.note(BEGUN_KIND, state=self.state())
        self.seq, self.epoch, self.gone = self.last() if is_stored else 0, self.recorder.journal.epoch, False
        self.first = before + 1 if self.epoch == epoch else self.seq

    async def follow(self, now_ms: int) -> None:
        """Whether it has come back, or is late."""
        took_ms = now_ms - (self.begun_ms or 0)
        if self.seq and self.epoch != self.recorder.journal.epoch:  # all that is held has other numbers now
            self.first = self.seq = self.last()
            self.epoch = self.recorder.journal.epoch
        for gone in self.recorder.journal.given_up():
            if gone.lane == TECHNICAL and gone.first <= self.seq and gone.last >= self.first:
                self.gone = True
        if self.seq and not self.gone and self.recorder.journal.mark(TECHNICAL).first > self.seq:
            self.begun_ms, self.result, self.took_ms, self.reason = None, PASSED, took_ms, ""
            await self.recorder.note(PASSED_KIND, state=self.state())
        elif self.result != FAILED and took_ms >= LIMIT_MS:
            self.result, self.took_ms, self.reason = FAILED, took_ms, self.obstacle()
            values: "dict[str, object]" = {"reason": self.reason}
            await self.recorder.note(FAILED_KIND, values=values, state=self.state())

    def obstacle(self) -> str:
        """What stood in the way, as far as the hub knows."""
        if not self.seq:
            return NOT_STORED
        if self.gone:
            return GIVEN_UP
        if not self.delivery.uplink.connected:
            return NO_CONNECTION
        return NO_RECEIPT

    def last(self) -> int:
        """The last number of the technical lane: the test's own, or one just after it."""
        return self.recorder.journal.mark(TECHNICAL).last

    def state(self) -> "dict[str, bytes | None]":
        """What a restart takes up."""
        return {STATE: cbor.encode([self.day, self.result, self.utc_ms or 0, self.took_ms, self.reason])}

    def facts(self) -> "dict[str, object] | None":
        """The last result, for `trygg status`; None where there was no test yet."""
        if self.result is None:
            return None
        utc_ms = self.clock.utc_ms()
        return {
            "result": NAMES[self.result],
            "utc_ms": self.utc_ms,
            "ago_ms": None if utc_ms is None or self.utc_ms is None else max(0, utc_ms - self.utc_ms),
            "took_ms": self.took_ms,
            "reason": self.reason,
        }
