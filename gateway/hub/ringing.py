"""Trying out an alarm (P3): a person begins an exercise, lets the device alarm, and sees it come back receipted.

| state       | what it says                                                                    |
|-------------|---------------------------------------------------------------------------------|
| `waiting`   | the exercise runs, and the device has not alarmed                               |
| `heard`     | it has: the event stands in the journal, marked as an exercise                  |
| `delivered` | the platform's signed receipt covers that event                                 |
| `forwarded` | the platform's signed disposition says: it was sent on to whoever answers       |
| `accepted`  | somebody has taken it                                                           |
| `handled`   | somebody has dealt with it                                                      |
| `failed`    | the platform could bring it to nobody                                           |
| `over`      | the time is over and nothing was heard; what comes now is real                  |

A receipt says that the platform has stored it, and not that anybody saw it. That is what dispositions are for.
"""

from gateway.core.alarms import Alarms
from gateway.core.errors import ConfigError
from gateway.core.event_codec import lane_of
from gateway.core.registry import KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.model import Event
    from gateway.hub.devices import Device
    from gateway.hub.recorder import Recorder
    from hal.types import Entry

WAITING, HEARD, DELIVERED, OVER = "waiting", "heard", "delivered", "over"
LONGEST_S = 120


class Ringing:
    """The exercise that a person began last."""

    def __init__(self, recorder: "Recorder", devices: "list[Device]", alarms: "Alarms | None" = None) -> None:
        """`alarms` is where dispositions are kept."""
        self.recorder = recorder
        self.devices = devices
        self.alarms = alarms if alarms is not None else Alarms()
        self.device: "Device | None" = None
        self.kind = ""
        self.end_ms = 0
        self.seq, self.epoch, self.identity = 0, b"", b""
        self.is_delivered = False
        recorder.stored.append(self.took)

    def begin(self, device: str = "", kind: str = "", seconds: str = str(LONGEST_S)) -> "dict[str, object]":
        """From now on `kind` of the device of that name is an exercise.

        Raises:
            ConfigError: no such device, or what is no number of seconds.
            RefusedError: it cannot be begun now, or not with that kind.
        """
        found = [each for each in self.devices if each.config.name == device]
        if not found:
            names = ", ".join([each.config.name for each in self.devices])
            raise ConfigError("--device", repr(device), "one of " + names)
        if not (seconds.isdigit() and 0 < int(seconds) <= LONGEST_S):
            raise ConfigError("--seconds", repr(seconds), "a whole number from 1 to " + str(LONGEST_S))
        length_ms = 1_000 * int(seconds)
        self.recorder.exercise(found[0].placement, kind, length_ms)
        self.device, self.kind = found[0], kind
        self.end_ms = self.recorder.clock.uptime_ms() + length_ms
        self.seq, self.epoch, self.identity, self.is_delivered = 0, b"", b"", False
        return self.facts()

    def took(self, event: "Event", entry: "Entry") -> None:
        """An event was stored. With the alarm, or the end of the state that it begins, the exercise is over."""
        if not event.exercise or self.device is None or event.placement != self.device.placement:
            return
        if event.kind == self.kind and not self.seq:
            self.seq, self.epoch = entry.seq, self.recorder.journal.epoch
            self.identity = event.identity or entry.chain
            if not self.recorder.engine.storms.follows(
                self.kind
            ):  # a press is no state: the next one is real
                self.end()
        elif self.seq and KINDS[event.kind][2] == self.kind:
            self.end()

    def end(self) -> None:
        """What comes from now on is real; a state that still stands is told again as that."""
        self.recorder.engine.exercises.end(self.recorder.moment())
        self.end_ms = min(self.end_ms, self.recorder.clock.uptime_ms() - 1)

    def cancel(self) -> "dict[str, object]":
        """The person calls it off; no error where none runs."""
        if self.device is not None:
            self.end()
        return self.facts()

    def state(self) -> str:
        """How far it has come."""
        journal = self.recorder.journal
        if self.seq:
            alarm = self.alarms.find(self.identity)
            if alarm is not None and alarm.word:  # who tells what became of it has it
                return alarm.word
            # Lanes 0 and 1 give nothing up: what is no longer held was receipted. In another epoch it has another number.
            here = journal.epoch == self.epoch
            self.is_delivered = self.is_delivered or (
                here and journal.mark(lane_of(self.kind)).first > self.seq
            )
            return DELIVERED if self.is_delivered else HEARD
        return OVER if self.recorder.clock.uptime_ms() > self.end_ms else WAITING

    def facts(self) -> "dict[str, object]":
        """The exercise that runs, or the last one; empty where there was none."""
        if self.device is None:
            return {}
        alarm = self.alarms.find(self.identity)
        return {
            "state": self.state(),
            "device": self.device.config.name,
            "kind": self.kind,
            "left_ms": max(0, self.end_ms - self.recorder.clock.uptime_ms()),
            "identity": self.identity.hex(),
            "note": "" if alarm is None else alarm.note,
        }
