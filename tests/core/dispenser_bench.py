"""A driver and the reference dispenser at the two ends of a noisy line, with a hub's journal between power cuts.

Time is simulated: the bench jumps to whatever is due next.
"""

from gateway.core.devices.dispenser import Dispenser
from gateway.core.devices.driver import Context
from tools.simulators.dispenser import DispenserDevice
from tools.simulators.noisy_line import NoisyLine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.driver import Reading
    from gateway.core.model import Observation

UTC_AT_START_MS = 1_790_000_000_000
LOG_ID = b"\x11\x22\x33\x44\x55\x66\x77\x88"


class Numbers:
    """Ids that are given in order: a log id, then boot ids."""

    def __init__(self) -> None:
        self.given = 0

    def __call__(self, size: int) -> bytes:
        self.given += 1
        if size == 8:
            return LOG_ID if self.given == 1 else self.given.to_bytes(8, "big")
        return (0x1000 + self.given).to_bytes(size, "big")


class Hub:
    """What the hub does with a Reading: append, then `send_after`. It may fail to append, or die on either side of it."""

    eager = False  # the unsafe variant: acknowledges before it has stored

    def __init__(self) -> None:
        self.state: "dict[str, bytes]" = {}
        self.events: "list[Observation]" = []
        self.refused: "dict[str, int]" = {}
        self.fate = "stored"  # of appends that hold entries: stored, full, or once dies_before, dies_after
        self.start()

    def start(self) -> None:
        """A new process: only the journal is left."""
        self.driver = Dispenser(Context("line", {}, None, self.state.get))  # type: ignore[arg-type]

    def take(self, reading: "Reading") -> bytes:
        """Store what a reading says; what goes to the line."""
        if reading.refused is not None:
            self.refused[reading.refused[0]] = self.refused.get(reading.refused[0], 0) + 1
        out = b"".join(reading.send)
        fate = self.fate if reading.send_after else "stored"
        if self.eager:
            out += b"".join(reading.send_after)
        if fate in ("stored", "dies_after"):
            self.events += reading.observations
            for key, item in reading.state.items():
                if item is None:
                    self.state.pop(key, None)
                else:
                    self.state[key] = item
        if fate == "stored" and not self.eager:
            out += b"".join(reading.send_after)
        if fate in ("dies_before", "dies_after"):
            self.fate = "stored"
            self.start()
        return out

    def numbers(self) -> "list[int]":
        """Log numbers of what is stored, in order."""
        entries = [event for event in self.events if event.record is not None and len(event.record) == 16]
        return [event.values["log_number"] for event in entries]  # type: ignore[misc]

    def kinds(self) -> "list[str]":
        """Kinds of what is stored, in order."""
        return [event.kind for event in self.events]

    def stored_number(self) -> int:
        """Number of the last entry that is durable."""
        return int.from_bytes(self.state.get("cursor", b"")[8:], "big")


class Bench:
    """Both ends, and the hands that pull cables and power."""

    def __init__(
        self,
        to_hub: "NoisyLine | None" = None,
        to_device: "NoisyLine | None" = None,
        hub: "Hub | None" = None,
        device: "DispenserDevice | None" = None,
        utc: bool = True,
    ) -> None:
        self.now_ms = 0
        self.utc = utc
        self.to_hub = to_hub if to_hub is not None else NoisyLine(1)
        self.to_device = to_device if to_device is not None else NoisyLine(2)
        self.hub = hub if hub is not None else Hub()
        self.device = device if device is not None else DispenserDevice({}, Numbers(), 0, UTC_AT_START_MS)
        self.plugged = False
        self.plug()

    def utc_ms(self) -> "int | None":
        """The hub's trusted time."""
        return UTC_AT_START_MS + self.now_ms if self.utc else None

    def plug(self) -> None:
        """Put the cable in: the hub opens the line."""
        self.plugged = True
        self.exchange(self.hub.take(self.hub.driver.opened(self.now_ms, self.utc_ms())))

    def pull(self) -> None:
        """Pull the cable: both sides speak into nothing."""
        self.plugged = False

    def restart_hub(self) -> None:
        """The hub's process ends and starts again."""
        self.hub.start()
        if self.plugged:
            self.plug()

    def exchange(self, to_device: bytes) -> None:
        """Carry bytes to and fro until both sides are quiet."""
        for _ in range(1000):
            driver = self.hub.driver
            to_hub = b""
            for piece in self.to_device.carry(to_device) if self.plugged else []:
                to_hub += self.device.received(piece, self.now_ms)
                self.check_acknowledged()
            to_hub += self.device.due(self.now_ms)
            to_device = b""
            for piece in self.to_hub.carry(to_hub) if self.plugged else []:
                to_device += self.hub.take(self.hub.driver.received(piece, self.now_ms, self.utc_ms()))
            if self.hub.driver is not driver:
                to_device = self.hub.take(self.hub.driver.opened(self.now_ms, self.utc_ms()))
            if not to_device:
                return
        raise AssertionError("the two sides talk without end")

    def check_acknowledged(self) -> None:
        """A device must never hear that something is stored before it is."""
        if self.device.log.log_id == self.hub.state.get("cursor", b"")[:8] and not self.hub.eager:
            assert self.device.log.acknowledged <= self.hub.stored_number()

    def run_to(self, at_ms: int) -> None:
        """Let time pass until then."""
        self.run(max(0, at_ms - self.now_ms))

    def run(self, duration_ms: int) -> None:
        """Let time pass, stopping wherever one side has something to do."""
        end_ms = self.now_ms + duration_ms
        self.exchange(b"")
        while True:
            due_ms = self.hub.driver.next_due_ms(self.now_ms)
            times = [self.device.next_due_ms()]
            if due_ms is not None and self.plugged:
                times.append(due_ms)
            at_ms = max(min(times), self.now_ms + 1)
            if at_ms > end_ms:
                self.now_ms = end_ms
                return
            self.now_ms = at_ms
            out = b""
            if due_ms is not None and due_ms <= self.now_ms and self.plugged:
                out = self.hub.take(self.hub.driver.due(self.now_ms, self.utc_ms()))
            self.exchange(out)
