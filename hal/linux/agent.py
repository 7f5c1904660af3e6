"""Answers BlueZ's questions while we pair. Without a registered agent even Just Works fails.

Source: org.bluez.Agent(5). It is registered for one pairing at a time and answers for that device only.
"""

from dbus_fast import DBusError
from dbus_fast.annotations import DBusObjectPath, DBusStr, DBusUInt16, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method

from hal.errors import PairingError
from hal.linux.pairing_talk import PairingTalk

PATH = "/org/trygg/agent"
JUST_WORKS, PASSKEY_ENTRY, COMPARISON = "NoInputNoOutput", "KeyboardOnly", "DisplayYesNo"
REJECTED = "org.bluez.Error.Rejected"


class PairingAgent(ServiceInterface):
    """org.bluez.Agent1 for one device: enters the passkey of `talk`, has numbers compared, or agrees to Just Works.

    `talk` says afterwards what BlueZ asked for, which it does not tell otherwise.
    """

    def __init__(self, address: str, talk: PairingTalk) -> None:
        super().__init__("org.bluez.Agent1")
        self._device = "/dev_" + address.upper().replace(":", "_")
        self._talk = talk

    @property
    def capability(self) -> str:
        """What BlueZ shall believe that we have: keys to enter a number, a person who compares two, or nothing."""
        if self._talk.passkey is not None:
            return PASSKEY_ENTRY
        return JUST_WORKS if self._talk.compare is None else COMPARISON

    @dbus_method()
    def RequestPasskey(self, device: DBusObjectPath) -> DBusUInt32:  # noqa: N802  BlueZ's name, as all below
        """Enter the passkey that the device shows or has on its label."""
        self._check(device)
        if self._talk.passkey is None:
            raise DBusError(REJECTED, "no passkey is known for this device")
        self._talk.passkey_entered = True
        return self._talk.passkey

    @dbus_method()
    def RequestAuthorization(self, device: DBusObjectPath) -> None:  # noqa: N802
        """Agree to a pairing without any check: Just Works."""
        self._check(device)
        if self._talk.insists:
            self._talk.reason = PairingError.WEAK
            raise DBusError(REJECTED, "this device must ask for its passkey, or have numbers compared")

    @dbus_method()
    def AuthorizeService(self, device: DBusObjectPath, uuid: DBusStr) -> None:  # noqa: N802
        """Let the device use a service of ours; there are none but BlueZ's own."""
        self._check(device)

    @dbus_method()
    def RequestPinCode(self, device: DBusObjectPath) -> DBusStr:  # noqa: N802
        """Classic Bluetooth: refused."""
        raise DBusError(REJECTED, f"{device} wants a PIN: classic Bluetooth is not used")

    @dbus_method()
    def DisplayPinCode(self, device: DBusObjectPath, pincode: DBusStr) -> None:  # noqa: N802
        """Classic Bluetooth: refused."""
        raise DBusError(REJECTED, f"{device} wants a PIN shown: classic Bluetooth is not used")

    @dbus_method()
    def DisplayPasskey(self, device: DBusObjectPath, passkey: DBusUInt32, entered: DBusUInt16) -> None:  # noqa: N802
        """Nothing is shown here: devices with keys to enter our number are not met. BlueZ takes no answer."""

    @dbus_method()
    async def RequestConfirmation(self, device: DBusObjectPath, passkey: DBusUInt32) -> None:  # noqa: N802
        """Ask the person whether the device shows the same number; nobody there means no."""
        self._check(device)
        if not await self._talk.confirm(passkey):
            raise DBusError(REJECTED, f"nobody confirmed the number of {device}")

    @dbus_method()
    def Cancel(self) -> None:  # noqa: N802
        """BlueZ gave up asking."""

    @dbus_method()
    def Release(self) -> None:  # noqa: N802
        """BlueZ has forgotten this agent."""

    def _check(self, device: str) -> None:
        if not device.endswith(self._device):
            raise DBusError(REJECTED, f"{device} is not what is being paired")
