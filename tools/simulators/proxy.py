"""The path between a home and its broker, as it is in homes: slow, far, cut, half-open. A TCP proxy on loopback.

    async with Proxy(broker_port, delay_ms=300, bits_per_s=64_000) as proxy:
        ...                     # the gateway's broker is 127.0.0.1:proxy.port
        proxy.half_open()       # what stands is silent from now on; new connections work
        await proxy.set_mode(REFUSE)

    python -m tools.simulators.proxy --target-port 8883 [--port N] [--delay-ms 300] [--bits-per-s 64000]

The program prints one JSON line at its start and after each command: port, connections, bytes. Commands are JSON
lines on its standard input, such as `{"delay_ms": 25}`, `{"do": "reset"}`, `{"mode": "refuse"}`; it ends with its input.

What it does not simulate: TCP's own slow start and repeats, and a peer whose kernel acknowledges nothing. A path that
is cut looks to the sender like one whose window closes (`stall`) or that takes everything and answers nothing
(`half_open`), and never like unacknowledged segments; for these the kernel has the same time limit as for a
window that stays closed (tcp(7), TCP_USER_TIMEOUT).
"""

import argparse
import asyncio
import contextlib
import json
import socket
import struct
import sys
from types import TracebackType
from typing import Any, Self

from gateway.daemon.control import readable
from tools.simulators.tcp_line import QUEUE_BYTES, SEGMENT, Change, Line, Pipe

HOST = "127.0.0.1"
FORWARD, REFUSE, SILENT = "forward", "refuse", "silent"
MODES = (FORWARD, REFUSE, SILENT)
# Small, or the kernel's own buffers would be a second queue that nobody bounds; and segments as on a real path, or
# loopback's of 64 KiB would not fit them.
KERNEL_BUFFER = 8 * 1024
BACKLOG = 16
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: close sends RST
SETTINGS = ("delay_ms", "bits_per_s", "queue_bytes", "overhead_bytes")


def prepared() -> socket.socket:
    """A socket of a slow path."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Connection:
    """One accepted connection and its counterpart at the target."""

    def __init__(self, proxy: "Proxy", client: socket.socket) -> None:
        self.proxy = proxy
        self.client = client
        self.target = prepared()
        self.up = Pipe(proxy.up, client, self.target)
        self.down = Pipe(proxy.down, self.target, client)
        self.resetting = False

    def silence(self) -> None:
        """Swallow everything from now on, in both directions."""
        self.up.silent = self.down.silent = True
        self.proxy.change.tell()

    async def run(self) -> None:
        """Until both sides have ended, one of them is reset, or this is cancelled."""
        try:
            # The kernel has accepted already: the handshake's round trip is spent here, before the first byte.
            await asyncio.sleep((self.proxy.up.delay_ms + self.proxy.down.delay_ms) / 1000)
            if not self.up.silent:
                await asyncio.get_running_loop().sock_connect(self.target, self.proxy.target)
            await self.pump()
        except OSError:
            self.resetting = True

    def close(self) -> None:
        """Close both sides, however far `run` has come."""
        for sock in (self.client, self.target):
            if self.resetting:
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            sock.close()

    async def pump(self) -> None:
        """Both directions; an error of either resets the other."""
        pipes = [self.up] if self.up.silent else [self.up, self.down]
        try:
            async with asyncio.TaskGroup() as group:
                for pipe in pipes:
                    group.create_task(pipe.run())
        except* OSError:
            self.resetting = True


class Proxy:
    """A path to `target_port` on this machine.

    Args:
        target_port: where it leads.
        port: where it begins; 0 for a free one, which stays the same through every mode.
        conditions: of both directions, see `Line`; `up` and `down` may be set apart while it runs.

    Read: `opened` connections accepted so far, `open` those that stand, `up` and `down` what moved in each direction.
    """

    def __init__(self, target_port: int, *, port: int = 0, **conditions: int) -> None:
        self.target = (HOST, target_port)
        self.port = port
        self.mode = FORWARD
        self.change = Change()
        self.up = Line(self.change, **conditions)
        self.down = Line(self.change, **conditions)
        self.opened = 0
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None

    @property
    def open(self) -> int:
        """Connections that stand."""
        return len(self._connections)

    async def __aenter__(self) -> Self:
        self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._deafen()
        await self.reset()

    def set(self, **conditions: int) -> None:
        """Change conditions of both directions; what is on its way keeps its own."""
        for name, value in conditions.items():
            if name not in SETTINGS:
                raise ValueError(f"{name}: one of {', '.join(SETTINGS)}")
            setattr(self.up, name, value)
            setattr(self.down, name, value)
        self.change.tell()

    async def set_mode(self, mode: str) -> None:
        """What becomes of new connections: forwarded, refused, or accepted and never answered."""
        if mode not in MODES:
            raise ValueError(f"{mode}: one of {', '.join(MODES)}")
        was, self.mode = self.mode, mode
        if (was == REFUSE) != (mode == REFUSE):
            await self._deafen()
            self._listen()

    def stall(self) -> None:
        """Nothing moves and nothing is read; connections stand."""
        self.up.stalled = self.down.stalled = True
        self.change.tell()

    def resume(self) -> None:
        """End a stall; what has waited goes on."""
        self.up.stalled = self.down.stalled = False
        self.change.tell()

    def half_open(self) -> None:
        """Connections that stand now are silent for ever: no byte, no FIN, no RST, whatever either side does."""
        for connection in self._connections.values():
            connection.silence()

    async def reset(self) -> None:
        """RST to both sides of every connection."""
        ending = dict(self._connections)
        for task, connection in ending.items():
            connection.resetting = True
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def facts(self) -> dict[str, Any]:
        """Port, mode, connections and what moved."""
        lines = {
            name: {key: getattr(line, key) for key in ("taken", "given", "held", "most_held", "packets")}
            for name, line in (("up", self.up), ("down", self.down))
        }
        return {"port": self.port, "mode": self.mode, "opened": self.opened, "open": self.open, **lines}

    def _listen(self) -> None:
        self._listener = prepared()
        self._listener.bind((HOST, self.port))
        self.port = self._listener.getsockname()[1]
        if self.mode != REFUSE:  # bound and not listening, the kernel refuses and the port stays ours
            self._listener.listen(BACKLOG)
            self._accepting = asyncio.get_running_loop().create_task(self._accept(self._listener))

    async def _deafen(self) -> None:
        accepting, self._accepting = self._accepting, None
        if accepting is not None:
            accepting.cancel()
            await asyncio.gather(accepting, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()

    async def _accept(self, listener: socket.socket) -> None:
        # `sock_accept` loses a connection that arrives while it is cancelled (CPython 3.11): here nothing stands between
        # the acceptance and the task that closes it.
        loop = asyncio.get_running_loop()
        while True:
            await readable(listener)
            try:
                client, _ = listener.accept()
            except BlockingIOError:  # whoever it was has gone
                continue
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.opened += 1
            connection = Connection(self, client)
            if self.mode == SILENT:
                connection.silence()
            task = loop.create_task(connection.run())
            self._connections[task] = connection
            task.add_done_callback(self._ended)
            self.change.tell()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._connections.pop(task).close()
        self.change.tell()


async def obey(proxy: Proxy, command: dict[str, Any]) -> None:
    """One command of the program's input. Raises ValueError, TypeError for one it does not know."""
    do = command.pop("do", None)
    if "mode" in command:
        await proxy.set_mode(command.pop("mode"))
    proxy.set(**command)
    if do == "reset":
        await proxy.reset()
    elif do in ("stall", "resume", "half_open"):
        getattr(proxy, do)()
    elif do is not None:
        raise ValueError(f"{do}: one of reset, stall, resume, half_open")


async def serve(options: argparse.Namespace) -> None:
    """Until the end of standard input."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    conditions = {name: getattr(options, name) for name in SETTINGS}
    async with Proxy(options.target_port, port=options.port, **conditions) as proxy:
        print(json.dumps(proxy.facts()), flush=True)
        while line := await reader.readline():
            answer: dict[str, Any] = {}
            try:
                await obey(proxy, json.loads(line))
            except (ValueError, TypeError) as error:
                answer = {"error": str(error)}
            print(json.dumps(answer or proxy.facts()), flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tools.simulators.proxy", description=__doc__)
    parser.add_argument("--target-port", type=int, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-ms", type=int, default=0, help="one way")
    parser.add_argument("--bits-per-s", type=int, default=0, help="of each direction; 0: no limit")
    parser.add_argument("--queue-bytes", type=int, default=QUEUE_BYTES, help="before the bottleneck")
    parser.add_argument("--overhead-bytes", type=int, default=0, help="of a segment, on the line")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args(argv)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
