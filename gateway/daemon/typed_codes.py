"""Bytes as groups of letters that people read, print and type: Crockford's base 32, with a checksum.

I and L are read as 1, O as 0; U is not used. Case, blanks and hyphens do not count. The checksum is the beginning of
SHA-256 over a purpose and the bytes, so that a token is never taken for a label or for a line of a backup.
"""

import hashlib

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0"})
GROUP = 4
CHECK_BYTES = 2
LABEL, TOKEN = b"trygg label", b"trygg token"
LABEL_BYTES, LABEL_CHECK_BYTES = 4, 1  # 40 bits: two groups


def encode(data: bytes) -> str:
    """Letters in groups of four, five bits a letter, the last filled with zeros."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    text = "".join(LETTERS[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))
    return "-".join(text[at : at + GROUP] for at in range(0, len(text), GROUP))


def decode(text: str, size: int) -> bytes | None:
    """The `size` bytes that were typed, or None where it cannot be."""
    plain = "".join(text.upper().split()).replace("-", "").translate(READ_AS)
    if len(plain) != -(-size * 8 // 5) or any(letter not in LETTERS for letter in plain):
        return None
    bits = "".join(f"{LETTERS.index(letter):05b}" for letter in plain)
    if "1" in bits[size * 8 :]:
        return None
    return int(bits[: size * 8], 2).to_bytes(size, "big")


def check(purpose: bytes, data: bytes, size: int = CHECK_BYTES) -> bytes:
    """The checksum of a code."""
    return hashlib.sha256(purpose + b"\0" + data).digest()[:size]


def seal(purpose: bytes, data: bytes, size: int = CHECK_BYTES) -> str:
    """Bytes with their checksum behind them, as groups."""
    return encode(data + check(purpose, data, size))


def read(purpose: bytes, text: str, length: int, size: int = CHECK_BYTES) -> bytes | None:
    """The `length` bytes of what `seal` gave, or None: mistyped, or made for something else."""
    whole = decode(text, length + size)
    if whole is None or check(purpose, whole[:length], size) != whole[length:]:
        return None
    return whole[:length]


def label_code(tenant: str, gateway: str, public_key: bytes) -> str:
    """The short code of a gateway, as on its label and in `trygg identity`: two groups of four.

    It tells one gateway of a municipality from another and finds a typing error; it proves nothing.
    """
    whole = hashlib.sha256(f"{tenant}/{gateway}/".encode() + public_key).digest()
    return seal(LABEL, whole[:LABEL_BYTES], LABEL_CHECK_BYTES)


def is_label_code(text: str) -> bool:
    """Whether the checksum of a typed short code holds."""
    return read(LABEL, text, LABEL_BYTES, LABEL_CHECK_BYTES) is not None
