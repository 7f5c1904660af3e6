"""The composition root of the page's process: where it listens, with which certificate, and when it ends.

The process ends with the installation window, which only the hub knows of. Started by the hub (`attached`) it takes orders on
standard input, a word a line, and ends where that ends: no page outlives its hub.
"""

import asyncio
import contextlib
import errno
import os
import resource
import shutil
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn

from gateway.core.config import Config
from gateway.daemon.control import NAME as CONTROL
from gateway.daemon.page import certificate
from gateway.daemon.page.app import application
from gateway.daemon.page.gate import LABEL_CODE, Gate
from gateway.daemon.page.guard import plain_address
from gateway.daemon.page.hub import Hub, HubGoneError, HubRefusedError
from gateway.daemon.page.process import ALSO, CLOSE, CODE, FOLDER
from gateway.daemon.page.visit import Page
from gateway.daemon.page.words import Words
from hal.linux.network import SysfsNetwork

LOOK_S = (
    2.0  # between two looks whether the window is still open, and at an interface that has no address yet
)
LINGER_S = 60.0  # in which whoever has finished can print the record
MOST_CONNECTIONS = 32
MOST_MEMORY = 256 << 20
NICE = 10
OOM_SCORE = 500  # where memory is short the page goes, and never the hub
IP_FREEBIND = 15  # ip(7): an access point that goes and comes back has its address again
ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  the configuration says it
Told = dict[str, str]


def addresses(listen: str) -> list[str]:
    """Addresses that the page is reached by; none while the interface has none."""
    paths = [path for path in SysfsNetwork().paths() if path.up and path.address]
    if listen in ANYWHERE:
        return [str(path.address) for path in paths if path.kind != "cellular"] or ["127.0.0.1"]
    if is_address(listen):
        return [listen]
    if listen == "lo":
        return ["127.0.0.1"]
    return [str(path.address) for path in paths if path.name == listen]


def is_address(text: str) -> bool:
    """Whether a text is an IP address, and no interface."""
    try:
        plain_address(text)
    except ValueError:
        return False
    return True


def listener(listen: str, port: int, found: list[str], *, free: bool = False) -> socket.socket:
    """A socket that is listened at; `found` are its addresses, and none is an error. free: it may be gone just now. Raises OSError."""
    if not found:
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    host = listen if listen in ANYWHERE else found[0]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if free:
            made.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        made.bind((host, port))
        made.listen(MOST_CONNECTIONS)  # who comes before the server waits for it
    except OSError:
        made.close()
        raise
    return made


def be_small() -> None:
    """Take little, and be the first to go: alarms are the other process's."""
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICE)
    try:
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE), encoding="ascii")
    except OSError:
        pass  # a kernel without it


class Server:
    """The page of one window. `tell` is given address, code and fingerprint, at the start and with each new code."""

    def __init__(self, config: Config, tell: Callable[[Told], None]) -> None:
        self.config = config
        self.tell = tell
        data = Path(config.hub.data_directory)
        self.folder = data / FOLDER
        self.hub = Hub(data / CONTROL)
        self.ended = asyncio.Event()  # the window is closed
        self.left = asyncio.Event()  # whoever started us is gone
        self.found: list[str] = []
        self.also: list[str] = []  # addresses that the hub has told us of
        self.served: list[str] = []  # those of them that are listened at
        self.news = asyncio.Event()
        self.gate = Gate(None, time.monotonic)

    def prepare(self, *, fresh: bool) -> None:
        """What a window keeps: taken up after a power cut, made anew for a new one. Raises OSError."""
        if fresh:
            self.forget()
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.gate = Gate(self.folder, time.monotonic)

    def certify(self) -> None:
        """The certificate of the window. Raises OSError."""
        if not (self.folder / certificate.CERTIFICATE).exists():
            certificate.make(self.folder, self.config.hub.id, [*self.found, *self.also])

    def forget(self) -> None:
        """Nothing of a window is left."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def first_code(self, *, attached: bool) -> str:
        """The code on the label, where provisioning put one; else, without a hub that hands one over, a new one."""
        if self.gate.has_session:
            return ""
        text = self.gate.take_label(Path(self.config.keys.directory) / LABEL_CODE)
        return text or ("" if attached or self.gate.has_code else self.gate.new_code())

    def say(self, code: str) -> None:
        """Tell whoever started us."""
        host = [*self.found, *self.served][0]
        shown = f"[{host}]" if ":" in host else host
        address = f"https://{shown}:{self.config.page.port}/"
        self.tell({"address": address, "code": code, "fingerprint": certificate.fingerprint(self.folder)})

    # --- running --------------------------------------------------------------------------------------------------

    async def run(self, *, fresh: bool, attached: bool) -> None:
        """Serve until the window is closed, or whoever started us ends. Raises OSError where nothing can be served."""
        self.prepare(fresh=fresh)
        watchers = [asyncio.create_task(self.obey())] if attached else []
        listening: list[socket.socket] = []
        try:
            listening += await self.first(attached=attached)
            if listening:
                await self.serve(listening, watchers, attached=attached)
        finally:
            for task in watchers:
                task.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
            for each in listening:
                each.close()
        if self.ended.is_set():
            self.forget()

    async def serve(
        self, listening: list[socket.socket], watchers: "list[asyncio.Task[None]]", *, attached: bool
    ) -> None:
        """Serve at what is listened at, and at what comes later. Raises OSError."""
        self.certify()
        page = Page(self.hub, self.gate, self.config.hub.language, self.ended.set)
        server = PageServer(self.settings(page))
        watchers.append(asyncio.create_task(self.watch(server)))
        if attached:
            watchers.append(asyncio.create_task(self.widen(server, listening)))
            watchers.append(asyncio.create_task(self.leave(server)))
        self.say(self.first_code(attached=attached))
        await server.serve(sockets=list(listening))

    def settings(self, page: Page) -> uvicorn.Config:
        """HTTP/1.1 over TLS, and nothing else."""
        return uvicorn.Config(
            application(page),
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=3,
            h11_max_incomplete_event_size=16 * 1024,
            ssl_context_factory=lambda _config, _default: certificate.context(self.folder),
        )

    async def first(self, *, attached: bool) -> list[socket.socket]:
        """What can be listened at; started by the hub we wait for an interface or an access point that comes later.

        Empty where whoever started us is gone. Raises OSError.
        """
        while not self.left.is_set():
            try:
                return [self.listen(), *self.listen_also()]
            except OSError:
                if not attached or not await self.is_open():
                    raise
            if found := self.listen_also():
                return found
            await self.look()
        return []

    async def widen(self, server: "PageServer", listening: list[socket.socket]) -> None:
        """Listen at what comes while we serve, too."""
        while True:
            more = self.listen_also()
            if not self.found:
                with contextlib.suppress(OSError):
                    more.append(self.listen())
                    self.say("")
            for each in more:
                listening.append(each)
                await server.also(each)
            await self.look()

    def listen(self) -> socket.socket:
        """At the addresses of the configuration. Raises OSError."""
        page = self.config.page
        assert page.listen is not None
        found = addresses(page.listen)
        made = listener(page.listen, page.port, found)
        self.found = found
        return made

    def listen_also(self) -> list[socket.socket]:
        """At addresses that the hub has told us of, and that are not listened at yet."""
        made = []
        for address in self.also:
            if address not in self.served:
                with contextlib.suppress(OSError):
                    if self.config.page.listen not in ANYWHERE:
                        made.append(listener(address, self.config.page.port, [address], free=True))
                    self.served.append(address)
        return made

    async def look(self) -> None:
        """Until there is news, or it is time to look again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self.news.wait()
        self.news.clear()

    async def is_open(self) -> bool:
        """Whether the window is open; a hub that does not answer starts anew, and will say."""
        try:
            return bool((await self.hub.ask("install"))["window"]["is_open"])
        except HubRefusedError:
            return False
        except HubGoneError:
            return True

    async def watch(self, server: uvicorn.Server) -> None:
        """End when the window does, and a minute later for whoever prints."""
        while not self.ended.is_set():
            if not await self.is_open():
                self.ended.set()
                break
            try:
                async with asyncio.timeout(LOOK_S):
                    await self.ended.wait()
            except TimeoutError:
                continue
        if self.gate.has_session:
            await asyncio.sleep(LINGER_S)
        server.should_exit = True

    async def leave(self, server: uvicorn.Server) -> None:
        """End with whoever started us."""
        await self.left.wait()
        server.should_exit = True

    async def obey(self) -> None:
        """Orders of the hub; the end of them is its end, and leaves what the next start takes up."""
        orders = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
        )
        try:
            while line := await orders.readline():
                order, _, what = line.decode("ascii", "replace").strip().partition(" ")
                if order == CODE:
                    self.gate.take_code(what)
                elif order == ALSO and is_address(what):
                    self.also.append(what)
                    self.news.set()
                elif order == CLOSE:
                    self.ended.set()
        finally:
            transport.close()
        self.left.set()
        self.news.set()


class PageServer(uvicorn.Server):
    """Serves at sockets that come while it runs, too."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self.up.set()

    async def also(self, listening: socket.socket) -> None:
        """Serve at another, once it is `up`; it is closed with the others."""
        await self.up.wait()
        config, loop = self.config, asyncio.get_running_loop()

        def protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=self.server_state, app_state=self.lifespan.state
            )
            return made

        self.servers.append(await loop.create_server(protocol, sock=listening, ssl=config.ssl))


def shown(told: Told, words: Words) -> list[str]:
    """Address, code and fingerprint for people; in one language."""
    lines = [words("command.ready", address=told["address"])]
    if told["code"]:
        lines.append(words("command.code", code=told["code"]))
    fingerprint = words("command.fingerprint", fingerprint=told["fingerprint"])
    return [*lines, fingerprint, words("command.compare")]
