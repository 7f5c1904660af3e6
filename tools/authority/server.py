"""The enrolment server: requests of gateways with a token, over TLS, one answer each.

It holds the TLS authority's key and not the root key. A gateway knows it by the authority's certificate, which the district
profile brought. A body is at most 16 KiB, a connection lasts at most twenty seconds, sixteen at once.
"""

import json
import socket
import sqlite3
import ssl
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from gateway.core.enrolling import PATH
from gateway.core.errors import ConfigError, DecodeError, RefusedError
from gateway.daemon import enrolment
from tools.authority import issuing
from tools.authority.folder import Folder
from tools.authority.given import check_readable
from tools.authority.register import EnrolmentError, Register

LARGEST, AT_ONCE = 16 * 1024, 16
TIMEOUT_S, LIMIT_S = 10.0, 20.0  # for one wait, and for a whole connection
Say = Callable[[str, str, str], None]  # what became of it, gateway or "", cause or ""


class EnrolmentServer(ThreadingHTTPServer):
    """Listens on `address`; `serve_forever` serves until `shutdown`."""

    daemon_threads = False
    block_on_close = True

    def __init__(
        self,
        address: tuple[str, int],
        folder: Folder,
        authority: issuing.Authority,
        credentials: tuple[Path, Path],
        say: Say,
    ) -> None:
        self.folder = folder
        self.authority = authority
        self.say = say
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.slots = threading.Semaphore(AT_ONCE)
        self.limit_s = LIMIT_S
        self.turn = threading.Lock()  # one request at a time: register and registry move together
        self.prove_with(*credentials)
        try:
            super().__init__(address, Handler)
        except OSError as error:
            found = f"what cannot be listened at ({error.strerror})"
            expected = "an address of this machine, and a free port"
            raise ConfigError("--listen, --port", found, expected, "command line") from error

    def prove_with(self, certificate: Path, key: Path) -> None:
        """Show this certificate from now on. Raises ConfigError."""
        for option, path in (("--cert", certificate), ("--key", key)):
            check_readable(option, path)
        try:
            self.context.load_cert_chain(certificate, key, password=nobody_asks)
        except (ssl.SSLError, ValueError) as error:
            found = "two that do not fit each other, or a key under a passphrase"
            expected = "a certificate and its private key, as trygg-kit ca issue makes them"
            raise ConfigError("--cert, --key", found, expected, "command line") from error

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for each connection, while there are not too many."""
        if not self.slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The handshake is made here, where a peer that says nothing, or a byte now and then, keeps nobody waiting."""
        try:
            request.settimeout(TIMEOUT_S)
            request = self.context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        except OSError:  # it has gone already
            self.shutdown_request(request)
            self.slots.release()
            return
        cut = threading.Timer(self.limit_s, hang_up, (request,))
        cut.start()
        try:
            request.do_handshake()
            super().process_request_thread(request, client_address)
        except OSError:
            self.shutdown_request(request)
        finally:
            cut.cancel()
            cut.join()
            self.slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that hung up."""
        self.say("broken", "", "")

    def answer(self, body: bytes) -> tuple[HTTPStatus, dict[str, str]]:
        """What is said to a body, and what is logged of it. No token is logged."""
        gateway = ""
        try:
            asked = json.loads(body)
            request = enrolment.read(enrolment.from_text(str(asked["request"])))
            gateway = request.gateway
            with self.turn, Register(self.folder) as register:
                text = register.enrol(str(asked["token"]), request, self.authority)
        except EnrolmentError as error:
            return self.refuse(error.code, gateway, error.reason)
        except (DecodeError, RefusedError) as error:
            return self.refuse("request", gateway, error.reason)
        except (ValueError, TypeError, KeyError, RecursionError):
            return self.refuse("request", gateway, "no request of a gateway")
        except (sqlite3.Error, OSError, ConfigError) as error:
            self.say("failed", gateway, str(error))
            return HTTPStatus.SERVICE_UNAVAILABLE, {"error": "busy"}
        self.say("enrolled", gateway, "")
        authority = issuing.pem(self.authority.certificate)
        return HTTPStatus.OK, {"certificate": text.decode(), "ca": authority.decode()}

    def refuse(self, code: str, gateway: str, reason: str) -> tuple[HTTPStatus, dict[str, str]]:
        """One refusal."""
        self.say("refused", gateway, reason)
        return HTTPStatus.FORBIDDEN, {"error": code}


def nobody_asks() -> str:
    """OpenSSL would ask for a key's passphrase at the terminal, in its own words."""
    raise ValueError("a key under a passphrase")


def hang_up(connection: socket.socket) -> None:
    """End a connection that another thread waits for."""
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        pass


class Handler(BaseHTTPRequestHandler):
    """One request a connection."""

    server: EnrolmentServer
    server_version, sys_version = "trygg", ""
    timeout = TIMEOUT_S

    def do_POST(self) -> None:
        """The one thing there is."""
        length = self.headers.get("Content-Length", "")
        if self.path != PATH or not length.isdecimal() or int(length) > LARGEST:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        status, said = self.server.answer(self.rfile.read(int(length)))
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is http.server's
        """What becomes of requests is said by the server."""
