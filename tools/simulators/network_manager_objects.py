"""What NetworkManager (`tools.simulators.network_manager`) has on the bus that knows of nothing else: access points, devices, activations."""

from typing import Annotated, Any

from dbus_fast import Variant
from dbus_fast.annotations import DBusSignature
from dbus_fast.constants import PropertyAccess
from dbus_fast.service import ServiceInterface, dbus_property, dbus_signal

NAME = "org.freedesktop.NetworkManager"
ROOT = "/org/freedesktop/NetworkManager"
WIRED_PATH, WIFI_PATH = ROOT + "/Devices/1", ROOT + "/Devices/2"
BUS = "org.freedesktop.DBus"
DISCONNECTED, ACTIVATED_DEVICE, FAILED = 30, 100, 120
ACCESS_POINT, OTHERS = 0x40, 0x3F  # NM_WIFI_DEVICE_CAP_*
ACTIVATING, ACTIVATED, DEACTIVATED = 1, 2, 4
NONE, NO_SECRETS, NOT_FOUND = 0, 7, 53
WIRED, WIFI = 1, 2

Paths = Annotated[list[str], DBusSignature("ao")]
Settings = Annotated[dict[str, dict[str, Variant]], DBusSignature("a{sa{sv}}")]
Bytes = Annotated[bytes, DBusSignature("ay")]
Path = Annotated[str, DBusSignature("o")]
Text = Annotated[str, DBusSignature("s")]
Flag = Annotated[bool, DBusSignature("b")]
Number = Annotated[int, DBusSignature("u")]
Long = Annotated[int, DBusSignature("x")]
Small = Annotated[int, DBusSignature("y")]
Pair = Annotated[list[int], DBusSignature("(uu)")]
Told = Annotated[list[int], DBusSignature("uu")]
Added = Annotated[list[Any], DBusSignature("ooa{sv}")]


class SimPoint(ServiceInterface):
    """An access point."""

    def __init__(self, ssid: bytes, password: str, strength: int) -> None:
        super().__init__(NAME + ".AccessPoint")
        self.ssid, self.password, self.strength = ssid, password, strength

    @dbus_property(access=PropertyAccess.READ)
    def Ssid(self) -> Bytes:  # noqa: N802  NetworkManager's name, as all below
        """Its name."""
        return self.ssid

    @dbus_property(access=PropertyAccess.READ)
    def Strength(self) -> Small:  # noqa: N802
        """In per cent."""
        return self.strength

    @dbus_property(access=PropertyAccess.READ)
    def RsnFlags(self) -> Number:  # noqa: N802
        """WPA2 with a passphrase, or nothing."""
        return 0x188 if self.password else 0


class SimDevice(ServiceInterface):
    """A network device: 1 Ethernet, 2 Wi-Fi."""

    def __init__(self, kind: int) -> None:
        super().__init__(NAME + ".Device")
        self.kind, self.state, self.reason, self.active = kind, DISCONNECTED, NONE, "/"

    @dbus_property(access=PropertyAccess.READ)
    def DeviceType(self) -> Number:  # noqa: N802
        """Its sort."""
        return self.kind

    @dbus_property(access=PropertyAccess.READ)
    def Interface(self) -> Text:  # noqa: N802
        """As the kernel names it."""
        return "wlan0" if self.kind == WIFI else "eth0"

    @dbus_property(access=PropertyAccess.READ)
    def ActiveConnection(self) -> Path:  # noqa: N802
        """Its activation."""
        return self.active

    @dbus_property(access=PropertyAccess.READ)
    def State(self) -> Number:  # noqa: N802
        """How far it is."""
        return self.state

    @dbus_property(access=PropertyAccess.READ)
    def StateReason(self) -> Pair:  # noqa: N802
        """And why."""
        return [self.state, self.reason]


class SimActive(ServiceInterface):
    """An activation."""

    def __init__(self, said: str) -> None:
        super().__init__(NAME + ".Connection.Active")
        self.said, self.state = said, ACTIVATING

    @dbus_property(access=PropertyAccess.READ)
    def Id(self) -> Text:  # noqa: N802
        """Name of the connection."""
        return self.said

    @dbus_property(access=PropertyAccess.READ)
    def State(self) -> Number:  # noqa: N802
        """How far it is."""
        return self.state

    @dbus_signal()
    def StateChanged(self) -> Told:  # noqa: N802
        """State and reason."""
        return [self.state, 0]
