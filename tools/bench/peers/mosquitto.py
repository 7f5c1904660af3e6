"""Mosquitto as the store-and-forward broker of a home: publishers on it, a bridge to the receiver."""

import asyncio
import contextlib
import re
import subprocess
import sys
import time
from pathlib import Path

from tools.bench.peers import process_facts
from tools.bench.peers.arrivals import Arrivals, Kind
from tools.bench.peers.events import ALARMS
from tools.bench.peers.peer import ALL_PARTS, NEAR_PARTS, STORE_PARTS, Accepted, Drained, Road
from tools.bench.peers.program import Program, ProgramError
from tools.simulators.certificates import Credentials
from tools.simulators.mosquitto import Mosquitto, MosquittoError, find_mosquitto

STRICT = ("autosave_on_changes true", "autosave_interval 1")
ALARM_LIMIT_S = 60.0
FORGET_LIMIT_S = 60.0
SURVIVORS_SILENCE_S = 1.5


def bridge(port: int, credentials: Credentials | None) -> list[str]:
    """A bridge that loses nothing by its own settings: by default it drops what is beyond 1,000 queued messages."""
    tls = []
    if credentials is not None:
        tls = [f"bridge_cafile {credentials.ca}", f"bridge_certfile {credentials.certificate}"]
        tls.append(f"bridge_keyfile {credentials.key}")
    return [
        "max_queued_messages 0",
        "connection upstream",
        f"address 127.0.0.1:{port}",
        "topic # out 1",
        "cleansession false",
        "bridge_protocol_version mqttv311",
        "try_private false",
        "bridge_attempt_unsubscribe false",
        "restart_timeout 1",
        *tls,
    ]


class Bridge:
    """The broker in `folder`, the receiver, and a publisher, as a store and as a way."""

    def __init__(
        self, folder: Path, options: tuple[str, ...], road: Road, *, kind: Kind, beside: Path | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.beside = beside or folder.with_name(folder.name + "-beside")
        self.options = options
        self.arrivals = Arrivals(self.beside, road, kind)
        self.broker: Mosquitto | None = None
        self.publisher: Program | None = None
        self.filled = 0

    @property
    def pid(self) -> int:
        assert self.broker is not None, "not started"
        assert self.broker.pid is not None, "not running"
        return self.broker.pid

    async def start(self) -> None:
        """Broker and publisher up, nobody at the bridge's other end."""
        if not self.arrivals.program.running:
            await self.arrivals.start()
        lines = [*self.options, *bridge(self.arrivals.port, self.arrivals.credentials)]
        self.broker = Mosquitto(self.folder, persistence=True, options=lines)
        await asyncio.to_thread(self._start_broker)
        arguments = ["-m", "tools.bench.peers.publisher", str(self.folder), str(self.broker.port)]
        self.publisher = Program([sys.executable, *arguments], self.beside / "publisher.log")
        await self.publisher.start()
        await self.publisher.answer()

    def _start_broker(self) -> None:
        assert self.broker is not None, "not started"
        try:
            self.broker.start()
        except MosquittoError as error:
            raise ProgramError(str(error)) from error

    @property
    def feed(self) -> Program:
        """The publisher."""
        assert self.publisher is not None, "not started"
        return self.publisher

    async def offer(self, first: int, count: int, size: int, window: int) -> Accepted:
        said = await self.feed.ask(f"rate {first} {count} {size} {window}")
        return Accepted(said["accept_ns"], said["accept_ns"] if self.options else None)

    async def pace(self, first: int, count: int, per_second: int, size: int) -> None:
        self.feed.tell(f"pace {first} {count} {per_second} {size}")

    def accepted(self) -> list[int]:
        return self.feed.accepted

    async def kill(self) -> None:
        if self.broker is not None:
            self.broker.kill()
        await self.feed.kill()

    async def survivors(self) -> set[int]:
        await self.arrivals.listen()
        await asyncio.to_thread(self._start_broker)
        await self.arrivals.until(1 << 62, FORGET_LIMIT_S, SURVIVORS_SILENCE_S)
        return await self.arrivals.numbers()

    async def forget(self) -> None:
        await self.arrivals.listen()
        await self.arrivals.until_connected()
        await self.arrivals.until(1 << 62, FORGET_LIMIT_S, SURVIVORS_SILENCE_S)

    async def stop(self) -> None:
        if self.broker is not None:
            self.broker.kill()
        if self.publisher is not None:
            await self.publisher.kill()
        await self.arrivals.stop()

    def written(self) -> int:
        return process_facts.written(self.pid)

    # --- as a way ----------------------------------------------------------------------------------------------

    async def fill(self, count: int, size: int) -> int:
        await self.start()
        if count:
            await self.offer(0, count, size, 100)
        self.filled = count
        return count

    async def open(self) -> None:
        await self.arrivals.listen()
        await self.arrivals.until_connected()

    async def alarm(self, number: int) -> float | None:
        arrival = self.arrivals.awaited(ALARMS + number)
        began_ns = time.monotonic_ns()
        self.feed.tell(f"alarm {ALARMS + number}")
        return await self.arrivals.took_ms(began_ns, arrival, ALARM_LIMIT_S)

    async def emptied(self, left: int, within_s: float) -> None:
        await self.arrivals.until(self.filled - left, within_s)

    async def drained(self, within_s: float) -> Drained:
        return await self.arrivals.drained(self.filled, within_s)

    async def close(self) -> None:
        await self.stop()


class MosquittoPeer:
    """Persistence on. `strict` writes its database at each change; `bare` is its best case, not a service alike."""

    def __init__(self, *, strict: bool = False, bare: bool = False) -> None:
        kind = ", strict" if strict else ", best case" if bare else ""
        self.name = "Mosquitto bridge" + kind
        self.accepts = "PUBACK: in memory, " + (
            "its database rewritten right after" if strict else "written each 1800 s and at its end"
        )
        self.runs = "the broker, fed over MQTT by a publisher that does nothing else"
        if bare:
            self.runs += "; bridge over plain TCP to a receiver that stores nothing"
        self.options = STRICT if strict else ()
        self.bare = bare
        # It rewrites its whole database for each event: 100,000 held would take hours.
        self.largest = dict.fromkeys(("accept", *NEAR_PARTS), 1000) if strict else {}
        self.parts: tuple[str, ...] = (
            (*NEAR_PARTS, "behind") if bare else (*STORE_PARTS, *NEAR_PARTS) if strict else ALL_PARTS
        )

    def missing(self) -> str | None:
        return None if find_mosquitto() else "mosquitto is not installed: apt-get install mosquitto"

    def version(self) -> str:
        program = find_mosquitto()
        assert program is not None
        with contextlib.suppress(subprocess.SubprocessError):
            said = subprocess.run([program, "-h"], capture_output=True, text=True, timeout=5, check=False)
            found = re.search(r"version (\S+)", said.stdout)
            if found:
                return found.group(1)
        return "unknown"

    def store(self, folder: Path) -> Bridge:
        return Bridge(folder, self.options, Road(), kind="bare")

    def way(self, folder: Path, road: Road, *, alarms: bool) -> Bridge:
        return Bridge(folder, self.options, road, kind="bare" if self.bare else "broker")
