"""Every error of bleak becomes one of ours, with its own words in `detail`."""

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from hal.errors import DeniedError, HalError, LinkLostError, TimedOutError, UnavailableError
from hal.linux.native_errors import DBUS_ERRORS, native_errors
from hal.linux.uuids import long_uuid, short_uuid

ADDRESS = "C1:00:00:00:00:01"
NO_ADAPTER = BleakBluetoothNotAvailableReason.NO_BLUETOOTH
CASES: list[tuple[Exception, type[HalError], str]] = [
    (TimeoutError(), TimedOutError, "TimeoutError"),
    (BleakDeviceNotFoundError(ADDRESS, "not found"), TimedOutError, "not found"),
    (BleakBluetoothNotAvailableError("no adapter", NO_ADAPTER), UnavailableError, "no adapter"),
    (BleakCharacteristicNotFoundError("2a5f"), UnavailableError, "2a5f"),
    (BleakGATTProtocolError(0x01), UnavailableError, "Invalid Handle"),
    (BleakGATTProtocolError(0x05), DeniedError, "Insufficient Authentication"),
    (BleakGATTProtocolError(0x0F), DeniedError, "Insufficient Encryption"),
    (BleakGATTProtocolError(0xFD), DeniedError, "Improperly Configured"),
    (BleakDBusError("org.bluez.Error.AuthenticationFailed", ["why"]), DeniedError, "why"),
    (BleakDBusError("org.bluez.Error.NotConnected", []), LinkLostError, "NotConnected"),
    (BleakDBusError("org.bluez.Error.NotReady", []), UnavailableError, "NotReady"),
    (BleakDBusError("org.bluez.Error.InProgress", []), UnavailableError, "InProgress"),
    (BleakDBusError("org.bluez.Error.Failed", ["br-connection-canceled"]), LinkLostError, "br-connection"),
    (BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", []), UnavailableError, "ServiceUnknown"),
    (BleakDBusError("org.freedesktop.DBus.Error.Spawn.ChildExited", []), UnavailableError, "ChildExited"),
    (BleakError("Not connected"), LinkLostError, "Not connected"),
    (FileNotFoundError("system_bus_socket"), UnavailableError, "system_bus_socket"),
    (EOFError("bus"), UnavailableError, "bus"),
]


@pytest.mark.parametrize(("native", "kind", "words"), CASES, ids=[repr(case[0]) for case in CASES])
def test_a_native_error_becomes_ours(native: Exception, kind: type[HalError], words: str) -> None:
    with pytest.raises(HalError) as translated, native_errors(ADDRESS):
        raise native
    assert type(translated.value) is kind
    assert words in translated.value.detail
    assert "{" not in translated.value.message


def test_what_is_our_own_fault_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), native_errors(ADDRESS):
        raise ZeroDivisionError


@pytest.mark.parametrize("name", DBUS_ERRORS)
def test_every_named_error_says_a_cause(name: str) -> None:
    with pytest.raises(DBUS_ERRORS[name][0], match=r"\w+ \w+"), native_errors(ADDRESS):
        raise BleakDBusError(name, [])


def test_uuids_have_a_short_and_a_long_form() -> None:
    table = [
        ("0000fcd2-0000-1000-8000-00805f9b34fb", "fcd2"),
        ("46a970e0-0d5f-11e2-8b5e-0002a5d5c51b", "46a970e0-0d5f-11e2-8b5e-0002a5d5c51b"),
        ("1234fcd2-0000-1000-8000-00805f9b34fb", "1234fcd2-0000-1000-8000-00805f9b34fb"),
    ]
    for long, short in table:
        assert short_uuid(long.upper()) == short
        assert long_uuid(short) == long
