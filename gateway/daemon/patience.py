"""How long a connection over which nothing comes is taken for one that stands."""

import socket
from typing import Any

KEEPALIVE_S = 30
LOOKS = 6  # paho looks at its keepalive so often within one
# A peer that vanished is noticed when what we sent stays so long without a TCP acknowledgement, or unsent because its
# window is closed (tcp(7), TCP_USER_TIMEOUT).
USER_TIMEOUT_MS = 20_000


class Patience:
    """What a silent path may cost: `notices_s` at most, 70 s, whatever it swallows."""

    __slots__ = ("keepalive_s", "user_timeout_ms")

    def __init__(self, *, keepalive_s: int = KEEPALIVE_S, user_timeout_ms: int = USER_TIMEOUT_MS) -> None:
        self.keepalive_s = keepalive_s
        self.user_timeout_ms = user_timeout_ms

    @property
    def look_s(self) -> float:
        """Time between two looks at the keepalive."""
        return self.keepalive_s / LOOKS

    @property
    def notices_s(self) -> float:
        """The longest silence before the connection is given up.

        A ping goes one keepalive after the last byte came, its answer has another, and each is seen at the next look.
        """
        return 2 * (self.keepalive_s + self.look_s)

    def prepare(self, sock: Any) -> None:
        """Small packets go at once, and a peer that vanished is noticed."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, self.user_timeout_ms)
