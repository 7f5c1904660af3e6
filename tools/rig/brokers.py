"""A simulated broker that is worse than `hal.sim` needs: receipts come late, twice, in the wrong order, or stale."""

from collections.abc import Callable

from hal.sim.clock import SimClock
from hal.sim.uplink import SimBroker
from hal.types import Message

RECEIPT = "/down/receipt"


class Broker(SimBroker):
    """`late_ms` of a receipt, drawn for each; None delivers at once. `accepted` counts, and keeps nothing."""

    def __init__(self, clock: SimClock) -> None:
        super().__init__()
        self.clock = clock
        self.late_ms: Callable[[], int] | None = None
        self.held: list[tuple[int, int, Message]] = []  # due, order, message
        self.order = 0
        self.taken = 0
        self.lossy = False  # whether it ever acknowledged what nobody got

    def _accept(self, message: Message) -> None:
        self.taken += 1
        self.lossy = self.lossy or self.losing
        if self.late_ms is not None and message.topic.endswith(RECEIPT):
            self.order += 1
            self.held.append((self.clock.uptime_ms() + self.late_ms(), self.order, message))
            return
        super()._accept(message)
        self.accepted.clear()

    def release(self, *, everything: bool = False) -> None:
        """Pass on what is due of that which is late."""
        now_ms = self.clock.uptime_ms()
        due = sorted(row for row in self.held if everything or row[0] <= now_ms)
        self.held = [row for row in self.held if row not in due]
        for _, _, message in due:
            super()._accept(message)
            self.accepted.clear()

    def go_stale(self, topic: str, old: bytes) -> None:
        """Hold an old message as the retained one, as a broker does that was restored from a backup."""
        self.retained[topic] = old
        self.deliver(topic, old, retained=True)
