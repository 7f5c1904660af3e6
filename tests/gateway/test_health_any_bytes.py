"""Properties of the health decoders: any bytes are refused or read, whatever is encoded comes back digit by digit."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal as Exact
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.devices import blood_pressure, body_temperature, heart_rate, plx, weight
from gateway.core.devices.measurement import Measurement
from gateway.core.errors import DecodeError
from gateway.core.model import CLOCK_SET, CLOCK_UNKNOWN, Decimal, Observation, compare_number
from tools.simulators import health_values

Decode = Callable[[bytes], Measurement]
Observe = Callable[[Measurement], Observation]
FAMILIES: dict[str, tuple[Decode, Observe]] = {
    "blood pressure": (blood_pressure.decode_measurement, blood_pressure.observation_of),
    "temperature": (body_temperature.decode_measurement, body_temperature.observation_of),
    "weight": (weight.decode_measurement, weight.observation_of),
    "heart rate": (heart_rate.decode_measurement, heart_rate.observation_of),
}
moments = st.datetimes(timezones=st.just(dt.UTC))
users = st.integers(0, 254)


def read(decode: Decode, data: bytes) -> Measurement | None:
    """The measurement, or None where it is refused; the offset of a refusal is one of the value."""
    try:
        return decode(data)
    except DecodeError as error:
        offset = error.offset
    assert 0 <= offset <= len(data)
    return None


@pytest.mark.parametrize("family", FAMILIES)
@given(data=st.binary(max_size=40))
def test_any_bytes_are_refused_with_an_offset_in_them_or_read(family: str, data: bytes) -> None:
    decode, observe = FAMILIES[family]
    measurement = read(decode, data)
    if measurement is None:
        return
    assert 0 <= measurement.trailing < len(data)
    observation = observe(measurement)
    assert ("reason" in observation.values) == (observation.kind == "measurement.failed")
    assert (observation.record is not None) <= (observation.device_time is not None)


@pytest.mark.parametrize("family", FAMILIES)
@given(data=st.binary(min_size=1, max_size=40), more=st.binary(min_size=1, max_size=8))
def test_bytes_behind_the_last_field_change_nothing(family: str, data: bytes, more: bytes) -> None:
    decode, _ = FAMILIES[family]
    measurement = read(decode, data)
    if measurement is None or (family == "heart rate" and data[0] & heart_rate.INTERVALS):
        return  # as many intervals as there are bytes for
    longer = decode(data + more)
    assert longer.values == measurement.values and longer.record == measurement.record
    assert longer.trailing == measurement.trailing + len(more)


pressures = st.integers(0, 2045)


@given(numbers=st.tuples(pressures, pressures, pressures, pressures), moment=moments, user=users)
def test_a_blood_pressure_comes_back_as_it_was_sent(
    numbers: tuple[int, int, int, int], moment: dt.datetime, user: int
) -> None:
    stamp = health_values.date_time(moment)
    value = health_values.blood_pressure(numbers, stamp, user)
    observation = blood_pressure.observation_of(blood_pressure.decode_measurement(value))
    names = ("systolic_mmhg", "diastolic_mmhg", "mean_mmhg", "pulse_rate_bpm")
    assert tuple(observation.values[name] for name in names) == numbers
    assert observation.values["user_index"] == user and observation.device_time is not None
    assert observation.device_time.raw == moment.replace(microsecond=0, tzinfo=None).isoformat()
    assert observation.device_time.clock == CLOCK_SET and observation.record is not None
    marked = str(observation.values.get("implausible", "")).split(",")
    assert [name for name in names if name in marked] == [
        name for name, number in zip(names, numbers, strict=True) if number > 300
    ]


@given(tenths=st.integers(-8_000_000, 8_000_000), moment=moments)
def test_a_temperature_keeps_its_digits_and_a_lost_clock_is_not_known(
    tenths: int, moment: dt.datetime
) -> None:
    stamp = health_values.date_time(moment, clock_lost=True)
    found = body_temperature.decode_measurement(health_values.temperature(tenths, stamp))
    assert found.values["temperature_c"] == Decimal(tenths, -1)
    assert ("implausible" in found.values) == (not 200 <= tenths <= 450)
    assert found.device_time is not None and found.device_time.clock == CLOCK_UNKNOWN and found.record is None


@given(count=st.integers(0, 0xFFFE), user=users)
def test_every_weight_is_its_count_of_five_grams(count: int, user: int) -> None:
    stamp = health_values.date_time(dt.datetime(2026, 11, 28, tzinfo=dt.UTC))
    found = weight.decode_measurement(health_values.weight(5 * count, stamp, user)).values["weight_kg"]
    assert Exact(str(found)) == Exact(count) * Exact("0.005")
    assert isinstance(found, Decimal) and compare_number(found, 5 * count, -3) == 0


@given(systolic=st.integers(0, 300), bits=st.integers(1, 7))
def test_reserved_bits_beside_a_pressure_that_a_cuff_can_measure_never_withhold_it(
    systolic: int, bits: int
) -> None:
    value = bytes([bits << 5]) + systolic.to_bytes(2, "little") + b"\x50\x00\x5d\x00"
    measurement = blood_pressure.decode_measurement(value)
    assert measurement.values["systolic_mmhg"] == systolic and measurement.reserved_bits == bits << 5


@given(data=st.binary(max_size=30))
def test_an_oximeter_still_reads_through_the_same_base(data: bytes) -> None:
    for characteristic in (plx.SPOT_CHECK, plx.CONTINUOUS):
        measurement = read(partial(plx.decode_measurement, characteristic), data)
        assert measurement is None or 0 <= measurement.trailing < len(data)
