"""A bench for evidence: a root with one module, a clock that only harnesses move, and a harness that can be told."""

from dataclasses import dataclass, field
from pathlib import Path

from tools.evidence.figure import Figure, Outcome
from tools.evidence.figures import Skipped
from tools.evidence.run import Collector
from tools.evidence.standing import Evidence, gather
from tools.evidence.store import Store

CONDITIONS = {"machine": "a bench", "date": "2026-01-01T00:00:00Z"}
CODE = "code/part.py"


class Clock:
    """Time that passes only where a harness says so."""

    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms


@dataclass
class Bench:
    """A root with one module, a store, and a harness that costs 10 ms a trial and notes how it was called."""

    root: Path
    clock: Clock = field(default_factory=Clock)
    said: list[str] = field(default_factory=list)
    calls: list[tuple[int, int]] = field(default_factory=list)
    controls: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.root / "code").mkdir()
        self.code("1")

    @property
    def store(self) -> Store:
        return Store(self.root / "evidence")

    def code(self, text: str) -> None:
        (self.root / CODE).write_text(text)

    def run(self, trials: int, seed: int) -> Outcome:
        self.calls.append((trials, seed))
        self.clock.ms += 10 * trials
        return Outcome(trials, 0, {"lives": 2, "worst_ms": seed % 100}, (), {"noticed_ms": [(0, trials)]})

    def control(self, seed: int) -> Outcome:
        self.controls.append(seed)
        return Outcome(4, 3, {}, (f"seed {seed}: lost",))

    def figure(self, **given: object) -> Figure:
        wanted: dict[str, object] = {
            "id": "F1",
            "title": "A journal & its cuts",
            "trial": "crash image",
            "asked": "0 lost",
            "release": 10_000,
            "share": 500,
            "modules": ("code",),
            "run": self.run,
            "control": self.control,
            "unsafe": "it forgets",
            "conditions": "simulated",
        }
        return Figure(**(wanted | given))

    def collect(self, figure: Figure, seconds: int | None = None, date: str = "a") -> Collector:
        conditions = CONDITIONS | {"date": date}
        collector = Collector(self.root, self.store, 1, seconds, conditions, self.said.append, self.clock)
        collector.collect(figure)
        return collector

    def evidence(self, *figures: Figure, skipped: tuple[Skipped, ...] = ()) -> Evidence:
        return gather(self.root, self.store, list(figures), list(skipped), {})
