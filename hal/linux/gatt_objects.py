"""What we show bluetoothd on the message bus to serve a GATT service and to advertise it. Source: org.bluez.GattService(5), LEAdvertisement(5)."""

from collections.abc import Callable, Mapping
from typing import Annotated

from dbus_fast import DBusError, Variant
from dbus_fast.annotations import (
    DBusBool,
    DBusBytes,
    DBusDict,
    DBusObjectPath,
    DBusSignature,
    DBusStr,
    DBusUInt32,
)
from dbus_fast.constants import PropertyAccess
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

from hal.types import Served

ROOT = "/org/trygg/improv"
SERVICE, ADVERTISEMENT, AGENT = ROOT + "/service0", "/org/trygg/advertisement", "/org/trygg/window"
Strings = Annotated[list[str], DBusSignature("as")]
Data = Annotated[dict[str, Variant], DBusSignature("a{sv}")]
Write = Callable[[str, bytes, str], None]  # characteristic, value, object of the client's device
INVALID_OFFSET, REJECTED = "org.bluez.Error.InvalidOffset", "org.bluez.Error.Rejected"


class GattService(ServiceInterface):
    """org.bluez.GattService1."""

    def __init__(self, uuid: str) -> None:
        super().__init__("org.bluez.GattService1")
        self._uuid = uuid

    @dbus_property(access=PropertyAccess.READ)
    def UUID(self) -> DBusStr:  # noqa: N802  BlueZ's name, as all below
        """Of the service."""
        return self._uuid

    @dbus_property(access=PropertyAccess.READ)
    def Primary(self) -> DBusBool:  # noqa: N802
        """It stands for itself."""
        return True


class GattCharacteristic(ServiceInterface):
    """org.bluez.GattCharacteristic1. bluetoothd sees to it that nobody reads, writes or subscribes over a link that is not encrypted."""

    def __init__(self, served: Served, on_write: Write) -> None:
        super().__init__("org.bluez.GattCharacteristic1")
        self._served = served
        self._on_write = on_write
        self._notifying = False

    @property
    def path_part(self) -> str:
        """The last part of its object path."""
        return "char" + self._served.uuid[-4:]

    def put(self, value: bytes) -> None:
        """Another value; those who have subscribed are told."""
        self._served.value = value
        if self._notifying:
            self.emit_properties_changed({"Value": value})

    @dbus_property(access=PropertyAccess.READ)
    def UUID(self) -> DBusStr:  # noqa: N802
        """Of the characteristic."""
        return self._served.uuid

    @dbus_property(access=PropertyAccess.READ)
    def Service(self) -> DBusObjectPath:  # noqa: N802
        """Whose it is."""
        return SERVICE

    @dbus_property(access=PropertyAccess.READ)
    def Value(self) -> DBusBytes:  # noqa: N802
        """What it holds."""
        return self._served.value

    @dbus_property(access=PropertyAccess.READ)
    def Flags(self) -> Strings:  # noqa: N802
        """What may be done, each over an encrypted link alone (`encrypt-notify`: its subscription)."""
        found = (
            ("read", self._served.reads),
            ("write", self._served.writes),
            ("notify", self._served.notifies),
        )
        return [f"encrypt-{name}" for name, may in found if may]

    @dbus_method()
    def ReadValue(self, options: DBusDict) -> DBusBytes:  # noqa: N802
        """The value from an offset on."""
        offset = options["offset"].value if "offset" in options else 0
        if offset > len(self._served.value):
            raise DBusError(INVALID_OFFSET, "beyond the value")
        return self._served.value[offset:]

    @dbus_method()
    def WriteValue(self, value: DBusBytes, options: DBusDict) -> None:  # noqa: N802
        """A client's write; a long one comes whole."""
        if "offset" in options and options["offset"].value:
            raise DBusError(INVALID_OFFSET, "a command is written from its beginning")
        device = str(options["device"].value) if "device" in options else ""
        self._on_write(self._served.uuid, bytes(value), device)

    @dbus_method()
    def StartNotify(self) -> None:  # noqa: N802
        """Somebody has subscribed."""
        self._notifying = True

    @dbus_method()
    def StopNotify(self) -> None:  # noqa: N802
        """Nobody is subscribed any more."""
        self._notifying = False


class Advertised(ServiceInterface):
    """org.bluez.LEAdvertisement1. 128-bit UUID and service data fill an advertisement; the name goes into the scan response."""

    def __init__(self, service: str, data: Mapping[str, bytes], name: str) -> None:
        super().__init__("org.bluez.LEAdvertisement1")
        self._service = service
        self._data = dict(data)
        self._name = name

    def put(self, data: Mapping[str, bytes]) -> None:
        """Other service data."""
        self._data = dict(data)
        self.emit_properties_changed({"ServiceData": self.ServiceData})

    @dbus_property(access=PropertyAccess.READ)
    def Type(self) -> DBusStr:  # noqa: N802
        """It takes connections."""
        return "peripheral"

    @dbus_property(access=PropertyAccess.READ)
    def ServiceUUIDs(self) -> Strings:  # noqa: N802
        """The one service."""
        return [self._service]

    @dbus_property(access=PropertyAccess.READ)
    def ServiceData(self) -> Data:  # noqa: N802
        """How far it is."""
        return {uuid: Variant("ay", value) for uuid, value in self._data.items()}

    @dbus_property(access=PropertyAccess.READ)
    def LocalName(self) -> DBusStr:  # noqa: N802
        """For whoever looks at a list."""
        return self._name

    @dbus_property(access=PropertyAccess.READ)
    def Discoverable(self) -> DBusBool:  # noqa: N802
        """For a list that filters by it."""
        return True

    @dbus_method()
    def Release(self) -> None:  # noqa: N802
        """BlueZ has let go of it."""


class WindowAgent(ServiceInterface):
    """org.bluez.Agent1 while the window is open: who comes may pair with Just Works, so that the link is encrypted; nothing else."""

    def __init__(self) -> None:
        super().__init__("org.bluez.Agent1")
        self.paired: set[str] = set()  # devices that were agreed to

    @dbus_method()
    def RequestAuthorization(self, device: DBusObjectPath) -> None:  # noqa: N802
        """Agree, and remember whom to forget again."""
        self.paired.add(device)

    @dbus_method()
    def RequestConfirmation(self, device: DBusObjectPath, passkey: DBusUInt32) -> None:  # noqa: N802
        """Numbers that nobody compares here: no."""
        raise DBusError(REJECTED, f"nobody compares the number of {device}")

    @dbus_method()
    def AuthorizeService(self, device: DBusObjectPath, uuid: DBusStr) -> None:  # noqa: N802
        """Our own service guards itself; others are not for strangers."""
        raise DBusError(REJECTED, f"{device} is here for Wi-Fi alone")

    @dbus_method()
    def Cancel(self) -> None:  # noqa: N802
        """BlueZ gave up asking."""

    @dbus_method()
    def Release(self) -> None:  # noqa: N802
        """BlueZ has forgotten this agent."""
