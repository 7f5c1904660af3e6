"""Whether what comes on a serial line is what its driver reads, and if not, what it is.

Noise between frames is no fault. A line on which bytes come and nothing whole for a while has another device on it, or runs at
another speed: nobody else would tell, for the port is there and open. The two can only be told apart where the bytes are whole
frames of a family that we know; wrong speed makes bytes of no family.
"""

from gateway.core.errors import DecodeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ENOUGH_BYTES = 64  # of which none belongs to a frame, before anything is said
LONG_MS = 10_000  # over at least so long
SAMPLE = 640  # the latest bytes, to look at: more than a packet of the slowest reader
MOST_PARTS, OF_PARTS = 2, 3  # a family that explains less of the bytes than this is not what is there

OTHER_DEVICE, OTHER_SPEED = "other_device", "other_speed"
NO_ANSWER = "no_answer"  # nothing comes at all, where something was asked for


class LineSense:
    """One line. `misread` is why nothing can be read on it, one of the words above, or ""; `family` is what was recognised."""

    def __init__(self, driver: str) -> None:
        self.driver = driver
        self.misread = ""
        self.family = ""
        self.reset()

    def reset(self) -> None:
        """The line was opened again: what came before says nothing of it."""
        self.sample = b""
        self.strange = 0
        self.since_ms: "int | None" = None

    def take(self, data: bytes, understood: bool, now_ms: int) -> bool:
        """Bytes came; `understood`: something whole was among them. Whether that changed what is to be said of the line."""
        before = self.misread
        if understood:
            self.reset()
            self.misread, self.family = "", ""
            return bool(before)
        self.sample = (self.sample + data)[-SAMPLE:]
        self.strange = min(ENOUGH_BYTES, self.strange + len(data))
        if self.since_ms is None:
            self.since_ms = now_ms
        if before or self.strange < ENOUGH_BYTES or now_ms - self.since_ms < LONG_MS:
            return False
        self.family = recognise(self.sample)
        if self.family == self.driver:
            self.reset()  # the driver says itself why it does not take them
            return False
        self.misread = OTHER_DEVICE if self.family else OTHER_SPEED
        return True


def recognise(data: bytes) -> str:
    """The family whose whole frames make up most of `data`: a driver's name, with its format where it has several; or ""."""
    best, most = "", 0
    for family, explained in FAMILIES:
        count = explained(data)
        if count > most and count * OF_PARTS >= len(data) * MOST_PARTS:
            best, most = family, count
    return best


def packets(number: int) -> "Callable[[bytes], int]":
    """How many bytes of a stream are packets of Nonin's format 2 or 7."""

    def explained(data: bytes) -> int:
        from gateway.core.devices.nonin_stream import FORMAT_2, FORMAT_7, FRAME_SIZE, FRAMES, SYNC

        layout = FORMAT_2 if number == 2 else FORMAT_7
        scanned = items_of(layout.measure, data, 2 * FRAME_SIZE)
        marks = [at for at in range(len(scanned)) if layout.decode(scanned[at]).status & SYNC]
        in_step = [marks[at + 1] - marks[at] == FRAMES for at in range(len(marks) - 1)]
        return FRAME_SIZE * len(scanned) if in_step and 2 * sum(in_step) >= len(in_step) else 0

    return explained


def seconds(data: bytes) -> int:
    """How many bytes are frames of Nonin's format 8, with numbers that such a device can show."""
    from gateway.core.devices.nonin_seconds import FRAME_SIZE, decode_second, measure
    from gateway.core.model import Absent

    for item in items_of(measure, data, 2 * FRAME_SIZE):
        spo2 = decode_second(item).values["spo2_pct"]
        if not isinstance(spo2, Absent) and spo2 > 100:  # type: ignore[operator]
            return 0
    return FRAME_SIZE * len(items_of(measure, data, 2 * FRAME_SIZE))


def spots(data: bytes) -> int:
    """How many bytes are spot checks or times of Nonin's format 13."""
    from gateway.core.devices.nonin_spot import MOST_SPOT, measure

    return sum([len(item) for item in items_of(measure, data, MOST_SPOT) if len(item) > 1])


def telegrams(data: bytes) -> int:
    """How many bytes are packets of an EnOcean transceiver."""
    from gateway.core.framing.esp3 import MOST_PACKET, measure

    return sum([len(item) for item in items_of(measure, data, MOST_PACKET)])


def dispenser_frames(data: bytes) -> int:
    """How many bytes are frames of the open dispenser protocol."""
    from gateway.core.devices.dispenser_messages import decode_frame
    from gateway.core.framing import cobs

    explained = 0
    for piece in bytes(data).split(cobs.DELIMITER):
        try:
            decode_frame(cobs.decode(piece))
        except DecodeError:
            continue
        explained += len(piece) + 1
    return explained


def items_of(measure: "Callable[[bytearray, int], int]", data: bytes, limit: int) -> "list[bytes]":
    """Whole frames in `data`."""
    from gateway.core.framing.scan import Scanner

    scanner = Scanner(measure, limit)
    found = scanner.push(data) + scanner.look_past()
    return [item for item in found if not isinstance(item, DecodeError)]


# Families in the order in which they are believed, where two explain as much.
FAMILIES = (
    ("enocean", telegrams),
    ("dispenser", dispenser_frames),
    ("nonin_serial 13", spots),
    ("nonin_serial 2", packets(2)),
    ("nonin_serial 7", packets(7)),
    ("nonin_serial 8", seconds),
)
