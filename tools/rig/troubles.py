"""What befalls the way of an event, phase by phase; each leaves what it broke as it likes. `PHASES` has their weights."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from hal.types import LANES
from tools.platform.store import Store
from tools.rig.sim.bench import NIGHT_UTC_MS

if TYPE_CHECKING:
    from tools.rig.long_life import LongLife

BURST_LONGEST = 120  # frames at once
PHASE_MS = 240_000  # a trouble that passes lasts up to this long
OUTAGE_MS = 3_600_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
YEARS_20_MS = 20 * 365 * DAY_MS
CHANGES_UTC_MS = (
    1_806_195_600_000,
    1_824_944_400_000,
)  # summer time begins and ends: 2027-03-28 and 2027-10-31, 01:00 UTC
MOST_EPOCHS = 6

Phase = Callable[["LongLife"], Awaitable[None]]


async def talk(life: "LongLife") -> None:
    await life.burst()


async def storm(life: "LongLife") -> None:
    """More at once than any buffer takes."""
    await life.burst(3 * BURST_LONGEST)


async def outage(life: "LongLife") -> None:
    """No broker for long, and a backlog."""
    for broker in life.homes:
        broker.stop()
    life.receiver.unlink()
    for _ in range(1 + life.random.randrange(5)):
        await life.burst()
        await life.pass_time(life.random.randrange(OUTAGE_MS // 5))
    for broker in life.homes:
        broker.start()
    life.receiver.link()


async def fail_over(life: "LongLife") -> None:
    """One broker goes, or comes back."""
    broker = life.random.choice(life.homes)
    if broker.running:
        broker.stop()
        life.receiver.linked.discard(life.homes.index(broker))
    else:
        broker.start()
        if life.random.random() < 0.8:
            life.receiver.link()
    await life.burst()


async def drop(life: "LongLife") -> None:
    """Connections end in the midst of a burst."""
    life.sensors.speak_often(life.random.randrange(BURST_LONGEST))
    await life.pass_time(life.random.randrange(200))
    for broker in life.homes:
        broker.drop_connections()
    await life.burst()


async def lose(life: "LongLife") -> None:
    """A broker acknowledges and forwards nothing, for a while."""
    broker = life.random.choice(life.homes)
    broker.losing = True
    await life.burst()
    await life.pass_time(life.random.randrange(PHASE_MS))
    broker.losing = life.random.random() < 0.1


async def repeat(life: "LongLife") -> None:
    """A broker delivers everything twice, or no longer."""
    broker = life.random.choice(life.homes)
    broker.repeating = not broker.repeating
    await life.burst()


async def no_pubacks(life: "LongLife") -> None:
    """A broker takes everything and acknowledges nothing."""
    broker = life.random.choice(life.homes)
    broker.hold_pubacks()
    await life.burst()
    await life.pass_time(life.random.randrange(PHASE_MS // 2))
    broker.release_pubacks()


async def refuse(life: "LongLife") -> None:
    """A broker refuses, or answers nothing."""
    broker = life.random.choice(life.homes)
    broker.denying, broker.silent = life.random.choice((("not authorised", False), ("", True)))
    broker.drop_connections()
    await life.burst()
    broker.denying, broker.silent = "", False


async def mute(life: "LongLife") -> None:
    """The platform stores and receipts nothing."""
    life.receiver.muted = True
    await life.burst()
    await life.pass_time(life.random.randrange(PHASE_MS))
    life.receiver.muted = False


async def late_receipts(life: "LongLife") -> None:
    """Receipts come late and in any order, some twice; or at once again."""
    for broker in life.homes:
        broker.late_ms = None if broker.late_ms else lambda: life.random.randrange(40_000)
    await life.burst()
    if life.receiver.receipts:
        life.homes[0].deliver(life.receiver.topic("receipt"), life.random.choice(life.receiver.receipts))


async def stale_receipt(life: "LongLife") -> None:
    """A broker hands out an old receipt as the retained one, of this epoch or of one before."""
    broker = life.random.choice(life.homes)
    if life.receiver.receipts:
        broker.go_stale(life.receiver.topic("receipt"), life.random.choice(life.receiver.receipts))
    broker.drop_connections()
    await life.burst()


async def wrong_chain(life: "LongLife") -> None:
    """The platform receipts what this gateway never stored, as after a card that was cloned: a new epoch."""
    if len(life.epochs()) >= MOST_EPOCHS:
        return
    lane = life.random.choice(LANES)
    mark = life.telling.mark(lane)
    receipt = life.receiver.receipt(
        life.telling.epoch, {lane: [max(1, mark.last), life.random.randbytes(16)]}
    )
    life.sensors.speak_often(life.random.randrange(BURST_LONGEST))
    for broker in life.homes:
        broker.deliver(life.receiver.topic("receipt"), receipt)
    await life.burst()


async def restart_platform(life: "LongLife") -> None:
    life.receiver.back_up()
    await life.receiver.restart()
    await life.burst()


async def restore_platform(life: "LongLife") -> None:
    """An older copy of the platform's store is put in place; or the newer one again."""
    await life.burst()
    if life.receiver.copies:
        await life.receiver.restore(life.random.randrange(len(life.receiver.copies)))
    await life.burst()


async def empty_platform(life: "LongLife") -> None:
    """The platform loses its store."""
    life.receiver.back_up()
    await life.receiver.restart(Store(":memory:"))
    await life.burst()


async def kill(life: "LongLife") -> None:
    """SIGKILL, in the midst of a burst."""
    if not life.kind.kills:
        return
    life.sensors.speak_often(life.random.randrange(BURST_LONGEST))
    for _ in range(life.random.randrange(12)):
        await asyncio.sleep(0)
    await life.cut()
    await life.revive()


async def clock_jumps(life: "LongLife") -> None:
    """The time of day is lost, right again, wrong by years or an hour, or just before summer time begins or ends."""
    now_ms = NIGHT_UTC_MS + life.clock.uptime_ms()
    choice = life.random.randrange(4)
    if choice == 0:
        life.clock.untrust()
    elif choice == 1:
        life.clock.set_utc(now_ms)
    elif choice == 2:
        life.clock.set_utc(life.random.choice(CHANGES_UTC_MS) - life.random.randrange(600_000))
    else:
        life.clock.set_utc(
            now_ms + life.random.choice((-1, 1)) * life.random.choice((YEARS_20_MS, DAY_MS, HOUR_MS))
        )
    await life.burst()


async def jump_in_outage(life: "LongLife") -> None:
    """The time of day jumps twenty years ahead while a backlog waits for a broker."""
    for broker in life.homes:
        broker.stop()
    await life.burst()
    life.clock.set_utc(NIGHT_UTC_MS + life.clock.uptime_ms() + YEARS_20_MS)
    await life.burst()
    for broker in life.homes:
        broker.start()
    life.receiver.link()
    await life.burst()


async def jump_and_renumber(life: "LongLife") -> None:
    """The time of day jumps twenty years back in the midst of what is held; then all of that is journalled again."""
    life.receiver.muted = True
    await life.burst()
    life.clock.set_utc(NIGHT_UTC_MS + life.clock.uptime_ms() - YEARS_20_MS)
    await life.burst()
    await wrong_chain(life)
    life.receiver.muted = False


async def radio(life: "LongLife") -> None:
    """The adapter goes and comes."""
    life.world.lose_adapter()
    await life.pass_time(life.random.randrange(20_000))
    life.world.restore_adapter()
    await life.burst()


# Each with its weight.
PHASES: tuple[tuple[Phase, int], ...] = (
    (talk, 6),
    (storm, 2),
    (outage, 3),
    (fail_over, 2),
    (drop, 2),
    (lose, 2),
    (repeat, 1),
    (no_pubacks, 1),
    (refuse, 1),
    (mute, 1),
    (late_receipts, 1),
    (stale_receipt, 2),
    (wrong_chain, 1),
    (restart_platform, 2),
    (restore_platform, 1),
    (empty_platform, 1),
    (kill, 2),
    (clock_jumps, 2),
    (radio, 1),
)
