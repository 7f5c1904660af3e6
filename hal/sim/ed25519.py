"""Ed25519 in portable Python: simple, correct, slow. Source: RFC 8032, 5.1.

For simulation and tests: not constant time, so no key that matters belongs here. MicroPython's `pow(x, -1, p)`
returns 0, therefore inverses are powers of p - 2.
"""

from hal.public_keys import is_usable
from hal.sha512 import sha512

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Point = tuple[int, int, int, int]

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
NEUTRAL = (0, 1, 1, 0)
MOST_KNOWN = 16  # keys whose multiples are kept: about 60 KB each


def inverse(value: int) -> int:
    """1 / value modulo P (Fermat)."""
    return pow(value, P - 2, P)


D = -121665 * inverse(121666) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def add(left: "Point", right: "Point") -> "Point":
    """Sum of two points in extended coordinates (RFC 8032, 5.1.4)."""
    a = (left[1] - left[0]) * (right[1] - right[0]) % P
    b = (left[1] + left[0]) * (right[1] + right[0]) % P
    c = 2 * left[3] * right[3] * D % P
    d = 2 * left[2] * right[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def double(point: "Point") -> "Point":
    """Twice a point (RFC 8032, 5.1.4)."""
    a = point[0] * point[0] % P
    b = point[1] * point[1] % P
    h = a + b
    e = h - (point[0] + point[1]) * (point[0] + point[1])
    g = a - b
    f = 2 * point[2] * point[2] + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def encode(point: "Point") -> bytes:
    """32 bytes (RFC 8032, 5.1.2)."""
    z = inverse(point[2])
    x, y = point[0] * z % P, point[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> "Point | None":
    """The point, or None where 32 bytes stand for none or are not its shortest form (RFC 8032, 5.1.3)."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * inverse(D * y * y + 1) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def doublings(point: "Point") -> "list[Point]":
    """The point times 1, 2, 4 and so on, for every bit of a factor."""
    found = [point]
    for _ in range(254):
        found.append(double(found[-1]))
    return found


def times(points: "list[Point]", factor: int) -> "Point":
    """The point of these doublings times `factor`."""
    result = NEUTRAL
    for point in points:
        if factor & 1:
            result = add(result, point)
        factor >>= 1
    return result


def make_room(known: "dict[bytes, Any]") -> None:
    """Let one more in, and never more than a few."""
    if len(known) >= MOST_KNOWN:
        known.clear()


class Tables:
    """What follows from numbers alone. A simulation has few keys, many parties that know them, and uses each a thousand times."""

    def __init__(self) -> None:
        self.hash = sha512()
        base = decode((4 * inverse(5) % P).to_bytes(32, "little"))
        assert base is not None
        self.base = doublings(base)  # 255 points
        self.negated: "dict[bytes, list[Point]]" = {}  # by public key: doublings of its negative
        self.expanded: "dict[bytes, tuple[int, bytes, bytes]]" = {}  # by private key: scalar, prefix, public key


MADE: "list[Tables]" = []  # once for all parties of a process, when the first one needs them


class Ed25519:
    """One party's; all share their tables."""

    def __init__(self) -> None:
        if not MADE:
            MADE.append(Tables())
        self._hash, self._base = MADE[0].hash, MADE[0].base
        self._negated, self._expanded = MADE[0].negated, MADE[0].expanded

    def _number(self, data: bytes) -> int:
        return int.from_bytes(self._hash(data), "little")

    def _expand(self, seed: bytes) -> "tuple[int, bytes, bytes]":
        if len(seed) != 32:
            raise ValueError("an Ed25519 private key has 32 bytes")
        digest = self._hash(seed)
        scalar = int.from_bytes(digest[:32], "little")
        scalar = scalar & (1 << 254) - 8 | 1 << 254
        return scalar, digest[32:], encode(times(self._base, scalar))

    def _known(self, seed: bytes) -> "tuple[int, bytes, bytes]":
        if seed not in self._expanded:
            make_room(self._expanded)
            self._expanded[seed] = self._expand(seed)
        return self._expanded[seed]

    def public_key(self, seed: bytes) -> bytes:
        """Raw 32-byte public key of a 32-byte private key (RFC 8032, 5.1.5)."""
        return self._known(seed)[2]

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """64-byte signature (RFC 8032, 5.1.6)."""
        scalar, prefix, public = self._known(seed)
        once = self._number(prefix + message) % ORDER
        point = encode(times(self._base, once))
        challenge = self._number(point + public + message) % ORDER
        return point + ((once + challenge * scalar) % ORDER).to_bytes(32, "little")

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """Whether the signature holds (RFC 8032, 5.1.7, without the cofactor)."""
        if not is_usable(public) or len(signature) != 64:
            return False
        scalar = int.from_bytes(signature[32:], "little")
        if scalar >= ORDER:
            return False
        if public not in self._negated:
            key = decode(public)
            if key is None:
                return False
            make_room(self._negated)
            self._negated[public] = doublings((P - key[0], key[1], 1, P - key[3]))
        factor = self._number(signature[:32] + public + message) % ORDER
        expected = add(times(self._base, scalar), times(self._negated[public], factor))
        return encode(expected) == signature[:32]
