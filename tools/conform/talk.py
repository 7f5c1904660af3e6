"""The conversation with a device under test: frames out, frames in, and what must hold of every frame it sends."""

from collections import defaultdict
from typing import Any

from gateway.core.devices.dispenser_messages import (
    BEAT,
    COMMANDS,
    DESCRIPTION,
    ENTRY,
    ERROR,
    LOG_STATE,
    MAX_FRAME,
    Frame,
    VersionError,
    decode_frame,
    decode_payload,
    encode_frame,
    encode_payload,
)
from gateway.core.errors import DecodeError
from gateway.core.framing import cobs
from tools.conform.line import Line

ANSWER_MS = 2000
FLAGS = 0b111
EXAMPLES = 3  # of one finding


class Heard:
    """One whole frame of the device. `fields` are empty where its payload cannot be read."""

    def __init__(self, at_ms: int, frame: Frame, fields: dict[str, Any]) -> None:
        self.at_ms = at_ms
        self.frame = frame
        self.fields = fields


class Talk:
    """`wrong` gathers, by check, what no frame of a device may be, whatever was being checked when it came."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.framer = cobs.Framer(cobs.encoded_size(MAX_FRAME))
        self.wrong: dict[str, list[str]] = defaultdict(list)
        self.heard: list[Heard] = []
        self.entries: dict[tuple[bytes, int], bytes] = {}
        self.frames = self.zeros = 0
        self.seq = 0
        self.boot = 0
        self.standing: dict[str, Any] = {}

    def find(self, check: str, what: str) -> None:
        """Something is wrong; a few examples of each are enough."""
        if what not in self.wrong[check] and len(self.wrong[check]) < EXAMPLES:
            self.wrong[check].append(what)

    # --- out ----------------------------------------------------------------------------------------------------

    def frame(self, kind: int, payload: bytes, flags: int = 0) -> bytes:
        """A frame of the gateway's, under a number of its own, which is then `seq`."""
        self.seq = (self.seq + 1) & 0xFFFF
        return encode_frame(Frame(kind, self.seq, self.boot, flags, payload))

    def command(self, kind: int, fields: dict[str, Any]) -> int:
        """Send one; its number."""
        self.line.send(self.frame(kind, encode_payload(kind, fields)))
        return self.seq

    def ask(self, kind: int, fields: dict[str, Any], wait_ms: int = ANSWER_MS) -> Heard | None:
        """Send one and wait for its answer."""
        return self.answer_to(self.command(kind, fields), wait_ms)

    def ask_raw(self, kind: int, payload: bytes, flags: int = 0, wait_ms: int = ANSWER_MS) -> Heard | None:
        """The same with a payload that no table allows."""
        self.line.send(self.frame(kind, payload, flags))
        return self.answer_to(self.seq, wait_ms)

    # --- in -----------------------------------------------------------------------------------------------------

    def answer_to(self, seq: int, wait_ms: int = ANSWER_MS) -> Heard | None:
        """The answer to that number, or None where none came in time."""
        end_ms = self.line.now_ms() + wait_ms
        while True:
            before = len(self.heard)
            self.take(self.line.receive(max(0, end_ms - self.line.now_ms())))
            for one in self.heard[before:]:
                if one.frame.is_answer and one.frame.seq == seq:
                    return one
            if self.line.now_ms() >= end_ms:
                return None

    def listen(self, wait_ms: int) -> list[Heard]:
        """Everything that comes within a time."""
        before = len(self.heard)
        end_ms = self.line.now_ms() + wait_ms
        while self.line.now_ms() < end_ms:
            self.take(self.line.receive(end_ms - self.line.now_ms()))
        return self.heard[before:]

    def take(self, data: bytes) -> None:
        """Bytes of the device."""
        self.zeros += data.count(0)
        for item in self.framer.push(data):
            self.frames += 1
            if isinstance(item, DecodeError):
                self.find("frames", str(item))
                continue
            try:
                frame = decode_frame(item)
            except VersionError as error:
                self.find("frames", str(error))
            except DecodeError as error:
                self.find("frames", str(error))
            else:
                self.judge(frame)

    def judge(self, frame: Frame) -> None:
        """What must hold of every frame."""
        if not frame.from_device:
            self.find("frames", f"flag bit 0 is not set in type {frame.type:#04x}")
            return
        if frame.flags & ~FLAGS:
            self.find("frames", f"flags {frame.flags:#04x}")
        fields: dict[str, Any] = {}
        if frame.type in COMMANDS.values():
            self.find("payloads", f"type {frame.type:#04x} is the gateway's")
        try:
            fields = decode_payload(frame)
        except DecodeError as error:
            self.find("payloads", f"type {frame.type:#04x}: {error}")
        if frame.boot == 0 or (self.boot and frame.boot != self.boot):
            self.find("boot_id", f"{self.boot:08x}, then {frame.boot:08x}")
        self.heard.append(Heard(self.line.now_ms(), frame, fields))
        if frame.type in (DESCRIPTION, LOG_STATE, BEAT) and fields:
            self.compare(fields)
        if frame.type == ENTRY and fields:
            self.remember(frame, fields)

    def compare(self, fields: dict[str, Any]) -> None:
        """Where the device stands, against where it stood."""
        before, self.standing = self.standing, fields
        if not before:
            return
        if fields["log_id"] != before["log_id"]:
            self.find("log_id", f"{before['log_id'].hex()}, then {fields['log_id'].hex()}")
            return
        for name in ("newest", "acknowledged", "first"):
            if fields[name] < before[name]:
                self.find("numbers", f"{name} {before[name]}, then {fields[name]}")
        if fields["uptime_ms"] < before["uptime_ms"]:
            self.find("uptime", f"{before['uptime_ms']} ms, then {fields['uptime_ms']} ms")

    def remember(self, frame: Frame, fields: dict[str, Any]) -> None:
        """An entry never changes."""
        place = (fields["log_id"], fields["number"])
        if self.entries.setdefault(place, frame.payload) != frame.payload:
            self.find("unchanged", f"entry {fields['number']}")

    def began_again(self) -> None:
        """The device was without power: another boot id and an uptime from 0 are right now, a half frame is none."""
        self.boot = 0
        self.framer.reset()
        self.standing = {}


def numbers_of(heard: list[Heard]) -> list[int]:
    """Log numbers of the entries among frames, in the order in which they came."""
    return [one.fields["number"] for one in heard if one.frame.type == ENTRY and one.fields]


def is_error(heard: Heard | None, code: int) -> bool:
    """Whether this is an error of that code."""
    return heard is not None and heard.frame.type == ERROR and heard.fields.get("code") == code
