"""The hub: everything portable, put together over an injected machine."""

import asyncio

from gateway.core.outbox import Outbox
from gateway.core.rules.build import build_recordings, build_rules, rule_keys
from gateway.core.rules.engine import Engine
from gateway.core.rules.leaving import InUse, left_behind
from gateway.core.rules.senses import Senses
from gateway.core.supervision import Supervision
from gateway.core.trust import Trust
from gateway.hub.air import Listener, Visitor
from gateway.hub.devices import place
from gateway.hub.intake import Intake
from gateway.hub.inward import Inward
from gateway.hub.lines import Line
from gateway.hub.losses import Losses
from gateway.hub.outward import Outward
from gateway.hub.pairing import Pairing
from gateway.hub.parts import PartFailedError, Parts
from gateway.hub.recorder import Recorder, device_key
from gateway.hub.recovery import Recovery
from gateway.hub.ringing import Ringing
from gateway.hub.supervise import Supervise
from gateway.hub.taking import Known, fit, take_up
from gateway.hub.uplink import Delivery
from gateway.hub.waking import stop as cancel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.core.config import Config
    from gateway.core.devices.driver import Driver
    from gateway.hub.devices import Device
    from gateway.hub.recorder import Log
    from hal.interfaces import (
        BleCentral,
        BleScanner,
        Clock,
        Crypto,
        Indicator,
        Journal,
        KeyStore,
        Network,
        SerialPorts,
        Uplink,
        Watchdog,
    )

SILENT, WEAK = "device.silent", "link.weak"
FLUSH_MS = 2_000


class Machine:
    """What a wiring file injects; `scanner`, `central` and `ports` may be None where the home needs none."""

    def __init__(
        self,
        clock: "Clock",
        journal: "Journal",
        keystore: "KeyStore",
        crypto: "Crypto",
        uplinks: "list[Uplink]",
        network: "Network",
        indicator: "Indicator",
        watchdog: "Watchdog",
        scanner: "BleScanner | None" = None,
        central: "BleCentral | None" = None,
        ports: "SerialPorts | None" = None,
    ) -> None:
        self.clock = clock
        self.journal = journal
        self.keystore = keystore
        self.crypto = crypto
        self.uplinks = uplinks
        self.network = network
        self.indicator = indicator
        self.watchdog = watchdog
        self.scanner = scanner
        self.central = central
        self.ports = ports


class App:
    """One gateway: `await start()`, then `await until(stop_event)` or `await stop()`."""

    def __init__(
        self,
        config: "Config",
        machine: Machine,
        roots: "list[bytes]",
        driver_of: "Callable[[str], type[Driver]]",
        software: str,
        log: "Log",
        passkeys: "dict[str, int] | None" = None,
        delivery: "type[Delivery]" = Delivery,
        started: "dict[str, object] | None" = None,
        fault: str = "",
    ) -> None:
        """`started` are values for `hub.started`; `fault` is why the last good configuration is used, if it is.

        `delivery` is there for the negative control that forgets on a PUBACK and must be caught.
        """
        self.config, self.machine, self.log = config, machine, log
        self.started = started if started is not None else {}
        self.fault = fault
        journal, clock, crypto = machine.journal, machine.clock, machine.crypto
        self.boot = int.from_bytes(crypto.random(4), "big")
        self.taken = take_up(journal, log)
        fit(self.taken, journal, config.devices, crypto, driver_of, log)
        known = Known(journal, self.taken)
        self.devices, self.placed = place(config.devices, known, crypto, driver_of, config.hub.time_zone)
        for device in self.devices:
            device.passkey = (passkeys or {}).get(device.config.name)
        stored = {key: known.state(key) or b"" for key in known.state_keys("")}
        self.unwatched, gone = left_behind(stored, self.in_use())
        for key in gone:
            del stored[key]
            self.placed[key] = None
        self.supervision = Supervision()
        engine = engine_of(config, self.devices, machine, stored, self.supervision)
        self.recorder = Recorder(journal, clock, crypto, engine, self.boot, log)
        self.intake = Intake(self.recorder, self.supervision, log, self.manifest_changed)
        self.trust = Trust(config.hub.tenant, roots, crypto.ed25519_verify)
        self.outbox = Outbox(self.random16)
        self.outward = self.outward_of(software)
        losses = Losses(self.recorder)
        self.inward = Inward(config, journal, clock, self.trust, self.outbox, self.recorder, losses, log)
        self.delivery = delivery(
            machine.uplinks, journal, clock, self.outbox, self.outward, self.inward, self.random16, log
        )
        self.parts = Parts(self.recorder, clock, log)
        self.listener: "Listener | None" = None
        if machine.scanner is not None:
            self.listener = Listener(machine.scanner, self.devices, self.intake, clock)
        self.pairing = self.pairing_with(driver_of)
        self.ringing = Ringing(self.recorder, self.devices)
        self.supervise = self.supervise_with(losses)
        self.recorder.appended = [self.delivery.poke, self.supervise.wake.call]
        self.changed = asyncio.Event()

    def outward_of(self, software: str) -> Outward:
        """Who makes what the gateway signs."""
        config, of, is_full = self.config, self.machine, lambda: self.recorder.full
        journal, clock, keystore, network = of.journal, of.clock, of.keystore, of.network
        own = self.trust, self.devices, self.boot, software, is_full
        return Outward(config, journal, clock, keystore, network, *own)

    def pairing_with(self, driver_of: "Callable[[str], type[Driver]]") -> Pairing:
        """Who pairs, when a person opens the time for it."""
        return Pairing(
            self.devices,
            self.machine.central,
            self.recorder,
            driver_of,
            self.log,
            self.listen_to_pair,
            self.manifest_changed,
        )

    def supervise_with(self, losses: Losses) -> Supervise:
        """The loop that looks at everything else."""
        machine = self.machine
        supervise = Supervise(
            self.config,
            machine.clock,
            self.recorder,
            self.supervision,
            self.delivery,
            self.outward,
            self.inward,
            self.trust,
            losses,
            machine.indicator,
            machine.watchdog,
            self.parts.alive,
            self.log,
        )
        supervise.pairs = self.pairing.is_open
        return supervise

    def random16(self) -> int:
        """0 to 65535, for jitter."""
        return int.from_bytes(self.machine.crypto.random(2), "big")

    async def start(self) -> None:
        """Take up what the last run left, say that the hub started, and start every part."""
        utc_ms = self.machine.clock.utc_ms()
        at_night = utc_ms is not None and self.supervise.quiet.holds(utc_ms)
        self.machine.indicator.show("quiet" if at_night else "starting")
        if self.taken:
            await self.recorder.keep(self.taken)  # type: ignore[arg-type]  # the dict itself: see Known
        self.inward.restore()
        self.outward.restore()  # what was taken up has datings, too
        values: "dict[str, object]" = {"software": self.outward.software}
        values.update(self.started)
        await self.recorder.note("hub.started", values=values)
        await self.leave_behind()
        await self.tell_configuration()
        await self.revise()
        self.watch()
        self.parts.start("store", self.recorder.run)
        self.parts.start("uplink", self.delivery.run)
        self.parts.start("manifest", self.keep_manifest)
        self.start_inputs()
        self.parts.start("supervise", self.supervise.run)
        self.parts.start("recovery", Recovery(self.recorder, self.log).run, once=True)

    def in_use(self) -> InUse:
        """What follows the states of this home."""
        placements = {device.config.name: device.placement for device in self.devices}
        nights = [placements[rule.device] for rule in self.config.rules if rule.type == "night_window"]
        rules = rule_keys(self.config, placements)
        return InUse(list(placements.values()), nights, bool(self.by_radio()), rules)

    def by_radio(self) -> "list[Device]":
        """Devices that the radio is needed for."""
        if self.machine.scanner is None:
            return []
        return [device for device in self.devices if device.driver.transport != "serial"]

    async def leave_behind(self) -> None:
        """Put devices into use and out of it; an open state that nobody follows any more is said, with its incident."""
        events = []
        for state in self.unwatched:
            event = self.recorder.own(state.kind, state.placement, state.values)
            event.incident = state.incident
            events.append(event)
        if events or self.placed:
            await self.recorder.offer(self.recorder.made(events, self.placed))

    async def tell_configuration(self) -> None:
        """A configuration with a fault is a condition that ends when a good one is used."""
        values: "dict[str, object]" = {"reason": nameless(self.fault)}
        await self.recorder.condition(
            "configuration.fault", "configuration.accepted", bool(self.fault), values
        )

    async def revise(self) -> None:
        """Keep and publish the manifest where it has changed, and what it is made from."""
        changes = self.outward.revise()
        for device in self.devices:
            key = device_key(device.placement, device.KEPT)
            if device.kept() != (self.machine.journal.state(key) or device.NOTHING_KEPT):
                changes[key] = device.kept()
        if changes:
            await self.recorder.keep(changes)
            self.delivery.tell_manifest()

    async def keep_manifest(self) -> None:
        """The part that follows what devices say of themselves, and their bonds."""
        while True:
            await self.changed.wait()
            self.changed.clear()
            await self.revise()

    def watch(self) -> None:
        """Begin to listen for silence."""
        now_ms = self.machine.clock.uptime_ms()
        for device in self.devices:
            placement = device.placement
            is_open = self.recorder.engine.incidents.is_open
            silent, weak = is_open(placement, SILENT), is_open(placement, WEAK)
            kept = self.machine.journal.state(device_key(placement, device.RHYTHM))
            safety = device.driver.safety
            self.supervision.watch(placement, device.interval_ms, now_ms, silent, safety, kept, weak)

    def start_inputs(self) -> None:
        """One loop that listens, one for each device that is visited or on a line."""
        machine, clock = self.machine, self.machine.clock
        by_radio, listener = self.by_radio(), self.listener
        if listener is not None:
            listener.pairing = self.pairing.heard
            self.parts.start("pairing", self.pairing.run)
        if listener is not None and by_radio:
            self.parts.start("radio", listener.run)
            for device in by_radio:
                near = listener.connectable.get(device.config.address)
                if near is not None and machine.central is not None:
                    visitor = Visitor(
                        device,
                        machine.central,
                        near,
                        self.intake,
                        clock,
                        self.random16,
                        self.manifest_changed,
                    )
                    self.pairing.visitors[device.placement] = visitor
                    self.parts.start("visit " + str(device.placement), visitor.run)
        if machine.ports is not None:
            for device in self.devices:
                if device.driver.transport == "serial":
                    line = Line(device, machine.ports, self.intake, clock, self.random16)
                    self.parts.start("line " + str(device.placement), line.run)

    async def listen_to_pair(self, active: bool) -> None:
        """Hear who advertises, also in a home that has needed no radio until now; with `active` ask for names."""
        if self.listener is not None:
            if "radio" not in self.parts.tasks:
                self.parts.start("radio", self.listener.run)
            await self.listener.look(active)

    def manifest_changed(self) -> None:
        """A bond or a description has changed."""
        self.changed.set()

    async def until(
        self, stop: asyncio.Event, anew: "Callable[[], Awaitable[Journal]] | None" = None
    ) -> bool:
        """Keep running until `stop` is set, then stop; False where a part gave up and only a fresh process helps.

        `anew` opens the journal again, for what the broken one did not take: a damaged store is set aside by that.
        """
        given_up = asyncio.create_task(self.until_given_up(stop))
        await stop.wait()
        await cancel(given_up)
        ended_well = not self.parts.given_up.is_set()
        await self.stop(ended_well, None if ended_well else anew)
        return ended_well

    async def until_given_up(self, stop: asyncio.Event) -> None:
        """A part that only a fresh process can help stops the hub."""
        await self.parts.given_up.wait()
        stop.set()

    async def stop(self, told: bool = True, anew: "Callable[[], Awaitable[Journal]] | None" = None) -> None:
        """Say that it stops as told, give the uplink a moment, end the parts, close the journal."""
        try:
            if told:
                await self.supervise.keep_rhythms()
                await self.recorder.note("hub.stopped")
                await self.recorder.settle()
            await self.flush()
        except PartFailedError as error:
            self.log("error", "The stop could not be journalled.", cause=str(error))
        await self.parts.stop()
        await self.delivery.ended()
        await self.machine.journal.close()
        if anew is not None and self.recorder.waiting.all():
            await self.hand_on(anew)
        self.recorder.tell_unstored()
        self.machine.indicator.show("stopped")

    async def hand_on(self, anew: "Callable[[], Awaitable[Journal]]") -> None:
        """What the journal took no more, most of all an alarm, goes into the one that the next start will find."""
        try:
            journal = await anew()
            try:
                await self.recorder.hand_on(journal)
            finally:
                await journal.close()
        except Exception as error:  # noqa: BLE001  whatever it is, what is not stored is named after this
            self.log("error", "The journal took nothing when it was opened again, either.", cause=str(error))

    async def flush(self) -> None:
        """Let what is under way be receipted, for at most two seconds; the journal keeps the rest."""
        end_ms = self.machine.clock.uptime_ms() + FLUSH_MS
        while self.delivery.uplink.connected and self.machine.clock.uptime_ms() < end_ms:
            marks = self.delivery.marks()
            if all([mark.first > mark.last for mark in marks]):
                return
            await self.machine.clock.sleep_ms(50)


def engine_of(
    config: "Config",
    devices: "list[Device]",
    machine: Machine,
    stored: "dict[str, bytes]",
    supervision: Supervision,
) -> Engine:
    """The rules of a configuration, with what they remember and what they may ask."""
    placements = {device.config.name: device.placement for device in devices}
    by_placement = {device.placement: device for device in devices}
    radio = [device.placement for device in devices if device.driver.transport != "serial"]
    senses = Senses(supervision, lambda placement: by_placement[placement].heard_ms, radio)
    rules = build_rules(config, placements, stored, senses)
    engine = Engine(rules, build_recordings(config, placements), machine.crypto.random, stored)
    senses.incidents = engine.incidents
    return engine


def nameless(fault: str) -> str:
    """Where a configuration is wrong, without what it says there: names that people gave stay in the home (N7)."""
    where, told = "", True
    for letter in fault.partition(": found ")[0]:
        told = told and letter != "["
        where += letter if told else ""
        if letter == "]":
            told, where = True, where + "[]"
    return where
