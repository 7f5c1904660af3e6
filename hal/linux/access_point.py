"""A Wi-Fi network of this machine's own, by NetworkManager: WPA2, for whoever stands beside it, and for nothing but this machine.

The connection is volatile and bound to our place on the message bus: NetworkManager deactivates and forgets it when we close it and
when we are gone, whatever ended us. Whoever joins gets an address and no way out: rules of the connection itself, which come and go
with it, refuse to forward in either direction (docs/adr/0046-access-point.md).
"""

import asyncio
import contextlib
import socket
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from dbus_fast import Variant

from hal.errors import DeniedError, TimedOutError, UnavailableError
from hal.linux.network import SysfsNetwork
from hal.linux.network_manager import (
    ACTIVATED,
    ACTIVE,
    CONNECTION,
    DEVICE_ACTIVATED,
    DEVICE_FAILED,
    NAME,
    NOTHING,
    PREPARES,
    ROOT,
    UNAVAILABLE,
    UNMANAGED,
    WIRELESS,
    NetworkManagerCalls,
    Settings,
)
from hal.linux.system_bus import RefusedByServiceError, SystemBus

OURS = "Trygg access point"  # name of the connection in NetworkManager; the network's own name is another
CAN_BE_ACCESS_POINT = 0x40  # NM_WIFI_DEVICE_CAP_AP
NO_ADDRESSES = (5, 18, 19)  # NM_DEVICE_STATE_REASON_*: no addresses, sharing did not start, sharing failed
PREFERRED = (False, None, True)  # of what `takes_way` says of an adapter
PMF_OFF, WPS_OFF, ISOLATED = 1, 1, 1
# Ours in the home; the first whose network is not one of the machine's others.
ADDRESSES = ("10.61.17.1", "172.27.61.1", "192.168.217.1")
PREFIX = 24
TO_MAIN, PROHIBIT = 1, 8  # FR_ACT_TO_TBL, FR_ACT_PROHIBIT: linux/fib_rules.h
MAIN = 254  # RT_TABLE_MAIN
FIRST_RULE = 61  # priorities, behind the table of the machine's own addresses (0) and before every other

ABSENT = "NetworkManager does not run: start it (systemctl start NetworkManager), or use the local network"
NO_ADAPTER = "this machine has no Wi-Fi adapter: use the local network"
OFF = (
    "the Wi-Fi is switched off: set the country of the Wi-Fi where it has none, and switch it on "
    "(rfkill unblock wifi; nmcli radio wifi on)"
)
NOT_MANAGED = "NetworkManager does not manage the Wi-Fi adapter: take it out of unmanaged-devices, or use the local network"
NOT_READY = "the Wi-Fi adapter is not ready: install wpasupplicant, or plug the adapter in again"
UNABLE = "the Wi-Fi adapter cannot be an access point: use another adapter, or the local network"
DENIED = (
    "NetworkManager does not let the hub open an access point: install polkitd and the rule of the Debian package "
    "(/usr/share/polkit-1/rules.d/60-trygg.rules)"
)
WITHOUT_ADDRESSES = (
    "the access point has no addresses to give: install dnsmasq-base, and see the log of NetworkManager"
)
REFUSED = "NetworkManager did not take the access point: see its log"
FAILED = "the Wi-Fi adapter did not become an access point: see the log of NetworkManager, or use the local network"
LATE = "the access point did not open in time: try again, or use the local network"


def own_addresses() -> list[str]:
    """The addresses of this machine."""
    return [str(path.address) for path in SysfsNetwork().paths() if path.address]


class NetworkManagerAccessPoint:
    """`AccessPoint` on the first Wi-Fi adapter that can be one. bus_address: of another bus than the system's, for tests."""

    def __init__(
        self, bus_address: str | None = None, addresses: Callable[[], Iterable[str]] = own_addresses
    ) -> None:
        self._bus = SystemBus(NAME, ABSENT, bus_address)
        self._manager = NetworkManagerCalls(self._bus)
        self._addresses = addresses
        self._active = ""

    async def takes_way(self, used: str = "") -> bool | None:
        _, properties = await self._device(used)
        return await self._is_way(properties, used)

    async def open(self, ssid: str, passphrase: str, *, used: str = "", timeout_ms: int = 30_000) -> str:
        await self.close()
        device, properties = await self._device(used)
        await self._manager.watch()
        address = free_address(self._addresses())
        settings = settings_of(ssid, passphrase, str(properties.get("Interface", "")), address)
        connection, is_open = "", False
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                connection, active = await self._begin(settings, device)
                reason = await self._manager.until_active(device, active)
                if reason is not None:
                    raise UnavailableError(
                        WITHOUT_ADDRESSES if reason in NO_ADDRESSES else FAILED, str(reason)
                    )
            is_open, self._active = True, active
        except TimeoutError as error:
            raise TimedOutError(LATE) from error
        finally:
            if connection and not is_open:
                await asyncio.shield(self._remove([connection]))
        return address

    async def is_open(self) -> bool:
        if not self._active:
            return False
        try:
            found = await self._bus.properties(self._active, ACTIVE)
        except UnavailableError:  # the object goes away with it, and NetworkManager with all of them
            return False
        return bool(
            found.get("State") == ACTIVATED and found.get("Id") == OURS
        )  # it numbers anew at its start

    async def close(self) -> None:
        self._active = ""
        with contextlib.suppress(UnavailableError):  # where nothing manages the Wi-Fi nothing of ours is open
            await self._remove(await self._manager.named(OURS))

    async def release(self) -> None:
        """Hang up from the message bus, which ends what is open."""
        self._active = ""
        await self._bus.close()

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _device(self, used: str) -> tuple[str, dict[str, Any]]:
        """Object and properties of the adapter: rather one that is not this machine's way out. Raises HalError."""
        manager = await self._bus.properties(ROOT, NAME)
        devices = await self._manager.wifi_devices()
        if not devices:
            raise UnavailableError(NO_ADAPTER)
        if not (manager.get("WirelessEnabled", True) and manager.get("WirelessHardwareEnabled", True)):
            raise UnavailableError(OFF)
        why, found = NOT_MANAGED, []
        for path, properties in devices:
            state = properties.get("State", 0)
            if state <= UNMANAGED:
                continue
            if state <= UNAVAILABLE:
                why = NOT_READY
            elif (await self._bus.properties(path, WIRELESS)).get(
                "WirelessCapabilities", 0
            ) & CAN_BE_ACCESS_POINT:
                found.append((PREFERRED.index(await self._is_way(properties, used)), path, properties))
            else:
                why = UNABLE
        if not found:
            raise UnavailableError(why)
        return min(found, key=lambda each: each[:2])[1:]

    async def _is_way(self, properties: dict[str, Any], used: str) -> bool | None:
        """As `takes_way`, of one adapter.

        The default route alone does not tell: it may lead nowhere, and at a start the adapter has often not joined yet.
        """
        interface, state = properties.get("Interface", ""), properties.get("State", 0)
        if used and interface == used:
            return True
        active = properties.get("ActiveConnection", NOTHING)
        is_ours = active != NOTHING and (await self._bus.properties(active, ACTIVE)).get("Id") == OURS
        could: bool | None = True
        if is_ours or not PREPARES <= state < DEVICE_FAILED:
            could = await self._manager.would_join(interface)
        elif state < DEVICE_ACTIVATED:
            return True
        if could is False:
            return False
        primary = (await self._bus.properties(ROOT, NAME)).get("PrimaryConnection", NOTHING)
        return could if primary in (active, NOTHING) else None

    async def _begin(self, settings: Settings, device: str) -> tuple[str, str]:
        """Objects of the connection and of its activation. Raises HalError, which holds no passphrase."""
        try:
            return await self._manager.add_and_activate(
                settings, device, persist="volatile", bind_activation="dbus-client"
            )
        except DeniedError as error:
            raise DeniedError(DENIED, error.detail) from None
        except RefusedByServiceError as error:
            raise UnavailableError(REFUSED, error.name) from None

    async def _remove(self, connections: list[str]) -> None:
        """Delete connections, which ends them; what is gone already is no error. Raises HalError."""
        for path in connections:
            with contextlib.suppress(UnavailableError):
                await self._bus.call(path, CONNECTION, "Delete")


def free_address(taken: Iterable[str]) -> str:
    """Our address: the first whose network holds none of `taken`."""
    networks = {address.rpartition(".")[0] for address in taken}
    return next((each for each in ADDRESSES if each.rpartition(".")[0] not in networks), ADDRESSES[0])


def settings_of(ssid: str, passphrase: str, interface: str, address: str) -> Settings:
    """The connection as NetworkManager takes it (nm-settings-dbus(5)). Management frames stay unprotected, as many phones and chips need it."""
    return {
        "connection": {
            "id": Variant("s", OURS),
            "uuid": Variant("s", str(uuid.uuid4())),
            "type": Variant("s", "802-11-wireless"),
            "interface-name": Variant("s", interface),
            "autoconnect": Variant("b", False),
        },
        "802-11-wireless": {
            "ssid": Variant("ay", ssid.encode()),
            "mode": Variant("s", "ap"),
            "band": Variant("s", "bg"),
            "ap-isolation": Variant("i", ISOLATED),
        },
        "802-11-wireless-security": {
            "key-mgmt": Variant("s", "wpa-psk"),
            "proto": Variant("as", ["rsn"]),
            "pairwise": Variant("as", ["ccmp"]),
            "group": Variant("as", ["ccmp"]),
            "psk": Variant("s", passphrase),
            "pmf": Variant("i", PMF_OFF),
            "wps-method": Variant("u", WPS_OFF),
        },
        "ipv4": {
            "method": Variant("s", "shared"),
            "address-data": Variant(
                "aa{sv}", [{"address": Variant("s", address), "prefix": Variant("u", PREFIX)}]
            ),
            "routing-rules": Variant("aa{sv}", rules_of(interface, address)),
        },
        "ipv6": {"method": Variant("s", "disabled")},
    }


def rules_of(interface: str, address: str) -> list[dict[str, Variant]]:
    """What this machine says to those who joined goes; what it would pass on to or from them is refused.

    Its own addresses are found before these rules (table local, priority 0).
    """
    network = {"to": Variant("s", address.rpartition(".")[0] + ".0"), "to-len": Variant("y", PREFIX)}
    return [
        rule(0, TO_MAIN, iifname=Variant("s", "lo"), table=Variant("u", MAIN), **network),
        rule(1, PROHIBIT, **network),
        rule(2, PROHIBIT, iifname=Variant("s", interface)),
    ]


def rule(number: int, action: int, **more: Variant) -> dict[str, Variant]:
    """A routing rule, as NetworkManager writes it on the bus."""
    return {
        "family": Variant("i", int(socket.AF_INET)),
        "priority": Variant("u", FIRST_RULE + number),
        "action": Variant("y", action),
        **more,
    }
