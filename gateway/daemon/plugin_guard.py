"""What stands between the hub and a driver of another package: it may fail, and nothing but its own device is the worse for it.

Each call goes through here. What the driver raises, gives against its contract, or works at for too long is counted as refused
(`driver_failed` in `trygg devices`) and told once as `driver.failed`. A fault is never a reason to lose an alarm (DESIGN.md 3):
the observations of lanes 0 and 1 that hold by themselves are delivered beside it, and what took too long and is whole is taken
whole. A driver that raised or broke its contract is made anew from its stored state. After ten minutes without a failure
`driver.restored` follows. What an endless loop in a driver does, this cannot end: the watchdog of the service does
(docs/drivers.md).
"""

import time
from asyncio import CancelledError
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.core.devices.contract import (
    INTERVAL_LIMIT_S,
    STEPS_LIMIT,
    check_reading,
    check_steps,
    is_whole,
    urgent_of,
)
from gateway.core.devices.driver import (
    FAILED,
    AdvertisingDriver,
    Context,
    Driver,
    GattDriver,
    Reading,
    SerialDriver,
    Step,
)
from gateway.core.errors import ContractError
from gateway.core.model import Observation

if TYPE_CHECKING:
    from hal.types import Advertisement

SLOWEST_S = 0.5  # of the processor, for one call: a hundred times what ours take on a small machine
QUIET_MS = 600_000
DETAIL = 120  # characters of what was raised that are shown on the gateway; they never leave it
# All that a call may raise. None of them waits for anything, so that a cancellation in one is the driver's and not the hub's.
RAISED = (Exception, SystemExit, CancelledError)


class Guard(Driver):
    """What the guards of all shapes share. `guards` is the driver's own class, `slowest_s` the longest that one call may take."""

    guards: type[Driver] = Driver
    slowest_s = SLOWEST_S

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.failed_ms: int | None = None  # when it last failed, while that is told of
        self.inner: Driver | None = None
        self.trouble = ""
        self.slow = ""  # what took too long since the last reading
        self.attempt("driver.init", self.make)

    def make(self) -> None:
        """The driver anew, from what it has stored."""
        self.inner = None
        self.inner = self.guards(self.context)

    def can(self, described: dict[str, str]) -> list[str]:
        """In words of the contract; none where the driver does not know."""
        words = self.attempt("driver.can", lambda: self.words(described))
        return [] if words is None else list(words)

    def words(self, described: dict[str, str]) -> list[str]:
        """What the driver says that it can, as texts."""
        given: Any = self.inner.can(described) if self.inner is not None else []
        return [str(word) for word in given] if isinstance(given, list) else []

    def attempt(self, what: str, call: Callable[[], Any]) -> Any:
        """What a call gives, or None where it failed: then `trouble` says how, and the driver is made anew at the next one.

        What took too long is given all the same, and `slow` says so.
        """
        began_s = time.thread_time()
        try:
            given = call()
        except ContractError as error:
            self.trouble = f"{what}: {error.reason}"
        except RAISED as error:  # it is not our code; the hub goes on
            self.trouble = f"{what}: {type(error).__name__}: {error}"[:DETAIL]
        else:
            if time.thread_time() - began_s > self.slowest_s:
                self.slow = f"{what}: took more than {self.slowest_s} s of the processor"
            return given
        self.inner = None
        return None

    def judged(self, what: str, now_ms: int, call: Callable[[Any], Any]) -> Reading:
        """The reading of one call, held to the contract; on failure one that says so, and what must be delivered of it."""
        if self.inner is None:
            self.attempt("driver.init", self.renew(now_ms))
        inner, told, checked = self.inner, None, None
        if inner is not None:
            told = self.attempt(what, lambda: call(inner))
        if self.inner is not None:
            checked = self.attempt(what, lambda: self.followed(check_reading(told, self.guards)))
        if checked is None:
            return self.failure(now_ms, self.urgent(told))
        reading: Reading = checked
        if self.slow:
            self.trouble, self.slow = self.slow, ""
            return self.failure(now_ms, reading)
        if self.failed_ms is not None and now_ms - self.failed_ms >= QUIET_MS:
            self.failed_ms = None
            reading.observations = [*reading.observations, Observation("driver.restored", {})]
        return reading

    def urgent(self, told: object) -> Reading:
        """What must be delivered of a reading that breaks the contract. No state, and no byte for the device, is believed."""
        trouble, self.slow = self.trouble, ""  # what it said first is what is told
        found = self.attempt("driver.urgent", lambda: urgent_of(told, self.guards))
        self.trouble = trouble
        return Reading(found or [], heard=bool(found))

    def renew(self, _now_ms: int) -> Callable[[], None]:
        """How it is made anew."""
        return self.make

    def failure(self, now_ms: int, reading: Reading) -> Reading:
        """That reading with a failure beside it, as an event the first time; only the name of the error goes into the event."""
        if reading.refused is None:
            reading.refused = (FAILED, self.trouble)
        if self.failed_ms is None:
            reason = ":".join(self.trouble.split(":")[:2])
            failed = Observation("driver.failed", {"driver": self.guards.name, "reason": reason})
            reading.observations = [*reading.observations, failed]
        self.failed_ms = now_ms
        return reading

    def followed(self, reading: Reading) -> Reading:
        """The reading, when what a driver may change of itself was taken over."""
        self.follow()
        return reading

    def follow(self) -> None:
        """Take over what a driver may change of itself."""
        interval_s = getattr(self.inner, "interval_s", 0)
        if is_whole(interval_s, 0, INTERVAL_LIMIT_S):
            self.interval_s = interval_s


class AdvertisingGuard(Guard, AdvertisingDriver):
    """Of a device that only broadcasts."""

    def advertised(self, advertisement: "Advertisement") -> Reading:
        return self.judged(
            "driver.advertised", advertisement.received_ms, lambda inner: inner.advertised(advertisement)
        )


class GattGuard(Guard, GattDriver):
    """Of a device that the hub connects to."""

    def steps(self, characteristics: list[str]) -> list[Step]:
        if self.inner is None:
            self.attempt("driver.init", self.make)
        inner: Any = self.inner
        given = (
            None
            if inner is None
            else self.attempt("driver.steps", lambda: self.checked(inner.steps(characteristics)))
        )
        return [] if given is None else list(given)

    @staticmethod
    def checked(steps: list[Step]) -> list[Step]:
        """Steps that are some."""
        check_steps(steps)
        return steps[:STEPS_LIMIT]

    def read(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        return self.judged("driver.read", now_ms, lambda inner: inner.read(characteristic, value, now_ms))

    def notified(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        return self.judged(
            "driver.notified", now_ms, lambda inner: inner.notified(characteristic, value, now_ms)
        )

    def denied(self, step: Step, now_ms: int) -> Reading:
        return self.judged("driver.denied", now_ms, lambda inner: inner.denied(step, now_ms))

    def due(self, now_ms: int, utc_ms: int | None) -> Reading:
        return self.judged("driver.due", now_ms, lambda inner: inner.due(now_ms, utc_ms))

    def next_due_ms(self, now_ms: int) -> int | None:
        return next_due(self, now_ms)


class SerialGuard(Guard, SerialDriver):
    """Of a device on a line. One that was made anew is told first that the line is open."""

    def __init__(self, context: Context) -> None:
        self.again: Reading | None = None
        super().__init__(context)

    def renew(self, now_ms: int) -> Callable[[], None]:
        def make() -> None:
            self.make()
            inner: Any = self.inner
            self.again = check_reading(inner.opened(now_ms, None), self.guards)

        return make

    def opened(self, now_ms: int, utc_ms: int | None) -> Reading:
        return self.said("driver.opened", now_ms, lambda inner: inner.opened(now_ms, utc_ms))

    def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
        return self.said("driver.received", now_ms, lambda inner: inner.received(data, now_ms, utc_ms))

    def due(self, now_ms: int, utc_ms: int | None) -> Reading:
        return self.said("driver.due", now_ms, lambda inner: inner.due(now_ms, utc_ms))

    def said(self, what: str, now_ms: int, call: Callable[[Any], Any]) -> Reading:
        """A reading, behind what a driver that was made anew says first."""
        reading = self.judged(what, now_ms, call)
        first, self.again = self.again, None
        if first is not None:
            reading.observations = [*first.observations, *reading.observations]
            reading.state = first.state | reading.state
            reading.send = [*first.send, *reading.send]
            reading.send_after = [*first.send_after, *reading.send_after]
        return reading

    def next_due_ms(self, now_ms: int) -> int | None:
        return next_due(self, now_ms)

    def follow(self) -> None:
        super().follow()
        self.unanswered = getattr(self.inner, "unanswered", False) is True


def next_due(guard: Guard, now_ms: int) -> int | None:
    """When a driver wants to be called; never where it does not say so in whole milliseconds."""
    inner: Any = guard.inner
    given = None if inner is None else guard.attempt("driver.next_due_ms", lambda: inner.next_due_ms(now_ms))
    return given if isinstance(given, int) and not isinstance(given, bool) else None


GUARDS: dict[str, type[Guard]] = {
    "ble-adv": AdvertisingGuard,
    "ble-gatt": GattGuard,
    "serial": SerialGuard,
}
# What a guard says of itself as the driver's class does, before there is a driver.
DECLARED = ("name", "interval_s", "safety", "contract", "kinds", "capabilities", "option_names")
OF_SHAPE = {"ble-adv": (), "ble-gatt": ("service", "pairing"), "serial": ("baud", "parity")}


def guarded(kind: type[Driver]) -> type[Driver]:
    """A class that is used as the driver is, and fails as no driver may."""
    names = (*DECLARED, *OF_SHAPE[kind.transport])
    declared: dict[str, Any] = {name: getattr(kind, name) for name in names}
    declared |= {
        "guards": kind,
        "wrong_option": staticmethod(asked_of(kind)),
        "interval_with": interval_of(kind),
    }
    return type("Guarded", (GUARDS[kind.transport],), declared)


def asked_of(kind: type[Driver]) -> Callable[[dict[str, object]], tuple[str, str] | None]:
    """Its own check of options; one that fails has no objection."""

    def wrong_option(options: dict[str, object]) -> tuple[str, str] | None:
        try:
            found: Any = kind.wrong_option(dict(options))
        except RAISED:  # a check that fails says nothing of the configuration
            return None
        is_pair = (
            isinstance(found, tuple) and len(found) == 2 and all(isinstance(item, str) for item in found)
        )
        return found if is_pair else None

    return wrong_option


def interval_of(kind: type[Driver]) -> "classmethod[Any, Any, int]":
    """Its own word on the interval that options give; what it declares where that fails."""

    def interval_with(_cls: type, options: dict[str, object]) -> int:
        try:
            found = kind.interval_with(dict(options))
        except RAISED:  # as above
            return kind.interval_s
        return found if is_whole(found, 0, INTERVAL_LIMIT_S) else kind.interval_s

    return classmethod(interval_with)
