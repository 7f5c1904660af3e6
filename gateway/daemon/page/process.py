"""The page as the hub sees it: a process of its own, started with an installation window and ended with it.

Nothing of the page's libraries is loaded here. What the process needs of the configuration it reads from `last-good.toml`,
which is what the running hub was started with. It takes orders on its standard input, a line each, and ends where that ends:
no page outlives its hub.
"""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from gateway.daemon.configuration import LAST_GOOD
from gateway.daemon.typed_codes import encode

FOLDER = "page"  # in the data directory: what one window keeps
CODE, CLOSE, ALSO = "code", "close", "also"  # orders: `code 7KQ2-M9DX`, `close`, `also 10.61.17.1`
CODE_BYTES = 5  # 40 bits: two groups of four letters
AGAIN_S = (1, 5, 30, 60)  # before it is started anew, the last again and again
END_S = 5.0  # in which it ends when its orders do
LONGEST_LINE = 4096
# What the process needs of our surroundings, and no more.
KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "HOME")
NOT_THERE = {"address": "", "fingerprint": ""}


def new_code() -> str:
    """A code for one sign-in, for people: `7KQ2-M9DX`."""
    return encode(secrets.token_bytes(CODE_BYTES))


class PageProcess:
    """At most one process. `program` is what runs the command line; log takes (level, message, **fields).

    Give `follow` and `code` to the window, let the control socket serve `facts` as `page`, and run `run` for as long as the
    program runs: a hub that starts anew with a changed configuration keeps its page.
    """

    def __init__(
        self,
        data: Path,
        log: Callable[..., None],
        program: tuple[str, ...] = (sys.executable, "-m", "gateway.daemon"),
    ) -> None:
        self._data = data
        self._log = log
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self._orders: list[str] = []
        self._also: list[str] = []  # addresses that the next process is told of, too
        self._told = dict(NOT_THERE)
        self._closing = False  # the window of the process that runs has ended
        self._wanted: bool | None = (
            None  # until the window says: what one left that was cut short is not ours to throw away
        )
        self._changed = asyncio.Event()

    # --- what others ask ------------------------------------------------------------------------------------------

    def follow(self, is_open: bool) -> None:
        """The window was opened, goes on or has ended; said once at each start, too."""
        self._wanted = is_open
        if not is_open:
            self._orders, self._also = [], []
            self._closing = self._process is not None
        self._changed.set()

    def code(self) -> str:
        """A code for one sign-in; told to nobody else, and to the process."""
        made = new_code()
        self._orders.append(f"{CODE} {made}")
        self._changed.set()
        return made

    def also(self, address: str) -> None:
        """Serve at this address, too, as long as the window is open."""
        if address not in self._also:
            self._also.append(address)
            self._orders.append(f"{ALSO} {address}")
            self._changed.set()

    def is_there(self) -> bool:
        """Whether the process runs: for a minute after its window, where somebody prints the record."""
        return self._process is not None

    def facts(self) -> dict[str, object]:
        """{"is_wanted", "address", "fingerprint"}: the last two empty until it serves."""
        return {"is_wanted": bool(self._wanted), **self._told}

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
        """Start it, start it anew where it ends too early, and let it end with the window."""
        failures = 0
        while True:
            if not self._wanted:
                if self._wanted is not None:
                    await asyncio.to_thread(self.forget)
                await self._next(None)
                continue
            served = await self._one()
            failures = 0 if served else failures + 1
            closed, self._closing = self._closing, False
            if not closed:
                self._log(
                    "warning", "The page has ended before its window; it is started anew.", failures=failures
                )
                await self._next(AGAIN_S[min(failures, len(AGAIN_S) - 1)])

    async def _next(self, timeout_s: float | None) -> None:
        """Until something is wanted otherwise, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        self._changed.clear()

    async def _one(self) -> bool:
        """One process, from its start to its end; whether it served."""
        surroundings = {name: os.environ[name] for name in KEPT if name in os.environ}
        options = ("page", "--attached", "--json", "-c", str(self._data / LAST_GOOD))
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *self._program, *options, stdin=pipe, stdout=pipe, env=surroundings, limit=LONGEST_LINE
            )
        except OSError as error:
            self._log("error", "The page cannot be started.", cause=str(error))
            return False
        self._process, self._closing = process, False
        told = [f"{ALSO} {address}" for address in self._also]
        self._orders = told + [each for each in self._orders if each not in told]
        serving = asyncio.create_task(self._hear(process))
        try:
            while process.returncode is None and not serving.done():
                if self._closing and self._wanted:  # another window: its page is another process
                    break
                await self._hand_over(process)
                changed = asyncio.create_task(self._changed.wait())
                await asyncio.wait({changed, serving}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                self._changed.clear()
            return serving.done() and await serving
        finally:
            self._process, self._told = None, dict(NOT_THERE)
            serving.cancel()
            await end(process)
            if self._closing:
                await asyncio.to_thread(self.forget)

    async def _hand_over(self, process: asyncio.subprocess.Process) -> None:
        """Give it the orders that came in."""
        assert process.stdin is not None
        if self._closing:
            orders = [CLOSE]  # codes are for the next one
        else:
            orders, self._orders = self._orders, []
        try:
            for each in orders:
                process.stdin.write(each.encode() + b"\n")
            await process.stdin.drain()
        except OSError:
            self._orders = [each for each in orders if each != CLOSE]  # the next one hears of it

    async def _hear(self, process: asyncio.subprocess.Process) -> bool:
        """What it tells until it ends; whether it told that it serves."""
        assert process.stdout is not None
        served = False
        while line := await process.stdout.readline():
            try:
                told = json.loads(line)
                self._told = {name: str(told[name]) for name in NOT_THERE}
                served = True
            except (ValueError, KeyError, TypeError):
                self._log("warning", "The page said what cannot be read.", bytes=len(line))
        return served

    def forget(self) -> None:
        """Nothing is left of a window that has ended while nobody looked."""
        shutil.rmtree(self._data / FOLDER, ignore_errors=True)


async def end(process: asyncio.subprocess.Process) -> None:
    """Let it end with its orders, and else by force; what it keeps is taken up by the next start."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
