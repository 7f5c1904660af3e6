"""A board asks for its TLS certificate, once, with the token that it was told: the key is made here and leaves nowhere.

    key.der           made first, and kept: the same request again gets the same answer, after a cut or a lost answer too
    ca.der            the authority that it was told, by which the server is known
    certificate.der   last: with it the board is enrolled. Then the token is erased, or at the next start (`firmware.live`)

Loaded for a life that ends in a reset (`firmware.setting_up`).
"""

from gateway.core import enrolling
from gateway.core.errors import RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Protocol

    from firmware.published import Folder
    from firmware.told import Told
    from hal.interfaces import KeyStore

    class Key(Protocol):
        """The TLS key: `hal.esp32.tls_key`."""

        @property
        def der(self) -> bytes: ...
        async def make(self) -> None: ...
        def load(self, der: bytes) -> None: ...
        async def request(self, name: str) -> bytes: ...
        def is_of(self, certificate: bytes) -> bool: ...
        def is_named(self, certificate: bytes, name: str) -> bool: ...

    Post = Callable[[str, int, str, bytes, bytes], Awaitable[tuple[int, bytes]]]

KEY, AUTHORITY, CERTIFICATE = "key.der", "ca.der", "certificate.der"


async def enrol(told: "Told", files: "Folder", keystore: "KeyStore", key: "Key", post: "Post") -> None:
    """Returns when the certificate is in its place.

    Raises:
        ConfigError: what the board was told cannot be used.
        RefusedError: the server says no, or its answer is for somebody else; nothing is kept of it.
        HalError: it is not reached, or is not the authority's.
        OSError: the flash took nothing.
    """
    tenant, gateway, token, ca = told.text("tenant"), told.text("gateway"), told.text("token"), told.ca()
    host, port = told.server()
    await ready(key, files)
    csr = await key.request(gateway)
    message = await enrolling.make(tenant, gateway, keystore.public_key, csr, keystore.sign)
    body = enrolling.body(token, enrolling.to_text(message))
    status, said = await post(host, port, enrolling.PATH, body, ca)
    own, authority = enrolling.take(status, said)
    certificate = checked(enrolling.der_of(own), key, gateway)
    if ca not in enrolling.der_of(authority):
        raise RefusedError(
            "the server's certificates are of another authority than this gateway was told: flash it again"
        )
    files.write(AUTHORITY, ca)
    files.write(CERTIFICATE, certificate)


async def ready(key: "Key", files: "Folder") -> None:
    """The key that is kept, made where there is none. Raises DeniedError: another sort of key; OSError."""
    der = files.read(KEY)
    if der is None:
        await key.make()
        files.write(KEY, key.der)
    else:
        key.load(der)


def checked(certificates: "list[bytes]", key: "Key", gateway: str) -> bytes:
    """The one certificate for our key and our name. Raises RefusedError.

    Whoever answered was known by the authority. What is looked for here is a mistake, not a forgery: a broker judges the signature.
    """
    if len(certificates) != 1:
        raise RefusedError(
            "the certificate comes with others above it, and this gateway shows one: have one issued by the authority itself"
        )
    if not key.is_of(certificates[0]):
        raise RefusedError(
            "the certificate is not for this gateway's TLS key: ask for one with its own token"
        )
    if not key.is_named(certificates[0], gateway):
        raise RefusedError("the certificate is for another gateway")
    return certificates[0]
