"""Events as bytes. Vectors: tests/vectors/event.json."""

from gateway.core import cbor, event_codec, registry
from gateway.core.event_codec import decode_event, encode_event, identity_of, with_identity
from gateway.core.model import Absent, Decimal, DeviceTime, Event, number, value_to_json
from tests.core.vectors import load, refusal
from tests.core.wire_vectors import event_of, hexed, not_written

VECTORS = load("event.json")
IDENTITY = bytes(range(16))


def test_every_valid_vector_reads_as_its_event() -> None:
    for row in VECTORS["valid"]:
        assert decode_event(hexed(row, "hex")).fields() == event_of(row["event"]).fields(), row["name"]  # type: ignore[arg-type]


def test_every_canonical_vector_is_written_to_the_bit() -> None:
    canonical = [row for row in VECTORS["valid"] if row["canonical"]]
    assert len(canonical) > 10
    for row in canonical:
        assert encode_event(event_of(row["event"])).hex() == row["hex"], row["name"]  # type: ignore[arg-type]


def test_every_refused_vector_is_refused_for_its_reason() -> None:
    for row in VECTORS["refused"]:
        assert refusal(decode_event, hexed(row, "hex")).reason == row["reason"], row["name"]


def test_every_kind_and_value_of_the_registry_goes_there_and_back() -> None:
    for kind in registry.KINDS:
        event = Event(kind, 1, 2, 3)
        assert decode_event(encode_event(event)) == event, kind
    for name in registry.VALUES:
        event = Event("hub.started", 1, 2, 3, values={name: 7})
        assert decode_event(encode_event(event)) == event, name


def test_unknown_kinds_and_values_keep_their_numbers() -> None:
    data = cbor.encode({1: 0, 2: 999_999, 3: 0, 4: 0, 6: {888_888: 1, 1: 97}})
    event = decode_event(data)
    assert event.kind == "#999999"
    assert event.values == {"#888888": 1, "spo2_pct": 97}
    assert encode_event(event) == data


def test_what_is_not_in_the_registry_or_on_the_wire_is_not_written() -> None:
    assert not_written(encode_event, Event("door.exploded", 0, 0, 0)) == "not in the registry: door.exploded"
    assert (
        not_written(encode_event, Event("hub.started", 0, 0, 0, values={"speed": 1}))
        == "not in the registry: speed"
    )
    for value in (1.5, None, [1], {}, ["nan"], (1, 2)):
        not_written(encode_event, Event("hub.started", 0, 0, 0, values={"reason": value}))
    not_written(encode_event, Event("hub.started", 0, 2**32, 0))
    not_written(encode_event, Event("hub.started", -1, 0, 0))
    not_written(encode_event, Event("hub.started", 0, 0, -1))
    not_written(encode_event, Event("hub.started", 0, 0, 0, incident=bytes(7)))
    not_written(encode_event, Event("hub.started", 0, 0, 0, identity=bytes(17)))
    not_written(encode_event, Event("hub.started", 0, 0, 0, values={"count": 2**64}))


def test_every_value_keeps_its_type_and_digits() -> None:
    values: "dict[str, object]" = {
        "spo2_pct": Decimal(9700, -2),
        "pulse_rate_bpm": Absent("nan"),
        "implausible": True,
        "stored": False,
        "reason": "æøå",
        "epoch": b"\x00\xff",
        "count": -1,
        "silent_ms": 0,
    }
    event = decode_event(encode_event(Event("oximetry.measured", 1, 2, 3, values=values)))
    assert event.values == values
    assert event.values["implausible"] is True and event.values["stored"] is False
    assert str(event.values["spo2_pct"]) == "97.00"


def test_lane_is_that_of_the_kind() -> None:
    assert [event_codec.lane_of(kind) for kind in ("smoke.detected", "dose.missed", "device.silent")] == [
        0,
        1,
        2,
    ]
    assert [event_codec.lane_of(kind) for kind in ("oximetry.measured", "door.opened")] == [3, 4]
    assert not_written(event_codec.lane_of, "#70000") == "not in the registry: #70000"


def test_an_event_journalled_again_carries_its_old_identity_and_nothing_else_changes() -> None:
    for row in VECTORS["valid"]:
        data = hexed(row, "hex")
        before, after = decode_event(data), decode_event(with_identity(data, IDENTITY))
        assert after.identity == (before.identity or IDENTITY), row["name"]
        after.identity = before.identity
        assert after == before
        if before.identity is not None:
            assert with_identity(data, IDENTITY) == data
        again = cbor.decode(with_identity(data, IDENTITY))
        assert isinstance(again, dict)
        again.pop(9)
        original = cbor.decode(data)
        assert isinstance(original, dict)
        original.pop(9, None)
        assert again == original, "unknown keys stay: " + str(row["name"])
    refusal(with_identity, b"\xff", IDENTITY)


def test_identity_is_key_9_else_the_chain_value() -> None:
    assert identity_of(Event("hub.started", 0, 0, 0), b"chain") == b"chain"
    assert identity_of(Event("hub.started", 0, 0, 0, identity=IDENTITY), b"chain") == IDENTITY


def test_device_time_says_only_what_is_known() -> None:
    for time in (DeviceTime("x"), DeviceTime("", 2), DeviceTime("x", 1, -5), DeviceTime("x", 1, 5, 0)):
        event = Event("dose.collected", 1, 2, 3, device_time=time)
        assert decode_event(encode_event(event)).device_time == time
    for time in (DeviceTime("x", 3), DeviceTime("x", 1, 5, -1)):
        not_written(encode_event, Event("dose.collected", 1, 2, 3, device_time=time))


def test_digits_are_those_of_the_device() -> None:
    for mantissa, exponent, digits in (
        (970, -1, "97.0"),
        (0, -3, "0.000"),
        (-5, -2, "-0.05"),
        (-2050, -2, "-20.50"),
        (1, 3, "1000"),
        (1, -128, "0." + "0" * 127 + "1"),
        (1, 128, "1" + "0" * 128),
        (12, 129, "12e129"),
        (-12, -129, "-12e-129"),
        (1, 2**63, "1e9223372036854775808"),
    ):
        assert str(Decimal(mantissa, exponent)) == digits


def test_a_number_is_whole_where_its_exponent_is_not_negative_and_the_wire_can_hold_it() -> None:
    assert number(97, 0) == 97
    assert number(-2, 3) == -2000
    assert number(970, -1) == Decimal(970, -1)
    for mantissa, exponent in ((1, 127), (-8_388_604, 127), (2, 20)):
        value = number(mantissa, exponent)
        assert value == Decimal(mantissa, exponent)
        event = Event("climate.measured", 1, 2, 3, values={"temperature_c": value})
        assert decode_event(encode_event(event)) == event
    assert number(1, 19) == 10**19


def test_values_as_people_read_them() -> None:
    assert value_to_json(Absent("+inf")) == "+Infinity"
    assert value_to_json(Absent("of a later version")) == "of a later version"
    assert value_to_json(b"\x01\xff") == "01ff"
    assert value_to_json(Decimal(1, -1)) == Decimal(1, -1)


def test_an_event_that_is_journalled_again_keeps_what_it_has_and_gains_only_what_is_said() -> None:
    """What a damaged store gave is marked beside its own marks; what names itself keeps its name."""
    pairs: "dict[int, object]" = {1: 7, 2: 1, 3: 1, 4: 5}
    rows: "tuple[tuple[dict[int, object], int, dict[int, object]], ...]" = (
        ({}, 0, {9: IDENTITY}),
        ({9: b"own"}, 0, {9: b"own"}),
        ({11: 2}, 0, {9: IDENTITY, 11: 2}),
        ({}, 8, {9: IDENTITY, 11: 8}),
        ({9: b"own"}, 8, {9: b"own", 11: 8}),
        ({11: 3}, 8, {9: IDENTITY, 11: 11}),
        ({11: 0}, 8, {9: IDENTITY, 11: 8}),
        ({11: 8}, 8, {9: IDENTITY, 11: 8}),
        ({11: -1}, 8, {9: IDENTITY, 11: 8}),
        ({11: "x"}, 8, {9: IDENTITY, 11: 8}),
        ({12: b"rule...."}, 8, {9: IDENTITY, 11: 8, 12: b"rule...."}),
    )
    for own, provenance, found in rows:
        before, after = dict(pairs), dict(pairs)
        before.update(own)
        after.update(own)
        after.update(found)
        made = with_identity(cbor.encode(before), IDENTITY, provenance)
        assert cbor.decode(made) == after, (own, provenance)
    for provenance in (0, 8):
        assert with_identity(cbor.encode([1]), IDENTITY, provenance) == cbor.encode([1]), (
            "no event: as it came"
        )


def test_what_cannot_be_written_is_named_with_the_value() -> None:
    """The words reach the log of a hub whose driver made a value that is none."""
    said = not_written(encode_event, Event("hub.started", 0, 0, 0, values={"reason": [7]}))
    assert said.endswith(": [7]") and len(said) > len(": [7]")
    assert not_written(encode_event, Event("hub.started", 0, 2**32, 0)) == "not an integer of 0 to 4294967295"
