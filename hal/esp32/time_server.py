"""Asks time servers, and tells the clock. Portable; the packets are `hal.esp32.sntp`'s, the network is given.

What the clock makes of an answer is its own: a server that lies for a while moves nothing (`BoardClock.learn`).
"""

from hal.errors import HalError
from hal.esp32 import sntp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hal.esp32.clock import BoardClock, LastTime

    Ask = Callable[[str, bytes], Awaitable[bytes]]

SERVERS = ("no.pool.ntp.org", "pool.ntp.org")
SOON_MS, LATEST_MS = 4_000, 300_000  # between questions while none was answered: doubling
AGAIN_MS = 900_000  # between questions once it is known; a board's crystal drifts 40 ms meanwhile
OFFLINE_MS = 30_000  # until it is looked again whether there is a way out
SLOWEST_MS = 5_000  # an answer that took longer says too little


class TimeServer:
    """`await run()` for ever. `ask(server, question)` gives one answer's bytes, or raises a HalError.

    is_online: whether the platform's broker is reached. Where it is not and the time is known nobody is asked: a question may hold up
    the loop for a look-up that nobody answers, and the crystal is good for the while.
    asked, refused: questions, and answers that told no time or were not believed.
    """

    def __init__(
        self,
        clock: "BoardClock",
        ask: "Ask",
        random: "Callable[[int], bytes]",
        last: "LastTime | None" = None,
        servers: "tuple[str, ...]" = SERVERS,
        is_online: "Callable[[], bool]" = lambda: True,
    ) -> None:
        self.asked = self.refused = 0
        self._clock = clock
        self._exchange = ask
        self._random = random
        self._last = last
        self._servers = servers
        self._is_online = is_online

    async def run(self) -> None:
        """Ask soon and again until somebody has told the time, then now and then."""
        wait_ms = SOON_MS
        while True:
            if self._clock.utc_ms() is not None and not self._is_online():
                await self._clock.sleep_ms(OFFLINE_MS)
            elif await self.once():
                wait_ms = SOON_MS
                await self._clock.sleep_ms(AGAIN_MS)
            else:
                await self._clock.sleep_ms(wait_ms)
                wait_ms = min(2 * wait_ms, LATEST_MS)

    async def once(self) -> bool:
        """Ask the next server; whether the clock believes it."""
        server = self._servers[self.asked % len(self._servers)]
        self.asked += 1
        stamp = self._random(sntp.STAMP_SIZE)
        began_ms = self._clock.uptime_ms()
        try:
            data = await self._exchange(server, sntp.question(stamp))
            took_ms = self._clock.uptime_ms() - began_ms
            utc_ms = sntp.answer(data, stamp, took_ms)
        except (HalError, sntp.SntpError):
            self.refused += 1
            return False
        if took_ms > SLOWEST_MS or not self._clock.learn(utc_ms):
            self.refused += 1
            return False
        self._note(utc_ms)
        return True

    def _note(self, utc_ms: int) -> None:
        try:
            if self._last is not None:
                self._last.note(utc_ms)
        except (OSError, HalError):
            pass  # written again an hour later; until then the older one stands
