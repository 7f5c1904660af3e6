"""A serial oximeter of Nonin as its line sees it: data formats 2, 7, 8 and 13, memory, clock and held values; portable.

    device = NoninDevice(2)
    device.finger(97, 72)
    line.send(device.due(now_ms))             # whole packets that are due until then
    line.send(device.received(data, now_ms))  # answers to what the hub says

`held_ms` after the finger has left the values for display are still shown, in alarm, as the maker's manual says.
"""

from tools.simulators.virtual_clock import VirtualClock

NO_PULSE, NO_SPO2 = 511, 127
PACKET_MS, SECOND_MS = 333, 1_000
HELD_MS = 10_000
FRAMES = 25
KEPT = 20
ALWAYS, DISCONNECTED, ARTIFACT, OUT_OF_TRACK, ALARM, RED, GREEN, SYNC = (
    0x80,
    0x40,
    0x20,
    0x10,
    0x08,
    0x04,
    0x02,
    0x01,
)
SMART_POINT, NO_MEASUREMENT, FROM_MEMORY, BATTERY_LOW = 0x0200, 0x0100, 0x0010, 0x0001
ACK, NAK = b"\x06", b"\x15"


def places(
    spo2: int, pulse: int, shown_spo2: int, shown_pulse: int, battery_low: bool = False
) -> "list[int]":
    """The 25 values of a packet by their places."""
    high, low = pulse >> 7 & 3, pulse & 0x7F
    shown_high, shown_low = shown_pulse >> 7 & 3, shown_pulse & 0x7F
    values = [0] * FRAMES
    values[0:5] = [high, low, spo2, 48, 0]
    values[7:11] = [1 if battery_low else 0, shown_spo2, spo2, spo2]
    values[13:17] = [high, low, spo2, shown_spo2]
    values[19:23] = [shown_high, shown_low, shown_high, shown_low]
    return values


def packet(number: int, values: "list[int]", status: int = GREEN, pleth: int = 0) -> bytes:
    """A packet of format 2 or 7: each frame with `status`, the first one with SYNC, and a curve that rises from `pleth`."""
    out = bytearray()
    for at in range(FRAMES):
        mark = ALWAYS | status | (SYNC if at == 0 else 0)
        sample = pleth + 7 * at
        start = [1, mark, sample & 0xFF] if number == 2 else [mark, sample >> 8 & 0xFF, sample & 0xFF]
        frame = bytes(start) + bytes([values[at]])
        out.extend(frame + bytes([sum(frame) & 0xFF]))
    return bytes(out)


def second(spo2: int, pulse: int, first: int = 0, last: int = 0) -> bytes:
    """A frame of format 8; `first` and `last` are the flags of those bytes."""
    return bytes([ALWAYS | first | pulse >> 7 & 3, pulse & 0x7F, spo2, last])


def bcd(number: int) -> int:
    """Two digits in a byte."""
    return number // 10 << 4 | number % 10


def spot(stamp: bytes, spo2: int, pulse: int, status: int = SMART_POINT, more: bytes = b"") -> bytes:
    """A frame of format 13; `stamp` has eight bytes of BCD."""
    data = stamp + status.to_bytes(2, "big") + bytes([pulse >> 8, pulse & 0xFF, 0, spo2]) + more
    return b"\x00\x02\x00\x0d" + len(data).to_bytes(2, "big") + data + bytes([sum(data) & 0xFF, 3])


class NoninDevice:
    """One oximeter. `clock` is needed for spot checks; times are ms of whatever clock the bench has.

    memory: (stamp, SpO2, pulse) of spot checks that nobody has been sent. lost: how many made room before that.
    `format_fixed`: it does not let its format be chosen.
    """

    def __init__(
        self, number: int, clock: "VirtualClock | None" = None, now_ms: int = 0, format_fixed: bool = False
    ) -> None:
        self.number = number
        self.clock = clock
        self.format_fixed = format_fixed
        self.connected_ms: int | None = None
        self.next_ms = now_ms
        self.measured = (NO_SPO2, NO_PULSE)
        self.shown = (NO_SPO2, NO_PULSE)
        self.left_ms: int | None = None  # when the finger was taken out
        self.status = 0  # flags of the frames beside those of the finger: artifact, sensor off
        self.battery_low = False
        self.memory: list[tuple[bytes, int, int]] = []
        self.lost = 0
        self.count = 0

    # --- the hand -------------------------------------------------------------------------------------------------

    def finger(self, spo2: int, pulse: int) -> None:
        """A finger is in, and these are its numbers."""
        self.measured = self.shown = (spo2, pulse)
        self.left_ms = None

    def take_out(self, now_ms: int) -> None:
        """The finger is out: what is shown is held for ten seconds."""
        self.measured = (NO_SPO2, NO_PULSE)
        self.left_ms = now_ms

    def check(self, spo2: int, pulse: int, now_ms: int) -> bytes:
        """Somebody measures once: what goes to the line, or nothing where it is stored."""
        stamp = self.stamp(now_ms)
        if self.connected_ms is not None and not self.memory:
            return self.sent(stamp, spo2, pulse, 0)
        self.memory.append((stamp, spo2, pulse))
        if len(self.memory) > KEPT:
            self.memory.pop(0)
            self.lost += 1
        return b""

    def lose_battery(self, now_ms: int) -> None:
        """The battery was changed: memory and clock are gone."""
        self.memory = []
        if self.clock is not None:
            self.clock.lose(now_ms)

    # --- the line -------------------------------------------------------------------------------------------------

    def pull(self) -> None:
        """Nobody is connected any more."""
        self.connected_ms = None

    def received(self, data: bytes, now_ms: int) -> bytes:
        """What the hub said; its first word is the connection."""
        if self.connected_ms is None:
            self.connected_ms = now_ms
            self.next_ms = now_ms
        out = b""
        while data:
            if data[:2] == b"\x02\x70" and len(data) >= 6:
                out += self.choose(data[4], now_ms)
                data = data[6:]
            elif data[:4] == b"\x02\x72\x00\x03" and self.clock is not None:
                shown = self.clock.stamp(now_ms)
                out += b"\x02\xf2\x06" + self.time(shown) + b"\x03"
                data = data[4:]
            elif data[:3] == b"\x02\x72\x06" and len(data) >= 10:
                self.set(data[3:9], now_ms)
                data = data[10:]
            else:
                data = data[1:]
        return out

    def choose(self, number: int, now_ms: int) -> bytes:
        """Another format, in the first five seconds only."""
        if self.format_fixed or number not in (2, 7, 8, 13):
            return NAK
        if self.connected_ms is None or now_ms - self.connected_ms > 5_000:
            return b""
        self.number = number
        return ACK

    def time(self, shown: bytes) -> bytes:
        """The clock as its command shows it."""
        return bytes([(shown[0] | shown[1] << 8) % 100]) + shown[2:7]

    def set(self, numbers: bytes, now_ms: int) -> None:
        """Set the clock."""
        if self.clock is not None:
            year = 2000 + numbers[0]
            self.clock.write(bytes([year & 0xFF, year >> 8]) + numbers[1:] + bytes(3), now_ms)

    def due(self, now_ms: int) -> bytes:
        """What is sent until now: packets of a stream, or one spot check of the memory for each half second."""
        out = b""
        while self.next_ms <= now_ms and (self.number != 13 or self.connected_ms is not None):
            out += self.turn(self.next_ms)
            self.next_ms += {8: SECOND_MS, 13: 500}.get(self.number, PACKET_MS)
        return out

    def turn(self, now_ms: int) -> bytes:
        """One packet, one second, or one spot check."""
        if self.number == 13:
            if not self.memory:
                return b""
            stamp, spo2, pulse = self.memory.pop(0)
            return self.sent(stamp, spo2, pulse, FROM_MEMORY)
        self.count += 1
        is_held = self.left_ms is not None and now_ms - self.left_ms < HELD_MS
        shown = self.shown if self.left_ms is None or is_held else (NO_SPO2, NO_PULSE)
        out_of_track = self.measured[0] == NO_SPO2
        if self.number == 8:
            first = (0x20 if out_of_track else 0) | (0x04 if self.status & ARTIFACT else 0)
            last = (0x08 if self.left_ms is not None else 0) | (1 if self.battery_low else 0)
            spo2, pulse = shown if is_held else self.measured
            return second(spo2, pulse, first, last)
        status = self.status | (GREEN if not out_of_track else OUT_OF_TRACK)
        if self.left_ms is not None:
            status |= ALARM
        # The worst case: the numbers for computing are held as those for display are.
        numbers = shown if is_held else self.measured
        values = places(numbers[0], numbers[1], shown[0], shown[1], self.battery_low)
        return packet(self.number, values, status, self.count)

    def sent(self, stamp: bytes, spo2: int, pulse: int, marks: int) -> bytes:
        """A spot check on the line."""
        low = BATTERY_LOW if self.battery_low else 0
        return spot(stamp, spo2, pulse, SMART_POINT | marks | low)

    def stamp(self, now_ms: int) -> bytes:
        """Eight bytes of BCD."""
        assert self.clock is not None
        shown = self.clock.stamp(now_ms)
        year = shown[0] | shown[1] << 8
        hundredths = self.clock.shown_ms(now_ms) % 1000 // 10
        numbers = bytes([year // 100, year % 100]) + shown[2:7] + bytes([hundredths])
        return bytes([bcd(number) for number in numbers])
