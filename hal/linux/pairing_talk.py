"""What is said while we pair: what we may answer, and what became of it. The same for every stack."""

from collections.abc import Awaitable, Callable

from hal.types import BOND_AUTHENTICATED, BOND_WEAK

Compare = Callable[[int], Awaitable[bool]]


class PairingTalk:
    """One pairing: `passkey` of the label or None, the weakest bond that will do, and a person who compares numbers, or None.

    `oob` is the data of the label in place of a passkey: 16 bytes of confirmation value, 16 of random value.
    Whoever answers notes what was asked of us, and in `reason` (a word of `hal.errors.PairingError`) why we refused.
    """

    def __init__(
        self,
        passkey: int | None = None,
        *,
        least: int = BOND_WEAK,
        compare: Compare | None = None,
        oob: bytes | None = None,
    ) -> None:
        self.passkey = passkey
        self.oob = oob
        self.least = least if passkey is None and oob is None else BOND_AUTHENTICATED
        self.compare = compare
        self.passkey_entered = False
        self.numbers_compared = False
        self.data_fits = False  # the device's key is the one that the data stands for
        self.reason = ""

    @property
    def authenticated(self) -> bool:
        """Whether a pairing that succeeded has told the device from an impostor."""
        return self.passkey_entered or self.numbers_compared or self.data_fits

    @property
    def insists(self) -> bool:
        """Whether Just Works will not do."""
        return self.least == BOND_AUTHENTICATED

    async def confirm(self, number: int) -> bool:
        """Whether a person says that both show `number`; nobody there says no."""
        self.numbers_compared = self.compare is not None and await self.compare(number)
        if not self.numbers_compared:
            self.reason = "number"
        return self.numbers_compared
