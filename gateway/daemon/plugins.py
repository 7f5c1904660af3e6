"""Drivers of other packages: an installed package that the configuration names, its entry point, and whether it keeps the contract.

A package says `[project.entry-points."trygg.drivers"]`; it is imported only where a `[[driver]]` names it. What cannot be loaded
becomes `Unloaded`, a driver without a transport: its devices are in use and not heard, `trygg check` and an event say why, and
everything else runs. Such a package runs with all that the hub may do: naming it is trusting it (docs/drivers.md).
"""

from asyncio import CancelledError
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, ClassVar

from gateway.core.devices.contract import check_declaration
from gateway.core.devices.driver import Driver
from gateway.core.errors import ContractError
from gateway.daemon.plugin_guard import guarded

if TYPE_CHECKING:
    from gateway.core.config_drivers import DriverConfig

GROUP = "trygg.drivers"
LONGEST = 120  # characters of what an import says that go into a cause

Distributions = Callable[[str], metadata.Distribution]


class Unloaded(Driver):
    """Stands for a driver that could not be loaded; `fault` says why."""

    fault: ClassVar[str] = ""


def load(
    rows: "Sequence[DriverConfig]", find: Distributions = metadata.distribution
) -> dict[str, type[Driver]]:
    """Every driver of the configuration by name: guarded where it keeps the contract, else `Unloaded`."""
    return {row.name: one(row, find) for row in rows}


def one(row: "DriverConfig", find: Distributions) -> type[Driver]:
    """One of them."""
    try:
        kind = plain(row, find)
    except ContractError as error:
        return type("Unloaded", (Unloaded,), {"name": row.name, "fault": error.reason})
    return guarded(kind)


def plain(row: "DriverConfig", find: Distributions = metadata.distribution) -> type[Driver]:
    """The driver's own class, as its package gives it.

    Raises:
        ContractError: it is not installed, of another version, does not import, or does not keep the contract.
    """
    try:
        found = find(row.package)
    except metadata.PackageNotFoundError as error:
        raise ContractError(
            f"the package {row.package} is not installed: install it beside the hub, in the same environment"
        ) from error
    if row.version is not None and found.version != row.version:
        raise ContractError(
            f"{row.package} is of version {found.version}, and {row.version} was approved:"
            " install that one, or approve the other in [[driver]]"
        )
    points = {point.name: point for point in found.entry_points if point.group == GROUP}
    if row.name not in points:
        there = ", ".join(sorted(points)) or "none"
        raise ContractError(f"{row.package} brings no driver {row.name}; drivers in it: {there}")
    kind = imported(points[row.name])
    check_declaration(kind, row.name)
    return kind  # type: ignore[return-value]  # check_declaration has seen that it is one


def imported(point: metadata.EntryPoint) -> object:
    """What an entry point names. Raises ContractError."""
    try:
        return point.load()
    except (Exception, SystemExit, CancelledError) as error:
        detail = f"{type(error).__name__}: {error}"[:LONGEST]
        raise ContractError(f"it does not import ({detail})") from error


def unnamed(rows: "Iterable[DriverConfig]") -> list[str]:
    """Installed drivers that no `[[driver]]` names, as `package: driver`; they are not loaded."""
    named = {(canonical(row.package), row.name) for row in rows}
    found = set()
    for point in metadata.entry_points(group=GROUP):
        package = canonical(point.dist.name) if point.dist is not None else "?"
        if (package, point.name) not in named:
            found.add(f"{package}: {point.name}")
    return sorted(found)


def canonical(package: str) -> str:
    """A package's name as it is compared (PEP 503)."""
    return package.lower().replace("_", "-").replace(".", "-")
