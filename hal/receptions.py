"""Advertisements between a radio and whoever listens: the home's own devices never compete with strangers for room.

A block of flats sends hundreds of advertisements a second and an attacker thousands; an alarm is one frame that a
sensor repeats a few times. So whom nobody waits for is let go before anything is kept of it, and where somebody looks
for a device to pair, those who may be it have a small room of their own. Portable: each scanner has one of these.
"""

from hal.buffer import Buffer
from hal.types import EVERYBODY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from hal.types import Advertisement

BUFFERED = 256  # a home sends some tens a second; what waits longer than this many is old news

STRANGERS = 32  # who may be the one that is to be paired; they repeat themselves several times a second


class Receptions:
    """First in, first out, known senders before strangers. Until `expect` is called everybody is known.

    When the room is full, whoever has most in it gives up the oldest of that: a sensor that sends without end, or
    somebody who sends under its address, costs no other device its frame.
    """

    def __init__(self, limit: int = BUFFERED) -> None:
        self.dropped = 0
        self._limit = limit
        self._known: frozenset[str] | None = None
        self._offering = ""
        self._held: list[Advertisement] = []
        self._counts: dict[str, int] = {}
        self._strangers: list[Advertisement] = []
        self._news = Buffer(1)  # wakes the reader, and carries the end

    def expect(self, known: "Collection[str] | None", offering: str) -> None:
        """Let in `known` addresses (None: everybody) and strangers who offer the service `offering`, if any, or `EVERYBODY`."""
        self._known = None if known is None else frozenset(known)
        self._offering = offering
        if not offering:
            self._strangers = []

    @property
    def ended(self) -> bool:
        """Whether the source is gone; what is put after that is dropped."""
        return self._news.ended

    def begin(self) -> None:
        """Be open again after an end, and empty."""
        if self._news.ended:
            self._held, self._counts, self._strangers, self._news = [], {}, [], Buffer(1)

    def end(self, message: str, detail: str = "") -> None:
        """Let no more in. The first reason given is the one that the reader sees, after what is held."""
        self._news.end(message, detail)

    def may_enter(self, address: str) -> bool:
        """Whether anything of this sender may be wanted: cheap, for callers that have not parsed it yet."""
        return self._known is None or bool(self._offering) or address in self._known

    def put(self, advertisement: "Advertisement") -> None:
        """Hold it, where somebody waits for it."""
        if self._known is not None and advertisement.address not in self._known:
            self._put_stranger(advertisement)
            return
        if self.ended:
            self.dropped += 1
            return
        self._counts[advertisement.address] = self._counts.get(advertisement.address, 0) + 1
        if len(self._held) >= self._limit:
            self._make_room()
            self.dropped += 1
        self._held.append(advertisement)
        self._news.put(None)

    async def get(self) -> "Advertisement":
        """The oldest of a known sender, else of a stranger; waits for one. Raises LinkLostError once it has ended."""
        while not self._held and not self._strangers:
            await self._news.get()
        if not self._held:
            return self._strangers.pop(0)
        first = self._held.pop(0)
        self._take(first.address)
        return first

    def _put_stranger(self, advertisement: "Advertisement") -> None:
        wanted = self._offering == EVERYBODY or self._offering in advertisement.service_uuids
        if not self._offering or not wanted or self.ended:
            return
        if len(self._strangers) >= STRANGERS:
            self._strangers.pop(0)
        self._strangers.append(advertisement)
        self._news.put(None)

    def _make_room(self) -> None:
        """Let go of the oldest of whoever has most, the one that comes in counted; of the oldest of all among equals."""
        most = max(self._counts.values())
        for at, held in enumerate(self._held):
            if self._counts[held.address] == most:
                self._take(held.address)
                self._held.pop(at)
                return

    def _take(self, address: str) -> None:
        left = self._counts[address] - 1
        if left:
            self._counts[address] = left
        else:
            del self._counts[address]
