"""wire_refused.json: messages that every reader refuses, the step at which it does, and our words for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.core import cbor, cose, wire
from gateway.core.cbor import Tagged
from gateway.core.errors import DecodeError, RefusedError
from gateway.core.model import Decimal
from tools.vectors.home import GATEWAY, OTHER_GATEWAY, OTHER_TENANT, TENANT
from tools.vectors.keys import KEYS
from tools.vectors.messages import LEAST, SIGNER, key_row
from tools.vectors.plain import Plain

ABOUT = (
    "Messages that every reader of version 1 refuses. `step`: `form` (the bytes are not a message of their topic's "
    "sort), `address` (the message names another gateway or lane than its topic), `signature` (no key that may sign "
    "this sort signed these bytes). `reason` is what this implementation says. Messages that are too large are not "
    "here: tests make them."
)


@dataclass(frozen=True)
class Refused:
    """A message as bytes, under a topic."""

    name: str
    topic: str
    message: bytes

    @property
    def sort(self) -> str:
        return wire.parse_topic(self.topic).sort


def signed(name: str, sort: str, payload: bytes, signer: str = "") -> Refused:
    """`payload`, whatever it is, properly signed, under the topic of `sort`."""
    return Refused(name, LEAST[sort].topic, KEYS[signer or SIGNER[sort]].message(sort, payload))


def changed(name: str, sort: str, changes: Mapping[object, object]) -> Refused:
    """The least message of `sort` with other keys; None takes one away."""
    pairs: dict[object, object] = {**changes}
    pairs.update({key: item for key, item in LEAST[sort].pairs.items() if key not in changes})
    kept = {key: item for key, item in pairs.items() if item is not None}
    return signed(f"{sort}: {name}", sort, cbor.encode(kept))


def by_tables() -> Iterator[Refused]:
    """What follows from the tables: each key missing, of a wrong type, and keys that are not theirs."""
    for sort, least in LEAST.items():
        for key in least.pairs:
            yield changed(f"key {key} is missing", sort, {key: None})
        for key, row in wire.SORTS[sort][0].items():
            wrong: object = 0 if isinstance(least.pairs.get(key), dict) else {}
            if row[0] in ("boots", "values", "arguments"):
                wrong = 0
            yield changed(f"key {key} is of another type", sort, {key: wrong})
        yield changed("unknown key 23", sort, {23: 0})
        yield changed("unknown key 0", sort, {0: 0})
        yield changed("unknown key -25", sort, {-25: 0})
        yield changed("text key", sort, {"24": 0})
        yield changed("version 2", sort, {1: 2})
        yield changed("version true", sort, {1: True})


def by_hand() -> Iterator[Refused]:
    """What the tables' own checks refuse."""
    for bad in ("", "-oslo", "Oslo", "os lo", "os/lo", "+", "#", "*", "osló", "a" * 33):
        yield changed(f"tenant {bad!r}", "bundle", {2: bad})
    yield changed("gateway * is for keysets", "receipt", {3: "*"})
    yield changed("one gateway only", "keyset", {3: GATEWAY})
    yield changed("lane 5", "bundle", {4: 5})
    yield changed("lane true", "bundle", {4: True})
    yield changed("number 0", "bundle", {6: 0})
    yield changed("no events", "bundle", {8: []})
    yield changed("257 events", "bundle", {8: [b"\xa0"] * 257})
    yield changed("an event that is no byte string", "bundle", {8: [{1: 0}]})
    yield changed("no boots", "bundle", {10: {}})
    yield changed("a boot's time is a decimal", "bundle", {10: {1: Decimal(1, 3)}})
    yield changed("one number given up", "bundle", {11: [1]})
    yield changed("three numbers given up", "bundle", {11: [1, 2, 3]})
    yield changed("a device without its driver", "manifest", {5: [{1: 1}]})
    yield changed("a device with an unknown key 11", "manifest", {5: [{1: 1, 2: "", 11: 0}]})
    yield changed("a device with bond 3", "manifest", {5: [{1: 1, 2: "", 9: 3}]})
    yield changed("a lane of three", "state", {8: {0: [1, bytes(16), 0]}})
    yield changed("a lane of five", "state", {8: {0: [1, bytes(16), 0, bytes(16), 0]}})
    yield changed("a lane by name", "state", {8: {"safety": [1, bytes(16), 0, bytes(16)]}})
    yield changed("a value that is none", "state", {13: {1: [1, 2]}})
    yield changed("a lane of one", "receipt", {5: {0: [1]}})
    yield changed("a chain value of 15 bytes", "receipt", {5: {0: [1, bytes(15)]}})
    yield changed("lane -1", "receipt", {5: {-1: [1, bytes(16)]}})
    yield changed("became 4", "disposition", {5: 4})
    yield changed("arguments by number", "command", {7: {1: 1}})
    yield changed("no keys", "keyset", {6: []})
    yield changed("a key without roles", "keyset", {6: [key_row("platform")]})
    yield changed("a key of 31 bytes", "keyset", {6: [[bytes(8), bytes(31), ["receipt"]]]})
    yield changed("a kid of 7 bytes", "keyset", {6: [[bytes(7), KEYS["platform"].public, ["receipt"]]]})
    yield changed("a kid of another key", "keyset", {6: [[bytes(8), KEYS["platform"].public, ["receipt"]]]})
    yield changed(
        "a key twice", "keyset", {6: [key_row("platform", "receipt"), key_row("platform", "command")]}
    )
    yield changed("no next roots", "keyset", {7: []})


def of_payload() -> Iterator[Refused]:
    """Payloads that are not the deterministic encoding of anything."""
    payload = LEAST["config"].payload
    yield signed("config: nothing", "config", b"")
    yield signed("config: ends early", "config", payload[:-1])
    yield signed("config: goes on", "config", payload + b"\x00")
    yield signed("config: an array", "config", b"\x80")
    yield signed("config: indefinite length", "config", b"\xbf" + payload[1:] + b"\xff")
    yield signed("config: a count in a longer form", "config", b"\xb8\x05" + payload[1:])
    yield signed("config: the version in a longer form", "config", payload[:2] + b"\x18\x01" + payload[3:])
    yield signed("config: the last key first", "config", payload[:1] + payload[-2:] + payload[1:-2])
    yield signed("config: a key twice", "config", b"\xa6" + payload[1:] + payload[-2:])
    yield signed(
        "config: a float under a later key", "config", b"\xa6" + payload[1:] + b"\x18\x18\xf9\x3c\x00"
    )
    yield signed("config: null under a later key", "config", b"\xa6" + payload[1:] + b"\x18\x18\xf6")
    yield signed(
        "config: nested deeper than 8", "config", b"\xa6" + payload[1:] + b"\x18\x18" + b"\x81" * 8 + b"\x80"
    )
    yield signed(
        "config: text that is not UTF-8", "config", b"\xa6" + payload[1:] + b"\x18\x18\x63\xed\xa0\x80"
    )


def sign(protected: bytes) -> bytes:
    """The platform's signature under any protected header."""
    payload = LEAST["receipt"].payload
    return KEYS["platform"].private.sign(cose.to_be_signed(protected, wire.aad("receipt"), payload))


def of_envelope() -> Iterator[Refused]:
    """Envelopes of another shape, or in another encoding."""
    least, kid = LEAST["receipt"], cose.kid_of(KEYS["platform"].public)
    good, ours = least.message, cose.protected_header(kid)
    protected, payload, signature = cbor.encode(ours), cbor.encode(least.payload), cbor.encode(sign(ours))
    parts = [ours, {}, least.payload, sign(ours)]
    for name, data in (
        ("nothing", b""),
        ("no tag", good[1:]),
        ("tag 17, COSE_Mac0", b"\xd1" + good[1:]),
        ("tag 98, COSE_Sign", b"\xd8\x62" + good[1:]),
        ("tag 18 in a longer form", b"\xd8\x12" + good[1:]),
        ("tag 18 twice", b"\xd2" + good),
        ("the self-described tag before it", b"\xd9\xd9\xf7" + good),
        ("trailing byte", good + b"\x00"),
        ("ends early", good[:-1]),
        ("array of indefinite length", b"\xd2\x9f" + good[2:] + b"\xff"),
        ("payload in two pieces", good[:2] + protected + b"\xa0\x5f" + payload + b"\xff" + signature),
        ("detached payload", good[:2] + protected + b"\xa0\xf6" + signature),
        ("three parts", cbor.encode(Tagged(18, parts[:3]))),
        ("five parts", cbor.encode(Tagged(18, [*parts, b""]))),
        ("a map", cbor.encode(Tagged(18, {0: 0}))),
    ):
        yield Refused("envelope: " + name, least.topic, data)


def of_headers() -> Iterator[Refused]:
    """Envelopes with other parts; the signature of each fits what it stands on."""
    least, kid = LEAST["receipt"], cose.kid_of(KEYS["platform"].public)
    ours, payload = cose.protected_header(kid), least.payload
    for name, parts in (
        ("signature of 63 bytes", [ours, {}, payload, sign(ours)[:63]]),
        ("signature of 65 bytes", [ours, {}, payload, sign(ours) + b"\x00"]),
        ("payload is text", [ours, {}, "text", sign(ours)]),
        ("a second kid in the unprotected header", [ours, {4: kid}, payload, sign(ours)]),
        ("unprotected header is an array", [ours, [], payload, sign(ours)]),
    ):
        yield Refused("envelope: " + name, least.topic, cbor.encode(Tagged(18, parts)))
    for name, protected, unprotected in (
        ("kid in the unprotected header", cbor.encode({1: -8}), {4: kid}),
        ("no algorithm", cbor.encode({4: kid}), {}),
        ("no kid", cbor.encode({1: -8}), {}),
        ("algorithm -7 (ES256)", cbor.encode({1: -7, 4: kid}), {}),
        ("algorithm -19 (Ed25519 of RFC 9864)", cbor.encode({1: -19, 4: kid}), {}),
        ("kid of 7 bytes", cbor.encode({1: -8, 4: kid[:7]}), {}),
        ("kid is text", cbor.encode({1: -8, 4: "platform"}), {}),
        ("content type beside them", cbor.encode({1: -8, 3: 0, 4: kid}), {}),
        ("critical header", cbor.encode({1: -8, 2: [4], 4: kid}), {}),
        ("empty protected header", b"", {}),
        ("protected header is {}", b"\xa0", {}),
        ("protected header not sorted", b"\xa2" + ours[3:] + ours[1:3], {}),
        ("protected header goes on", ours + b"\x00", {}),
    ):
        parts = [protected, unprotected, payload, sign(protected)]
        yield Refused("envelope: " + name, least.topic, cbor.encode(Tagged(18, parts)))


def of_address() -> Iterator[Refused]:
    """Good messages under a topic that is not theirs."""
    bundle = LEAST["bundle"]
    for lane in (0, 2, 3, 4):
        yield Refused(
            f"bundle of lane 1 moved to {lane}", wire.topic(TENANT, GATEWAY, "bundle", lane), bundle.message
        )
    for sort, least in LEAST.items():
        own_lane = 1 if sort == "bundle" else None
        if sort != "keyset":
            elsewhere = wire.topic(TENANT, OTHER_GATEWAY, sort, own_lane)
            yield Refused(f"{sort} of another gateway", elsewhere, least.message)
        elsewhere = wire.topic(OTHER_TENANT, GATEWAY, sort, own_lane)
        yield Refused(f"{sort} of another tenant", elsewhere, least.message)


def of_signature() -> Iterator[Refused]:
    """Messages that no key signed which may."""
    for sort, least in LEAST.items():
        good = least.message
        yield Refused(
            f"{sort}: last bit of the signature flipped", least.topic, good[:-1] + bytes([good[-1] ^ 1])
        )
        yield signed(f"{sort}: signed by a stranger", sort, least.payload, "stranger")
        other = next((name for name in LEAST if name != sort and SIGNER[name] == SIGNER[sort]), "config")
        as_other = KEYS[SIGNER[sort]].message(other, least.payload)
        yield Refused(f"{sort}: signed as a {other}", least.topic, as_other)
    for sort, signer in (
        ("receipt", "gateway"), ("receipt", "operator"), ("receipt", "root"), ("config", "platform"),
        ("command", "platform"), ("disposition", "operator"), ("keyset", "platform"), ("keyset", "next-root"),
        ("bundle", "platform"), ("state", "root"),
    ):  # fmt: skip
        yield signed(f"{sort}: signed by the {signer}", sort, LEAST[sort].payload, signer)
    yield unbound("receipt", b"", "no external_aad")
    yield unbound("receipt", b"trygg/v2/receipt", "external_aad of version 2")
    yield unbound("receipt", b"receipt", "external_aad without its prefix")
    yield forged("receipt", {4: bytes(8), 5: {}}, "another epoch put in")
    yield forged("bundle", {6: 2}, "another number put in")
    yield forged("keyset", {6: [key_row("stranger", "receipt")]}, "another key put in")
    receipt = LEAST["receipt"]
    strange = KEYS["stranger"]
    protected = KEYS["platform"].sealer.protected
    signature = strange.private.sign(cose.to_be_signed(protected, wire.aad("receipt"), receipt.payload))
    yield Refused(
        "receipt: a stranger names the platform's key",
        receipt.topic,
        cose.assemble(protected, receipt.payload, signature),
    )


def unbound(sort: str, aad: bytes, name: str) -> Refused:
    """The least message, signed with another `external_aad`."""
    least, key = LEAST[sort], KEYS[SIGNER[sort]]
    signature = key.private.sign(cose.to_be_signed(key.sealer.protected, aad, least.payload))
    return Refused(
        f"{sort}: {name}", least.topic, cose.assemble(key.sealer.protected, least.payload, signature)
    )


def forged(sort: str, changes: dict[int, object], name: str) -> Refused:
    """The least message with other content under the signature of the first."""
    least = LEAST[sort]
    first = cose.take_apart(least.message)
    payload = least.but("", changes).payload
    return Refused(f"{sort}: {name}", least.topic, cose.assemble(first.protected, payload, first.signature))


def judge(refused: Refused) -> tuple[str, str]:
    """(step, reason) of the refusal, by the steps that a receiver takes. Raises AssertionError where none refuses."""
    where = wire.parse_topic(refused.topic)
    try:
        parsed = wire.parse(where.sort, refused.message)
    except DecodeError as error:
        return "form", error.reason
    try:
        wire.check_topic(parsed, where)
    except RefusedError as error:
        return "address", error.reason
    try:
        wire.verify(parsed, KEYS[SIGNER[where.sort]].public, verify)
    except RefusedError as error:
        return "signature", error.reason
    raise AssertionError(f"{refused.name}: nothing refused it")


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Ed25519 by the keys that the vectors have: signatures are deterministic (RFC 8032), so equal ones hold."""
    key = next(key for key in KEYS.values() if key.public == public)
    return key.private.sign(message) == signature


def refused_vectors() -> dict[str, Plain]:
    """The content of wire_refused.json."""
    rows: list[Plain] = []
    for make in (of_envelope, of_headers, of_payload, by_tables, by_hand, of_address, of_signature):
        for refused in make():
            step, reason = judge(refused)
            rows.append(
                {"name": refused.name, "sort": refused.sort, "topic": refused.topic, "step": step,
                 "reason": reason, "message": refused.message.hex()}
            )  # fmt: skip
    return {"about": ABOUT, "messages": rows}
