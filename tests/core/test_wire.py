"""Messages of every sort. Vectors: tests/vectors/wire_valid.json, wire_refused.json, chain.json."""

from gateway.core import cbor, wire
from gateway.core.errors import DecodeError, RefusedError
from hal.types import chain_next, chain_start
from tests.core.vectors import load, refusal
from tests.core.wire_vectors import ED25519, fields_of, hexed, keys, not_written, refused, seed

VALID = load("wire_valid.json")["messages"]
REFUSED = load("wire_refused.json")["messages"]
CHAIN = load("chain.json")
# key that may sign a sort
SIGNER = {str(row["sort"]): str(row["signer"]) for row in VALID}
EPOCH = hexed(CHAIN, "epoch")  # type: ignore[arg-type]


def receive(topic: str, data: bytes) -> wire.Parsed:
    """What every receiver does, in the order of cost."""
    where = wire.parse_topic(topic)
    parsed = wire.parse(where.sort, data)
    wire.check_topic(parsed, where)
    wire.verify(parsed, keys()[SIGNER[where.sort]], ED25519.verify)
    return parsed


def step_of(topic: str, data: bytes) -> "tuple[str, str]":
    """(step, reason) at which a receiver refuses."""
    where = wire.parse_topic(topic)
    try:
        parsed = wire.parse(where.sort, data)
    except DecodeError as error:
        return "form", error.reason
    try:
        wire.check_topic(parsed, where)
    except RefusedError as error:
        return "address", error.reason
    return "signature", refused(wire.verify, parsed, keys()[SIGNER[where.sort]], ED25519.verify)


def sealed(sort: str, payload: bytes) -> bytes:
    """`payload` signed by the key of its sort."""
    name = SIGNER[sort]
    sealer = wire.Sealer(keys()[name])
    return sealer.seal(payload, ED25519.sign(seed(name), sealer.to_sign(sort, payload)))


def audit(messages: "list[bytes]", epoch: bytes, lane: int, end: "tuple[int, bytes]") -> None:
    """Raise RefusedError unless the bundles are the whole lane up to `end` (number, chain value)."""
    seq, chain = 0, chain_start(epoch, lane)
    for message in messages:
        parsed = wire.parse("bundle", message)
        values = wire.check_chain(parsed, seq, chain)
        seq, chain = seq + len(values), values[-1]
    if (seq, chain) != end:
        raise RefusedError("the chain ends elsewhere")


def test_every_valid_message_is_received_and_says_what_it_says() -> None:
    for row in VALID:
        parsed = receive(str(row["topic"]), hexed(row, "message"))
        expected = fields_of(row["fields"])  # type: ignore[arg-type]
        assert parsed.fields == expected, row["name"]
        assert parsed.sort == row["sort"]


def test_every_refused_message_is_refused_at_its_step_for_its_reason() -> None:
    steps = set()
    for row in REFUSED:
        found = step_of(str(row["topic"]), hexed(row, "message"))
        assert found == (row["step"], row["reason"]), row["name"]
        steps.add(found[0])
    assert len(steps) == 3


def test_every_sort_has_valid_and_refused_messages() -> None:
    for sort in wire.SORTS:
        assert [row for row in VALID if row["sort"] == sort] and [
            row for row in REFUSED if row["sort"] == sort
        ], sort


def test_payloads_are_written_as_they_are_read() -> None:
    """Of what this version knows: from the fields of each message come its bytes again."""
    count = 0
    for row in VALID:
        if "later" in str(row["name"]) or "unknown" in str(row["name"]) or row["sort"] == "manifest":
            continue
        fields = wire.parse(str(row["sort"]), hexed(row, "message")).fields
        tenant, gateway = fields.pop("tenant"), fields.pop("gateway")
        if "values" in fields or "arguments" in fields:
            continue  # these are written from values, which the test below does
        fields.pop("version")
        assert wire.encode_payload(str(row["sort"]), tenant, gateway, fields) == hexed(row, "payload"), row[
            "name"
        ]  # type: ignore[arg-type]
        count += 1
    assert count >= 14


def test_a_manifest_is_written_from_its_devices() -> None:
    row = [row for row in VALID if row["name"] == "manifest: two devices"][0]  # noqa: RUF015
    fields = wire.parse("manifest", hexed(row, "message")).fields
    devices = [wire.encode_device(device) for device in fields["devices"]]  # type: ignore[attr-defined]
    more: "dict[str, object]" = {"revision": 12, "devices": devices, "time_zone": "Europe/Oslo"}
    assert wire.encode_payload("manifest", "oslo", "gw-0001", more) == hexed(row, "payload")


def test_a_bundle_is_put_together_as_the_codec_would_write_it() -> None:
    for row in VALID:
        if row["sort"] != "bundle" or "unknown keys" in str(row["name"]):
            continue
        fields = wire.parse("bundle", hexed(row, "message")).fields
        payload = wire.encode_bundle(
            fields["tenant"],  # type: ignore[arg-type]
            fields["gateway"],  # type: ignore[arg-type]
            fields["lane"],  # type: ignore[arg-type]
            fields["epoch"],  # type: ignore[arg-type]
            fields["first_seq"],  # type: ignore[arg-type]
            fields["before"],  # type: ignore[arg-type]
            fields["events"],  # type: ignore[arg-type]
            fields["manifest"],  # type: ignore[arg-type]
            fields.get("boots"),  # type: ignore[arg-type]
            fields.get("given_up"),  # type: ignore[arg-type]
        )
        assert payload == hexed(row, "payload"), row["name"]


def test_a_bundle_holds_1_to_256_events() -> None:
    for count in (0, 257):
        reason = not_written(
            wire.encode_bundle, "oslo", "gw-0001", 1, EPOCH, 1, bytes(16), [b"\xa0"] * count, 1
        )
        assert reason == "a bundle holds 1 to 256 events, not " + str(count)


def test_fields_that_a_sort_does_not_have_are_not_written() -> None:
    good: "dict[str, object]" = {"epoch": EPOCH, "lanes": {}}
    for fields, reason in (
        ({"epoch": EPOCH, "lanes": {}, "lane": 1, "a": 2}, "receipt has no a, lane"),
        ({"epoch": EPOCH}, "receipt: lacks lanes"),
        ({"epoch": EPOCH, "lanes": {0: [1]}}, "receipt: not an array of 2"),
        ({"epoch": EPOCH[1:], "lanes": {}}, "receipt: not a byte string of 8"),
    ):
        assert not_written(wire.encode_payload, "receipt", "oslo", "gw-0001", fields) == reason
    for tenant, gateway in (("Oslo", "gw-0001"), ("oslo", "*"), ("", "gw-0001")):
        not_written(wire.encode_payload, "receipt", tenant, gateway, good)
    assert wire.encode_payload("receipt", "oslo", "gw-0001", good)


def padded(sort: str, size: int) -> bytes:
    """A message of so many bytes, unsigned."""
    filler = size - 300  # both lengths take two bytes or more from here on, so that one try finds the rest
    for _ in range(2):
        if sort == "bundle":
            payload = wire.encode_bundle("oslo", "gw-0001", 1, EPOCH, 1, bytes(16), [bytes(filler)], 1)
        else:
            fields: "dict[str, object]" = {"revision": 1, "configuration": bytes(filler)}
            payload = wire.encode_payload("config", "oslo", "gw-0001", fields)
        data = wire.Sealer(bytes(32)).seal(payload, bytes(64))
        filler += size - len(data)
    assert len(data) == size
    return data


def test_a_message_is_as_large_as_its_sort_allows_and_no_larger() -> None:
    for sort, most in (("bundle", 65_536), ("config", 8_192)):
        wire.parse(sort, padded(sort, most))
        reason = "message of more than " + str(most) + " bytes"
        assert refusal(wire.parse, sort, padded(sort, most + 1)).reason == reason
        assert refusal(wire.parse, sort, bytes(10 * most)).reason == reason


def test_only_what_comes_from_a_gateway_may_be_large() -> None:
    for sort, (_, topic, most) in wire.SORTS.items():
        assert most == (65_536 if topic.startswith("up/") else 8_192), sort


def test_topics_say_where_and_what() -> None:
    for sort in wire.SORTS:
        for lane in (0, 1, 2, 3, 4) if sort == "bundle" else (None,):
            name = wire.topic("oslo", "gw-0001", sort, lane)
            where = wire.parse_topic(name)
            assert (where.tenant, where.gateway, where.sort, where.lane) == ("oslo", "gw-0001", sort, lane)
    assert wire.topic("oslo", "gw-0001", "bundle", 3) == "trygg/v1/oslo/gw-0001/up/3"
    assert wire.topic("oslo", "gw-0001", "receipt") == "trygg/v1/oslo/gw-0001/down/receipt"


def test_other_topics_are_refused() -> None:
    for name in (
        "",
        "trygg/v1/oslo/gw-0001",
        "trygg/v1/oslo/gw-0001/up/",
        "trygg/v1/oslo/gw-0001/up/5",
        "trygg/v1/oslo/gw-0001/up/00",
        "trygg/v1/oslo/gw-0001/up/٣",
        "trygg/v1/oslo/gw-0001/up/bundle",
        "trygg/v1/oslo/gw-0001/up/receipt",
        "trygg/v1/oslo/gw-0001/down/state",
        "trygg/v1/oslo/gw-0001/down/0",
        "trygg/v1/oslo/gw-0001/up/0/",
        "/trygg/v1/oslo/gw-0001/up/0",
        "trygg/v2/oslo/gw-0001/up/0",
        "trygg/v1/Oslo/gw-0001/up/0",
        "trygg/v1/oslo/+/up/0",
        "trygg/v1/oslo//up/0",
        "trygg/v1/-oslo/gw-0001/up/0",
        "trygg/v1/" + "a" * 33 + "/gw-0001/up/0",
    ):
        assert refusal(wire.parse_topic, name).reason.startswith("not a topic of version 1"), name


def test_ids_match_their_pattern() -> None:
    for name in ("a", "0", "gw-0001", "a-", "a" * 32):
        assert wire.is_id(name), name
    for name in ("", "-", "-a", "A", "å", "a b", "a/b", "a_b", "a.b", "a" * 33, "a\n", "+", "#", "*"):
        assert not wire.is_id(name), name


def test_a_keyset_stands_under_every_gateways_topic() -> None:
    row = [row for row in VALID if row["sort"] == "keyset"][0]  # noqa: RUF015
    for gateway in ("gw-0001", "gw-0002", "z"):
        receive(wire.topic("oslo", gateway, "keyset"), hexed(row, "message"))


def test_a_bundle_is_received_whatever_its_events_hold() -> None:
    """Nothing in an event can block a lane."""
    for events in (
        [b""],
        [b"\xff" * 100],
        [bytes(60_000)],
        [b"\x81" * 1000],
        [cbor.encode({1: 0, 2: 10**9, 3: 0, 4: 0})],
    ):
        payload = wire.encode_bundle("oslo", "gw-0001", 1, EPOCH, 1, bytes(16), events, 1)
        parsed = receive("trygg/v1/oslo/gw-0001/up/1", sealed("bundle", payload))
        assert parsed.fields["events"] == events


def test_lanes_of_a_later_version_are_left_out() -> None:
    fields: "dict[str, object]" = {
        "epoch": EPOCH,
        "lanes": {4: [1, bytes(16)], 5: [1, bytes(16)], 2**40: [1, bytes(16)]},
    }
    payload = wire.encode_payload("receipt", "oslo", "gw-0001", fields)
    assert receive("trygg/v1/oslo/gw-0001/down/receipt", sealed("receipt", payload)).fields["lanes"] == {
        4: [1, bytes(16)]
    }


def test_the_chain_is_that_of_the_vectors() -> None:
    events = [bytes.fromhex(str(event)) for event in CHAIN["events"]]
    values = [bytes.fromhex(str(value)) for value in CHAIN["values"]]
    starts = [bytes.fromhex(str(value)) for value in CHAIN["starts"]]
    assert [chain_start(EPOCH, lane) for lane in range(5)] == starts
    assert len(set(starts)) == 5
    lane: int = CHAIN["lane"]  # type: ignore[assignment]
    assert wire.chain_values(starts[lane], events) == values
    assert chain_next(values[0], events[1]) == values[1]


def test_every_chain_with_an_event_removed_changed_or_swapped_is_refused() -> None:
    end: "dict[str, object]" = CHAIN["end"]  # type: ignore[assignment]
    lane: int = CHAIN["lane"]  # type: ignore[assignment]
    whole = 0
    for row in CHAIN["audits"]:
        messages = [bytes.fromhex(message) for message in row["messages"]]  # type: ignore[attr-defined]
        arguments = (messages, EPOCH, lane, (end["seq"], hexed(end, "chain")))
        if row["broken"]:
            assert refused(audit, *arguments), row["name"]
        else:
            audit(*arguments)  # type: ignore[arg-type]
            whole += 1
    assert whole == 3


def test_the_chain_names_what_is_wrong() -> None:
    message = bytes.fromhex([row for row in CHAIN["audits"] if not row["broken"]][0]["messages"][0])  # type: ignore[index]  # noqa: RUF015
    parsed = wire.parse("bundle", message)
    start = chain_start(EPOCH, 1)
    assert refused(wire.check_chain, parsed, 1, start) == "the bundle begins at 1, not at 2"
    assert refused(wire.check_chain, parsed, 0, bytes(16)) == "the bundle does not continue the chain"
    assert len(wire.check_chain(parsed, 0, start)) == 2


def test_a_message_under_another_sorts_topic_is_refused_before_its_signature() -> None:
    for row in VALID:
        where = wire.parse_topic(str(row["topic"]))
        parsed = wire.parse(where.sort, hexed(row, "message"))
        wire.check_topic(parsed, where)
        other = "state" if where.sort == "manifest" else "manifest"
        where = wire.parse_topic(wire.topic(where.tenant, where.gateway, other))
        assert refused(wire.check_topic, parsed, where) == "the message is not of its topic's sort"
