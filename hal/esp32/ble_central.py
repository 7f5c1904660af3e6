"""Central over the board's radio: waits until a peripheral is heard, connects, encrypts or pairs, discovers. Portable."""

import asyncio

from hal.errors import LinkLostError, PairingError, TimedOutError
from hal.esp32.ble_packets import address_bytes
from hal.esp32.ble_pairing import Pairing
from hal.esp32.ble_waits import Deadline
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hal.esp32.ble_connection import BoardConnection
    from hal.esp32.ble_radio import BoardRadio

BUFFERED = 128  # notifications of one connection; at the four a second of an oximeter half a minute
REFUSALS = 3  # links lost in the midst of encryption that say that the bond is refused


class BoardCentral:
    """`BleCentral` on a `BoardRadio`."""

    def __init__(self, radio: "BoardRadio", limit: int = BUFFERED) -> None:
        self._radio = radio
        self._limit = limit

    @property
    def takes_oob(self) -> bool:
        """MicroPython's driver has no way to hand in the data of a label."""
        return False

    async def connect(
        self,
        address: str,
        *,
        pair: bool = False,
        passkey: "int | None" = None,
        oob: "bytes | None" = None,
        least: int = BOND_WEAK,
        compare: "Callable[[int], Awaitable[bool]] | None" = None,
        timeout_ms: int = 20_000,
    ) -> "BoardConnection":
        """Connect and discover; with `pair`, bond with LE Secure Connections where no bond is stored."""
        if oob is not None:
            raise PairingError(
                address + " was not paired: this radio takes no data of a label", reason=PairingError.NO_WAY
            )
        radio, raw = self._radio, address_bytes(address)
        least = least if passkey is None else BOND_AUTHENTICATED
        deadline = Deadline(radio.clock, timeout_ms)
        await radio.ready()
        stored = radio.bonds.level(raw)
        if BOND_NONE < stored < least:
            raise PairingError(
                address + " paired without its passkey: forget it and pair again", reason=PairingError.WEAK
            )
        try:
            if stored != BOND_NONE:
                connection = await self._bonded(address, raw, stored, deadline)
            else:
                connection = await self._reach(raw, deadline)
                if pair:
                    await self._pair(connection, raw, Pairing(passkey, least, compare), deadline)
        except TimedOutError as error:
            raise TimedOutError(address + " did not answer: is it near, awake and free?", error.message)
        try:
            await connection.discover()
        except BaseException:
            await connection.disconnect()
            raise
        return connection

    async def bonds(self) -> "dict[str, int]":
        """Address and level of every stored bond."""
        return self._radio.bonds.levels()

    async def forget(self, address: str) -> None:
        """Delete the stored bond; no error where there is none."""
        self._radio.bonds.forget(address_bytes(address))

    async def _reach(self, raw: bytes, deadline: Deadline) -> "BoardConnection":
        """A connection, each attempt begun when the peripheral has been heard. Raises TimedOutError, UnavailableError."""
        while True:
            address_type = await self._radio.heard(raw, deadline)
            try:
                return await self._radio.dial(raw, address_type, self._limit, deadline)
            except TimedOutError:
                if not deadline.left_ms():
                    raise

    async def _bonded(self, address: str, raw: bytes, level: int, deadline: Deadline) -> "BoardConnection":
        """A connection that is encrypted with the stored bond.

        Whoever does not know it may have been reset, or be somebody else; one whose link breaks each time may be, too.
        """
        refused = ""
        for _ in range(REFUSALS):
            connection = await self._reach(raw, deadline)
            short = self._radio.short
            try:
                state = await self._encrypt(connection, deadline)
            except LinkLostError as error:
                refused = error.detail
                if self._radio.short != short:
                    raise
                continue
            except BaseException:
                await connection.disconnect()
                raise
            if state[1] and (state[2] or level == BOND_WEAK):
                connection.bonded(level)
                return connection
            await connection.disconnect()
            if self._radio.short != short:  # the secret was not found because there was no memory for it
                raise connection.lost_error()
            refused = "the key is not known there"
            break
        raise PairingError(
            address + " no longer knows our bond: forget it and pair again", refused, PairingError.STALE
        )

    async def _encrypt(self, connection: "BoardConnection", deadline: Deadline) -> "tuple[int, ...]":
        """Ask the stack for an encrypted link; what it says then: handle, encrypted, authenticated, bonded, key size."""
        try:
            self._radio.ble.gap_pair(connection.handle)
        except OSError as error:
            raise LinkLostError(connection.lost_error().message, str(error))
        found: "tuple[int, ...]" = await connection.encryption.within(deadline)
        return found

    async def _pair(
        self, connection: "BoardConnection", raw: bytes, pairing: Pairing, deadline: Deadline
    ) -> None:
        """Make a bond, or leave none and no connection. Raises PairingError, LinkLostError, TimedOutError."""
        radio = self._radio
        try:
            async with radio.pairing:
                radio.bonds.begin(raw)
                radio.ble.config(bond=True, le_secure=True, mitm=pairing.insists, io=pairing.capability)
                answering = asyncio.create_task(pairing.answer(radio.ble, connection))
                try:
                    state = await self._encrypt(connection, deadline)
                    level = pairing.judged(connection.address, state, radio.bonds)
                    radio.bonds.keep(connection.address_type, level)
                    connection.bonded(level)
                finally:
                    answering.cancel()
                    radio.bonds.end()
        except LinkLostError as error:
            await connection.disconnect()
            raise pairing.broken(connection.address, error)
        except BaseException:
            await connection.disconnect()
            raise
