"""One pairing of the board: what the stack may believe that we have, what we answer, and what came of it. Portable.

The driver does not tell why a pairing failed, only that the link is not encrypted. So why is what was asked of us and what we said.
"""

from hal.buffer import Buffer
from hal.errors import HalError, PairingError
from hal.types import BOND_AUTHENTICATED, BOND_WEAK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from hal.esp32.ble_bonds import BondStore
    from hal.esp32.ble_connection import BoardConnection

DISPLAY_YES_NO, KEYBOARD_ONLY, NO_INPUT_OUTPUT = 1, 2, 3
INPUT, COMPARE = (
    2,
    4,
)  # what the stack asks for; it asks for a display never, for we say that there is none alone
KEY_BYTES = 16


class Pairing:
    """`passkey` of the label or None, the weakest bond that will do, and a person who compares numbers, or None."""

    def __init__(
        self,
        passkey: "int | None",
        least: int,
        compare: "Callable[[int], Awaitable[bool]] | None",
    ) -> None:
        self._passkey = passkey
        self._least = least
        self._compare = compare
        self._is_entered = False
        self._is_confirmed = False
        self._reason = ""
        self._asked = Buffer(4)

    @property
    def capability(self) -> int:
        """Keys to enter a number, a person who compares two, or nothing (Core 5.4, Vol 3, Part H, 2.3.2)."""
        if self._passkey is not None:
            return KEYBOARD_ONLY
        return NO_INPUT_OUTPUT if self._compare is None else DISPLAY_YES_NO

    @property
    def insists(self) -> bool:
        """Whether Just Works will not do."""
        return self._least == BOND_AUTHENTICATED

    async def answer(self, ble: "Any", connection: "BoardConnection") -> None:
        """Answer what the stack asks, until it is cancelled."""
        connection.asked = self._note
        while True:
            action, number = await self._asked.get()
            if action == INPUT and self._passkey is not None:
                self._is_entered = True
                self._say(ble, connection, action, self._passkey)
            elif action == COMPARE and self._compare is not None:
                self._is_confirmed = await self._compare(number)
                if not self._is_confirmed:
                    self._reason = PairingError.NUMBER
                self._say(ble, connection, action, int(self._is_confirmed))
            else:
                connection.let_go("something was asked that nobody here can answer")

    def _note(self, action: int, number: int) -> None:
        self._asked.put((action, number))

    def _say(self, ble: "Any", connection: "BoardConnection", action: int, value: int) -> None:
        try:
            ble.gap_passkey(connection.handle, action, value)
        except OSError:
            connection.let_go("the pairing went on without an answer")

    def judged(self, address: str, state: "tuple[int, ...]", bonds: "BondStore") -> int:
        """Level of the bond that may be kept. Raises PairingError."""
        _, encrypted, authenticated, _, key_size = state
        if not encrypted:
            raise self.refusal(address, "")
        if key_size != KEY_BYTES or bonds.is_legacy:
            raise PairingError(
                address + " pairs by the old method or with a short key: use another device",
                "a key of " + str(key_size) + " bytes",
                PairingError.KEY,
            )
        level = BOND_AUTHENTICATED if authenticated else BOND_WEAK
        if level < self._least:
            raise self._weak(address)
        if not bonds.is_staged:
            raise PairingError(
                address + " paired but kept no bond: put it in pairing mode and try again",
                reason=PairingError.UNSTORED,
            )
        return level

    def broken(self, address: str, error: HalError) -> HalError:
        """What a link that broke while we paired means: a refusal, where we had answered already."""
        return self.refusal(address, error.detail) if self._is_entered or self._reason else error

    def refusal(self, address: str, detail: str) -> HalError:
        """Why no bond came of it, as far as it can be told."""
        if self.insists and not (self._is_entered or self._is_confirmed or self._reason):
            return self._weak(address)
        reason = PairingError.PASSKEY if self._is_entered else self._reason or PairingError.REFUSED
        return PairingError(
            address
            + " refused our key: check its passkey and pairing mode; if it was reset, forget it and pair again",
            detail,
            reason,
        )

    def _weak(self, address: str) -> HalError:
        return PairingError(
            address + " paired without its passkey: is it the right device?", reason=PairingError.WEAK
        )
