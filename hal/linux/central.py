"""Central over bleak."""

import asyncio
import logging

from hal.errors import DeniedError, HalError, PairingError, TimedOutError
from hal.interfaces import Clock
from hal.linux.connection import BleakConnection
from hal.linux.pairing_talk import Compare, PairingTalk
from hal.linux.radio import Radio
from hal.types import BOND_NONE, BOND_WEAK

log = logging.getLogger(__name__)

BUFFERED = 1024  # notifications of one connection; at the four a second of an oximeter four minutes


class BleakBleCentral:
    """`BleCentral` on a `Radio`."""

    def __init__(self, clock: Clock, radio: Radio, *, limit: int = BUFFERED) -> None:
        self._clock = clock
        self._radio = radio
        self._limit = limit

    @property
    def takes_oob(self) -> bool:
        """Whether the stack can be given the data of a label."""
        return self._radio.takes_oob

    async def connect(
        self,
        address: str,
        *,
        pair: bool = False,
        passkey: int | None = None,
        oob: bytes | None = None,
        least: int = BOND_WEAK,
        compare: Compare | None = None,
        timeout_ms: int = 20_000,
    ) -> BleakConnection:
        """Connect and discover; with `pair`, bond with LE Secure Connections where no bond is stored.

        A peripheral that cannot be heard is waited for until `timeout_ms`. A bond weaker than `least` is not good
        enough, a stored one neither; with `passkey` only an authenticated one is, and so with `oob`, the data of a label.
        `compare` asks a person whether the peripheral shows a number.

        Raises:
            TimedOutError: the peripheral did not answer in time.
            UnavailableError: there is no adapter.
            PairingError: no such bond came of it, or the peripheral no longer knows the stored one.
            DeniedError: the system refused.
            LinkLostError: the link broke on the way.
        """
        if oob is not None and not self.takes_oob:
            raise PairingError(
                f"{address} was not paired: this radio takes no data of a label", reason=PairingError.NO_WAY
            )
        await self._radio.ready()
        timeout_s = timeout_ms / 1000
        talk = PairingTalk(passkey, least=least, compare=compare, oob=oob)
        try:
            async with asyncio.timeout(timeout_s):
                device = await self._radio.locate(address)
                connection = BleakConnection(
                    address, device, self._radio, self._clock, limit=self._limit, timeout_s=timeout_s
                )
                try:
                    connection.bonded(await self._open(address, connection, pair, talk))
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

    async def bonds(self) -> dict[str, int]:
        """Address and level of every stored bond."""
        return await self._radio.bonds()

    async def _open(self, address: str, connection: BleakConnection, pair: bool, talk: PairingTalk) -> int:
        """Connect; the level of the bond that the link has then.

        Whoever does not ask for the passkey may be somebody else (Core 5.4, Vol 3, Part H, 2.3.5.1), so a weaker
        bond than asked for is no bond; one that has just been made is not kept.
        """
        await self._vet(address, connection, new=False)
        level = await self._radio.bond(address)
        if BOND_NONE < level < talk.least:
            raise PairingError(
                f"{address} paired without its passkey: forget it and pair again", reason=PairingError.WEAK
            )
        if level != BOND_NONE:
            await self._open_bonded(address, connection)
            return level
        if not pair:
            await connection.open(pair=False)
            return level
        await self._pair(address, connection, talk)
        await self._vet(address, connection, new=True)
        level = await self._radio.bond(address)
        if level == BOND_NONE:
            raise PairingError(
                f"{address} paired but kept no bond: put it in pairing mode and try again",
                reason=PairingError.UNSTORED,
            )
        if level < talk.least:
            await connection.disconnect()
            await self._radio.forget(address)
            raise PairingError(
                f"{address} paired without its passkey: is it the right device?", reason=PairingError.WEAK
            )
        return level

    async def _vet(self, address: str, connection: BleakConnection, *, new: bool) -> None:
        """A bond that was just made by a short key is no bond: it is deleted before anything is read."""
        try:
            await self._radio.vet(address, new=new)
        except PairingError:
            await connection.disconnect()
            try:
                await self._radio.forget(address)
            except HalError as error:  # it is refused all the same, and the radio has noted that
                log.warning("a bond that was refused cannot be deleted: %s", error)
            raise

    async def _open_bonded(self, address: str, connection: BleakConnection) -> None:
        """Connect with the stored bond. Whoever does not know it may have been reset, or be somebody else."""
        try:
            await connection.open(pair=False)
        except DeniedError as error:
            raise PairingError(
                f"{address} no longer knows our bond: forget it and pair again",
                error.detail,
                PairingError.STALE,
            ) from error

    async def _pair(self, address: str, connection: BleakConnection, talk: PairingTalk) -> None:
        """Connect and pair; a refusal says why, as far as either side told."""
        try:
            async with self._radio.answering(address, talk):
                await connection.open(pair=True)
        except DeniedError as error:
            asked = PairingError.PASSKEY if talk.passkey_entered else PairingError.REFUSED
            raise PairingError(error.message, error.detail, talk.reason or asked) from error
