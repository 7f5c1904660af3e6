"""A dispenser at the far end of the line: the reference device of docs/protocols/dispenser.md, without I/O.

Portable, so that it runs where a dispenser's own firmware might: bytes in, bytes out, time as an argument.

    device = DispenserDevice(medium, random=os.urandom, now_ms=0, utc_ms=1_790_000_000_000)
    device.set_plan([Dose(7, planned_utc_ms, window_end_utc_ms)], now_ms)
    to_send = device.received(bytes_from_the_line, now_ms)     # or device.due(now_ms) at device.next_due_ms()
    device.collect("resident", now_ms)
    device.power_cut(now_ms)                                   # what is in `medium` outlives it, nothing else does

`now_ms` is the bench's clock and never goes back; the device's own uptime and wall clock are made from it.
"""

from gateway.core.devices.dispenser_events import CAUSE_CODES, COLLECTOR_CODES, EVENT_CODES
from gateway.core.devices.dispenser_messages import (
    ACK,
    AGAIN,
    ANSWER,
    BAD_PAYLOAD,
    BEAT,
    CAN_IDENTIFY,
    CAN_SET_TIME,
    COMMANDS,
    DESCRIPTION,
    DONE,
    ENTRY,
    ERROR,
    FROM_DEVICE,
    HELLO,
    LOG_FROM,
    LOG_STATE,
    MAX_FRAME,
    OUT_OF_RANGE,
    REFUSED,
    SET_TIME,
    UNKNOWN_LOG,
    UNKNOWN_TYPE,
    VERSION,
    WRONG_VERSION,
    Frame,
    VersionError,
    decode_frame,
    decode_payload,
    encode_frame,
    encode_payload,
)
from gateway.core.errors import DecodeError
from gateway.core.framing import cobs
from gateway.core.model import CLOCK_NOT_SET, CLOCK_SET
from tools.simulators.dispenser_plan import OFFERED, PLANNED, DeviceLog, Dose, Doses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Fields = dict[str, object]

FIRST_RETRY_MS, LAST_RETRY_MS = 500, 8000
WINDOW = 4  # entries on their way without acknowledgement
FEW_DOSES = 3
TRAVEL = ("travel", "travel_with_carer")
# What can be so or not: the events with which it begins and ends (D15).
STATES = {
    "lid": ("lid.opened", "lid.closed"),
    "tamper": ("tamper.detected", "tamper.cleared"),
    "battery": ("battery.low", "battery.restored"),
    "mains": ("mains.lost", "mains.restored"),
    "jam": ("dispenser.jammed", "dispenser.released"),
    "problem": ("problem.detected", "problem.cleared"),
}

IDENTITY: "dict[str, object]" = {
    "maker": "Trygg",
    "model": "Reference dispenser",
    "serial_number": "0001",
    "firmware": "1.0",
    "capabilities": 0b111_1111_1111_1111,
}

__all__ = ["DispenserDevice", "Dose"]


class DispenserDevice:
    """State of one dispenser. Durable in `medium`: log, plan, doses left. Volatile: everything else.

    random: gives the log id and boot ids. utc_ms: its wall clock now, None while it is not set.
    """

    window = WINDOW
    first_retry_ms = FIRST_RETRY_MS

    def __init__(
        self,
        medium: "dict[str, object]",
        random: "Callable[[int], bytes]",
        now_ms: int = 0,
        utc_ms: "int | None" = None,
        identity: "Fields | None" = None,
        beat_s: int = 60,
        capacity: int = 1000,
    ) -> None:
        self.random = random
        self.log = DeviceLog(medium, random, capacity)
        self.doses = Doses(medium)
        self.identity = dict(IDENTITY)
        self.identity.update(identity or {})
        self.beat_s = beat_s
        self.battery_pct = 100
        self.start(now_ms, utc_ms)

    def start(self, now_ms: int, utc_ms: "int | None") -> None:
        """Power on: a new boot id, uptime 0, nothing known of a gateway."""
        self.boot = 1 + int.from_bytes(self.random(4), "big") % 0xFFFF_FFFF  # never 0, which means unknown
        self.started_ms = now_ms
        self.utc_at_start_ms = utc_ms
        self.framer = cobs.Framer(cobs.encoded_size(MAX_FRAME))
        self.seq = 0
        self.base = self.log.acknowledged + 1  # the oldest entry on its way
        self.sent = self.base - 1  # the newest entry on its way
        self.retry_ms = self.first_retry_ms
        self.resend_at_ms = now_ms
        self.beat_at_ms = now_ms + 1000 * self.beat_s
        self.identify_until_ms = now_ms
        self.announced = False

    # --- what people and the world do to it ---------------------------------------------------------------------

    def power_cut(self, now_ms: int, off_ms: int = 0, keeps_clock: bool = True) -> None:
        """Mains and battery gone for `off_ms`, then on again; without a backed-up clock its time is lost."""
        utc_ms = self.utc_ms(now_ms)
        self.start(now_ms + off_ms, utc_ms + off_ms if keeps_clock and utc_ms is not None else None)

    def set_plan(self, doses: "list[Dose]", now_ms: int) -> None:
        """A new plan: doses not known are logged as planned, planned ones that are no longer in it as withdrawn."""
        wanted = [dose.dose_id for dose in doses]
        for dose in self.doses.in_state(PLANNED):
            if dose.dose_id not in wanted:
                self.doses.withdraw(dose)
                self.log_event("dose.withdrawn", now_ms, **dose.reference(None))
        for dose in doses:
            if self.doses.add(dose):
                self.log_event("dose.planned", now_ms, **dose.announced())

    def collect(self, by: str, now_ms: int, dose_id: "int | None" = None) -> "int | None":
        """Someone takes the dose that is put out, or the planned dose `dose_id` early. Number in the log, or None.

        What is taken along on a journey is collected as planned; anything else before its time is at the wrong time.
        """
        for dose in self.doses.in_state(OFFERED) + self.doses.in_state(PLANNED):
            if dose.dose_id == dose_id or (dose_id is None and dose.state == OFFERED):
                early = dose.state == PLANNED
                if early:
                    self.doses.remaining -= 1
                self.doses.close(dose)
                kind = "dose.wrong_time" if early and by not in TRAVEL else "dose.collected"
                fields = dose.reference(self.doses.remaining)
                fields["collected_by"] = by
                return self.log_event(kind, now_ms, **fields)
        return None

    def refill(self, remaining: int, now_ms: int) -> None:
        """A carer puts in a new roll."""
        self.doses.remaining = remaining
        self.log_event("refill.done", now_ms, remaining_doses=remaining, cause="roll_handled")

    def jam(self, now_ms: int) -> None:
        """The roll sticks: nothing is put out until somebody frees it."""
        self.turn("jam", True, now_ms, cause="roll_stuck")

    def release(self, now_ms: int) -> None:
        """A carer frees the roll."""
        self.turn("jam", False, now_ms, cause="roll_handled")

    def turn(self, state: str, begins: bool, now_ms: int, **fields: object) -> None:
        """A state of `STATES` begins or ends: told once, however long it lasts and whatever happens to the power."""
        if self.doses.set_state(state, begins):
            self.log_event(STATES[state][0 if begins else 1], now_ms, **fields)

    def log_event(self, kind: str, now_ms: int, **fields: object) -> int:
        """Write an entry to the log; it is durable before anything is sent. Causes and collectors by name."""
        utc_ms = self.utc_ms(now_ms)
        if "cause" in fields:
            fields["cause"] = CAUSE_CODES[fields["cause"]]  # type: ignore[index]
        if "collected_by" in fields:
            fields["collected_by"] = COLLECTOR_CODES[fields["collected_by"]]  # type: ignore[index]
        fields["event"] = EVENT_CODES[kind]
        fields["boot"] = self.boot
        fields["uptime_ms"] = self.uptime_ms(now_ms)
        fields["utc_ms"] = utc_ms
        fields["clock"] = CLOCK_NOT_SET if utc_ms is None else CLOCK_SET
        return self.log.append(fields)

    # --- its clock ----------------------------------------------------------------------------------------------

    def uptime_ms(self, now_ms: int) -> int:
        """Since this power-on."""
        return max(0, now_ms - self.started_ms)

    def utc_ms(self, now_ms: int) -> "int | None":
        """Its own wall clock, None while it is not set."""
        return None if self.utc_at_start_ms is None else self.utc_at_start_ms + self.uptime_ms(now_ms)

    def identifying(self, now_ms: int) -> bool:
        """Whether it is showing itself."""
        return now_ms < self.identify_until_ms

    # --- the line -----------------------------------------------------------------------------------------------

    def received(self, data: bytes, now_ms: int) -> bytes:
        """Bytes from the gateway; what to send at once."""
        out = b""
        for item in self.framer.push(data):
            if not isinstance(item, DecodeError):
                out += self.take(item, now_ms)
        return out + self.due(now_ms)

    def due(self, now_ms: int) -> bytes:
        """What time has brought: doses, the beat, entries new or not acknowledged in time."""
        self.run_plan(now_ms)
        out = b""
        if not self.announced:
            self.announced = True
            out += self.message(DESCRIPTION, self.description(now_ms))
        if now_ms >= self.beat_at_ms:
            self.beat_at_ms = now_ms + 1000 * self.beat_s
            out += self.message(BEAT, self.beat(now_ms))
        return out + self.entries(now_ms)

    def next_due_ms(self) -> int:
        """When `due` has something to do, on the bench's clock; at once after a new event."""
        times = [self.beat_at_ms]
        if self.sent >= self.base:
            times.append(self.resend_at_ms)
        if not self.announced or (self.sent < self.log.newest and self.sent - self.base + 1 < self.window):
            times.append(0)
        if self.utc_at_start_ms is not None:
            times += [at - self.utc_at_start_ms + self.started_ms for at in self.doses.times_ms()]
        return min(times)

    def run_plan(self, now_ms: int) -> None:
        """Put out what is due and lock away what was not collected. Without a set clock nothing is put out."""
        utc_ms = self.utc_ms(now_ms)
        if utc_ms is None:
            return
        for dose in self.doses.in_state(PLANNED):
            if dose.planned_utc_ms <= utc_ms < dose.window_end_utc_ms and self.doses.can_offer:
                self.doses.offer(dose)
                self.log_event("dose.dispensed", now_ms, **dose.reference(self.doses.remaining))
                if self.doses.remaining == FEW_DOSES:
                    self.log_event("refill.due", now_ms, remaining_doses=FEW_DOSES, cause="few_left")
        for dose in self.doses.in_state(PLANNED) + self.doses.in_state(OFFERED):
            if utc_ms >= dose.window_end_utc_ms:
                cause = "not_collected" if dose.state == OFFERED else "technical_fault"
                if dose.state == PLANNED and self.doses.remaining == 0:
                    cause = "out_of_medicine"
                self.doses.close(dose)
                fields = dose.reference(self.doses.remaining)
                fields["cause"] = cause
                self.log_event("dose.missed", now_ms, **fields)

    def entries(self, now_ms: int) -> bytes:
        """Entries within the window: those not sent yet, and after the time-out all of it again."""
        self.base = max(self.base, self.log.first)
        out = b""
        again = self.sent >= self.base and now_ms >= self.resend_at_ms
        if again:
            self.resend_at_ms = now_ms + self.retry_ms
            self.retry_ms = min(2 * self.retry_ms, LAST_RETRY_MS)
            for number in range(self.base, self.sent + 1):
                out += self.send_entry(number, AGAIN)
        self.sent = max(self.sent, self.base - 1)
        while self.sent < self.log.newest and self.sent < self.base + self.window - 1:
            if self.sent < self.base:
                self.first_wait(now_ms)
            self.sent += 1
            out += self.send_entry(self.sent, 0)
        return out

    def first_wait(self, now_ms: int) -> None:
        """Begin the time-out of the oldest entry on its way."""
        self.resend_at_ms = now_ms + self.first_retry_ms
        self.retry_ms = 2 * self.first_retry_ms

    def send_entry(self, number: int, flags: int) -> bytes:
        """One entry as it was logged."""
        return self.frame(ENTRY, self.log.payload(number), flags)

    def message(self, type: int, fields: "Fields", flags: int = 0, seq: "int | None" = None) -> bytes:  # noqa: A002
        """A frame with these fields."""
        return self.frame(type, encode_payload(type, fields), flags, seq)

    def frame(self, type: int, payload: bytes, flags: int = 0, seq: "int | None" = None) -> bytes:  # noqa: A002
        """A frame of the device's; an answer carries the number of its request."""
        if seq is None:
            self.seq = (self.seq + 1) & 0xFFFF
            seq = self.seq
        return encode_frame(Frame(type, seq, self.boot, flags | FROM_DEVICE, payload))

    def standing(self, now_ms: int) -> "Fields":
        """Keys 1 to 7 of every message that says where it stands."""
        utc_ms = self.utc_ms(now_ms)
        return {
            "log_id": self.log.log_id,
            "first": self.log.first,
            "newest": self.log.newest,
            "acknowledged": self.log.acknowledged,
            "uptime_ms": self.uptime_ms(now_ms),
            "utc_ms": utc_ms,
            "clock": CLOCK_NOT_SET if utc_ms is None else CLOCK_SET,
        }

    def description(self, now_ms: int) -> "Fields":
        """Who it is."""
        fields = self.standing(now_ms)
        fields.update(self.identity)
        fields["versions"] = [VERSION, VERSION]
        fields["beat_s"] = self.beat_s
        return fields

    def beat(self, now_ms: int) -> "Fields":
        """Sign of life."""
        fields = self.standing(now_ms)
        fields["battery_pct"] = self.battery_pct
        fields["mains"] = not self.doses.is_so("mains")
        fields["remaining_doses"] = self.doses.remaining
        return fields

    # --- commands -----------------------------------------------------------------------------------------------

    def take(self, raw: bytes, now_ms: int) -> bytes:
        """One frame of the gateway's; the answer, empty for noise."""
        try:
            frame = decode_frame(raw)
        except VersionError:
            return self.message(ERROR, {"code": WRONG_VERSION, "versions": [VERSION, VERSION]})
        except DecodeError:
            return b""
        if frame.from_device or frame.type == ERROR:
            return b""
        if frame.type not in COMMANDS.values():
            return self.error(UNKNOWN_TYPE, frame)
        try:
            fields = decode_payload(frame)
        except DecodeError:
            return self.error(BAD_PAYLOAD, frame)
        return self.obey(frame, fields, now_ms)

    def obey(self, frame: Frame, fields: "Fields", now_ms: int) -> bytes:
        """The five commands there are."""
        if frame.type == HELLO:
            return self.message(DESCRIPTION, self.description(now_ms), ANSWER, frame.seq)
        if frame.type in (LOG_FROM, ACK):
            return self.obey_log(frame, fields, now_ms)
        needed = CAN_SET_TIME if frame.type == SET_TIME else CAN_IDENTIFY
        if not self.identity["capabilities"] & needed:  # type: ignore[operator]
            return self.error(REFUSED, frame)
        if frame.type == SET_TIME:
            self.utc_at_start_ms = fields["utc_ms"] - self.uptime_ms(now_ms)  # type: ignore[operator]
            self.log_event("clock.trusted", now_ms, cause="set_by_gateway")
        else:
            self.identify_until_ms = now_ms + 1000 * fields["seconds"]  # type: ignore[operator]
        return self.message(DONE, {"type": frame.type}, ANSWER, frame.seq)

    def obey_log(self, frame: Frame, fields: "Fields", now_ms: int) -> bytes:
        """LOG_FROM moves what is sent, ACK what is stored; neither goes past what there is."""
        number: int = fields["number"]  # type: ignore[assignment]
        if fields["log_id"] != self.log.log_id:
            return self.error(UNKNOWN_LOG, frame)
        if number > self.log.newest + (frame.type == LOG_FROM):
            return self.error(OUT_OF_RANGE, frame)
        if frame.type == ACK:
            self.log.acknowledge(number)
            if number >= self.base:
                self.base = number + 1
                self.first_wait(now_ms)
            return b""
        self.base = max(number, self.log.first)
        self.sent = self.base - 1
        return self.message(LOG_STATE, self.standing(now_ms), ANSWER, frame.seq)

    def error(self, code: int, frame: Frame) -> bytes:
        """The answer to what it cannot do."""
        return self.message(ERROR, {"code": code, "type": frame.type}, ANSWER, frame.seq)
