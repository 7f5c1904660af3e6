"""What the board runs: a configuration and a machine become a gateway, and what it does becomes lines of JSON.

Run as a program it plays a scripted home over the simulated machine and ends with a summary (docs/firmware.md):

    micropython -m firmware.main
"""

import asyncio
import json
import sys

from firmware import VERSION
from gateway.core.config import validate
from gateway.core.devices.registry import driver
from gateway.hub.app import App
from hal.types import LANES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.hub.app import Machine
    from gateway.hub.configured import Applier
    from gateway.hub.uplink import Delivery

    Write = Callable[[dict[str, Any]], None]

SOURCE = "gateway.cbor"  # what the kit compiles a configuration to; named in its errors


def gateway(
    tree: "dict[str, Any]",
    machine: "Machine",
    roots: "list[bytes]",
    write: "Write",
    delivery: "type[Delivery] | None" = None,
    applier: "Applier | None" = None,
) -> App:
    """A gateway that is ready to start; everything it logs is one object for `write`.

    `applier` keeps the configuration from afar (`firmware.published`); without one none is taken.

    Raises:
        ConfigError: the key of the configuration that cannot be used.
    """

    def log(level: str, message: str, **fields: object) -> None:
        line: "dict[str, Any]" = {"level": level, "message": message}
        line.update(fields)
        write(line)

    config = validate(tree, SOURCE)
    software = "trygg firmware " + VERSION
    if delivery is None:
        return App(config, machine, roots, driver, software, log, applier=applier)
    return App(config, machine, roots, driver, software, log, delivery=delivery, applier=applier)


def plain(item: object) -> object:
    """An item as JSON can say it: bytes in hex, anything strange by its own word."""
    if isinstance(item, (bytes, bytearray)):
        return bytes(item).hex()
    if isinstance(item, dict):
        return {str(key): plain(value) for key, value in item.items()}
    if isinstance(item, (list, tuple)):
        return [plain(value) for value in item]
    if item is None or isinstance(item, (bool, int, str)):
        return item
    return str(item)


def print_line(line: "dict[str, Any]") -> None:
    """One object, one line."""
    print(json.dumps(plain(line)))  # noqa: T201


def held(app: App) -> int:
    """How many events the journal holds, which is how many nobody has receipted."""
    marks = [app.machine.journal.mark(lane) for lane in LANES]
    return sum([mark.last - mark.first + 1 for mark in marks])


async def play_home(write: "Write") -> int:
    """A minute of the scripted home. There is no platform, so nothing is receipted and everything is held."""
    from firmware import sim_home  # a board runs no simulation, and has no room for one
    from firmware.bench.wiring import Simulated

    board = Simulated(sim_home.GATEWAY, sim_home.NIGHT_UTC_MS)
    stored: "list[object]" = []

    def told(line: "dict[str, Any]") -> None:
        if line["message"] == "stored":
            stored.append(line["kind"])
        if line["level"] != "debug":
            write(line)

    app = gateway(sim_home.CONFIGURATION, board.machine(), [], told)
    await app.start()
    await sim_home.play(board, app.pairing)
    lost = len(stored) - held(app)
    write({"summary": {"stored": len(stored), "held": held(app), "lost": lost}})
    await app.parts.stop()
    await app.delivery.ended()
    return 1 if lost else 0


def main() -> int:
    """Play the home; exit status 1 where something was lost."""
    return asyncio.run(play_home(print_line))


if __name__ == "__main__":
    sys.exit(main())
