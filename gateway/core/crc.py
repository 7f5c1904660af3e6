"""CRC-32/ISO-HDLC: the check of the dispenser protocol's frames and of stored segments.

Polynomial 04C11DB7 reflected, start and final XOR FFFFFFFF; the check value over `123456789` is CBF43926. Both
interpreters have it in C.
"""

import binascii

CRC32_SIZE = 4


def crc32(data: bytes) -> int:
    """CRC-32/ISO-HDLC of `data`, as an unsigned number."""
    return binascii.crc32(data) & 0xFFFFFFFF


def with_crc32(data: bytes) -> bytes:
    """`data` followed by its CRC-32, highest byte first."""
    return data + crc32(data).to_bytes(CRC32_SIZE, "big")


def crc32_holds(data: bytes) -> bool:
    """Whether the last four bytes of `data` are the CRC-32 of those before, highest byte first."""
    body = data[:-CRC32_SIZE]
    return len(data) >= CRC32_SIZE and data[-CRC32_SIZE:] == crc32(body).to_bytes(CRC32_SIZE, "big")
