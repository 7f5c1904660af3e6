"""SFLOAT and FLOAT of IEEE 11073-20601: decimal numbers of 16 and 32 bits, digits kept as the device sent them.

Both hold a signed exponent (4 or 8 bits) above a signed mantissa (12 or 24 bits). Five bit patterns with exponent 0
are no numbers (PLXS 1.0.1 table 5.1, HL7 PHD "FLOATS"). 0x0FFF is -1, not one of them.
"""

from gateway.core.model import Absent, Decimal, number

SFLOAT_SPECIALS = {
    0x07FF: Absent("nan"),
    0x0800: Absent("nres"),
    0x07FE: Absent("+inf"),
    0x0802: Absent("-inf"),
    0x0801: Absent("reserved"),
}

FLOAT_SPECIALS = {
    0x007FFFFF: Absent("nan"),
    0x00800000: Absent("nres"),
    0x007FFFFE: Absent("+inf"),
    0x00800002: Absent("-inf"),
    0x00800001: Absent("reserved"),
}


def decode_sfloat(raw: int) -> "int | Decimal | Absent":
    """The 16-bit pattern `raw` as an integer, a decimal with the device's exponent, or why there is no number."""
    if raw in SFLOAT_SPECIALS:
        return SFLOAT_SPECIALS[raw]
    mantissa = raw & 0x0FFF
    exponent = raw >> 12
    return number(mantissa - ((mantissa & 0x0800) << 1), exponent - ((exponent & 0x8) << 1))


def decode_float(raw: int) -> "int | Decimal | Absent":
    """The 32-bit pattern `raw` as an integer, a decimal with the device's exponent, or why there is no number.

    What no integer of the wire holds (1e127) stays a decimal with its exponent.
    """
    if raw in FLOAT_SPECIALS:
        return FLOAT_SPECIALS[raw]
    mantissa = raw & 0x00FFFFFF
    exponent = raw >> 24
    return number(mantissa - ((mantissa & 0x00800000) << 1), exponent - ((exponent & 0x80) << 1))
