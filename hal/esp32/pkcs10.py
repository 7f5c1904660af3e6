"""A request for a certificate (PKCS #10, RFC 2986) and a private key (SEC 1, RFC 5915) of P-256, as DER. Portable and pure, but for the signature."""

from hal.esp32 import p256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from hal.esp32.p256 import Random

INTEGER, BITS, OCTETS, UTF8, SEQUENCE, SET = 0x02, 0x03, 0x04, 0x0C, 0x30, 0x31
PARAMETERS, POINT = 0xA0, 0xA1  # [0] and [1] of a private key; [0] of a request are its attributes
EC_KEY = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"  # id-ecPublicKey
CURVE = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"  # prime256v1
ECDSA_SHA256 = b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
COMMON_NAME = b"\x06\x03\x55\x04\x03"


def element(tag: int, *parts: bytes) -> bytes:
    """One element with its length (X.690, 8.1)."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes(2 if size > 0xFF else 1, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def whole(number: int) -> bytes:
    """A number that is not negative, in as few bytes as it takes."""
    data = number.to_bytes(33, "big")
    at = 0
    while at < 32 and data[at] == 0 and data[at + 1] < 0x80:
        at += 1
    return element(INTEGER, data[at:])


def private_der(private: bytes, public: bytes) -> bytes:
    """The key as mbedTLS reads it."""
    point = element(POINT, element(BITS, b"\0", public))
    return element(
        SEQUENCE, element(INTEGER, b"\1"), element(OCTETS, private), element(PARAMETERS, CURVE), point
    )


def private_of(der: bytes) -> "tuple[bytes, bytes]":
    """(private, public) of what `private_der` gave. Raises ValueError: of anything else."""
    private, public = der[7:39], der[-65:]
    if der != private_der(private, public):
        raise ValueError("no key that this gateway made")
    return private, public


def common_name(name: str) -> bytes:
    """One attribute of a subject."""
    return element(SEQUENCE, COMMON_NAME, element(UTF8, name.encode()))


def request(private: bytes, public: bytes, name: str, random: "Random") -> "Generator[int, None, bytes]":
    """Ask for a certificate for the common name `name`, and for nothing else; the same bytes each time."""
    subject = element(SEQUENCE, element(SET, common_name(name)))
    key = element(SEQUENCE, element(SEQUENCE, EC_KEY, CURVE), element(BITS, b"\0", public))
    asked = element(SEQUENCE, element(INTEGER, b"\0"), subject, key, element(PARAMETERS))
    r, s = yield from p256.sign(private, asked, random)
    signature = element(BITS, b"\0", element(SEQUENCE, whole(r), whole(s)))
    return element(SEQUENCE, asked, element(SEQUENCE, ECDSA_SHA256), signature)
