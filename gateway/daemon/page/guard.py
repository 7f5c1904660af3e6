"""What every request passes before the page sees it, and what every answer bears.

Whoever asks is on the local network, names the page by an address that is its own (a foreign name means that a web page
elsewhere has pointed its name at us), sends forms from our own pages only, and nothing large.
"""

import ipaddress
import json
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_FORM = 64 * 1024
SAFE_METHODS = ("GET", "HEAD")
METHODS = (*SAFE_METHODS, "POST")
OWN_SITES = ("same-origin", "none")  # "none": typed, or from a QR code

HEADERS = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
            b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
    ),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),  # "no-referrer" would take Origin from our own forms
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class Guard:
    """ASGI around the page. `names` are host names that are ours; addresses are those that connections come in at."""

    def __init__(self, app: ASGIApp, names: Iterable[str], refused: Callable[[str], None]) -> None:
        self._app = app
        self._names = frozenset(names)
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, why = self._verdict(scope)
        if status:
            self._refused(why)
            await answer(send, status, why)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _verdict(self, scope: Scope) -> tuple[int, str]:
        """Status and reason of a refusal; 0 where there is none."""
        headers = {}
        for name, value in scope["headers"]:
            if name in headers and name in (b"host", b"origin", b"content-length"):
                return 400, "a header twice"
            headers[name] = value.decode("latin-1")
        if not is_near(scope):
            return 403, "not from the local network"
        if scope["method"] not in METHODS:
            return 405, "no such method"
        host = headers.get(b"host", "")
        if not self._is_ours(host, scope):
            return 421, "not the name or address of this gateway"
        if scope["method"] not in SAFE_METHODS:
            origin = headers.get(b"origin")
            if origin is not None and origin != f"https://{host}":
                return 403, "a form of another site"
            if headers.get(b"sec-fetch-site", "none") not in OWN_SITES:
                return 403, "a form of another site"
            if b"transfer-encoding" in headers:
                return 411, "a form without a length"
            length = headers.get(b"content-length", "0")
            if not (length.isascii() and length.isdigit()) or int(length[:9]) > LARGEST_FORM:
                return 413, "a form that is too large"
        return 0, ""

    def _is_ours(self, host: str, scope: Scope) -> bool:
        """Whether a Host header names the address that the connection came in at, or this machine."""
        if any(letter in host for letter in "/@?#\\ "):
            return False
        try:
            parts = urlsplit(f"//{host}")
            name, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            return False
        address, own_port = scope["server"] or ("", None)
        if (port or 443) != own_port:
            return False
        return name in self._names or same_address(name, address)


def same_address(name: str, address: str) -> bool:
    """Whether a text is that IP address."""
    try:
        return plain_address(name) == plain_address(address)
    except ValueError:
        return False


def plain_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address without its zone, and IPv4 in IPv6 as IPv4. Raises ValueError."""
    found = ipaddress.ip_address(text.partition("%")[0])
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found


def is_near(scope: Scope) -> bool:
    """Whether whoever asks has an address of a local network (RFC 1918, RFC 4193, link-local), or is this machine."""
    client = scope["client"]
    try:
        address = plain_address(client[0]) if client else None
    except ValueError:
        return False
    return address is not None and (address.is_private or address.is_link_local or address.is_loopback)


async def answer(send: Send, status: int, why: str) -> None:
    """A refusal that nobody reads who came by our own pages."""
    body = json.dumps({"error": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
