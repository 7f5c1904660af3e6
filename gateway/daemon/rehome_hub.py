"""The running hub's part of leaving a home: it listens no more, says so upstream, delivers what it holds, clears its topics.

| verb          | does                                                                                        |
|---------------|---------------------------------------------------------------------------------------------|
| `leave`       | ends every input and journals `gateway.left`, once                                          |
| `leave_state` | how many events of each lane still wait for their receipt                                   |
| `leave_clear` | where none waits: zero-length retained messages on the gateway's own topics                 |
| `leave_end`   | where none waits, or `undelivered`: stops the hub, which then says nothing more             |
| `leave_cancel`| the gateway stays: the process ends with status 1, and the next one listens again           |

Nothing is wiped here, and nothing is forgotten but by a receipt. A hub that is started again in between is an ordinary hub:
`leave` begins anew. A hub that has left hears nobody, so it does not stay so: where nobody asks for `PATIENCE_MS` (the line of
whoever began it broke), it ends as at `leave_cancel`. Until then its lamp and `trygg status` show a fault.
"""

import asyncio

from gateway.core.errors import RefusedError
from gateway.hub.app import App
from gateway.hub.parts import PartFailedError
from gateway.hub.status import LANE_NAMES
from gateway.hub.waking import Wake
from gateway.hub.waking import stop as cancel
from hal.types import LANES

# Parts that go on: the store, the way out, and who feeds the watchdog. All others bring something in.
PART = "leaving"
KEPT = ("store", "uplink", "checks", "manifest", "supervise", "recovery", "time", "history", PART)
OWN_RETAINED = ("manifest", "state")  # docs/wire.md: what a gateway publishes with the retain flag
PATIENCE_MS = 600_000  # without a question from whoever takes the gateway out; the kit asks twice a second


class Leaving:
    """`stop` ends the hub's process when it is set."""

    def __init__(self, app: App, stop: asyncio.Event) -> None:
        self._app = app
        self._stop = stop
        self._is_cleared = False
        self._stays = False
        self._asked_ms = 0  # uptime of the last question
        self._wake = Wake(app.machine.clock)

    async def begin(self) -> dict[str, object]:
        """Listen to nothing any more and say that the gateway leaves.

        Raises:
            RefusedError: an alarm waits for room in the store. The hub goes on as it was: what stands only in memory ends with it.
        """
        app = self._app
        self._asked()
        if not app.has_left:
            await self._store_alarms()
            app.has_left = True
            app.parts.start(PART, self.run)
            app.supervise.look_now()
            for name in [each for each in app.parts.tasks if each not in KEPT]:
                await cancel(app.parts.tasks.pop(name))
            self._take_up()
            app.supervision.devices.clear()  # their silence is ours,
            app.recorder.engine.rules.clear()  # and says nothing about a person
            await app.recorder.note("gateway.left")
        return self.facts()

    async def run(self) -> None:
        """The part that brings the hub back where nobody goes on; it begins when the gateway leaves.

        Raises:
            PartFailedError: it stays, which only a fresh process does: the rules of this one are gone.
        """
        while not self._stays:
            due_ms = self._asked_ms + PATIENCE_MS
            if self._app.machine.clock.uptime_ms() >= due_ms:
                raise PartFailedError("nobody went on with taking the gateway out of its home")
            await self._wake.wait(due_ms)
        raise PartFailedError("the gateway stays in its home")

    def cancel(self) -> dict[str, object]:
        """The gateway stays: end the process, so that the next one listens. Nothing where it has not begun to leave."""
        self._stays = self._app.has_left
        self._wake.call()
        return self.facts()

    def _asked(self) -> None:
        self._asked_ms = self._app.machine.clock.uptime_ms()

    def held(self) -> dict[str, int]:
        """Events without a receipt, by the name of their lane; those that found no room in the store are held, too."""
        marks = [self._app.machine.journal.mark(lane) for lane in LANES]
        found = {
            LANE_NAMES[lane]: mark.last - mark.first + 1 for lane, mark in zip(LANES, marks, strict=True)
        }
        waiting = sum(len(work.events) for work in self._app.recorder.waiting.all())
        return found | ({"memory": waiting} if waiting else {})

    def facts(self) -> dict[str, object]:
        """How far it has come."""
        self._asked()
        delivery = self._app.delivery
        return {
            "begun": self._app.has_left,
            "held": self.held(),
            "connected": delivery.uplink.connected,
            "last_error": delivery.last_error,
            "cleared": self._is_cleared,
        }

    async def clear(self) -> dict[str, object]:
        """Clear the gateway's own retained topics.

        Raises:
            RefusedError: something still waits.
            UnavailableError, LinkLostError: no connection, or it ended.
        """
        self._check_delivered()
        delivery = self._app.delivery
        delivery.hushed = True
        for sort in OWN_RETAINED:
            await delivery.uplink.publish(self._app.outward.topic(sort), b"", retain=True)
        self._is_cleared = True
        return self.facts()

    async def end(self, undelivered: bool = False) -> dict[str, object]:
        """Stop the hub, which keeps what its store holds.

        Raises:
            RefusedError: something still waits, unless that is what is asked for; or an alarm is not even in the store.
        """
        if self._app.has_left:
            await self._store_alarms()
        if not (undelivered and self._app.has_left):
            self._check_delivered()
        self._stop.set()
        return self.facts()

    def _take_up(self) -> None:
        """Let what the inputs were about to store wait for room as all else does: nobody else tries it again."""
        waiting = self._app.recorder.waiting
        cut, waiting.cut_short = waiting.cut_short, []
        for work in cut:
            self._app.recorder.wait_for_room(work, at_once=True)

    async def _store_alarms(self) -> None:
        """Try once more what found no room. Raises RefusedError where an alarm finds none, either."""
        recorder = self._app.recorder
        try:
            await recorder.settle()
        except PartFailedError as error:
            raise RefusedError(str(error)) from error
        count = sum(len(work.events) for work in recorder.waiting.all() if work.urgent)
        if count:
            raise RefusedError(
                f"{count} alarms are not in the store yet: see trygg status, let them be delivered, and run it again"
            )

    def _check_delivered(self) -> None:
        if not self._app.has_left:
            raise RefusedError("the gateway has not begun to leave: ask it to leave first")
        count = sum(self.held().values())
        if count:
            raise RefusedError(f"{count} events wait for their receipt: nothing is ended before they have it")
