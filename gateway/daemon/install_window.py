"""The time in which a person may install: opened on purpose, ended by itself, and there again after a power cut.

The installation itself asks for the plug to be pulled, so what is left of the time is kept each minute, and a hub that starts
goes on with it. Where the disk is full or takes nothing, an open time goes on in memory and ends as told: it is no reason to end the hub. How people are let in is the page's (codes, who is signed in): `followers` are told at each start and when a window opens and
ends, `codes` makes the code that is shown once where a page is served.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from gateway.core.errors import ConfigError
from gateway.daemon.configuration import replace_private
from hal.errors import UnavailableError
from hal.interfaces import Clock

NAME = "install-window.json"
LEAST_MIN, USUAL_MIN, MOST_MIN = 5, 60, 480
KEEP_EVERY_MS = 60_000
LOOK_EVERY_MS = 1_000
BY_LIMIT = 64
Log = Callable[..., None]


class Page(Protocol):
    """What shows the installation to people; see `gateway.daemon.page.process`."""

    def follow(self, is_open: bool) -> None:
        """The window was opened, or has ended."""
        ...

    def code(self) -> str:
        """A code for one sign-in."""
        ...

    def facts(self) -> dict[str, object]:
        """Where it is: `is_wanted`, `address`, `fingerprint`."""
        ...


class InstallWindow:
    """`folder` is the gateway's data."""

    def __init__(self, folder: Path, clock: Clock, log: Log) -> None:
        self._path = folder / NAME
        self._clock = clock
        self._log = log
        self._until_ms = -1
        self._by = ""
        self._kept_ms = 0
        self._is_stale = False  # a file of a time that is over could not be removed yet
        self._is_told = False  # that the disk takes nothing
        self.followers: list[Callable[[bool], None]] = []
        self.codes: Callable[[], str] | None = None
        self.opens_by_itself = False
        self.usual_min = USUAL_MIN

    def served_by(self, page: "Page", *, by_itself: bool, minutes: int) -> None:
        """A page comes and goes with the window, and lets in by codes. by_itself: `[page] open_at_start`; minutes: `window_min`."""
        self.followers.append(page.follow)
        self.codes = page.code
        self.opens_by_itself, self.usual_min = by_itself, minutes

    def is_open(self) -> bool:
        """Whether it runs."""
        return self._clock.uptime_ms() < self._until_ms

    def facts(self) -> dict[str, object]:
        """`is_open`, `left_s`, `opened_by`."""
        left_ms = max(0, self._until_ms - self._clock.uptime_ms())
        return {
            "is_open": left_ms > 0,
            "left_s": -(-left_ms // 1000),
            "opened_by": self._by if left_ms > 0 else "",
        }

    async def open(self, minutes: str = "", by: str = "") -> dict[str, object]:
        """Open it, or anew where it is open; the answer holds the code for the page, once.

        Raises:
            ConfigError: no such number of minutes.
            UnavailableError: it could not be kept.
        """
        minutes = minutes or str(self.usual_min)
        if not (minutes.isascii() and minutes.isdigit() and LEAST_MIN <= int(minutes) <= MOST_MIN):
            raise ConfigError(
                "minutes", repr(minutes[:8]), f"a whole number from {LEAST_MIN} to {MOST_MIN}", "command line"
            )
        was_open, before = self.is_open(), (self._until_ms, self._by)
        self._by = by[:BY_LIMIT]
        self._until_ms = self._clock.uptime_ms() + 60_000 * int(minutes)
        try:
            await self._keep()
        except UnavailableError:
            self._until_ms, self._by = before
            raise
        self._log("info", "The time for installing is open.", part="install", minutes=int(minutes))
        code = self.codes() if self.codes is not None else ""
        if not was_open:
            self._tell(True)
        return {"window": self.facts(), "code": code}

    async def close(self) -> None:
        """End it; no error where it is closed."""
        was_open = self.is_open()
        self._until_ms, self._by = -1, ""
        await self._forget()
        if was_open:
            self._log("info", "The time for installing has ended.", part="install")
            self._tell(False)

    async def resume(self, *, is_installed: bool) -> None:
        """At a start: go on with what was left, or open by itself where nobody has ever installed and that is wanted."""
        kept = await asyncio.to_thread(read, self._path)
        if kept is not None:
            self._by = kept["by"]
            self._until_ms = self._clock.uptime_ms() + 1000 * kept["left_s"]
        elif self.opens_by_itself and not is_installed:
            self._until_ms = self._clock.uptime_ms() + 60_000 * self.usual_min
            await self._keep_if_possible()
        if self.is_open():
            self._log("info", "The time for installing is open.", part="install", **self.facts())
        self._tell(self.is_open())

    async def run(self) -> None:
        """The part that keeps what is left and ends it in time."""
        while True:
            await self._clock.sleep_ms(LOOK_EVERY_MS)
            if self._until_ms >= 0 and not self.is_open():
                await self.close_in_time()
            elif self._clock.uptime_ms() - self._kept_ms < KEEP_EVERY_MS:
                continue
            elif self.is_open():
                await self._keep_if_possible()
            elif self._is_stale:
                await self._forget()

    async def close_in_time(self) -> None:
        """Its time is over."""
        self._until_ms = self._clock.uptime_ms() + 1
        await self.close()

    async def _keep_if_possible(self) -> None:
        """Keep what is left; a disk that takes nothing is told once, and tried again in a minute."""
        try:
            await self._keep()
        except UnavailableError as error:
            self._tell_once("The time for installing could not be kept: a restart ends it.", error)
        else:
            self._is_told = False

    async def _forget(self) -> None:
        """Remove what was kept; where that fails it is told once, and tried again in a minute."""
        self._kept_ms = self._clock.uptime_ms()
        try:
            await asyncio.to_thread(self._path.unlink, missing_ok=True)
        except OSError as error:
            self._is_stale = True
            self._tell_once("The time for installing has ended, and a restart would open it again.", error)
        else:
            self._is_stale = self._is_told = False

    def _tell_once(self, message: str, error: Exception) -> None:
        """The disk takes nothing."""
        if not self._is_told:
            self._log("warning", message, part="install", cause=str(error))
        self._is_told = True

    async def _keep(self) -> None:
        """Keep what is left. Raises UnavailableError."""
        self._kept_ms = self._clock.uptime_ms()
        text = json.dumps({"left_s": self.facts()["left_s"], "by": self._by}, ensure_ascii=False)
        try:
            await asyncio.to_thread(replace_private, self._path, text)
        except OSError as error:
            raise UnavailableError(
                "the time for installing could not be kept: free space on the disk of the gateway's data",
                str(error),
            ) from error

    def _tell(self, is_open: bool) -> None:
        for follow in self.followers:
            follow(is_open)


def read(path: Path) -> dict[str, Any] | None:
    """What was kept; None where there is nothing that reads."""
    try:
        row = json.loads(path.read_text(encoding="utf-8")[:4096])
        left_s, by = int(row["left_s"]), str(row["by"])[:BY_LIMIT]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {"left_s": min(left_s, 60 * MOST_MIN), "by": by} if left_s > 0 else None
