"""`trygg wifi`: for some minutes, whoever stands at the gateway may give it a Wi-Fi, over a serial cable or Bluetooth (Improv).

A process of its own beside the hub, for a gateway that has no network yet. Enter in the terminal, or SIGUSR1 from a script behind a
button of the box, counts as the press of the button: for a minute a network is taken. What comes is not kept here; NetworkManager has it.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon.arguments import language_of_reader
from gateway.daemon.commands.run import add_config
from gateway.daemon.configuration import DEFAULT, load_or_last_good
from gateway.daemon.json_text import dumps
from gateway.daemon.logs import open_log
from gateway.daemon.texts import Texts
from gateway.hub.improv import CLOSED, Improv
from gateway.hub.improv_air import ImprovAir
from gateway.hub.improv_line import ImprovLine
from hal.errors import HalError

AGAIN_MS = 5_000  # a cable that was pulled, a radio that went away
LONGEST_MIN = 60
LONGEST_NAME = 29  # bytes that a scan response holds


def add_parser(subparsers: Any) -> None:
    """The command line."""
    words = "give this gateway a Wi-Fi, for some minutes, over a serial cable or Bluetooth (Improv)"
    parser = subparsers.add_parser(
        "wifi",
        help=words,
        description="Open a window in which whoever presses the button may give this gateway a Wi-Fi, with trygg-kit wifi or any app that speaks Improv. "
        "Enter, or SIGUSR1, is the button. Exit status 0: it has a network, 1: it has none, 2: wrong command line or configuration.",
    )
    add_config(parser)
    parser.add_argument("--serial", metavar="PORT", help="serve this serial port, by name or URL")
    parser.add_argument("--bluetooth", action="store_true", help="serve phones in reach")
    parser.add_argument(
        "--minutes", type=int, default=15, metavar="N", help="how long the window is open (default: 15)"
    )
    parser.add_argument("--pressed", action="store_true", help="begin as if the button had just been pressed")
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON document")


def run(options: argparse.Namespace) -> int:
    """0 it has a network, 1 it has none, 2 a wrong command line or configuration."""
    paths = options.config or [DEFAULT]
    texts = Texts(language_of_reader(paths))
    try:
        check_options(options)
        config = load_or_last_good(paths).config
        return asyncio.run(Window(config, options, texts).live())
    except ConfigError as error:
        print(f"trygg wifi: {texts.reword(error)}", file=sys.stderr)
        return 2


def check_options(options: argparse.Namespace) -> None:
    """Some way in, and a time that has an end. Raises ConfigError."""
    if options.serial is None and not options.bluetooth:
        raise ConfigError("--serial, --bluetooth", "neither", "one of them, or both", "command line")
    if not 1 <= options.minutes <= LONGEST_MIN:
        raise ConfigError(
            "--minutes", str(options.minutes), f"a number from 1 to {LONGEST_MIN}", "command line"
        )


class Window:
    """One window, its ways in, and the person at the terminal."""

    def __init__(self, config: Any, options: argparse.Namespace, texts: Texts) -> None:
        from gateway.daemon import wiring

        self.wiring = wiring
        self.options, self.texts, self.config = options, texts, config
        self.wifi, self.clock, self.peripheral = wiring.wifi_parts(config, bluetooth=options.bluetooth)
        self.log = open_log()
        info = wiring.software().rpartition(" ")
        said = [info[0], info[2], wiring.machine_name(), config.hub.id]
        self.service = Improv(self.wifi, self.clock, said, self.log, self.identify)
        self.shown = CLOSED

    def say(self, name: str, **values: object) -> None:
        """A line for the person, where it is no document that is asked for."""
        if not self.options.json:
            print(self.texts.say(name, **values), flush=True)

    def identify(self) -> None:
        """Somebody wants to know which box this is."""
        print("\a", end="", file=sys.stderr, flush=True)
        self.say("wifi.identify", gateway=self.config.hub.id)

    def show(self) -> None:
        """How far it is, where that changed."""
        if self.service.state != self.shown:
            self.shown = self.service.state
            self.say(f"wifi.state_{self.shown}")

    def press(self) -> None:
        """The button."""
        self.service.press()

    async def live(self) -> int:
        """Serve until it has a network, or the time is over, or SIGTERM or SIGINT comes."""
        service = self.service
        service.on_change.append(self.show)
        service.open(self.options.minutes * 60_000)
        if self.options.pressed:
            service.press()
        ways = [asyncio.create_task(self.keep(work)) for work in self.ways()]
        with Button(self.press, service.close):
            await service.run()
        # a Bluetooth client is hung up on and forgotten before the process ends
        _, late = await asyncio.wait(ways, timeout=AGAIN_MS / 1000)
        for task in late:
            task.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for part in (self.peripheral, self.wifi):
            if part is not None:
                await part.close()
        joined = service.finished > 0
        if self.options.json:
            print(dumps({"joined": joined}))
        return 0 if joined else 1

    def ways(self) -> list[Callable[[], Awaitable[None]]]:
        """What is served."""
        found: list[Callable[[], Awaitable[None]]] = []
        if self.options.serial is not None:
            found.append(self.serve_line)
        if self.peripheral is not None:
            name = f"Trygg {self.config.hub.id}"[:LONGEST_NAME]
            found.append(ImprovAir(self.peripheral, self.service, name).run)
        return found

    async def serve_line(self) -> None:
        """The serial port, until it is lost. Raises HalError."""
        port = await self.wiring.serial_ports().open(self.options.serial)
        try:
            await ImprovLine(port, self.service, self.clock).run()
        finally:
            await port.close()

    async def keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Serve one way, and again where it was lost: a cable is pulled and put back. The reason is told when it changes."""
        told = ""
        while self.service.state != CLOSED:
            try:
                await work()
            except HalError as error:
                if error.message != told:
                    told = error.message
                    self.say("wifi.lost", cause=self.texts.reword(error))
                await self.clock.sleep_ms(AGAIN_MS)


class Button:
    """While inside, Enter and SIGUSR1 are the button, SIGTERM and SIGINT close the window."""

    def __init__(self, press: Callable[[], None], close: Callable[[], None]) -> None:
        self._press, self._close = press, close
        self._stdin = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self._press)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._close)
        if self._stdin is not None:
            loop.add_reader(self._stdin, self._typed)

    def __exit__(self, *_error: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        if self._stdin is not None:
            loop.remove_reader(self._stdin)

    def _typed(self) -> None:
        if sys.stdin.readline():
            self._press()
