"""The dispenser's durable memory: its event log and its doses, kept in a dict that outlives a power cut."""

from gateway.core.devices.dispenser_messages import ENTRY, LOG_ID_SIZE, encode_payload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Medium = dict[str, object]

PLANNED, OFFERED, CLOSED = "planned", "offered", "closed"


class DeviceLog:
    """Entries by number, as bytes, from `first` to `newest`; the oldest go when there are more than `capacity`."""

    def __init__(self, medium: "Medium", random: "Callable[[int], bytes]", capacity: int) -> None:
        self.medium = medium
        self.capacity = capacity
        if "log_id" not in medium:
            medium["log_id"] = random(LOG_ID_SIZE)
            medium["entries"] = {}
            medium["newest"] = 0
            medium["acknowledged"] = 0

    @property
    def log_id(self) -> bytes:
        """Made with the log; a log that is lost begins again under another."""
        return self.medium["log_id"]  # type: ignore[return-value]

    @property
    def held(self) -> "dict[int, bytes]":
        """What is still there."""
        return self.medium["entries"]  # type: ignore[return-value]

    @property
    def newest(self) -> int:
        """Number of the newest entry ever written, 0 before the first."""
        return self.medium["newest"]  # type: ignore[return-value]

    @property
    def first(self) -> int:
        """Number of the oldest entry held; newest + 1 where none is."""
        return self.newest - len(self.held) + 1

    @property
    def acknowledged(self) -> int:
        """Up to here a gateway has stored it, and it may be given up for space."""
        return self.medium["acknowledged"]  # type: ignore[return-value]

    def append(self, fields: "dict[str, object]") -> int:
        """Write one entry and give it the next number."""
        number = self.newest + 1
        fields["log_id"] = self.log_id
        fields["number"] = number
        self.held[number] = encode_payload(ENTRY, fields)
        self.medium["newest"] = number
        if len(self.held) > self.capacity:
            del self.held[number - self.capacity]
        return number

    def payload(self, number: int) -> bytes:
        """An entry as it was written."""
        return self.held[number]

    def acknowledge(self, number: int) -> None:
        """A gateway has stored everything up to `number`."""
        self.medium["acknowledged"] = max(self.acknowledged, number)


class Dose:
    """One planned dose. dose_id: never given twice by a device. Times on the device's clock."""

    def __init__(
        self,
        dose_id: int,
        planned_utc_ms: int,
        window_end_utc_ms: int,
        planned: str = "",
        state: str = PLANNED,
    ) -> None:
        self.dose_id = dose_id
        self.planned_utc_ms = planned_utc_ms
        self.window_end_utc_ms = window_end_utc_ms
        self.planned = planned
        self.state = state

    def announced(self) -> "dict[str, object]":
        """Fields of the entry that says it is planned."""
        fields = self.reference(None)
        fields["window_end_utc_ms"] = self.window_end_utc_ms
        return fields

    def reference(self, remaining: "int | None") -> "dict[str, object]":
        """Fields that tell which dose an entry is about."""
        fields: dict[str, object] = {"dose_id": self.dose_id, "planned_utc_ms": self.planned_utc_ms}
        if self.planned:
            fields["planned"] = self.planned
        if remaining is not None:
            fields["remaining_doses"] = remaining
        return fields


class Doses:
    """The plan and what became of each dose, durable: a power cut never puts a dose out twice."""

    def __init__(self, medium: "Medium", remaining: int = 14) -> None:
        self.medium = medium
        medium.setdefault("doses", {})
        medium.setdefault("remaining", remaining)
        medium.setdefault("states", [])

    @property
    def by_id(self) -> "dict[int, Dose]":
        """All doses ever planned and not forgotten."""
        return self.medium["doses"]  # type: ignore[return-value]

    @property
    def remaining(self) -> int:
        """Doses left in the device."""
        return self.medium["remaining"]  # type: ignore[return-value]

    @remaining.setter
    def remaining(self, count: int) -> None:
        self.medium["remaining"] = count

    @property
    def states(self) -> "list[str]":
        """What is so now: durable, for switching off and on ends nothing."""
        return self.medium["states"]  # type: ignore[return-value]

    def is_so(self, state: str) -> bool:
        """Whether a state has begun and not ended."""
        return state in self.states

    def set_state(self, state: str, begins: bool) -> bool:
        """Note that it begins or ends; False where it had already."""
        if begins == self.is_so(state):
            return False
        if begins:
            self.states.append(state)
        else:
            self.states.remove(state)
        return True

    @property
    def can_offer(self) -> bool:
        """Whether a dose that is due can be put out."""
        return self.remaining > 0 and not self.is_so("jam")

    def in_state(self, state: str) -> "list[Dose]":
        """Doses in a state, in order of their time."""
        found = [dose for dose in self.by_id.values() if dose.state == state]
        return sorted(found, key=lambda dose: (dose.planned_utc_ms, dose.dose_id))

    def times_ms(self) -> "list[int]":
        """When, in UTC ms, something happens to a dose by itself."""
        return [dose.planned_utc_ms for dose in self.in_state(PLANNED) if self.can_offer] + [
            dose.window_end_utc_ms for dose in self.in_state(PLANNED) + self.in_state(OFFERED)
        ]

    def add(self, dose: Dose) -> bool:
        """Put a dose into the plan; False where its id has been used."""
        if dose.dose_id in self.by_id:
            return False
        self.by_id[dose.dose_id] = dose
        return True

    def offer(self, dose: Dose) -> None:
        """Put it out: from now on it is out, whatever happens."""
        dose.state = OFFERED
        self.remaining -= 1

    def close(self, dose: Dose) -> None:
        """Collected, missed or withdrawn."""
        dose.state = CLOSED

    withdraw = close
