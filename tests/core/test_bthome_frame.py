"""BTHome v2 frames: what each object means, and what is refused. Vectors: tests/vectors/bthome.json."""

from gateway.core.devices.bthome_frame import LONGEST, decode_header, decode_objects, iso_utc, open_frame
from gateway.core.devices.bthome_objects import OBJECTS
from gateway.core.errors import DecodeError
from hal.aes import ccm_open
from tests.core.vectors import load, refusal, values_of

VECTORS = load("bthome.json")
FRAMES = [row for row in VECTORS["frames"] if "values" in row]
REFUSED = [row for row in VECTORS["frames"] if "error" in row]
ENCRYPTED = VECTORS["encrypted"]


def decode(data: bytes) -> "tuple[dict[str, object], list[str]]":
    """Values of a plain frame, and their names in order."""
    frame = decode_objects(data, decode_header(data).offset)
    return frame.values, frame.names


def open_row(row: "dict[str, object]") -> "bytes | None":
    """Objects of an encrypted row, or None where the tag does not hold."""
    data = bytes.fromhex(str(row["hex"]))
    key = bytes.fromhex(str(row["key"]))
    address = bytes.fromhex(str(row["address"]).replace(":", ""))

    def decrypt(nonce: bytes, ciphertext: bytes, tag: bytes) -> bytes:
        plaintext = ccm_open(key, nonce, ciphertext, tag)
        if plaintext is None:
            raise DecodeError("the tag does not hold")
        return plaintext

    try:
        return open_frame(data, decode_header(data), address, decrypt)
    except DecodeError:
        return None


def test_every_vector_decodes_to_its_values() -> None:
    for row in FRAMES:
        values, names = decode(bytes.fromhex(str(row["hex"])))
        assert values == values_of(row), row["source"]
        assert sorted(names) == sorted(values), row["source"]


def test_every_object_of_the_table_has_a_vector() -> None:
    seen = {bytes.fromhex(str(row["hex"]))[1] for row in FRAMES if len(str(row["hex"])) > 2}
    assert [hex(number) for number in sorted(OBJECTS) if number not in seen] == []


def test_every_malformed_vector_is_refused_with_its_reason_and_offset() -> None:
    for row in REFUSED:
        error = refusal(decode, bytes.fromhex(str(row["hex"])))
        assert str(row["error"]) in error.reason, row["source"] + ": " + error.reason
        assert error.offset == row["offset"], row["source"]


def test_encrypted_vectors_open_with_their_key_and_address_only() -> None:
    for row in ENCRYPTED:
        header = decode_header(bytes.fromhex(str(row["hex"])))
        assert header.encrypted and header.counter == row["counter"], row["source"]
        objects = open_row(row)
        if "denied" in row:
            assert objects is None, row["source"]
        else:
            assert objects is not None, row["source"]
            assert decode_objects(objects).values == values_of(row), row["source"]


def test_a_shorter_frame_loses_its_end_and_nothing_else() -> None:
    whole = bytes.fromhex("400009015d02c40903bf132901")
    values, names = decode(whole)
    for length in range(4, len(whole)):
        cut_values, cut_names = decode(whole[:length])
        assert cut_names == names[: len(cut_names)]
        assert [cut_values[name] for name in cut_names] == [values[name] for name in cut_names]


def test_what_is_not_read_is_noted_with_its_offset() -> None:
    unknown = decode_objects(bytes.fromhex("40016101ee2901"), 1)
    assert unknown.broken is None
    unknown = decode_objects(bytes.fromhex("400161ee2901"), 1)
    assert unknown.broken is None and unknown.notes[0][0] == 3 and "0xee" in unknown.notes[0][1]
    cut = decode_objects(bytes.fromhex("40016102c4"), 1)
    assert cut.broken is not None and cut.broken[0] == 5 and cut.notes == [cut.broken]
    whole = decode_objects(bytes.fromhex("400161"), 1)
    assert whole.notes == [] and whole.broken is None
    for text in ("ff", "eda080", "c080", "f4908080"):
        frame = decode_objects(bytes.fromhex("53" + "%02x" % (len(text) // 2) + text + "0161"), 0)
        assert [note[1] for note in frame.notes] == ["text is not UTF-8"], text
        assert list(frame.values.values()) == [97], text


def test_an_undefined_press_is_kept_for_the_alarm_and_left_out_of_the_values() -> None:
    frame = decode_objects(bytes.fromhex("3a073a003a013a81"))
    assert frame.presses == [("button", "unknown_7"), ("button_3", "press")]
    assert frame.values == {"button_2": "none", "button_3": "press", "button_4": "hold_release"}


def test_the_names_keep_the_order_of_the_frame() -> None:
    assert decode(bytes.fromhex("4003bf1302ca09"))[1] == ["humidity_pct", "temperature_c"]


def test_many_repeated_objects_are_numbered_and_a_frame_is_bounded() -> None:
    most = (LONGEST - 1) // 2
    values, names = decode(b"\x40" + b"\x1a\x01" * most)
    assert len(values) == most and names[-1] == "door_" + str(most)
    assert decode(b"\x40\xee" + bytes(LONGEST - 2)) == ({}, [])
    assert "at most 252 bytes, found 253" in refusal(decode, b"\x40\xee" + bytes(LONGEST - 1)).reason


def test_dates_are_those_of_the_calendar() -> None:
    for seconds, text in (
        (0, "1970-01-01T00:00:00+00:00"),
        (951_782_399, "2000-02-28T23:59:59+00:00"),
        (951_868_800, "2000-03-01T00:00:00+00:00"),
        (1_684_093_277, "2023-05-14T19:41:17+00:00"),
        (1_709_164_800, "2024-02-29T00:00:00+00:00"),
        (4_107_542_400, "2100-03-01T00:00:00+00:00"),
    ):
        assert iso_utc(seconds) == text
