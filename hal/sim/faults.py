"""Faults that a plan names before the run, so that a failing run can be had again from its seed.

A plan is a list of (interface, operation, nth call, effect). Backends under `hal/sim` ask it once a call:

    plan = FaultPlan([Fault("journal", "append", 3, POWER_CUT), Fault("journal", "ack", 1, ERROR)])
    journal = SimJournal(medium, faults=plan)

What an effect means is the backend's to say; one that it has no meaning for is refused, not ignored.
"""

import asyncio
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

ERROR = "error"  # the medium fails: UnavailableError
FULL = "full"  # no space: StorageFullError
POWER_CUT = "power_cut"  # the machine stops before the operation took hold
POWER_CUT_AFTER = "power_cut_after"  # the machine stops when it took hold, before the caller learned of it


class PowerCutError(BaseException):
    """The simulated machine stopped. No program handles this, so it derives from no `Exception`."""


class Fault:
    """One entry of a plan; `nth` counts calls from 1."""

    __slots__ = ("effect", "interface", "nth", "operation")

    def __init__(self, interface: str, operation: str, nth: int, effect: str) -> None:
        self.interface = interface
        self.operation = operation
        self.nth = nth
        self.effect = effect

    def __repr__(self) -> str:
        return (
            "Fault("
            + ", ".join([repr(self.interface), repr(self.operation), str(self.nth), repr(self.effect)])
            + ")"
        )


class FaultPlan:
    """Counts calls and says which of them fail. `seed` is only carried, for the message of a failing test."""

    def __init__(self, faults: "list[Fault]", seed: "int | None" = None) -> None:
        self.faults = list(faults)
        self.seed = seed
        self._calls: dict[tuple[str, str], int] = {}

    def effect(self, interface: str, operation: str) -> "str | None":
        """Count one call of `operation`; its effect, or None where nothing is to go wrong."""
        key = (interface, operation)
        count = self._calls.get(key, 0) + 1
        self._calls[key] = count
        for fault in self.faults:
            if (fault.interface, fault.operation, fault.nth) == (interface, operation, count):
                return fault.effect
        return None

    def __repr__(self) -> str:
        return "FaultPlan(" + repr(self.faults) + ", seed=" + str(self.seed) + ")"


class SeededNumbers:
    """Reproducible numbers on both interpreters: the generator of Numerical Recipes, high bits only."""

    def __init__(self, seed: int) -> None:
        self._value = seed & 0xFFFFFFFF

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1; `limit` is at most 65,536."""
        self._value = (self._value * 1664525 + 1013904223) & 0xFFFFFFFF
        return (self._value >> 16) % limit

    def take(self, size: int) -> bytes:
        """`size` reproducible bytes: for identities and epochs of a simulation, never for a real key."""
        return bytes([self.below(256) for _ in range(size)])


def seeded_plan(
    seed: int, calls: "list[tuple[str, str]]", effects: "list[str]", count: int, within: int
) -> FaultPlan:
    """`count` faults drawn by `seed`: each hits one of `calls` at one of its first `within` calls."""
    numbers = SeededNumbers(seed)
    faults = []
    for _ in range(count):
        interface, operation = calls[numbers.below(len(calls))]
        faults.append(
            Fault(interface, operation, 1 + numbers.below(within), effects[numbers.below(len(effects))])
        )
    return FaultPlan(faults, seed)


def run_until_cut(program: "Coroutine[Any, Any, object]") -> bool:
    """Run a program from switching on to its end, or to the power cut; whether it was cut."""
    try:
        asyncio.run(program)
    except PowerCutError:
        if sys.implementation.name == "micropython":
            asyncio.new_event_loop()  # there, tasks of the dead program would go on in the next run
        return True
    return False
