"""What the running hub does before anything is wiped: it delivers what it holds, clears its topics, and stops."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.core.errors import RefusedError
from gateway.daemon.control import NAME, ask, is_served
from tools.move.progress import Progress

LOOK_S = 0.5
END_S = 30.0  # a hub that stops flushes for two seconds, and closes its journal
PATIENCE_S = 40.0  # for one answer: parts end in their own time


class Farewell:
    """`tell(count)` hears how many events still wait, each time that changes."""

    def __init__(
        self,
        data: Path,
        progress: Progress,
        tell: Callable[[int], None],
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = data / NAME
        self._progress = progress
        self._tell = tell
        self._sleep = sleep
        self._now = now

    def say(self, wait_s: float, *, may_export: bool) -> bool:
        """Let the hub leave; False where none runs. may_export: what is not delivered goes into a file afterwards.

        Raises:
            RefusedError: not everything was delivered in time, and nobody asked for an export; or the hub does not stop. As at
                every other error, the hub starts anew and listens.
        """
        if not is_served(self._path):
            return False
        try:
            self.leave(wait_s, may_export=may_export)
        except BaseException:  # also whoever presses Ctrl-C: the hub hears nobody, and must not stay so
            self.stay()
            raise
        return True

    def leave(self, wait_s: float, *, may_export: bool) -> None:
        """As `say`, of a hub that runs."""
        self.asked("leave")
        count = self.wait_for_receipts(wait_s)
        if count and not may_export:
            raise RefusedError(
                f"{count} events are not delivered: see trygg status, and run it again, or give --export"
            )
        is_cleared = not count and self.clear()
        self.asked("leave_end", undelivered=may_export)
        # From here on no hub starts again: what comes next is the wiping. Not before: a hub that goes on listening must be
        # able to start again.
        self._progress.know(told=not count, cleared=is_cleared)
        self.wait_for_end()

    def stay(self) -> None:
        """The gateway does not leave after all: nothing was wiped, so its hub may start again, and is told to."""
        try:
            if not self._progress.done:
                self._progress.forget()
        finally:
            with contextlib.suppress(RefusedError):  # it gives up by itself, only later
                self.asked("leave_cancel")

    def wait_for_receipts(self, wait_s: float) -> int:
        """How many events have no receipt when the time is over, or as soon as there are none."""
        until, before = self._now() + wait_s, -1
        while True:
            count = sum(self.asked("leave_state")["held"].values())
            if count != before:
                self._tell(count)
            if not count or self._now() >= until:
                return int(count)
            before = count
            self._sleep(LOOK_S)

    def clear(self) -> bool:
        """Whether the gateway's own topics were cleared; the platform's side can do it, too."""
        try:
            self.asked("leave_clear")
        except RefusedError:
            return False
        return True

    def wait_for_end(self) -> None:
        """Raises RefusedError where it does not stop."""
        until = self._now() + END_S
        while is_served(self._path):
            if self._now() >= until:
                raise RefusedError("the hub does not stop: systemctl stop trygg, and run it again")
            self._sleep(LOOK_S)

    def asked(self, command: str, **arguments: bool) -> Any:
        """The hub's answer. Raises RefusedError."""
        try:
            return ask(self._path, command, PATIENCE_S, arguments)
        except (OSError, ValueError) as error:
            raise RefusedError(f"the hub did not do what it was asked for: {error}") from error
