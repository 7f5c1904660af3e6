"""One combination tried: the whole hub over hal/linux's own code, Bumble's stack and a virtual radio, in real time."""

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bumble import smp
from bumble.keys import MemoryKeyStore, PairingKeys
from bumble.pairing import PairingConfig

from gateway.core.config import validate
from gateway.core.devices.driver import Driver
from gateway.core.devices.oximeter import Oximeter as OximeterDriver
from gateway.core.event_codec import decode_event
from gateway.hub import status
from gateway.hub.app import App, Machine
from hal.bumble.adapter import BumbleAdapter
from hal.bumble.bonds import BondStore
from hal.linux.central import BleakBleCentral
from hal.linux.clock import SystemClock
from hal.linux.scanner import BleakBleScanner
from hal.sim.crypto import SimCrypto
from hal.sim.indicator import SimIndicator
from hal.sim.journal import SimJournal
from hal.sim.keystore import SimKeyStore
from hal.sim.medium import SimMedium
from hal.sim.network import SimNetwork
from hal.sim.uplink import SimBroker, SimUplink
from hal.sim.watchdog import SimWatchdog
from hal.types import TECHNICAL
from tools.rig.pairings.combinations import CODE, WRONG_CODE, Combination
from tools.simulators.controller import HomeController
from tools.simulators.link import HomeLink
from tools.simulators.oximeter import Oximeter

ADDRESS, NAME = "C1:00:00:00:00:01", "Oximeter"
PATIENCE_S = 15.0
TURN_S = 0.002
COMPARE_MS = 60  # in which a person who is there says yes or no; the harness does not wait for one who is not
TREE: dict[str, Any] = {
    "hub": {"id": "hub-1", "tenant": "oslo", "language": "en", "time_zone": "Europe/Oslo"},
    "uplink": {"brokers": ["mqtt://127.0.0.1:1883"]},
    "platform": {"root_public_key": "00" * 32},
    "device": [{"name": NAME, "driver": "plx", "address": ADDRESS}],
}


class StrictDriver(OximeterDriver):
    """An oximeter's driver that wants to know who measures."""

    pairing = "authenticated"


@dataclass
class Result:
    """What came of a trial, as each party sees it."""

    bond: int = 0  # what the hub believes, and lets people see
    paired: bool = False  # whether it reads the device
    read: bool = False  # whether its values can in fact be read
    stored: int = 0  # what the radio has stored in the end
    weak_shown: bool = False  # by `trygg status`
    kinds: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    state: str = ""  # how the window ended; "" where none was opened
    made: list[bool] = field(default_factory=list)  # pairings that the peripheral saw: authenticated or not
    manifest_bond: int | None = None


def keys(*, authenticated: bool) -> PairingKeys:
    """Keys of a bond from before."""
    return PairingKeys(ltk=PairingKeys.Key(value=secrets.token_bytes(16), authenticated=authenticated))


class Trial:
    """`make_app` and `loosen` are where an unsafe variant differs."""

    def __init__(
        self,
        combination: Combination,
        folder: Path,
        *,
        make_app: "Callable[..., App]" = App,
        loosen: "Callable[[Trial], None]" = lambda _trial: None,
    ) -> None:
        self.combination = combination
        self.make_app, self.loosen = make_app, loosen
        self.link = HomeLink()
        self.store = BondStore(folder / "bonds.json")
        self.adapter = BumbleAdapter(HomeController("hub", self.link), self.store)
        self.peripheral = self.make_peripheral()
        self.app: Any = None
        self.central: Any = None

    # --- the parties ----------------------------------------------------------------------------------------------

    def make_peripheral(self) -> Oximeter:
        """The oximeter of the combination."""
        wanted = self.combination
        peripheral = Oximeter(
            self.link,
            ADDRESS,
            passkey=CODE,
            key_bytes=wanted.key_bytes,
            capability=wanted.io,
            out_of_band=wanted.out_of_band,
        )
        peripheral.label.protects = wanted.insists
        config = peripheral.device.pairing_config_factory
        if not wanted.secure:
            peripheral.device.smp_session_proxy = smp.Session
            peripheral.device.pairing_config_factory = lambda connection: PairingConfig(
                sc=False, mitm=wanted.insists, bonding=True, delegate=config(connection).delegate
            )
        return peripheral

    async def bond_from_before(self) -> None:
        """Both ends, or only ours, have keys."""
        await self.store.open()
        wanted = self.combination
        if not wanted.stored:
            return
        pair = keys(authenticated=wanted.stored == 2)
        await self.store.update(ADDRESS, pair)
        if wanted.known:
            theirs = self.peripheral.device.keystore
            assert isinstance(theirs, MemoryKeyStore)
            await theirs.update(str(self.store.own_address), pair)

    def build(self) -> None:
        """The hub, with everything but the radio simulated."""
        clock = SystemClock(trust="always")
        numbers = itertools.count(1)

        def seeded(size: int) -> bytes:
            return next(numbers).to_bytes(size, "little")

        keystore = SimKeyStore(b"g" * 32)
        self.journal = SimJournal(SimMedium(), random=seeded)
        self.central = BleakBleCentral(clock, self.adapter)
        broker = SimBroker()
        broker.stop()
        machine = Machine(
            clock,
            self.journal,
            keystore,
            SimCrypto(keystore, random=seeded),
            [SimUplink(broker, "hub-1")],
            SimNetwork(),
            SimIndicator(),
            SimWatchdog(clock),
            BleakBleScanner(clock, self.adapter),
            self.central,
        )
        kind: type[Driver] = StrictDriver if self.combination.demand == "authenticated" else OximeterDriver
        config = validate(TREE, "hub.toml")
        self.app = self.make_app(config, machine, [bytes(32)], lambda _name: kind, "trygg rig", quiet)
        self.app.pairing.compare_ms = COMPARE_MS

    @property
    def device(self) -> Any:
        """The one device."""
        return self.app.devices[0]

    # --- the course -----------------------------------------------------------------------------------------------

    async def run(self) -> Result:
        """Switch on, pair as far as it goes, look at what is left, switch off."""
        await self.bond_from_before()
        self.build()
        self.loosen(self)
        await self.peripheral.start((0x1822,), interval_ms=20)
        await self.adapter.ready()
        self.loosen(self)
        await self.app.start()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.until(self.settled)
                result = Result()
                if not self.reads() or (self.combination.protected and self.device.bond < 2):
                    result.state = await self.pair()
                    await self.until(lambda: not self.app.pairing.listening)  # all that follows is done
                    if self.device.is_paired:
                        with contextlib.suppress(TimeoutError):
                            await asyncio.wait_for(self.until(self.reads), PATIENCE_S / 3)
                return await self.look(result)
        finally:
            await self.app.parts.stop()
            await self.app.delivery.ended()
            await self.adapter.close()
            await self.peripheral.stop()

    async def pair(self) -> str:
        """The technician's part."""
        pairing, wanted = self.app.pairing, self.combination
        codes = {"none": "", "right": f"{CODE:06d}", "wrong": f"{WRONG_CODE:06d}"}
        pairing.open(NAME, code=codes[wanted.code], oob=self.data())
        while pairing.is_open():
            question = pairing.facts()["question"]
            if question == "code":
                pairing.cancel()  # there is no other
            elif question == "number" and wanted.person != "is not there":
                pairing.answer(yes=wanted.person == "says yes")
            await asyncio.sleep(TURN_S)
        return str(pairing.facts()["state"])

    def data(self) -> str:
        """What the technician reads of a label; wrong in its last bit."""
        if not self.combination.out_of_band:
            return "" if self.combination.data == "none" else "5a" * 32
        data = bytearray(self.peripheral.label.data)
        data[-1] ^= self.combination.data == "wrong"
        return data.hex()

    def settled(self) -> bool:
        """Whether the visitor has found out what its bond is worth."""
        visitor = self.app.pairing.visitors[self.device.placement]
        return self.reads() or self.device.is_stale or (visitor.looked and not self.device.is_paired)

    def reads(self) -> bool:
        """Whether the hub reads the device."""
        return bool(self.device.link == "connected" and self.peripheral.connected)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let things happen until `condition` holds."""
        while not condition():  # noqa: ASYNC110  several processes of a radio, none of which tells us
            await asyncio.sleep(TURN_S)

    async def look(self, result: Result) -> Result:
        """What everybody sees in the end."""
        (row,) = status.devices(self.app)
        result.bond, result.paired = row["bond"] or 0, bool(row["paired"])  # type: ignore[assignment]
        result.read = self.reads()
        result.stored = (await self.central.bonds()).get(ADDRESS, 0)
        result.weak_shown = NAME in status.status(self.app)["devices_weak"]  # type: ignore[operator]
        result.made = list(self.peripheral.pairings)
        result.manifest_bond = self.app.outward.devices[0].bond
        for entry in self.journal.peek(TECHNICAL, 0, 1 << 20, 1_000):
            event = decode_event(entry.event)
            result.kinds.append(event.kind)
            if event.kind == "pairing.refused":
                result.reasons.append(str(event.values.get("reason", "")))
        return result


def quiet(*_words: object, **_fields: object) -> None:
    """Nobody reads the log of five hundred hubs."""
