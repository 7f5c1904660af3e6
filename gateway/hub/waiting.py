"""Works on their way into the journal: those that wait for room, those that it has in hand, and whose state is the newest.

Alarms wait apart from the rest: nothing stands before them but other alarms, and looking for the next, or for older state,
costs the same however many wait.
"""

import asyncio

from gateway.hub.overrun import Overrun, Work

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.model import Event


class Waiting:
    """`alarms` and `routine` are tried again by the hub, `held` by whoever asked; `cut_short`: whoever asked has ended.

    `flying`: the journal has them in hand.
    """

    def __init__(self, overrun_event: "Callable[[], Event]") -> None:
        self.alarms: "list[Work]" = []
        self.routine: "list[Work]" = []
        self.held: "list[Work]" = []
        self.cut_short: "list[Work]" = []
        self.flying: "list[Work]" = []
        self.overrun = Overrun(overrun_event)
        self.landed = asyncio.Event()
        self.newest: "dict[str, int]" = {}  # the order of state that was stored while others were in hand
        self.order = 0

    def number(self, work: Work) -> None:
        """Note that `work` is asked for now."""
        self.order += 1
        work.order = self.order

    def stands_before(self, work: Work) -> bool:
        """Whether something waits that goes before `work`."""
        return bool(self.alarms) or (not work.urgent and bool(self.routine))

    def add(self, work: Work) -> "Work | None":
        """Let `work` wait its turn. What memory has no room for goes: the work that did, where it had events."""
        queue = self.alarms if work.urgent else self.routine
        place = len(queue)
        while work.urgent and place and queue[place - 1].order > work.order:
            place -= 1
        queue.insert(place, work)
        return None if work.urgent else self.overrun.shed(self.routine)

    def remove(self, work: Work) -> None:
        """It is stored."""
        (self.alarms if work.urgent else self.routine).remove(work)

    def forget(self, work: Work) -> None:
        """It is stored elsewhere."""
        for queue in (self.alarms, self.routine, self.held, self.cut_short):
            if work in queue:
                queue.remove(work)

    def all(self) -> "list[Work]":
        """Everything that is not stored, alarms first."""
        return self.alarms + [work for work in self.held + self.cut_short if work.urgent] + self.rest()

    def rest(self) -> "list[Work]":
        """What is not stored and holds no alarm."""
        return self.routine + [work for work in self.held + self.cut_short if not work.urgent]

    def has(self) -> bool:
        """Whether anything waits."""
        return bool(self.alarms or self.routine or self.held)

    # --- in hand ------------------------------------------------------------------------------------------------

    async def take_off(self, work: Work) -> None:
        """Hand `work` to the journal, behind newer state of its keys that is in hand: what comes later is stored over it."""
        while self.is_overtaken(work):
            self.landed.clear()
            await self.landed.wait()
        work.under_way = True
        self.flying.append(work)

    def is_overtaken(self, work: Work) -> bool:
        """Whether newer state of one of its keys is in hand."""
        for other in self.flying:
            for key in work.state:
                if key in other.state and other.asked(key) > work.asked(key):
                    return True
        return False

    def land(self, work: Work, is_stored: bool) -> None:
        """The journal has stored `work` or not. No older state may be stored over newer, whoever was quicker."""
        work.under_way = False
        self.flying.remove(work)
        if is_stored:
            self.supersede(work)
        else:
            for key in list(work.state):
                if self.newest.get(key, 0) > work.asked(key):
                    del work.state[key]
        if not self.flying:
            self.newest = {}
        self.landed.set()

    def supersede(self, work: Work) -> None:
        """Take older state of the same keys out of what waits."""
        if not work.state:
            return
        if self.flying:
            for key in work.state:
                self.newest[key] = max(work.asked(key), self.newest.get(key, 0))
        for other in self.routine + self.held + self.cut_short:
            self.take_out(work, other)
        for other in self.alarms:  # in the order in which they were asked for
            if other.order > work.order:
                break
            self.take_out(work, other)

    def take_out(self, work: Work, other: Work) -> None:
        """Take out of `other` what `work` has newer."""
        if other is work or other.under_way:
            return
        for key in work.state:
            if key in other.state and other.asked(key) < work.asked(key):
                del other.state[key]
