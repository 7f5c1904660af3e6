"""Notifications of one connection and time, whichever comes first."""

import asyncio

from gateway.hub.waking import Wake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.interfaces import BleConnection, Clock
    from hal.types import Notification


class Hearing:
    """Listens beside whoever records: one notification is held here, the others wait in the connection's own buffer.

    `task` is to be stopped by the owner.
    """

    def __init__(self, connection: "BleConnection", clock: "Clock") -> None:
        self.connection = connection
        self.clock = clock
        self.held: "Notification | None" = None
        self.lost: "Exception | None" = None
        self.wake, self.room = Wake(clock), asyncio.Event()
        self.task = asyncio.create_task(self.listen())

    async def listen(self) -> None:
        """Take one notification after the other, until the link is lost."""
        try:
            while True:
                self.held = await self.connection.receive()
                self.room.clear()
                self.wake.call()
                await self.room.wait()
        except Exception as error:  # noqa: BLE001  whatever it is, `next` raises it: nobody waits for ever
            self.lost = error
            self.wake.call()

    async def next(self, due_ms: "int | None") -> "Notification | None":
        """The next notification, or None when uptime has reached `due_ms` and none that has arrived waits before it.

        Raises:
            HalError: the link is lost, and everything that came before has been handed out.
        """
        if due_ms is not None and due_ms <= self.clock.uptime_ms():
            await asyncio.sleep(0)  # what the connection holds moves up first
            await asyncio.sleep(0)
        while self.held is None:
            if self.lost is not None:
                raise self.lost
            if due_ms is not None and due_ms <= self.clock.uptime_ms():
                return None
            await self.wake.wait(due_ms)
        heard, self.held = self.held, None
        self.room.set()
        return heard
