"""Ways to forge, alter, replay and move a message. Each takes a genuine one and makes another that must have no effect."""

import random
from collections.abc import Callable
from dataclasses import replace

from gateway.core import cbor, cose, wire
from gateway.core.cbor import Tagged
from tools.rig.forgery.town import OTHER_GATEWAY, OTHER_TENANT, Genuine, Keys

ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group of Ed25519 (RFC 8032, 5.1)
# Every encoding of a point of small order, those included that are not its shortest (Chalkias et al., "Taming the many
# EdDSAs", table 1): signatures with them hold for messages nobody signed, where nobody looks.
LOW = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)
SIGN = 0x80  # the last byte's bit that says which of two points
SMALL = tuple(
    raw[:31] + bytes([raw[31] | sign]) for raw in (bytes.fromhex(text) for text in LOW) for sign in (0, SIGN)
)
Mutation = Callable[[random.Random, Genuine, Genuine, Keys], Genuine]


def parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Protected header, payload and signature of a message of ours."""
    sign1 = cose.take_apart(data)
    return sign1.protected, sign1.payload, sign1.signature


def together(
    protected: bytes, payload: bytes, signature: bytes, unprotected: object = None, tag: int = 18
) -> bytes:
    """A message of these parts."""
    return cbor.encode(Tagged(tag, [protected, unprotected or {}, payload, signature]))


def flip(chance: random.Random, one: Genuine, _other: Genuine, _keys: Keys) -> Genuine:
    """One bit, anywhere."""
    data = bytearray(one.data)
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return replace(one, data=bytes(data))


def overwrite(chance: random.Random, one: Genuine, _other: Genuine, _keys: Keys) -> Genuine:
    """Some bytes in a row."""
    at, size = chance.randrange(len(one.data)), chance.randint(1, 8)
    return replace(one, data=one.data[:at] + chance.randbytes(size) + one.data[at + size :])


def cut(chance: random.Random, one: Genuine, _other: Genuine, _keys: Keys) -> Genuine:
    """Shorter."""
    return replace(one, data=one.data[: chance.randrange(1, len(one.data))])


def extend(chance: random.Random, one: Genuine, _other: Genuine, _keys: Keys) -> Genuine:
    """Longer."""
    return replace(one, data=one.data + chance.randbytes(chance.randint(1, 9)))


def splice(chance: random.Random, one: Genuine, other: Genuine, _keys: Keys) -> Genuine:
    """The beginning of one and the end of another."""
    at = chance.randrange(1, min(len(one.data), len(other.data)))
    return replace(one, data=one.data[:at] + other.data[at:])


def borrow(chance: random.Random, one: Genuine, other: Genuine, _keys: Keys) -> Genuine:
    """The payload of one under the header or the signature of another."""
    protected, payload, signature = parts(one.data)
    theirs = parts(other.data)
    if chance.random() < 0.5:
        return replace(one, data=together(protected, payload, theirs[2]))
    return replace(one, data=together(protected, theirs[1], signature))


def edit(chance: random.Random, one: Genuine, _other: Genuine, _keys: Keys) -> Genuine:
    """One value of the payload is another, and the rest is well made."""
    protected, payload, signature = parts(one.data)
    fields = cbor.decode(payload)
    assert isinstance(fields, dict)
    key = chance.choice(sorted(fields))
    value = fields[key]
    fields[key] = (
        value + 1
        if isinstance(value, int)
        else chance.randbytes(len(value) or 1)
        if isinstance(value, bytes)
        else 7
    )
    return replace(one, data=together(protected, cbor.encode(fields), signature))


def move(chance: random.Random, one: Genuine, _other: Genuine, _keys: Keys) -> Genuine:
    """The same bytes under another topic."""
    names = one.topic.split("/")
    where = chance.randrange(3)
    if where == 0:
        names[2] = OTHER_TENANT
    elif where == 1:
        names[3] = OTHER_GATEWAY
    elif one.sort == "bundle":
        names[5] = chance.choice([lane for lane in "01234" if lane != names[5]])
    else:
        ends = [spec[1] for sort, spec in wire.SORTS.items() if sort not in (one.sort, "bundle")]
        names[4:] = chance.choice(ends).split("/")
    return replace(one, topic="/".join(names))


def seal_otherwise(chance: random.Random, one: Genuine, _other: Genuine, keys: Keys) -> Genuine:
    """The right key, over another sort."""
    sort = chance.choice([sort for sort in wire.SORTS if sort != one.sort])
    return replace(one, data=keys[one.signer].seal(sort, one.payload))


def sign_otherwise(chance: random.Random, one: Genuine, _other: Genuine, keys: Keys) -> Genuine:
    """Another key: under its own name, or under that of the right one."""
    name = chance.choice([name for name in keys.NAMES if name != one.signer])
    data = keys[name].seal(one.sort, one.payload)
    if chance.random() < 0.5:
        data = together(parts(one.data)[0], one.payload, parts(data)[2])
    return replace(one, data=data)


def stretch(chance: random.Random, one: Genuine, _other: Genuine, _keys: Keys) -> Genuine:
    """The scalar of the signature plus a multiple of the order of the group (RFC 8032, 5.1.7: refused)."""
    protected, payload, signature = parts(one.data)
    scalar = int.from_bytes(signature[32:], "little")
    scalar += ORDER * chance.randint(1, ((1 << 256) - 1 - scalar) // ORDER)
    return replace(one, data=together(protected, payload, signature[:32] + scalar.to_bytes(32, "little")))


def shrink(chance: random.Random, one: Genuine, _other: Genuine, _keys: Keys) -> Genuine:
    """A point of small order, and a scalar that fits it."""
    protected, payload, _ = parts(one.data)
    scalar = chance.choice((0, 1, ORDER, 8)).to_bytes(32, "little")
    return replace(one, data=together(protected, payload, chance.choice(SMALL) + scalar))


def mangle(chance: random.Random, one: Genuine, _other: Genuine, _keys: Keys) -> Genuine:
    """The point of the signature on the other side, its scalar negative, one of them nothing, or both changed places."""
    protected, payload, signature = parts(one.data)
    point, scalar = signature[:32], signature[32:]
    other_side = point[:31] + bytes([point[31] ^ SIGN])
    negative = (ORDER - int.from_bytes(scalar, "little")).to_bytes(32, "little")
    made = chance.choice(
        (
            other_side + scalar,
            point + negative,
            other_side + negative,
            bytes(32) + scalar,
            point + bytes(32),
            scalar + point,
        )
    )
    return replace(one, data=together(protected, payload, made))


def weaken(chance: random.Random, one: Genuine, _other: Genuine, _keys: Keys) -> Genuine:
    """It names a key of small order, under which the signature holds for every message: who takes keys from messages is lost."""
    header = cose.protected_header(cose.kid_of(chance.choice(SMALL)))
    return replace(one, data=together(header, one.payload, SMALL[0] + bytes(32)))


def substitute(chance: random.Random, one: Genuine, _other: Genuine, keys: Keys) -> Genuine:
    """A keyset that makes a stranger's key the receipt key: signed by whoever has no right to, or not at all."""
    version = chance.randint(6, 99)
    payload = keys.keyset(version, receipts="stranger", next_root=chance.choice((None, "stranger")))
    topic = "/".join([*one.topic.split("/")[:4], "down", "keyset"])
    name = chance.choice([name for name in keys.NAMES if name != "root"])
    data = keys[name].seal("keyset", payload)
    if chance.random() < 0.5:
        data = together(cose.protected_header(cose.kid_of(keys["root"].public)), payload, parts(data)[2])
    return Genuine("keyset", topic, data, payload, name, one.retained)


def impersonate(chance: random.Random, one: Genuine, _other: Genuine, keys: Keys) -> Genuine:
    """A neighbour's gateway or tenant speaks for us under its own topic, with its own good key."""
    names = one.topic.split("/")
    if chance.random() < 0.5:
        names[2], signer = OTHER_TENANT, "neighbour" if one.at == "platform" else "other " + one.signer
    else:
        names[3], signer = OTHER_GATEWAY, "other gateway"
    return replace(one, topic="/".join(names), data=keys[signer].seal(one.sort, one.payload))


def wrap(chance: random.Random, one: Genuine, _other: Genuine, _keys: Keys) -> Genuine:
    """Another envelope around what was signed."""
    protected, payload, signature = parts(one.data)
    kind = chance.randrange(4)
    if kind == 0:
        extra = chance.choice(({4: b"8 bytes."}, {1: -8}, {1: -7}, {33: b""}))
        return replace(one, data=together(protected, payload, signature, extra))
    if kind == 1:
        return replace(one, data=together(protected, payload, signature, tag=chance.choice((17, 97, 98))))
    if kind == 2:
        header = cbor.encode({1: chance.choice((-7, -19, 5)), 4: cose.take_apart(one.data).kid})
        return replace(one, data=together(header, payload, signature))
    return replace(one, data=one.data[1:])  # without its tag


MUTATIONS: tuple[Mutation, ...] = (
    flip,
    flip,
    overwrite,
    cut,
    extend,
    splice,
    borrow,
    edit,
    move,
    seal_otherwise,
    sign_otherwise,
    stretch,
    shrink,
    mangle,
    weaken,
    substitute,
    impersonate,
    wrap,
)
