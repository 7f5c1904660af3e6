"""Advertising packets as bleak hands them out: parsed, and merged with what the same sender said before."""

from bleak.backends.scanner import AdvertisementData
from bumble import hci
from bumble.core import AdvertisingData

Type = AdvertisingData.Type
UUID_LISTS = {
    Type.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}
SERVICE_DATA = {Type.SERVICE_DATA_16_BIT_UUID: 2, Type.SERVICE_DATA_128_BIT_UUID: 16}
NAMES = (Type.SHORTENED_LOCAL_NAME, Type.COMPLETE_LOCAL_NAME)

Structures = list[tuple[int, bytes]]
ExtendedReport = hci.HCI_LE_Extended_Advertising_Report_Event.Report
Report = hci.HCI_LE_Advertising_Report_Event.Report | ExtendedReport
Legacy = hci.HCI_LE_Advertising_Report_Event.EventType
Extended = hci.HCI_LE_Extended_Advertising_Report_Event.EventType


def is_connectable(report: Report) -> bool:
    """Whether the sender takes a connection at this moment."""
    if isinstance(report, ExtendedReport):
        return bool(report.event_type & Extended.CONNECTABLE_ADVERTISING) and not is_scan_response(report)
    return report.event_type in (Legacy.ADV_IND, Legacy.ADV_DIRECT_IND)


def is_scan_response(report: Report) -> bool:
    """Whether this is the answer to a scan request."""
    if isinstance(report, ExtendedReport):
        return bool(report.event_type & Extended.SCAN_RESPONSE)
    return bool(report.event_type == Legacy.SCAN_RSP)


def structures(data: bytes) -> Structures:
    """(type, value) of each structure; what is cut off or empty is left out (Core 5.4, Vol 3, Part C, 11)."""
    found: Structures = []
    offset = 0
    while offset + 1 < len(data) and data[offset] > 0:
        end = offset + 1 + data[offset]
        if end > len(data):
            break
        found.append((data[offset + 1], data[offset + 2 : end]))
        offset = end
    return found


def long_uuid(little_endian: bytes) -> str:
    """The 36 lower-case characters that bleak uses, from 2, 4 or 16 bytes as they are on the air."""
    digits = little_endian[::-1].hex()
    if len(digits) <= 8:
        return f"{digits:0>8}-0000-1000-8000-00805f9b34fb"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def parse(items: Structures, rssi_dbm: int, native: object) -> AdvertisementData:
    """What bleak's scanner reports for these structures."""
    uuids: list[str] = []
    service_data: dict[str, bytes] = {}
    manufacturer_data: dict[int, bytes] = {}
    name: str | None = None
    tx_power: int | None = None
    for kind, value in items:
        if (size := UUID_LISTS.get(Type(kind))) is not None:
            uuids += [long_uuid(value[at : at + size]) for at in range(0, len(value) - size + 1, size)]
        elif (size := SERVICE_DATA.get(Type(kind))) is not None and len(value) >= size:
            service_data[long_uuid(value[:size])] = value[size:]
        elif kind == Type.MANUFACTURER_SPECIFIC_DATA and len(value) >= 2:
            manufacturer_data[int.from_bytes(value[:2], "little")] = value[2:]
        elif kind in NAMES:
            name = value.decode("utf-8", "replace")
        elif kind == Type.TX_POWER_LEVEL and len(value) == 1:
            tx_power = int.from_bytes(value, "little", signed=True)
    return AdvertisementData(name, manufacturer_data, service_data, uuids, tx_power, rssi_dbm, (native,))
