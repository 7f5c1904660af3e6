"""Improv on a board: for some minutes whoever stands at it may give it a Wi-Fi, over its console or Bluetooth.

`firmware.hands` opens it when the button has been held for ten seconds; held for two within it is the press that the service asks for.
Loaded when it is opened, and let go of afterwards (`Board.window`): a gateway needs it for minutes of its life.
"""

import asyncio

from firmware import VERSION
from gateway.hub.improv import CLOSED, WINDOW_MS, Improv
from gateway.hub.improv_air import ImprovAir
from gateway.hub.improv_line import ImprovLine
from gateway.hub.waking import stop
from hal.errors import HalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.hub.recorder import Log
    from hal.interfaces import Clock, SerialPort
    from hal.provisioning import BlePeripheral, Wifi

AGAIN_MS = 5_000  # a cable that was pulled, a radio that was needed elsewhere


class Window:
    """One opening. peripheral: None where the board has no radio. port: opens the console."""

    def __init__(
        self,
        wifi: "Wifi",
        clock: "Clock",
        peripheral: "BlePeripheral | None",
        port: "Callable[[], SerialPort] | None",
        board: str,
        gateway: str,
        log: "Log",
        identify: "Callable[[], None]",
    ) -> None:
        self._clock, self._log = clock, log
        self._peripheral, self._port = peripheral, port
        self._name = "Trygg " + gateway
        self.service = Improv(wifi, clock, ["trygg firmware", VERSION, board, gateway], log, identify)

    def is_open(self) -> bool:
        """Whether somebody may give it a Wi-Fi, or see which box it is."""
        return self.service.state != CLOSED

    def press(self) -> bool:
        """The button, within the window."""
        return self.service.press()

    async def run(self) -> None:
        """Open it, and serve until it has a network, or the time is over."""
        self.service.open(WINDOW_MS)
        self._log("info", "The Wi-Fi window is open.", part="improv")
        ways = []
        if self._port is not None:
            ways.append(asyncio.create_task(self._keep(self._serve_line)))
        if self._peripheral is not None:
            air = ImprovAir(self._peripheral, self.service, self._name)
            ways.append(asyncio.create_task(self._keep(air.run)))
        try:
            await self.service.run()
        finally:
            self.service.close()
            for way in ways:
                await stop(way)
        self._log("info", "The Wi-Fi window is closed.", part="improv", joined=self.service.finished > 0)

    async def _serve_line(self) -> None:
        assert self._port is not None, "it is served where there is one"
        port = self._port()
        try:
            await ImprovLine(port, self.service, self._clock).run()
        finally:
            await port.close()

    async def _keep(self, work: "Callable[[], Awaitable[None]]") -> None:
        """Serve one way, and again where it was lost; why is told when it changes."""
        told = ""
        while self.is_open():
            try:
                await work()
            except HalError as error:
                if error.message != told:
                    told = error.message
                    self._log("warning", "A way to the Wi-Fi window was lost.", part="improv", cause=told)
                await self._clock.sleep_ms(AGAIN_MS)
