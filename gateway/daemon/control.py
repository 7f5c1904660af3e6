"""The control socket: how `trygg status`, `trygg devices` and others talk to the running hub.

A Unix socket with mode 0600 in the data directory. One JSON object a line each way:

    {"command": "status"}       {"ok": true, "result": {...}}
    {"command": "nonsense"}     {"ok": false, "error": "unknown command nonsense; known: devices, status"}
    {"command": "pair", "arguments": {"device": "Oximeter"}}

A command with arguments names each of them; `"wrong": true` beside an error means that they are the reason. What takes a
while is asked for again: `pair_state` tells how far a pairing has come (`docs/configuration.md`).

Whoever may open the socket is the gateway's own user or root. The code of a device goes in with `pair` and never comes out;
`pair`, `forget` and `reset_confirm` are all that change anything.
"""

import asyncio
import contextlib
import inspect
import json
import os
import socket
import stat
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.json_text import dumps
from hal.errors import HalError, UnavailableError

NAME = "control.sock"
LONGEST_REQUEST = 4096
LONGEST_ANSWER = 1 << 20
IDLE_S = 10.0
ANSWER_S = 5.0
LONGEST_PATH = 100  # sockaddr_un holds 108 bytes (unix(7))

Handler = Callable[..., object]  # called with the arguments by name; what it returns may have to be awaited


class WrongArgumentError(ValueError):
    """The hub does not know what it was asked about: a name, a code."""


class ControlServer:
    """Serves `handlers` by name on `path` while entered.

    Raises:
        UnavailableError: on entering, where another hub already serves the path or it cannot be made.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = path
        self._handlers = handlers
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        if is_served(self._path):
            raise UnavailableError(
                f"another hub runs with {self._path.parent}: stop it, or give this one its own data_directory"
            )
        try:
            listener = bind_private(self._path)
            listener.listen()
        except OSError as error:
            raise UnavailableError(
                f"cannot make {self._path}: let its folder belong to the gateway's user", str(error)
            ) from error
        self._start(self._accept(listener), listener)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    def _start(self, work: Coroutine[Any, Any, None], sock: socket.socket) -> None:
        """Do `work` in a task; `sock` is closed when it ends, even where it never began."""
        task = asyncio.create_task(work)
        self._tasks.add(task)

        def ended(_task: object) -> None:
            self._tasks.discard(task)
            sock.close()

        task.add_done_callback(ended)

    async def _accept(self, listener: socket.socket) -> None:
        # asyncio's own servers lose a connection that arrives while they close, and so does `sock_accept` (CPython 3.11):
        # here nothing stands between the acceptance and the task that closes it.
        while True:
            await readable(listener)
            with contextlib.suppress(BlockingIOError):  # whoever it was has gone
                client, _ = listener.accept()
                client.setblocking(False)
                self._start(self._serve(client), client)

    async def _serve(self, client: socket.socket) -> None:
        """Answer one request after another until the client has no more, says nothing, or goes on for ever."""
        loop = asyncio.get_running_loop()
        held = b""
        with contextlib.suppress(OSError):
            while True:
                line, newline, rest = held.partition(b"\n")
                answer = await self.answer(line) if newline else None
                async with asyncio.timeout(IDLE_S):
                    if newline:
                        await loop.sock_sendall(client, dumps(answer).encode() + b"\n")
                        held = rest
                    elif len(held) > LONGEST_REQUEST:
                        return
                    elif more := await loop.sock_recv(client, LONGEST_REQUEST):
                        held += more
                    else:
                        return

    async def answer(self, line: bytes) -> dict[str, object]:
        """The answer to one request."""
        try:
            request = json.loads(line)
        except ValueError:
            return {"ok": False, "error": "a request is one JSON object on a line"}
        command = request.get("command") if isinstance(request, dict) else None
        if not isinstance(command, str) or command not in self._handlers:
            known = ", ".join(sorted(self._handlers))
            return {"ok": False, "error": f"unknown command {command}; known: {known}"}
        handler, arguments = self._handlers[command], request.get("arguments", {})
        if not fits(handler, arguments):
            return {"ok": False, "wrong": True, "error": "the command does not take these arguments"}
        try:
            result = handler(**arguments)
            if inspect.isawaitable(result):
                result = await result
        except ConfigError as error:
            return {"ok": False, "wrong": True, "error": str(error)}
        except (RefusedError, HalError) as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True, "result": result}


def fits(handler: Handler, arguments: object) -> bool:
    """Whether these are arguments of the handler: every one by its name, a text or a yes and no."""
    if not isinstance(arguments, dict) or not all(
        isinstance(item, (str, bool)) for item in arguments.values()
    ):
        return False
    parameters = inspect.signature(handler).parameters
    return all(
        name in parameters and type(item) is type(parameters[name].default)
        for name, item in arguments.items()
    )


async def readable(sock: socket.socket) -> None:
    """Wait until something has arrived at a socket that does not block."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(sock, arrived.set)
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(sock)


def bind_private(path: Path) -> socket.socket:
    """A bound socket that only its owner may open, in place of one that a killed hub left behind."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and not stat.S_ISSOCK(path.lstat().st_mode):
        raise OSError(f"{path} is there and is no socket")
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_path(path) as short:
            listener.bind(short)
        path.chmod(0o600)  # nobody can connect before it listens
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def is_served(path: Path) -> bool:
    """Whether somebody answers on a path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.settimeout(ANSWER_S)
            with short_path(path) as short:
                probe.connect(short)
        except OSError:
            return False
        return True


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name for the path that fits into a socket address, however deep the folder lies."""
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def ask(
    path: Path, command: str, timeout_s: float = ANSWER_S, arguments: Mapping[str, str | bool] | None = None
) -> Any:
    """The result of one command of the hub that serves `path`.

    Raises:
        OSError: nobody serves the path, it is not for us, or no answer came in time.
        WrongArgumentError: it does not know what the arguments name.
        ValueError: the hub refused, with its reason.
    """
    request: dict[str, object] = {"command": command}
    if arguments:
        request["arguments"] = dict(arguments)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout_s)
        with short_path(path) as short:
            client.connect(short)
        client.sendall(json.dumps(request).encode() + b"\n")
        with client.makefile("rb") as lines:
            line = lines.readline(LONGEST_ANSWER)
    if not line.endswith(b"\n"):
        raise ConnectionResetError("the hub ended the connection in mid-answer")
    answer = json.loads(line)
    if not answer.get("ok"):
        error = answer.get("error", "the hub gave no reason")
        if answer.get("wrong"):
            raise WrongArgumentError(error)
        raise ValueError(error)
    return answer["result"]
