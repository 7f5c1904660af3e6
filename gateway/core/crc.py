"""Checksums of lines: CRC-32 of the dispenser protocol's frames and of stored segments, CRC-8 of EnOcean's packets.

CRC-32/ISO-HDLC: polynomial 04C11DB7 reflected, start and final XOR FFFFFFFF; the check value over `123456789` is CBF43926. Both
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


CRC8_POLYNOMIAL = 0x07


def crc8(data: "bytes | bytearray") -> int:
    """CRC-8 of EnOcean's serial protocol (CRC-8/SMBUS): polynomial 07, start 0; over `123456789` it is F4."""
    value = 0
    for byte in data:
        value = CRC8_TABLE[value ^ byte]
    return value


def crc8_of_byte(value: int) -> int:
    """One row of the table."""
    for _ in range(8):
        value = (value << 1 ^ CRC8_POLYNOMIAL if value & 0x80 else value << 1) & 0xFF
    return value


CRC8_TABLE = bytes([crc8_of_byte(value) for value in range(256)])
