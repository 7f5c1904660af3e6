"""A visit whose technician stands there, for tests of pairing."""

from gateway.hub.waking import stop
from tests.hub.small import Small, begun
from tests.hub.visits import ADDRESS, Visit

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any

LABEL, STRANGER = 314_159, "C0:00:00:00:00:09"


class Room:
    """`open` a window, let somebody be heard, look at the `facts`; `end` stops the part."""

    def __init__(self, *arguments: "Any", **options: "Any") -> None:
        self.visit = Visit(Small(), *arguments, **options)
        self.pairing, self.clock = self.visit.pairing, self.visit.small.clock
        self.task: "asyncio.Task[None] | None" = None

    async def open(self, **how: str) -> None:
        """The part runs and a window is open; nobody is heard yet."""
        if self.task is None:
            self.task = await begun(self.pairing.run, self.clock)
        self.pairing.open(**(how or {"device": "Thing"}))
        await self.clock.settle()

    async def hear(self, address: str = ADDRESS, name: "str | None" = None) -> None:
        self.visit.hear(address, name)
        await self.clock.settle()

    async def end(self) -> None:
        if self.task is not None:
            await stop(self.task)
        assert self.clock.sleepers == 0

    def facts(self, *names: str) -> "list[object]":
        facts = self.pairing.facts()
        return [facts[name] for name in names]

    def told(self) -> "list[str]":
        return [kind for kind in self.visit.small.kinds(2) if kind.startswith(("pairing.", "bond."))]


def refused(room: Room, error: "type[Exception]", **how: str) -> str:
    try:
        room.pairing.open(**how)
    except error as found:
        return str(found)
    raise AssertionError("it was opened: " + repr(how))
