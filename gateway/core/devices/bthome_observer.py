"""From the values of BTHome frames to observations: what changed, against what is remembered.

What is remembered is one line of text, `battery=94;door=1;packet=82`, stored with the observations that moved it.
"""

from gateway.core.devices.battery import BatteryWatch
from gateway.core.devices.bthome_frame import Frame
from gateway.core.model import DeviceTime, Observation, compare_number

# State objects by name: (kind that begins, kind that ends, lane 0, whether the end is told when it is heard first).
# Only a door is told closed when nothing is known of it before: "no longer detected" would claim a detection.
STATES: "dict[str, tuple[str, str, bool, bool]]" = {
    "smoke": ("smoke.detected", "smoke.cleared", True, False),
    "carbon_monoxide": ("carbon_monoxide.detected", "carbon_monoxide.cleared", True, False),
    "gas": ("gas.detected", "gas.cleared", True, False),
    "moisture": ("water.detected", "water.cleared", True, False),
    "door": ("door.opened", "door.closed", False, True),
    "opening": ("door.opened", "door.closed", False, True),
    "window": ("door.opened", "door.closed", False, True),
    "garage_door": ("door.opened", "door.closed", False, True),
    "tamper": ("tamper.detected", "tamper.cleared", False, False),
    "motion": ("motion.detected", "motion.cleared", False, False),
    "problem": ("problem.detected", "problem.cleared", False, False),
}
# What the kind's own name does not say is told by the value `part`.
NAMED_BY_KIND = (
    "smoke",
    "carbon_monoxide",
    "gas",
    "moisture",
    "door",
    "tamper",
    "motion",
    "problem",
    "button",
)
CLIMATE = ("temperature_c", "humidity_pct", "illuminance_lx")

# How long after the last copy the same words still are the same event, without and with a packet id.
COPY_GAP_MS = 4_000
PACKET_GAP_MS = 60_000

# Of an alarm: none; one that was verified; one that was not; one of which a frame that was not verified says that it is over.
# That ends no alarm. But the next one is told again: whoever takes the battery out of a detector that sounds ends it unheard.
CLEAR, ACTIVE, UNVERIFIED, DOUBTED = 0, 1, 2, 3
TOLD_AGAIN_MS = 60_000  # frames that take turns do not multiply an alarm
BATTERY, BATTERY_LOW, PACKET = "battery", "battery_low", "packet"


class Press:
    """The presses of the last frame that had a button in it."""

    __slots__ = ("ms", "packet_id", "presses")

    def __init__(self, presses: "list[tuple[str, str]]", packet_id: "int | None", ms: int) -> None:
        self.presses = presses
        self.packet_id = packet_id
        self.ms = ms


class Observer:
    """What one sensor said last, and what of a new frame is news. `stored` is what `changed` gave before."""

    def __init__(self, stored: bytes) -> None:
        self.states = read_states(stored)
        self.stored = stored
        self.dirty = False
        self.packet = self.states.pop(PACKET, None)
        self.press: "Press | None" = None  # the last frame with a button in it since the start
        self.alarm_ms: "dict[str, int]" = {}  # when an alarm that is not verified was told last
        self.climate: "dict[str, object]" = {}
        self.battery = BatteryWatch(self.states.get(BATTERY), self.states.get(BATTERY_LOW))

    def observe(self, frame: Frame, now_ms: int, copy: bool, provenance: int) -> "list[Observation]":
        """News of a trusted frame, in the order of the frame; battery and climate last.

        copy: the frame came so soon after the last one that an equal packet id is the same event.
        provenance: of what lane 0 hears.
        """
        found: "list[Observation]" = []
        other_packet = frame.packet_id is not None and frame.packet_id != self.packet
        for name in frame.names:
            kinds = STATES.get(name) or STATES.get(base_of(name))
            if kinds is not None:
                self.follow(name, kinds, frame.values[name] is True, provenance, found)
        if frame.buttons and self.is_new_press(frame, now_ms, copy):
            found += pressed(frame, provenance)
        self.follow_battery(frame, found)
        self.follow_climate(frame, copy, other_packet, found)
        if frame.packet_id is not None:
            self.packet = frame.packet_id
        stamp = frame.values.get("timestamp")
        if stamp is not None:
            for observation in found:
                observation.device_time = DeviceTime(str(stamp))
        return found

    def alarms(self, frame: Frame, now_ms: int, provenance: int) -> "list[Observation]":
        """Lane 0 alarms of a frame that was refused: states that begin, and presses. Nothing else moves."""
        found: "list[Observation]" = []
        for name in frame.names:
            kinds = STATES.get(name) or STATES.get(base_of(name))
            if kinds is None or not kinds[2]:
                continue
            state = self.states.get(name, CLEAR)
            if frame.values[name] is not True:
                if state != CLEAR:
                    self.remember(name, DOUBTED)
            elif state == CLEAR or (state == DOUBTED and self.is_other_alarm(name, now_ms)):
                self.remember(name, UNVERIFIED)
                self.alarm_ms[name] = now_ms
                found.append(Observation(kinds[0], part_of(name), provenance=provenance))
        return found + pressed(frame, provenance)

    def is_other_alarm(self, name: str, now_ms: int) -> bool:
        """Whether so long has passed since an unverified alarm that this is another one."""
        told_ms = self.alarm_ms.get(name)
        return told_ms is None or now_ms - told_ms >= TOLD_AGAIN_MS

    def changed(self, beside: bool) -> "bytes | None":
        """The line to store, where a state changed or, with `beside`, where anything differs; else None."""
        if not self.dirty and not beside:
            return None
        line = write_states(self.states, self.packet)
        self.dirty = False
        if line == self.stored:
            return None
        self.stored = line
        return line

    def remember(self, name: str, state: int) -> None:
        """Keep a state, to be stored when it differs."""
        if self.states.get(name) != state:
            self.states[name] = state
            self.dirty = True

    def follow(
        self,
        name: str,
        kinds: "tuple[str, str, bool, bool]",
        active: bool,
        provenance: int,
        found: "list[Observation]",
    ) -> None:
        """One state of a trusted frame. A verified alarm after an unverified one is news."""
        before = self.states.get(name)
        now = ACTIVE if active else CLEAR
        if before == now:
            return
        self.remember(name, now)
        if before is None and not active and not kinds[3]:
            return
        kind = kinds[0] if active else kinds[1]
        found.append(Observation(kind, part_of(name), provenance=provenance if kinds[2] else 0))

    def is_new_press(self, frame: Frame, now_ms: int, copy: bool) -> bool:
        """Whether the presses of the frame are an event of their own; `none` lets the same press be one again."""
        last = self.press
        packet_id = frame.packet_id
        self.press = Press(frame.presses, packet_id, now_ms)
        if last is None:
            return packet_id is None or packet_id != self.packet or not copy
        return (
            frame.presses != last.presses or packet_id != last.packet_id or now_ms - last.ms > gap_of(frame)
        )

    def follow_battery(self, frame: Frame, found: "list[Observation]") -> None:
        """The level, and the object that says low."""
        level = frame.values.get("battery_pct")
        flag = frame.values.get("battery")
        if level is None and flag is None:
            return
        battery = self.battery
        found += battery.observe(level, flag)  # type: ignore[arg-type]  # the table makes them int and bool
        if battery.level_pct is not None:
            self.remember(BATTERY, battery.level_pct)
        if battery.low is not None:
            self.remember(BATTERY_LOW, battery.low)

    def follow_climate(
        self, frame: Frame, copy: bool, other_packet: bool, found: "list[Observation]"
    ) -> None:
        """Temperature, humidity, light: one observation for each set of them in the frame."""
        sets: "dict[str, dict[str, object]]" = {}
        for name in frame.names:
            base = name if name in CLIMATE else base_of(name)
            if base in CLIMATE:
                part = name[len(base) + 1 :]
                sets.setdefault(part, {})[base] = frame.values[name]
        for part in sorted(sets):
            values = sets[part]
            known = [name for name in values if name + part in self.climate]
            news = [name for name in known if self.climate[name + part] != values[name]]
            heard_before = frame.packet_id is not None and copy and not other_packet
            for name in values:
                self.climate[name + part] = values[name]
            if news or (len(known) < len(values) and not heard_before) or other_packet:
                if part:
                    values["part"] = part
                humidity = values.get("humidity_pct")
                if humidity is not None and compare_number(humidity, 100) > 0:  # type: ignore[arg-type]
                    values["implausible"] = "humidity_pct"
                found.append(Observation("climate.measured", values))


def gap_of(frame: Frame) -> int:
    """How long after the last copy of this frame the same words still are the same event."""
    return COPY_GAP_MS if frame.packet_id is None else PACKET_GAP_MS


def pressed(frame: Frame, provenance: int) -> "list[Observation]":
    """An observation for each press of the frame."""
    found = []
    for name, word in frame.presses:
        values = part_of(name)
        values["press"] = word
        found.append(Observation("button.pressed", values, provenance=provenance))
    return found


def part_of(name: str) -> "dict[str, object]":
    """`part`, where the kind does not say which of the sensor's contacts or buttons it was."""
    return {} if name in NAMED_BY_KIND else {"part": name}


def base_of(name: str) -> str:
    """`door` of `door_2`; a name that ends otherwise as it is."""
    at = name.rfind("_")
    return name[:at] if at > 0 and name[at + 1 :].isdigit() else name


def read_states(line: bytes) -> "dict[str, int]":
    """What `write_states` wrote; an entry that does not read is left out."""
    states = {}
    for item in line.split(b";"):
        name, equal, number = item.partition(b"=")
        if equal and number.isdigit():
            states[name.decode()] = int(number)
    return states


def write_states(states: "dict[str, int]", packet: "int | None") -> bytes:
    """States as one line, in order of name."""
    items = [name + "=" + str(states[name]) for name in sorted(states)]
    if packet is not None:
        items.append(PACKET + "=" + str(packet))
    return ";".join(items).encode()
