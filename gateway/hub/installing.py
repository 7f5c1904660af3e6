"""An installation: one checklist from the first cable to the signed record, over what the hub knows (docs/adr/0037-installation.md).

The hub holds the truth: steps come from its own state (`installing_steps`), what a person did stands in the journal beside the
events (`installing_memory`), so a power cut at any moment takes nothing back and leaves nothing half-done. Whoever asks (the
command line, the page) sends verbs over the control socket and holds no truth of its own.

One technician holds the installation at a time, by a token that only they know; another takes it over by saying so. Until the
installation is finished all that it added can be taken back.
"""

import hashlib

from gateway.core.errors import ConfigError, RefusedError
from gateway.hub.installing_centre import Centre
from gateway.hub.installing_finish import Finish
from gateway.hub.installing_memory import ADDED, BEGUN, FOUND, HOLDER, TEST, WALK, Memory, row
from gateway.hub.installing_plug import Plug
from gateway.hub.installing_steps import DONE, measured, steps
from gateway.hub.installing_trying import Trying
from gateway.hub.installing_walk import Walk
from gateway.hub.nearby import LOOK_MS, Nearby
from gateway.hub.waking import Wake
from hal.errors import HalError
from hal.types import BOND_NONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from gateway.core.devices.driver import Reading
    from gateway.hub.app import App
    from gateway.hub.devices import Device
    from gateway.hub.recorder import State

    class Home(Protocol):
        """The home's own layer of the configuration."""

        async def add(self, device: "dict[str, Any]", secret: str) -> None:
            """Write a device into it and use it, or neither. Raises ConfigError, RefusedError."""
            ...

        async def remove(self, names: "list[str]") -> None:
            """Take devices out of it and of use; names that it does not have are none. Raises RefusedError."""
            ...

    class Window(Protocol):
        """The time in which a person may install."""

        def is_open(self) -> bool:
            """Whether it runs."""
            ...

        def facts(self) -> "dict[str, object]":
            """`is_open`, `left_s`, `opened_by`."""
            ...

        async def close(self) -> None:
            """End it, and with it its code."""
            ...


LOOK_EVERY_MS = 1_000  # while it is open
NAME_LIMIT = 64


class Installing:
    """What a technician does with one hub. `close` stops nothing: the part `run` goes with the hub's others."""

    def __init__(
        self,
        app: "App",
        window: "Window",
        home: "Home",
        *,
        power: str = "",
        ports: "Callable[[], list[tuple[str, str]]]" = list,
    ) -> None:
        """`power` tells one boot of the machine from another; `ports` lists serial ports as (name, label)."""
        self.app = app
        self.window = window
        self.home = home
        self.recorder, self.clock, self.network = app.recorder, app.machine.clock, app.machine.network
        self.delivery, self.inward, self.trust = app.delivery, app.inward, app.trust
        self.memory = Memory(app.machine.journal)
        self.plug = Plug(self.recorder, self.memory, power)
        self.centre = self.centre_with()
        self.finish_ = Finish(self)
        self.nearby = Nearby(app.devices, ports)
        self.trying = Trying(self.recorder, app.ringing, app.devices)
        self.walk: "Walk | None" = None
        self.busy = ""  # the change that is under way: one at a time
        self.wake = Wake(self.clock)
        app.intake.hearers.append(self.heard)
        app.intake.receivers.append(self.received)
        app.last_words = self.plug.last_words
        app.dispositions.told += [self.centre.hear, self.woken]
        self.centre.remind(app.dispositions.alarms)
        if app.listener is not None:
            app.listener.hearers.append(self.nearby.advertised)
        if app.telegrams is not None:
            app.telegrams.hearers.append(self.nearby.telegram)

    def centre_with(self) -> Centre:
        """Who rings the response centre; a variant of it is the negative control."""
        return Centre(self.recorder, self.memory, self.word_of)

    def word_of(self, identity: bytes) -> "tuple[str, str, int]":
        """The platform's newest signed word on an alarm, its note and its time; nothing before there is one."""
        alarm = self.app.dispositions.alarms.find(identity)
        return ("", "", 0) if alarm is None else (alarm.word, alarm.note, alarm.became_utc_ms)

    @property
    def devices(self) -> "list[Device]":
        """Devices in use."""
        return self.app.devices

    # --- what the hub tells -------------------------------------------------------------------------------------

    def heard(self, device: "Device", reading: "Reading", now_ms: int) -> None:
        """A device has said something."""
        if self.window.is_open():
            self.trying.heard(device, reading, now_ms)
            self.wake.call()

    def received(self, device: "Device", rssi_dbm: int) -> None:
        """A reception of a device of the home."""
        if self.walk is not None:
            self.walk.hear(device, rssi_dbm)

    def woken(self, _of: object) -> None:
        """Something has come that the next look should see at once."""
        self.wake.call()

    async def run(self) -> None:
        """The part that follows what was begun; it sleeps long while nobody installs."""
        while True:
            await self.look()
            await self.wake.wait(self.clock.uptime_ms() + (LOOK_EVERY_MS if self.is_followed() else 60_000))

    def is_followed(self) -> bool:
        """Whether anything may change."""
        return self.window.is_open() or self.plug.state() == "waiting" or not self.centre.is_settled()

    async def look(self) -> None:
        """Keep what has come about."""
        await self.plug.look()
        await self.centre.look()
        if self.window.is_open():
            for device in self.devices:
                if device.heard_ms is not None and self.memory.get(FOUND, str(device.placement)) is None:
                    await self.recorder.keep({FOUND + str(device.placement): row(self.clock.utc_ms() or 0)})
            await self.trying.look()
        if self.app.listener is not None:
            await self.app.listener.listen_around(self.nearby.is_looking(self.clock.uptime_ms()))

    # --- what is asked -------------------------------------------------------------------------------------------

    def facts(self) -> "dict[str, object]":
        """Everything, for the page and the command line."""
        kept = self.memory.get(HOLDER)
        rows = steps(self)
        missing = [each["id"] for each in rows if each["state"] != DONE]
        departed = self.memory.record() is not None and not self.memory.all_keys()
        return {
            "window": self.window.facts(),
            "holder": "" if kept is None else kept[0],
            "holder_utc_ms": 0 if kept is None else kept[2],
            "steps": rows,
            "devices": [self.device_facts(device) for device in self.devices],
            "centre": self.centre.facts(),
            "missing": missing,
            "can_finish": not missing,
            "departed": departed,
            "record": self.finish_.summary(),
            "language": self.app.config.hub.language,
        }

    def device_facts(self, device: "Device") -> "dict[str, object]":
        """One device: where it is, how it is heard, what it said last."""
        seen, link = self.trying.seen.get(device.placement), self.app.supervision.links.get(device.placement)
        heard_ms = device.heard_ms
        return {
            "name": device.config.name,
            "room": device.config.room or "",
            "driver": device.config.driver,
            "label": device.config.address or device.config.port or device.config.sender or "",
            "bond": device.shown_bond,
            "rssi_dbm": None if link is None else link.rssi_dbm,
            "heard_ms_ago": None if heard_ms is None else self.clock.uptime_ms() - heard_ms,
            "kind": "" if seen is None else seen.kind,
            "values": {} if seen is None else dict(seen.values),
            "needs_pairing": device.least > BOND_NONE and not device.is_paired,
            "is_added": device.config.name in self.memory.added(),
        }

    def values(self, name: str = "", token: str = "") -> "dict[str, object]":
        """The last values of a device, each with its uptime in ms. Raises ConfigError."""
        seen = self.trying.seen.get(self.named(name).placement)
        return {"name": name, "series": {} if seen is None else seen.series}

    def record(self) -> "dict[str, object]":
        """The record of the installation. Raises RefusedError where none was finished."""
        return self.finish_.facts()

    def named(self, name: str) -> "Device":
        """The device of that name. Raises ConfigError."""
        for device in self.devices:
            if device.config.name == name:
                return device
        names = ", ".join([each.config.name for each in self.devices])
        raise ConfigError("name", repr(name), "one of " + names if names else "a device: add one first")

    # --- who installs --------------------------------------------------------------------------------------------

    async def take(self, holder: str = "", token: str = "", force: bool = False) -> "dict[str, object]":
        """Hold the installation. Raises RefusedError where somebody else does, unless told to take it over."""
        if not self.window.is_open():
            raise RefusedError("nobody may install now: open the time for it first")
        if not holder.strip() or len(holder) > NAME_LIMIT:
            raise ConfigError("holder", repr(holder[:NAME_LIMIT]), "who installs: 1 to 64 characters")
        if not token:
            raise ConfigError("token", "nothing", "a token of the session")
        kept = self.memory.get(HOLDER)
        if kept is not None and kept[1] != hash_of(token) and not force:
            raise RefusedError("the installation is held by " + kept[0] + ": take it over only if they agree")
        now_ms = self.clock.utc_ms() or 0
        if kept is None or kept[:2] != [holder, hash_of(token)]:
            await self.recorder.keep({HOLDER: row(holder, hash_of(token), now_ms)})
        if self.memory.get(BEGUN) is None:
            await self.recorder.keep({BEGUN: row(now_ms)})
        self.wake.call()
        return self.facts()

    def check(self, token: str) -> None:
        """Whoever changes something holds the installation. Raises RefusedError."""
        kept = self.memory.get(HOLDER)
        if not self.window.is_open():
            raise RefusedError("nobody may install now: open the time for it first")
        if kept is None:
            raise RefusedError("nobody holds the installation: take it first")
        if kept[1] != hash_of(token):
            raise RefusedError("the installation is held by " + kept[0] + ": take it over only if they agree")
        if self.busy:
            raise RefusedError("another change is under way: wait for its end")

    # --- what a person does --------------------------------------------------------------------------------------

    async def look_around(self, token: str = "") -> "list[dict[str, object]]":
        """Who is near; strangers are heard from the first question on. Raises RefusedError."""
        self.check(token)
        now_ms = self.clock.uptime_ms()
        self.nearby.until_ms = now_ms + LOOK_MS
        if self.app.listener is not None:
            await self.app.listen_to_pair(self.app.listener.offering)
            await self.app.listener.listen_around(True)
        return self.nearby.rows(now_ms)

    async def add(self, device: "dict[str, Any]", secret: str = "", token: str = "") -> "dict[str, object]":
        """Put a device into use: `device` as in the configuration, `secret` its key in hex. Raises ConfigError, RefusedError."""
        self.check(token)
        name = str(device.get("name", ""))
        if name in [each.config.name for each in self.devices]:
            raise RefusedError("there is a device of this name already: give this one another name")
        if not str(device.get("room") or "").strip():
            raise ConfigError("room", "nothing", "the room in which the device is")
        self.busy = name
        try:
            kept = self.memory.added()
            if name not in kept:  # first the intent: whoever is cut off in between can still undo it
                await self.recorder.keep({ADDED: row(*(kept + [name]))})
            try:
                await self.home.add(device, secret)
            except (ConfigError, RefusedError, HalError):
                await self.recorder.keep({ADDED: row(*kept)})
                raise
        finally:
            self.busy = ""
        self.wake.call()
        return self.facts()

    async def remove(self, name: str = "", token: str = "") -> "dict[str, object]":
        """Take a device out of use that this installation has added. Raises ConfigError, RefusedError."""
        self.check(token)
        self.named(name)
        if name not in self.memory.added():
            raise RefusedError(
                "this installation has not added the device: change the configuration to remove it"
            )
        await self.take_back([name])
        return self.facts()

    async def take_back(self, names: "list[str]") -> None:
        """Take devices out of use, with their bonds; done again it does the same."""
        self.busy = "undo"
        try:
            gone: "State" = {}
            for device in [each for each in self.devices if each.config.name in names]:
                for key in (FOUND, TEST):
                    gone[key + str(device.placement)] = None
                await self.forget(device)
            await self.home.remove(names)
            gone[ADDED] = row(*[each for each in self.memory.added() if each not in names])
            await self.recorder.keep(gone)
        finally:
            self.busy = ""

    async def forget(self, device: "Device") -> None:
        """Delete the bond with a device, if there is one."""
        if device.config.address is None or self.app.machine.central is None:
            return
        try:
            await self.app.pairing.forget(device.config.name)
        except (RefusedError, HalError):  # there is none, or the radio is gone with its bonds
            pass

    async def pair(self, name: str = "", code: str = "", token: str = "") -> "dict[str, object]":
        """Open the time for pairing; `pair_state` follows it. Raises ConfigError, RefusedError."""
        self.check(token)
        return self.app.admission.open(self.named(name).config.name, "", code)

    async def test(
        self, name: str = "", kind: str = "", token: str = "", together: bool = False
    ) -> "dict[str, object]":
        """A person tries a device by hand: its alarm is an exercise for two minutes; without one its next reading counts.

        together: detectors that are coupled with it and sound with it count as tried; what they say is real.

        Raises:
            ConfigError: no such device.
            RefusedError: not now, or it has several alarms and nobody says which, or nobody knows whether it has one.
        """
        self.check(token)
        await self.trying.begin(self.named(name), kind, together)
        self.wake.call()
        return self.facts()

    async def walk_room(self, room: str = "", device: str = "", token: str = "") -> "dict[str, object]":
        """Listen for some seconds from a room, then say how well. Raises ConfigError, RefusedError."""
        self.check(token)
        if not room.strip() or len(room) > NAME_LIMIT:
            raise ConfigError("room", repr(room[:NAME_LIMIT]), "a room: 1 to 64 characters")
        if device:
            self.named(device)
        if self.walk is not None:
            raise RefusedError("a room is being measured already: wait some seconds")
        self.walk = Walk(room, device, self.clock.uptime_ms())
        try:
            while not self.walk.is_over(self.clock.uptime_ms()):
                await self.clock.sleep_ms(LOOK_EVERY_MS)
            name, middle, lowest, verdict = self.walk.result()
        finally:
            self.walk = None
        await self.recorder.keep({WALK + room: row(middle, lowest, verdict, self.clock.utc_ms() or 0, name)})
        return next(each for each in measured(self) if each["room"] == room)

    async def pull(self, token: str = "") -> "dict[str, object]":
        """Begin the test of the plug. Raises RefusedError."""
        self.check(token)
        await self.plug.begin()
        return self.facts()

    async def ring(self, token: str = "") -> "dict[str, object]":
        """Ring the response centre. Raises RefusedError."""
        self.check(token)
        await self.centre.ring()
        self.wake.call()
        return self.facts()

    async def undo(self, token: str = "") -> "dict[str, object]":
        """Take back all that this installation has added and learned. Raises RefusedError."""
        self.check(token)
        await self.take_back(self.memory.added())
        gone: "State" = {key: None for key in self.memory.all_keys() if key != HOLDER}
        await self.recorder.keep(gone)
        self.trying.placement = 0
        return self.facts()

    async def finish(self, technician: str = "", token: str = "") -> "dict[str, object]":
        """Sign the record and end the installation. Raises ConfigError, RefusedError."""
        self.check(token)
        self.busy = "finish"
        try:
            await self.finish_.finish(technician)
        finally:
            self.busy = ""
        await self.window.close()
        return self.facts()

    async def close(self) -> "dict[str, object]":
        """End the time for it; what was done stays, and it goes on when it is opened again."""
        await self.window.close()
        if self.memory.get(HOLDER) is not None:
            await self.recorder.keep({HOLDER: None})
        return self.facts()


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()
