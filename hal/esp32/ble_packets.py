"""Bytes of Bluetooth LE as values of `hal.types`: advertising data, UUIDs, addresses. Pure.

Sources: Core 5.4, Vol 3, Part C, 11; Supplement to the Core, Part A, 1.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.types import Advertisement

BASE_SUFFIX = "-0000-1000-8000-00805f9b34fb"  # Core 5.4, Vol 3, Part B, 2.5.1
UUIDS_16, UUIDS_32, UUIDS_128 = (2, 3), (4, 5), (6, 7)
NAMES = (8, 9)
SERVICE_DATA = {0x16: 2, 0x20: 4, 0x21: 16}
MAKER = 0xFF
FLAGS, SHORT_DATA = 0x01, 0x16
LARGEST = 31  # bytes of a packet


def address_text(address: bytes) -> str:
    """Six bytes as the driver has them, in the form of `hal.types`."""
    return ":".join(["%02X" % byte for byte in address])


def address_bytes(address: str) -> bytes:
    """The other way; empty where it is no address."""
    parts = address.split(":")
    try:
        return bytes([int(part, 16) for part in parts]) if len(parts) == 6 else b""
    except ValueError:
        return b""


def uuid_text(data: bytes) -> str:
    """A UUID of 2, 4 or 16 bytes, last one first: four hex digits where the SIG assigned them."""
    digits = "".join(["%02x" % data[at] for at in range(len(data) - 1, -1, -1)])
    if len(digits) == 4:
        return digits
    if len(digits) == 8:
        digits += BASE_SUFFIX.replace("-", "")
    text = "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])
    return digits[4:8] if text.startswith("0000") and text.endswith(BASE_SUFFIX) else text


def fields(data: bytes) -> "list[tuple[int, bytes]]":
    """Sort and data of each field. One that claims more than there is ends the list: what stands before it is whole."""
    found = []
    at = 0
    while at + 1 < len(data) and data[at]:
        end = at + 1 + data[at]
        if end > len(data):
            break
        found.append((data[at + 1], data[at + 2 : end]))
        at = end
    return found


def read_packet(into: "Advertisement", data: bytes) -> None:
    """Put what a packet says into an advertisement."""
    uuids = list(into.service_uuids)
    for sort, value in fields(data):
        size = {UUIDS_16: 2, UUIDS_32: 4, UUIDS_128: 16}.get((sort & ~1, sort | 1), 0)
        if size:
            uuids += [uuid_text(value[at : at + size]) for at in range(0, len(value) - size + 1, size)]
        elif sort in SERVICE_DATA and len(value) >= SERVICE_DATA[sort]:
            into.service_data[uuid_text(value[: SERVICE_DATA[sort]])] = value[SERVICE_DATA[sort] :]
        elif sort == MAKER and len(value) >= 2:
            into.manufacturer_data[value[0] | value[1] << 8] = value[2:]
        elif sort in NAMES:
            into.name = name_of(value)
    into.service_uuids = tuple(uuids)


def field(sort: int, data: bytes) -> bytes:
    """One field: its length, its sort, its data."""
    return bytes([len(data) + 1, sort]) + data


def uuid_bytes(uuid: str) -> bytes:
    """A UUID of `hal.types` as the air has it, last byte first."""
    digits = uuid.replace("-", "")
    return bytes([int(digits[at : at + 2], 16) for at in range(len(digits) - 2, -2, -2)])


def advertising(service: str, data: "dict[str, bytes]") -> bytes:
    """A packet that offers one service of ours, with service data of 16-bit UUIDs. Raises ValueError: it does not fit."""
    uuid = uuid_bytes(service)
    packet = field(FLAGS, b"\x06") + field(UUIDS_128[1] if len(uuid) == 16 else UUIDS_16[1], uuid)
    for name, value in data.items():
        packet += field(SHORT_DATA, uuid_bytes(name) + value)
    if len(packet) > LARGEST:
        raise ValueError("an advertisement of more than 31 bytes")
    return packet


def naming(name: str) -> bytes:
    """A scan response with a name, as many whole letters of it as fit."""
    while len(name.encode()) > LARGEST - 2:
        name = name[:-1]
    return field(NAMES[1], name.encode())


def name_of(value: bytes) -> "str | None":
    """A name; None where it is no text."""
    try:
        return str(value, "utf-8")
    except (UnicodeError, ValueError):
        return None
