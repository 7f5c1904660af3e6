"""A board's TLS key: made where there is none, asks for a certificate once, and knows whether one is for it. Portable."""

from hal.errors import DeniedError
from hal.esp32 import p256, pkcs10
from hal.esp32.turns import Turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class TlsKey:
    """`der` is how it is kept. `random` must be fit for keys: on a board while its Wi-Fi runs."""

    def __init__(self, random: "Callable[[int], bytes]") -> None:
        self._random = random
        self._turns = Turns()
        self._private = self._public = b""

    async def make(self) -> None:
        """A new one; seconds on a board, in slices."""
        self._private = p256.private_key(self._random)
        self._public = await self._turns.first(p256.public_key(self._private, self._random))

    def load(self, der: bytes) -> None:
        """The one that was kept. Raises DeniedError: it is none that `make` made."""
        try:
            self._private, self._public = pkcs10.private_of(der)
        except ValueError as error:
            raise DeniedError(
                "key.der is no key that this gateway made: remove it and have a new one made", str(error)
            )

    @property
    def der(self) -> bytes:
        """As mbedTLS reads it."""
        return pkcs10.private_der(self._private, self._public)

    async def request(self, name: str) -> bytes:
        """PKCS #10 in DER for the common name; the same each time."""
        made: bytes = await self._turns.first(pkcs10.request(self._private, self._public, name, self._random))
        return made

    def is_of(self, certificate: bytes) -> bool:
        """Whether a certificate holds this key. It is looked for, not parsed: a mistake is found, and no forgery."""
        return self._public in certificate

    @staticmethod
    def is_named(certificate: bytes, name: str) -> bool:
        """Whether it bears the common name; as `is_of`."""
        return pkcs10.common_name(name) in certificate
