"""Commands from afar: each is checked, counted, carried out once and answered by an event."""

from gateway.core.checks import COMMAND
from gateway.core.commanding import EXPORT, IDENTIFY, PAIR, STATE, STATUS, Counters, check_verb
from gateway.core.errors import ConfigError, RefusedError
from gateway.hub.status import is_silent
from hal.errors import HalError
from hal.types import LANES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.model import Event
    from gateway.core.wire import Parsed
    from gateway.hub.app import App
    from gateway.hub.devices import Device

    Arguments = dict[str, object]
    Values = dict[str, object]

RADIO_LOST = "adapter.lost"
DEAF = "the Bluetooth radio does not listen: see to it at the gateway, and send the command again"
IDENTIFY_MS = 60_000  # the lamp shows for so long which gateway it is


class Commands:
    """Takes commands for `app`."""

    group = COMMAND

    def __init__(self, app: "App", stored: "bytes | None" = None) -> None:
        """`stored` is what was kept of the last run."""
        self.app = app
        self.recorder = app.recorder
        self.counters = Counters(stored)
        self.reports: "list[Event]" = []  # that go with the answer
        self.verbs: "dict[str, Callable[[Arguments], Values]]" = {
            STATUS: self.status,
            IDENTIFY: self.identify,
            PAIR: self.pair,
            EXPORT: self.export,
        }

    def examine(self, parsed: "Parsed") -> bool:
        """Whether it counts. Raises RefusedError."""
        fields = parsed.fields
        utc_ms = self.app.machine.clock.utc_ms()
        self.counters.examine(parsed.sign1.kid, fields["counter"], fields["not_after"], utc_ms)  # type: ignore[arg-type]
        return True

    async def act(self, parsed: "Parsed") -> None:
        """Carry it out and answer, or say why not. Its counter is kept first: it counts once, whatever comes of it."""
        fields = parsed.fields
        verb: str = fields["verb"]  # type: ignore[assignment]
        arguments: "Arguments" = fields.get("arguments", {})  # type: ignore[assignment]
        self.counters.use(parsed.sign1.kid, fields["counter"], list(self.app.trust.keys))  # type: ignore[arg-type]
        is_counted = await self.recorder.keep({STATE: self.counters.encode()})
        answer: "Values" = {"verb": verb, "command_id": fields["id"]}
        try:
            check_verb(verb, self.app.machine.clock.utc_ms(), is_counted)
            answer.update(self.verbs[verb](arguments))
            self.app.log("info", "A command from afar was carried out.", verb=verb)
            kind = "command.answered"
        except (ConfigError, RefusedError, HalError) as error:
            answer["reason"] = (
                error.key + " names nothing here" if isinstance(error, ConfigError) else str(error)
            )
            self.app.log("warning", "A command from afar was refused.", verb=verb, cause=str(error))
            kind = "command.refused"
        reports, self.reports = self.reports, []
        await self.recorder.offer(self.recorder.made([self.recorder.own(kind, 0, answer)] + reports))

    def status(self, arguments: "Arguments") -> "Values":
        """How the gateway is, in numbers and words of ours."""
        check_arguments(arguments)
        app = self.app
        marks = [app.machine.journal.mark(lane) for lane in LANES]
        faults = app.supervise.faults()
        if app.fault:
            faults = faults + ["configuration.fault"]
        return {
            "state": app.supervise.lamp(),
            "faults": " ".join(faults) or "none",
            "software": app.outward.software,
            "uptime_ms": app.machine.clock.uptime_ms(),
            "keyset_version": app.trust.version,
            "revision": app.outward.afar()[0],
            "local_changes": app.outward.afar()[1],
            "held_count": sum([mark.last - mark.first + 1 for mark in marks]),
            "device_count": len(app.devices),
            "silent_count": len([device for device in app.devices if is_silent(app, device)]),
        }

    def identify(self, arguments: "Arguments") -> "Values":
        """Let the lamp show which gateway it is; in the hours of quiet it stays dark, and the answer says so."""
        check_arguments(arguments)
        supervise = self.app.supervise
        now_ms = supervise.clock.uptime_ms()
        supervise.identify_until_ms = now_ms + IDENTIFY_MS
        supervise.look_now()
        return {"state": supervise.shown(now_ms)}

    def pair(self, arguments: "Arguments") -> "Values":
        """Open the time for pairing for one device, by its name or its placement."""
        check_arguments(arguments, "device", "placement")
        placement, name = arguments.get("placement"), arguments.get("device")
        for device in self.app.devices:
            if name == device.config.name or (name is None and placement == device.placement):
                if device.driver.transport == "ble-gatt" and RADIO_LOST in self.app.supervise.faults():
                    raise RefusedError(DEAF)  # whoever is sent to the device would wait for nothing
                self.app.admission.open(device.config.name)
                return {"device_count": 1}
        raise RefusedError("no such device: name one of the configuration, or its placement")

    def export(self, arguments: "Arguments") -> "Values":
        """One event for each device, how it is; the answer says how many."""
        check_arguments(arguments)
        self.reports = [self.report(device) for device in self.app.devices]
        return {"device_count": len(self.reports)}

    def report(self, device: "Device") -> "Event":
        """How one device is."""
        app, now_ms = self.app, self.app.machine.clock.uptime_ms()
        link = app.supervision.links.get(device.placement)
        values: "Values" = {
            "state": "silent"
            if is_silent(app, device)
            else "heard"
            if device.heard_ms is not None
            else "unheard",
            "driver": device.config.driver,
            "frame_count": device.frames,
            "refused_count": sum(device.refused.values()),
        }
        if device.heard_ms is not None:
            values["heard_ago_ms"] = now_ms - device.heard_ms
        if device.interval_ms:
            values["interval_ms"] = device.interval_ms
        if link is not None and link.rssi_dbm is not None:
            values["rssi_dbm"] = link.rssi_dbm
        if device.bond is not None:
            values["bond"] = device.shown_bond
        return self.recorder.own("device.reported", device.placement, values)


def check_arguments(arguments: "Arguments", *names: str) -> None:
    """Raises RefusedError for an argument that the command does not take."""
    for name in sorted(arguments):
        if name not in names:
            raise RefusedError("the command takes no argument " + name)
