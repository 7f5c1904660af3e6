"""The hub: everything portable, put together over an injected machine."""

import asyncio

from gateway.core import alarms, commanding, config_trial
from gateway.core.checks import Checks
from gateway.core.outbox import Outbox
from gateway.core.rules.build import build_recordings, build_rules, rule_keys
from gateway.core.rules.engine import Engine
from gateway.core.rules.leaving import InUse, left_behind
from gateway.core.rules.senses import Senses
from gateway.core.supervision import Supervision
from gateway.core.trust import Trust
from gateway.hub.air import Listener, Visitor
from gateway.hub.commands import Commands
from gateway.hub.configured import Configured, nameless
from gateway.hub.devices import place
from gateway.hub.dispositions import Dispositions
from gateway.hub.ending import end
from gateway.hub.held import in_hand, read_held
from gateway.hub.intake import Intake
from gateway.hub.inward import Inward
from gateway.hub.lines import lines_of
from gateway.hub.losses import Losses
from gateway.hub.machine import Machine
from gateway.hub.outward import Outward
from gateway.hub.pairing import Pairing
from gateway.hub.parts import Parts
from gateway.hub.recorder import Recorder, device_key
from gateway.hub.recovery import Recovery
from gateway.hub.resets import Resets
from gateway.hub.ringing import Ringing
from gateway.hub.supervise import Supervise
from gateway.hub.taking import Known, fit, take_up
from gateway.hub.teaching import Admission, Teaching
from gateway.hub.telegrams import line_of
from gateway.hub.uplink import Delivery

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.core.config import Config
    from gateway.core.devices.driver import Driver
    from gateway.hub.configured import Applier
    from gateway.hub.devices import Device
    from gateway.hub.held import InHand
    from gateway.hub.recorder import Log, State
    from hal.interfaces import Journal

__all__ = ("App", "Machine")

SILENT, WEAK = "device.silent", "link.weak"


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
        applier: "Applier | None" = None,
    ) -> None:
        """`started` are values for `hub.started`; `fault` is why the last good configuration is used, if it is.

        `applier` keeps the configuration from afar; without one none is taken.
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
        stored = self.stored_of(known)
        self.supervision = Supervision()
        engine = engine_of(config, self.devices, machine, stored, self.supervision)
        self.recorder = Recorder(journal, clock, crypto, engine, self.boot, log)
        self.intake = Intake(self.recorder, self.supervision, log, self.manifest_changed)
        self.trust = Trust(config.hub.tenant, roots)
        self.outbox = Outbox(self.random16, machine.most_bundle_bytes)
        self.outward = self.outward_of(software)
        losses = Losses(self.recorder)
        self.inward = self.inward_of(losses)
        self.delivery = delivery(
            machine.uplinks, journal, clock, self.outbox, self.outward, self.inward, self.random16, log
        )
        self.parts = Parts(self.recorder, clock, log, machine.reserve_bytes)
        self.listener: "Listener | None" = None
        if machine.scanner is not None:
            self.listener = Listener(machine.scanner, self.devices, self.intake, clock)
        url, ports = config.enocean.port, machine.ports
        self.telegrams = line_of(url, self.devices, ports, self.intake, clock, self.random16)
        self.pairing = self.pairing_with(driver_of)
        self.admission = Admission(self.pairing, Teaching(self.telegrams, self.devices, self.recorder))
        self.dispositions = Dispositions(self.recorder, log, known.state(alarms.STATE))
        self.commands = Commands(self, known.state(commanding.STATE))
        self.configured = self.configured_by(applier, known.state(config_trial.STATE))
        self.ringing = Ringing(self.recorder, self.devices, self.dispositions.alarms)
        self.resets = Resets(self.devices, self.recorder, log)
        self.supervise = self.supervise_with(losses)
        self.recorder.appended = [self.delivery.poke, self.supervise.wake.call]
        self.changed = asyncio.Event()
        self.last_words: "Callable[[], State]" = dict  # state that goes with the word of a stop as told
        self.has_left = False  # it was said that the gateway leaves the home: nothing is said after that

    def stored_of(self, known: Known) -> "dict[str, bytes]":
        """What is kept for what is in use; the rest goes with the placements, and what it left open is told as unwatched."""
        stored = {key: known.state(key) or b"" for key in known.state_keys("")}
        self.unwatched, gone = left_behind(stored, self.in_use())
        for key in gone:
            del stored[key]
            self.placed[key] = None
        return stored

    def outward_of(self, software: str) -> Outward:
        """Who makes what the gateway signs."""
        config, of, is_full = self.config, self.machine, lambda: self.recorder.full
        journal, clock, keystore, network = of.journal, of.clock, of.keystore, of.network
        own = self.trust, self.devices, self.boot, software, is_full
        return Outward(config, journal, clock, keystore, network, *own)

    def inward_of(self, losses: Losses) -> Inward:
        """Who acts on what the platform says."""
        of, verify = self.machine, self.machine.crypto.ed25519_verify
        own = self.outbox, self.recorder, losses, self.log
        inward = Inward(self.config, of.journal, of.clock, self.trust, verify, *own)
        if of.check_gap_ms:
            inward.checks = Checks(of.check_gap_ms, self.random16)
        return inward

    def configured_by(self, applier: "Applier | None", stored: "bytes | None") -> "Configured | None":
        """Who acts on what is said from afar beside receipts; a configuration only where somebody keeps it."""
        takers = self.inward.takers
        takers["disposition"], takers["command"] = self.dispositions, self.commands
        if applier is None:
            return None
        made = Configured(self.recorder, applier, lambda: self.inward.receipts > 0, self.log, stored)
        takers["config"], self.outward.afar = made, made.shown
        return made

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
        supervise.pairs = self.admission.is_open
        supervise.leaves = lambda: self.has_left
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
        await self.inward.restore()
        self.outward.restore()  # what was taken up has datings, too
        values: "dict[str, object]" = {"software": self.outward.software}
        values.update(self.started)
        await self.recorder.note("hub.started", values=values)
        await self.leave_behind()
        await self.tell_configuration()
        if self.configured is not None:
            await self.configured.started()
            self.parts.start("configuration", self.configured.run, once=True)
        await self.revise()
        self.watch()
        await read_held(self.devices, self.intake)
        self.parts.start("store", self.recorder.run)
        self.parts.start("uplink", self.delivery.run, sends=True)
        if self.inward.checks is not None:
            self.inward.settled = self.delivery.settled
            self.parts.start("checks", self.inward.run)
        self.parts.start("manifest", self.keep_manifest)
        self.parts.start("alarms", self.dispositions.run)
        self.start_inputs()
        self.parts.start("supervise", self.supervise.run)
        self.parts.start("recovery", Recovery(self.recorder, self.log).run, once=True)

    def in_use(self) -> InUse:
        """What follows the states of this home."""
        placements = {device.config.name: device.placement for device in self.devices}
        nights = [placements[rule.device] for rule in self.config.rules if rule.type == "night_window"]
        rules = rule_keys(self.config, placements)
        hears = self.config.enocean.port is not None
        return InUse(list(placements.values()), nights, bool(self.by_radio()), rules, hears)

    def by_radio(self) -> "list[Device]":
        """Devices that the radio is needed for."""
        if self.machine.scanner is None:
            return []
        return [device for device in self.devices if device.config.address is not None]

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
        for line in lines_of(self.devices, machine.ports, self.intake, clock, self.random16):
            self.parts.start("line " + str(line.placement), line.run)
        if self.telegrams is not None:
            self.parts.start("telegrams", self.telegrams.run)
            self.parts.start("teaching", self.admission.teaching.run)

    def in_hand(self) -> "list[InHand]":
        """What a reader took in and did not come to the end of."""
        return in_hand(self.listener, self.telegrams)

    async def listen_to_pair(self, offering: str) -> None:
        """Hear who advertises, also in a home that has needed no radio until now; with `offering` strangers with that service."""
        if self.listener is not None:
            if "radio" not in self.parts.tasks:
                self.parts.start("radio", self.listener.run)
            await self.listener.look(offering)

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
        given_up.cancel()  # it ends by itself: waiting for that would take memory, which may be what is missing
        ended_well = not self.parts.given_up.is_set()
        await self.stop(ended_well, anew)
        return ended_well

    async def until_given_up(self, stop: asyncio.Event) -> None:
        """A part that only a fresh process can help stops the hub."""
        await self.parts.given_up.wait()
        stop.set()

    async def stop(self, told: bool = True, anew: "Callable[[], Awaitable[Journal]] | None" = None) -> None:
        """Say that it stops as told, give the uplink a moment, end the parts, close the journal; see `gateway.hub.ending`."""
        await end(self, told, anew)


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
    radio = [device.placement for device in devices if device.config.address is not None]
    senses = Senses(supervision, lambda placement: by_placement[placement].heard_ms, radio)
    senses.telegrams = [device.placement for device in devices if device.config.sender is not None]
    rules = build_rules(config, placements, stored, senses)
    engine = Engine(rules, build_recordings(config, placements), machine.crypto.random, stored)
    senses.incidents = engine.incidents
    return engine
