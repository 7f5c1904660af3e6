"""A changed configuration in use: the hub stops as told and starts anew in the same process, over the same journal.

Everything that counts stands in the journal, so nothing is lost by it, and an alarm waits no longer than a start takes. The
change is checked before anything stops, and whoever asked for it has the answer before. Where the hub does not start with it,
what was written is put back and the hub runs on with the one before.

For whoever changes a layer (an installation, a configuration from afar):

    write_layer(path, content)                  # whole or not at all, durable
    await applying.apply(put_back)              # ConfigError: nothing has changed, the hub runs on

`put_back` brings back the files of before; it is called in a thread, where the start fails. The next run finds why in `failure`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.core.errors import ConfigError
from gateway.daemon.configuration import Loaded, replace_private
from gateway.hub.parts import PartFailedError
from hal.errors import HalError, UnavailableError

SOON_S = 0.3  # in which the answer goes out
Log = Callable[..., None]
PutBack = Callable[[], object]
Run = Callable[[Loaded, asyncio.Event], Awaitable[int]]


class Applying:
    """`load` reads and checks the configuration; it raises ConfigError. failure: why the last change is not in use, or empty."""

    def __init__(
        self, load: Callable[[], Loaded], log: Log, *, soon_s: float = SOON_S, failure: str = ""
    ) -> None:
        """`failure`: why a change of before this process is not in use."""
        self._load = load
        self._log = log
        self._soon_s = soon_s
        self._next: Loaded | None = None
        self._put_back: PutBack | None = None
        self._halt = asyncio.Event()
        self._has_started = False
        self.failure = failure

    async def apply(self, put_back: PutBack | None = None, load: Callable[[], Loaded] | None = None) -> None:
        """Use what the files say now, or what `load` gives, in a moment. Raises ConfigError: nothing changes."""
        self._next = await asyncio.to_thread(load or self._load)
        self._put_back = put_back
        asyncio.get_running_loop().call_later(self._soon_s, self._halt.set)

    def started(self) -> None:
        """The hub runs with the newest: from now on it ends as any does."""
        self._has_started = True

    async def run(self, loaded: Loaded, stop: asyncio.Event, run: Run) -> int:
        """Run the hub until `stop` is set, anew after each change; the exit status of the last run.

        Raises:
            ConfigError, HalError, PartFailedError, or what is a bug: it could not start, and there is none before it.
        """
        before: Loaded | None = None
        while True:
            self._next, self._halt, self._has_started = None, asyncio.Event(), False
            told = asyncio.create_task(follow(stop, self._halt))
            try:
                status = await run(loaded, self._halt)
            except Exception as error:
                if before is None or self._has_started:
                    raise
                loaded, before = await self._fall_back(before, error), None
                continue
            finally:
                told.cancel()
                await asyncio.gather(told, return_exceptions=True)
            following = self._taken()
            if status or stop.is_set() or following is None:
                return status
            loaded, before, self.failure = following, loaded, ""

    def _taken(self) -> Loaded | None:
        """What is to be used next, if anything."""
        return self._next

    async def _fall_back(self, before: Loaded, error: Exception) -> Loaded:
        """The one before, with the files of before; where those could not be put back it has the fault that they still have."""
        known = isinstance(error, (ConfigError, HalError, PartFailedError))
        self.failure = str(error) if known else f"{type(error).__name__}: {error}"
        self._log(
            "error",
            "The hub did not start with the changed configuration.",
            part="daemon",
            cause=self.failure,
        )
        put_back, self._put_back = self._put_back, None
        try:
            if put_back is None:
                before.config.fault = self.failure
            else:
                await asyncio.to_thread(put_back)
        except (OSError, HalError) as problem:
            before.config.fault = self.failure
            self._log(
                "error", "The files of before could not be put back.", part="daemon", cause=str(problem)
            )
        return before


async def follow(stop: asyncio.Event, halt: asyncio.Event) -> None:
    """Who is told to stop stops."""
    await stop.wait()
    halt.set()


def write_layer(path: Path, content: str | bytes) -> None:
    """Write a layer, private to the hub. Raises UnavailableError: what was there is there."""
    try:
        replace_private(path, content)
    except OSError as error:
        raise UnavailableError(
            f"the configuration could not be written to {path}, and nothing has changed: free space on the disk",
            str(error.strerror),
        ) from error
