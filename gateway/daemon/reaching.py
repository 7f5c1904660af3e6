"""Reaching a broker: TCP over one interface or as the system routes, and whether it could be done at all.

Name look-up, TCP connect and TLS handshake block, so they run in a short-lived daemon thread.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable

from gateway.core.config_fields import Broker
from gateway.daemon.mqtt_tls import TlsFiles, tls_context, translate

ADDRESS_TIMEOUT_S = 5.0  # for each address that a name has


def tcp(host: str, port: int, interface: str | None, timeout_s: float = ADDRESS_TIMEOUT_S) -> socket.socket:
    """A connection to the first address that answers, sent out over `interface` alone where one is given.

    The kernel lets any process bind a socket to an interface since Linux 5.7; the name is looked up as the system
    routes all the same.

    Raises:
        OSError: none answered, or there is no such interface.
    """
    if interface is None:
        return socket.create_connection((host, port), timeout=timeout_s)
    failure: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(timeout_s)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def probe(broker: Broker, tls: TlsFiles | None, interface: str | None) -> None:
    """TCP, and TLS where the broker speaks it; nothing of MQTT. Raises HalError as `Uplink.connect`."""
    try:
        with tcp(broker.host, broker.port, interface) as sock:
            if broker.tls and tls is not None:
                with tls_context(tls).wrap_socket(sock, server_hostname=broker.host):
                    pass
    except OSError as error:
        raise translate(error, broker) from error


async def in_daemon_thread(work: Callable[[], None], too_late: Callable[[], None]) -> None:
    """Do `work` in a thread which neither a cancelled caller nor the end of the process waits for.

    Raises what `work` raises. `too_late` undoes it where nobody waits any more; it is called in the loop's thread, or
    in the other where the loop has ended.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if outcome.done():
            too_late()
        elif error is None:
            outcome.set_result(None)
        else:
            outcome.set_exception(error)

    def thread() -> None:
        failure: Exception | None = None
        try:
            work()
        except Exception as error:  # noqa: BLE001  handed to the caller, who must not wait for ever
            failure = error
        try:
            loop.call_soon_threadsafe(settle, failure)
        except RuntimeError:  # the loop is closed
            with contextlib.suppress(OSError):
                too_late()

    threading.Thread(target=thread, name="mqtt-connect", daemon=True).start()
    await outcome
