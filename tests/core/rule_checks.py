"""What no set of rules may do to lane 0 (H10), as a check of one call, and rules that do it, to show that it is seen."""

from gateway.core.event_codec import lane_of
from gateway.core.model import Observation
from gateway.core.rules.engine import Rule
from hal.types import SAFETY
from tests.core.rule_home import DISPENSER, DOOR, MOTION, OXIMETER, TAG, WINDOW, RuleHome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.model import Event
    from gateway.core.rules.engine import Moment

NIGHT = {"type": "night_window", "device": "Door", "from": "22:00", "to": "06:00"}
POOL = (
    NIGHT,
    {"type": "not_back", "device": "Door", "minutes": 1},
    {"type": "left_open", "device": "Door", "minutes": 1},
    {"type": "left_open", "device": "Window", "minutes": 2, "from": "20:00", "to": "08:00"},
    {
        "type": "no_sign_of_life",
        "device": "Motion",
        "others": ["Door", "Doses"],
        "hours": 1,
        "from": "00:00",
        "to": "00:00",
    },
    {
        "type": "tag_gone",
        "device": "Tag",
        "door": "Door",
        "gone_s": 120,
        "from": "20:00",
        "to": "08:00",
        "localises": True,
        "legal_basis": "Case 1",
    },
    {"type": "dose", "device": "Doses"},
    {"type": "vital_limits", "device": "Oximeter", "spo2_below_pct": 90, "readings": 1},
    {"type": "double_dose", "device": "Doses", "minutes": 60},
)
PLACEMENTS = (DOOR, WINDOW, MOTION, TAG, OXIMETER, DISPENSER)
KINDS = (
    "smoke.detected",
    "smoke.cleared",
    "carbon_monoxide.detected",
    "gas.detected",
    "water.detected",
    "water.cleared",
    "button.pressed",
    "door.opened",
    "door.closed",
    "motion.detected",
    "battery.low",
    "dose.planned",
    "dose.collected",
    "oximetry.measured",
    "climate.measured",
)
VALUES: "tuple[dict[str, object], ...]" = (
    {},
    {"part": "door_2"},
    {"press": "press"},
    {"dose_id": 1, "window_end_utc_ms": 1_795_302_000_000},
    {"spo2_pct": 80, "pulse_rate_bpm": 200},
)
# What a home may meet beside observations: faults, their ends, restarts with and without a clock.
FAULTS = ("device.silent", "device.back", "battery.restored", "device.denied", "device.admitted")
REPEAT = "repeat"  # the one value that the engine puts beside what a device said


def faults_of(observation: Observation, placement: int, moment: "Moment", told: "list[Event]") -> "list[str]":
    """What is wrong with the answer of one call for lane 0; empty where nothing is.

    The device's own event is there once, of this moment, first in its lane, and says what the device said: kind, values,
    provenance, time of the device. A count beside them is the engine's; it takes nothing away.
    """
    if lane_of(observation.kind) != SAFETY:
        return []
    lane = [event for event in told if lane_of(event.kind) == SAFETY]
    own = [event for event in lane if event.kind == observation.kind and event.rule is None]
    if not own:
        return ["it is not among what was told"]
    event, found = own[0], []
    if lane[0] is not event:
        found.append("another event of its lane stands before it")
    said = {name: item for name, item in event.values.items() if name != REPEAT}
    if said != observation.values or event.device_time != observation.device_time:
        found.append("it says something else")
    if event.placement != placement or event.provenance != observation.provenance or event.exercise:
        found.append("it is marked otherwise")
    if (event.boot, event.uptime_ms, event.utc_ms) != (moment.boot, moment.uptime_ms, moment.utc_ms):
        found.append("it has another time")
    return found


def observed(home: RuleHome, placement: int, observation: Observation) -> "list[str]":
    """Let a device speak, and check the answer."""
    home.hear(placement)
    moment = home.moment()
    said = Observation(observation.kind, dict(observation.values), None, None, observation.provenance)
    told = home.keep(home.engine.observe(placement, observation, moment))
    return faults_of(said, placement, moment, told)


def play(
    rules: "list[dict[str, object]]", draws: "list[int]", control: "type[Rule] | None" = None
) -> "list[str]":
    """A life of a home by numbers from anywhere: what was wrong with its lane 0. `control`: a rule that must be caught."""
    clock_known = not draws or draws[0] % 3 > 0
    chosen = [NIGHT] + [rule for rule in rules if rule is not NIGHT]
    home = RuleHome(chosen, medical_device_functions=True)
    if not clock_known:
        home.utc_ms = None
    found: "list[str]" = []
    for number in draws:
        action, draw = number % 16, number // 16
        placement, draw = PLACEMENTS[draw % len(PLACEMENTS)], draw // len(PLACEMENTS)
        if action == 0:
            home.wait(1 + draw % (2 * 3_600_000) // 20)
        elif action == 1:
            home.fault(placement, FAULTS[draw % len(FAULTS)])
        elif action == 2:
            home.restart(draw % 7_200_000, draw % 2 > 0)
        else:
            kind, draw = KINDS[draw % len(KINDS)], draw // len(KINDS)
            values, provenance = dict(VALUES[draw % len(VALUES)]), draw // len(VALUES) % 4
            if control is not None and not any([isinstance(rule, control) for rule in home.engine.rules]):
                home.engine.rules += [control(each, b"control.") for each in PLACEMENTS]
            found += observed(home, placement, Observation(kind, values, None, None, provenance))
    return found


class Swallower(Rule):
    """Negative control: what a rule would do that could reach the event of the device and make it another."""

    def observe(self, event: "Event", moment: "Moment") -> "list[Event]":
        """Make a smoke alarm a piece of information."""
        if event.kind == "smoke.detected":
            event.kind = "motion.detected"
        return []


class Delayer(Rule):
    """Negative control: a rule that dates an alarm later."""

    def observe(self, event: "Event", moment: "Moment") -> "list[Event]":
        """Put it off by a minute."""
        if lane_of(event.kind) == SAFETY:
            event.uptime_ms += 60_000
        return []


class Changer(Rule):
    """Negative control: a rule that takes a value away."""

    def observe(self, event: "Event", moment: "Moment") -> "list[Event]":
        """A press that nobody can tell from another."""
        event.values.pop("press", None)
        return []


def drawn(seed: int, count: int) -> "list[int]":
    """Numbers of a seed."""
    numbers, value = [], seed
    for _ in range(count):
        value = (value * 1_103_515_245 + 12_345) % 2_147_483_648
        numbers.append(value >> 4)
    return numbers


CONTROLS: "tuple[Callable[..., Rule], ...]" = (Swallower, Delayer, Changer)
