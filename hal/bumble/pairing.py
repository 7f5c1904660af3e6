"""How we pair over Bumble: LE Secure Connections, whole keys, and no less protection than was asked for."""

from typing import cast

from bumble import smp
from bumble.pairing import PairingConfig, PairingDelegate

WHOLE_KEY_BYTES = (
    16  # shorter keys can be searched (KNOB, CVE-2019-9506); 7 are what the specification allows
)


class Passkey(int):
    """A passkey that is true even where it is 000000: Bumble asserts on its truth, and labels do show zeros."""

    def __bool__(self) -> bool:
        return True


class Answers(PairingDelegate):
    """Answers pairing with `passkey`; Just Works where it is None."""

    def __init__(self, passkey: int | None) -> None:
        capability = self.IoCapability.NO_OUTPUT_NO_INPUT
        if passkey is not None:
            capability = self.IoCapability.KEYBOARD_INPUT_ONLY
        # No identity keys are exchanged: our address never changes, and bonds are kept under the one that was called.
        encryption = self.KeyDistribution.DISTRIBUTE_ENCRYPTION_KEY
        super().__init__(capability, encryption, encryption, WHOLE_KEY_BYTES)
        self.passkey = passkey

    async def get_number(self) -> int | None:
        return None if self.passkey is None else Passkey(self.passkey)


class Refusal(PairingDelegate):
    """Refuses: nobody asked for pairing."""

    async def accept(self) -> bool:
        return False


def pairing_config(delegate: PairingDelegate) -> PairingConfig:
    """What we offer when `delegate` answers."""
    mitm = isinstance(delegate, Answers) and delegate.passkey is not None
    return PairingConfig(
        sc=True,
        mitm=mitm,
        bonding=True,
        delegate=delegate,
        identity_address_type=PairingConfig.AddressType.RANDOM,
    )


class SecureSession(smp.Session):
    """Refuses what upstream accepts in silence: legacy pairing, short keys, Just Works where a passkey was given."""

    def on_smp_pairing_response_command(self, command: smp.SMP_Pairing_Response_Command) -> None:
        """Judge the peer's offer before anything is agreed (Core 5.4, Vol 3, Part H, 2.3.4 and 2.3.5.1)."""
        if command.maximum_encryption_key_size < WHOLE_KEY_BYTES:
            self.send_pairing_failed(smp.ErrorCode.ENCRYPTION_KEY_SIZE)
        elif self._too_weak(command):
            self.send_pairing_failed(smp.ErrorCode.AUTHENTICATION_REQUIREMENTS)
        else:
            super().on_smp_pairing_response_command(command)

    def _too_weak(self, command: smp.SMP_Pairing_Response_Command) -> bool:
        if not command.auth_req & smp.AuthReq.SC:
            return True
        offered = cast(dict[int, object], self.PAIRING_METHODS[self.io_capability])
        method = offered.get(command.io_capability, smp.PairingMethod.JUST_WORKS)
        return self.mitm and method == smp.PairingMethod.JUST_WORKS
