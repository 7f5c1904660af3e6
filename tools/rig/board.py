"""A board at the other end of a serial line, seen from here: its HAL as objects with the faces of `hal.interfaces`.

    with Board.spawn("tests.contract.board_agent") as board:        # the unix interpreter on a pseudo-terminal
        uplink = board.object("uplink0", Uplink)
        await uplink.connect(["down/#"])

    with Board(os.open("/dev/ttyACM0", os.O_RDWR | os.O_NOCTTY)) as board: ...   # a live one

On the board firmware/agent.py answers; the protocol is in docs/firmware.md. What is awaited there is awaited here; what is not
is asked and waited for on the spot, as the interface has it.
"""

import asyncio
import contextlib
import inspect
import itertools
import json
import os
import select
import subprocess
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from hal import errors, types
from tools.mpy.interpreter import find_interpreter

Face = TypeVar("Face")
CHUNK = 65_536
LIMIT_S = 10.0  # for what is not awaited
START_LIMIT_S = 20.0
BUILTIN = {
    "ValueError": ValueError,
    "KeyError": KeyError,
    "TypeError": TypeError,
    "AttributeError": AttributeError,
}


class Answer(asyncio.Future[Any]):
    """What a board will say. Cancelled here it is cancelled there at once, before anything that is asked after it."""

    tell: Callable[[], None] | None = None

    def cancel(self, msg: Any | None = None) -> bool:
        if not self.done() and self.tell is not None:
            self.tell()
        return super().cancel(msg)


class BoardError(Exception):
    """The board does not answer, or says what no interface says."""


class Board:
    """Owns `fd`, a terminal in raw mode. `faces` say what methods the objects have that the board hands out, by class name."""

    def __init__(self, fd: int, faces: dict[str, type] | None = None) -> None:
        self._fd = fd
        os.set_blocking(fd, False)
        self.faces = dict(faces or {})
        self.said = bytearray()  # what was no answer: the console's, for whoever looks for a cause
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._in = bytearray()
        self._out = bytearray()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._asked: set[int] = set()  # on the spot; an answer that nobody waits for any more is dropped
        self._answers: dict[int, dict[str, Any]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = False

    @classmethod
    def spawn(cls, module: str, *arguments: str, heap: str = "48M", root: Path = Path()) -> Self:
        """Start the unix interpreter with a module that serves, on a pseudo-terminal of its own. Raises MissingToolError."""
        command = [find_interpreter().command, "-X", f"heapsize={heap}", "-m", module, *arguments]
        master, slave = os.openpty()
        tty.setraw(slave)
        environment = os.environ | {"MICROPYPATH": f"{root.resolve()}:.frozen"}
        board = cls(master)
        try:
            board._process = subprocess.Popen(
                command,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=environment,
                cwd=root,
                start_new_session=True,
            )
        finally:
            os.close(slave)
        board.await_agent()
        return board

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the line, and end the interpreter where it was started here."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
        os.close(self._fd)
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def await_agent(self) -> None:
        """Until the agent says that it listens."""
        self._until(lambda: self._ready, START_LIMIT_S)

    def object(self, name: str, face: type[Face]) -> Face:
        """What the board has under a name, with the methods of `face`."""
        made: Face = Remote(self, name, face)  # type: ignore[assignment]
        return made

    def make(self, maker: str, *given: Any, **named: Any) -> Any:
        """What one of the board's makers makes."""
        return self.ask({"make": maker, **self._arguments(given, named)})

    def make_awaited(self, maker: str, *given: Any, **named: Any) -> Any:
        """The same of a maker that is a coroutine; waited for on the spot."""
        return self.ask({"make": maker, "wait": True, **self._arguments(given, named)})

    # --- asking -------------------------------------------------------------------------------------------------------

    def call(self, on: str, name: str, given: Any, named: Any) -> Any:
        return self.ask({"on": on, "do": name, **self._arguments(given, named)})

    def get(self, on: str, name: str) -> Any:
        return self.ask({"on": on, "do": name, "call": False})

    def set(self, on: str, name: str, value: Any) -> None:
        self.ask({"on": on, "do": name, "set": self.encode(value)})

    def ask(self, request: dict[str, Any]) -> Any:
        """A request and its answer, on the spot."""
        number = next(self._numbers)
        self._asked.add(number)
        try:
            self._send({"id": number, **request})
            self._until(lambda: number in self._answers, LIMIT_S)
        finally:
            self._asked.discard(number)
        return self._outcome(self._answers.pop(number))

    async def wait(self, on: str, name: str, given: Any, named: Any) -> Any:
        """A request whose answer is awaited; cancelled here, it is cancelled there."""
        number = next(self._numbers)
        self._attach()
        answer = self._waiting[number] = Answer(loop=asyncio.get_running_loop())
        answer.tell = lambda: self._send({"cancel": number})
        self._send({"id": number, "on": on, "do": name, "wait": True, **self._arguments(given, named)})
        answer.add_done_callback(lambda _: self._waiting.pop(number, None))
        return self._outcome(await answer)

    def _arguments(self, given: Any, named: Any) -> dict[str, Any]:
        return {
            "with": [self.encode(item) for item in given],
            "named": {key: self.encode(value) for key, value in named.items()},
        }

    # --- the line -------------------------------------------------------------------------------------------------------

    def _attach(self) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            loop.add_reader(self._fd, self._readable)
            if self._out:
                loop.add_writer(self._fd, self._writable)

    def _send(self, request: dict[str, Any]) -> None:
        self._out += json.dumps(request).encode() + b"\n"
        self._writable()

    def _writable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._out:
                del self._out[: os.write(self._fd, self._out[:CHUNK])]
        if self._loop is not None and not self._loop.is_closed():
            if self._out:
                self._loop.add_writer(self._fd, self._writable)
            else:
                self._loop.remove_writer(self._fd)

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, CHUNK)
        except BlockingIOError:
            return
        except OSError:  # EIO: the other end of a pseudo-terminal is closed
            data = b""
        if not data:
            self._ended()
            return
        self._in += data
        *lines, rest = self._in.split(b"\n")
        self._in = bytearray(rest)
        for line in lines:
            self._take(bytes(line).strip())

    def _take(self, line: bytes) -> None:
        """An answer, or the console's."""
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if isinstance(answer, dict) and "agent" in answer:
            self._ready = True
        elif isinstance(answer, dict) and "id" in answer:
            future = self._waiting.get(answer["id"])
            if future is not None and not future.done():
                future.set_result(answer)
            elif answer["id"] in self._asked:
                self._answers[answer["id"]] = answer
        else:
            self.said += line + b"\n"

    def _ended(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
        for future in list(self._waiting.values()):
            if not future.done():
                future.set_exception(BoardError(f"the board went away: {self.said.decode(errors='replace')}"))
        if not self._waiting:
            raise BoardError(f"the board went away: {self.said.decode(errors='replace')}")

    def _until(self, done: Any, limit_s: float) -> None:
        """Read and write on the spot until `done`."""
        poll = select.poll()
        while not done():
            poll.register(self._fd, select.POLLIN | (select.POLLOUT if self._out else 0))
            events = poll.poll(limit_s * 1000)
            if not events:
                raise BoardError(f"no answer within {limit_s:.0f} s: {self.said.decode(errors='replace')}")
            if events[0][1] & select.POLLOUT:
                self._writable()
            if events[0][1] & ~select.POLLOUT:
                self._readable()

    # --- values -----------------------------------------------------------------------------------------------------------

    def _outcome(self, answer: dict[str, Any]) -> Any:
        """What it gives, or the error that it is."""
        if "error" not in answer:
            return self.decode(answer.get("gives"))
        name, message = answer["error"], answer.get("message", "")
        if name == "CancelledError":
            raise asyncio.CancelledError
        if name == "PairingError":
            raise errors.PairingError(message, answer["detail"], answer["reason"])
        if "detail" in answer:
            raise getattr(errors, name)(message, answer["detail"])
        raise BUILTIN.get(name, BoardError)(message if name in BUILTIN else f"{name}: {message}")

    def encode(self, item: Any) -> Any:
        """A value as the line says it."""
        if item is None or isinstance(item, bool | int | str):
            return item
        if isinstance(item, bytes | bytearray | memoryview):
            return {"b": bytes(item).hex()}
        if isinstance(item, Remote):
            return {"o": object.__getattribute__(item, "_name")}
        if isinstance(item, tuple):
            return {"t": [self.encode(each) for each in item]}
        if isinstance(item, dict):
            return {"d": [[self.encode(key), self.encode(value)] for key, value in item.items()]}
        if type(item).__module__ == types.__name__:
            of = [self.encode(getattr(item, slot)) for slot in type(item).__slots__]
            return {"v": type(item).__name__, "of": of}
        return [self.encode(each) for each in item]

    def decode(self, item: Any) -> Any:
        """The other way."""
        if isinstance(item, list):
            return [self.decode(each) for each in item]
        if not isinstance(item, dict):
            return item
        if "b" in item:
            return bytes.fromhex(item["b"])
        if "t" in item:
            return tuple([self.decode(each) for each in item["t"]])
        if "d" in item:
            return {self.decode(key): self.decode(value) for key, value in item["d"]}
        if "v" in item:
            face = getattr(types, item["v"])
            made = face.__new__(face)
            for slot, value in zip(face.__slots__, item["of"], strict=True):
                setattr(made, slot, self.decode(value))
            return made
        return Remote(self, item["o"], self.faces.get(item["is"], object))


class Remote:
    """An object of the board. What it can do is what its face says."""

    def __init__(self, board: Board, name: str, face: type) -> None:
        object.__setattr__(self, "_board", board)
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_face", face)

    def __getattr__(self, attribute: str) -> Any:
        board, name = self._board, self._name
        found = inspect.getattr_static(self._face, attribute, None)
        if inspect.iscoroutinefunction(found):

            async def wait(*given: Any, **named: Any) -> Any:
                return await board.wait(name, attribute, given, named)

            return wait
        if inspect.isfunction(found):
            return lambda *given, **named: board.call(name, attribute, given, named)
        return board.get(name, attribute)

    def __setattr__(self, attribute: str, value: Any) -> None:
        self._board.set(self._name, attribute, value)
