"""Scanner over the simulated air."""

from hal.buffer import Buffer
from hal.errors import UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.sim.world import World
    from hal.types import Advertisement

BUFFERED = 256  # a home sends some tens a second; what waits longer than this many is old news


class SimScanner:
    """`BleScanner` over a `World`."""

    def __init__(self, world: "World", limit: int = BUFFERED) -> None:
        self.active = False
        self._world = world
        self._limit = limit
        self._dropped = 0
        self._buffer = Buffer(limit)
        self._buffer.end("the scan has not been started: call start()")

    @property
    def dropped(self) -> int:
        """How many receptions were dropped because nobody took them in time."""
        return self._dropped

    async def start(self, *, active: bool = False) -> None:
        """Begin to listen; a scan that runs already takes the new mode and keeps what it holds."""
        if not self._world.adapter_present:
            raise UnavailableError(
                "no Bluetooth adapter: check that it is plugged in", "simulated adapter is absent"
            )
        self.active = active
        if self._buffer.ended:
            self._buffer = Buffer(self._limit)
        self._world.scanner_started(self)

    async def stop(self) -> None:
        """Stop listening; no error where it does not run."""
        self._world.scanner_stopped(self)
        self._buffer.end("the scan was stopped")

    async def receive(self) -> "Advertisement":
        """The next advertisement, oldest first."""
        advertisement: Advertisement = await self._buffer.get()
        return advertisement

    def hear(self, advertisement: "Advertisement") -> None:
        """World side: one reception."""
        if not self._buffer.put(advertisement):
            self._dropped += 1

    def lose(self) -> None:
        """World side: the adapter went away."""
        self._world.scanner_stopped(self)
        self._buffer.end("the Bluetooth adapter went away: scan again when it is back")
