"""The course of a value: whatever digits a device sends, the drawing stays in its box, and the table says them as they are."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.daemon.page.plot import HEIGHT, WIDTH, number, plot


def test_a_hole_is_a_hole_and_the_table_has_it_too() -> None:
    made = plot(
        "spo2_pct", "oxygen", "%", [[0, "97"], [1_000, "96"], [2_000, "nan"], [3_000, "95"], [4_000, "95"]]
    )
    assert made is not None and len(made.lines) == 2
    assert (made.low, made.high, made.last) == ("95", "97", "95")
    assert made.rows == [(0, "95"), (1, "95"), (2, "nan"), (3, "96"), (4, "97")]


def test_one_number_makes_no_course() -> None:
    assert plot("x", "x", "", []) is None
    assert plot("x", "x", "", [[0, "1"], [1, "nan"]]) is None


def test_what_is_no_number_is_none() -> None:
    for text in ("nan", "+inf", "-inf", "", "97 %", "1e999", "0x10", "true"):
        assert number(text) is None, text
    assert str(number("-36.60")) == "-36.60"


texts = st.one_of(st.text(max_size=60), st.decimals().map(str), st.integers(-(10**14), 10**14).map(str))


@given(st.lists(st.tuples(st.integers(0, 2**40), texts), max_size=30))
def test_any_values_are_drawn_within_the_box(points: list[tuple[int, str]]) -> None:
    made = plot("x", "x", "", [list(each) for each in sorted(points)])
    for line in made.lines if made else ():
        for point in line.split():
            x, y = map(int, point.split(","))
            assert 0 <= x <= WIDTH and 0 <= y <= HEIGHT
