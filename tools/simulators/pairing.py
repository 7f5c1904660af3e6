"""How a virtual peripheral pairs: as strictly as its maker promises, which Bumble alone does not enforce."""

import asyncio

from bumble import smp
from bumble.pairing import PairingDelegate

WHOLE_KEY_BYTES = 16


class Passkey(int):
    """A passkey that is true even where it is 000000: Bumble asserts on its truth, and labels do show zeros."""

    def __bool__(self) -> bool:
        return True


class Label(PairingDelegate):
    """A peripheral without keys; with `passkey`, that number is printed on it (`shown` counts who asked)."""

    def __init__(self, passkey: int | None, key_bytes: int = WHOLE_KEY_BYTES) -> None:
        capability = self.IoCapability.NO_OUTPUT_NO_INPUT
        if passkey is not None:
            capability = self.IoCapability.DISPLAY_OUTPUT_ONLY
        super().__init__(capability, maximum_encryption_key_size=key_bytes)
        self.passkey = passkey
        self.shown = 0

    async def generate_passkey(self) -> int:
        assert self.passkey is not None, "a peripheral without a label was asked for its passkey"
        return Passkey(self.passkey)

    async def display_number(self, number: int, digits: int) -> None:
        self.shown += 1


class StrictSession(smp.Session):
    """Refuses what the peripheral's security level rules out (Core 5.4, Vol 3, Part H, 2.3.5.1).

    Upstream falls back to Just Works without a word where man-in-the-middle protection was wanted, and then counts
    any encrypted link as authenticated; a peripheral with a passkey must refuse.
    """

    def decide_pairing_method(
        self, auth_req: int, initiator_io_capability: int, responder_io_capability: int
    ) -> None:
        super().decide_pairing_method(auth_req, initiator_io_capability, responder_io_capability)
        wants_protection = self.is_responder and self.pairing_config.mitm
        if wants_protection and self.pairing_method == smp.PairingMethod.JUST_WORKS:
            self._refuse(smp.ErrorCode.AUTHENTICATION_REQUIREMENTS)
        if self.is_responder and not self.sc:
            self._refuse(smp.ErrorCode.AUTHENTICATION_REQUIREMENTS)

    def _refuse(self, reason: smp.ErrorCode) -> None:
        self.send_pairing_failed(reason)
        # Ends the task that handles the request; another exception would be logged as never retrieved.
        raise asyncio.CancelledError(reason.name)
