"""Asks the municipality's enrolment server for a certificate, with a token that counts once."""

import http.client
import ssl
import urllib.parse
from pathlib import Path

from gateway.core import enrolling
from gateway.core.enrolling import PATH, PORT
from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon import typed_codes

TIMEOUT_S = 20.0
LARGEST = 64 * 1024
TOKEN_BYTES = 16


def check_token(token: str) -> str:
    """A token as it was typed, in its one spelling. Raises ConfigError."""
    secret = typed_codes.read(typed_codes.TOKEN, token, TOKEN_BYTES)
    if secret is None:
        raise ConfigError("--token", "a token with a typing error", "it as it was printed", "command line")
    return typed_codes.seal(typed_codes.TOKEN, secret)


def enrol(url: str, token: str, request: str, ca: Path) -> bytes:
    """The certificate and its authority's, in PEM.

    Raises:
        ConfigError: no such address, or no authority to check the server by.
        RefusedError: the server is not reached, is not the authority's, or says no.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port or PORT
    except ValueError:
        parts, host, port = urllib.parse.urlsplit(""), None, PORT
    if parts.scheme != "https" or not host or parts.path not in ("", "/") or parts.username or parts.query:
        raise ConfigError("--enrol", repr(url), "https://host:port", "command line")
    if not ca.is_file():
        raise ConfigError("uplink.ca", str(ca), "the authority's certificate, by which the server is known")
    body = enrolling.body(check_token(token), request)
    try:
        context = ssl.create_default_context(cafile=str(ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
        try:
            connection.request("POST", PATH, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            status, said = answer.status, answer.read(LARGEST + 1)
        finally:
            connection.close()
    except ssl.SSLCertVerificationError as error:
        raise RefusedError(
            "the server is not known to our authority: check the address, and uplink.ca"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise RefusedError(
            "the enrolment server cannot be reached: check the network, and try again"
        ) from error
    certificate, authority = enrolling.take(status, said[:LARGEST])
    return certificate.encode() + authority.encode()
