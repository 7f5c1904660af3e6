"""Driver of the open dispenser protocol over a serial line. Specification: docs/protocols/dispenser.md.

The order of things, each step asked for again (0.5 s doubling to 8 s) until it is answered:

    opened -> hello -> description (fresh: it answers our own hello) -> log_from cursor + 1 -> entries, one ack a call

The cursor, log id and number of the last entry taken, is read from the journal's state at every call and written
with the observations that moved it; an acknowledgement leaves by `send_after` only, or names what was durable
before. So the driver needs one promise of the hub: the append of one Reading has ended, well or not, before
`received` is called again. If it failed, the entry is simply not taken yet and the device sends it again.

A log that was lost, replaced, overwritten or went back is said as `device.log_lost`, once, in the same append as
the cursor that passes it.
"""

from gateway.core import cbor
from gateway.core.devices.dispenser_events import (
    Anchor,
    Now,
    described,
    described_values,
    observation_of,
    reported,
    unread,
)
from gateway.core.devices.dispenser_log import Cursor, Turn, read_cursor, settle, standing_of
from gateway.core.devices.dispenser_messages import (
    ANSWER,
    BAD_PAYLOAD,
    BEAT,
    CAN_SET_TIME,
    CAPABILITIES,
    DESCRIPTION,
    DONE,
    ENTRY,
    ERROR,
    HELLO,
    IDENTIFY,
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
    decode_entry,
    decode_frame,
    decode_payload,
    log_position,
)
from gateway.core.devices.dispenser_requests import Requests
from gateway.core.devices.driver import MALFORMED, REPEATED, Reading, SerialDriver
from gateway.core.errors import DecodeError
from gateway.core.framing import cobs
from gateway.core.model import CLOCK_SET, Observation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.driver import Context

    Fields = dict[str, object]

BEAT_S = 60
SILENT_BEATS = 3
STALL_MS = 60_000  # a log that holds more and has brought nothing for so long is a fault
TIME_OFF_MS = 30_000  # a device whose clock is further off is offered ours
TIME_AGAIN_MS = 60_000
OUR_UNCERTAINTY_MS = 1000
BATTERY_STEP_PCT = 5


class Dispenser(SerialDriver):
    """A medicine dispenser that speaks the open protocol. It is read; nothing here can make it dispense."""

    name = "dispenser"
    baud = 115_200
    interval_s = BEAT_S

    def __init__(self, context: "Context") -> None:
        super().__init__(context)
        self.framer = cobs.Framer(cobs.encoded_size(MAX_FRAME))
        self.requests = Requests()
        self.abilities = 0
        self.anchor: "Anchor | None" = None
        self.heard_ms: "int | None" = None
        self.progress_ms = 0
        self.unsettled_ms: "int | None" = None  # since when it is heard without answering our hello
        self.time_offered_ms: "int | None" = None
        self.time_refused = False
        self.handlers = {
            DESCRIPTION: self.on_description,
            LOG_STATE: self.on_log_state,
            BEAT: self.on_beat,
            DONE: self.on_done,
            ERROR: self.on_error,
        }

    def can(self, described: "dict[str, str]") -> "list[str]":
        """The capabilities of its last description, which outlives a restart; bits without a word are left out."""
        features = described.get("features", "")
        bits = int(features) if features and all([digit in "0123456789" for digit in features]) else 0
        return [CAPABILITIES[bit] for bit in range(len(CAPABILITIES)) if bits >> bit & 1]

    # --- the driver's face --------------------------------------------------------------------------------------

    def opened(self, now_ms: int, utc_ms: "int | None") -> Reading:
        """Forget the half frame and what was known of the device; ask who is there."""
        self.framer.reset()
        self.requests.reset()
        self.anchor = None
        self.heard_ms = now_ms
        self.unsettled_ms = None
        self.time_offered_ms = None
        self.time_refused = False
        turn = self.begin(now_ms, utc_ms)
        self.requests.ask(HELLO, turn)
        return self.finish(turn)

    def received(self, data: bytes, now_ms: int, utc_ms: "int | None") -> Reading:
        """Bytes from the line. `heard` only where a whole frame of the device came."""
        turn = self.begin(now_ms, utc_ms)
        for item in self.framer.push(data):
            if isinstance(item, DecodeError):
                turn.refusals.append((MALFORMED, str(item)))
            else:
                self.take(item, turn)
        return self.finish(turn)

    def due(self, now_ms: int, utc_ms: "int | None") -> Reading:
        """Ask again, or ask a device that has not been heard for three beats."""
        turn = self.begin(now_ms, utc_ms)
        if self.requests.pending is not None:
            self.requests.repeat(turn)
        elif self.silent_at_ms() <= now_ms:
            self.requests.ask(HELLO, turn)
        return self.finish(turn)

    def next_due_ms(self, now_ms: int) -> "int | None":
        """When the request is to be sent again, or the device counts as silent; None before the line is open."""
        if self.heard_ms is None:
            return None
        pending = self.requests.pending
        return pending.at_ms if pending is not None else self.silent_at_ms()

    def identify(self, seconds: int) -> bytes:
        """The frame that asks the device to show itself by light or sound for `seconds` (1 to 60)."""
        return self.requests.frame(IDENTIFY, {"seconds": seconds})

    # --- turns and requests -------------------------------------------------------------------------------------

    def begin(self, now_ms: int, utc_ms: "int | None") -> Turn:
        """A turn that starts from what the journal holds, never from what we hope it has stored."""
        return Turn(now_ms, utc_ms, read_cursor(self.context.stored("cursor")))

    def finish(self, turn: Turn) -> Reading:
        """The Reading: one acknowledgement for all that was taken, after it is stored."""
        send_after = []
        if turn.taken and turn.cursor is not None:
            send_after.append(self.requests.acknowledgement(turn.cursor))
        elif turn.repeated and turn.durable is not None and turn.durable is turn.cursor:
            turn.send.append(self.requests.acknowledgement(turn.durable))
        return Reading(
            turn.observations,
            turn.state,
            turn.refused(),
            heard=turn.heard,
            send=turn.send,
            send_after=send_after,
        )

    def silent_at_ms(self) -> int:
        """Uptime at which the device has been silent for three of its beats."""
        return (self.heard_ms or 0) + SILENT_BEATS * self.interval_s * 1000

    # --- frames -------------------------------------------------------------------------------------------------

    def take(self, raw: bytes, turn: Turn) -> None:
        """One frame, as COBS gave it."""
        try:
            frame = decode_frame(raw)
        except VersionError as error:
            turn.refusals.append((MALFORMED, str(error)))
            versions: "Fields" = {"code": WRONG_VERSION, "versions": [VERSION, VERSION]}
            turn.send.append(self.requests.frame(ERROR, versions))
            return
        except DecodeError as error:
            turn.refusals.append((MALFORMED, str(error)))
            return
        if not frame.from_device:
            turn.refusals.append((MALFORMED, "our own frame came back: the line has an echo or a loop"))
            return
        turn.heard = True
        self.heard_ms = turn.now_ms
        if frame.boot != self.requests.boot and frame.type != DESCRIPTION:
            self.requests.ask(HELLO, turn)  # it has started again, or has not told yet who it is
        if frame.type == ENTRY:
            self.on_entry(frame, turn)
            return
        self.dispatch(frame, turn)

    def dispatch(self, frame: Frame, turn: Turn) -> None:
        """Read the payload and hand it to the message's own method."""
        handler = self.handlers.get(frame.type)
        try:
            if handler is not None:
                handler(frame, decode_payload(frame), turn)
                return
            code, detail = UNKNOWN_TYPE, "message type " + str(frame.type) + " is unknown"
        except DecodeError as error:
            code, detail = BAD_PAYLOAD, str(error)
        turn.refusals.append((MALFORMED, detail))
        if frame.type != ERROR:
            self.answer_error(code, frame, turn)

    def answer_error(self, code: int, frame: Frame, turn: Turn) -> None:
        """Tell the device what we could not use. An error is never answered by an error."""
        turn.send.append(self.requests.frame(ERROR, {"code": code, "type": frame.type}, ANSWER, frame.seq))

    def on_description(self, frame: Frame, fields: "Fields", turn: Turn) -> None:
        """Who is there. Only the answer to our own hello counts: anything else may have waited in a buffer."""
        if not self.requests.answered(HELLO, frame):
            self.requests.ask(HELLO, turn)
            return
        self.requests.boot = frame.boot
        self.abilities = fields["capabilities"]  # type: ignore[assignment]
        self.interval_s = fields["beat_s"]  # type: ignore[assignment]
        self.progress_ms = turn.now_ms
        self.unsettled_ms = None
        self.learn_uptime(fields, turn)
        self.settle(fields, turn)
        if self.changed("described", described_values(fields), turn):
            turn.observations.append(described(fields))
        self.offer_time(fields, turn)
        self.requests.ask(LOG_FROM, turn)

    def on_log_state(self, frame: Frame, fields: "Fields", turn: Turn) -> None:
        """The log is read from where we asked; entries follow."""
        if self.requests.answered(LOG_FROM, frame):
            self.settle(fields, turn)

    def on_beat(self, frame: Frame, fields: "Fields", turn: Turn) -> None:
        """Sign of life: clock, state, and how far the log has grown."""
        if not self.following(frame):
            if self.unsettled_ms is None:
                self.unsettled_ms = turn.now_ms
            elif turn.now_ms - self.unsettled_ms > STALL_MS:
                self.stall(turn)
            return
        self.learn_uptime(fields, turn)
        self.settle(fields, turn)
        for observation in reported(fields):
            key = "battery" if observation.kind == "battery.measured" else "reported"
            if self.changed(key, observation.values, turn):
                turn.observations.append(observation)
        self.offer_time(fields, turn)
        self.watch_progress(fields, turn)

    def on_done(self, frame: Frame, fields: "Fields", turn: Turn) -> None:
        """A command was done; there is nothing to undo or repeat."""

    def on_error(self, frame: Frame, fields: "Fields", turn: Turn) -> None:
        """The device could not use a frame of ours."""
        turn.refusals.append((MALFORMED, "the device answered error " + str(fields["code"])))
        if fields["code"] in (UNKNOWN_LOG, OUT_OF_RANGE):
            self.requests.start_over(turn)
        elif fields["code"] == REFUSED and fields.get("type") == SET_TIME:
            self.time_refused = True

    def following(self, frame: Frame) -> bool:
        """Whether frames of this boot count: it has described itself and no new hello is on its way."""
        return frame.boot == self.requests.boot and not self.requests.asking_hello

    # --- the log ------------------------------------------------------------------------------------------------

    def on_entry(self, frame: Frame, turn: Turn) -> None:
        """The next entry is taken, an older one acknowledged again, a gap asked for."""
        found = self.read_entry(frame, turn)
        if found is None or not self.following(frame):
            return  # not settled where the log stands: it comes again
        log_id, number, observation = found
        cursor = turn.cursor
        if cursor is None or log_id != cursor.log_id:
            self.requests.ask(HELLO, turn)
        elif number == cursor.number + 1:
            turn.observations.append(observation)
            turn.move(Cursor(log_id, number))
            turn.taken = True
            self.progressed(turn)
        elif number <= cursor.number:
            turn.repeated = True
            turn.refusals.append((REPEATED, "log entry " + str(number) + " again"))
        elif self.requests.pending is None:
            self.requests.ask(LOG_FROM, turn)

    def read_entry(self, frame: Frame, turn: Turn) -> "tuple[bytes, int, Observation] | None":
        """(log id, number, observation) of an entry; one that is not readable is kept as it came, where it has a number."""
        try:
            fields, unreadable = decode_entry(frame)
            observation = observation_of(fields, unreadable, Now(turn.now_ms, turn.utc_ms, self.anchor))
            return fields["log_id"], fields["number"], observation  # type: ignore[return-value]
        except DecodeError as error:
            self.answer_error(BAD_PAYLOAD, frame, turn)
            position = log_position(frame)
            if position is None:
                turn.refusals.append((MALFORMED, str(error)))
                return None
            return position[0], position[1], unread(position, str(error), frame.payload)

    def settle(self, fields: "Fields", turn: Turn) -> None:
        """Compare the device's log with the cursor; what was lost is said, a lost acknowledgement sent again."""
        standing = standing_of(fields)
        settle(standing, self.why_replaced(fields), turn)
        if turn.durable is not None and standing.acknowledged < turn.durable.number:
            turn.repeated = True

    def why_replaced(self, fields: "Fields") -> str:
        """Whether another log is a new one of the same device, or another device."""
        stored = self.context.stored("described")
        known = cbor.decode(stored) if stored is not None else None
        serial_number = fields.get("serial_number")
        if (
            isinstance(known, dict)
            and serial_number is not None
            and known.get("serial_number") != serial_number
        ):
            return "device_replaced"
        return "log_replaced"

    def watch_progress(self, fields: "Fields", turn: Turn) -> None:
        """A device that is heard while its log does not arrive is a fault, not a quiet day."""
        if turn.cursor is None or fields["newest"] <= turn.cursor.number:  # type: ignore[operator]
            self.progressed(turn)
        elif turn.now_ms - self.progress_ms > STALL_MS:
            self.stall(turn)
            self.requests.ask(LOG_FROM, turn)

    def stall(self, turn: Turn) -> None:
        """Say once that the log does not arrive."""
        if self.changed("stalled", {}, turn):
            turn.observations.append(Observation("problem.detected", {"reason": "log_does_not_arrive"}))

    def progressed(self, turn: Turn) -> None:
        """An entry arrived, or none is left to arrive: a log that had stalled goes on."""
        self.progress_ms = turn.now_ms
        if self.context.stored("stalled") is not None and "stalled" not in turn.state:
            turn.state["stalled"] = None
            turn.observations.append(Observation("problem.cleared", {"reason": "log_does_not_arrive"}))

    # --- clock and state ----------------------------------------------------------------------------------------

    def learn_uptime(self, fields: "Fields", turn: Turn) -> None:
        """Hold the device's uptime against ours, where this frame tells it better than the last."""
        uptime_ms: int = fields["uptime_ms"]  # type: ignore[assignment]
        anchor = Anchor(self.requests.boot or 0, uptime_ms, turn.now_ms)
        if anchor.better_than(self.anchor):
            self.anchor = anchor

    def offer_time(self, fields: "Fields", turn: Turn) -> None:
        """Offer our time to a device that can take it and has none, or is off; never insist."""
        if turn.utc_ms is None or self.time_refused or not self.abilities & CAN_SET_TIME:
            return
        utc_ms = fields.get("utc_ms")
        right = fields["clock"] == CLOCK_SET and utc_ms is not None
        if right and abs(utc_ms - turn.utc_ms) <= TIME_OFF_MS:  # type: ignore[operator]
            return
        if self.time_offered_ms is None or turn.now_ms - self.time_offered_ms >= TIME_AGAIN_MS:
            self.time_offered_ms = turn.now_ms
            ours: "Fields" = {"utc_ms": turn.utc_ms, "uncertainty_ms": OUR_UNCERTAINTY_MS}
            turn.send.append(self.requests.frame(SET_TIME, ours))

    def changed(self, key: str, values: "Fields", turn: Turn) -> bool:
        """Whether `values` differ from what was last stored under `key`; if so they are stored with this turn."""
        packed = cbor.encode(values)
        held = turn.state[key] if key in turn.state else self.context.stored(key)
        if held == packed or (key == "battery" and held is not None and near(held, values)):
            return False
        turn.state[key] = packed
        return True


def near(held: bytes, values: "dict[str, object]") -> bool:
    """Whether a battery level is within a step of the one last said."""
    before = cbor.decode(held)
    if not isinstance(before, dict):
        return False
    return abs(before["battery_pct"] - values["battery_pct"]) < BATTERY_STEP_PCT  # type: ignore[no-any-return]
