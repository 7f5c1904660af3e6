"""Labels of gateways: id, tenant, short code, and all of it as a QR code; a sheet to print. One HTML file without anything from elsewhere.

The code holds `trygg:TENANT/GATEWAY/SHORT-CODE`, or where an address is given `ADDRESS#TENANT/GATEWAY/SHORT-CODE`: what stands
behind `#` is not sent to whoever serves the address. It names a gateway and proves nothing, as the short code does.
"""

import html

from gateway.daemon.typed_codes import is_label_code, label_code
from tools.authority import qr

SCHEME = "trygg:"
STYLE = """
@page { size: A4; margin: 12mm }
body { font: 11pt sans-serif; margin: 0 }
main { display: grid; grid-template-columns: repeat(2, 91mm); gap: 4mm }
section { border: 1px solid #000; padding: 3mm; display: flex; gap: 3mm; align-items: center; break-inside: avoid }
svg.qr { width: 32mm; height: 32mm; flex: none }
h2 { font-size: 14pt; margin: 0 0 2mm; overflow-wrap: anywhere }
p { margin: 0 0 1mm; overflow-wrap: anywhere }
.code { font: bold 17pt monospace; white-space: nowrap }
"""


def sheet(
    tenant: str,
    gateways: dict[str, bytes],
    language: str,
    title: str,
    advice: str,
    address: str | None = None,
) -> str:
    """A page with a label for each gateway. gateways: name to public key. title, advice: in `language`."""
    labels = [label(tenant, name, key, address) for name, key in sorted(gateways.items())]
    escaped = [html.escape(each) for each in (title, advice)]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="{language}"><head><meta charset="utf-8"><title>{escaped[0]}</title>',
            f"<style>{STYLE}</style></head><body><h1>{escaped[0]}</h1><p>{escaped[1]}</p><main>",
            *labels,
            "</main></body></html>",
            "",
        ]
    )


def label(tenant: str, gateway: str, public_key: bytes, address: str | None = None) -> str:
    """One label. Raises ConfigError where address and ids do not fit into a code."""
    code = label_code(tenant, gateway, public_key)
    drawn = qr.svg(payload(tenant, gateway, public_key, address), f"QR {gateway} {code}")
    lines = [
        f"<h2>{html.escape(gateway)}</h2>",
        f"<p>{html.escape(tenant)}</p>",
        f'<p class="code">{code}</p>',
    ]
    return f"<section>{drawn}<div>{''.join(lines)}</div></section>"


def payload(tenant: str, gateway: str, public_key: bytes, address: str | None = None) -> str:
    """What the QR code of a label holds."""
    place = f"{tenant}/{gateway}/{label_code(tenant, gateway, public_key)}"
    return qr.at(address, place, SCHEME + place)


def scanned(text: str) -> str:
    """The short code in what was scanned or typed: of a whole label the part behind the last `/`."""
    return text.strip().rpartition("/")[2]


def find(tenant: str, gateways: dict[str, bytes], given: str) -> str | None:
    """The gateway of a short code, typed or scanned, or None: also where what was scanned names another gateway than its code."""
    code = scanned(given)
    if not is_label_code(code):
        return None
    plain = code.upper().replace("-", "").replace(" ", "").translate(str.maketrans("ILO", "110"))
    for name, key in gateways.items():
        if label_code(tenant, name, key).replace("-", "") == plain:
            whole = given.strip().rpartition("#")[2].removeprefix(SCHEME)
            return name if "/" not in whole or whole.startswith(f"{tenant}/{name}/") else None
    return None
