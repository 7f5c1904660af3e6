"""Central over bleak."""

import asyncio

from hal.errors import DeniedError, TimedOutError
from hal.interfaces import Clock
from hal.linux.connection import BleakConnection
from hal.linux.radio import Radio
from hal.types import BOND_AUTHENTICATED, BOND_NONE

BUFFERED = 1024  # notifications of one connection; at the four a second of an oximeter four minutes


class BleakBleCentral:
    """`BleCentral` on a `Radio`."""

    def __init__(self, clock: Clock, radio: Radio, *, limit: int = BUFFERED) -> None:
        self._clock = clock
        self._radio = radio
        self._limit = limit

    async def connect(
        self, address: str, *, pair: bool = False, passkey: int | None = None, timeout_ms: int = 20_000
    ) -> BleakConnection:
        """Connect and discover; with `pair`, bond with LE Secure Connections where no bond is stored.

        A peripheral that cannot be heard is waited for until `timeout_ms`. With `passkey`, only an authenticated
        bond is good enough, a stored one too.

        Raises:
            TimedOutError: the peripheral did not answer in time.
            UnavailableError: there is no adapter.
            DeniedError: pairing was refused, or a side no longer knows the bond.
            LinkLostError: the link broke on the way.
        """
        await self._radio.ready()
        timeout_s = timeout_ms / 1000
        try:
            async with asyncio.timeout(timeout_s):
                device = await self._radio.locate(address)
                connection = BleakConnection(
                    address, device, self._radio, self._clock, limit=self._limit, timeout_s=timeout_s
                )
                try:
                    connection.bonded(await self._open(address, connection, pair, passkey))
                except BaseException:
                    await connection.disconnect()
                    raise
                return connection
        except TimeoutError as error:
            raise TimedOutError(
                f"{address} did not answer: is it near, awake and free?", str(error)
            ) from error

    async def forget(self, address: str) -> None:
        """Delete the stored bond; no error where there is none."""
        await self._radio.forget(address)

    async def _open(self, address: str, connection: BleakConnection, pair: bool, passkey: int | None) -> int:
        """Connect; the level of the bond that the link has then.

        Whoever does not ask for the passkey may be somebody else (Core 5.4, Vol 3, Part H, 2.3.5.1), so a weaker
        bond than asked for is no bond; one that has just been made is not kept.
        """
        level = await self._radio.bond(address)
        if level != BOND_NONE and passkey is not None and level != BOND_AUTHENTICATED:
            raise DeniedError(f"{address} paired without its passkey: forget it and pair again")
        if level != BOND_NONE or not pair:
            await connection.open(pair=False)
            return level
        async with self._radio.answering(address, passkey):
            await connection.open(pair=True)
        level = await self._radio.bond(address)
        if level == BOND_NONE:
            raise DeniedError(f"{address} paired but kept no bond: put it in pairing mode and try again")
        if passkey is not None and level != BOND_AUTHENTICATED:
            await connection.disconnect()
            await self._radio.forget(address)
            raise DeniedError(f"{address} paired without its passkey: is it the right device?")
        return level
