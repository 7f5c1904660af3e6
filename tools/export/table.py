"""`python -m tools.export.table`: writes into docs/mappings.md what each kind of the registry becomes."""

import sys
from pathlib import Path

from gateway.core import registry
from gateway.core.model import Event
from gateway.core.registry_text import KIND_TEXTS
from tools.export import codes
from tools.export.codes import NoMappingError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mappings.md"
BEGIN, END = "<!-- kinds -->\n", "<!-- end of kinds -->\n"
HEAD = "| kind | FHIR | VKP | MDC | SCAIP dty/stc | mty, pri |\n|---|---|---|---|---|---|\n"
NONE = "–"


def row(kind: str) -> str:
    """What a kind becomes, one line of the table."""
    mdc = KIND_TEXTS[kind][4] or NONE
    try:
        resource = codes.fhir_resource(kind)
    except NoMappingError:
        resource = NONE
    try:
        found = codes.scaip_codes(kind)
        scaip, urgency = f"{found.dty:04}/{found.stc:04}", f"{found.mty}, {found.pri}"
    except NoMappingError:
        scaip = urgency = NONE
    return f"| `{kind}` | {resource} | {vkp_cell(kind, resource)} | {mdc} | {scaip} | {urgency} |"


def vkp_cell(kind: str, resource: str) -> str:
    """The code of VKP, and where it is only of dispensers."""
    if resource == codes.MEDICATION_DISPENSE:
        return "dispense 1 or by collector"
    if resource != codes.DETECTED_ISSUE:
        return NONE
    event = Event(kind, 1, 1, 0)
    alert = codes.alert_code(event, codes.DISPENSER)
    if not alert:
        return NONE
    return alert if codes.alert_code(event, "") else f"{alert}, of a dispenser"


def table() -> str:
    """Every kind in the registry's order."""
    return HEAD + "\n".join(row(kind) for kind in registry.KINDS) + "\n"


def main() -> int:
    """Write the table between its marks."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + table() + END + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
