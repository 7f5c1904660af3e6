"""QR codes (ISO/IEC 18004) for paper and for a terminal, drawn by `segno`, which is loaded where a code is drawn.

Error correction M: 15 % of a code may be dirty or torn. A fault card's text fits, so a code needs no network to be of use.
"""

import html
import io
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.core.errors import ConfigError

if TYPE_CHECKING:
    import segno

QUIET_ZONE = 4  # modules of white around a code, which the standard asks for
LONGEST = 1200  # bytes: finer codes than version 25 are hard to read from a printed label


def make(text: str) -> "segno.QRCode":
    """The code of a text. Raises ConfigError where it does not fit."""
    import segno

    if len(text.encode()) > LONGEST:
        raise ConfigError(
            "--address",
            f"{len(text.encode())} bytes",
            f"at most {LONGEST} bytes: give a shorter address",
            "command line",
        )
    return segno.make(text, error="m", mode="byte", encoding="utf-8", micro=False, boost_error=False)


def svg(text: str, label: str) -> str:
    """A code as inline SVG that takes the size of its box; `label` is what a screen reader says."""
    drawn: str = make(text).svg_inline(omitsize=True, border=QUIET_ZONE, svgclass="qr", lineclass=None)
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{html.escape(label)}" ', 1)


def terminal(text: str) -> str:
    """A code for a terminal, two rows of modules a line; dark on light whatever the terminal's colours."""
    out = io.StringIO()
    make(text).terminal(out=out, border=QUIET_ZONE, compact=True)
    return out.getvalue()


def web_address(text: str) -> str:
    """An address that a code may lead to. Raises ConfigError."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.fragment:
        raise ConfigError(
            "--address", repr(text), "an address such as https://help.example/trygg", "command line"
        )
    return text


def at(address: str | None, place: str, otherwise: str) -> str:
    """What a code holds: a place behind an address, which stays on the phone (RFC 3986, 3.5), or else the text itself."""
    return f"{address}#{place}" if address else otherwise
