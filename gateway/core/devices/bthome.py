"""Driver `bthome`: sensors that broadcast BTHome v2, plain or encrypted, one advertisement at a time.

**What becomes an observation.** States (door, smoke, ...) when they change, and the first one heard where that is
the begun state or a door; presses of a button each; battery in steps; climate values as they come. The last state
is stored with the events that moved it, so a restart invents no change and a change missed while the hub was dead
is noticed.

**Copies.** A sensor sends one frame many times. Copies are told from new frames by their objects: the same
objects within `COPY_GAP_MS` of the last copy (with a packet id `PACKET_GAP_MS`) are one event. An encrypted copy
with an equal counter counts only within `REPLAY_AFTER_MS` of the first: after that it is a replay.

**Trust.** With a key, the counter must rise strictly and a plain frame is refused. An alarm of lane 0 in a
refused frame is delivered all the same, marked, with a fault beside it (DESIGN.md 3); what an unverified frame
says never ends an alarm, and never hides one that follows. docs/adr/0007-decoders.md says why. A counter that began
anew counts from there once a person has confirmed it (`bthome_counter.py`).
"""

from gateway.core.devices.bthome_counter import COUNTER_KEY, PEAK_KEY, Counter
from gateway.core.devices.bthome_frame import (
    INFO_TRIGGER,
    UUID,
    Frame,
    Header,
    decode_header,
    decode_objects,
    open_frame,
)
from gateway.core.devices.bthome_observer import PACKET_GAP_MS, Observer, gap_of
from gateway.core.devices.driver import (
    MALFORMED,
    REPEATED,
    REPLAYED,
    UNAUTHENTICATED_FRAME,
    AdvertisingDriver,
    Context,
    Reading,
)
from gateway.core.errors import DecodeError
from gateway.core.model import REPLAY_SUSPECTED, UNAUTHENTICATED, Observation
from hal.errors import DeniedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.types import Advertisement

REPLAY_AFTER_MS = 60_000
# A fault that lasts is told once in this time; a counter that says nothing new is stored once in this time.
FAULT_AGAIN_MS = 600_000
COUNTER_AGAIN_MS = 600_000
STATES_KEY = "states"
SUSPECTED = "device.replay_suspected"


class Heard:
    """The last frame of its sort: its bytes, what it carried, and when its first and last copy came."""

    __slots__ = ("data", "first_ms", "gap_ms", "last_ms", "objects", "refused")

    def __init__(
        self, data: bytes, objects: bytes, now_ms: int, gap_ms: int, refused: "tuple[str, str] | None" = None
    ) -> None:
        self.data = data
        self.objects = objects
        self.first_ms = self.last_ms = now_ms
        self.gap_ms = gap_ms
        self.refused = refused

    def recent(self, now_ms: int) -> bool:
        """Whether a copy now still belongs to this frame."""
        return now_ms - self.last_ms <= self.gap_ms


class Bthome(AdvertisingDriver):
    """One BTHome sensor. Options: none; a key makes encryption mandatory."""

    name = "bthome"
    safety = True

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.address = bytes.fromhex(context.address.replace(":", "")) if context.key_ref else b""
        self.counter = Counter(context.stored(COUNTER_KEY), context.stored(PEAK_KEY))
        self.observer = Observer(context.stored(STATES_KEY) or b"")
        self.accepted: "Heard | None" = None
        self.other: "Heard | None" = None
        # The last frame of ours that was refused for its counter, where none was accepted since: what may be a reset.
        self.behind: "Heard | None" = None
        self.behind_counter = -1
        self.faults_ms: "dict[str, int]" = {}
        self.counter_stored_ms = 0

    def advertised(self, advertisement: "Advertisement") -> Reading:
        """Decode one advertisement; copies and refusals come back as `refused`."""
        data = advertisement.service_data.get(UUID)
        if data is None:
            return Reading(heard=False)
        reading = self.judge(data, advertisement.received_ms)
        reading.triggered = bool(data) and bool(data[0] & INFO_TRIGGER)
        return reading

    def judge(self, data: bytes, now_ms: int) -> Reading:
        """Decode one frame: its service data."""
        copy = self.copy_of(data, now_ms)
        if copy is not None:
            return copy
        try:
            header = decode_header(data)
            if header.encrypted:
                return self.take_encrypted(data, header, now_ms)
            frame = decode_objects(data, header.offset)
        except DecodeError as error:
            return Reading(refused=(MALFORMED, str(error)), heard=False)
        if self.context.key_ref is not None:
            refused = (UNAUTHENTICATED_FRAME, TEXTS["plain"])
            reading = self.distrust(data, frame, UNAUTHENTICATED, refused, now_ms)
            reading.observations += self.fault("device.unauthenticated", {"reason": "plain"}, now_ms)
            return reading
        return self.take(Heard(data, data[header.offset :], now_ms, gap_of(frame)), frame, now_ms)

    def copy_of(self, data: bytes, now_ms: int) -> "Reading | None":
        """What to answer for one more copy of a frame already judged, or None."""
        heard = self.accepted
        if heard is not None and data == heard.data:
            if self.context.key_ref is not None:
                # A counter that stands still proves life for so long only.
                fresh = now_ms - heard.first_ms <= REPLAY_AFTER_MS
            else:
                fresh = heard.recent(now_ms)
            if fresh:
                heard.last_ms = now_ms
                return Reading(refused=(REPEATED, "a copy of the frame before"))
        heard = self.other
        if heard is not None and data == heard.data and heard.recent(now_ms):
            heard.last_ms = now_ms
            return Reading(refused=heard.refused, heard=False)
        return None

    # --- frames that are trusted ---

    def take(self, heard: Heard, frame: Frame, now_ms: int) -> Reading:
        """Observations of a frame that nothing speaks against. Without a key nothing speaks for it either."""
        before = self.accepted
        self.accepted = heard
        reading = Reading()
        if frame.broken is not None:
            reading.refused = (MALFORMED, frame.broken[1])
        if before is not None and before.objects == heard.objects and before.recent(now_ms):
            reading.refused = (REPEATED, "the same event again")
        else:
            # The first frame after a start may be a copy of the last one before it.
            copy = before.recent(now_ms) if before is not None else now_ms <= PACKET_GAP_MS
            provenance = UNAUTHENTICATED if self.context.key_ref is None else 0
            reading.observations = self.observer.observe(frame, now_ms, copy, provenance)
        self.store_states(reading)
        return reading

    def store_states(self, reading: Reading) -> None:
        """Put the states into the reading where they changed or have to stand beside what is reported."""
        states = self.observer.changed(bool(reading.observations))
        if states is not None:
            reading.state[STATES_KEY] = states

    def take_encrypted(self, data: bytes, header: Header, now_ms: int) -> Reading:
        """Open, check the counter, then as a plain frame."""
        key_ref = self.context.key_ref
        if key_ref is None:
            return self.refuse(data, "no_key", now_ms)
        try:
            objects = open_frame(
                data,
                header,
                self.address,
                lambda nonce, ciphertext, tag: self.context.crypto.aes_ccm_open(
                    key_ref, nonce, ciphertext, tag
                ),
            )
        except DeniedError:
            return self.refuse(data, "tag", now_ms)
        frame = decode_objects(objects)
        counter = header.counter
        if not self.counter.is_new(counter, now_ms):
            return self.replayed(data, frame, counter, now_ms)
        self.counter.take(counter, now_ms)
        self.behind = None  # the sensor counts on: what was refused was no reset
        reading = self.take(Heard(data, objects, now_ms, gap_of(frame)), frame, now_ms)
        unsaved = now_ms - self.counter_stored_ms >= COUNTER_AGAIN_MS or self.counter_stored_ms == 0
        if reading.observations or reading.state or unsaved:
            reading.state.update(self.counter.state())
            self.counter_stored_ms = max(1, now_ms)
        return reading

    # --- frames that are not ---

    def replayed(self, data: bytes, frame: Frame, counter: int, now_ms: int) -> Reading:
        """A counter that did not rise as it must: refused, its lane 0 alarm delivered as suspected."""
        # The very last frame again, or just after a start what must be it, is no fault: a slow sensor does that.
        last_counter = self.counter.last
        last = counter == last_counter and (self.accepted is None or self.accepted.data == data)
        if last and self.accepted is None and now_ms <= REPLAY_AFTER_MS:
            frame.presses = []  # delivered before the stop, with this counter
        refused = (REPLAYED, why_replayed(counter, last_counter))
        reading = self.distrust(data, frame, REPLAY_SUSPECTED, refused, now_ms)
        if counter != last_counter:
            self.behind, self.behind_counter = self.other, counter
        if reading.observations or not last:
            values: "dict[str, object]" = {"counter": counter, "last_counter": last_counter}
            reading.observations += self.fault(SUSPECTED, values, now_ms)
        return reading

    def counters(self) -> "tuple[int, int] | None":
        """The counter of a frame that was refused for it and may be a reset, and the last accepted one."""
        return None if self.behind is None else (self.behind_counter, self.counter.last)

    def confirm_reset(self, now_ms: int) -> Reading:
        """From now on the sensor counts from the refused frame, which itself is not taken."""
        heard = self.behind
        if heard is None:
            return Reading(heard=False)
        values: "dict[str, object]" = {"counter": self.behind_counter, "last_counter": self.counter.last}
        self.counter.reset(self.behind_counter, now_ms)
        self.accepted, self.other, self.behind = heard, None, None
        self.faults_ms.pop(SUSPECTED, None)  # a replay after this is told at once
        self.counter_stored_ms = max(1, now_ms)
        return Reading([Observation("device.counter_reset", values)], self.counter.state(), heard=False)

    def distrust(
        self, data: bytes, frame: Frame, provenance: int, refused: "tuple[str, str]", now_ms: int
    ) -> Reading:
        """Refuse a frame, but deliver the alarms of lane 0 in it with their provenance."""
        self.other = Heard(data, b"", now_ms, gap_of(frame), refused)
        reading = Reading(self.observer.alarms(frame, now_ms, provenance), refused=refused, heard=False)
        self.store_states(reading)
        return reading

    def refuse(self, data: bytes, why: str, now_ms: int) -> Reading:
        """Refuse a frame that cannot be read: nothing in it can be told, so only the fault is."""
        refused = (UNAUTHENTICATED_FRAME, TEXTS[why])
        self.other = Heard(data, b"", now_ms, PACKET_GAP_MS, refused)
        observations = self.fault("device.unauthenticated", {"reason": why}, now_ms)
        return Reading(observations, refused=refused, heard=False)

    def fault(self, kind: str, values: "dict[str, object]", now_ms: int) -> "list[Observation]":
        """A fault, unless the same was told within the last ten minutes."""
        key = kind + str(values.get("reason", ""))
        last_ms = self.faults_ms.get(key)
        if last_ms is not None and now_ms - last_ms < FAULT_AGAIN_MS:
            return []
        self.faults_ms[key] = now_ms
        return [Observation(kind, values)]


def why_replayed(counter: int, last_counter: int) -> str:
    """What is wrong with a counter."""
    if counter > last_counter:
        return "counter " + str(counter) + " is too far above " + str(last_counter) + " after a reset"
    return "counter " + str(counter) + " did not rise above " + str(last_counter)


TEXTS = {
    "plain": "a plain frame from a device that has a key",
    "tag": "the tag does not hold: another key, or not from this device",
    "no_key": "the frame is encrypted and no key is configured for this device",
}
