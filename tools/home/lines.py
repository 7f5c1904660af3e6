"""Serial devices of a virtual home: an oximeter on a line, and EnOcean sensors that one transceiver hears."""

from pathlib import Path
from typing import Any

from gateway.core.timezone import local_ms
from tools.home.actors import Actor, Clock, Do, noise_of
from tools.home.scenario import PeripheralPlan
from tools.simulators import enocean_air as air
from tools.simulators.nonin_serial import NoninDevice
from tools.simulators.serial_pty import SerialOnPty
from tools.simulators.virtual_clock import VirtualClock

TRANSCEIVER = "enocean"
PROFILES = {"enocean_smoke": "F6-05-02", "enocean_contact": "D5-00-01", "enocean_handle": "F6-10-00"}
KINDS = ("serial_oximeter", *PROFILES)


class SerialOximeter(Actor):
    """An oximeter of Nonin. Options: `format` (2), and of its line. Acts: finger (`spo2`, `pulse`), take_out, check, lose_battery, pull, put_back."""

    driver = "nonin_serial"

    def __init__(self, plan: PeripheralPlan, folder: Path, clock: Clock, time_zone: str) -> None:
        super().__init__(plan)
        self.format = int(plan.options.get("format", 2))
        shown = VirtualClock(local_ms(clock(), time_zone) // 1000, SerialOnPty.now_ms())
        self.device = NoninDevice(self.format, shown, SerialOnPty.now_ms())
        name = "serial-" + "".join(letter for letter in plan.name.lower() if letter.isalnum())
        self.served = SerialOnPty(
            folder / name, self.device.received, self.device.due, noise_of(plan.options)
        )
        self.acts = {
            "finger": self.finger,
            "take_out": self.take_out,
            "check": self.check,
            "lose_battery": self.lose_battery,
            "pull": self.pull,
            "put_back": self.put_back,
        }

    @property
    def holds(self) -> bool:
        """Whether its memory has a spot check that nobody was sent."""
        return bool(self.device.memory)

    def facts(self) -> dict[str, Any]:
        """Where the line is, and what is sent on it."""
        return {**super().facts(), "port": str(self.served.line.path), "options": {"format": self.format}}

    async def start(self) -> None:
        """Power on and plug in."""
        await self.served.start()

    async def stop(self) -> None:
        """Pull the plug."""
        await self.served.stop()

    def rest(self) -> None:
        """Nobody wears it any more."""
        self.device.take_out(self.served.now_ms())

    async def finger(self, options: dict[str, Any]) -> None:
        """Somebody puts it on."""
        self.device.finger(int(options.get("spo2", 97)), int(options.get("pulse", 72)))

    async def take_out(self, _options: dict[str, Any]) -> None:
        """Somebody takes it off; what it shows is held."""
        self.device.take_out(self.served.now_ms())

    async def check(self, options: dict[str, Any]) -> None:
        """Somebody measures once (format 13)."""
        spo2, pulse = int(options.get("spo2", 97)), int(options.get("pulse", 72))
        self.served.say(self.device.check(spo2, pulse, self.served.now_ms()))

    async def lose_battery(self, _options: dict[str, Any]) -> None:
        """Its battery was changed."""
        self.device.lose_battery(self.served.now_ms())

    async def pull(self, _options: dict[str, Any]) -> None:
        """The cable is pulled out."""
        self.device.pull()
        self.served.pull()

    async def put_back(self, _options: dict[str, Any]) -> None:
        """The cable is put back."""
        self.served.put_back()


class Transceiver:
    """The one transceiver of a home, on its line."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.device = air.TransceiverDevice()
        self.served = SerialOnPty(
            folder / TRANSCEIVER,
            lambda data, _now_ms: self.device.received(data),
            lambda _now_ms: b"",
            noise_of(options),
        )

    @property
    def port(self) -> str:
        """Where the gateway finds it."""
        return str(self.served.line.path)


class EnoceanSensor(Actor):
    """A sensor that the transceiver hears; `address` is its number.

    Acts: smoke, clear, low (detector); open, close (contact); open, close, tilt (handle); each may say `level` 4: authenticated.
    """

    driver = "enocean"

    def __init__(self, plan: PeripheralPlan, transceiver: Transceiver) -> None:
        super().__init__(plan)
        self.transceiver = transceiver
        says: dict[str, dict[str, tuple[int, bytes]]] = {
            "enocean_smoke": {
                "smoke": air.smoke(air.SMOKE),
                "clear": air.smoke(air.NO_SMOKE),
                "low": air.smoke(air.LOW),
            },
            "enocean_contact": {"open": air.contact(False), "close": air.contact(True)},
            "enocean_handle": {
                name: air.handle(position)
                for name, position in (("open", "open"), ("close", "closed"), ("tilt", "tilted"))
            },
        }
        self.acts = {name: self.say(said) for name, said in says[plan.kind].items()}

    def say(self, said: tuple[int, bytes]) -> Do:
        """An act that sends one telegram."""

        async def do(options: dict[str, Any]) -> None:
            heard = self.transceiver.device.hears(self.plan.address or "", said, int(options.get("level", 0)))
            self.transceiver.served.say(heard)

        return do

    def facts(self) -> dict[str, Any]:
        """The number on its label, and what it is."""
        facts = super().facts()
        facts["sender"] = facts.pop("address")
        facts["options"] = {"profile": PROFILES[self.plan.kind]}
        return facts
