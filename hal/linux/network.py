"""Ways out of the house as the kernel tells them: /sys/class/net, addresses by ioctl, and the table of routes."""

import fcntl
import socket
import struct
from pathlib import Path

from hal.types import NetworkPath

SYSFS = Path("/sys/class/net")
ROUTES = Path("/proc/net/route")  # proc(5); numbers are hexadecimal, the metric is not
ANYWHERE = "00000000"
SIOCGIFADDR = 0x8915  # netdevice(7)
NAME_SIZE = 16
ARPHRD_LOOPBACK, ARPHRD_PPP, ARPHRD_RAWIP = "772", "512", "519"
CELLULAR_NAMES = ("wwan", "ppp", "rmnet")
TUNNEL_NAMES = ("tun", "tap", "wg", "veth", "docker", "br-")


class SysfsNetwork:
    """`root` and `routes` are others in tests."""

    def __init__(self, root: Path = SYSFS, routes: Path = ROUTES) -> None:
        self._root = root
        self._routes = routes

    def paths(self) -> list[NetworkPath]:
        """Interfaces other than loopback, in order of name; none where the folder cannot be read."""
        try:
            folders = sorted(self._root.iterdir())
        except OSError:
            return []
        routed = default_interface(self._routes)
        return [path(folder, routed) for folder in folders if word(folder / "type") != ARPHRD_LOOPBACK]


def default_interface(routes: Path) -> str | None:
    """The interface of the default route with the lowest metric, or None."""
    rows = [line.split() for line in word(routes).splitlines()[1:]]
    found = [
        (int(row[6]), row[0]) for row in rows if len(row) > 6 and row[1] == ANYWHERE and row[6].isdigit()
    ]
    return min(found)[1] if found else None


def path(folder: Path, routed: str | None = None) -> NetworkPath:
    """One interface. An interface whose driver does not tell its state is up where it has an address."""
    address = ipv4_address(folder.name)
    state = word(folder / "operstate")
    up = state == "up" or (state == "unknown" and address is not None)
    return NetworkPath(folder.name, kind(folder), up, address, folder.name == routed)


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
