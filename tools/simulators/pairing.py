"""How a virtual peripheral pairs: as strictly as its maker promises, which Bumble alone does not enforce."""

import asyncio

from bumble import crypto, hci, smp
from bumble.device import Connection, Device
from bumble.keys import MemoryKeyStore, PairingKeys
from bumble.pairing import PairingDelegate

WHOLE_KEY_BYTES = 16


class Passkey(int):
    """A passkey that is true even where it is 000000: Bumble asserts on its truth, and labels do show zeros."""

    def __bool__(self) -> bool:
        return True


Io = PairingDelegate.IoCapability


class Label(PairingDelegate):
    """What a peripheral has to pair with: nothing, a printed `passkey` (`shown` counts who asked), a display with two buttons.

    `data` is what the label says out of band, in place of a passkey: it knows nobody's data but its own, `context`.
    With `compares` it shows a number and has buttons for yes and no; `says` is which of them whoever holds it presses.
    `number` is what it showed last. `capability` makes it tell something else of itself.
    """

    def __init__(
        self,
        passkey: int | None,
        key_bytes: int = WHOLE_KEY_BYTES,
        *,
        compares: bool = False,
        capability: Io | None = None,
        out_of_band: bool = False,
    ) -> None:
        if capability is None:
            capability = Io.DISPLAY_OUTPUT_AND_YES_NO_INPUT if compares else Io.NO_OUTPUT_NO_INPUT
            capability = Io.DISPLAY_OUTPUT_ONLY if passkey is not None else capability
        super().__init__(capability, maximum_encryption_key_size=key_bytes)
        self.passkey = passkey
        self.context = smp.OobContext() if out_of_band else None
        self.protects = passkey is not None or compares or out_of_band
        self.says = True
        self.number: int | None = None
        self.shown = 0

    @property
    def data(self) -> bytes:
        """Confirmation value and random value, as in the advertising data types 0x22 and 0x23."""
        assert self.context is not None, "a peripheral without data was asked for it"
        shared = self.context.share()
        return shared.c + shared.r

    async def compare_numbers(self, number: int, digits: int) -> bool:
        self.number = number
        return self.says

    async def get_number(self) -> int | None:
        """A peripheral with keys: whoever holds it enters what is printed on it."""
        return None if self.passkey is None else Passkey(self.passkey)

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

    _nonce = b""

    def on_smp_pairing_request_command(self, command: smp.SMP_Pairing_Request_Command) -> None:
        """Whoever claims to have data of ours, where there is none, is told so. Upstream goes on without any check."""
        label = self.pairing_config.delegate
        if command.oob_data_flag and isinstance(label, Label) and label.context is None:
            self.send_pairing_failed(smp.ErrorCode.OOB_NOT_AVAILABLE)
        else:
            super().on_smp_pairing_request_command(command)

    def send_pairing_random_command(self) -> None:
        """A nonce of its own: upstream would send the random value of the label, which proves who has read it."""
        if self.pairing_method == smp.PairingMethod.OOB:
            self._nonce = crypto.r()
            self.send_command(smp.SMP_Pairing_Random_Command(random_value=self._nonce))
        else:
            super().send_pairing_random_command()

    @property
    def nx(self) -> tuple[bytes, bytes]:
        """Our nonce and the peer's."""
        ours, theirs = super().nx
        return self._nonce or ours, theirs

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


class StrictLinks:
    """Counts a link of `device` as authenticated only where its key is.

    Upstream calls every encrypted link authenticated, whatever key it was encrypted with, so that a value which takes
    authentication is read over Just Works (Core 5.4, Vol 3, Part C, 10.3.1 and Part H, 2.4.1). With `strict` off it is so.
    """

    def __init__(self, device: Device) -> None:
        self.strict = True
        self._device = device
        device.on(Device.EVENT_CONNECTION, self._on_connection)

    def _on_connection(self, connection: Connection) -> None:
        connection.on(Connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, lambda: self._judge(connection))
        connection.on(Connection.EVENT_PAIRING, lambda keys: self._judge_keys(connection, keys))

    def _judge(self, connection: Connection) -> None:
        if not self.strict:
            return
        session = self._device.smp_manager.sessions.get(connection.handle)
        if session is not None:  # a pairing is on its way, and encrypts with the key that comes of it
            connection.authenticated = session.pairing_method != smp.PairingMethod.JUST_WORKS
            return
        store = self._device.keystore
        assert isinstance(store, MemoryKeyStore)
        self._judge_keys(connection, store.all_keys.get(str(connection.peer_address)))

    def _judge_keys(self, connection: Connection, keys: PairingKeys | None) -> None:
        if not self.strict:
            return
        key = None if keys is None else keys.ltk or keys.ltk_peripheral
        encrypted = connection.encryption != hci.HCI_Encryption_Change_Event.Enabled.OFF
        connection.authenticated = bool(encrypted and key is not None and key.authenticated)
