"""Parts that only a board has: a button that opens the time for pairing or the Wi-Fi window, and what the board lives on.

Held for two seconds it opens or closes the time for pairing; held for ten, the Wi-Fi window, in which two seconds are the press that lets a
network be given.
"""

from gateway.core.errors import ConfigError, RefusedError
from gateway.core.model import Decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware.window import Window
    from gateway.hub.app import App
    from hal.esp32.button import BoardButton
    from hal.esp32.power import BoardPower

LOOK_MS = 5_000
LONGER_MS = 8_000  # beyond the two seconds of a press: ten for the Wi-Fi window
IDENTIFY_MS = 10_000
LOW_MV, GOOD_MV = 3_400, 3_600  # of one lithium cell; in between it stays what it was


class Hands:
    """Over one gateway. `window` makes a Wi-Fi window, `closed` is told when it is over."""

    def __init__(
        self,
        app: "App",
        window: "Callable[[Callable[[], None]], Window] | None" = None,
        closed: "Callable[[], None]" = lambda: None,
    ) -> None:
        self._app = app
        self._make_window, self._closed = window, closed
        self._window: "Window | None" = None
        app.supervise.pairs = self.is_open
        self._is_low = app.recorder.engine.incidents.is_open(0, "battery.low")

    async def watch_button(self, button: "BoardButton") -> None:
        """Each time it is held: what `pressed` does; and where it stays down, the Wi-Fi window."""
        while True:
            await button.pressed()
            self.pressed()
            if self._make_window is not None and await button.stays(LONGER_MS):
                self.open_window()

    def is_open(self) -> bool:
        """Whether the lamp shows that a person may do something now."""
        return self._window is not None or self._app.admission.is_open()

    def open_window(self) -> bool:
        """Let whoever stands here give the board a Wi-Fi; no pairing goes on meanwhile. False where it is open."""
        if self._make_window is None or self._window is not None:
            return False
        self._app.pairing.cancel()
        self._window = self._make_window(self.identify)
        self._app.parts.start("wifi window", self.serve_window, once=True)
        return True

    async def serve_window(self) -> None:
        """Until it has a network, or the time is over."""
        try:
            if self._window is not None:
                await self._window.run()
        finally:
            self._window = None
            self._closed()

    def identify(self) -> None:
        """Somebody wants to see which box this is."""
        supervise = self._app.supervise
        supervise.identify_until_ms = supervise.clock.uptime_ms() + IDENTIFY_MS
        supervise.look_now()

    def pressed(self) -> str:
        """The device that may be paired now; empty where the time was closed, there is none, or it was for the Wi-Fi window."""
        pairing = self._app.pairing
        if self._window is not None:
            self._window.press()
            return ""
        if pairing.is_open():
            pairing.cancel()
            return ""
        waiting = [each for each in self._app.devices if not each.is_paired and each.config.address]
        if not waiting:
            self._app.log("info", "The button was held; every device is paired.")
            return ""
        try:
            pairing.open(waiting[0].config.name)
        except (ConfigError, RefusedError) as error:
            self._app.log("warning", "The button was held; no pairing.", cause=str(error))
            return ""
        return waiting[0].config.name

    async def watch_power(self, power: "BoardPower") -> None:
        """Tell when the mains goes and comes, and when the battery is low: faults, and never an alarm of a person."""
        while True:
            mains, battery_mv = power.mains(), power.battery_mv()
            condition = self._app.recorder.condition
            if mains is not None:
                await condition("mains.lost", "mains.restored", not mains)
            if battery_mv is not None:
                self._is_low = battery_mv < (GOOD_MV if self._is_low else LOW_MV)
                values: "dict[str, object]" = {"battery_v": Decimal(battery_mv, -3)}
                await condition("battery.low", "battery.restored", self._is_low, values)
            await self._app.machine.clock.sleep_ms(LOOK_MS)
