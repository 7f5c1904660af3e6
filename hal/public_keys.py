"""Which Ed25519 public keys any backend checks signatures with. Sources: RFC 8032, 5.1.3; Chalkias et al., 2020, table 1.

Implementations differ in two things, and here they must not: an encoding that is not a point's shortest (OpenSSL takes
some), and a point of small order, under which one signature holds for every message.
"""

P = 2**255 - 19
SIZE = 32
Y8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022  # of points of order 8, and P - Y8
SMALL_ORDER = (0, 1, P - 1, Y8, P - Y8)  # y of all eight points


def is_usable(public_key: bytes) -> bool:
    """Whether it has 32 bytes, the shortest form, and no small order. Whether it is a point at all is not looked at.

    The second encodings of a point that a coordinate below P leaves are those of x = 0, and these have small order.
    """
    if len(public_key) != SIZE:
        return False
    y = int.from_bytes(public_key, "little") & (1 << 255) - 1
    return y < P and y not in SMALL_ORDER
