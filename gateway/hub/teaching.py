"""Teach-in of EnOcean sensors: a person opens the time for it, one sender says who it is, and the configuration gets its number.

The rules are those of `gateway.core.pairing`, without bonds: there is nothing that an impostor could not send as well. A switch,
a window handle or a smoke detector has no telegram of its own for this; any of its telegrams will do then, and the person says
what it is. Outside of the time for it a teach-in changes nothing. Inside, it changes nothing by itself either: who is heard
is told, and a person enters it.
"""

from gateway.core.devices.enocean_telegram import RPS, Profile, is_teach_in, profile_of
from gateway.core.errors import ConfigError, DecodeError, RefusedError
from gateway.core.pairing import CANCELLED, EXPIRED, HEARD, REASONS, TAUGHT, Expected, Window
from gateway.hub.waking import Wake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.enocean_telegram import Telegram
    from gateway.hub.devices import Device
    from gateway.hub.pairing import Pairing
    from gateway.hub.recorder import Recorder
    from gateway.hub.telegrams import TelegramLine

DRIVER = "enocean"


class Taught:
    """A sender that may be the one, with the face of an advertisement."""

    __slots__ = ("address", "name", "received_ms")

    def __init__(self, address: str, name: str, received_ms: int) -> None:
        self.address = address
        self.name = name
        self.received_ms = received_ms


class NewSender(Expected):
    """Any sender that no device in use has."""

    def is_it(self, advertisement: "Taught") -> bool:  # type: ignore[override]
        """Whether it may be the device."""
        return advertisement.address not in self.others


class Teaching:
    """The time for it, at most one at once. `profiles` is what each sender heard in it has said it is."""

    def __init__(self, line: "TelegramLine | None", devices: "list[Device]", recorder: "Recorder") -> None:
        self.line = line
        self.devices = devices
        self.recorder = recorder
        self.clock = recorder.clock
        self.window: "Window | None" = None
        self.profiles: "dict[str, Profile]" = {}
        self.wake = Wake(self.clock)

    # --- what a person asks ---------------------------------------------------------------------------------------

    def open(self, number: int) -> "dict[str, object]":
        """Open the time for it; `number` tells it from others.

        Raises:
            RefusedError: there is no transceiver, or it does not answer.
        """
        if self.line is None:
            raise RefusedError(
                "this gateway has no EnOcean transceiver: look at [enocean] in the configuration"
            )
        if self.line.shown != "open":
            raise RefusedError("the EnOcean transceiver cannot be reached: trygg check says why")
        others = tuple([device.config.sender or "" for device in self.devices])
        self.profiles = {}
        self.window = Window(number, NewSender("", DRIVER, others=others), None, self.clock.uptime_ms())
        self.line.teaching = self.hear
        self.wake.call()
        return self.facts()

    def cancel(self) -> "dict[str, object]":
        """Close it; no error where it is closed."""
        if self.window is not None and self.window.happens(CANCELLED):
            self.wake.call()
        return self.facts()

    def is_open(self) -> bool:
        """Whether somebody may be taught in now."""
        return self.window is not None and not self.window.over

    def facts(self) -> "dict[str, object]":
        """As of `Pairing.facts`; `profile` is what the sender says it is, "" where it does not say."""
        window = self.window
        if window is None:
            return {}
        profile = self.profiles.get(window.address, Profile(""))
        return {
            "number": window.number,
            "state": window.state,
            "story": list(window.story),
            "question": "",
            "compare": 0,
            "wrong_codes": 0,
            "left_ms": max(0, window.until_ms - self.clock.uptime_ms()),
            "device": "",
            "driver": DRIVER,
            "address": window.address,
            "advertised_name": "",
            "profile": profile.name,
            "bond": 0,
            "reason": window.reason,
            "why": REASONS.get(window.reason, ""),
            "configured": False,
        }

    # --- the part -------------------------------------------------------------------------------------------------

    def hear(self, telegram: "Telegram", now_ms: int) -> None:
        """The line's side: somebody has sent something."""
        window = self.window
        if window is None or window.over:
            return
        try:
            if not is_teach_in(telegram) and telegram.rorg != RPS:
                return
            profile = Profile("") if telegram.rorg == RPS else profile_of(telegram)
        except DecodeError:
            return
        if window.hear(Taught(telegram.sender, profile.name, now_ms)):  # type: ignore[arg-type]
            self.profiles[telegram.sender] = profile
            self.wake.call()

    async def run(self) -> None:
        """Follow the times that are opened."""
        while True:
            await self.wake.wait(self.due_ms())
            if self.window is not None:
                await self.follow(self.window)

    def due_ms(self) -> "int | None":
        """When time alone brings something."""
        window = self.window
        if window is None or window.over:
            return None
        return min(window.until_ms, window.begins_ms()) if window.state == HEARD else window.until_ms

    async def follow(self, window: Window) -> None:
        """Whatever is due now."""
        now_ms = self.clock.uptime_ms()
        if now_ms >= window.until_ms:
            window.happens(EXPIRED)
        if window.state == HEARD and now_ms >= window.begins_ms() and window.begin():
            window.happens(TAUGHT)
        if window.over and self.line is not None:
            self.line.teaching = None
        for kind, values in window.untold():
            await self.recorder.note(kind, 0, values)


class Admission:
    """What lets devices in: pairing over Bluetooth, and teach-in. One window at a time, whichever it is."""

    def __init__(self, pairing: "Pairing", teaching: Teaching) -> None:
        self.pairing = pairing
        self.teaching = teaching
        self.teaches = False  # whether the last window was one of teach-in

    def open(self, device: str = "", driver: str = "", code: str = "", oob: str = "") -> "dict[str, object]":
        """Open a window: as `Pairing.open`, and for the driver `enocean` that of teach-in.

        Raises:
            ConfigError: no such device or driver, or what is no code.
            RefusedError: it cannot be opened now.
        """
        if self.is_open():
            raise RefusedError("a time for pairing is open already: end it, or wait until it runs out")
        if driver != DRIVER or device:
            facts = self.pairing.open(device, driver, code, oob)
            self.teaches = False
            return facts
        if code or oob:
            raise ConfigError("code", "a code", "none: EnOcean sensors have no code")
        self.pairing.count += 1
        facts = self.teaching.open(self.pairing.count)
        self.teaches = True
        return facts

    def is_open(self) -> bool:
        """Whether somebody may be let in now."""
        return self.pairing.is_open() or self.teaching.is_open()

    def facts(self) -> "dict[str, object]":
        """The window that is open, or the last one."""
        return self.teaching.facts() if self.teaches else self.pairing.facts()

    def answer(self, yes: bool = False, code: str = "") -> "dict[str, object]":
        """As `Pairing.answer`; a teach-in asks nothing."""
        return self.pairing.answer(yes, code)

    def cancel(self) -> "dict[str, object]":
        """Close the window."""
        return self.teaching.cancel() if self.teaches else self.pairing.cancel()
