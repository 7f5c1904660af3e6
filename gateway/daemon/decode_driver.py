"""`trygg decode driver`: a recorded stream of a line, read by the driver of a package of its own, as the hub would.

The package need not stand in any configuration: naming it here loads it, with all that it may do.
"""

import argparse
from collections.abc import Iterator

from gateway.core.config_drivers import DriverConfig
from gateway.core.devices.driver import REPEATED, Context, SerialDriver
from gateway.core.errors import ContractError, DecodeError
from gateway.core.model import Observation
from gateway.daemon.findings_lines import WithoutKeys
from gateway.daemon.plugin_guard import guarded
from gateway.daemon.plugins import plain

PIECE = 4_096  # bytes that the driver gets at once
STEP_MS = 1_000  # between pieces, for a driver that counts time


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which driver of which package."""
    parser.add_argument("package", metavar="PACKAGE", help="the installed package that brings it")
    parser.add_argument("name", metavar="NAME", help="the driver, as its entry point calls it")


class PackageStream:
    """One line with that driver at our end. Raises ContractError where it cannot be used."""

    def __init__(self, name: str, package: str) -> None:
        row = DriverConfig({"name": name, "package": package, "version": None})
        kind = plain(row)
        if not issubclass(kind, SerialDriver):
            raise ContractError("it reads no line: only the driver of a device on a line reads a stream")
        self.stored: dict[str, bytes] = {}
        self.driver: SerialDriver = guarded(kind)(Context("", {}, WithoutKeys(), self.stored.get))  # type: ignore[assignment]

    def rows(self, data: bytes) -> Iterator[Observation | DecodeError]:
        """Observations and refusals in order; a refusal stands at the end of the piece that it is in."""
        self.driver.opened(0, None)
        for at in range(0, len(data), PIECE):
            piece = data[at : at + PIECE]
            reading = self.driver.received(piece, STEP_MS * (1 + at // PIECE), None)
            for key, item in reading.state.items():
                if item is None:
                    self.stored.pop(key, None)
                else:
                    self.stored[key] = item
            yield from reading.observations
            if reading.refused is not None and reading.refused[0] != REPEATED:
                yield DecodeError(reading.refused[1], at + len(piece))
