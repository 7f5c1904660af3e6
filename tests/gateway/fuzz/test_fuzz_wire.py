"""No bytes make the wire's readers fail, hang, or take for one thing what is written as another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import cbor, schema, wire
from gateway.core.cbor import Tagged
from gateway.core.errors import DecodeError
from gateway.core.event_codec import DEVICE_TIME, EVENT, decode_event, encode_event
from gateway.core.model import Absent, Decimal, DeviceTime, Event
from gateway.core.registry import KINDS, VALUES
from tests.gateway.fuzz.enrolment_targets import ENROLMENT_TARGETS
from tests.gateway.fuzz.harness import SLOWEST_MS, Target, fuzz, took_again_ms
from tests.gateway.fuzz.installation_targets import INSTALLATION_TARGETS
from tests.gateway.fuzz.wire_targets import ITEMS, SEALER, WIRE_TARGETS, unsafe_reader

INPUTS = 1_500
SEED = 5

uints = st.integers(0, 2**64 - 1)
integers = st.integers(-(2**64), 2**64 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
decimals = st.builds(Decimal, integers, integers)
leaves = st.one_of(integers, st.booleans(), texts, st.binary(max_size=40), decimals)
keys = st.one_of(integers, texts, st.binary(max_size=10))
items = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4),
        st.builds(Tagged, uints.filter(lambda tag: tag != 4), inner),
    ),
    max_leaves=12,
)
values = st.one_of(leaves, st.builds(Absent, texts))
device_times = st.builds(
    DeviceTime, texts, st.integers(0, 2), st.one_of(st.none(), integers), st.one_of(st.none(), uints)
)
events = st.builds(
    Event,
    kind=st.sampled_from(sorted(KINDS)),
    placement=uints,
    boot=st.integers(0, 2**32 - 1),
    uptime_ms=uints,
    utc_ms=st.one_of(st.none(), integers),
    values=st.dictionaries(st.sampled_from(sorted(VALUES)), values, max_size=5),
    incident=st.one_of(st.none(), st.binary(min_size=8, max_size=8)),
    exercise=st.booleans(),
    identity=st.one_of(st.none(), st.binary(min_size=16, max_size=16)),
    device_time=st.one_of(st.none(), device_times),
    provenance=uints,
    rule=st.one_of(st.none(), st.binary(min_size=8, max_size=8)),
)


def depth(value: object) -> int:
    """Levels of arrays, maps and tags."""
    if isinstance(value, Decimal):
        return 2
    if isinstance(value, Tagged):
        return 1 + depth(value.value)
    if isinstance(value, list):
        return 1 + max((depth(item) for item in value), default=0)
    if isinstance(value, dict):
        return 1 + max((depth(item) for item in value.values()), default=0)
    return 0


@pytest.mark.parametrize(
    "target",
    WIRE_TARGETS + ENROLMENT_TARGETS + INSTALLATION_TARGETS,
    ids=lambda target: target.name.replace(" ", "-"),
)
def test_no_input_makes_a_reader_of_the_wire_fail(target: Target) -> None:
    assert target.seeds
    outcome = fuzz(target, SEED, INPUTS)
    assert [str(finding) for finding in outcome.findings] == []
    assert 0 < outcome.refused < outcome.inputs, "mutations must reach both sides of the line"


def test_a_reader_that_lets_other_encodings_pass_is_found() -> None:
    """Control: the same inputs find what a lenient reader would take for the same value."""
    outcome = fuzz(Target("lenient", ITEMS, unsafe_reader), SEED, INPUTS)
    assert outcome.findings and "AssertionError" in outcome.findings[0].what


@pytest.mark.parametrize(
    "filler",
    [
        pytest.param([0] * 64_000, id="numbers"),
        pytest.param([[]] * 64_000, id="arrays"),
        pytest.param([{}] * 64_000, id="maps"),
        pytest.param(dict.fromkeys(range(13000), 0), id="keys"),
        pytest.param([Tagged(1, 0)] * 32_000, id="tags"),
        pytest.param([Decimal(1, 1)] * 16_000, id="decimals"),
        pytest.param(["å"] * 21_000, id="texts"),
        pytest.param("å" * 32_000, id="text"),
    ],
)
def test_the_largest_message_of_each_kind_is_read_in_time(filler: object) -> None:
    """A key of a later version may hold anything that fits 64 KiB."""
    good = next(
        cbor.decode(target.seeds[0]) for target in WIRE_TARGETS if target.name == "wire bundle payload"
    )
    assert isinstance(good, dict)
    message = SEALER.seal(cbor.encode({**good, 24: filler}), bytes(64))
    assert wire.MAX_UP_BYTES * 3 // 4 < len(message) <= wire.MAX_UP_BYTES
    took_ms = took_again_ms(Target("large", (), lambda: lambda data: wire.parse("bundle", data)), message)
    assert took_ms < SLOWEST_MS


@given(items)
def test_what_is_written_reads_as_itself(value: object) -> None:
    data = cbor.encode(value)
    if depth(value) <= cbor.MAX_DEPTH:
        assert cbor.decode(data) == value
        assert cbor.encode(cbor.decode(data)) == data
    else:
        with pytest.raises(DecodeError, match="nested deeper"):
            cbor.decode(data)


@given(events)
def test_every_event_goes_there_and_back(event: Event) -> None:
    data = encode_event(event)
    assert decode_event(data) == event
    assert encode_event(decode_event(data)) == data


@pytest.mark.parametrize("sort", wire.SORTS)
def test_any_value_under_any_key_is_read_or_refused(sort: str) -> None:
    """Good messages with one or two of their fields replaced by anything at all."""
    good = next(
        cbor.decode(target.seeds[0]) for target in WIRE_TARGETS if target.name == f"wire {sort} payload"
    )
    assert isinstance(good, dict)

    @given(st.dictionaries(st.sampled_from([*range(26), 1000]), items, min_size=1, max_size=2))
    def check(changes: dict[int, object]) -> None:
        payload = cbor.encode({**good, **changes})
        try:
            parsed = wire.parse(sort, SEALER.seal(payload, bytes(64)))
        except DecodeError:
            return
        assert set(parsed.fields) <= {row[0] for row in wire.SORTS[sort][0].values()}
        assert not [key for key in changes if key < 24 and key not in wire.SORTS[sort][0]]

    check()


@given(st.dictionaries(st.integers(-2, 30), items, max_size=8))
def test_any_map_is_an_event_or_refused(pairs: dict[int, object]) -> None:
    for table, what in ((EVENT, "event"), (DEVICE_TIME, "device time")):
        try:
            fields = schema.read(table, cbor.decode(cbor.encode(pairs)), what)
        except DecodeError:
            continue
        assert set(fields) <= {row[0] for row in table.values()}
