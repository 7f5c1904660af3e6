"""What the dispenser's log entries mean: event codes, causes, who collected, and the device's word on when.

One entry is one observation. What the hub's dose rule needs comes the same way: the device logs each planned
dose before its time (`dose.planned`: `dose_id`, `planned_utc_ms`, `window_end_utc_ms`, on the device's clock) and
each change of plan (`dose.withdrawn`, then `dose.planned` with a new `dose_id`); what became of a dose follows with
the same `dose_id` as `dose.collected`, `dose.missed` or `dose.wrong_time`. A planned dose whose window has passed
without one of these, while the dispenser is silent, is unconfirmed and never missed.
"""

from gateway.core.devices.dispenser_messages import (
    BEAT,
    BOOT_MAX,
    DESCRIPTION,
    ENTRY,
    HEADER_SIZE,
    decode_entry,
    decode_frame,
    decode_payload,
)
from gateway.core.errors import DecodeError
from gateway.core.framing import cobs
from gateway.core.model import CLOCK_SET, CLOCK_UNKNOWN, DeviceTime, Observation

# event code: kind. IEEE 11073 and VKP codes of each kind stand in the registry and in the specification.
EVENTS = {
    1: "dose.planned",
    2: "dose.withdrawn",
    3: "dose.dispensed",
    4: "dose.collected",
    5: "dose.missed",
    6: "dose.wrong_time",
    16: "refill.due",
    17: "refill.done",
    18: "dispenser.jammed",
    19: "dispenser.released",
    20: "lid.opened",
    21: "lid.closed",
    22: "tamper.detected",
    23: "tamper.cleared",
    24: "battery.low",
    25: "battery.restored",
    26: "mains.lost",
    27: "mains.restored",
    28: "clock.untrusted",
    29: "clock.trusted",
    30: "problem.detected",
    31: "problem.cleared",
    32: "dispenser.reported",
    33: "battery.measured",
}
EVENT_CODES = {kind: code for code, kind in EVENTS.items()}
OUTCOMES = (
    "dose.collected",
    "dose.missed",
    "dose.wrong_time",
)  # after one of these a planned dose is accounted for

# Causes 1 to 23 are the VKP alert codes 1.1 to 1.23; from 32 on our own.
CAUSES = {
    1: "not_collected",
    2: "out_of_medicine",
    3: "no_confirmation",
    4: "message_not_read",
    5: "technical_fault",
    6: "pouch_not_read",
    7: "roll_fault",
    8: "roll_stuck",
    9: "tray_full",
    10: "medicine_waits",
    11: "short_for_travel",
    12: "few_left",
    13: "empty",
    14: "no_plan",
    15: "plan_changed",
    16: "roll_handled",
    17: "battery_low",
    18: "battery_empty",
    19: "no_mains",
    20: "no_contact",
    21: "lid_open",
    22: "break_in",
    23: "misplaced",
    32: "power_cut",
    33: "self_test",
    34: "set_by_gateway",
    35: "set_by_hand",
    36: "set_by_network",
    37: "never_set",
}
CAUSE_CODES = {name: code for code, name in CAUSES.items()}

# VKP dispensing events 1, 1.1, 1.2, 1.3, 2.1, 2.2 in that order.
COLLECTORS = {
    0: "unknown",
    1: "resident",
    2: "carer",
    3: "as_needed",
    4: "travel",
    5: "travel_with_carer",
}
COLLECTOR_CODES = {name: code for code, name in COLLECTORS.items()}

COPIED = (
    "dose_id",
    "planned",
    "planned_utc_ms",
    "window_end_utc_ms",
    "remaining_doses",
    "battery_pct",
)

DESCRIBED = ("maker", "model", "serial_number", "firmware", "hardware")

RTC_SLACK_MS = 2000  # a set clock this close to what its uptime tells is taken at its word
LATENCY_MS = 1000  # how late a line may hand over a frame
DRIFT_PARTS = 10_000  # 100 ppm: a plain crystal over a home's temperatures
ANCHOR_HOLDS_MS = 1_000_000  # then drift has passed a tenth of a second and a newer frame dates better


class Anchor:
    """The device's uptime against the hub's, learned from a frame: dates entries whatever the device's clock says."""

    __slots__ = ("boot", "learned_ms", "offset_ms")

    def __init__(self, boot: int, device_uptime_ms: int, now_ms: int) -> None:
        self.boot = boot
        self.offset_ms = now_ms - device_uptime_ms
        self.learned_ms = now_ms

    def better_than(self, other: "Anchor | None") -> bool:
        """Whether it arrived with less delay than `other`, or that one has drifted with age."""
        return (
            other is None
            or self.boot != other.boot
            or self.offset_ms < other.offset_ms
            or self.learned_ms - other.learned_ms > ANCHOR_HOLDS_MS
        )


class Now:
    """The hub's own time when bytes came, and what it knows of the device's uptime."""

    __slots__ = ("anchor", "uptime_ms", "utc_ms")

    def __init__(
        self, uptime_ms: int = 0, utc_ms: "int | None" = None, anchor: "Anchor | None" = None
    ) -> None:
        self.uptime_ms = uptime_ms
        self.utc_ms = utc_ms
        self.anchor = anchor


def word(table: "dict[int, str]", code: int) -> str:
    """The name of a code; `#57` for one this version does not know."""
    return table.get(code, "#" + str(code))


def record_of(log_id: bytes, number: int) -> bytes:
    """What identifies an entry for ever: a re-read entry is never a second event (hazard H5)."""
    return log_id + number.to_bytes(8, "big")


def observation_of(entry: "dict[str, object]", unreadable: "list[str]", now: Now) -> Observation:
    """The one observation of an entry. An event code that is not known is reported, never dropped."""
    values: "dict[str, object]" = {"log_number": entry["number"]}
    for name in COPIED:
        if name in entry:
            values[name] = entry[name]
    if "cause" in entry:
        values["cause"] = word(CAUSES, entry["cause"])  # type: ignore[arg-type]
    if "collected_by" in entry:
        values["collected_by"] = word(COLLECTORS, entry["collected_by"])  # type: ignore[arg-type]
    if unreadable:
        values["reason"] = "unreadable: " + " ".join(unreadable)
    code: int = entry["event"]  # type: ignore[assignment]
    kind = EVENTS.get(code)
    if kind is None:
        kind = "dispenser.reported"
        values["event_code"] = code
    record = record_of(entry["log_id"], entry["number"])  # type: ignore[arg-type]
    return Observation(kind, values, record, device_time_of(entry, now))


def device_time_of(entry: "dict[str, object]", now: Now) -> "DeviceTime | None":
    """The device's stamp to the letter, and the best estimate of when; None where it gave no stamp at all.

    raw is `boot/uptime_ms` or `boot/uptime_ms/utc_ms`, the boot id in eight hex digits, `-` for what is missing.
    A set clock counts, unless uptime shows that it is off; without one, uptime since the same boot dates the entry.
    """
    boot, uptime_ms, utc_ms = entry.get("boot"), entry.get("uptime_ms"), entry.get("utc_ms")
    if boot is None and uptime_ms is None and utc_ms is None:
        return None
    raw = hex8(boot) + "/" + ("-" if uptime_ms is None else str(uptime_ms))
    if utc_ms is not None:
        raw += "/" + str(utc_ms)
    clock: int = entry.get("clock", CLOCK_UNKNOWN)  # type: ignore[assignment]
    estimate_ms, uncertainty_ms = by_uptime(boot, uptime_ms, now)
    if clock == CLOCK_SET and utc_ms is not None:
        stated_ms = entry.get("uncertainty_ms")
        slack_ms = (stated_ms or 0) + (uncertainty_ms or 0) + RTC_SLACK_MS  # type: ignore[operator]
        if estimate_ms is None or abs(utc_ms - estimate_ms) <= slack_ms:  # type: ignore[operator]
            return DeviceTime(raw, clock, utc_ms, stated_ms)  # type: ignore[arg-type]
    return DeviceTime(raw, clock, estimate_ms, uncertainty_ms)


def by_uptime(boot: object, uptime_ms: object, now: Now) -> "tuple[int | None, int | None]":
    """(utc_ms, uncertainty_ms) of an uptime of the boot that the anchor is of, while the hub's clock is trusted."""
    anchor = now.anchor
    if now.utc_ms is None or anchor is None or anchor.boot != boot or uptime_ms is None:
        return None, None
    age_ms = now.uptime_ms - anchor.offset_ms - uptime_ms  # type: ignore[operator]
    if age_ms < -LATENCY_MS:
        return None, None  # the device speaks of what has not been: its uptime does not hold
    return now.utc_ms - max(0, age_ms), LATENCY_MS + abs(age_ms) // DRIFT_PARTS


def hex8(boot: object) -> str:
    """A boot id as eight hex digits, `-` where it is missing."""
    if not isinstance(boot, int) or not 0 <= boot <= BOOT_MAX:
        return "-"
    return "{:08x}".format(boot)


def described_values(fields: "dict[str, object]") -> "dict[str, object]":
    """What a description says of the device itself."""
    values = {name: fields[name] for name in DESCRIBED if name in fields}
    values["features"] = fields["capabilities"]
    return values


def described(fields: "dict[str, object]") -> Observation:
    """A description as an observation."""
    return Observation("device.described", described_values(fields))


def reported(fields: "dict[str, object]") -> "list[Observation]":
    """A beat's own facts as observations; an empty list where it tells none."""
    observations = []
    state: "dict[str, object]" = {
        name: fields[name] for name in ("remaining_doses", "mains") if name in fields
    }
    if state:
        observations.append(Observation("dispenser.reported", state))
    if "battery_pct" in fields:
        observations.append(Observation("battery.measured", {"battery_pct": fields["battery_pct"]}))
    return observations


def unread(position: "tuple[bytes, int]", why: str, payload: bytes) -> Observation:
    """An entry that cannot be read: kept as it came, so that the log goes on and nothing is lost in silence."""
    values: "dict[str, object]" = {"log_number": position[1], "reason": why, "raw": payload}
    return Observation("problem.detected", values, record_of(position[0], position[1]))


def decode_stream(data: bytes) -> "list[Observation | DecodeError]":
    """What a recorded stream of frames says, in order, for `trygg decode serial dispenser`.

    Frames of either side are checked; entries, descriptions and beats give observations. The last frame may lack
    its delimiter. A DecodeError's offset counts from the start of `data`.
    """
    found: "list[Observation | DecodeError]" = []
    at = 0
    for piece in bytes(data).split(cobs.DELIMITER):
        if piece:
            try:
                found += decode_piece(piece, at)
            except DecodeError as error:
                found.append(error)
        at += len(piece) + 1
    return found


def decode_piece(piece: bytes, at: int) -> "list[Observation]":
    """Observations of one encoded frame that begins at `at`. Raises DecodeError with the offset in the stream."""
    start = at
    try:
        raw = cobs.decode(piece)
        start = at + 1  # COBS puts one byte before a frame of up to 254
        frame = decode_frame(raw)
        start = at + 1 + HEADER_SIZE
        if frame.type == ENTRY:
            fields, unreadable = decode_entry(frame)
            return [observation_of(fields, unreadable, Now())]
        fields = decode_payload(frame)
    except DecodeError as error:
        raise DecodeError(error.reason, start + max(0, error.offset))
    if frame.type == DESCRIPTION:
        return [described(fields)]
    return reported(fields) if frame.type == BEAT else []
