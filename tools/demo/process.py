"""Child processes that speak in JSON lines: started, listened to, killed and started again by whoever holds them."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.core.model import Decimal
from tools.simulators.lifetime import with_parent

Take = Callable[[dict[str, Any]], None]
LONGEST_LINE = 1 << 20
GRACE_S = 8.0


def digits(text: str) -> Decimal | float:
    """A JSON number with the digits it was written in, so that they can be written again."""
    whole, _, fraction = text.partition(".")
    if "e" in text.lower():
        return float(text)
    return Decimal(int(whole + fraction), -len(fraction))


class Child:
    """One program, run again and again; `take` gets each JSON line of its output, other lines go to `log`.

    program: an interpreter; this one where not given. environment: what differs from this process's.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        take: Take,
        log: Path,
        *,
        program: str = sys.executable,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.program = program
        self.environment = dict(environment or {})
        self.arguments = list(arguments)
        self.take = take
        self.log = log
        self.starts = 0
        self.failure: OSError | None = None  # why its lines are not taken any more
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def returncode(self) -> int | None:
        """How its last run ended, None while it runs or before the first."""
        return None if self._process is None else self._process.returncode

    async def start(self) -> None:
        """Start it."""
        self.starts += 1
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **self.environment}
        self._process = await asyncio.create_subprocess_exec(
            *with_parent([self.program, *self.arguments]),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            env=environment,
            start_new_session=True,  # Ctrl-C is for whoever holds it; it says stop in its own order
        )
        streams = (self._process.stdout, self._process.stderr)
        self._readers = [
            asyncio.ensure_future(self._read(stream)) for stream in streams if stream is not None
        ]

    async def _read(self, stream: asyncio.StreamReader) -> None:
        with self.log.open("ab") as log:
            while line := await stream.readline():
                log.write(line)
                log.flush()
                if line.startswith(b"{") and self.failure is None:
                    try:
                        self.take(json.loads(line, parse_float=digits))
                    except ValueError:
                        continue
                    except OSError as error:  # whoever reads what is made of it has gone
                        self.failure = error

    async def kill(self) -> None:
        """SIGKILL; what it had written before still arrives."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int | None:
        """SIGTERM, and SIGKILL for one that does not go; its exit status."""
        await self._end(signal.SIGTERM)
        return self.returncode

    def interrupt(self) -> None:
        """SIGUSR1: for a program that has a meaning for it."""
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGUSR1)

    async def _end(self, number: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(number)
            try:
                await asyncio.wait_for(process.wait(), GRACE_S)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):  # it went just now
                    process.kill()
                await process.wait()
        await asyncio.gather(*self._readers, return_exceptions=True)  # the others have to be ended, too

    def last_words(self) -> str:
        """The end of its log, for a message about why it failed."""
        if not self.log.exists():
            return "(it said nothing)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-5:]) or "(it said nothing)"
