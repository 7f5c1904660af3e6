"""Scanner over the simulated air."""

from hal.errors import UnavailableError
from hal.receptions import BUFFERED, Receptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from hal.sim.world import World
    from hal.types import Advertisement


class SimScanner:
    """`BleScanner` over a `World`."""

    def __init__(self, world: "World", limit: int = BUFFERED) -> None:
        self.active = False
        self._world = world
        self._heard_ms: "int | None" = None
        self._buffer = Receptions(limit)
        self._buffer.end("the scan has not been started: call start()")

    @property
    def dropped(self) -> int:
        """How many receptions of known devices were dropped because nobody took them in time."""
        return self._buffer.dropped

    @property
    def heard_ms(self) -> "int | None":
        """Uptime at which anybody at all was heard last; None where nobody was yet."""
        return self._heard_ms

    async def start(
        self, *, active: bool = False, known: "Collection[str] | None" = None, offering: str = ""
    ) -> None:
        """Begin to listen; a scan that runs already goes on as is asked now, and keeps what it holds."""
        self._buffer.expect(known, offering)
        if not self._world.adapter_present:
            raise UnavailableError(
                "no Bluetooth adapter: check that it is plugged in", "simulated adapter is absent"
            )
        self.active = active
        self._buffer.begin()
        self._world.scanner_started(self)

    async def stop(self) -> None:
        """Stop listening; no error where it does not run."""
        self._world.scanner_stopped(self)
        self._buffer.end("the scan was stopped")

    async def receive(self) -> "Advertisement":
        """The next advertisement, those of known devices first."""
        return await self._buffer.get()

    def hear(self, advertisement: "Advertisement") -> None:
        """World side: one reception."""
        self._heard_ms = advertisement.received_ms
        if self._buffer.may_enter(advertisement.address):
            self._buffer.put(advertisement)

    def lose(self) -> None:
        """World side: the adapter went away."""
        self._world.scanner_stopped(self)
        self._buffer.end("the Bluetooth adapter went away: scan again when it is back")
