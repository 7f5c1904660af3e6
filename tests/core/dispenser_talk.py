"""A device of frames written by hand, opposite the driver and a hub that stores."""

from gateway.core.devices.dispenser_messages import (
    ANSWER,
    BEAT,
    DESCRIPTION,
    ENTRY,
    FROM_DEVICE,
    HELLO,
    LOG_FROM,
    LOG_STATE,
    Frame,
    decode_frame,
    encode_frame,
    encode_payload,
)
from gateway.core.devices.driver import Reading
from gateway.core.framing import cobs
from tests.core.dispenser_bench import Hub

LOG, OTHER_LOG = b"\x01" * 8, b"\x02" * 8
BOOT = 77
UTC_MS = 1_790_000_000_000


class Device:
    """Frames as a device would send them, and the driver's answers read."""

    def __init__(self, opened: bool = True) -> None:
        self.hub = Hub()
        self.now_ms = 1000
        self.utc_ms: "int | None" = None
        self.boot = BOOT
        self.log_id = LOG
        self.newest = 0
        self.first = 1
        self.acknowledged = 0
        self.clock: "dict[str, object]" = {"clock": 2}
        self.capabilities = 0
        self.serial_number = "1"
        self.readings: "list[Reading]" = []
        if opened:
            self.sent = self.heard_by_us(self.hub.driver.opened(self.now_ms, self.utc_ms))

    def heard_by_us(self, reading: Reading) -> "list[Frame]":
        """Frames that the hub put to the line for a reading, in order."""
        self.readings.append(reading)
        line = self.hub.take(reading)
        return [decode_frame(cobs.decode(piece)) for piece in line.split(b"\x00") if piece]

    def say(self, *frames: bytes) -> "list[Frame]":
        """Send these together; what comes back."""
        data = b"".join(frames)
        return self.heard_by_us(self.hub.driver.received(data, self.now_ms, self.utc_ms))

    def wait(self, duration_ms: int) -> "list[Frame]":
        """Let time pass up to then, with every due call in between."""
        end_ms = self.now_ms + duration_ms
        sent: "list[Frame]" = []
        while True:
            due_ms = self.hub.driver.next_due_ms(self.now_ms)
            if due_ms is None or due_ms > end_ms:
                self.now_ms = end_ms
                return sent
            self.now_ms = max(due_ms, self.now_ms)
            sent += self.heard_by_us(self.hub.driver.due(self.now_ms, self.utc_ms))

    def frame(self, kind: int, fields: "dict[str, object]", flags: int = 0, seq: int = 900) -> bytes:
        return encode_frame(Frame(kind, seq, self.boot, flags | FROM_DEVICE, encode_payload(kind, fields)))

    def standing(self) -> "dict[str, object]":
        fields: "dict[str, object]" = {"log_id": self.log_id, "first": self.first, "newest": self.newest}
        fields["acknowledged"] = self.acknowledged
        fields["uptime_ms"] = self.now_ms
        fields.update(self.clock)
        return fields

    def description(self, seq: int, flags: int = ANSWER) -> bytes:
        fields = self.standing()
        fields["versions"] = [1, 1]
        for name in ("maker", "model", "firmware"):
            fields[name] = name
        fields["serial_number"] = self.serial_number
        fields["capabilities"] = self.capabilities
        fields["beat_s"] = 10
        return self.frame(DESCRIPTION, fields, flags, seq)

    def log_state(self, seq: int) -> bytes:
        return self.frame(LOG_STATE, self.standing(), ANSWER, seq)

    def beat(self, **more: object) -> bytes:
        fields = self.standing()
        fields.update(more)
        return self.frame(BEAT, fields)

    def entry(self, number: int, **more: object) -> bytes:
        fields: "dict[str, object]" = {"log_id": self.log_id, "number": number, "event": 20}
        fields["boot"] = self.boot
        fields["uptime_ms"] = self.now_ms
        fields["clock"] = 2
        fields.update(more)
        return self.frame(ENTRY, fields)

    def settle(self) -> None:
        """Answer the hello and the log_from that are under way."""
        hello = next(frame for frame in self.sent if frame.type == HELLO)
        self.sent = self.say(self.description(hello.seq))
        log_from = next(frame for frame in self.sent if frame.type == LOG_FROM)
        self.say(self.log_state(log_from.seq))
        self.now_ms += 1000

    def last(self) -> Reading:
        return self.readings[-1]

    def reasons(self) -> "list[object]":
        return [event.values.get("reason") for event in self.hub.events if event.kind != "device.described"]


def types(frames: "list[Frame]") -> "list[int]":
    return [frame.type for frame in frames]


def settled(**settings: object) -> Device:
    device = Device()
    for name, value in settings.items():
        setattr(device, name, value)
    device.settle()
    return device


def reopened(device: Device) -> Device:
    """The cable was pulled and put back."""
    device.sent = device.heard_by_us(device.hub.driver.opened(device.now_ms, device.utc_ms))
    device.settle()
    return device
