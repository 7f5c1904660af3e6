"""bleak's exceptions, and those that come through it, as those of `hal.errors`."""

from collections.abc import Iterator
from contextlib import contextmanager

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)

from hal.errors import DeniedError, HalError, LinkLostError, TimedOutError, UnavailableError

NOT_SERVED = (BleakGATTProtocolErrorCode.INVALID_HANDLE, BleakGATTProtocolErrorCode.ATTRIBUTE_NOT_FOUND)

# org.bluez.Device(5) and org.bluez.GattCharacteristic(5), "Possible errors"
PAIRING_REFUSED = (
    "{} refused our key: check its passkey and pairing mode; if it was reset, forget it and pair again"
)
NO_ADAPTER = "the Bluetooth service is not there: check the adapter and bluetoothd"
LINK_LOST = "the link to {} is lost: connect again"
NO_ANSWER = "{} did not answer: is it near, awake and free?"
BUS_ERRORS = "org.freedesktop.DBus.Error."
DBUS_ERRORS: dict[str, tuple[type[HalError], str]] = {
    "org.bluez.Error.AuthenticationCanceled": (DeniedError, PAIRING_REFUSED),
    "org.bluez.Error.AuthenticationFailed": (DeniedError, PAIRING_REFUSED),
    "org.bluez.Error.AuthenticationRejected": (DeniedError, PAIRING_REFUSED),
    "org.bluez.Error.AuthenticationTimeout": (DeniedError, PAIRING_REFUSED),
    "org.bluez.Error.ConnectionAttemptFailed": (TimedOutError, NO_ANSWER),
    "org.bluez.Error.InProgress": (
        UnavailableError,
        "the Bluetooth service is busy with another request: try again",
    ),
    "org.bluez.Error.NotAuthorized": (DeniedError, "{} refused: it wants a bond, pair first"),
    "org.bluez.Error.NotConnected": (LinkLostError, LINK_LOST),
    "org.bluez.Error.NotPermitted": (DeniedError, "{} refused: the value does not allow this"),
    "org.bluez.Error.NotReady": (UnavailableError, "the Bluetooth adapter is off: switch it on"),
    "org.bluez.Error.NotSupported": (DeniedError, "{} refused: the value does not allow this"),
    "org.freedesktop.DBus.Error.AccessDenied": (
        DeniedError,
        "no permission for Bluetooth: join group bluetooth",
    ),
    "org.freedesktop.DBus.Error.NoReply": (TimedOutError, NO_ANSWER),
    "org.freedesktop.DBus.Error.UnknownObject": (LinkLostError, LINK_LOST),
}


@contextmanager
def native_errors(address: str) -> Iterator[None]:
    """Inside, whatever bleak raises about `address` leaves as an error of `hal.errors`."""
    try:
        yield
    except (BleakError, OSError, EOFError) as error:  # builtin TimeoutError is an OSError
        raise translate(error, address) from error


def translate(error: Exception, address: str) -> HalError:
    """The error of `hal.errors` that tells the caller what to do about `error`."""
    kind, message = _classify(error)
    return kind(message.format(address), f"{type(error).__name__}: {error}")


def _classify(error: Exception) -> tuple[type[HalError], str]:
    match error:
        case TimeoutError():
            return TimedOutError, NO_ANSWER
        case BleakGATTProtocolError() if error.code in NOT_SERVED:
            return UnavailableError, "{} does not serve this value"
        case BleakGATTProtocolError():
            return DeniedError, "{} refused: pair first, or the value does not allow this"
        case BleakCharacteristicNotFoundError():
            return UnavailableError, "{} does not serve this value"
        case BleakDeviceNotFoundError():
            return TimedOutError, NO_ANSWER
        case BleakBluetoothNotAvailableError():
            return UnavailableError, "no Bluetooth adapter: check that it is plugged in and on"
        case BleakDBusError() if error.dbus_error in DBUS_ERRORS:
            return DBUS_ERRORS[error.dbus_error]
        case BleakDBusError() if error.dbus_error.startswith(
            BUS_ERRORS
        ):  # the bus itself: bluetoothd does not run
            return UnavailableError, NO_ADAPTER
        case BleakError():
            return LinkLostError, LINK_LOST
        case _:  # OSError, EOFError: the bus to bluetoothd
            return UnavailableError, NO_ADAPTER
