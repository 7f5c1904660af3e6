"""Private keys under a passphrase: PKCS #8 (RFC 5958) with PBES2, scrypt (RFC 7914, 7) and AES-256-CBC (RFC 8018).

`cryptography` reads this form and writes PKCS #8 with 2,048 rounds of PBKDF2 only, which a stolen file withstands for too
short a time; so the frame, a dozen fields of DER, is put together here. OpenSSL and `cryptography` open it again.
"""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.core.errors import ConfigError, RefusedError
from tools.authority.given import unreadable

Private = Ed25519PrivateKey | EllipticCurvePrivateKey

# 16 MiB five times over, an eighth of a second on one core: OpenSSL's own command opens nothing that takes 32 MiB or more.
COST, BLOCK, LANES = 2**14, 8, 5
SALT_BYTES, KEY_BYTES, IV_BYTES = 16, 32, 16
SHORTEST = 12  # characters of a passphrase
INTEGER, OCTETS, SEQUENCE = 0x02, 0x04, 0x30
# Object identifiers in DER: PBES2, scrypt, AES-256-CBC
PBES2 = bytes.fromhex("06092a864886f70d01050d")
SCRYPT = bytes.fromhex("06092b06010401da47040b")
AES_256_CBC = bytes.fromhex("060960864801650304012a")


def der(tag: int, *parts: bytes) -> bytes:
    """One value of DER, shorter than 64 KiB."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes(2, "big").lstrip(b"\0")
    return bytes([tag, 0x80 | len(size)]) + size + content


def integer(value: int) -> bytes:
    """A number of 0 or more."""
    return der(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def seal(key: Private, passphrase: str) -> bytes:
    """EncryptedPrivateKeyInfo in PEM."""
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    salt, iv = os.urandom(SALT_BYTES), os.urandom(IV_BYTES)
    secret = Scrypt(salt=salt, length=KEY_BYTES, n=COST, r=BLOCK, p=LANES).derive(passphrase.encode())
    padder, cipher = PKCS7(128).padder(), Cipher(algorithms.AES(secret), modes.CBC(iv)).encryptor()
    sealed = cipher.update(padder.update(plain) + padder.finalize()) + cipher.finalize()
    numbers = [integer(number) for number in (COST, BLOCK, LANES, KEY_BYTES)]
    derivation = der(SEQUENCE, SCRYPT, der(SEQUENCE, der(OCTETS, salt), *numbers))
    scheme = der(SEQUENCE, AES_256_CBC, der(OCTETS, iv))
    algorithm = der(SEQUENCE, PBES2, der(SEQUENCE, derivation, scheme))
    return pem(der(SEQUENCE, algorithm, der(OCTETS, sealed)))


def pem(content: bytes) -> bytes:
    """Text with the marks of an encrypted key."""
    from base64 import b64encode

    text = b64encode(content).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    marks = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----END ENCRYPTED PRIVATE KEY-----"]
    return "\n".join([marks[0], *lines, marks[1], ""]).encode()


def unseal(path: Path, passphrase: str) -> Private:
    """The key of a file. Raises ConfigError (no such file, no such key), RefusedError (another passphrase)."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise unreadable(path.name, error, path.parent) from error
    if b"ENCRYPTED" not in text:
        raise ConfigError(
            path.name, "a key without a passphrase", "one that trygg-kit ca has made", str(path.parent)
        )
    try:
        key = load_pem_private_key(text, passphrase.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise RefusedError(f"the passphrase does not open {path.name}, or the file is damaged") from None
    if not isinstance(key, Private):
        raise ConfigError(path.name, type(key).__name__, "one that trygg-kit ca has made", str(path.parent))
    return key


def check_passphrase(text: str) -> str:
    """A passphrase for something new. Raises ConfigError."""
    if len(text) < SHORTEST:
        raise ConfigError(
            "passphrase",
            f"{len(text)} characters",
            f"{SHORTEST} at least, such as five words that do not belong together",
            "",
        )
    return text
