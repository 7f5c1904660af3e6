"""A GATT service of a simulated machine, and the one client that it may have."""

from hal.buffer import Buffer
from hal.errors import DeniedError, UnavailableError
from hal.types import Written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hal.types import Served

HELD = 32


class SimGattServer:
    """`BlePeripheral`. The back door is the client's side: `connect`, `write`, `read`, `told`, and what is on the air."""

    def __init__(self) -> None:
        self.there = True
        self.service = ""
        self.on_air: "dict[str, bytes] | None" = None
        self.told: "list[tuple[str, bytes]]" = []  # notifications, in order
        self.encrypted = False
        self._table: "dict[str, Served]" = {}
        self._writes = Buffer(HELD)
        self._fresh = True

    async def serve(self, service: str, characteristics: "Sequence[Served]", name: str) -> None:
        if not self.there:
            raise UnavailableError("no Bluetooth adapter: check that it is plugged in")
        self._writes = Buffer(HELD)
        self.service = service
        self._table = {each.uuid: each for each in characteristics}

    async def advertise(self, data: "Mapping[str, bytes]") -> None:
        self.on_air = dict(data)

    async def put(self, characteristic: str, value: bytes) -> None:
        row = self._table.get(characteristic)
        if row is None:
            return  # served no more
        row.value = value
        if row.notifies:
            self.told.append((characteristic, value))

    async def receive(self) -> Written:
        written: Written = await self._writes.get()
        return written

    async def stop(self) -> None:
        self.service, self.on_air, self._table = "", None, {}
        self._writes.end("nothing is served any more: open the window again")

    async def close(self) -> None:
        await self.stop()

    # --- the client --------------------------------------------------------------------------------------------------

    def connect(self, *, encrypted: bool = True) -> None:
        """Another connection."""
        self.encrypted, self._fresh = encrypted, True

    def write(self, uuid: str, value: bytes) -> None:
        """Raises DeniedError: not encrypted, or not to be written."""
        if not self.encrypted or not self._table[uuid].writes:
            raise DeniedError("the characteristic refused the write")
        self._writes.put(Written(uuid, value, self._fresh))
        self._fresh = False

    def read(self, uuid: str) -> bytes:
        """Raises DeniedError."""
        if not self.encrypted or not self._table[uuid].reads:
            raise DeniedError("the characteristic refused the read")
        return self._table[uuid].value
