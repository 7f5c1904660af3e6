"""What of a gateway's request for its certificate is fuzzed: the whole, and the PKCS #10 within, which no signature of ours guards."""

import asyncio
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.errors import DecodeError, RefusedError
from gateway.daemon import enrolment
from tests.gateway.fuzz.harness import Target

IDENTITY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
# Of `trygg identity` with a key that was thrown away: such a signature is another each time it is made.
PKCS10 = bytes.fromhex(
    "3081cc307402010030123110300e06035504030c0767772d303030313059301306072a8648ce3d020106082a8648ce3d"
    "03010703420004f863dff477d3a4344b9f329425485b9eb7ea37bd383efbde530091ef4533992af72b239cfd2b51b4b9"
    "5fd393d64ffbea9a9ac912f9074192822e94416fb22882a000300a06082a8648ce3d040302034800304502206db747f1"
    "3c00e9a11afb4601d886a1df5a698da892db3d4a55353de3ea3304ba02210087be478e83e251ba76de3d19a84d58eda9"
    "fcb9e98ee8528748b177d800fdd969"
)


async def sign(message: bytes) -> bytes:
    return IDENTITY.sign(message)


def message(csr: bytes) -> bytes:
    """A request whose outer signature holds."""
    public = IDENTITY.public_key().public_bytes_raw()
    return asyncio.run(enrolment.make("oslo", "gw-0001", public, csr, sign))


GOOD = message(PKCS10)


def refusing(read: Callable[[bytes], object], good: bytes) -> Callable[[bytes], None]:
    """Takes the one good input and refuses every other."""

    def take(data: bytes) -> None:
        try:
            read(data)
        except RefusedError as error:
            raise DecodeError(error.reason) from None
        assert data == good, "a request that nobody signed was accepted"

    return take


def read_text(data: bytes) -> object:
    """A request as the mail brings it."""
    return enrolment.read(enrolment.from_text(data.decode("utf-8", "surrogateescape")))


def texts() -> Callable[[bytes], None]:
    """Text may be laid out in many ways; what is in it is the same."""

    def take(data: bytes) -> None:
        try:
            read_text(data)
        except RefusedError as error:
            raise DecodeError(error.reason) from None

    return take


ENROLMENT_TARGETS: tuple[Target, ...] = (
    Target("enrolment message", (GOOD,), lambda: refusing(enrolment.read, GOOD)),
    Target(
        "enrolment PKCS #10", (PKCS10,), lambda: refusing(lambda data: enrolment.read(message(data)), PKCS10)
    ),
    Target("enrolment text", (enrolment.to_text(GOOD).encode(),), texts),
)
