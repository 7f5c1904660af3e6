"""Events as SCAIP requests: `<mrq>` of SS 91100:2014, which became CLC/TS 50134-9, one line of XML each.

Limits are the tighter of field table and schema where they differ (cid 16 of 32 digits, did 8 of 16 characters).
Those of dte, stt and lte are ours. Nothing here says RE: an alarm session is reset by whoever sends, never by an
event. What the wire cannot say (speech, callback, callers) is left out: docs/mappings.md.
"""

from xml.sax.saxutils import escape

from tools.export import names, words
from tools.export.codes import CONTROLLER, scaip_codes
from tools.export.source import State
from tools.export.words import NORWEGIAN, Words
from tools.platform.books import GatewayBook, Verified

CONTENT_TYPE = "application/scaip+xml"
VERSION = "01.00"
MOST_BYTES = 1300  # of one SIP MESSAGE
INFO_LENGTH = 128  # ite
TEXT_LENGTH = 32  # dte, stt and lte: what a small display shows; no public source says more
HEARTBEAT = "PI"
SPARED = ("ite", "lte", "dte", "stt")  # what goes first where a message is too long; codes never do


def request(verified: Verified, texts: Words = NORWEGIAN) -> str:
    """An event as `<mrq>`. Raises NoMappingError."""
    book, content = verified.book, verified.content
    assert content is not None
    device = book.devices.get(content.placement, (0, {}))[1]
    codes = scaip_codes(content.kind, str(device.get("driver", "")), exercise=content.exercise)
    fields = {
        "ref": names.scaip_ref(verified),
        "ver": VERSION,
        "mty": codes.mty,
        "cid": names.scaip_cid(book),
        "dty": f"{codes.dty:04}",
        "did": names.scaip_did(content.placement) if content.placement else "",
        "dte": cut(texts.device(book, content.placement), TEXT_LENGTH),
        "stc": f"{codes.stc:04}",
        "stt": cut(texts.title(content), TEXT_LENGTH),
        "pri": str(codes.pri),
        "lte": cut(words.room_of(book, content.placement), TEXT_LENGTH),
        "ite": cut(texts.details(verified), INFO_LENGTH),
    }
    return element(fields)


def heartbeat(book: GatewayBook, state: State) -> str:
    """A gateway's newest sign of life. Its interval is the state's, and not for the receiver to change: no hbo."""
    return element(
        {
            "ref": names.heartbeat_ref(book, *state),
            "ver": VERSION,
            "mty": HEARTBEAT,
            "cid": names.scaip_cid(book),
            "dty": f"{CONTROLLER:04}",
        }
    )


def cut(text: str, length: int) -> str:
    """At most `length` characters; an ellipsis says that there was more."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def element(fields: dict[str, str]) -> str:
    """The XML of fields that are not empty, in the order of the table; too long, texts are left out."""
    for spared in range(len(SPARED) + 1):
        held = {name: text for name, text in fields.items() if text and name not in SPARED[:spared]}
        xml = "<mrq>" + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in held.items()) + "</mrq>"
        if len(xml.encode()) <= MOST_BYTES:
            return xml
    raise ValueError(f"codes of more than {MOST_BYTES} bytes")
