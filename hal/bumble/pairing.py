"""How we pair over Bumble: LE Secure Connections, whole keys, and no less protection than was asked for."""

from dataclasses import dataclass
from typing import Any, cast

from bumble import crypto, smp
from bumble.pairing import PairingConfig, PairingDelegate

from hal.errors import PairingError
from hal.linux.pairing_talk import PairingTalk

WHOLE_KEY_BYTES = (
    16  # shorter keys can be searched (KNOB, CVE-2019-9506); 7 are what the specification allows
)


CONFIRMATION_BYTES = 16  # of the data of a label; the random value follows


@dataclass
class LabelData(smp.OobSharedData):
    """The data of a label, which upstream's texts would tell."""

    __str__ = __repr__ = lambda _self: "the data of a label"


class Passkey(int):
    """A passkey that is true even where it is 000000: Bumble asserts on its truth, and labels do show zeros."""

    def __bool__(self) -> bool:
        return True


class Answers(PairingDelegate):
    """Answers pairing as `talk` says: with its passkey, by a person who compares numbers, by the data of its label, or Just Works."""

    def __init__(self, talk: PairingTalk) -> None:
        capability = self.IoCapability.NO_OUTPUT_NO_INPUT
        if talk.passkey is not None:
            capability = self.IoCapability.KEYBOARD_INPUT_ONLY
        elif talk.compare is not None and talk.oob is None:
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


class Welcome(PairingDelegate):
    """Lets whoever asks pair with Just Works, so that the link is encrypted: while a service of ours is there for a person's phone."""

    def __init__(self) -> None:
        encryption = self.KeyDistribution.DISTRIBUTE_ENCRYPTION_KEY
        super().__init__(self.IoCapability.NO_OUTPUT_NO_INPUT, encryption, encryption, WHOLE_KEY_BYTES)


class Refusal(PairingDelegate):
    """Refuses: nobody asked for pairing."""

    async def accept(self) -> bool:
        return False


def pairing_config(delegate: PairingDelegate) -> PairingConfig:
    """What we offer when `delegate` answers."""
    data = delegate.talk.oob if isinstance(delegate, Answers) else None
    oob = None
    if data is not None:
        theirs = LabelData(data[:CONFIRMATION_BYTES], data[CONFIRMATION_BYTES:])
        oob = PairingConfig.OobConfig(smp.OobContext(), theirs, None)  # a key pair of this pairing's own
    return PairingConfig(
        sc=True,
        mitm=isinstance(delegate, Answers) and delegate.protects,
        bonding=True,
        delegate=delegate,
        identity_address_type=PairingConfig.AddressType.RANDOM,
        oob=oob,
    )


class SecureSession(smp.Session):
    """Refuses what upstream accepts in silence: legacy pairing, short keys, less than what is asked for.

    Upstream takes the method "out of band", whose bond counts as authenticated, as soon as either side says that it has the
    other's data. Nobody has ours. Whoever says so would be authenticated without a check.
    """

    _key_seen = False
    _nonce = b""

    def on_smp_pairing_request_command(self, command: smp.SMP_Pairing_Request_Command) -> None:
        """Judge who asks us (the same clauses): legacy pairing and short keys are not for our services, either."""
        if command.maximum_encryption_key_size < WHOLE_KEY_BYTES:
            self._refuse(smp.ErrorCode.ENCRYPTION_KEY_SIZE, PairingError.KEY)
        elif not command.auth_req & smp.AuthReq.SC:
            self._refuse(smp.ErrorCode.AUTHENTICATION_REQUIREMENTS, PairingError.KEY)
        elif command.oob_data_flag:
            self._refuse(smp.ErrorCode.OOB_NOT_AVAILABLE, PairingError.WEAK)
        else:
            super().on_smp_pairing_request_command(command)

    def on_smp_pairing_response_command(self, command: smp.SMP_Pairing_Response_Command) -> None:
        """Judge the peer's offer before anything is agreed (Core 5.4, Vol 3, Part H, 2.3.4 and 2.3.5.1)."""
        if command.maximum_encryption_key_size < WHOLE_KEY_BYTES:
            self._refuse(smp.ErrorCode.ENCRYPTION_KEY_SIZE, PairingError.KEY)
        elif not command.auth_req & smp.AuthReq.SC:
            self._refuse(smp.ErrorCode.AUTHENTICATION_REQUIREMENTS, PairingError.KEY)
        elif command.oob_data_flag:
            self._refuse(smp.ErrorCode.OOB_NOT_AVAILABLE, PairingError.WEAK)
        elif self.peer_oob_data is None and self._too_weak(command):
            self._refuse(smp.ErrorCode.AUTHENTICATION_REQUIREMENTS, PairingError.WEAK)
        else:
            super().on_smp_pairing_response_command(command)

    def on_smp_pairing_public_key_command(self, command: smp.SMP_Pairing_Public_Key_Command) -> None:
        """With the data of a label the key must be the one that it stands for, come once, and after the method is agreed.

        Upstream looks at it only when the method is known by then, and takes another one later; the check value of the
        device holds nothing of the label, so the whole proof is here.
        """
        data = self.peer_oob_data
        if data is not None:
            if self.pairing_method != smp.PairingMethod.OOB or self._key_seen:
                self._refuse(smp.ErrorCode.INVALID_PARAMETERS, PairingError.OOB)
                return
            if crypto.f4(command.public_key_x, command.public_key_x, data.r, bytes(1)) != data.c:
                self._refuse(smp.ErrorCode.CONFIRM_VALUE_FAILED, PairingError.OOB)
                return
            self._key_seen = True
            answers = self.pairing_config.delegate
            if isinstance(answers, Answers):
                answers.talk.data_fits = True
        super().on_smp_pairing_public_key_command(command)

    def on_smp_pairing_random_command(self, command: smp.SMP_Pairing_Random_Command) -> None:
        """Nothing goes on over a key that was not looked at."""
        if self.peer_oob_data is not None and not self._key_seen:
            self._refuse(smp.ErrorCode.INVALID_PARAMETERS, PairingError.OOB)
        else:
            super().on_smp_pairing_random_command(command)

    def on_smp_pairing_failed_command(self, command: smp.SMP_Pairing_Failed_Command) -> None:
        """Why the device refuses, where that is about the data."""
        answers = self.pairing_config.delegate
        if isinstance(answers, Answers) and self.peer_oob_data is not None and not answers.talk.reason:
            missing = command.reason == smp.ErrorCode.OOB_NOT_AVAILABLE
            answers.talk.reason = PairingError.NO_OOB if missing else PairingError.REFUSED
        super().on_smp_pairing_failed_command(command)

    def send_pairing_random_command(self) -> None:
        """Out of band upstream sends in place of a nonce what goes into the check value: of ours, nothing but zeros."""
        if self.peer_oob_data is None:
            super().send_pairing_random_command()
        else:
            self._nonce = crypto.r()
            self.send_command(smp.SMP_Pairing_Random_Command(random_value=self._nonce))

    @property
    def nx(self) -> tuple[bytes, bytes]:
        """Our nonce and the peer's."""
        ours, theirs = super().nx
        return self._nonce or ours, theirs

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
