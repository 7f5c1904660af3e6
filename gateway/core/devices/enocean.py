"""Driver `enocean`: one sensor of EnOcean, by the number of its sender; option `profile` says what its telegrams mean.

**News, not telegrams.** States are told when they change, as those of BTHome sensors are, and the last one is stored beside its
event. A smoke detector repeats its alarm every ten seconds and says every 20 minutes that it is well: the latter is how it is
watched (three missed are an hour).

**Trust.** A plain telegram can be sent by anyone in radio range. Lane 0 events of one carry "unauthenticated", always. Where the
transceiver has decrypted or authenticated it (security level 3 and 4) they carry nothing. With the option `secure` a plain
telegram is refused; an alarm of lane 0 in it is delivered all the same, marked, with a fault beside it (DESIGN.md 3), and moves
nothing else. A teach-in telegram says nothing that happened, and teaches nobody in outside the time for it.
"""

from gateway.core.devices.bthome_observer import STATES, Observer
from gateway.core.devices.driver import MALFORMED, UNAUTHENTICATED_FRAME, Context, Reading, TelegramDriver
from gateway.core.devices.enocean_profiles import INPUTS, PROFILES, input_words, is_lane_0, with_uses
from gateway.core.devices.enocean_telegram import SECURED, Telegram, is_teach_in
from gateway.core.errors import DecodeError
from gateway.core.model import UNAUTHENTICATED, Observation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.bthome_frame import Frame

STATES_KEY = "states"
FAULT_AGAIN_MS = 600_000
WELL_AFTER_MS = 86_400_000  # energy that was low and has not been said to be for so long is no longer low


class Enocean(TelegramDriver):
    """One sensor. Options: `profile`, `secure`, and for a multisensor what each input is for (`di0` to `di3`)."""

    name = "enocean"
    option_names = ("profile", "secure") + INPUTS

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.row = PROFILES[str(context.options["profile"])]
        self.inputs = context.options if self.row.takes_inputs else {}
        self.interval_s = self.row.interval_s
        self.safety = self.row.safety or is_lane_0(self.inputs)
        self.is_secure = context.options.get("secure") is True
        self.observer = Observer(context.stored(STATES_KEY) or b"")
        self.faults_ms: "dict[str, int]" = {}
        self.low_ms: "int | None" = None  # when it last said that its energy is low, in this run

    @staticmethod
    def wrong_option(options: "dict[str, object]") -> "tuple[str, str] | None":
        """A profile that is read, inputs that such a device has, each for something, and `secure` yes or no."""
        if options.get("profile") not in PROFILES:
            return "profile", "one of " + ", ".join(sorted(PROFILES))
        for name in INPUTS:
            if name in options and not PROFILES[str(options["profile"])].takes_inputs:
                return name, "nothing: only a device of profile A5-30-03 has inputs"
            if name in options and options[name] not in input_words():
                return name, "one of " + ", ".join(sorted(STATES)) + ", or not_ before it"
        if not isinstance(options.get("secure", False), bool):
            return "secure", "true or false"
        return None

    @classmethod
    def interval_with(cls, options: "dict[str, object]") -> int:
        """The interval that its profile gives, 0 where it gives none."""
        row = PROFILES.get(str(options.get("profile")))
        return row.interval_s if row is not None else 0

    def heard(self, telegram: Telegram, now_ms: int) -> Reading:
        """What one telegram says."""
        if is_teach_in(telegram):
            return Reading()
        if telegram.rorg in SECURED:
            reading = Reading(
                refused=(
                    UNAUTHENTICATED_FRAME,
                    "the telegram is encrypted, and the transceiver has no key for its sender",
                )
            )
            return self.distrust(reading, "no_key", now_ms)
        if telegram.rorg != self.row.rorg:
            return Reading(refused=(MALFORMED, "a telegram of another sort than the profile's"))
        try:
            frame = self.row.read(telegram)
            if self.row.takes_inputs:
                frame = with_uses(frame, self.inputs)
        except DecodeError as error:
            return Reading(refused=(MALFORMED, str(error)))
        if self.is_secure and not telegram.is_verified:
            reading = Reading(self.observer.alarms(frame, now_ms, UNAUTHENTICATED))
            reading.refused = (UNAUTHENTICATED_FRAME, "a plain telegram from a device that is to be secure")
            self.store_states(reading)
            return self.distrust(reading, "plain", now_ms)
        self.judge_energy(frame, now_ms)
        provenance = 0 if telegram.is_verified else UNAUTHENTICATED
        reading = Reading(self.observer.observe(frame, now_ms, False, provenance))
        reading.triggered = bool(frame.buttons) or is_event(reading.observations)
        self.say_position(frame, reading.observations)
        self.store_states(reading)
        return reading

    def judge_energy(self, frame: "Frame", now_ms: int) -> None:
        """Such a detector says that its energy is low, and never that it is well again: a day without the word says it."""
        if "battery" in frame.values:
            self.low_ms = now_ms
        elif self.observer.battery.low:
            if self.low_ms is None:
                self.low_ms = now_ms  # the last word may have come just before a restart
            if now_ms - self.low_ms >= WELL_AFTER_MS:
                frame.add("battery", False)

    def say_position(self, frame: "Frame", observations: "list[Observation]") -> None:
        """Beside an open window, whether it is tilted."""
        if frame.values.get("position") == "tilted":
            for observation in observations:
                observation.values["state"] = "tilted"

    def store_states(self, reading: Reading) -> None:
        """Put the states into the reading where they changed or have to stand beside what is reported."""
        states = self.observer.changed(bool(reading.observations))
        if states is not None:
            reading.state[STATES_KEY] = states

    def distrust(self, reading: Reading, why: str, now_ms: int) -> Reading:
        """A telegram that proves no life; its fault is told once in ten minutes."""
        reading.heard = False
        last_ms = self.faults_ms.get(why)
        if last_ms is None or now_ms - last_ms >= FAULT_AGAIN_MS:
            self.faults_ms[why] = now_ms
            reading.observations.append(Observation("device.unauthenticated", {"reason": why}))
        return reading


def is_event(observations: "list[Observation]") -> bool:
    """Whether something happened, and not just the time to send had come."""
    return any([observation.kind != "climate.measured" for observation in observations])
