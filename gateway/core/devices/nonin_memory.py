"""The spot checks of a Nonin oximeter (data format 13): those in its memory, and its clock.

The device removes a spot check from its memory once it was sent, and sends it again where the connection broke before that.
Stamp and numbers tell one from another, so a second copy is counted and not told again. Its clock shows local time and is
lost with the battery: it is asked at each connection, and set when nothing more comes from the memory under the old setting.
"""

from gateway.core.devices import nonin_spot
from gateway.core.devices.device_clock import DeviceClock
from gateway.core.devices.driver import MALFORMED, REPEATED, Reading
from gateway.core.devices.measurement import decode_date_time
from gateway.core.devices.storing import SEEN_KEY, Seen
from gateway.core.errors import DecodeError
from gateway.core.framing.scan import Scanner
from gateway.core.model import DeviceTime, Observation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.driver import Context

CLOCK_KEY = "clock"
SELECT_ANSWER_MS = 2_000
MEMORY_QUIET_MS = 10_000  # without a spot check for so long, the memory has been sent


class SpotChecks:
    """The side of the driver that speaks format 13. `take_flag` is given what the device says of its battery."""

    def __init__(self, context: "Context", selects: bool) -> None:
        self.scanner = Scanner(nonin_spot.measure, nonin_spot.MOST_SPOT)
        self.seen = Seen(context.stored(SEEN_KEY))
        self.clock = DeviceClock(context.zone, context.stored(CLOCK_KEY))
        self.selects = selects
        self.awaits_until_ms: "int | None" = None  # the answer to the choice of the format
        self.quiet_at_ms: "int | None" = None  # None before the line is open

    def opened(self, now_ms: int) -> "list[bytes]":
        """The line is open: what to send."""
        self.scanner.reset()
        self.clock.begin(False)
        self.quiet_at_ms = now_ms + MEMORY_QUIET_MS
        self.awaits_until_ms = now_ms + SELECT_ANSWER_MS if self.selects else None
        choice = [nonin_spot.encode_select(13)] if self.selects else []
        return choice + [nonin_spot.ASK_TIME]

    def received(self, data: bytes, now_ms: int, reading: Reading) -> "list[bool]":
        """Put what `data` says into the reading; whether the battery is low, for each spot check."""
        return self.take(self.scanner.push(data), now_ms, reading)

    def look_past(self, now_ms: int, reading: Reading) -> "list[bool]":
        """As `received`, when the line has been quiet for a moment."""
        return self.take(self.scanner.look_past(), now_ms, reading)

    def take(self, items: "list[bytes | DecodeError]", now_ms: int, reading: Reading) -> "list[bool]":
        """What the scanner found."""
        flags = []
        for item in items:
            if isinstance(item, DecodeError):
                reading.refused = (MALFORMED, str(item))
            elif len(item) == 1:
                self.answered(item[0], now_ms, reading)
            elif len(item) == nonin_spot.TIME_FRAME:
                self.shown(item, now_ms, reading)
            else:
                flags.append(self.spot(item, now_ms, reading))
        return flags

    def answered(self, code: int, now_ms: int, reading: Reading) -> None:
        """Yes or no to the choice of the format; without that choice the byte says nothing."""
        if self.awaits_until_ms is not None and now_ms <= self.awaits_until_ms and code == nonin_spot.NAK:
            reading.refused = (MALFORMED, "the device does not take data format 13")
        self.awaits_until_ms = None

    def shown(self, frame: bytes, now_ms: int, reading: Reading) -> None:
        """What the clock shows."""
        reading.heard = True
        self.clock.served = True
        year = nonin_spot.CENTURY + frame[3]
        # as the Current Time Service would say it, which is what the clock's own code reads
        self.clock.take(bytes([year & 0xFF, year >> 8]) + frame[4:9] + bytes(3), now_ms)

    def spot(self, frame: bytes, now_ms: int, reading: Reading) -> bool:
        """One spot check; whether the battery is low."""
        spot = nonin_spot.decode_spot(frame)
        reading.heard = True
        self.quiet_at_ms = now_ms + MEMORY_QUIET_MS
        observation = nonin_spot.observation_of(spot)
        if not spot.status & nonin_spot.FROM_MEMORY and spot.device_time is not None:
            self.clock.take_live(seconds_of(spot.device_time), now_ms)
        self.date(observation, now_ms)
        if self.is_new(observation, reading):
            reading.observations.append(observation)
        return spot.battery_low

    def is_new(self, observation: Observation, reading: Reading) -> bool:
        """Whether it was not told before; then it is remembered."""
        if observation.record is None:
            return True  # without a date two equal readings are two
        mark = Seen.mark_of(observation)
        if self.seen.has(mark):
            reading.refused = (REPEATED, "a spot check that is stored already")
            return False
        reading.state[SEEN_KEY] = self.seen.add(mark)
        return True

    def date(self, observation: Observation, now_ms: int) -> None:
        """Say when it was by the hub's clock."""
        stamp = observation.device_time
        if stamp is not None:
            whole = seconds_of(stamp)
            self.clock.date(whole, now_ms)
            stamp.utc_ms, stamp.uncertainty_ms = whole.utc_ms, whole.uncertainty_ms

    # --- the clock ------------------------------------------------------------------------------------------------

    def due(self, now_ms: int, utc_ms: "int | None", reading: Reading) -> None:
        """Look at the hub's clock, and set the device's when its memory has been sent."""
        self.clock.look(now_ms, utc_ms)
        if not self.may_settle(now_ms):
            return
        told, current_time = self.clock.settle(now_ms)
        if told is not None:
            reading.observations.append(told)
        if current_time:
            reading.send_after.append(nonin_spot.encode_set_time(decode_date_time(current_time).raw))
        if told is not None or current_time:
            reading.state[CLOCK_KEY] = self.clock.state()

    def may_settle(self, now_ms: int) -> bool:
        """Whether the clock has something to do and nothing is waited for."""
        return self.clock.is_ready() and self.quiet_at_ms is not None and now_ms >= self.quiet_at_ms

    def next_due_ms(self, now_ms: int) -> "int | None":
        """For the clocks; None before the line is open."""
        if self.quiet_at_ms is None:
            return None
        looks = self.clock.due_ms()
        return min(looks, max(now_ms, self.quiet_at_ms)) if self.clock.is_ready() else looks


def seconds_of(stamp: DeviceTime) -> DeviceTime:
    """A stamp without its hundredths, as other devices have it."""
    return DeviceTime(stamp.raw[:19], stamp.clock)
