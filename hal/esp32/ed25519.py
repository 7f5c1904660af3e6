"""Ed25519 for a board, in steps. Source: RFC 8032, 5.1.

Made for the machine: combs for the base point and for the keys that receipts are signed with, one inversion a signature,
and no step longer than a few multiplications. What a signature takes does not depend on the key by any branch or count of
ours: the same 43 doublings and additions each time, over coordinates that start from a random representation, and an
inversion of a blinded number. Big integers and memory are the interpreter's, so it is **not constant time** in the strict
sense: docs/adr/0030-signing-on-a-microcontroller.md says against whom it holds.
"""

from hal.esp32.comb import DOUBLE_COST, ENTRY_COST, add_entry, double, made
from hal.esp32.field import D, P, inverse, root_power
from hal.public_keys import is_usable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from hal.esp32.comb import Comb, Point
    from hal.esp32.sha512 import Sha512

ORDER = 2**252 + 27742317777372353535851937790883648493
ROOT_OF_MINUS_1 = 19681161376707505956807079304988542015446066515923890162744021073123829784752
BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960  # 4/5
KEY_SIZE, SIGNATURE_SIZE = 32, 64
BASE_TEETH = 6  # a table of 6 KiB
KEY_TEETH = 4  # a table of 1.5 KiB
MOST_KEYS = 2  # whose tables are kept: a receipt key and a root


class KeyPair:
    """An expanded private key (RFC 8032, 5.1.5). It stays in `hal`."""

    def __init__(self, scalar: int, prefix: bytes, public: bytes) -> None:
        self.scalar = scalar
        self.prefix = prefix
        self.public = public


class Ed25519:
    """Signs and verifies once `start` is done. `random` gives bytes fit for keys."""

    def __init__(self, sha512: "Sha512", random: "Callable[[int], bytes]") -> None:
        self.sha512 = sha512
        self._random = random
        self._base: Comb
        self._keys: dict[bytes, Comb] = {}  # by public key: of its negative
        self._order: list[bytes] = []  # of these, the one used last at the end

    def start(self) -> "Generator[int, None, None]":
        """Make the table of the base point."""
        base = yield from decode(BASE_Y.to_bytes(KEY_SIZE, "little"))
        assert base is not None
        self._base = yield from made(base, BASE_TEETH)

    def key_pair(self, seed: bytes) -> "Generator[int, None, KeyPair]":
        """The key pair of a private key of 32 bytes.

        The public half is computed, never read from anywhere: one signature under a foreign public key and one under
        its own would give the private key away. Raises ValueError for another size.
        """
        if len(seed) != KEY_SIZE:
            raise ValueError("an Ed25519 private key has 32 bytes")
        digest = yield from self.sha512.steps((seed,))
        scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
        return KeyPair(scalar, digest[32:], (yield from self._times_base(scalar)))

    def sign(self, pair: KeyPair, message: bytes) -> "Generator[int, None, bytes]":
        """64-byte signature (RFC 8032, 5.1.6)."""
        once = (yield from self._number((pair.prefix, message))) % ORDER
        point = yield from self._times_base(once)
        challenge = (yield from self._number((point, pair.public, message))) % ORDER
        return point + ((once + challenge * pair.scalar) % ORDER).to_bytes(32, "little")

    def verify(self, public: bytes, message: bytes, signature: bytes) -> "Generator[int, None, bool]":
        """Whether the signature holds (RFC 8032, 5.1.7, without the cofactor).

        A signature has one form: a scalar beyond the order, and points that are not in their shortest form, are refused.
        """
        if not is_usable(public) or len(signature) != SIGNATURE_SIZE:
            return False
        scalar = int.from_bytes(signature[32:], "little")
        if scalar >= ORDER:
            return False
        key = yield from self._key(public)
        if key is None:
            return False
        factor = (yield from self._number((signature[:32], public, message))) % ORDER
        of_base, of_key = scalar.to_bytes(self._base.size, "little"), factor.to_bytes(key.size, "little")
        point: Point = (0, 1, 1, 0)
        for column in range(key.spacing - 1, -1, -1):
            point = add_entry(double(point), key.entry(of_key, column))
            yield DOUBLE_COST + ENTRY_COST
            if column < self._base.spacing:
                point = add_entry(point, self._base.entry(of_base, column))
                yield ENTRY_COST
        return (yield from self._encode(point)) == signature[:32]

    def _key(self, public: bytes) -> "Generator[int, None, Comb | None]":
        """The table of a key's negative, made when it is first needed; None where it is no point."""
        if public not in self._keys:
            point = yield from decode(public)
            if point is None:
                return None
            x, y, z, t = point
            self._keys[public] = yield from made((P - x, y, z, P - t), KEY_TEETH)
        # In this order, memory may run out at any of these lines and the next call finds all as it should be.
        order = [key for key in self._order if key != public][1 - MOST_KEYS :] + [public]
        for key in [key for key in self._keys if key not in order]:
            del self._keys[key]
        self._order = order
        return self._keys[public]

    def _number(self, parts: "tuple[bytes, ...]") -> "Generator[int, None, int]":
        return int.from_bytes((yield from self.sha512.steps(parts)), "little")

    def _blind(self) -> int:
        """A random number that is not 0 modulo P."""
        return int.from_bytes(self._random(KEY_SIZE), "little") % P or 1

    def _times_base(self, factor: int) -> "Generator[int, None, bytes]":
        """The base point times a secret factor, encoded: the same steps for every factor."""
        bits = factor.to_bytes(self._base.size, "little")
        z = self._blind()
        point: Point = (0, z, z, 0)  # the neutral point, as one of many
        for column in range(self._base.spacing - 1, -1, -1):
            point = add_entry(double(point), self._base.entry(bits, column))
            yield DOUBLE_COST + ENTRY_COST
        return (yield from self._encode(point))

    def _encode(self, point: "Point") -> "Generator[int, None, bytes]":
        """32 bytes (RFC 8032, 5.1.2). The inversion sees Z times a random number: its time tells nothing of Z."""
        blind = self._blind()
        z = (yield from inverse(point[2] * blind % P)) * blind % P
        yield 4
        x, y = point[0] * z % P, point[1] * z % P
        return (y | (x & 1) << 255).to_bytes(KEY_SIZE, "little")


def decode(data: bytes) -> "Generator[int, None, Point | None]":
    """The point, or None where 32 bytes stand for none or are not its shortest form (RFC 8032, 5.1.3)."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y % P * y + 1) % P
    cube = v * v % P * v % P
    power = yield from root_power(u * cube % P * cube % P * v % P)
    x = u * cube % P * power % P
    yield 15
    square = v * x % P * x % P
    if square == (P - u) % P and u:
        x = x * ROOT_OF_MINUS_1 % P
    elif square != u:
        return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P
