"""The advertising packet of the virtual air: one event on the three advertising channels, with its scan response."""

import dataclasses

from bumble import hci, ll

# Types of a legacy advertising event, as in LE Set Advertising Parameters (Core 5.4, Vol 4, Part E, 7.8.5).
CONNECTABLE, DIRECTED, SCANNABLE, NON_CONNECTABLE = range(4)
# A scan request is answered only by these (Core 5.4, Vol 6, Part B, 4.4.2).
ANSWERS_SCAN_REQUEST = (CONNECTABLE, SCANNABLE)
ACCEPTS_CONNECTION = (CONNECTABLE, DIRECTED)


@dataclasses.dataclass
class AdvertisementPdu(ll.AdvertisingPdu):
    """What one advertising event carries, and what its sender would answer to a scan request."""

    advertiser_address: hci.Address
    kind: int
    data: bytes
    scan_response: bytes
    rssi_dbm: int
