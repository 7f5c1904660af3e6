"""How long an alarm takes that meets a cut: the connection stands as far as the hub knows, and nothing passes."""

from pathlib import Path

from tools.bench.backlog import month
from tools.bench.path import OPEN, FarSystem

LONGEST_S = 180.0
KINDS = ("reset", "half_open")
BEFORE = 3  # alarms that pass before the cut


async def cut(folder: Path, seed: int, kind: str) -> int | None:
    """Milliseconds of an alarm put on the air just after a cut; new connections work. None: not within 3 minutes."""
    system = FarSystem(folder, seed)
    async with system.far(0, month, OPEN):
        await system.start_hub()
        await system.listening()
        await system.until_connected()
        for _ in range(BEFORE):
            await system.next_alarm()
        await system.proxy.do(do=kind)
        took_ms = await system.next_alarm(LONGEST_S)
        return None if took_ms is None else round(took_ms)
