"""The gateway's own judgement of time, over a simulated machine whose time of day jumps and is lost."""

from hal.linux.clock import NS_PER_MS, SystemClock
from hal.sim.clock import SimClock


class KeptClock(SystemClock):
    """The product's clock; machine, time server and sleep are the simulation's.

    Where the machine has a time of day, a time server keeps it there, true or not; where it has none, it counts from 1970
    and nobody keeps it. `floor_ms` is the last time that an earlier run believed.
    """

    def __init__(self, machine: SimClock, floor_ms: int = 0) -> None:
        super().__init__(
            is_synchronised=lambda: machine.utc_ms() is not None,
            wall_ns=self.machine_ns,
            boot_ns=lambda: NS_PER_MS * machine.uptime_ms(),
            floor_ms=floor_ms,
        )
        self.machine = machine

    def machine_ns(self) -> int:
        """What the machine's clock shows."""
        utc_ms = self.machine.utc_ms()
        return NS_PER_MS * (self.machine.uptime_ms() if utc_ms is None else utc_ms)

    def uptime_ms(self) -> int:
        """The machine's, as its radio stamps what it hears."""
        return self.machine.uptime_ms()

    async def sleep_ms(self, duration_ms: int) -> None:
        await self.machine.sleep_ms(duration_ms)
