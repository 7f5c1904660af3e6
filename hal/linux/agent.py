"""Answers BlueZ's questions while we pair. Without a registered agent even Just Works fails.

Source: org.bluez.Agent(5). It is registered for one pairing at a time and answers for that device only.
"""

from dbus_fast import DBusError
from dbus_fast.annotations import DBusObjectPath, DBusStr, DBusUInt16, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method

PATH = "/org/trygg/agent"
JUST_WORKS, PASSKEY_ENTRY = "NoInputNoOutput", "KeyboardOnly"
REJECTED = "org.bluez.Error.Rejected"


class PairingAgent(ServiceInterface):
    """org.bluez.Agent1 for one device: enters `passkey`, or agrees to Just Works where it is None.

    `passkey_entered` says afterwards whether BlueZ asked for the passkey, which it does not tell otherwise.
    """

    def __init__(self, address: str, passkey: int | None) -> None:
        super().__init__("org.bluez.Agent1")
        self.passkey_entered = False
        self._device = "/dev_" + address.upper().replace(":", "_")
        self._passkey = passkey

    @property
    def capability(self) -> str:
        """What BlueZ shall believe that we have: keys to enter a number, or nothing."""
        return JUST_WORKS if self._passkey is None else PASSKEY_ENTRY

    @dbus_method()
    def RequestPasskey(self, device: DBusObjectPath) -> DBusUInt32:  # noqa: N802  BlueZ's name, as all below
        """Enter the passkey that the device shows or has on its label."""
        self._check(device)
        if self._passkey is None:
            raise DBusError(REJECTED, "no passkey is known for this device")
        self.passkey_entered = True
        return self._passkey

    @dbus_method()
    def RequestAuthorization(self, device: DBusObjectPath) -> None:  # noqa: N802
        """Agree to a pairing without any check: Just Works."""
        self._check(device)
        if self._passkey is not None:
            raise DBusError(REJECTED, "this device must ask for its passkey")

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
        """Nothing is shown here: nobody stands before a gateway. BlueZ takes no answer."""

    @dbus_method()
    def RequestConfirmation(self, device: DBusObjectPath, passkey: DBusUInt32) -> None:  # noqa: N802
        """Nobody can compare numbers here."""
        raise DBusError(REJECTED, f"{device} wants numbers compared: this gateway has no display")

    @dbus_method()
    def Cancel(self) -> None:  # noqa: N802
        """BlueZ gave up asking."""

    @dbus_method()
    def Release(self) -> None:  # noqa: N802
        """BlueZ has forgotten this agent."""

    def _check(self, device: str) -> None:
        if not device.endswith(self._device):
            raise DBusError(REJECTED, f"{device} is not what is being paired")
