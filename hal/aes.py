"""AES-128 encryption of one block, and CCM on top of it, in portable Python.

On MicroPython the block comes from `cryptolib`, which every board has (a board's runs on its AES hardware or in mbedTLS).
The one in Python is for simulation and tests: not constant time. Sources: FIPS 197, RFC 3610.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Cipher = Callable[[bytes], bytes]

BLOCK = 16
ROUNDS = 10


def double(value: int) -> int:
    """Multiply by x in the field of AES (FIPS 197, 4.2.1)."""
    value <<= 1
    return value ^ 0x11B if value & 0x100 else value


def substitution() -> bytes:
    """The S-box (FIPS 197, 5.1.1): inverse in the field, then an affine map."""
    box = bytearray(256)
    box[0] = 0x63
    power, inverse = 1, 1  # 3^n and 3^-n run through every element but 0
    for _ in range(255):
        power ^= double(power)
        inverse ^= inverse << 1
        inverse ^= inverse << 2
        inverse ^= inverse << 4
        inverse &= 0xFF
        if inverse & 0x80:
            inverse ^= 0x09
        rotated = inverse | (inverse << 8)
        mapped = inverse ^ (rotated >> 7) ^ (rotated >> 6) ^ (rotated >> 5) ^ (rotated >> 4)
        box[power] = (mapped & 0xFF) ^ 0x63
    return bytes(box)


def expand(key: bytes, box: bytes) -> "list[bytes]":
    """The eleven round keys (FIPS 197, 5.2)."""
    words = [key[i : i + 4] for i in range(0, BLOCK, 4)]
    constant = 1
    for i in range(4, 4 * (ROUNDS + 1)):
        word = words[i - 1]
        if i % 4 == 0:
            word = bytes([box[word[1]] ^ constant, box[word[2]], box[word[3]], box[word[0]]])
            constant = double(constant)
        words.append(bytes([word[j] ^ words[i - 4][j] for j in range(4)]))
    return [b"".join(words[i : i + 4]) for i in range(0, len(words), 4)]


# Where each byte of a block comes from in ShiftRows; blocks run down the columns (FIPS 197, 5.1.2).
SHIFTED = (0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11)


def mix(column: "list[int]") -> "list[int]":
    """MixColumns of one column (FIPS 197, 5.1.3)."""
    total = column[0] ^ column[1] ^ column[2] ^ column[3]
    return [column[i] ^ total ^ double(column[i] ^ column[(i + 1) % 4]) for i in range(4)]


def pure_cipher(key: bytes) -> "Cipher":
    """Encryption of single blocks under `key`, in Python alone."""
    box = substitution()
    keys = expand(key, box)

    def encrypt(block: bytes) -> bytes:
        state = [block[i] ^ keys[0][i] for i in range(BLOCK)]
        for turn in range(1, ROUNDS + 1):
            state = [box[state[i]] for i in SHIFTED]
            if turn < ROUNDS:
                state = mix(state[0:4]) + mix(state[4:8]) + mix(state[8:12]) + mix(state[12:16])
            state = [state[i] ^ keys[turn][i] for i in range(BLOCK)]
        return bytes(state)

    return encrypt


def cipher(key: bytes) -> "Cipher":
    """Encryption of single 16-byte blocks under a 16-byte `key`."""
    if len(key) != BLOCK:
        raise ValueError("an AES-128 key has 16 bytes")
    try:
        import cryptolib  # type: ignore[import-not-found]  # of MicroPython
    except ImportError:
        return pure_cipher(key)
    encrypt: Cipher = cryptolib.aes(key, 1).encrypt  # 1: ECB
    return encrypt


def xor(left: bytes, right: bytes) -> bytes:
    """As many bytes as the shorter one has."""
    return bytes([left[i] ^ right[i] for i in range(min(len(left), len(right)))])


def ccm_tag(encrypt: "Cipher", nonce: bytes, plaintext: bytes, aad: bytes, size: int) -> bytes:
    """The authentication value T before it is masked (RFC 3610, 2.2); `aad` is under 65,280 bytes."""
    length_size = 15 - len(nonce)
    flags = (64 if aad else 0) + 8 * ((size - 2) // 2) + length_size - 1
    value = encrypt(bytes([flags]) + nonce + len(plaintext).to_bytes(length_size, "big"))
    for part in (len(aad).to_bytes(2, "big") + aad if aad else b"", plaintext):
        for start in range(0, len(part), BLOCK):
            block = part[start : start + BLOCK]
            value = encrypt(xor(value, block + bytes(BLOCK - len(block))))
    return value[:size]


def ccm_crypt(encrypt: "Cipher", nonce: bytes, data: bytes, tag: bytes) -> "tuple[bytes, bytes]":
    """Mask or unmask `data` and `tag` with the key stream (RFC 3610, 2.3)."""
    length_size = 15 - len(nonce)
    head = bytes([length_size - 1]) + nonce
    parts = []
    for start in range(0, len(data), BLOCK):
        stream = encrypt(head + (start // BLOCK + 1).to_bytes(length_size, "big"))
        parts.append(xor(data[start : start + BLOCK], stream))
    return b"".join(parts), xor(tag, encrypt(head + bytes(length_size)))


def check_ccm(nonce: bytes, tag_size: int, aad: bytes) -> None:
    """Refuse parameters that RFC 3610 does not allow, and associated data longer than is needed here."""
    if not 7 <= len(nonce) <= 13 or tag_size not in (4, 6, 8, 10, 12, 14, 16) or len(aad) >= 0xFF00:
        raise ValueError(
            "CCM takes a nonce of 7 to 13 bytes, a tag of 4, 6 ... 16 and under 65,280 bytes beside"
        )


def ccm_seal(
    key: bytes, nonce: bytes, plaintext: bytes, aad: bytes = b"", tag_size: int = 16
) -> "tuple[bytes, bytes]":
    """Ciphertext and tag (RFC 3610): what a simulated peripheral sends."""
    check_ccm(nonce, tag_size, aad)
    encrypt = cipher(key)
    return ccm_crypt(encrypt, nonce, plaintext, ccm_tag(encrypt, nonce, plaintext, aad, tag_size))


def ccm_open(key: bytes, nonce: bytes, ciphertext: bytes, tag: bytes, aad: bytes = b"") -> "bytes | None":
    """Plaintext, or None where the tag does not hold (RFC 3610, 2.5)."""
    check_ccm(nonce, len(tag), aad)
    encrypt = cipher(key)
    plaintext, unmasked = ccm_crypt(encrypt, nonce, ciphertext, tag)
    return plaintext if unmasked == ccm_tag(encrypt, nonce, plaintext, aad, len(tag)) else None
