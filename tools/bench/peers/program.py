"""A child process that takes a line and answers in JSON lines; killed and started again by whoever holds it."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
ANSWER_LIMIT_S = 120.0
GRACE_S = 5.0
LONGEST_LINE = 1 << 24


class ProgramError(Exception):
    """It ended, or said that it failed; the message is its own."""


class Program:
    """`accepted` collects lines that are a number; `unasked` gets each object that is no reply."""

    def __init__(
        self,
        arguments: Sequence[str],
        log: Path,
        *,
        folder: Path | None = None,
        environment: dict[str, str] | None = None,
        unasked: Callable[[dict[str, Any]], None] = lambda _line: None,
    ) -> None:
        self.arguments = list(arguments)
        self.log = log
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        self.unasked = unasked
        self.accepted: list[int] = []
        self._replies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it."""
        self.accepted, self._replies = [], asyncio.Queue()
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=self.folder or ROOT,
                env=self.environment,
                limit=LONGEST_LINE,
                start_new_session=True,
            )
        self._reader = asyncio.create_task(self._read(self._process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            if line.rstrip().isdigit():
                self.accepted.append(int(line))
            elif line.startswith(b"{"):
                said = json.loads(line)
                if "reply" in said or "error" in said:
                    self._replies.put_nowait(said)
                else:
                    self.unasked(said)
        self._replies.put_nowait({"error": f"it ended: {self.last_words()}"})

    def tell(self, line: str) -> None:
        """Say a line and expect nothing."""
        assert self._process is not None, "not started"
        assert self._process.stdin is not None, "it has a pipe"
        if self.running:
            self._process.stdin.write(line.encode() + b"\n")

    async def ask(self, line: str, within_s: float = ANSWER_LIMIT_S) -> dict[str, Any]:
        """Say a line and wait for its reply. Raises ProgramError."""
        self.tell(line)
        return await self.answer(within_s)

    async def answer(self, within_s: float = ANSWER_LIMIT_S) -> dict[str, Any]:
        """The next reply. Raises ProgramError."""
        try:
            said = await asyncio.wait_for(self._replies.get(), within_s)
        except TimeoutError:
            raise ProgramError(f"no answer in {within_s:.0f} s: {self.last_words()}") from None
        if "error" in said:
            raise ProgramError(str(said["error"]))
        return said

    async def kill(self) -> None:
        """SIGKILL; what it had said before is still read."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that does not go."""
        await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> None:
        process, reader = self._process, self._reader
        if process is None or reader is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)  # Popen's own call would take the status that the loop waits for
            try:
                await asyncio.wait_for(process.wait(), GRACE_S)
            except TimeoutError:
                process.kill()
                await process.wait()
        await reader

    def last_words(self) -> str:
        """The end of what it wrote to stderr."""
        words = self.log.read_text(errors="replace").strip() if self.log.exists() else ""
        return words.splitlines()[-1] if words else "(it said nothing)"
