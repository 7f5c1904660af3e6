"""Generated BTHome frames read by us and by bthome-ble, plain and encrypted: the same values, but for what a table names."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import model
from gateway.core.devices.bthome_frame import decode_header, decode_objects, open_frame
from gateway.core.devices.bthome_objects import (
    BUTTON,
    BUTTON_EVENTS,
    COMMAND,
    COMMANDS,
    DIMMER,
    DIMMER_EVENTS,
    OBJECTS,
    RAW,
    TEXT,
)
from gateway.core.errors import DecodeError
from tests.core.bthome_sensor import ADDRESS, KEY, Hub, encrypted
from tests.gateway.test_vectors_bthome import as_number, upstream_form

peer = pytest.importorskip(
    "tools.bench.peers.bthome_ble", reason="bthome-ble is not installed: make setup", exc_type=ImportError
)

DEVICE = ("device_type_id", "firmware_version")
SIGNAL = "signal_strength"
# One quantity in two units: bthome-ble keeps both under one name.
TWO_UNITS = ({0x06, 0x07}, {0x40, 0x41}, {0x47, 0x48}, {0x4E, 0x48})
WORDS = {BUTTON: BUTTON_EVENTS, DIMMER: DIMMER_EVENTS, COMMAND: COMMANDS}

# Objects: (how we read them, how bthome-ble does, why). docs/devices.md has the same in words.
DIFFERENCES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "5871": (
        {"temperature": (Decimal("39.55"), "°C")},
        {"temperature": (Decimal("39.5"), "°C")},
        "the factor 0.35 has two digits; bthome-ble rounds to one",
    ),
    "5300": ({"text": ("", None)}, {}, "a text without letters is a text; bthome-ble leaves it out"),
    "5400": ({"raw": ("", None)}, {}, "the same for bytes"),
    "06640007c800": (
        {"mass_1": (Decimal("1.00"), "kg"), "mass_2": (Decimal("2.00"), "lb")},
        {"mass": (Decimal("2.00"), "lb")},
        "one quantity in two units is two values; in bthome-ble the later one takes the place of the first",
    ),
    "5301ff530161": (
        {"text": ("a", None)},
        {"text_2": ("a", None)},
        "what cannot be read takes no number; in bthome-ble it does",
    ),
    "3a073a01": ({"button": ("press", None)}, {"button_2": ("press", None)}, "the same for a code"),
}


def ours(data: bytes, key: bytes | None = None) -> dict[str, Any]:
    """What we read, as bthome-ble groups and names it."""
    header = decode_header(data)
    if header.encrypted:
        assert key is not None
        cipher = AESCCM(key, tag_length=4)
        data = open_frame(
            data,
            header,
            bytes.fromhex(ADDRESS.replace(":", "")),
            lambda nonce, ciphertext, tag: cipher.decrypt(nonce, ciphertext + tag, None),
        )
        header.offset = 0
    try:
        frame = decode_objects(data, header.offset)
    except DecodeError:
        return {"sensors": {}, "binary": {}, "events": {}, "device": {}}
    values = {name: plain(frame.values[name]) for name in frame.names}
    device = {base: values[name] for name in frame.names for base in DEVICE if name.startswith(base)}
    values = {name: value for name, value in values.items() if not name.startswith(DEVICE)}
    form = upstream_form(values, False)
    del form["sleepy"]
    return {**form, "device": device}


def plain(value: object) -> Any:
    if isinstance(value, model.Decimal):
        return Decimal(value.mantissa).scaleb(value.exponent)
    return value.hex() if isinstance(value, bytes) else value


def theirs(data: bytes, key: bytes | None = None) -> dict[str, Any]:
    """What bthome-ble says of the same."""
    parser, update = peer.read(ADDRESS, data, key)
    form: dict[str, Any] = {"sensors": {}, "binary": {}, "events": {}, "device": {}}
    for each, sensor in update.entity_values.items():
        if each.key != SIGNAL:
            unit = update.entity_descriptions[each].native_unit_of_measurement
            value = sensor.native_value
            value = value.isoformat() if isinstance(value, datetime) else as_number(value)
            form["sensors"][each.key] = (value, None if unit is None else unit.value)
    for each, sensor in update.binary_entity_values.items():
        form["binary"][each.key] = sensor.native_value
    for each, event in update.events.items():
        # what stands behind a command has no name in the specification but for steps: the word is compared
        steps = event.event_properties if each.key.startswith("dimmer") else None
        form["events"][each.key] = (event.event_type, steps)
    if parser.device_type_id is not None:
        form["device"]["device_type_id"] = parser.device_type_id
    software = update.devices[None].sw_version if None in update.devices else ""
    if not software.startswith("BTHome"):
        form["device"]["firmware_version"] = software
    return form


@st.composite
def one_object(draw: st.DrawFn) -> bytes:
    """An object of the specification, in any value that both sides name."""
    number = draw(st.sampled_from(sorted(set(OBJECTS) - {0x58})))
    _, form, size, _, _ = OBJECTS[number]
    if form == TEXT:
        letters = draw(st.text(min_size=1, max_size=4)).encode()
        return bytes([number, len(letters)]) + letters
    if form == RAW:
        found = draw(st.binary(min_size=1, max_size=6))
        return bytes([number, len(found)]) + found
    if form in WORDS:
        word = bytes([draw(st.sampled_from(sorted(WORDS[form])))])
        if form == COMMAND:
            rest = draw(st.binary(max_size=2))
            return bytes([number, len(rest)]) + word + rest
        return bytes([number]) + word + (draw(st.binary(min_size=1, max_size=1)) if form == DIMMER else b"")
    return bytes([number]) + draw(st.binary(min_size=size, max_size=size))


def in_one_unit(objects: list[bytes]) -> bool:
    return not any(units <= {each[0] for each in objects} for units in TWO_UNITS)


BODIES = st.lists(one_object(), max_size=5).filter(in_one_unit).map(b"".join)


def sealed(body: bytes, counter: int, key: bytes = KEY) -> bytes:
    tail = counter.to_bytes(4, "little")
    nonce = bytes.fromhex(ADDRESS.replace(":", "")) + b"\xd2\xfc\x41" + tail
    found = AESCCM(key, tag_length=4).encrypt(nonce, body, None)
    return b"\x41" + found[:-4] + tail + found[-4:]


@settings(max_examples=400, deadline=None)
@given(BODIES)
def test_a_plain_frame_reads_alike(body: bytes) -> None:
    assert ours(b"\x40" + body) == theirs(b"\x40" + body)


@settings(max_examples=200, deadline=None)
@given(BODIES, st.integers(0, 28))
def test_a_frame_that_is_cut_reads_alike_up_to_the_cut(body: bytes, length: int) -> None:
    assert ours(b"\x40" + body[:length]) == theirs(b"\x40" + body[:length])


@settings(max_examples=200, deadline=None)
@given(BODIES, st.sampled_from(sorted(set(range(256)) - set(OBJECTS))), st.binary(max_size=5))
def test_what_stands_behind_an_unknown_object_is_read_by_neither(
    body: bytes, number: int, rest: bytes
) -> None:
    data = b"\x40" + body + bytes([number]) + rest
    assert ours(data) == theirs(data) == ours(b"\x40" + body)


@settings(max_examples=200, deadline=None)
@given(BODIES.filter(bool), st.integers(0, 0xFFFFFFFF), st.binary(min_size=16, max_size=16))
def test_an_encrypted_frame_reads_alike(body: bytes, counter: int, key: bytes) -> None:
    data = sealed(body, counter, key)
    assert ours(data, key) == theirs(data, key)


@settings(max_examples=100, deadline=None)
@given(BODIES.filter(bool), st.integers(0, 0xFFFFFFFF), st.data())
def test_a_changed_bit_opens_at_neither(body: bytes, counter: int, data: st.DataObject) -> None:
    frame = bytearray(sealed(body, counter))
    frame[data.draw(st.integers(1, len(frame) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    parser, _ = peer.read(ADDRESS, bytes(frame), KEY)
    assert not parser.bindkey_verified
    hub = Hub(keyed=True)
    assert hub.read(bytes(frame)).refused is not None and hub.driver.counter.last == -1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.integers(0, 120), st.integers(0, 0xFFFFFFFF)), min_size=1, max_size=12))
def test_no_counter_is_taken_that_bthome_ble_refuses(counters: list[int]) -> None:
    found = [(counter, *taken) for counter, taken in zip(counters, both(counters), strict=True)]
    assert not [row for row in found if row[1] and not row[2]]
    last = -1
    for counter, taken_here, _ in found:
        assert taken_here == (counter > last)
        last = max(last, counter)


def test_the_counters_that_bthome_ble_takes_and_we_refuse() -> None:
    assert both([1000, 999, 99, 98, 98, 5]) == [
        (True, True),
        (False, False),
        (False, True),
        (False, True),
        (False, True),
        (False, True),
    ]


def both(counters: list[int]) -> list[tuple[bool, bool]]:
    """Of frames with these counters: whether we take it for new, and whether bthome-ble does."""
    hub, parser = Hub(keyed=True), peer.parser(KEY)
    found = []
    for number, counter in enumerate(counters):
        data = encrypted(f"09{number:02x}", counter)
        refused = hub.read(data, 10_000).refused
        update = parser.update(peer.heard(ADDRESS, data, 10.0 * number))
        counts = [each.native_value for name, each in update.entity_values.items() if name.key == "count"]
        found.append((refused is None, counts == [number]))
    return found


@pytest.mark.parametrize("objects", sorted(DIFFERENCES))
def test_what_reads_differently_does_as_the_table_says(objects: str) -> None:
    here, there, why = DIFFERENCES[objects]
    forms = [read(bytes.fromhex("40" + objects)) for read in (ours, theirs)]
    assert [{**form["sensors"], **form["events"]} for form in forms] == [here, there]
    assert here != there and why


def test_an_address_in_an_encrypted_frame_is_believed_by_bthome_ble_alone() -> None:
    said, counter = bytes.fromhex("C00000000001"), b"\x05\0\0\0"
    for owner, opened_here, opened_there in ((ADDRESS, True, False), (said.hex(), False, True)):
        nonce = bytes.fromhex(owner.replace(":", "")) + b"\xd2\xfc\x43" + counter
        found = AESCCM(KEY, tag_length=4).encrypt(nonce, b"\x1a\x01", None)
        data = b"\x43" + said[::-1] + found[:-4] + counter + found[-4:]
        assert (Hub(keyed=True).read(data).refused is None) is opened_here
        parser, _ = peer.read(ADDRESS, data, KEY)
        assert parser.bindkey_verified is opened_there


def test_control_one_bit_more_or_another_factor_is_seen() -> None:
    for here, there in (("02ca09", "02cb09"), ("02ca09", "45ca09"), ("1a01", "1a00"), ("3a01", "3a02")):
        assert ours(bytes.fromhex("40" + here)) != theirs(bytes.fromhex("40" + there))
