"""The flash journal on real MicroPython, asked over lines of JSON: the same contract files judge it there."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import hal.errors
from hal.esp32.journal_frames import SECTOR
from hal.esp32.journal_store import SPARE
from hal.types import Entry, GivenUp, LaneMark, SetAside
from tests.conftest import ROOT
from tests.contract.journal_hosts import FlashJournalHost, damage_picture
from tools.mpy.interpreter import MissingToolError, find_interpreter

AGENT = Path(__file__).with_name("journal_agent.py")
CHUNK = 1 << 16


class Line:
    """A MicroPython that has a flash: requests go out at once, answers are taken as they come."""

    def __init__(self, command: str, path: Path) -> None:
        self.process = subprocess.Popen(
            [command, "-X", "heapsize=64M", str(AGENT), str(path)],
            cwd=ROOT,
            env=os.environ | {"MICROPYPATH": f"{ROOT}:.frozen"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.into, self.out = self.process.stdin.fileno(), self.process.stdout.fileno()
        self.answers: dict[int, Any] = {}
        self.again: Callable[[Entry], bytes] | None = None
        self.asked = self.journals = self.open = 0
        self.rest = b""

    def ask(self, do: str, **words: object) -> int:
        self.asked += 1
        self.write({"id": self.asked, "do": do, **words})
        return self.asked

    def write(self, message: object) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.into, data) :]

    def take(self) -> None:
        """Wait for some bytes, and sort the lines among them."""
        chunk = os.read(self.out, CHUNK)
        if not chunk:
            raise AssertionError(f"MicroPython ended: {self.rest.decode()}")
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "again" in message:
                assert self.again is not None
                self.write(self.again(entry(message["again"])).hex())
            else:
                self.answers[message["id"]] = message

    def now(self, do: str, **words: object) -> Any:
        """Ask, and let nobody else run until the answer is here."""
        number = self.ask(do, **words)
        while number not in self.answers:
            self.take()
        return self.answer(number)

    async def soon(self, do: str, **words: object) -> Any:
        """Ask; others ask meanwhile."""
        await asyncio.sleep(0)
        number = self.ask(do, **words)
        await asyncio.sleep(0)
        while number not in self.answers:
            self.take()
        return self.answer(number)

    def answer(self, number: int) -> Any:
        message = self.answers.pop(number)
        if "error" not in message:
            return message["is"]
        name, text, detail = message["error"]
        error = getattr(hal.errors, name, None)
        if error is not None:
            raise error(text, detail)
        raise {"ValueError": ValueError}.get(name, AssertionError)(text)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


class FarJournal:
    """`hal.interfaces.Journal` over a line."""

    def __init__(self, line: Line, number: int) -> None:
        self.line, self.number = line, number

    @property
    def epoch(self) -> bytes:
        return bytes.fromhex(self.now("epoch"))

    def state(self, key: str) -> bytes | None:
        value = self.now("state", key=key)
        return None if value is None else bytes.fromhex(value)

    def state_keys(self, prefix: str) -> list[str]:
        keys: list[str] = self.now("state_keys", prefix=prefix)
        return keys

    def peek(self, lane: int, after: int, limit_bytes: int, limit_count: int = 128) -> list[Entry]:
        return [entry(row) for row in self.now("peek", lane=lane, limits=[after, limit_bytes, limit_count])]

    def mark(self, lane: int) -> LaneMark:
        first, before, last, chain = self.now("mark", lane=lane)
        return LaneMark(first, bytes.fromhex(before), last, bytes.fromhex(chain))

    def given_up(self) -> list[GivenUp]:
        return [GivenUp(*row) for row in self.now("given_up")]

    @property
    def cramped(self) -> bool:
        return bool(self.now("cramped"))

    def set_aside(self) -> list[SetAside]:
        return [aside(row) for row in self.now("set_aside")]

    def now(self, do: str, **words: object) -> Any:
        return self.line.now(do, of=self.number, **words)

    async def append(
        self, events: Sequence[tuple[int, bytes]], state: Mapping[str, bytes | None] | None = None
    ) -> list[Entry]:
        return await self.entries("append", events, state)

    async def ack(self, lane: int, seq: int) -> None:
        await self.line.soon("ack", of=self.number, lane=lane, seq=seq)

    async def confirm_given_up(self, gone: GivenUp, events: Sequence[tuple[int, bytes]]) -> list[Entry]:
        return await self.entries("confirm_given_up", events, gone=[gone.lane, gone.first, gone.last])

    async def begin_epoch(
        self,
        epoch: bytes,
        again: Callable[[Entry], bytes],
        events: Sequence[tuple[int, bytes]],
        state: Mapping[str, bytes | None] | None = None,
    ) -> list[Entry]:
        self.line.again = again
        return await self.entries("begin_epoch", events, state, epoch=epoch.hex())

    async def close(self) -> None:
        await self.line.soon("close", of=self.number)

    async def entries(
        self,
        do: str,
        events: Sequence[tuple[int, bytes]],
        state: Mapping[str, bytes | None] | None = None,
        **words: object,
    ) -> list[Entry]:
        rows = await self.line.soon(
            do,
            of=self.number,
            events=[[lane, event.hex()] for lane, event in events],
            state=[[key, value if value is None else value.hex()] for key, value in (state or {}).items()],
            **words,
        )
        return [entry(row) for row in rows]


def entry(row: list[Any]) -> Entry:
    return Entry(row[0], row[1], bytes.fromhex(row[2]), bytes.fromhex(row[3]))


def aside(row: dict[str, Any]) -> SetAside:
    return SetAside(
        row["name"],
        row["reason"],
        [entry(each) for each in row["entries"]],
        {lane: (seq, bytes.fromhex(chain)) for lane, seq, chain in row["starts"]},
        {key: bytes.fromhex(value) for key, value in row["state"]},
        row["is_state_whole"],
        [(bytes.fromhex(epoch), GivenUp(*gap)) for epoch, gap in row["given_up"]],
    )


class FarJournalHost:
    """A flash in a file, and a MicroPython for as long as a journal is open on it."""

    def __init__(self, folder: Path) -> None:
        try:
            self.command = find_interpreter().command
        except MissingToolError as error:
            pytest.skip(str(error))
        self.path = folder / "flash"
        self.line: Line | None = None

    def _line(self, capacity_bytes: int) -> Line:
        if not self.path.exists():
            sectors = 2 * min(capacity_bytes, FlashJournalHost.MOST_BYTES) // SECTOR + SPARE
            self.path.write_bytes(b"\xff" * (sectors * SECTOR))
        if self.line is None:
            self.line = Line(self.command, self.path)
        return self.line

    @asynccontextmanager
    async def opened(self, capacity_bytes: int = 8 << 20) -> AsyncIterator[FarJournal]:
        line = self._line(capacity_bytes)
        line.journals += 1
        journal = FarJournal(line, line.journals)
        line.open += 1
        try:
            await line.soon("open", of=journal.number)
            try:
                yield journal
            finally:
                await journal.close()
        finally:
            self._left(line)

    @asynccontextmanager
    async def cut(self, capacity_bytes: int = 8 << 20) -> AsyncIterator[FarJournal]:
        line = self._line(capacity_bytes)
        line.journals += 1
        line.open += 1
        journal = FarJournal(line, line.journals)
        try:
            await line.soon("open", of=journal.number)
            yield journal
        finally:
            self._left(line)

    def _left(self, line: Line) -> None:
        line.open -= 1
        if line.open == 0:
            line.kill()
            self.line = None

    def damage(self) -> None:
        data = bytearray(self.path.read_bytes())
        damage_picture(data)
        self.path.write_bytes(data)
