"""Every message of wire contract version 1: topics, sorts, and the table each payload is held to.

`docs/wire.cddl` is the normative file; the tables below say the same to the machine. Reading a message has
two steps, so that cheap refusals come before a signature check: `parse` (form), then `verify`, or `signed` and `hold`
where the check is awaited between them.
"""

from gateway.core import cbor, cose, schema
from gateway.core.cose import Sign1
from gateway.core.errors import DecodeError, RefusedError
from gateway.core.event_codec import value
from gateway.core.schema import (
    OPTIONAL,
    REQUIRED,
    exactly,
    integer,
    listing,
    mapping,
    nested,
    octets,
    positive,
    row,
    text,
    uint,
    up_to,
)
from hal.types import CHAIN_SIZE, EPOCH_SIZE, LANES, chain_next

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.schema import Check, Table

PREFIX = "trygg/v1/"
VERSION = 1
MAX_UP_BYTES = 64 * 1024
MAX_DOWN_BYTES = 8 * 1024
MAX_EVENTS = 256
WHOLE_TENANT = "*"

RECEIPT_ROLE, DISPOSITION_ROLE, CONFIG_ROLE, COMMAND_ROLE = "receipt", "disposition", "config", "command"

ID_FIRST = "abcdefghijklmnopqrstuvwxyz0123456789"
ID_REST = ID_FIRST + "-"


def is_id(name: str) -> bool:
    """Whether `name` matches [a-z0-9][a-z0-9-]{0,31}."""
    if not 1 <= len(name) <= 32 or name[0] not in ID_FIRST:
        return False
    return all(letter in ID_REST for letter in name)


def identifier(item: object) -> object:
    """A tenant or gateway id."""
    if not isinstance(item, str) or not is_id(item):
        raise DecodeError("not an id ([a-z0-9][a-z0-9-]{0,31})")
    return item


def one_of(*choices: object) -> "Check":
    """One of a few values."""

    def check(item: object) -> object:
        if item not in choices or isinstance(item, bool):
            raise DecodeError("not one of " + ", ".join([str(choice) for choice in choices]))
        return item

    return check


def lanes(check_item: "Check") -> "Check":
    """A map by lane. A lane that this version does not have is checked and left out (Growth)."""
    whole = mapping(uint, check_item)

    def check(item: object) -> object:
        checked: "dict[int, object]" = whole(item)  # type: ignore[assignment]
        return {number: row for number, row in checked.items() if number in LANES}

    return check


lane = up_to(4)
epoch = octets(EPOCH_SIZE)
chain_value = octets(CHAIN_SIZE)


def head(gateway: "Check") -> "Table":
    """Keys 1 to 3 of every message."""
    return {
        1: ("version", exactly(VERSION), REQUIRED),
        2: ("tenant", identifier, REQUIRED),
        3: ("gateway", gateway, REQUIRED),
    }


def table(rows: "Table", gateway: "Check" = identifier) -> "Table":
    """A message's table: the head and its own rows."""
    whole = head(gateway)
    whole.update(rows)
    return whole


DEVICE = {
    1: ("placement", uint, REQUIRED),
    2: ("driver", text, REQUIRED),
    3: ("maker", text, OPTIONAL),
    4: ("model", text, OPTIONAL),
    5: ("serial_number", text, OPTIONAL),
    6: ("room", text, OPTIONAL),
    7: ("interval_s", uint, OPTIONAL),
    8: ("user_index", uint, OPTIONAL),
    9: ("bond", up_to(2), OPTIONAL),
    10: ("legal_basis", text, OPTIONAL),
}

BUNDLE = table(
    {
        4: ("lane", lane, REQUIRED),
        5: ("epoch", epoch, REQUIRED),
        6: ("first_seq", positive, REQUIRED),
        7: ("before", chain_value, REQUIRED),
        8: ("events", listing(octets(), 1, MAX_EVENTS), REQUIRED),
        9: ("manifest", uint, REQUIRED),
        10: ("boots", mapping(uint, integer, 1), OPTIONAL),
        11: ("given_up", row(uint, uint), OPTIONAL),
    }
)
MANIFEST = table(
    {
        4: ("revision", uint, REQUIRED),
        5: ("devices", listing(nested(DEVICE, "device")), REQUIRED),
        6: ("time_zone", text, REQUIRED),
    }
)
STATE = table(
    {
        4: ("epoch", epoch, REQUIRED),
        5: ("boot", uint, REQUIRED),
        6: ("uptime_ms", uint, REQUIRED),
        7: ("utc_ms", integer, OPTIONAL),
        8: ("lanes", lanes(row(uint, chain_value, uint, chain_value)), REQUIRED),
        9: ("manifest", uint, REQUIRED),
        10: ("config", uint, REQUIRED),
        11: ("keyset", uint, REQUIRED),
        12: ("software", text, REQUIRED),
        13: ("values", mapping(uint, value), OPTIONAL),
    }
)
RECEIPT = table(
    {
        4: ("epoch", epoch, REQUIRED),
        5: ("lanes", lanes(row(uint, chain_value)), REQUIRED),
    }
)
DISPOSITION = table(
    {
        4: ("identity", octets(16), REQUIRED),
        5: ("became", up_to(3), REQUIRED),
        6: ("utc_ms", integer, REQUIRED),
        7: ("note", text, OPTIONAL),
    }
)
KEYSET = table(
    {
        4: ("keyset_version", uint, REQUIRED),
        5: ("not_after", integer, REQUIRED),
        6: ("keys", listing(row(octets(8), octets(32), listing(text, 1)), 1), REQUIRED),
        7: ("next_roots", listing(octets(32), 1), OPTIONAL),
    },
    one_of(WHOLE_TENANT),
)
CONFIG = table({4: ("revision", uint, REQUIRED), 5: ("configuration", octets(), REQUIRED)})
COMMAND = table(
    {
        4: ("id", octets(16), REQUIRED),
        5: ("counter", uint, REQUIRED),
        6: ("verb", text, REQUIRED),
        7: ("arguments", mapping(text, value), OPTIONAL),
        8: ("not_after", integer, REQUIRED),
    }
)

# sort: (table, topic below the gateway's or None for the lanes, most bytes)
SORTS: "dict[str, tuple[Table, str, int]]" = {
    "bundle": (BUNDLE, "up/", MAX_UP_BYTES),
    "manifest": (MANIFEST, "up/manifest", MAX_UP_BYTES),
    "state": (STATE, "up/state", MAX_UP_BYTES),
    "receipt": (RECEIPT, "down/receipt", MAX_DOWN_BYTES),
    "disposition": (DISPOSITION, "down/disposition", MAX_DOWN_BYTES),
    "keyset": (KEYSET, "down/keyset", MAX_DOWN_BYTES),
    "config": (CONFIG, "down/config", MAX_DOWN_BYTES),
    "command": (COMMAND, "down/command", MAX_DOWN_BYTES),
}
SORT_OF = {spec[1]: sort for sort, spec in SORTS.items()}


class Topic:
    """A topic taken apart: `lane` is None except for bundles."""

    __slots__ = ("gateway", "lane", "sort", "tenant")

    def __init__(self, tenant: str, gateway: str, sort: str, lane_number: "int | None" = None) -> None:
        self.tenant = tenant
        self.gateway = gateway
        self.sort = sort
        self.lane = lane_number


def topic(tenant: str, gateway: str, sort: str, lane_number: "int | None" = None) -> str:
    """The topic of a message."""
    end = "up/" + str(lane_number) if sort == "bundle" else SORTS[sort][1]
    return PREFIX + tenant + "/" + gateway + "/" + end


def parse_topic(name: str) -> Topic:
    """Raises DecodeError for a topic that is not of version 1."""
    parts = name.split("/")
    if (
        len(parts) != 6
        or parts[0] + "/" + parts[1] + "/" != PREFIX
        or not (is_id(parts[2]) and is_id(parts[3]))
    ):
        raise DecodeError("not a topic of version 1")
    end = parts[4] + "/" + parts[5]
    if end in SORT_OF and end != "up/":
        return Topic(parts[2], parts[3], SORT_OF[end])
    if parts[4] == "up" and parts[5] in ("0", "1", "2", "3", "4"):
        return Topic(parts[2], parts[3], "bundle", int(parts[5]))
    raise DecodeError("not a topic of version 1")


def aad(sort: str) -> bytes:
    """External authenticated data of a sort."""
    return (PREFIX + sort).encode()


class Parsed:
    """A message whose form is right and whose signature nobody has checked yet."""

    __slots__ = ("fields", "sign1", "sort")

    def __init__(self, sort: str, sign1: Sign1, fields: "dict[str, object]") -> None:
        self.sort = sort
        self.sign1 = sign1
        self.fields = fields


def parse(sort: str, data: bytes) -> Parsed:
    """Take a message apart and hold its payload to the table of `sort`. Raises DecodeError."""
    rows, _, most_bytes = SORTS[sort]
    if len(data) > most_bytes:
        raise DecodeError("message of more than " + str(most_bytes) + " bytes")
    sign1 = cose.take_apart(data)
    fields = schema.read(rows, cbor.decode(sign1.payload), sort)
    if sort == "keyset":
        check_keyset(fields)
    return Parsed(sort, sign1, fields)


def check_keyset(fields: "dict[str, object]") -> None:
    """Each kid must be that of its key, and no key stands there twice. Raises DecodeError."""
    seen: "set[bytes]" = set()
    for kid, public_key, _roles in fields["keys"]:  # type: ignore[attr-defined]
        if kid != cose.kid_of(public_key):
            raise DecodeError("keyset names a kid that is not that of its key")
        if kid in seen:
            raise DecodeError("keyset names a key twice")
        seen.add(kid)


def chain_values(before: bytes, events: "list[bytes]") -> "list[bytes]":
    """h(n) of each event, where `before` is the chain value before the first."""
    values = []
    for event in events:
        before = chain_next(before, event)
        values.append(before)
    return values


def check_chain(parsed: Parsed, seq: int, chain: bytes) -> "list[bytes]":
    """Chain values of a bundle's events, which must follow number `seq`, whose chain value is `chain`.

    Before the first number of a lane stand 0 and `hal.types.chain_start`. Raises RefusedError.
    """
    fields = parsed.fields
    if fields["first_seq"] != seq + 1:
        raise RefusedError("the bundle begins at " + str(fields["first_seq"]) + ", not at " + str(seq + 1))
    if fields["before"] != chain:
        raise RefusedError("the bundle does not continue the chain")
    return chain_values(chain, fields["events"])  # type: ignore[arg-type]


def check_address(parsed: Parsed, tenant: str, gateway: str) -> None:
    """Refuse a message that stands under another's topic. Raises RefusedError."""
    fields = parsed.fields
    named = fields["gateway"]
    if fields["tenant"] != tenant or (
        named != gateway and not (parsed.sort == "keyset" and named == WHOLE_TENANT)
    ):
        raise RefusedError("the message names another gateway than its topic")


def check_topic(parsed: Parsed, where: Topic) -> None:
    """Refuse a message whose topic says otherwise than it does. Raises RefusedError."""
    if parsed.sort != where.sort:
        raise RefusedError("the message is not of its topic's sort")
    check_address(parsed, where.tenant, where.gateway)
    if parsed.sort == "bundle" and parsed.fields["lane"] != where.lane:
        raise RefusedError("the bundle names another lane than its topic")


def signed(parsed: Parsed, public_key: bytes) -> bytes:
    """The received bytes that the signature must be of. Raises RefusedError where the message names another key."""
    if cose.kid_of(public_key) != parsed.sign1.kid:
        raise RefusedError("the message names another key")
    return cose.to_be_signed(parsed.sign1.protected, aad(parsed.sort), parsed.sign1.payload)


def hold(holds: bool) -> None:
    """What a signature check came to. Raises RefusedError."""
    if not holds:
        raise RefusedError("the signature does not hold")


def verify(
    parsed: Parsed, public_key: bytes, ed25519_verify: "Callable[[bytes, bytes, bytes], bool]"
) -> None:
    """Check the signature over the received bytes at one go. Raises RefusedError."""
    hold(ed25519_verify(public_key, signed(parsed, public_key), parsed.sign1.signature))


class Sealer:
    """Signs messages of one key; the protected header is encoded once."""

    def __init__(self, public_key: bytes) -> None:
        self.protected = cose.protected_header(cose.kid_of(public_key))

    def to_sign(self, sort: str, payload: bytes) -> bytes:
        """The bytes the key signs."""
        return cose.to_be_signed(self.protected, aad(sort), payload)

    def seal(self, payload: bytes, signature: bytes) -> bytes:
        """The message."""
        return cose.assemble(self.protected, payload, signature)


def encode_payload(sort: str, tenant: str, gateway: str, fields: "dict[str, object]") -> bytes:
    """Payload of any sort from its fields by name; None values are left out.

    Raises:
        ValueError: a field the table refuses or does not have.
    """
    rows = SORTS[sort][0]
    whole = dict(fields)
    whole.update({"version": VERSION, "tenant": tenant, "gateway": gateway})
    unknown = set(whole) - {row[0] for row in rows.values()}
    if unknown:
        raise ValueError(sort + " has no " + ", ".join(sorted(unknown)))
    try:
        return cbor.encode(schema.write(rows, whole))
    except DecodeError as error:
        raise ValueError(sort + ": " + error.reason)


def encode_device(fields: "dict[str, object]") -> "dict[int, object]":
    """A `device` of the manifest from its fields by name."""
    return schema.write(DEVICE, fields)


def encode_bundle(
    tenant: str,
    gateway: str,
    lane_number: int,
    epoch_id: bytes,
    first_seq: int,
    before: bytes,
    events: "list[bytes]",
    manifest: int,
    boots: "dict[int, int] | None" = None,
    given_up: "tuple[int, int] | None" = None,
) -> bytes:
    """Payload of a bundle; the events' stored bytes are put together without encoding them again.

    Raises:
        ValueError: no event, or more than a bundle may hold.
    """
    if not 1 <= len(events) <= MAX_EVENTS:
        raise ValueError("a bundle holds 1 to " + str(MAX_EVENTS) + " events, not " + str(len(events)))
    items: "list[object]" = [VERSION, tenant, gateway, lane_number, epoch_id, first_seq, before]
    parts = [cbor.head(cbor.MAP, 9 + (1 if boots else 0) + (1 if given_up else 0))]
    for key, item in enumerate(items):
        parts += [cbor.encode(key + 1), cbor.encode(item)]
    parts += [cbor.encode(8), cbor.array_of_encoded(events), cbor.encode(9), cbor.encode(manifest)]
    if boots:
        parts += [cbor.encode(10), cbor.encode(boots)]
    if given_up:
        parts += [cbor.encode(11), cbor.encode(list(given_up))]
    return b"".join(parts)
