"""The life of a board that has no certificate yet: it joins the network it was told or is given, learns the time, and enrols. Then it starts anew.

No hub runs meanwhile: a board that nobody has enrolled is in no home's service. What it waits for is one line of its log, with what to do,
each time that changes; the lamp shows a steady light while it waits, and a fault where the server said no.
"""

import asyncio

from firmware.hands import IDENTIFY_MS, LONGER_MS
from firmware.told import drop_token
from gateway.core.errors import ConfigError, RefusedError
from gateway.hub.waking import stop as cancel
from hal.errors import HalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from firmware.main import Write
    from firmware.published import Folder
    from firmware.told import Told
    from firmware.wiring import Board

LOOK_MS = 1_000
FEED_MS = 5_000
AGAIN_MS, LATEST_MS = 30_000, 600_000  # between questions that came to nothing: doubling
NO_NETWORK = (
    "no Wi-Fi is known: hold the button for ten seconds, and give it one with a phone or trygg-kit wifi"
)
NOT_JOINED = (
    "the Wi-Fi is not joined: check that it is in reach, or hold the button for ten seconds to give another"
)
NO_TIME = "the time is not known yet, by which certificates are judged: check that the network lets out UDP to port 123"


class SettingUp:
    """Over one board; `await run()`."""

    def __init__(self, board: "Board", told: "Told", files: "Folder", write: "Write") -> None:
        self._board, self._told, self._files, self._write = board, told, files, write
        self._clock = board.clock
        self._window: "Any" = None
        self._waits_for = ""
        self._is_refused = False
        self._identify_until_ms = 0
        self._serving: "asyncio.Task[None] | None" = None

    async def run(self) -> None:
        """Until the board is enrolled. Raises ConfigError, UnavailableError, CorruptDataError: it cannot be."""
        board = self._board
        access = board.access()
        board.network.known = access if access[0] else None
        lamp = board.light()
        server = board.time_server(lambda: False)  # asked until the time is known
        work: "list[Callable[[], Awaitable[None]]]" = [
            lambda: board.network.keep(*access),
            server.run,
            self._watch,
        ]
        if board.lamp is not None:
            work.append(board.lamp.run)
        button = board.button()
        if button is not None:
            work.append(lambda: self._listen(button))
        board.air()  # for the Wi-Fi window
        tasks = [asyncio.create_task(self._kept(each)) for each in work]
        try:
            await self._enrol(lamp)
        finally:
            if self._serving is not None:
                tasks.append(self._serving)
            for task in tasks:
                await cancel(task)
            if board.radio is not None:
                await board.radio.stop()

    async def _enrol(self, lamp: "Any") -> None:
        wait_ms = AGAIN_MS
        while True:
            cause = self._lacking()
            lamp.show(self._shown())
            if cause:
                self._say_waiting(cause)
                await self._clock.sleep_ms(LOOK_MS)
            elif await self._tried():
                return
            else:
                await self._pause(wait_ms, lamp)
                wait_ms = min(2 * wait_ms, LATEST_MS)

    async def _tried(self) -> bool:
        """One question; whether it was answered with a certificate."""
        from firmware.enrol import enrol

        self._waits_for = ""
        try:
            _, keystore = await self._board.keys()
            await enrol(self._told, self._files, keystore, self._board.tls_key(), self._board.post)
        except (ConfigError, RefusedError, HalError) as error:
            cause, self._is_refused = str(error), True
        except OSError as error:
            cause, self._is_refused = "the flash took nothing: " + str(error), True
        else:
            self._log("info", "This gateway is enrolled.")
            drop_token(self._told, self._write)
            return True
        self._log("error", "The enrolment came to nothing, and is tried again.", cause=cause)
        return False

    async def _pause(self, wait_ms: int, lamp: "Any") -> None:
        end_ms = self._clock.uptime_ms() + wait_ms
        while self._clock.uptime_ms() < end_ms:
            lamp.show(self._shown())
            await self._clock.sleep_ms(LOOK_MS)

    def _shown(self) -> str:
        """What the lamp says."""
        if self._clock.uptime_ms() < self._identify_until_ms:
            return "identify"
        if self._window is not None:
            return "pairing"
        return "fault" if self._is_refused else "offline"

    def _identify(self) -> None:
        self._identify_until_ms = self._clock.uptime_ms() + IDENTIFY_MS

    def _lacking(self) -> str:
        """What must come before the server is asked."""
        network = self._board.network
        if not network.paths()[0].up:
            return NO_NETWORK if network.known is None else NOT_JOINED
        return "" if self._clock.is_dated else NO_TIME

    # --- the person at the board ---------------------------------------------------------------------------------------

    async def _listen(self, button: "Any") -> None:
        while True:
            await button.pressed()
            if self._window is not None:
                self._window.press()
            elif await button.stays(LONGER_MS):
                await self._open()

    async def _open(self) -> None:
        self._window = self._board.window(self._log, self._identify)
        self._serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        try:
            await self._window.run()
        finally:
            self._window = None
            self._board.drop_window()

    # --- beside it -----------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            self._board.watchdog.feed()
            await self._clock.sleep_ms(FEED_MS)

    async def _kept(self, work: "Callable[[], Awaitable[None]]") -> None:
        """Run it, and again where it fails."""
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001  one of them must not end the others
                self._log(
                    "error", "A part failed and starts again.", cause=type(error).__name__ + ": " + str(error)
                )
            await self._clock.sleep_ms(FEED_MS)

    def _say_waiting(self, cause: str) -> None:
        if cause != self._waits_for:
            self._waits_for = cause
            self._log("warning", "This gateway is not enrolled yet, and waits.", cause=cause)

    def _log(self, level: str, message: str, **fields: object) -> None:
        line: "dict[str, Any]" = {"level": level, "message": message}
        line.update(fields)
        self._write(line)
