"""What is on the simulated air, as bytes of advertising packets: for simulators that speak as a controller does.

Layout: Core 5.4, Vol 3, Part C, 11; Supplement to the Core, Part A, 1.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.types import Advertisement

FLAGS = b"\x02\x01\x06"
UUIDS_16, UUIDS_128, NAME, DATA_16, DATA_128, MAKER = 0x03, 0x07, 0x09, 0x16, 0x21, 0xFF


def field(sort: int, data: bytes) -> bytes:
    """One field: its length, its sort, its data."""
    return bytes([len(data) + 1, sort]) + data


def uuid_bytes(uuid: str) -> bytes:
    """A UUID of `hal.types` as the air has it, last byte first."""
    digits = uuid.replace("-", "")
    return bytes([int(digits[at : at + 2], 16) for at in range(len(digits) - 2, -2, -2)])


def address_bytes(address: str) -> bytes:
    """Six bytes in the order in which people write them, which is that of MicroPython's driver."""
    return bytes([int(part, 16) for part in address.split(":")])


def packet(advertisement: "Advertisement", with_name: bool = True) -> bytes:
    """An advertisement as it was sent; its name is left for the scan response where that is asked for."""
    found = FLAGS
    for uuid in advertisement.service_uuids:
        found += field(UUIDS_16 if len(uuid) == 4 else UUIDS_128, uuid_bytes(uuid))
    for uuid, data in advertisement.service_data.items():
        found += field(DATA_16 if len(uuid) == 4 else DATA_128, uuid_bytes(uuid) + data)
    for company, data in advertisement.manufacturer_data.items():
        found += field(MAKER, bytes([company & 0xFF, company >> 8]) + data)
    if with_name and advertisement.name is not None:
        found += field(NAME, advertisement.name.encode())
    return found
