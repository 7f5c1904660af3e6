"""Dispensers that are wrong in their frames, their answers, or in what they say of themselves; see `wrong_dispensers`."""

from typing import ClassVar

from gateway.core import cbor
from gateway.core.devices.dispenser_messages import (
    ANSWER,
    BAD_PAYLOAD,
    BEAT,
    DESCRIPTION,
    DONE,
    ERROR,
    HELLO,
    IDENTIFY,
    REFUSED,
    SET_TIME,
    Frame,
    VersionError,
    decode_frame,
)
from gateway.core.errors import DecodeError
from tools.simulators.dispenser import DispenserDevice
from tools.simulators.dispenser_plan import PLANNED

Fields = dict[str, object]


def read(raw: bytes) -> Frame | None:
    """The frame, None where it is none."""
    try:
        return decode_frame(raw)
    except DecodeError:
        return None


# --- frames, versions, errors -----------------------------------------------------------------------------------


class OwnNumber(DispenserDevice):
    """Answers under a number of its own."""

    def message(self, type: int, fields: Fields, flags: int = 0, seq: int | None = None) -> bytes:  # noqa: A002
        return super().message(type, fields, flags, None if type == DESCRIPTION else seq)


class DeafToVersions(DispenserDevice):
    """Says nothing to a gateway of another version."""

    def take(self, raw: bytes, now_ms: int) -> bytes:
        try:
            decode_frame(raw)
        except VersionError:
            return b""
        except DecodeError:
            pass
        return super().take(raw, now_ms)


class Fragile(DispenserDevice):
    """Refuses a payload that a later version has added to."""

    def take(self, raw: bytes, now_ms: int) -> bytes:
        frame = read(raw)
        if frame is not None and frame.type == HELLO and b"\x18\x18" in frame.payload:
            return self.error(BAD_PAYLOAD, frame)
        return super().take(raw, now_ms)


class Lenient(DispenserDevice):
    """Answers any hello, whatever it holds."""

    def take(self, raw: bytes, now_ms: int) -> bytes:
        frame = read(raw)
        if frame is not None and frame.type == HELLO:
            return self.message(DESCRIPTION, self.description(now_ms), ANSWER, frame.seq)
        return super().take(raw, now_ms)


class Chatty(DispenserDevice):
    """Answers noise."""

    def take(self, raw: bytes, now_ms: int) -> bytes:
        try:
            decode_frame(raw)
        except VersionError:
            pass
        except DecodeError:
            return self.message(ERROR, {"code": BAD_PAYLOAD})
        return super().take(raw, now_ms)


class Quarrelsome(DispenserDevice):
    """Answers errors by errors."""

    def take(self, raw: bytes, now_ms: int) -> bytes:
        frame = read(raw)
        if frame is not None and frame.type == ERROR:
            return self.error(BAD_PAYLOAD, frame)
        return super().take(raw, now_ms)


class Stuck(DispenserDevice):
    """After too long a frame it loses the next one, too."""

    def received(self, data: bytes, now_ms: int) -> bytes:
        if len(data) > 100 and b"\x00" not in data:
            self.deaf = True
            return b""
        if getattr(self, "deaf", False) and data:
            self.deaf = False
            return b""
        return super().received(data, now_ms)


class Hasty(DispenserDevice):
    """Takes what it gets in one piece for a whole frame."""

    def received(self, data: bytes, now_ms: int) -> bytes:
        self.framer.reset()
        return super().received(data, now_ms)


class Silent(DispenserDevice):
    """Says nothing to what it does not know."""

    def error(self, code: int, frame: Frame) -> bytes:
        return b"" if code == 2 else super().error(code, frame)


class Obliging(DispenserDevice):
    """Refuses an unknown type in words, and puts out a dose for it."""

    def take(self, raw: bytes, now_ms: int) -> bytes:
        frame = read(raw)
        if frame is not None and frame.type == 0x06:
            for dose in self.doses.in_state(PLANNED):
                self.doses.offer(dose)
                self.log_event("dose.dispensed", now_ms, **dose.reference(self.doses.remaining))
        return super().take(raw, now_ms)


class ZeroBetween(DispenserDevice):
    """One zero after each frame and none before."""

    def frame(self, type: int, payload: bytes, flags: int = 0, seq: int | None = None) -> bytes:  # noqa: A002
        return super().frame(type, payload, flags, seq)[1:]


class KeyOfItsOwn(DispenserDevice):
    """Adds a key below 24 to its beat."""

    def frame(self, type: int, payload: bytes, flags: int = 0, seq: int | None = None) -> bytes:  # noqa: A002
        if type == BEAT:
            pairs = cbor.decode(payload)
            assert isinstance(pairs, dict)
            payload = cbor.encode({**pairs, 20: 1})
        return super().frame(type, payload, flags, seq)


# --- commands and clock -----------------------------------------------------------------------------------------


class NoLamp(DispenserDevice):
    """Says that it can show itself, and cannot."""

    def obey(self, frame: Frame, fields: Fields, now_ms: int) -> bytes:
        if frame.type == IDENTIFY:
            return self.error(REFUSED, frame)
        return super().obey(frame, fields, now_ms)


class SecretClock(DispenserDevice):
    """Sets its clock without a word in the log."""

    def obey(self, frame: Frame, fields: Fields, now_ms: int) -> bytes:
        if frame.type == SET_TIME:
            self.utc_at_start_ms = int(str(fields["utc_ms"])) - self.uptime_ms(now_ms)
            return self.message(DONE, {"type": SET_TIME}, ANSWER, frame.seq)
        return super().obey(frame, fields, now_ms)


class SlowBeat(DispenserDevice):
    """Gives a sign of life half as often as it says."""

    def due(self, now_ms: int) -> bytes:
        if now_ms >= self.beat_at_ms:
            self.skips = not getattr(self, "skips", False)
            if self.skips:
                self.beat_at_ms = now_ms + 1000 * self.beat_s
        return super().due(now_ms)


# --- identity and uptime ----------------------------------------------------------------------------------------


class BeatOf(DispenserDevice):
    """Says something else in its beats than elsewhere."""

    says: ClassVar[Fields] = {}

    def beat(self, now_ms: int) -> Fields:
        return {**super().beat(now_ms), **self.says}


class OtherLog(BeatOf):
    """Its beats name another log."""

    says: ClassVar[Fields] = {"log_id": b"another!"}


class Forgotten(BeatOf):
    """Its beats say that nothing was ever acknowledged."""

    says: ClassVar[Fields] = {"acknowledged": 0}


class BackwardUptime(BeatOf):
    """Its beats count from 0 again."""

    says: ClassVar[Fields] = {"uptime_ms": 0}


class NoBoot(DispenserDevice):
    """Its beats carry no boot id."""

    def message(self, type: int, fields: Fields, flags: int = 0, seq: int | None = None) -> bytes:  # noqa: A002
        boot = self.boot
        self.boot = 0 if type == BEAT else boot
        out = super().message(type, fields, flags, seq)
        self.boot = boot
        return out


class SameBoot(DispenserDevice):
    """Keeps its boot id for ever."""

    def start(self, now_ms: int, utc_ms: int | None) -> None:
        super().start(now_ms, utc_ms)
        self.boot = 0x5A5A5A5A


class VolatileLog(DispenserDevice):
    """Keeps its log where a power cut reaches it, and begins again under the same id."""

    def power_cut(self, now_ms: int, off_ms: int = 0, keeps_clock: bool = True) -> None:
        self.log.held.clear()
        self.log.medium["newest"] = self.log.medium["acknowledged"] = 0
        super().power_cut(now_ms, off_ms, keeps_clock)
