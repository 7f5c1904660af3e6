"""Packages that bring drivers, without installing anything: what `importlib.metadata` finds of a folder, and drivers that fail."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from gateway.core.config_drivers import DriverConfig
from gateway.core.devices.driver import Reading, SerialDriver
from gateway.core.model import Observation

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
ENTRY = "[trygg.drivers]\n{points}\n[console_scripts]\nother = nowhere:main\n"


def row(name: str = "good", package: str = "acme-drivers", version: str | None = None) -> DriverConfig:
    return DriverConfig({"name": name, "package": package, "version": version})


def package(
    folder: Path, points: dict[str, str], source: str = "", name: str = "acme_drivers", version: str = "1.0"
) -> None:
    """A package as an installer leaves it: its module and its metadata."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA.format(name=name.replace("_", "-"), version=version))
    lines = "\n".join(f"{point} = {where}" for point, where in points.items())
    (info / "entry_points.txt").write_text(ENTRY.format(points=lines))
    (folder / f"{name}.py").write_text(source)


@contextmanager
def on_the_path(folder: Path, *modules: str) -> Iterator[None]:
    """Import from there, and forget the modules afterwards."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in modules:
            sys.modules.pop(name, None)


def finder(folder: Path) -> Callable[[str], metadata.Distribution]:
    """Finds packages in one folder only."""

    def find(name: str) -> metadata.Distribution:
        for found in metadata.distributions(name=name, path=[str(folder)]):
            return found
        raise metadata.PackageNotFoundError(name)

    return find


class Good(SerialDriver):
    """A driver of another package: each byte of its device is a dose that was collected."""

    name = "good"
    contract = 1
    interval_s = 60
    baud = 9_600
    kinds = ("dose.collected",)
    capabilities = ("tray",)

    def opened(self, now_ms: int, utc_ms: int | None) -> Reading:
        return Reading(heard=False, send=[b"who"])

    def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
        return Reading([Observation("dose.collected", {"dose_id": byte}) for byte in data])

    def next_due_ms(self, now_ms: int) -> int | None:
        return now_ms + 1_000

    def due(self, now_ms: int, utc_ms: int | None) -> Reading:
        return Reading(heard=False)


class Brittle(Good):
    """It raises on a byte of 255, and gives no reading on 254."""

    name = "brittle"

    def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
        if 255 in data:
            raise IndexError("secret of a person")
        if 254 in data:
            return None  # type: ignore[return-value]
        if 253 in data:
            return Reading([Observation("smoke.detected", {})])
        return super().received(data, now_ms, utc_ms)
