"""The Wi-Fi of a Linux machine, through NetworkManager on the system's message bus.

A network is tried out as a connection in memory and written to disk only when it has let us in: a power cut in between leaves what
was there before. NetworkManager goes back to that by itself when the new connection is deleted. The error's `detail` is left empty where NetworkManager's words may hold the network's name.
"""

import asyncio
import contextlib
import uuid
from typing import Any

from dbus_fast import Variant

from hal.errors import DeniedError, HalError, TimedOutError, UnavailableError
from hal.linux.network_manager import CONNECTION, NAME, UNAVAILABLE, WIRELESS, NetworkManagerCalls
from hal.linux.system_bus import RefusedByServiceError, SystemBus
from hal.types import WifiSeen

POINT = NAME + ".AccessPoint"
# NM_DEVICE_STATE_REASON_*: secrets, supplicant: what a wrong password comes to
NO_SECRETS = (7, 8, 9, 10, 11)
NOT_FOUND = 53  # NM_DEVICE_STATE_REASON_SSID_NOT_FOUND
PRIVACY = 1  # NM_802_11_AP_FLAGS_PRIVACY
OURS = "Trygg Wi-Fi"  # name of the connection in NetworkManager, whatever the network is called
SCAN_S = 10.0
KEY_DIGITS = 64
ABSENT = "NetworkManager does not run: start it (systemctl start NetworkManager), or use a cable"
NO_WIFI = "this machine has no Wi-Fi that is on: switch it on, or use a cable"


class NetworkManagerWifi:
    """`Wifi` of the first Wi-Fi device. bus_address: of another bus than the system's, for tests."""

    def __init__(self, bus_address: str | None = None) -> None:
        self._bus = SystemBus(NAME, ABSENT, bus_address)
        self._manager = NetworkManagerCalls(self._bus)

    async def scan(self) -> list[WifiSeen]:
        device = await self._device()
        await self._manager.watch()
        before = (await self._bus.properties(device, WIRELESS)).get("LastScan", -1)
        with contextlib.suppress(RefusedByServiceError):  # it has just scanned, or is at it
            await self._bus.call(device, WIRELESS, "RequestScan", "a{sv}", {})
            with contextlib.suppress(TimeoutError):  # what is known by then is what there is
                async with asyncio.timeout(SCAN_S):
                    while (await self._bus.properties(device, WIRELESS)).get("LastScan", -1) == before:
                        await self._manager.news.wait()
                        self._manager.news.clear()
        (paths,) = await self._bus.call(device, WIRELESS, "GetAllAccessPoints")
        found: dict[str, WifiSeen] = {}
        for path in paths:
            with contextlib.suppress(UnavailableError):  # gone since
                seen = seen_of(await self._bus.properties(path, POINT))
                if seen is not None and (seen.ssid not in found or found[seen.ssid].rssi_dbm < seen.rssi_dbm):
                    found[seen.ssid] = seen
        return sorted(found.values(), key=lambda each: -each.rssi_dbm)

    async def join(self, ssid: str, password: str, *, timeout_ms: int = 30_000) -> None:
        device = await self._device()
        await self._manager.watch()
        connection = ""
        joined = False
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                connection, active = await self._begin(device, ssid, password)
                reason = await self._manager.until_active(device, active)
                if reason is not None:
                    raise why(reason)
                await self._bus.call(connection, CONNECTION, "Save")
            joined = True
        except TimeoutError as error:
            raise TimedOutError(
                "the network did not let us in in time: go closer to it, or try again"
            ) from error
        finally:
            if connection and not joined:
                await asyncio.shield(self._delete(connection))
        await self._forget_others(connection)

    async def close(self) -> None:
        """Hang up from the message bus."""
        await self._bus.close()

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _device(self) -> str:
        """Object of the first Wi-Fi device that is managed and on. Raises UnavailableError, DeniedError."""
        for path, properties in await self._manager.wifi_devices():
            if properties.get("State", 0) > UNAVAILABLE:
                return path
        raise UnavailableError(NO_WIFI)

    async def _begin(self, device: str, ssid: str, password: str) -> tuple[str, str]:
        """Objects of the connection and of its activation. Raises HalError."""
        try:
            return await self._manager.add_and_activate(
                connection_of(ssid, password), device, persist="memory"
            )
        except RefusedByServiceError as error:
            if error.name.endswith(("InvalidProperty", "InvalidSetting", "MissingProperty")):
                raise DeniedError("the network did not take the password: type it again") from None
            raise UnavailableError(
                "NetworkManager did not take the network: see its log", error.name
            ) from None

    async def _delete(self, connection: str) -> None:
        with contextlib.suppress(HalError):
            await self._bus.call(connection, CONNECTION, "Delete")

    async def _forget_others(self, kept: str) -> None:
        """Delete networks that were given this way before: one of them may be a neighbour's by now."""
        with contextlib.suppress(HalError):
            for path in await self._manager.named(OURS):
                if path != kept:
                    await self._delete(path)


def why(reason: int) -> HalError:
    """Why a network did not let us in."""
    if reason in NO_SECRETS:
        return DeniedError("the network did not take the password: type it again", str(reason))
    if reason == NOT_FOUND:
        return UnavailableError(
            "no such network is in reach: check its name, and go closer to it", str(reason)
        )
    return UnavailableError("the network did not let us in: go closer to it, or try again", str(reason))


def seen_of(properties: dict[str, Any]) -> WifiSeen | None:
    """An access point, or None for one that hides its name or has none that is text."""
    try:
        ssid = bytes(properties.get("Ssid", b"")).decode()
    except UnicodeDecodeError:
        return None
    if not ssid.strip("\0"):
        return None
    # NetworkManager tells per cent, of -100 to -50 dBm or so (nm-wifi-utils)
    strength = int(properties.get("Strength", 0))
    protected = any(properties.get(name, 0) for name in ("WpaFlags", "RsnFlags")) or bool(
        properties.get("Flags", 0) & PRIVACY
    )
    return WifiSeen(ssid, strength // 2 - 100, protected)


def connection_of(ssid: str, password: str) -> dict[str, dict[str, Variant]]:
    """A connection as NetworkManager takes it (nm-settings-dbus(5)); WPA2 or WPA3, whichever the network has."""
    found = {
        "connection": {
            "id": Variant("s", OURS),
            "uuid": Variant("s", str(uuid.uuid4())),
            "type": Variant("s", "802-11-wireless"),
        },
        "802-11-wireless": {"ssid": Variant("ay", ssid.encode()), "mode": Variant("s", "infrastructure")},
        "ipv4": {"method": Variant("s", "auto")},
        "ipv6": {"method": Variant("s", "auto")},
    }
    if password:
        found["802-11-wireless-security"] = {
            "key-mgmt": Variant("s", "wpa-psk"),
            "psk": Variant("s", password),
        }
    return found
