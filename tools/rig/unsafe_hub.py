"""The negative control of the kill harness: a hub that forgets on the broker's PUBACK, as many gateways do.

    python -m tools.rig.unsafe_hub run -c hub.toml --log-json [--clock-offset-s N]

It is `trygg run` with one method replaced. Never for a home.
"""

import argparse
import asyncio
import signal
import sys
import tomllib
from pathlib import Path

from gateway.core.config import validate
from gateway.daemon import wiring
from gateway.daemon.logs import open_log
from gateway.hub.uplink import Delivery
from tools.rig.sim.unsafe import ForgetOnPuback


async def run(options: argparse.Namespace, delivery: type[Delivery]) -> int:
    """Until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    config = validate(tomllib.loads(options.c.read_text(encoding="utf-8")), str(options.c))
    offset_ms = None if options.clock_offset_s is None else 1000 * options.clock_offset_s
    log = open_log(as_json=options.log_json)
    return await wiring.run(config, log=log, stop=stop, clock_offset_ms=offset_ms, delivery=delivery)


def main(argv: list[str] | None = None, delivery: type[Delivery] = ForgetOnPuback) -> int:
    """Entry point; another control gives its own `delivery`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", choices=("run",))
    parser.add_argument("-c", type=Path, required=True)
    parser.add_argument("--log-json", action="store_true")
    parser.add_argument("--clock-offset-s", type=int)
    return asyncio.run(run(parser.parse_args(argv), delivery))


if __name__ == "__main__":
    sys.exit(main())
