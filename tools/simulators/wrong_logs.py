"""Dispensers that are wrong in how they hand over their log, or in what stands in it; see `wrong_dispensers`."""

from gateway.core import cbor
from gateway.core.devices.dispenser_messages import (
    ACK,
    AGAIN,
    ENTRY,
    LOG_FROM,
    Frame,
)
from tools.simulators.dispenser import DispenserDevice, Dose
from tools.simulators.dispenser_plan import CLOSED, OFFERED

Fields = dict[str, object]


# --- the log ----------------------------------------------------------------------------------------------------


class OneLater(DispenserDevice):
    """Takes the number asked for as the last that is known."""

    def obey_log(self, frame: Frame, fields: Fields, now_ms: int) -> bytes:
        number = int(str(fields["number"]))
        if frame.type == LOG_FROM and number <= self.log.newest:
            fields = {**fields, "number": number + 1}
        return super().obey_log(frame, fields, now_ms)


class Shuffled(DispenserDevice):
    """Sends the third of a window before the second."""

    def send_entry(self, number: int, flags: int) -> bytes:
        other = {1: number + 1, 2: number - 1}.get(number - self.base, number)
        return super().send_entry(other if self.base <= other <= self.log.newest else number, flags)


class Greedy(DispenserDevice):
    """Has eight entries on their way."""

    window = 8


class GivesUp(DispenserDevice):
    """Sends an entry four times, and no more."""

    def entries(self, now_ms: int) -> bytes:
        if self.retry_ms > 4000 and self.sent >= self.base:
            self.resend_at_ms = now_ms + 60_000
        return super().entries(now_ms)


class Slow(DispenserDevice):
    """Waits four times as long before it sends again."""

    first_retry_ms = 2000


class Unmarked(DispenserDevice):
    """Does not say that it has sent it before."""

    def send_entry(self, number: int, flags: int) -> bytes:
        return super().send_entry(number, flags & ~AGAIN)


class Presuming(DispenserDevice):
    """Takes a question from a number on for an acknowledgement of what stands before it."""

    def obey_log(self, frame: Frame, fields: Fields, now_ms: int) -> bytes:
        number = int(str(fields["number"]))
        if frame.type == LOG_FROM and fields["log_id"] == self.log.log_id and number <= self.log.newest:
            self.log.acknowledge(number - 1)
        return super().obey_log(frame, fields, now_ms)


class AnyLog(DispenserDevice):
    """Does not look at the log id."""

    def obey_log(self, frame: Frame, fields: Fields, now_ms: int) -> bytes:
        return super().obey_log(frame, {**fields, "log_id": self.log.log_id}, now_ms)


class AnyNumber(DispenserDevice):
    """Takes a number beyond what there is for the last one."""

    def obey_log(self, frame: Frame, fields: Fields, now_ms: int) -> bytes:
        most = self.log.newest + (frame.type == LOG_FROM)
        return super().obey_log(frame, {**fields, "number": min(int(str(fields["number"])), most)}, now_ms)


class Forgetful(DispenserDevice):
    """Does not remember what was acknowledged."""

    def obey_log(self, frame: Frame, fields: Fields, now_ms: int) -> bytes:
        before = self.log.acknowledged
        out = super().obey_log(frame, fields, now_ms)
        if frame.type == ACK:
            self.log.medium["acknowledged"] = before
        return out


class Restamped(DispenserDevice):
    """Sends an entry with the time of its sending."""

    def send_entry(self, number: int, flags: int) -> bytes:
        pairs = cbor.decode(self.log.payload(number))
        assert isinstance(pairs, dict)
        self.sendings = getattr(self, "sendings", 0) + 1
        return self.frame(ENTRY, cbor.encode({**pairs, 5: self.sendings}), flags)


# --- what the log says ------------------------------------------------------------------------------------------


class Nameless(DispenserDevice):
    """Does not say who collected a dose."""

    def log_event(self, kind: str, now_ms: int, **fields: object) -> int:
        if kind == "dose.collected":
            fields.pop("collected_by")
        return super().log_event(kind, now_ms, **fields)


class Nagging(DispenserDevice):
    """Logs a jam as often as it looks."""

    def run_plan(self, now_ms: int) -> None:
        if self.doses.is_so("jam"):
            self.log_event("dispenser.jammed", now_ms, cause="roll_stuck")
        super().run_plan(now_ms)


class PlansAnew(DispenserDevice):
    """Logs a dose as planned with each plan that has it."""

    def set_plan(self, doses: list[Dose], now_ms: int) -> None:
        known = [dose.dose_id for dose in doses if dose.dose_id in self.doses.by_id]
        super().set_plan(doses, now_ms)
        for dose in doses:
            if dose.dose_id in known:
                self.log_event("dose.planned", now_ms, **dose.announced())


class Unplanned(DispenserDevice):
    """Keeps its plan to itself."""

    def log_event(self, kind: str, now_ms: int, **fields: object) -> int:
        return 0 if kind == "dose.planned" else super().log_event(kind, now_ms, **fields)


class TwoEnds(DispenserDevice):
    """Says that a dose was missed after it was collected."""

    def collect(self, by: str, now_ms: int, dose_id: int | None = None) -> int | None:
        number = super().collect(by, now_ms, dose_id)
        closed = [dose for dose in self.doses.in_state(CLOSED) if dose.dose_id == 1]
        if number is not None and closed and not getattr(self, "told", False):
            self.told = True
            self.log_event("dose.missed", now_ms, cause="not_collected", **closed[0].reference(None))
        return number


class TwiceOut(DispenserDevice):
    """Puts a dose out again while it waits."""

    def run_plan(self, now_ms: int) -> None:
        waiting = self.doses.in_state(OFFERED)
        super().run_plan(now_ms)
        for dose in waiting:
            if dose.state == OFFERED:
                self.log_event("dose.dispensed", now_ms, **dose.reference(self.doses.remaining))


class Timeless(DispenserDevice):
    """Puts doses out though its clock is not set."""

    def log_event(self, kind: str, now_ms: int, **fields: object) -> int:
        number = super().log_event(kind, now_ms, **fields)
        if kind == "dose.dispensed":
            pairs = cbor.decode(self.log.payload(number))
            assert isinstance(pairs, dict)
            self.log.held[number] = cbor.encode({**pairs, 7: 2})
        return number
