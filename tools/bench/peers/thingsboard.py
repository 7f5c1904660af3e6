"""ThingsBoard's IoT Gateway: its storages in a worker, and the whole gateway before a stand-in of its server."""

import asyncio
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from tools.bench.peers.arrivals import Arrivals
from tools.bench.peers.events import ALARMS
from tools.bench.peers.peer import ALL_PARTS, NEAR_PARTS, STORE_PARTS, Drained, Road
from tools.bench.peers.program import ROOT, Program
from tools.bench.peers.thingsboard_store import configuration
from tools.bench.peers.worker_store import WorkerStore
from tools.simulators.mosquitto import free_port

PYTHON = ROOT / ".venv-peers" / "bin" / "python"
MODULE = "tools.bench.peers.thingsboard_store"
ALARM_LIMIT_S = 60.0
LOOK_S = 0.02
# It asks its maker for news at each start; nothing here leaves this machine.
NOT_OUTSIDE = {
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1",
}
READY = "Gateway connectors initialized"
SETTINGS = {  # as the package ships them; what is not a rate limit of its cloud is left alone
    "remoteConfiguration": False,
    "remoteShell": False,
    "minPackSendDelayMS": 50,
    "minPackSizeToSend": 500,
    "qos": 1,
    "statistics": {"enable": True, "statsSendPeriodInSeconds": 60, "customStatsSendPeriodInSeconds": 3600},
}


class Gateway:
    """The whole gateway as a process, over a folder that a worker has filled."""

    def __init__(self, folder: Path, kind: str, storage: dict[str, Any], road: Road) -> None:
        self.folder = folder
        self.kind = kind
        self.storage = storage
        self.filled = 0
        self.arrivals = Arrivals(folder.with_name(folder.name + "-beside"), road, "server")
        self.alarm_port = free_port()
        self.feed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.program = Program(
            [str(PYTHON), "-m", "tools.bench.peers.thingsboard_run"],
            folder.with_name(folder.name + ".log"),
            folder=folder,
            environment={"TB_GW_CONFIG_DIR": str(folder / "config"), **NOT_OUTSIDE},
        )

    @property
    def pid(self) -> int:
        return self.program.pid

    async def fill(self, count: int, size: int) -> int:
        """As its own storage writes it, before the gateway starts."""
        worker = WorkerStore(str(PYTHON), MODULE, self.folder, [self.kind])
        await worker.start()
        if count:
            await worker.offer(0, count, size, 100)
        await worker.stop()
        self.filled = count
        return count

    def configure(self) -> None:
        """Write its configuration."""
        config = self.folder / "config"
        config.mkdir(exist_ok=True)
        (self.folder / "logs").mkdir(exist_ok=True)
        package = next((PYTHON.parents[1] / "lib").glob("python3*/site-packages/thingsboard_gateway"))
        shutil.copy(package / "config" / "logs.json", config / "logs.json")
        connector = {
            "name": "bench",
            "type": "bench",
            "class": "BenchConnector",
            "configuration": "bench.json",
        }
        credentials = self.arrivals.credentials
        assert credentials is not None
        files = {"caCert": credentials.ca, "cert": credentials.certificate, "privateKey": credentials.key}
        security = {"type": "tls", **{name: str(path) for name, path in files.items()}}
        server = {**SETTINGS, "security": security, "host": "127.0.0.1", "port": self.arrivals.port}
        whole = {"thingsboard": server, "storage": self.storage, "connectors": [connector]}
        (config / "tb_gateway.json").write_text(json.dumps(whole), encoding="utf-8")
        (config / "bench.json").write_text(json.dumps({"port": self.alarm_port}), encoding="utf-8")

    async def open(self) -> None:
        await self.arrivals.start()
        self.configure()
        await self.arrivals.listen()
        await self.program.start()
        await self.arrivals.until_connected()
        while READY not in self.service_log() and self.program.running:  # noqa: ASYNC110 - its log is a file
            await asyncio.sleep(LOOK_S)

    def service_log(self) -> str:
        """What it says of its start. Alarms raised before its connectors are there are lost by it."""
        path = self.folder / "logs" / "service.log"
        return path.read_text(errors="replace") if path.exists() else ""

    async def alarm(self, number: int) -> float | None:
        arrival = self.arrivals.awaited(ALARMS + number)
        began_ns = time.monotonic_ns()
        self.feed.sendto(b"%d" % (ALARMS + number), ("127.0.0.1", self.alarm_port))
        return await self.arrivals.took_ms(began_ns, arrival, ALARM_LIMIT_S)

    async def emptied(self, left: int, within_s: float) -> None:
        await self.arrivals.until(self.filled - left, within_s)

    async def drained(self, within_s: float) -> Drained:
        return await self.arrivals.drained(self.filled, within_s)

    async def close(self) -> None:
        self.feed.close()
        await self.program.kill()
        await self.arrivals.stop()


class ThingsBoardPeer:
    """With one of its storages that outlive a restart."""

    def __init__(self, kind: str, python: Path = PYTHON) -> None:
        self.kind = kind
        self.python = python
        self.name = f"ThingsBoard gateway, {'SQLite' if kind == 'sqlite' else 'file'}"
        self.accepts = (
            "in a queue in memory; written in batches by a thread, synced at checkpoints"
            if kind == "sqlite"
            else "written to the file, not synced"
        )
        self.runs = "storage class alone for the store's figures; the whole gateway for the others"
        self.parts: tuple[str, ...] = ALL_PARTS if kind == "sqlite" else (*STORE_PARTS, *NEAR_PARTS)
        # Where it has begun a second file, of 10,000 events each, reading skips most of the first: `drain` shows it, and
        # `alarm` stays within one file, the alarms among it.
        self.largest: dict[str, int] = {} if kind == "sqlite" else {"alarm": 8000}

    def missing(self) -> str | None:
        return None if self.python.exists() else "no .venv-peers: make bench-peers makes it"

    def version(self) -> str:
        code = "import importlib.metadata as m; print(m.version('thingsboard-gateway'))"
        said = subprocess.run(
            [str(self.python), "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
        return said.stdout.strip() or "unknown"

    def store(self, folder: Path) -> WorkerStore:
        return WorkerStore(str(self.python), MODULE, folder, [self.kind])

    def way(self, folder: Path, road: Road, *, alarms: bool) -> Gateway:
        return Gateway(folder, self.kind, configuration(self.kind, folder), road)
