"""Values as the hub holds them: exact, equal to their like alone, and printed so that a log can be read."""

from gateway.core.model import (
    MAX_INT,
    MOST_ZEROS,
    Absent,
    Decimal,
    DeviceTime,
    Event,
    Observation,
    compare_number,
    number,
    require_bytes,
)
from tests.core.vectors import refusal


def test_digits_are_written_as_the_device_sent_them():
    rows = (
        (97, 0, "97"),
        (970, -1, "97.0"),
        (97, 1, "970"),
        (5, -3, "0.005"),
        (-5, -3, "-0.005"),
        (-970, -1, "-97.0"),
        (0, -2, "0.00"),
        (1, MOST_ZEROS, "1" + "0" * MOST_ZEROS),
        (1, MOST_ZEROS + 1, "1e129"),
        (1, -MOST_ZEROS, "0." + "0" * (MOST_ZEROS - 1) + "1"),
        (1, -MOST_ZEROS - 1, "1e-129"),
    )
    for mantissa, exponent, text in rows:
        assert str(Decimal(mantissa, exponent)) == text


def test_what_an_integer_of_the_wire_holds_is_one_and_what_it_does_not_stays_a_decimal():
    for whole in (0, 97, MAX_INT, -MAX_INT):
        assert number(whole, 0) == whole and not isinstance(number(whole, 0), Decimal)
    assert number(97, 2) == 9_700
    for whole in (MAX_INT + 1, -MAX_INT - 1):
        assert number(whole, 0) == Decimal(whole, 0)
    assert number(97, -1) == Decimal(97, -1)


def test_numbers_are_compared_exactly_whatever_their_digits():
    for value, mantissa, exponent, order in (
        (97, 97, 0, 0),
        (96, 97, 0, -1),
        (98, 97, 0, 1),
        (Decimal(970, -1), 97, 0, 0),
        (Decimal(969, -1), 97, 0, -1),
        (Decimal(971, -1), 97, 0, 1),
        (Decimal(9, 1), 90, 0, 0),
        (97, 970, -1, 0),
        (97, 971, -1, -1),
        (Decimal(-5, -1), 0, 0, -1),
        (Decimal(10**30 + 1, -30), 1, 0, 1),
    ):
        assert compare_number(value, mantissa, exponent) == order, (value, mantissa, exponent)


def test_values_equal_their_like_and_nothing_else():
    when = DeviceTime("x", 1, 2, 3)
    alike = (
        (Decimal(97, -1), Decimal(97, -1)),
        (Absent("nan"), Absent("nan")),
        (when, DeviceTime("x", 1, 2, 3)),
        (Observation("a", {"b": 1}, b"c", when, 1), Observation("a", {"b": 1}, b"c", when, 1)),
        (Event("a", 1, 2, 3, 4, {"b": 1}), Event("a", 1, 2, 3, 4, {"b": 1})),
    )
    for one, other in alike:
        assert one == other
        assert one != "another" and one is not None
    unlike: "tuple[tuple[object, object], ...]" = (
        (Decimal(97, -1), Decimal(970, -2)),
        (Decimal(97, -1), Decimal(98, -1)),
        (Absent("nan"), Absent("nres")),
        (when, DeviceTime("y", 1, 2, 3)),
        (when, DeviceTime("x", 2, 2, 3)),
        (when, DeviceTime("x", 1, 3, 3)),
        (when, DeviceTime("x", 1, 2, 4)),
        (Observation("a", {}), Observation("b", {})),
        (Observation("a", {}), Observation("a", {"b": 1})),
        (Observation("a", {}), Observation("a", {}, b"c")),
        (Observation("a", {}), Observation("a", {}, None, when)),
        (Observation("a", {}), Observation("a", {}, None, None, 1)),
        (Event("a", 1, 2, 3), Event("b", 1, 2, 3)),
        (Event("a", 1, 2, 3), Event("a", 1, 2, 3, exercise=True)),
        (Event("a", 1, 2, 3), Event("a", 1, 2, 3, rule=b"x")),
    )
    for one, other in unlike:
        assert one != other


def test_equal_values_are_one_key():
    for one, other in (
        (Decimal(97, -1), Decimal(97, -1)),
        (Absent("nan"), Absent("nan")),
        (DeviceTime("x", 1, 2, 3), DeviceTime("x", 1, 2, 3)),
    ):
        assert len({one, other}) == 1


def test_values_print_what_they_hold():
    assert repr(Decimal(970, -1)) == "Decimal(970, -1)"
    assert repr(Absent("nan")) == "Absent('nan')"
    assert repr(Observation("door.opened", {"count": 1})) == "Observation('door.opened', {'count': 1})"
    assert (
        repr(Event("door.opened", 7, 1, 2, values={"count": 1}))
        == "Event('door.opened', placement=7, {'count': 1})"
    )


def test_bytes_that_are_missing_are_told_with_what_is_left():
    require_bytes(b"123", 1, 2, "a field")
    for data, offset, count, text in (
        (b"123", 1, 3, "a field needs 3 bytes, 2 left"),
        (b"123", 3, 1, "a field needs 1 bytes, 0 left"),
        (b"123", 5, 1, "a field needs 1 bytes, 0 left"),
    ):
        error = refusal(require_bytes, data, offset, count, "a field")
        assert error.reason == text and error.offset == len(data)
