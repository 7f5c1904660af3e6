"""A store whose worker is the process that holds the events: Trygg's journal, ThingsBoard's storages, paho's queue."""

from collections.abc import Sequence
from pathlib import Path

from tools.bench.peers import process_facts
from tools.bench.peers.peer import Accepted
from tools.bench.peers.program import Program
from tools.bench.peers.spans import members


class WorkerStore:
    """`command` is the worker's command line; its folder is put behind the module's name."""

    def __init__(self, python: str, module: str, folder: Path, rest: Sequence[str] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        log = folder.with_name(folder.name + ".log")
        self.program = Program([python, "-m", module, str(folder), *rest], log)

    @property
    def pid(self) -> int:
        return self.program.pid

    async def start(self) -> None:
        await self.program.start()
        await self.program.answer()

    async def offer(self, first: int, count: int, size: int, window: int) -> Accepted:
        said = await self.program.ask(f"rate {first} {count} {size} {window}")
        return Accepted(said["accept_ns"], said["store_ns"])

    async def pace(self, first: int, count: int, per_second: int, size: int) -> None:
        self.program.tell(f"pace {first} {count} {per_second} {size}")

    def accepted(self) -> list[int]:
        return self.program.accepted

    async def kill(self) -> None:
        await self.program.kill()

    async def survivors(self) -> set[int]:
        await self.start()
        return members((await self.program.ask("held"))["numbers"])

    async def forget(self) -> None:
        await self.program.ask("forget")

    async def stop(self) -> None:
        await self.program.kill()

    def written(self) -> int:
        return process_facts.written(self.pid)
