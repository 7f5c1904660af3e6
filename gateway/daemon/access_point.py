"""The access point of an installation window: a Wi-Fi of the gateway's own on which nothing but its page is to be had.

Opened when it is asked for, or with every window (`[page] access_point`), there again after a power cut while the window is, and
gone with it. It outlives a hub that begins anew with another device, and never the program: whatever ends that ends it, too.
"""

import asyncio
import contextlib
import json
import secrets
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from gateway.core.errors import RefusedError
from gateway.daemon.configuration import replace_private
from gateway.daemon.typed_codes import encode
from hal.errors import HalError, UnavailableError
from hal.interfaces import Clock
from hal.provisioning import AccessPoint

NAME = "access-point.json"  # in the data directory, as long as a window has one: the same passphrase after a power cut
PASSPHRASE_BYTES = (
    10  # 80 bits in four groups of four letters: it can be tried out by whoever has heard one join
)
LONGEST_PART = 12
CLOSED, OPENING, OPEN, REFUSED = "closed", "opening", "open", "refused"
LOOK_MS = 5_000  # between two looks whether it is still there
LINGER_MS, STEP_MS = 65_000, 1_000  # as long as a page stays for whoever prints the record, and no longer
OPEN_MS = 25_000  # in which whoever asks has an answer before the command gives up
AGAIN_MS = 15_000  # before it is tried again, where nobody waits for it
END_S = 5.0  # in which it is taken away when the program ends
NO_WINDOW = "no installation is open: open it first (trygg install --open)"
WAY_UNKNOWN = "it is not known whether the Wi-Fi is this gateway's way to the platform, and alarms would wait if it is: wait until the gateway has reached the platform by a cable, or say --yes"
BROKEN = "the hub failed at the access point: see its log, and use the local network"
IS_WAY = "the Wi-Fi is this gateway's way to the platform, and alarms would wait while it is an access point: use a cable, or say --yes"
LOST = "the access point has gone: the adapter was taken out, or somebody else uses it"
REMAINS = "The access point could not be removed."
Log = Callable[..., None]


def network_name(gateway: str) -> str:
    """`Trygg-` and the last of the gateway's id."""
    return "Trygg-" + gateway.rpartition("-")[2][-LONGEST_PART:]


def new_passphrase() -> str:
    """For people, and strong: `7KQ2-M9DX-04TB-H8WZ`."""
    return encode(secrets.token_bytes(PASSPHRASE_BYTES))


def wifi_text(name: str, passphrase: str) -> str:
    """What the QR code of a Wi-Fi holds, as cameras of telephones read it."""
    return f"WIFI:T:WPA;S:{escaped(name)};P:{escaped(passphrase)};;"


def escaped(text: str) -> str:
    """A value of that text."""
    return "".join("\\" + letter if letter in '\\;,":' else letter for letter in text)


class AccessPointKeeper:
    """`also` is told each address that the page is to be served at, too. by_itself: with every window, where that cuts no way out.

    way_out: the interface by which the platform is or was last reached, empty where that is not known, and whether it is reached now.
    is_served: whether the page is still there after its window, for whoever is in and prints the record; so is this, then.
    Give `follow` to the window, let the control socket serve `want`, and run `run` for as long as the program runs.
    """

    def __init__(
        self,
        point: AccessPoint,
        data: Path,
        gateway: str,
        clock: Clock,
        log: Log,
        also: Callable[[str], None],
    ) -> None:
        self._point = point
        self._path = data / NAME
        self._name = network_name(gateway)
        self._clock = clock
        self._log = log
        self._also = also
        self.by_itself = False
        self.way_out: Callable[[], tuple[str, bool]] = lambda: ("", False)
        self.is_served: Callable[[], bool] = lambda: False
        self._is_ending, self._lingered_ms = False, 0
        self._window: bool | None = None  # until the window says
        self._passphrase = ""  # of this window, empty where none is wanted
        self._is_sure = False
        self._asked: asyncio.Future[None] | None = None  # somebody waits for it
        self._changed = asyncio.Event()
        self._state, self._cause, self._told, self._address = CLOSED, "", "", ""

    # --- what others ask ------------------------------------------------------------------------------------------

    def follow(self, is_open: bool) -> None:
        """The window was opened, goes on or has ended; said once at each start, too."""
        if is_open and self._window is None:
            self._passphrase, self._is_sure = read(self._path)
        if is_open and self.by_itself and not self._passphrase:
            self._passphrase = new_passphrase()
        if not is_open:
            self._passphrase, self._is_sure = "", False
            self._answer(RefusedError(NO_WINDOW))
            self._is_ending, self._lingered_ms = True, 0
        self._window = is_open
        self._changed.set()

    async def want(self, sure: bool = False) -> dict[str, object]:
        """Open it for the window; `facts` once it can be joined. sure: also where that takes the way to the platform.

        Raises:
            RefusedError, HalError: it is not open, and why; the window stays open.
        """
        if not self._window:
            raise RefusedError(NO_WINDOW)
        if self._state != OPEN or self._is_ending:
            self._passphrase = self._passphrase or new_passphrase()
            self._is_sure = self._is_sure or sure
            if self._asked is None:
                self._asked = asyncio.get_running_loop().create_future()
            asked = self._asked
            self._changed.set()
            await asyncio.shield(asked)
        return self.facts()

    def facts(self) -> dict[str, object]:
        """{"state", "cause", "name", "passphrase", "address", "wifi"}: all but the first two empty where it is not open."""
        # It may linger for whoever is in, and is shown to nobody else.
        if self._state != OPEN or not self._passphrase:
            told = {"name": "", "passphrase": "", "address": "", "wifi": ""}
        else:
            wifi = wifi_text(self._name, self._passphrase)
            told = {
                "name": self._name,
                "passphrase": self._passphrase,
                "address": self._address,
                "wifi": wifi,
            }
        return {"state": self._state, "cause": self._cause, **told}

    # --- the part -------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Run it beside what is within."""
        part = asyncio.create_task(self.run())
        try:
            yield
        finally:
            part.cancel()
            await asyncio.gather(part, return_exceptions=True)

    async def run(self) -> None:
        """Take away what a killed run has left, and keep it as the window wants it, until the program ends."""
        try:
            await self._take_away()
            while True:
                await self._wait(await self._guarded())
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(END_S):
                    await self._take_away()

    async def _guarded(self) -> int | None:
        """As `_step`; a bug of ours, or of what manages the Wi-Fi, ends neither this nor the wait of whoever asks."""
        try:
            return await self._step()
        except Exception as error:  # noqa: BLE001  whatever it is: it was not foreseen
            await self._fail(error)
            return AGAIN_MS

    async def _step(self) -> int | None:
        """Do what there is to do; after how long to look again, None where there is nothing to look at."""
        self._changed.clear()
        if self._is_ending:
            if self._lingers():
                self._lingered_ms += STEP_MS
                return STEP_MS
            await self._end()
        if not self._window or not self._passphrase:
            return None
        if self._state == OPEN:
            if await self._is_there():
                return LOOK_MS
            self._refuse(UnavailableError(LOST))
        return LOOK_MS if await self._until_closed(self._open()) else AGAIN_MS

    def _lingers(self) -> bool:
        """Whether somebody is still at the page by it, after the window."""
        is_there = not self._window and self._state == OPEN and self.is_served()
        return is_there and self._lingered_ms < LINGER_MS

    async def _open(self) -> bool:
        """Whether it is open."""
        self._state, self._cause = OPENING, ""
        try:
            await self._check_way()
            await to_the_end(asyncio.to_thread(self._keep))
            self._address = await self._point.open(
                self._name, self._passphrase, used=self.way_out()[0], timeout_ms=OPEN_MS
            )
        except (RefusedError, HalError) as error:
            self._refuse(error)
            return False
        except Exception as error:  # noqa: BLE001  here: nobody looks at it where the window closes meanwhile
            await self._fail(error)
            return False
        self._state, self._told = OPEN, ""
        self._also(self._address)
        self._log("info", "The access point is open.", part="install", address=self._address)
        self._answer(None)
        return True

    async def _check_way(self) -> None:
        """Alarms first: nobody cuts the way to the platform by mistake, nor what may be it. Raises RefusedError, HalError."""
        if self._is_sure:
            return
        used, is_reached = self.way_out()
        takes = await self._point.takes_way(used)
        if takes:
            raise RefusedError(IS_WAY)
        if takes is None and not (used and is_reached):
            raise RefusedError(WAY_UNKNOWN)

    def _refuse(self, error: RefusedError | HalError) -> None:
        """It is not open; whoever waits hears it and may ask again, for nobody else it is tried again."""
        cause = error.message if isinstance(error, HalError) else error.reason
        if cause != self._told or self._asked is not None:
            self._log("warning", "The access point is not open.", part="install", cause=str(error))
        self._state, self._cause, self._told, self._address = REFUSED, cause, cause, ""
        if self._answer(error) and not self.by_itself:
            self._passphrase, self._is_sure = "", False

    async def _fail(self, error: Exception) -> None:
        """It is not open, by an error that nobody foresaw. What that says may hold the passphrase: its kind and place are enough."""
        self._log("error", "The access point failed.", part="install", **whereabouts(error))
        try:
            await self._take_away()
        finally:
            self._refuse(RefusedError(BROKEN))

    def _answer(self, error: Exception | None) -> bool:
        """Tell whoever waits; whether somebody did."""
        asked, self._asked = self._asked, None
        if asked is None or asked.done():
            return False
        if error is None:
            asked.set_result(None)
        else:
            asked.set_exception(error)
            asked.exception()  # who asked may have gone
        return True

    async def _is_there(self) -> bool:
        try:
            return await self._point.is_open()
        except HalError:
            return False

    async def _until_closed(self, opening: Awaitable[bool]) -> bool:
        """Its result, or False where the window is closed before, which breaks it off."""
        task = asyncio.ensure_future(opening)
        try:
            while not task.done() and self._window:
                changed = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait({task, changed}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                if not task.done():
                    self._changed.clear()
        finally:
            if not task.done():
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if not self._window:
            self._changed.set()
            return False
        return task.result()

    async def _wait(self, timeout_ms: int | None) -> None:
        """Until something is wanted otherwise, or the time is over."""
        waits: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._changed.wait())}
        if timeout_ms is not None:
            waits.add(asyncio.ensure_future(self._clock.sleep_ms(timeout_ms)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _end(self) -> None:
        """The window has ended: so has this, and nothing is kept of it."""
        was_open, self._is_ending = self._state == OPEN, False
        self._state, self._cause, self._address = CLOSED, "", ""
        await self._take_away()
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._path.unlink, missing_ok=True)
        if was_open:
            self._log("info", "The access point is closed.", part="install")

    async def _take_away(self) -> None:
        """Remove what is ours, of a killed run, too; where that is refused, hanging up ends what this run has opened."""
        try:
            await self._quietly(self._point.close)
        finally:  # where that is broken off, too
            await self._quietly(self._point.release)

    async def _quietly(self, remove: Callable[[], Awaitable[None]]) -> None:
        """Do it; what goes wrong is logged, whatever it is."""
        try:
            await remove()
        except HalError as error:
            self._log("error", REMAINS, part="install", cause=str(error))
        except Exception as error:  # noqa: BLE001  as in `_guarded`
            self._log("error", REMAINS, part="install", **whereabouts(error))

    def _keep(self) -> None:
        """Let the next start have the same; a disk that takes nothing is no reason to have none."""
        text = json.dumps({"passphrase": self._passphrase, "is_sure": self._is_sure})
        try:
            replace_private(self._path, text)
        except OSError as error:
            self._log(
                "warning",
                "The access point could not be kept: a restart ends it.",
                part="install",
                cause=str(error),
            )


def whereabouts(error: Exception) -> dict[str, object]:
    """Kind and place of an error, for the log, without its words."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return {"kind": type(error).__name__, "place": place}


async def to_the_end(work: Awaitable[None]) -> None:
    """Also where it is broken off: a file that a thread still writes would come back after its removal."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    finally:
        await asyncio.wait({task})


def read(path: Path) -> tuple[str, bool]:
    """Passphrase, and whether somebody was sure; empty where there is nothing that reads."""
    try:
        row = json.loads(path.read_text(encoding="utf-8")[:4096])
        passphrase, is_sure = row["passphrase"], row["is_sure"]
    except (OSError, ValueError, KeyError, TypeError):
        return "", False
    if not (isinstance(passphrase, str) and passphrase.isascii() and 8 <= len(passphrase) <= 63):
        return "", False
    return passphrase, is_sure is True
