"""The seam of putting a gateway into a home: its Wi-Fi, and the service by which a phone gives it one. As `hal.interfaces`, CPython only.

The rules are those of `hal.interfaces`: errors of `hal.errors` and nothing else, every coroutine may be cancelled at any wait.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from hal.types import Served, WifiSeen, Written


class Wifi(Protocol):
    """The Wi-Fi of this machine. Names and passwords are in no error and in no log."""

    async def scan(self) -> list[WifiSeen]:
        """Networks in reach, each name once, the strongest first.

        Raises UnavailableError (no Wi-Fi here, or it is off), TimedOutError.
        """
        ...

    async def join(self, ssid: str, password: str, *, timeout_ms: int = 30_000) -> None:
        """Join a network and keep it for every start from now on; returns when it has let us in.

        An empty password is for an open network. Where it does not come about, what was joined before stays as it was.
        Raises DeniedError (password not taken, or not allowed to), UnavailableError (no such network, no Wi-Fi), TimedOutError.
        """
        ...

    async def close(self) -> None:
        """Let go of what manages it; it may be used again."""
        ...


class AccessPoint(Protocol):
    """A Wi-Fi network of this machine's own, for whoever stands beside it. There is one at most, and it goes with whoever opened it.

    Whoever joins reaches this machine and nothing behind it. Name and passphrase are in no error and in no log.
    """

    async def takes_way(self, used: str = "") -> bool | None:
        """Whether the adapter is the one by which this machine reaches others: opening would cut that. Raises as `open`.

        used: the interface by which the platform is or was last reached. True: it is that one, or it is joining, or has joined or
        would join a network and nothing else has the default route. None: it could be, as something else has that route, or may not
        be looked at: only whoever has reached the platform knows. False: there is no network that it would be a way by.
        """
        ...

    async def open(self, ssid: str, passphrase: str, *, used: str = "", timeout_ms: int = 30_000) -> str:
        """Open it, in place of what is ours, and return the address of this machine in it, once it can be joined.

        What the adapter had joined is left and comes back when it closes. Where it does not come about, nothing is left of it.
        Raises DeniedError (not allowed to), UnavailableError (no adapter, off, cannot, nothing that manages it), TimedOutError.
        """
        ...

    async def is_open(self) -> bool:
        """Whether the one that was opened is still there. Raises HalError."""
        ...

    async def close(self) -> None:
        """Remove what is ours, of a run that was cut off, too; no error where there is nothing. Raises DeniedError, UnavailableError."""
        ...

    async def release(self) -> None:
        """Let go of what manages it, which closes what is open; it may be used again."""
        ...


class BlePeripheral(Protocol):
    """Serves one small GATT service, and advertises it. Values are read and written over an encrypted link alone."""

    async def serve(self, service: str, characteristics: Sequence[Served], name: str) -> None:
        """Begin to serve. Raises UnavailableError (no adapter, or it cannot), DeniedError."""
        ...

    async def advertise(self, data: Mapping[str, bytes]) -> None:
        """Advertise the service with this service data, in place of what was advertised before. Raises as `serve`."""
        ...

    async def put(self, characteristic: str, value: bytes) -> None:
        """Set a value, and tell those who have subscribed."""
        ...

    async def receive(self) -> Written:
        """The next write. Raises LinkLostError when the adapter is lost or `stop` was called."""
        ...

    async def stop(self) -> None:
        """Serve and advertise no more, and end what connections there are; no error where nothing is served."""
        ...

    async def close(self) -> None:
        """Stop, and let go of what manages the radio; it may be used again."""
        ...
