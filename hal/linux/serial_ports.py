"""Serial ports over pyserial: what it opens by path or URL, and adapters by what they are.

`/dev/ttyUSB0`, `/dev/serial/by-id/...`, `socket://host:port`, `usb:0403:6001/FT1ABCDE`.
Where the port has a file descriptor the event loop watches it; nothing polls. Where it has none (`loop://`,
`rfc2217://`) a thread reads.
"""

import asyncio
import errno
from collections.abc import Callable, Iterable

import serial

from hal.errors import DeniedError, HalError, UnavailableError
from hal.interfaces import SerialPort
from hal.linux.serial_fd import FdSerialPort
from hal.linux.serial_names import Listed, listed_ports, path_of
from hal.linux.serial_thread import PATIENCE_S, ThreadSerialPort

PARITIES = {"N": serial.PARITY_NONE, "E": serial.PARITY_EVEN, "O": serial.PARITY_ODD}
REFUSED = (errno.EACCES, errno.EPERM)
IN_USE = (errno.EAGAIN, errno.EBUSY)


class PyserialPorts:
    """`SerialPorts` of a Linux machine. `listed` names the ports that there are."""

    def __init__(self, listed: Callable[[], Iterable[Listed]] = listed_ports) -> None:
        self._listed = listed

    async def open(self, url: str, *, baud: int = 115_200, parity: str = "N") -> SerialPort:
        """Open exclusively, 8 data bits, 1 stop bit, no flow control; `parity` is N, E or O.

        Raises:
            UnavailableError: no such port, or it is no serial port.
            DeniedError: another program has it, or we may not use it.
        """
        opening = asyncio.ensure_future(asyncio.to_thread(_open, url, baud, parity, self._listed))
        try:
            native = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread goes on; what it opens must not stay locked.
            opening.add_done_callback(_close_unwanted)
            raise
        if not _has_descriptor(native):
            return ThreadSerialPort(native, url)
        return FdSerialPort(native, native.fileno(), url)


def _open(url: str, baud: int, parity: str, listed: Callable[[], Iterable[Listed]]) -> serial.SerialBase:
    path = path_of(url, listed)
    try:
        native = serial.serial_for_url(
            path, baudrate=baud, parity=PARITIES[parity], timeout=0, write_timeout=None, exclusive=True
        )
        if not _has_descriptor(native):
            native.timeout = PATIENCE_S  # in this thread: over rfc2217:// the network is asked for it
        return native
    except (OSError, ValueError) as error:  # serial.SerialException is an OSError
        raise _open_error(error, url) from error


def _has_descriptor(native: serial.SerialBase) -> bool:
    try:
        native.fileno()
    except OSError:  # io.UnsupportedOperation: no descriptor behind this URL
        return False
    return True


def _open_error(error: OSError | ValueError, url: str) -> HalError:
    number = getattr(error, "errno", None)
    if number in REFUSED:
        return DeniedError(
            f"no permission for serial port {url}: let the gateway's user join group dialout", str(error)
        )
    if number in IN_USE:
        return DeniedError(f"serial port {url} is in use: stop the other program", str(error))
    return UnavailableError(f"no serial port {url}: check the cable and the name", str(error))


def _close_unwanted(opening: "asyncio.Future[serial.SerialBase]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
