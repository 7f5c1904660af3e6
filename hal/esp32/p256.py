"""ECDSA on P-256 for the one time in a board's life that it asks for its TLS certificate. Portable; sources: FIPS 186-5, RFC 6979.

mbedTLS is on every board, and MicroPython gives nobody its key making or its signatures: TLS alone. So the key is made here and
signs once, in slices as `hal.esp32.turns` takes them: each `yield` names what was just done, in multiplications. A multiple of the base
point takes as many steps for every factor; inverses are blinded with a random number.
"""

import hashlib

from hal.esp32.field import inverse
from hal.hmac_sha256 import hmac_sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Point = tuple[int, int, int]  # Jacobian: x = X/Z^2, y = Y/Z^3; Z of 0 is the point at infinity
    Random = Callable[[int], bytes]

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # order of the base point
GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
SIZE = 32
BITS = 256
STEP_COST = 19  # a doubling and an addition


def double(point: "Point") -> "Point":
    """Twice a point."""
    x, y, z = point
    delta, gamma = z * z % P, y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    third = (alpha * alpha - 8 * beta) % P
    return (
        third,
        (alpha * (4 * beta - third) - 8 * gamma * gamma) % P,
        ((y + z) * (y + z) - gamma - delta) % P,
    )


def plus_base(point: "Point") -> "Point":
    """A point and the base point."""
    x, y, z = point
    if not z:
        return GX, GY, 1
    zz = z * z % P
    h = (GX * zz - x) % P
    r = 2 * (GY * z % P * zz - y) % P
    if not h:
        return double(point) if not r else (1, 1, 0)
    hh = h * h % P
    j, v = 4 * hh * h % P, 4 * hh * x % P
    third = (r * r - j - 2 * v) % P
    return third, (r * (v - third) - 2 * y * j) % P, ((z + h) * (z + h) - zz - hh) % P


def blinded_inverse(value: int, modulus: int, random: "Random") -> "Generator[int, None, int]":
    """1 / value; what takes so long tells of `value` times a random number alone."""
    blind = 1 + int.from_bytes(random(SIZE), "big") % (modulus - 1)
    return (yield from inverse(value * blind, modulus)) * blind % modulus


def multiple(factor: int, random: "Random") -> "Generator[int, None, tuple[int, int]]":
    """The base point so often, in the plane; `factor` from 1 to N - 1."""
    point: "Point" = (1, 1, 0)
    for bit in range(BITS - 1, -1, -1):
        point = double(point)
        added = plus_base(point)
        point = added if factor >> bit & 1 else point
        yield STEP_COST
    per_z = yield from blinded_inverse(point[2], P, random)
    square = per_z * per_z % P
    return point[0] * square % P, point[1] * square % P * per_z % P


def private_key(random: "Random") -> bytes:
    """32 bytes: a number from 1 to N - 1, each as likely (FIPS 186-5, A.2.2)."""
    while True:
        made = random(SIZE)
        if 0 < int.from_bytes(made, "big") < N:
            return made


def public_key(private: bytes, random: "Random") -> "Generator[int, None, bytes]":
    """65 bytes: 4, x, y (SEC 1, 2.3.3). Raises ValueError: no such private key."""
    x, y = yield from multiple(checked(private), random)
    return b"\x04" + x.to_bytes(SIZE, "big") + y.to_bytes(SIZE, "big")


def checked(private: bytes) -> int:
    """The number that a private key is. Raises ValueError."""
    number = int.from_bytes(private, "big")
    if len(private) != SIZE or not 0 < number < N:
        raise ValueError("no private key of P-256")
    return number


def sign(private: bytes, message: bytes, random: "Random") -> "Generator[int, None, tuple[int, int]]":
    """(r, s) over SHA-256 of the message, the same each time (RFC 6979, 3.2); `random` blinds, and is in no result."""
    own, digest = checked(private), hashlib.sha256(message).digest()
    number = int.from_bytes(digest, "big")
    source = Nonces(private, (number % N).to_bytes(SIZE, "big"))
    while True:
        nonce = source.next()
        r = (yield from multiple(nonce, random))[0] % N
        s = (yield from blinded_inverse(nonce, N, random)) * (number + r * own) % N
        if r and s:
            return r, s


class Nonces:
    """Numbers from 1 to N - 1 that follow from key and digest (RFC 6979, 3.2)."""

    def __init__(self, private: bytes, digest: bytes) -> None:
        self._key, self._value = bytes(SIZE), b"\x01" * SIZE
        for between in (b"\x00", b"\x01"):
            self._stir(between + private + digest)

    def next(self) -> int:
        """The next one."""
        while True:
            self._value = hmac_sha256(self._key, self._value)
            number = int.from_bytes(self._value, "big")
            if 0 < number < N:
                self._stir(b"\x00")  # for another one, should r or s be 0
                return number
            self._stir(b"\x00")

    def _stir(self, data: bytes) -> None:
        self._key = hmac_sha256(self._key, self._value + data)
        self._value = hmac_sha256(self._key, self._value)
