"""What a gateway says to ask for its TLS certificate, and what it is answered: rules without I/O, for every sort of gateway.

The request is a PKCS #10, countersigned by the gateway's identity: a tagged COSE_Sign1 in the shape of every message
(`gateway.core.cose`), external_aad `trygg/v1/enrolment`, whose payload is

    { 1: 1, 2: tenant, 3: gateway, 4: bstr .size 32, 5: bstr }    ; identity's public key, PKCS #10 in DER

It goes over no topic: it is carried as a file (base 64 between two marks) or sent to the municipality's enrolment server, as JSON with
the token in the body of a POST.
"""

import binascii
import json

from gateway.core import cbor, cose, schema, wire
from gateway.core.errors import RefusedError
from gateway.core.schema import REQUIRED, octets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SORT = "enrolment"
BEGIN, END = "-----BEGIN TRYGG REQUEST-----", "-----END TRYGG REQUEST-----"
LINE_BYTES = 57  # 76 letters, as a mail has them
TABLE = wire.table({4: ("identity", octets(32), REQUIRED), 5: ("request", octets(), REQUIRED)})
PATH = "/trygg/v1/enrol"
PORT = 8443
OK = 200
# What the server answers, and what is said of it.
REFUSALS = {
    "unknown": "the server does not know this token: check it, or ask for a new one",
    "expired": "the token has expired: ask for a new one",
    "used": "the token has been used for another request: ask for a new one",
    "other_gateway": "the token is for another gateway: ask for one for this gateway",
    "other_identity": "this gateway is registered with another identity: ask for a token that replaces it",
    "other_tenant": "the server is another tenant's: check the address, and hub.tenant",
    "request": "the server refused the request: bring it to the authority as a file, which says why",
    "busy": "the server cannot answer now: try again in a moment, with the same token",
}
UNREADABLE = "the server's answer cannot be read: check that this is its address"
PEM_BEGIN, PEM_END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


async def make(
    tenant: str, gateway: str, identity: bytes, csr: bytes, sign: "Callable[[bytes], Awaitable[bytes]]"
) -> bytes:
    """The countersigned request. csr: DER. sign: the identity's."""
    fields: "dict[str, object]" = {"version": wire.VERSION, "tenant": tenant, "gateway": gateway}
    fields.update({"identity": identity, "request": csr})
    payload = cbor.encode(schema.write(TABLE, fields))
    protected = cose.protected_header(cose.kid_of(identity))
    signature = await sign(cose.to_be_signed(protected, wire.aad(SORT), payload))
    return cose.assemble(protected, payload, signature)


def to_text(message: bytes) -> str:
    """A request as text that a mail carries."""
    pieces = [message[at : at + LINE_BYTES] for at in range(0, len(message), LINE_BYTES)]
    lines = [str(binascii.b2a_base64(piece), "ascii").strip() for piece in pieces]
    return "\n".join([BEGIN] + lines + [END, ""])


def body(token: str, request: str) -> bytes:
    """What is sent to the server."""
    return json.dumps({"token": token, "request": request}).encode()


def take(status: int, said: bytes) -> "tuple[str, str]":
    """The certificate and its authority's, as PEM. Raises RefusedError: the server says no, or is none."""
    try:
        answer = json.loads(said)
        if status == OK:
            return str(answer["certificate"]), str(answer["ca"])
        code = str(answer["error"])
    except (ValueError, TypeError, KeyError, UnicodeError):
        code = ""
    raise RefusedError(REFUSALS.get(code, UNREADABLE))


def der_of(pem: str) -> "list[bytes]":
    """The certificates of a PEM, as DER. Raises RefusedError: it holds something else, or nothing."""
    found = []
    at = 0
    try:
        while pem.find(PEM_BEGIN, at) >= 0:
            begin = pem.index(PEM_BEGIN, at) + len(PEM_BEGIN)
            end = pem.index(PEM_END, begin)
            found.append(binascii.a2b_base64("".join(pem[begin:end].split())))
            at = end + len(PEM_END)
    except ValueError:
        raise RefusedError(UNREADABLE)
    if not found or not all(found):
        raise RefusedError(UNREADABLE)
    return found
