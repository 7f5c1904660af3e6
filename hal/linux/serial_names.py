"""Serial ports by what the adapter is: `usb:VID:PID`, with its serial number where there is more than one of that make.

A name under `/dev/serial/by-id` says the same and is a path; this one also finds an adapter on a machine without udev's rules,
and after it has come back under another name. It is looked up at each opening.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from serial.tools.list_ports import comports

from hal.errors import UnavailableError

SCHEME = "usb:"


class Listed(Protocol):
    """What pyserial says of a port."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None


def listed_ports() -> Iterable[Listed]:
    """Every port of this machine."""
    return comports()


def near_ports(listed: Callable[[], Iterable[Listed]] = listed_ports) -> list[tuple[str, str]]:
    """(name for a configuration, what the adapter says that it is) of the ports that somebody has plugged in."""
    found = []
    for port in listed():
        if port.vid is not None:
            name = f"{SCHEME}{port.vid:04x}:{port.pid or 0:04x}"
            name += f"/{port.serial_number}" if port.serial_number else ""
            found.append((name, str(getattr(port, "description", None) or port.device)))
    return sorted(found)


def path_of(url: str, listed: Callable[[], Iterable[Listed]] = listed_ports) -> str:
    """The path of a port by what its adapter is; any other name or URL as it stands.

    Raises:
        UnavailableError: no such adapter, or several that the name does not tell apart.
    """
    if not url.startswith(SCHEME):
        return url
    ids, _, serial_number = url[len(SCHEME) :].partition("/")
    found = sorted(
        port.device
        for port in listed()
        if port.vid is not None
        and f"{port.vid:04x}:{port.pid or 0:04x}" == ids
        and serial_number in ("", port.serial_number)
    )
    if not found:
        raise UnavailableError(f"no serial port {url}: check the cable and the name", "no such USB adapter")
    if len(found) > 1:
        detail = ", ".join(found)
        raise UnavailableError(
            f"several serial ports are {url}: put the serial number of the right one behind it", detail
        )
    return found[0]
