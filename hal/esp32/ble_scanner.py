"""Scanner over the board's radio. Portable."""

from hal.errors import LinkLostError
from hal.esp32.ble_packets import address_bytes, address_text, read_packet
from hal.receptions import BUFFERED, STRANGERS, Receptions
from hal.types import Advertisement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from hal.esp32.ble_radio import BoardRadio

    Packet = tuple[bytes, int, int, bytes]

RAW = 64  # packets between the interrupt and the loop, which may stand still for 400 ms while flash is erased
RESPONSE = 4
MOST_OFFERS = 32  # peripherals whose services are kept for the scan response that follows


class BoardScanner:
    """`BleScanner` on a `BoardRadio`. `limit` is smaller than elsewhere on a board without PSRAM."""

    def __init__(self, radio: "BoardRadio", limit: int = BUFFERED) -> None:
        self.is_active = False
        self._radio = radio
        self._buffer = Receptions(limit)
        self._buffer.end("the scan has not been started: call start()")
        self._heard_ms: "int | None" = None
        self._is_heard = False
        self._known: "dict[bytes, bool] | None" = None
        self._hears_strangers = False
        self._raw: "list[Packet]" = []
        self._raw_strangers: "list[Packet]" = []
        self._in_hand: "Packet | None" = None  # where memory was short for it, it is taken the next time
        self._lost = 0  # between the interrupt and the loop
        self._is_starved = False
        self._offers: "dict[bytes, tuple[str, ...]]" = {}

    @property
    def dropped(self) -> int:
        """How many receptions of known devices were dropped because nobody took them in time."""
        return self._buffer.dropped + self._lost

    @property
    def heard_ms(self) -> "int | None":
        """Uptime at which anybody at all was heard last and could be taken; None where nobody was yet."""
        return self._heard_ms

    async def start(
        self, *, active: bool = False, known: "Collection[str] | None" = None, offering: str = ""
    ) -> None:
        """Begin to listen; a scan that runs already goes on as is asked now, and keeps what it holds."""
        self._is_starved = False
        self._buffer.expect(known, offering)
        self._known = None if known is None else {address_bytes(address): True for address in known}
        self._hears_strangers = bool(offering)
        self.is_active = active
        await self._radio.ready()
        self._buffer.begin()
        self._radio.listen(self)

    async def stop(self) -> None:
        """Stop listening; no error where it does not run."""
        self.take()
        self._buffer.end("the scan was stopped")
        self._radio.unlisten(self)

    async def receive(self) -> Advertisement:
        """The next advertisement, those of known devices first. Raises MemoryError: none could be taken any more."""
        try:
            return await self._buffer.get()
        except LinkLostError:
            if self._is_starved:
                raise MemoryError("what is heard finds no memory")
            raise

    # --- the interrupt -----------------------------------------------------------------------------------------------

    def wants(self, address: bytes) -> bool:
        """Whether anything of this sender may be wanted; that anybody was heard is noted."""
        self._is_heard = True
        return self._known is None or self._hears_strangers or address in self._known

    def heard(self, address: bytes, sort: int, rssi_dbm: int, data: bytes) -> None:
        """One packet of somebody who is wanted. Where there is no room whoever has most loses the oldest of it."""
        packet = (address, sort, rssi_dbm, data)
        if self._known is not None and address not in self._known:
            if len(self._raw_strangers) >= STRANGERS:
                self._raw_strangers.pop(0)
            self._raw_strangers.append(packet)
            return
        if len(self._raw) >= RAW:
            self._make_room()
            self._lost += 1
        self._raw.append(packet)

    def _make_room(self) -> None:
        counts: "dict[bytes, int]" = {}
        for packet in self._raw:
            counts[packet[0]] = counts.get(packet[0], 0) + 1
        most = max(counts.values())
        for at, packet in enumerate(self._raw):
            if counts[packet[0]] == most:
                self._raw.pop(at)
                return

    # --- the loop ----------------------------------------------------------------------------------------------------

    def take(self) -> None:
        """What the interrupt has left."""
        while self._in_hand is not None or self._raw or self._raw_strangers:
            if self._in_hand is None:
                self._in_hand = (self._raw or self._raw_strangers).pop(0)
            self._put(self._in_hand)
            self._in_hand = None
        if (
            self._is_heard
        ):  # a packet that finds no memory is not heard: whoever watches for silence has to see that
            self._is_heard = False
            self._heard_ms = self._radio.clock.uptime_ms()

    def lose(self, detail: str) -> None:
        """The radio is gone."""
        self._buffer.end("the Bluetooth adapter went away: scan again when it is back", detail)

    def starve(self) -> None:
        """Memory is missing again and again for what is heard: the end of it is a lack of memory, and no lost adapter."""
        self._is_starved = True
        self._buffer.end("what is heard finds no memory")

    def _put(self, packet: "Packet") -> None:
        address, sort, rssi_dbm, data = packet
        found = Advertisement(address_text(address), rssi_dbm, self._radio.clock.uptime_ms(), {})
        read_packet(found, data)
        if sort == RESPONSE:
            # Its sender is the one of the packet before it. What that packet said is not said twice: a press is one press.
            found.service_uuids = self._offers.get(address, ()) + found.service_uuids
        elif self.is_active and found.service_uuids:
            if len(self._offers) >= MOST_OFFERS:
                self._offers = {}
            self._offers[address] = found.service_uuids
        self._buffer.put(found)
