"""`trygg-kit home`: a virtual home for a gateway to plug itself into."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from tools.home.house import House
from tools.home.scenario import load

FOR_EVER_S = 10.0 * 365 * 86_400
LONGEST_ORDER = 4096


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser("home", **options)
    parser.add_argument(
        "--scenario", default="home", metavar="NAME|FILE", help="what happens (default: home)"
    )
    parser.add_argument(
        "--directory", type=Path, required=True, metavar="DIR", help="gets home.json and the serial lines"
    )
    parser.add_argument(
        "--seconds", type=float, default=FOR_EVER_S, metavar="N", help="how long to play (default: for ever)"
    )
    parser.add_argument(
        "--port", type=int, default=0, metavar="P", help="loopback port of the radio (default: a free one)"
    )
    parser.add_argument("--json", action="store_true", help="print each act as a JSON line")
    parser.add_argument(
        "--orders",
        action="store_true",
        help="take further acts from standard input, one JSON object with peripheral and do a line",
    )


def run(options: argparse.Namespace) -> int:
    """Exit status 0, or 2 for a scenario that cannot be played."""
    return asyncio.run(live(options))


async def live(options: argparse.Namespace) -> int:
    """Play; SIGUSR1 ends the script and leaves the home standing, SIGTERM and SIGINT end it all."""
    scenario = load(options.scenario)

    def say(line: dict[str, Any]) -> None:
        text = json.dumps(line) if options.json else " ".join(f"{key}={item}" for key, item in line.items())
        print(text, flush=True)

    loop = asyncio.get_running_loop()
    async with House(scenario, options.directory, say).open(options.port) as house:
        say({"home": "ready", "facts": str(options.directory / "home.json")})
        playing = loop.create_task(house.play(min(options.seconds, FOR_EVER_S)))
        stay: asyncio.Future[None] = loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, leave, stay)
        loop.add_signal_handler(signal.SIGUSR1, playing.cancel)
        playing.add_done_callback(lambda task: played(task, house, stay))
        ordered = loop.create_task(obey(house)) if options.orders else None
        try:
            await stay  # the home stays as it is after the script until it is told to go
        except ConfigError as error:
            say({"error": str(error)})
            return 2
        finally:
            tasks = [task for task in (playing, ordered) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return 0


async def obey(house: House) -> None:
    """Acts that somebody writes while the home runs; what cannot be done is said, and the home goes on. Ends where they end."""
    lines = asyncio.StreamReader(limit=LONGEST_ORDER)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    try:
        while line := await lines.readline():
            try:
                await house.perform(house.ordered(line))
            except ConfigError as error:
                house.say({"error": str(error)})
    finally:
        transport.close()


def leave(stay: "asyncio.Future[None]") -> None:
    """Told to go."""
    if not stay.done():
        stay.set_result(None)


def played(task: "asyncio.Task[None]", house: House, stay: "asyncio.Future[None]") -> None:
    """A script that broke ends the home. One that was cut short (SIGUSR1) leaves it as it is."""
    if task.cancelled():
        house.end()
    elif not stay.done():
        error = task.exception()
        if error is not None:
            stay.set_exception(error)
