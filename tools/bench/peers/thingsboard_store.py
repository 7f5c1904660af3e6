"""A storage of ThingsBoard's gateway in a process of its own, in the peers' environment, driven as the gateway does.

`python -m tools.bench.peers.thingsboard_store FOLDER sqlite|file`
"""

import importlib
import json
import logging
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tools.bench.peers.events import gateway_message
from tools.bench.peers.worker import Commands, holding, serve, taking

PACKAGE = "thingsboard_gateway.storage."
CLASSES = {
    "sqlite": (PACKAGE + "sqlite.sqlite_event_storage", "SQLiteEventStorage"),
    "file": (PACKAGE + "file.file_event_storage", "FileEventStorage"),
}
LOOK_S, PACK_S = 0.001, 0.05
EMPTY_LOOKS = 8  # the writing thread of the SQLite storage looks each 0.2 s at most


def configuration(kind: str, folder: Path) -> dict[str, Any]:
    """As in the gateway's documentation; what the package ships (10 events a read) drains far slower."""
    path = str(folder / "data") + "/"
    if kind == "sqlite":
        return {"type": kind, "data_file_path": path, "max_read_records_count": 1000, "size_limit": 1024}
    counts = {"max_file_count": 100, "max_records_per_file": 10000, "max_read_records_count": 1000}
    return {"type": kind, "data_folder_path": path, "max_records_between_fsync": 1, **counts}


def quiet_log() -> logging.Logger:
    """The gateway's loggers have a level more than Python's."""
    loggers: Any = importlib.import_module("thingsboard_gateway.tb_utility.tb_logger")
    log: logging.Logger = loggers.TbLogger("storage")
    log.setLevel(logging.WARNING)
    log.addHandler(logging.StreamHandler(sys.stderr))
    return log


class ThingsBoardStore:
    """Accepted: `put` has returned True, which is when the gateway goes on to the next event."""

    def __init__(self, folder: Path) -> None:
        self.kind = sys.argv[2]
        self.folder = folder
        module, name = CLASSES[self.kind]
        (folder / "data").mkdir(parents=True, exist_ok=True)
        storage: Any = getattr(importlib.import_module(module), name)
        self.storage = storage(configuration(self.kind, folder), quiet_log(), threading.Event())
        self.accepted = 0

    def offer(self, numbers: range, size: int, window: int) -> None:
        put = self.storage.put
        for number in numbers:
            if not put(gateway_message(number, size)):
                raise RuntimeError(f"event {number} was not accepted")
        self.accepted += len(numbers)

    def settle(self) -> bool:
        """SQLite: until another connection sees them all; file: `put` writes before it returns."""
        if self.kind == "sqlite":
            with sqlite3.connect(self.folder / "data" / "data.db") as reader:
                while self._rows(reader) < self.accepted:
                    time.sleep(LOOK_S)
        return True

    @staticmethod
    def _rows(reader: sqlite3.Connection) -> int:
        return int(reader.execute("SELECT COUNT(*) FROM messages").fetchone()[0])

    def held(self) -> list[int]:
        """What it would deliver; delivered by that."""
        found: list[int] = []
        empty = 0
        while empty < EMPTY_LOOKS:
            pack = self.storage.get_event_pack()
            for message in pack:
                found += [entry["values"]["n"] for entry in json.loads(message)["telemetry"]]
            if pack:
                self.storage.event_pack_processing_done()
                empty = 0
            else:
                empty += 1
                time.sleep(PACK_S)
        return found

    def forget(self) -> None:
        self.held()


def commands(folder: Path) -> Commands:
    """A storage sends nothing: the whole gateway does."""
    store = ThingsBoardStore(folder)
    return {**taking(store), **holding(store)}


if __name__ == "__main__":
    serve(commands)
