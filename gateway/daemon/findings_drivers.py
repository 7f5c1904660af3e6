"""What `trygg check` finds of drivers that other packages bring: whether each that is named can be loaded, and which are there unnamed."""

from typing import TYPE_CHECKING

from gateway.core.config_drivers import DRIVER, DriverConfig
from gateway.daemon.findings import FAULT, NOTE, OK, Checker, Finding
from gateway.daemon.plugins import Unloaded, unnamed

if TYPE_CHECKING:
    from gateway.daemon.configuration import Loaded
    from gateway.daemon.texts import Texts


def check_drivers(loaded: "Loaded", texts: "Texts") -> list[Finding]:
    """One line a `[[driver]]`, and one for what is installed and not named; none on a gateway without packages."""
    found = Checker("drivers", texts)
    rows = [rows_of(table) for table in loaded.tree.get("driver", [])]
    findings = []
    for row in rows:
        kind = loaded.config.plugged[row.name]
        values: dict[str, object] = {"name": row.name, "package": row.package}
        if issubclass(kind, Unloaded):
            findings.append(found(FAULT, "failed", cause=found.reword(kind.fault), **values))
        else:
            findings.append(found(OK, "good", contract=kind.contract, **values))
    left = unnamed(rows)
    if left:
        findings.append(found(NOTE, "unnamed", names=", ".join(left)))
    return findings


def rows_of(table: dict[str, object]) -> DriverConfig:
    """A row that was checked before."""
    return DriverConfig({key: table.get(key) for key, _, _ in DRIVER})
