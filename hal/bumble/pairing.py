"""How we pair over Bumble: LE Secure Connections, whole keys, and no less protection than was asked for."""

from typing import Any, cast

from bumble import smp
from bumble.pairing import PairingConfig, PairingDelegate

from hal.errors import PairingError
from hal.linux.pairing_talk import PairingTalk

WHOLE_KEY_BYTES = (
    16  # shorter keys can be searched (KNOB, CVE-2019-9506); 7 are what the specification allows
)


class Passkey(int):
    """A passkey that is true even where it is 000000: Bumble asserts on its truth, and labels do show zeros."""

    def __bool__(self) -> bool:
        return True


class Answers(PairingDelegate):
    """Answers pairing as `talk` says: with its passkey, by a person who compares numbers, or Just Works."""

    def __init__(self, talk: PairingTalk) -> None:
        capability = self.IoCapability.NO_OUTPUT_NO_INPUT
        if talk.passkey is not None:
            capability = self.IoCapability.KEYBOARD_INPUT_ONLY
        elif talk.compare is not None:
            capability = self.IoCapability.DISPLAY_OUTPUT_AND_YES_NO_INPUT
        # No identity keys are exchanged: our address never changes, and bonds are kept under the one that was called.
        encryption = self.KeyDistribution.DISTRIBUTE_ENCRYPTION_KEY
        super().__init__(capability, encryption, encryption, WHOLE_KEY_BYTES)
        self.talk = talk

    @property
    def protects(self) -> bool:
        """Whether protection against somebody in between is asked for: where we could give our part of it."""
        return self.talk.insists or self.io_capability != self.IoCapability.NO_OUTPUT_NO_INPUT

    async def get_number(self) -> int | None:
        if self.talk.passkey is None:
            return None
        self.talk.passkey_entered = True
        return Passkey(self.talk.passkey)

    async def compare_numbers(self, number: int, digits: int) -> bool:
        return await self.talk.confirm(number)


class Refusal(PairingDelegate):
    """Refuses: nobody asked for pairing."""

    async def accept(self) -> bool:
        return False


def pairing_config(delegate: PairingDelegate) -> PairingConfig:
    """What we offer when `delegate` answers."""
    return PairingConfig(
        sc=True,
        mitm=isinstance(delegate, Answers) and delegate.protects,
        bonding=True,
        delegate=delegate,
        identity_address_type=PairingConfig.AddressType.RANDOM,
    )


class SecureSession(smp.Session):
    """Refuses what upstream accepts in silence: legacy pairing, short keys, Just Works where more is asked for."""

    def on_smp_pairing_response_command(self, command: smp.SMP_Pairing_Response_Command) -> None:
        """Judge the peer's offer before anything is agreed (Core 5.4, Vol 3, Part H, 2.3.4 and 2.3.5.1)."""
        if command.maximum_encryption_key_size < WHOLE_KEY_BYTES:
            self._refuse(smp.ErrorCode.ENCRYPTION_KEY_SIZE, PairingError.KEY)
        elif not command.auth_req & smp.AuthReq.SC:
            self._refuse(smp.ErrorCode.AUTHENTICATION_REQUIREMENTS, PairingError.KEY)
        elif self._too_weak(command):
            self._refuse(smp.ErrorCode.AUTHENTICATION_REQUIREMENTS, PairingError.WEAK)
        else:
            super().on_smp_pairing_response_command(command)

    def _refuse(self, code: smp.ErrorCode, reason: str) -> None:
        answers = self.pairing_config.delegate
        if isinstance(answers, Answers):
            answers.talk.reason = reason
        self.send_pairing_failed(code)

    def _too_weak(self, command: smp.SMP_Pairing_Response_Command) -> bool:
        """Whether less than was asked for would come of it; a number that we would have to show counts as that, too."""
        answers = self.pairing_config.delegate
        if not isinstance(answers, Answers):
            return False
        offered = cast(dict[int, Any], self.PAIRING_METHODS[self.io_capability])
        method = offered.get(command.io_capability, smp.PairingMethod.JUST_WORKS)
        if isinstance(method, tuple) and len(method) == 2:
            method = method[1]  # of legacy pairing and Secure Connections the latter
        if method == smp.PairingMethod.JUST_WORKS:
            return answers.talk.insists
        we_show = isinstance(method, tuple) and bool(method[1])
        return we_show or (isinstance(method, tuple) and answers.talk.passkey is None)
