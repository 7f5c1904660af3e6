"""Values of cuff, thermometer and scale as their services lay them out, for virtual peripherals.

Written from the layouts and not with the gateway's decoders, so that one is a check of the other. Sources: BLS 1.1.1
3.1, HTS 1.0 3.1, WSS 1.0 3.2; all little endian.
"""

import datetime as dt

from tools.simulators.oximeter import NAN, sfloat

FLOAT_NAN = 0x007FFFFF
NO_WEIGHT = 0xFFFF
EAR = 3


def date_time(moment: dt.datetime, *, clock_lost: bool = False) -> bytes:
    """Seven bytes of local time. A clock that was lost knows neither year nor day."""
    year, month, day = (0, 0, 0) if clock_lost else (moment.year, moment.month, moment.day)
    return year.to_bytes(2, "little") + bytes([month, day, moment.hour, moment.minute, moment.second])


def blood_pressure(
    pressures: tuple[int, int, int, int] | None, stamp: bytes, user: int, status: int = 0
) -> bytes:
    """2A35 in mmHg: systolic, diastolic, mean and pulse, or NaN in all four where the cuff found none."""
    words = [NAN] * 4 if pressures is None else [sfloat(number) for number in pressures]
    systolic, diastolic, mean, pulse = (word.to_bytes(2, "little") for word in words)
    head = b"\x1e" + systolic + diastolic + mean + stamp + pulse
    return head + bytes([user]) + status.to_bytes(2, "little")


def temperature(tenths_c: int | None, stamp: bytes, site: int = EAR) -> bytes:
    """2A1C in tenths of a degree Celsius, or NaN."""
    number = FLOAT_NAN if tenths_c is None else 0xFF << 24 | tenths_c & 0xFFFFFF
    return b"\x06" + number.to_bytes(4, "little") + stamp + bytes([site])


def weight(grams: int | None, stamp: bytes, user: int) -> bytes:
    """2A9D in steps of 5 g, or FFFF where the scale found none."""
    count = NO_WEIGHT if grams is None else round(grams / 5)
    return b"\x06" + count.to_bytes(2, "little") + stamp + bytes([user])
