"""A home with one engine, for what toggles by itself."""

from gateway.core.model import Event, Observation
from gateway.core.rules.engine import Engine, Moment
from gateway.core.rules.night_window import NightWindow

SMOKE = 11


class Home:
    """An engine with a journal that survives `restart`, and a clock in ms of uptime."""

    def __init__(self, rules: "list[NightWindow] | None" = None) -> None:
        self.rules = rules or []
        self.journal: "dict[str, bytes]" = {}
        self.given = 0
        self.restart()

    def restart(self) -> None:
        """A new boot over the same journal."""
        self.now_ms = 1_000
        self.engine = Engine(list(self.rules), {}, self.random, dict(self.journal))

    def random(self, size: int) -> bytes:
        """Bytes that are all different."""
        self.given += 1
        return self.given.to_bytes(size, "big")

    def say(self, kind: str, at_ms: int, placement: int = SMOKE, part: str = "", doubt: int = 0) -> Event:
        """What a device says; its own event, which is always there and always first."""
        return self.all(kind, at_ms, placement, part, doubt)[0]

    def all(
        self, kind: str, at_ms: int, placement: int = SMOKE, part: str = "", doubt: int = 0
    ) -> "list[Event]":
        """What a device says; every event of it."""
        values: "dict[str, object]" = {"part": part} if part else {}
        observation = Observation(kind, values, provenance=doubt)
        events = self.engine.observe(placement, observation, Moment(7, at_ms, None))
        self.store()
        assert events[0].kind == kind and "repeat" not in observation.values
        return events

    def due(self, at_ms: int) -> "list[Event]":
        """What time alone brings by then."""
        events = self.engine.due(Moment(7, at_ms, None))
        due_ms = self.engine.next_due_ms()
        assert due_ms is None or due_ms > at_ms, "it must not be asked for again and again"
        self.store()
        return events

    def store(self) -> None:
        """One append."""
        for key, item in self.engine.take_changes().items():
            if item is None:
                self.journal.pop(key, None)
            else:
                self.journal[key] = item


def mark(event: Event) -> object:
    return event.values.get("repeat")
