"""Configuration from afar: taken where its signature holds, tried, and taken back where the platform is not reached with it."""

from gateway.core.checks import CONFIG
from gateway.core.config_trial import NOT_STARTED, STATE, TRIAL_MS, UNREACHED, Standing
from gateway.core.errors import ConfigError, RefusedError
from hal.errors import HalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from gateway.core.wire import Parsed
    from gateway.hub.recorder import Log, Recorder

    class Applier(Protocol):
        """Where the machine keeps the layer from afar.

        in_use: the layer that this run was made with, None for none. refusal: why the last one was not used, or empty.
        local: keys that the home has otherwise.
        """

        in_use: "bytes | None"
        refusal: str
        local: "list[str]"

        async def check(self, data: bytes) -> None:
            """Raises ConfigError, RefusedError: nothing could be made of it."""
            ...

        async def use(self, data: bytes) -> None:
            """Keep it beside the one before, durably, and let the hub start with it in a moment. Raises HalError."""
            ...

        async def confirm(self) -> None:
            """It stays: the one before is needed no more. Raises HalError."""
            ...

        async def put_back(self) -> None:
            """The one before comes back, and the hub starts with it in a moment where it runs with another.

            Raises ConfigError, HalError: it is back, and nothing can be started with it; or it could not be put back.
            """
            ...


LOOK_MS = 1_000
NO_ROOM = "there is no room to try the configuration: the store is full"
FAULT = "it cannot be used"  # a fault of ours, or of a driver's package, shows with it


class Configured:
    """Takes configurations; `reached` says whether the platform has answered in this run."""

    group = CONFIG

    def __init__(
        self,
        recorder: "Recorder",
        applier: "Applier",
        reached: "Callable[[], bool]",
        log: "Log",
        stored: "bytes | None" = None,
    ) -> None:
        """`stored` is what was kept of the last run."""
        self.recorder = recorder
        self.applier = applier
        self.reached = reached
        self.log = log
        self.standing = Standing(stored)
        self.is_leaving = False  # whether another start is on its way

    def examine(self, parsed: "Parsed") -> bool:
        """Whether it is new. Raises RefusedError."""
        fields = parsed.fields
        return not self.is_leaving and self.standing.examine(fields["revision"], fields["configuration"])  # type: ignore[arg-type]

    async def act(self, parsed: "Parsed") -> None:
        """Check it and try it, or say why not. Raises RefusedError: not now; it is looked at again when the broker hands it out."""
        revision: int = parsed.fields["revision"]  # type: ignore[assignment]
        data: bytes = parsed.fields["configuration"]  # type: ignore[assignment]
        try:
            await self.applier.check(data)
        except MemoryError:
            raise  # which says nothing of the configuration
        except Exception as error:  # noqa: BLE001  whatever it is, it is of this message: others must be heard
            reason = reason_of(error)
            if (
                self.standing.on_trial
            ):  # which goes on; this one is looked at again when the broker hands it out
                raise RefusedError(reason)
            self.standing.turn_down(revision, data, reason)
            await self.say_refused(reason)
            return
        if self.applier.in_use == data and self.standing.on_trial:
            self.standing.renumber(revision)
            await self.keep()
            return
        if self.applier.in_use == data:  # what runs, under a new number: nothing to try
            self.standing.begin(revision, data)
            await self.stays()
            return
        before = Standing(self.standing.encode())
        self.standing.begin(revision, data)
        self.is_leaving = True
        if not await self.keep():  # what is tried without being on trial is never taken back
            self.standing = before
            self.is_leaving = False
            await self.keep()
            raise RefusedError(NO_ROOM)
        self.log("info", "A configuration from afar is tried.", revision=revision)
        try:
            await self.applier.use(data)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  as above
            await self.take_back(reason_of(error))  # one that was on trial until now goes with it

    async def started(self) -> None:
        """The hub has started: whether the one on trial goes on."""
        was = self.standing.encode()
        reason = self.standing.at_start(self.applier.in_use, self.applier.refusal)
        if reason and not self.standing.on_trial:  # it was in use until now, and the one before runs already
            await self.say_refused(NOT_STARTED)
            return
        if reason:
            await self.take_back(reason if reason != self.applier.refusal else NOT_STARTED)
            return
        if self.standing.encode() != was:
            await self.keep()
        if self.standing.is_refused(self.applier.in_use):  # the disk did not let it be taken back
            await self.safely(self.applier.put_back())
        elif self.standing.is_applied(self.applier.in_use):
            await self.safely(self.applier.confirm())  # what a cut left of the last one

    async def run(self) -> None:
        """The part that ends a trial, one way or the other."""
        end_ms = self.recorder.clock.uptime_ms() + TRIAL_MS
        while self.standing.on_trial and not self.is_leaving:
            if self.reached():
                await self.stays()
            elif self.recorder.clock.uptime_ms() >= end_ms:
                await self.take_back(UNREACHED)
            else:
                await self.recorder.clock.sleep_ms(LOOK_MS)

    async def stays(self) -> None:
        """The trial ended well. The one before goes when that is durable: a start that knows nothing of it may still need it."""
        self.standing.keep()
        if await self.say_applied():
            await self.safely(self.applier.confirm())

    async def take_back(self, reason: str) -> None:
        """The one before comes back. What happens is said before, for the start that follows."""
        self.standing.take_back(reason)
        await self.say_refused(reason)
        self.is_leaving = True
        try:
            await self.safely(self.applier.put_back())
        finally:
            self.is_leaving = False

    async def safely(self, work: "object") -> None:
        """What the disk or the gateway's own files do not let us do is said, and the hub runs on; the next start tries it again."""
        try:
            await work  # type: ignore[misc]
        except (ConfigError, RefusedError, HalError) as error:
            self.log("error", "The configuration from afar could not be kept.", cause=str(error))

    async def say_applied(self) -> bool:
        """Say that it is in use; whether that is durable."""
        self.log("info", "The configuration from afar is in use.", revision=self.standing.revision)
        values: "dict[str, object]" = {
            "revision": self.standing.revision,
            "local_changes": len(self.applier.local),
        }
        state: "dict[str, bytes | None]" = {STATE: self.standing.encode()}
        return await self.recorder.note("config.applied", values=values, state=state)

    async def say_refused(self, reason: str) -> None:
        """Say that it is not, and why."""
        standing = self.standing
        self.log(
            "error",
            "The configuration from afar is not used.",
            revision=standing.revision,
            cause=reason,
        )
        values: "dict[str, object]" = {"revision": standing.revision, "reason": reason}
        await self.recorder.note("config.refused", values=values, state={STATE: standing.encode()})

    async def keep(self) -> bool:
        """Keep where it stands, now or when there is room; whether it was now."""
        return await self.recorder.keep({STATE: self.standing.encode()})

    def shown(self) -> "tuple[int, int]":
        """What the sign of life says: the revision in use, and how many keys the home has otherwise."""
        return self.standing.used, len(self.applier.local)

    def facts(self) -> "dict[str, object]":
        """For people on the gateway: revision in use, how the newest stands, and what the home has otherwise."""
        standing = self.standing
        return {
            "revision": standing.used,
            "on_trial": standing.on_trial,
            "refused": standing.revision if standing.reason else None,
            "reason": standing.reason,
            "local": list(self.applier.local),
        }


def reason_of(error: Exception) -> str:
    """Why, without names that people gave (N7)."""
    if isinstance(error, ConfigError):
        return nameless(error.key) + " cannot be used as it stands there"
    if isinstance(error, (RefusedError, HalError)):
        return str(error)
    return FAULT + " (" + type(error).__name__ + ")"


def nameless(fault: str) -> str:
    """Where a configuration is wrong, without what it says there: names that people gave stay in the home (N7)."""
    where, told = "", True
    for letter in fault.partition(": found ")[0]:
        told = told and letter != "["
        where += letter if told else ""
        if letter == "]":
            told, where = True, where + "[]"
    return where
