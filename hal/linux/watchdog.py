"""systemd's watchdog: `WatchdogSec=` in the unit, a datagram from us before each half of it is over."""

import os
import socket
from contextlib import suppress


def notify(message: str) -> bool:
    """Tell systemd, where it started us (sd_notify(3)); whether there was anybody to tell."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.connect(address)
        out.sendall(message.encode())
        return True
    return False


class SystemdWatchdog:
    """Without systemd there is nobody to feed, and feeding is no error."""

    @property
    def period_ms(self) -> int:
        """How long systemd waits, or 0 where it does not watch us (sd_watchdog_enabled(3))."""
        watched = os.environ.get("WATCHDOG_PID", "")
        if watched and watched != str(os.getpid()):
            return 0
        text = os.environ.get("WATCHDOG_USEC", "0")
        return int(text) // 1000 if text.isdigit() else 0

    def feed(self) -> None:
        notify("WATCHDOG=1")
