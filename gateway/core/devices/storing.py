"""Devices that keep readings while nobody listens, and hand them out through a record access control point.

Once the steps of a connection are done, the request is written; each record is durable before the driver takes the next
step, and one that has been stored is told from a new one. The clock is set only when every record of its old setting is
here. A transfer that ends otherwise than well is begun anew at the next visit.
"""

import hashlib

from gateway.core.devices import record_access
from gateway.core.devices.driver import INCOMPLETE, MALFORMED, REPEATED, Context, Reading, Step
from gateway.core.devices.health import HealthDevice
from gateway.core.devices.record_access import CONTROL_POINT, RecordAccess
from gateway.core.errors import DecodeError
from gateway.core.model import Observation

SEEN_KEY = "seen"
MARK_SIZE = 8
MARKS_KEPT = 30  # as many as the Pulse Oximeter Service recommends to store


class Seen:
    """Marks of the latest records, oldest first: a device may hand one out again that it was not told is here."""

    __slots__ = ("marks",)

    def __init__(self, stored: "bytes | None") -> None:
        self.marks = stored or b""

    @staticmethod
    def mark_of(observation: Observation) -> bytes:
        """What tells a record from others: its kind, and what the device itself tells it by."""
        return hashlib.sha256(observation.kind.encode() + (observation.record or b"")).digest()[:MARK_SIZE]

    def has(self, mark: bytes) -> bool:
        """Whether it was seen lately."""
        return mark in [self.marks[at : at + MARK_SIZE] for at in range(0, len(self.marks), MARK_SIZE)]

    def add(self, mark: bytes) -> bytes:
        """Remember one; what to store."""
        self.marks = (self.marks + mark)[-MARKS_KEPT * MARK_SIZE :]
        return self.marks


class StoringDevice(HealthDevice):
    """A health device with a memory.

    record_stream: the characteristic that brings its records. `access` is None where there is nothing to ask, or the
    device does not let us. again_ms: how long after a transfer to ask again on the same connection, or 0.
    """

    record_stream = ""
    again_ms = 0

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.seen = Seen(context.stored(SEEN_KEY))
        self.access = RecordAccess()
        self.may_ask = False
        self.ask_at_ms: "int | None" = None  # when to write the request; None while it runs, and after it
        self.failures = 0
        self.brought = 0  # records of this connection that were not here before
        self.broke = False  # a transfer on it did not come to its end

    def request(self) -> bytes:
        """What to ask the control point for."""
        return record_access.REPORT_ALL

    def stores(self) -> bool:
        """Whether the device keeps records, as far as its features say."""
        return True

    def ended(self, outcome: str) -> "bytes | None":
        """A request came to an end: another one that is needed to have everything, or None."""
        return None

    # --- a connection -------------------------------------------------------------------------------------------

    def steps(self, characteristics: "list[str]") -> "list[Step]":
        """Indications of the control point and of the records are on before anything is asked (else error 0xFD)."""
        steps = super().steps(characteristics)
        self.access = RecordAccess()
        self.brought, self.broke = 0, False
        self.may_ask = CONTROL_POINT in characteristics and self.record_stream in characteristics
        self.ask_at_ms = 0 if self.may_ask else None
        if self.may_ask:
            at = [step.characteristic for step in steps].index(self.record_stream) + 1
            steps.insert(at, Step("subscribe", CONTROL_POINT))
        return steps

    def is_fetching(self) -> bool:
        """Until the transfer has ended well, or cannot be had; what is left in the device has the date of its present clock."""
        return self.broke or (
            self.may_ask and self.stores() and (self.ask_at_ms == 0 or self.access.running != 0)
        )

    def next_due_ms(self, now_ms: int) -> "int | None":
        """For the clocks, the request, and the silence in the midst of a transfer."""
        times = [super().next_due_ms(now_ms), self.access.due_ms()]
        if self.may_ask and self.stores():
            times.append(self.ask_at_ms)
        known = [at for at in times if at is not None]
        return min(known) if known else None

    def due(self, now_ms: int, utc_ms: "int | None") -> Reading:
        """Ask, or give a transfer up that has fallen silent."""
        reading = super().due(now_ms, utc_ms)
        if self.access.is_silent(now_ms):
            self.fail(reading, "no record and no answer within 5 s")
        elif self.may_ask and self.stores() and self.ask_at_ms is not None and self.ask_at_ms <= now_ms:
            self.ask(reading, self.request(), now_ms)
        return reading

    def denied(self, step: Step, now_ms: int) -> Reading:
        """Without its indications there is no procedure; a write that is refused may mean that one is still under way."""
        if step.action == "subscribe" and step.characteristic in (CONTROL_POINT, self.record_stream):
            self.may_ask = False
        if (step.action, step.characteristic) != ("write", CONTROL_POINT):
            return super().denied(step, now_ms)
        reading = Reading(heard=False)
        instead = self.access.denied(now_ms)
        if instead:
            reading.steps.append(Step("write", CONTROL_POINT, instead))
        else:
            self.fail(reading, "the device refuses the request", leave=False)
        return reading

    def notified(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        """A record, an answer of the control point, or what every health device sends."""
        if characteristic == CONTROL_POINT:
            return self.answered(characteristic, value, now_ms)
        reading = super().notified(characteristic, value, now_ms)
        if characteristic == self.record_stream:
            if self.access.running:
                self.access.heard(now_ms)
            self.tell_apart(reading)
        return reading

    # --- the procedure ------------------------------------------------------------------------------------------

    def ask(self, reading: Reading, request: bytes, now_ms: int) -> None:
        """Write a request once what `reading` says is durable."""
        self.ask_at_ms = None
        reading.steps.append(Step("write", CONTROL_POINT, self.access.begin(request, now_ms)))

    def answered(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        """An indication of the control point."""
        reading = Reading()
        try:
            outcome = self.access.answered(value, now_ms)
        except DecodeError as error:
            return Reading(refused=(MALFORMED, characteristic + ": " + str(error)))
        if outcome == record_access.AGAIN:
            reading.steps.append(Step("write", CONTROL_POINT, self.access.request))
        elif outcome == record_access.FAILED:
            self.fail(reading, "response code " + str(self.access.code))
        elif outcome != record_access.RUNNING:
            self.finish(reading, outcome, now_ms)
        return reading

    def finish(self, reading: Reading, outcome: str, now_ms: int) -> None:
        """A request came to its end; one that the device does not know brought nothing."""
        more = self.ended(outcome)
        if more is not None:
            self.ask(reading, more, now_ms)
            return
        if outcome == record_access.UNKNOWN:
            reading.refused = (INCOMPLETE, "response code " + str(self.access.code))
        self.failures = 0
        self.ask_at_ms = now_ms + self.again_ms if self.again_ms else None

    def fail(self, reading: Reading, why: str, leave: bool = True) -> None:
        """Begin anew at the next visit, which comes at once where this one brought something, or is the first to fail.

        A device that fails each time is not left again and again: its live readings would be lost for that.
        """
        self.failures += 1
        reading.refused = (INCOMPLETE, why)
        self.broke = True
        reading.leave = leave and (self.brought > 0 or self.failures == 1)
        self.may_ask = reading.leave and self.may_ask

    def tell_apart(self, reading: Reading) -> None:
        """Keep the mark of each record; one that is here already is counted and not told again."""
        fresh = []
        for observation in reading.observations:
            mark = b"" if observation.record is None else Seen.mark_of(observation)
            if mark and self.seen.has(mark):
                reading.refused = (REPEATED, self.record_stream + ": a record that is stored already")
                continue
            fresh.append(observation)
            if mark:
                self.brought += 1
                reading.state[SEEN_KEY] = self.seen.add(mark)
        reading.observations = fresh
