"""What bleak leaves to the platform: which stack it runs on, whether the adapter is there, and bonds.

The scanner and the central are written once, over bleak's public interface; a `Radio` makes them run on BlueZ
(`hal.linux.bluez`) or on Bumble (`hal.bumble.adapter`).
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import BaseBleakScanner

from hal.linux.pairing_talk import PairingTalk


class Radio(Protocol):
    """One Bluetooth adapter and the stack that drives it."""

    @property
    def takes_oob(self) -> bool:
        """Whether the stack has a way to take the data of a label or NFC tag."""
        ...

    @property
    def scanner_backend(self) -> type[BaseBleakScanner] | None:
        """Value of bleak's `backend=` for scanners; None for the platform's own."""
        ...

    @property
    def adapter_name(self) -> str | None:
        """Adapter that bleak's own stack shall scan with; None for the first that is on."""
        ...

    @property
    def client_backend(self) -> type[BaseBleakClient] | None:
        """Value of bleak's `backend=` for clients; None for the platform's own."""
        ...

    async def ready(self) -> None:
        """See that the adapter is there and on. Raises UnavailableError."""
        ...

    def on_lost(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call `callback` with the reason each time our adapter goes away, not another one; returns how to stop that."""
        ...

    async def locate(self, address: str) -> BLEDevice | str:
        """What to give bleak's client for the peripheral: waits until it is there, where bleak itself cannot."""
        ...

    async def served(self, address: str) -> int:
        """How many characteristics of a connected peripheral the stack knows; 0 where bleak's list is complete."""
        ...

    async def bond(self, address: str) -> int:
        """Level of the stored bond: 0 none, 1 weak, 2 authenticated."""
        ...

    async def bonds(self) -> dict[str, int]:
        """Address and level of every stored bond."""
        ...

    async def vet(self, address: str, *, new: bool) -> None:
        """See that a bond that was just made is by a whole key, where the stack itself has not seen to it; look at a stored one.

        Raises:
            PairingError: it is not; whoever asked deletes it.
        """
        ...

    def answering(self, address: str, talk: PairingTalk) -> AbstractAsyncContextManager[None]:
        """While inside, pairing with `address` is answered as `talk` says, which learns what was asked."""
        ...

    async def forget(self, address: str) -> None:
        """Delete the stored bond; no error where there is none."""
        ...
