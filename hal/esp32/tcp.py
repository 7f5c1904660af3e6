"""TCP and TLS streams of MicroPython, on a board and on the unix port; what goes wrong is said as `Uplink.connect` says it.

Name look-up blocks: MicroPython has no other. TLS is 1.2; credentials are DER, for mbedTLS is built without PEM on boards.
"""

import asyncio
import errno
import socket
import ssl

from hal.errors import DeniedError, TimedOutError, UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.errors import HalError

READ_BYTES = 512
IPPROTO_TCP, TCP_NODELAY = 6, 1  # the unix port's socket module does not name them
EPIPE = 32  # nor does any port's errno
# mbedTLS, ssl.h: the broker sent a fatal alert; it hung up in the middle of the handshake.
FATAL_ALERT, CONN_EOF = -0x7780, -0x7280
# Alerts of a broker that does not take our certificate: RFC 5246 7.2.2 (42 to 49), RFC 8446 6.2 (116).
CERTIFICATE_ALERTS = (42, 43, 44, 45, 46, 48, 49, 116)
# Beginnings of mbedTLS's words for why a certificate does not hold, x509.h (X509_CRT_ERROR_INFO_LIST).
WRONG_NAME = "The certificate Common Name (CN) does not match"
WRONG_TIME = ("The certificate validity has expired", "The certificate validity starts in the future")


class Credentials:
    """Whom we trust, who we are and our private key, each as DER."""

    __slots__ = ("ca", "certificate", "key")

    def __init__(self, ca: bytes, certificate: bytes, key: bytes) -> None:
        self.ca = ca
        self.certificate = certificate
        self.key = key


def context(credentials: Credentials) -> "ssl.SSLContext":
    """Mutual TLS: the broker's certificate is checked, its name too (by `server_hostname`), and ours is shown.

    Raises:
        DeniedError: DER that cannot be read, or a key of another certificate.
    """
    made = trusting(credentials.ca)
    try:
        made.load_cert_chain(credentials.certificate, credentials.key)
    except (OSError, ValueError) as error:
        raise DeniedError(
            "our certificate and its key cannot be read as DER: provision this gateway again", str(error)
        )
    return made


def trusting(ca: bytes) -> "ssl.SSLContext":
    """TLS in which the other end alone shows who it is, by this authority. Raises DeniedError: DER that cannot be read."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.verify_mode = ssl.CERT_REQUIRED  # the default of ssl.wrap_socket verifies nothing
    try:
        made.load_verify_locations(cadata=ca)
    except (OSError, ValueError) as error:
        raise DeniedError(
            "the authority's certificate cannot be read as DER: provision this gateway again", str(error)
        )
    return made


class TcpStream:
    """An open connection, plain or TLS. One task reads and one writes, and neither is cancelled by itself."""

    def __init__(self, sock: "Any") -> None:
        self._sock = sock
        self._stream = asyncio.StreamReader(sock)  # on MicroPython the same class as StreamWriter
        self._buffer = bytearray(READ_BYTES)

    async def read(self) -> "bytes | memoryview":
        """What is there, at most READ_BYTES; nothing at the end."""
        while True:
            size = await self._stream.readinto(self._buffer)
            if size is not None:  # None: TLS needed more before it had something to give
                return memoryview(self._buffer)[:size]

    async def write(self, data: bytes) -> None:
        """All of it."""
        self._stream.write(data)  # type: ignore[attr-defined]
        await self._stream.drain()  # type: ignore[attr-defined]

    def close(self, last: bytes = b"") -> None:
        """Close at once."""
        try:
            if last:
                self._sock.write(last)
            self._sock.close()
        except (OSError, ValueError):
            pass  # it is gone already


async def dial(
    host: str,
    port: int,
    name: str,
    tls: "ssl.SSLContext | None",
    first: bytes,
    source: "str | None" = None,
) -> TcpStream:
    """Connect, with `tls` shake hands, and say `first`: nothing of it goes before the broker is known to be the right one.

    MicroPython tells by nothing but a write that has succeeded that a handshake is done.

    Args:
        host: a name or an address; what the broker's certificate must be for.
        port: where it listens.
        name: of the broker, for errors.
        tls: from `context`, or None for a broker without TLS.
        first: at least one byte.
        source: address of the interface to go out by.

    Raises:
        UnavailableError, DeniedError, TimedOutError.
    """
    address = look_up(host, port)
    raw: "Any" = None
    sock: "Any" = None
    try:
        raw = sock = open_socket(address, source)
        await until_writable(sock)
        if tls is not None:
            sock = tls.wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
            sock.setblocking(False)
        await say(sock, first)
        return TcpStream(sock)
    except (OSError, ValueError) as error:
        refused = tls is not None and refuses_certificate(error, raw)
        close(sock)
        raise translate(error, name, host, tls is not None, refused)
    except BaseException:
        close(sock)
        raise


def look_up(host: str, port: int) -> "Any":
    """The first address that a name has. Raises UnavailableError."""
    try:
        return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UnavailableError(
            "the name " + host + " is not found: check the network and its DNS", str(error)
        )


def open_socket(found: "Any", source: "str | None") -> "Any":
    """A socket that is connecting."""
    sock: "Any" = socket.socket(found[0], found[1], found[2])
    try:
        sock.setblocking(False)
        try:
            sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        except OSError:
            pass  # a port without it is slower by what Nagle waits
        if source is not None:
            sock.bind(socket.getaddrinfo(source, 0)[0][-1])
        try:
            sock.connect(found[-1])
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
    except BaseException:
        sock.close()
        raise
    return sock


def until_writable(sock: "Any") -> "Any":
    """Until TCP stands, or has failed: then the next operation says why. A generator is what MicroPython awaits."""
    yield asyncio.core._io_queue.queue_write(sock)  # type: ignore[attr-defined]


async def say(sock: "Any", data: bytes) -> None:
    """All of `data`. Within a handshake the socket is ready when that can go on, whichever way it waits."""
    while data:
        size = sock.write(data)
        if size is not None:
            data = data[size:]
        await until_writable(sock)


def refuses_certificate(error: Exception, raw: "Any") -> bool:
    """Whether the broker hung up with an alert about our certificate.

    mbedTLS reads no alert once a write has failed: it lies unread in the socket below, as one record in plain bytes.
    """
    number = getattr(error, "errno", None)
    if number == FATAL_ALERT:
        return True
    if number not in (EPIPE, errno.ECONNRESET):
        return False
    try:
        record = raw.read(7) or b""
    except OSError:
        return False
    return len(record) == 7 and record[0] == 21 and record[6] in CERTIFICATE_ALERTS


def close(sock: "Any") -> None:
    """Close what may not be there."""
    if sock is not None:
        try:
            sock.close()
        except (OSError, ValueError):
            pass


def translate(error: Exception, name: str, host: str, tls: bool, refused: bool) -> "HalError":
    """Why a broker could not be reached, with what to do next."""
    detail = type(error).__name__ + ": " + str(error).strip()
    if isinstance(error, ValueError):  # mbedTLS's words on a certificate
        return DeniedError(judged(str(error), name, host), detail)
    number = error.errno if isinstance(error, OSError) else None
    if refused:
        return DeniedError(
            name
            + " refuses our certificate: check [uplink] certificate, and that the broker knows its authority",
            detail,
        )
    if number in (CONN_EOF, errno.ECONNRESET, EPIPE):
        port = "TLS port" if tls else "port without TLS"
        return UnavailableError(name + " hung up: check that this is its " + port, detail)
    if number == errno.ECONNREFUSED:
        return UnavailableError("nothing listens at " + name + ": check the broker and the port", detail)
    if number == errno.ETIMEDOUT:
        return TimedOutError(name + " does not answer: check the network and firewalls", detail)
    if number is not None and number <= -0x1000:
        return DeniedError(
            name + " refused TLS: check that it trusts our certificate and that this is its TLS port", detail
        )
    return UnavailableError(name + " cannot be reached: check the network", detail)


def judged(words: str, name: str, host: str) -> str:
    """Why the broker's certificate is not taken. The name comes first: another broker's dates are no concern of ours."""
    if WRONG_NAME in words:
        return (
            "the certificate of "
            + name
            + " is not for "
            + host
            + ": check [uplink] brokers, or have it reissued"
        )
    for text in WRONG_TIME:
        if text in words:
            return (
                "the certificate of "
                + name
                + " is not valid at this time: check this gateway's clock, or renew it"
            )
    return "the certificate of " + name + " is not from our authority: check [uplink] ca"
