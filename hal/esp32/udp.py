"""One question and one answer over UDP, without holding up the loop but for the name: MicroPython's look-up blocks.

Where nobody answers a look-up it takes up to 30 seconds, in which nothing else runs. So an address is kept, and the name is looked up
again only when that has failed a few times.
"""

import socket

from hal.errors import TimedOutError, UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.interfaces import Clock

PORT = 123
ANSWER_MS, LOOK_MS = 3_000, 20
LONGEST = 128
FAILURES = 3  # of an address, before its name is looked up again


class Udp:
    """`await exchange(server, question)`; `server` may name a port behind a colon. `sockets` is the module, or another's."""

    def __init__(self, clock: "Clock", sockets: "Any" = socket) -> None:
        self._clock = clock
        self._sockets = sockets
        self._known: "dict[str, Any]" = {}  # server: its address
        self._failures: "dict[str, int]" = {}  # of that address, since it answered or was looked up

    async def exchange(self, server: str, question: bytes) -> bytes:
        """The first datagram that comes back from there. Raises UnavailableError, TimedOutError."""
        line: "Any" = None
        self._failures[server] = self._failures.get(server, 0) + 1
        try:
            address = self._address(server)
            line = self._sockets.socket(self._sockets.AF_INET, self._sockets.SOCK_DGRAM)
            line.setblocking(False)
            line.connect(address)  # what others send is not taken
            line.send(question)
            data = await self._answer(line)
            self._failures[server] = 0
            return data
        except (OSError, IndexError) as error:
            raise UnavailableError("the time server cannot be reached: check the network", str(error))
        finally:
            if line is not None:
                line.close()

    def _address(self, server: str) -> "Any":
        """That of the server, from memory where it may be. Raises OSError, IndexError: its name leads nowhere."""
        if server not in self._known or self._failures[server] > FAILURES:
            self._failures[server] = 1  # a look-up that leads nowhere is not made again at once either
            host, _, port = server.partition(":")
            found = self._sockets.getaddrinfo(host, int(port) if port else PORT)
            self._known[server] = found[0][-1]
        return self._known[server]

    async def _answer(self, line: "Any") -> bytes:
        end_ms = self._clock.uptime_ms() + ANSWER_MS
        while self._clock.uptime_ms() < end_ms:
            try:
                data: "bytes | None" = line.recv(LONGEST)
            except OSError as error:
                if error.args[0] not in (11, 115):  # EAGAIN, EINPROGRESS
                    raise
                data = None
            if data:
                return data
            await self._clock.sleep_ms(LOOK_MS)
        raise TimedOutError("the time server does not answer: check the network and its firewall")
