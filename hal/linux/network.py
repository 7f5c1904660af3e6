"""Ways out of the house as the kernel tells them: /sys/class/net, and addresses by ioctl."""

import fcntl
import socket
import struct
from pathlib import Path

from hal.types import NetworkPath

SYSFS = Path("/sys/class/net")
SIOCGIFADDR = 0x8915  # netdevice(7)
NAME_SIZE = 16
ARPHRD_LOOPBACK, ARPHRD_PPP, ARPHRD_RAWIP = "772", "512", "519"
CELLULAR_NAMES = ("wwan", "ppp", "rmnet")
TUNNEL_NAMES = ("tun", "tap", "wg", "veth", "docker", "br-")


class SysfsNetwork:
    """`root` is another folder in tests."""

    def __init__(self, root: Path = SYSFS) -> None:
        self._root = root

    def paths(self) -> list[NetworkPath]:
        """Interfaces other than loopback, in order of name; none where the folder cannot be read."""
        try:
            folders = sorted(self._root.iterdir())
        except OSError:
            return []
        return [path(folder) for folder in folders if word(folder / "type") != ARPHRD_LOOPBACK]


def path(folder: Path) -> NetworkPath:
    """One interface. An interface whose driver does not tell its state is up where it has an address."""
    address = ipv4_address(folder.name)
    state = word(folder / "operstate")
    up = state == "up" or (state == "unknown" and address is not None)
    return NetworkPath(folder.name, kind(folder), up, address)


def kind(folder: Path) -> str:
    """ethernet, wifi, cellular or other."""
    if (folder / "wireless").exists() or (folder / "phy80211").exists():
        return "wifi"
    if folder.name.startswith(CELLULAR_NAMES) or word(folder / "type") in (ARPHRD_PPP, ARPHRD_RAWIP):
        return "cellular"
    if word(folder / "type") == "1" and not folder.name.startswith(TUNNEL_NAMES):
        return "ethernet"
    return "other"


def word(file: Path) -> str:
    """Content of a small file, empty where it is not there."""
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def ipv4_address(name: str) -> str | None:
    """The interface's address, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("256s", name.encode()[: NAME_SIZE - 1])
        try:
            answer = fcntl.ioctl(probe.fileno(), SIOCGIFADDR, request)
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])
