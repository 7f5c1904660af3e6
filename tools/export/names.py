"""What things are called at a receiver: derived from the event's identity, its incident and its gateway, never drawn.

The same event gives the same names at every export, from whatever epoch it came (DESIGN.md 4, Identity); events of
one incident share a name. Identities and incidents belong to one gateway, so tenant and gateway are part of each.
"""

import hashlib
import uuid

from gateway.core.model import Event
from gateway.core.outbox import URGENT_LANES
from tools.platform.books import GatewayBook, Verified

# The name space of version 5 UUIDs (RFC 9562, 5.5). To change it would make every event a new one at every receiver.
NAMESPACE = uuid.UUID("3d863ced-c1a5-410d-a6a2-c8cdbf711199")

CID_DIGITS = 16  # SCAIP: 1 to 32 digits in the table, 16 in the schema; the tighter when sending
DID_LENGTH = 8  # 16 in the table, 8 in the schema
REF_LENGTH = 16


def uuid_of(book: GatewayBook, *parts: str) -> str:
    """A UUID as a URN, for something of this gateway."""
    return uuid.uuid5(NAMESPACE, "/".join((book.tenant, book.name, *parts))).urn


def event_uuid(verified: Verified, part: str = "") -> str:
    """The name of an event's resource; `part` tells apart those that one event becomes."""
    return uuid_of(verified.book, "event", verified.row.identity.hex(), part)


def incident_uuid(book: GatewayBook, incident: bytes) -> str:
    """What events that belong together have in common, whatever lane, device or kind they are of."""
    return uuid_of(book, "incident", incident.hex())


def device_uuid(book: GatewayBook, placement: int) -> str:
    """A device as it is in use in this home; 0 is the gateway itself."""
    return uuid_of(book, "device", str(placement))


def source_of(verified: Verified) -> str:
    """Where the signed event is found again, and what it can be verified by (N8)."""
    return f"urn:trygg:event:{verified.book.tenant}:{verified.book.name}:{verified.row.identity.hex()}"


def subject_of(book: GatewayBook, event: Event) -> str:
    """The pseudonym of whoever is concerned: home, and user where several use the device. No name of a person.

    The user of a reading is whom the device says; only where it says nothing, whom the manifest says. It is not of the
    placement: a device that is swapped at night gets a new one, and its alarm would be nobody's until somebody had
    typed it in.
    """
    device = book.devices.get(event.placement, (0, {}))[1]
    user = event.values.get("user_index", device.get("user_index"))
    if event.values.get("user_unknown"):
        user = "unknown"
    return f"{book.tenant}/{book.name}" + (f"/user-{user}" if user is not None else "")


def scaip_cid(book: GatewayBook) -> str:
    """Controller id, digits only: the gateway's id where it is one, else 16 digits of its hash.

    An id of 15 digits at most is taken as it is, so that it is never one of the others.
    """
    if book.name.isdecimal() and len(book.name) < CID_DIGITS:
        return book.name
    digest = hashlib.sha256(f"{book.tenant}/{book.name}".encode()).digest()
    return str(int.from_bytes(digest, "big") % 10**CID_DIGITS).zfill(CID_DIGITS)


def scaip_did(placement: int) -> str:
    """Device id: the placement, 32 random bits in 8 hex digits."""
    digits = f"{placement:08x}"
    return digits if len(digits) == DID_LENGTH else hashlib.sha256(digits.encode()).hexdigest()[:DID_LENGTH]


def scaip_ref(verified: Verified) -> str:
    """Reference of a session: in lanes of alarms the incident, 8 bytes in 16 hex digits.

    Other lanes have one of their own for each incident: a receiver that takes a known reference for a resend would
    let no alarm through for a dose that was announced as put out before. Without an incident: half the identity.
    """
    content = verified.content
    incident = content.incident if content is not None else None
    if incident is None:
        return verified.row.identity.hex()[:REF_LENGTH]
    if verified.row.lane in URGENT_LANES:
        return incident.hex()[:REF_LENGTH]
    session = uuid_of(verified.book, "session", str(verified.row.lane), incident.hex())
    return uuid.UUID(session).hex[:REF_LENGTH]


def heartbeat_ref(book: GatewayBook, epoch: bytes, boot: int, uptime_ms: int) -> str:
    """Reference of a heartbeat: another for each state, the same for the same state."""
    return uuid.UUID(uuid_of(book, "state", epoch.hex(), str(boot), str(uptime_ms))).hex[:REF_LENGTH]
