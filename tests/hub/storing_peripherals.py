"""Peripherals on the simulated air that keep records: an oximeter that hands each out once, a meter that keeps them all.

Both drop the link in mid-transfer, fall silent, lose their clock, and refuse what they are told to refuse.
"""

from gateway.core.model import Absent
from hal.errors import DeniedError
from hal.sim.peripheral import SimPeripheral
from tests.hub.visits import ADDRESS
from tools.simulators.record_memory import RecordMemory
from tools.simulators.virtual_clock import VirtualClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Event
    from hal.sim.central import SimConnection
    from hal.sim.clock import SimClock

SPOT_CHECK, CONTINUOUS, PLX_FEATURES = "2a5e", "2a5f", "2a60"
GLUCOSE, CONTEXT, GLUCOSE_FEATURES = "2a18", "2a34", "2a51"
CONTROL_POINT, CURRENT_TIME = "2a52", "2a2b"
STAMPED, WITH_STATUS, CLOCK_NOT_SET = 0x01, 0x02, 0x10
FROM_STORAGE = b"\x00\x02"
IN_PROGRESS = "procedure already in progress (0xFE)"


class StoringPeripheral(SimPeripheral):
    """drop_after, hush_after: records of one transfer after which it loses the link, or says nothing more.

    unconfirmed: the last record before such a break was sent, and its confirmation was lost. busy: requests it refuses as
    if a procedure were under way, until it is told to abort. locked: its clock cannot be set.
    """

    stream = ""

    def __init__(
        self, clock: "SimClock", memory: RecordMemory, served: "dict[str, bytes]", with_clock: bool = True
    ) -> None:
        served = dict(served)
        served[CONTROL_POINT] = b""
        if with_clock:
            served[CURRENT_TIME] = b""
        super().__init__(ADDRESS, served, on_write=self.written)
        self.time = clock
        self.memory = memory
        self.shows = VirtualClock(0, 0)
        self.drop_after: "int | None" = None
        self.hush_after: "int | None" = None
        self.unconfirmed = False
        self.busy = False
        self.locked = False
        self.made: "list[int]" = []  # every reading that was ever made, by its number
        self.set_clock()

    def set_clock(self, ahead_s: int = 0) -> None:
        """Show local time in Oslo in winter, that much ahead."""
        utc_ms = self.time.utc_ms() or 0
        self.shows = VirtualClock(utc_ms // 1000 + 3600 + ahead_s, self.time.uptime_ms())

    def accept(self, connection: "SimConnection") -> bool:
        """A value that is read is of now."""
        if CURRENT_TIME in self.characteristics:
            self.characteristics[CURRENT_TIME] = self.shows.value(self.time.uptime_ms())
        return super().accept(connection)

    def requests(self) -> "list[bytes]":
        """What was written to its control point."""
        return [value for uuid, value in self.writes if uuid == CONTROL_POINT]

    def written(self, characteristic: str, value: bytes) -> None:
        """A write; what it refuses raises."""
        if characteristic == CURRENT_TIME:
            if self.locked:
                raise DeniedError("the clock is set on the device")
            self.shows.write(value, self.time.uptime_ms())
            return
        if self.stream not in self.subscribed or CONTROL_POINT not in self.subscribed:
            raise DeniedError("client characteristic configuration descriptor improperly configured (0xFD)")
        if value[:1] == b"\x03":
            self.busy = False
        if self.busy:
            raise DeniedError(IN_PROGRESS)
        self.hand_out(value)

    def hand_out(self, request: bytes) -> None:
        """Records, oldest first, and the answer, unless something breaks."""
        found, answer = self.memory.asked(request)
        for sent, record in enumerate(found):
            if sent == self.drop_after:
                self.drop_after = None
                self.drop_link("supervision time-out")
                return
            if sent == self.hush_after:
                self.hush_after = None
                return
            self.notify(self.stream, record.value)
            breaks_next = sent + 1 in (self.drop_after, self.hush_after)
            if not (self.unconfirmed and breaks_next):
                self.memory.delivered(record)
        self.notify(CONTROL_POINT, answer)


class StoringOximeter(StoringPeripheral):
    """Spot-checks with stamps, the pulse rate as their number."""

    stream = SPOT_CHECK

    def __init__(self, clock: "SimClock", with_clock: bool = True, kept: int = 30) -> None:
        served = {PLX_FEATURES: b"\x04\x00", CONTINUOUS: b"", SPOT_CHECK: b""}
        super().__init__(clock, RecordMemory(kept=kept), served, with_clock)

    def check_spot(self, number: int, stamped: bool = True) -> bytes:
        """A spot-check ends now: it is shown where somebody listens, else stored."""
        self.made.append(number)
        flags = STAMPED if stamped else 0
        if stamped and not self.shows.is_set:
            flags |= CLOCK_NOT_SET
        stamp = self.shows.stamp(self.time.uptime_ms()) if stamped else b""
        body = bytes([97, 0, number & 0xFF, number >> 8]) + stamp
        value = bytes([flags]) + body
        if not self.notify(SPOT_CHECK, value):
            self.memory.store(bytes([flags | WITH_STATUS]) + body + FROM_STORAGE)
        return value


class GlucoseMeterPeripheral(StoringPeripheral):
    """Records with sequence numbers, which stay in its memory."""

    stream = GLUCOSE

    def __init__(self, clock: "SimClock", by_number: bool = True, kept: int = 500) -> None:
        served = {GLUCOSE_FEATURES: b"\x00\x00", GLUCOSE: b"", CONTEXT: b""}
        super().__init__(clock, RecordMemory(once=False, by_number=by_number, kept=kept), served)
        self.next_number = 1

    def measure(self, mg_per_dl: int, type_and_site: int = 0x11) -> None:
        """A reading: kg/L with exponent -5, capillary whole blood of a finger where nothing else is said."""
        self.made.append(mg_per_dl)
        stamp = self.shows.stamp(self.time.uptime_ms())
        concentration = (0xB000 | mg_per_dl).to_bytes(2, "little")
        number = self.next_number.to_bytes(2, "little")
        value = b"\x03" + number + stamp + b"\x00\x00" + concentration + bytes([type_and_site])
        self.memory.store(value, self.next_number)
        self.next_number += 1

    def begin_anew(self) -> None:
        """Its memory is cleared, and its numbers begin at 1."""
        self.memory.clear()
        self.next_number = 1


def numbers_told(events: "list[Event]") -> "list[int]":
    """The numbers of the readings in a journal, each identity once, as the platform keeps them."""
    seen: "list[bytes]" = []
    numbers = []
    for event in events:
        if event.identity is not None and event.identity in seen:
            continue
        if event.identity is not None:
            seen.append(event.identity)
        if event.kind == "oximetry.measured" and not isinstance(event.values["pulse_rate_bpm"], Absent):
            numbers.append(event.values["pulse_rate_bpm"])
        if event.kind == "glucose.measured":
            numbers.append(event.values["glucose_kg_per_l"].mantissa)  # type: ignore[attr-defined]
    return numbers  # type: ignore[return-value]


def judged(made: "list[int]", events: "list[Event]") -> "tuple[list[int], list[int]]":
    """(readings that never arrived, readings that arrived more often than they were made), sorted."""
    told = numbers_told(events)
    lost = sorted([number for number in set(made) if told.count(number) < made.count(number)])
    return lost, sorted([number for number in set(told) if told.count(number) > made.count(number)])
