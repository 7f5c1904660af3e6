"""The checker that counts what a seeded life of a home costs (`tools/rig/sim/life.py`).

Every event whose append returned must be at the platform, and every entry of the dispenser's own log, once.
"""

import asyncio

from hal.types import LANES
from tools.rig.sim.life import Life

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.hub.uplink import Delivery

ALTERNATING = (
    ("smoke.detected", "smoke.cleared"),
    ("door.night_exit", "door.night_return"),
    ("door.opened", "door.closed"),
)


class Bill:
    """What a life cost: `lost` are events whose append returned and that never arrived; `wrong` is anything else."""

    def __init__(self, life: Life) -> None:
        ever = life.platform.ever
        rows = [fields for _, message, fields in life.logged if message == "stored"]
        stored = {(bytes.fromhex(row["epoch"]), row["lane"], row["seq"]): row for row in rows}
        self.lost = [row["kind"] for key, row in stored.items() if key not in ever]
        self.wrong: "list[str]" = []
        self.events = len(ever)
        self.check(life.told[-1] != "never drained", "events are held for ever")
        self.check(len(stored) == len(rows), "a number was given twice")
        self.check(not life.platform.faults, "one number, two contents: " + repr(life.platform.faults))
        self.check(not life.platform.refused, "refused by the platform: " + repr(life.platform.refused))
        self.check(len({key[0] for key in ever}) <= 1, "an epoch was left")
        for key, row in stored.items():
            if key in ever:
                self.check(ever[key][0].hex() == row["identity"], "another event under " + repr(key[1:]))
        unexpected = len([key for key in ever if key not in stored])
        self.check(unexpected == life.untold or bool(self.lost), "unexpected events: " + str(unexpected))
        identities = {identity for identity, _ in ever.values()}
        self.check(len(identities) == len(ever), "one identity, two events")
        for lane in LANES:
            self.check_lane(lane, ever, rows)
        entries = [event.values["log_number"] for _, event in ever.values() if event.identity is not None]
        if not self.lost:
            self.check(
                sorted(entries) == list(range(1, life.dispenser.log.newest + 1)), "the dispenser's log"
            )

    def check(self, fine: bool, otherwise: str) -> None:
        if not fine:
            self.wrong.append(otherwise)

    def check_lane(self, lane: int, ever: "dict[Any, Any]", rows: "list[Any]") -> None:
        """No hole, no inversion, and states that alternate: what was missed or told twice would show."""
        numbers = sorted([key[2] for key in ever if key[1] == lane])
        if not self.lost:
            self.check(numbers == list(range(1, len(numbers) + 1)), "a hole in lane " + str(lane))
        asked = [row["seq"] for row in rows if row["lane"] == lane]
        self.check(asked == sorted(asked), "an inversion in lane " + str(lane))
        words = [(key[2], event) for key, (_, event) in ever.items() if key[1] == lane]
        # what stood behind the mark of a storm over a restart is told once more by the hub, and says so
        in_order = sorted([(seq, event.kind) for seq, event in words if "again" not in event.values])
        for begins, ends in ALTERNATING:
            kinds = [kind for _, kind in in_order if kind in (begins, ends)]
            repeated = [index for index in range(1, len(kinds)) if kinds[index] == kinds[index - 1]]
            if not self.lost:
                self.check(not repeated, "a state told twice or not at all: " + begins)


def live(seed: int, delivery: "type[Delivery] | None" = None, faulty: bool = True) -> "tuple[Life, Bill]":
    """One life and what it cost."""
    lives: "list[Life]" = []

    async def run() -> None:
        life = Life(seed, delivery, faulty)
        lives.append(life)
        await life.run()

    asyncio.run(run())
    return lives[0], Bill(lives[0])
