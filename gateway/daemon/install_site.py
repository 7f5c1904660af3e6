"""What lets a person install a hub: its installation, the time for it, and the verbs of the control socket.

Each verb takes its arguments as texts (docs/configuration.md); those that change anything bear the token of whoever holds
the installation.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.core.devices.bthome import TEXTS as REFUSALS
from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.access_point import AccessPointKeeper
from gateway.daemon.install_window import InstallWindow, Page
from gateway.hub.app import App
from gateway.hub.installing import Installing
from gateway.hub.installing_steps import FAILED

if TYPE_CHECKING:
    from gateway.hub.installing import Home

NO_PAGE = "no page is served, so nothing would be on an access point: say where the page is served (listen in [page]), and restart the hub"
# Arguments of `install_add` that go into the configuration as they are, where they are given.
AS_IT_IS = ("name", "room", "driver", "address", "port", "sender")

# Whys of the hub's steps behind which may be a device that encrypts and was given no key: it hears that, and can take nothing.
UNHEARD = ("not_heard", "silent")
# Fault, cause and action of such a step, as the hub has those of its own.
NO_KEY = (
    "device.unauthenticated",
    "the device is heard, it encrypts, and no key was given for it",
    "take it out, and add it again with the key on its label",
)


class InstallSite:
    """One hub. `power` tells one boot of the machine from another; `ports` lists its serial ports.

    page: what shows it to people; access_point: how they come to it where the home has no network.
    """

    def __init__(
        self,
        app: App,
        window: InstallWindow,
        home: "Home",
        *,
        power: str,
        ports: Callable[[], list[tuple[str, str]]],
        page: Page | None = None,
        access_point: AccessPointKeeper | None = None,
    ) -> None:
        self.window = window
        self.installing = Installing(app, window, home, power=power, ports=ports)
        self._app = app
        self._page = page
        self._access_point = access_point
        if access_point is not None:
            access_point.way_out = app.delivery.way_out  # of the hub that runs: it outlives one

    async def resume(self) -> None:
        """Go on where the last run was cut off, before anybody can ask."""
        await self.window.resume(is_installed=self.installing.memory.record() is not None)

    def start(self) -> None:
        """The hub runs: so do its parts."""
        self._app.parts.start("installing", self.installing.run)
        self._app.parts.start("install window", self.window.run)

    def handlers(self) -> dict[str, Callable[..., object]]:
        """The verbs by name."""
        of = self.installing
        return {
            "install": self.facts,
            "install_open": self.window.open,
            "install_close": of.close,
            "install_take": of.take,
            "install_nearby": of.look_around,
            "install_add": self.add,
            "install_remove": of.remove,
            "install_pair": of.pair,
            "install_test": of.test,
            "install_walk": of.walk_room,
            "install_plug": of.pull,
            "install_centre": of.ring,
            "install_values": of.values,
            "install_undo": of.undo,
            "install_finish": of.finish,
            "install_record": of.record,
            "install_access_point": self.open_access_point,
            **({} if self._page is None else {"page": self.page}),
        }

    def facts(self) -> dict[str, Any]:
        """As `Installing.facts`; a device that encrypts and has no key is told as that, and not as one that nobody hears."""
        facts: dict[str, Any] = self.installing.facts()
        without = {
            f"device:{device.config.name}:found"
            for device in self.installing.devices
            if device.config.key is None and device.last_refusal == REFUSALS["no_key"]
        }
        fault, cause, action = NO_KEY
        said = {"state": FAILED, "why": "no_key", "fault": fault, "cause": cause, "action": action}
        facts["steps"] = [
            step | said if step["id"] in without and step["why"] in UNHEARD else step
            for step in facts["steps"]
        ]
        return facts

    def page(self) -> dict[str, object]:
        """Where the page is, and the access point that it is at, too."""
        assert self._page is not None
        point = {} if self._access_point is None else {"access_point": self._access_point.facts()}
        return {**self._page.facts(), **point}

    async def open_access_point(self, sure: bool = False) -> dict[str, object]:
        """As `AccessPointKeeper.want`. Raises RefusedError, HalError."""
        if self._access_point is None:
            raise RefusedError(NO_PAGE)
        return await self._access_point.want(sure)

    async def add(
        self,
        token: str = "",
        name: str = "",
        room: str = "",
        driver: str = "",
        address: str = "",
        port: str = "",
        sender: str = "",
        key: str = "",
        interval_s: str = "",
        options: str = "",
    ) -> dict[str, object]:
        """As `Installing.add`. Raises ConfigError, RefusedError."""
        given = {"name": name, "room": room, "driver": driver}
        given |= {"address": address, "port": port, "sender": sender}
        device: dict[str, Any] = {each: given[each].strip() for each in AS_IT_IS if given[each].strip()}
        if interval_s.strip():
            if not (interval_s.isascii() and interval_s.strip().isdigit()):
                raise ConfigError("interval_s", repr(interval_s[:16]), "a whole number of seconds")
            device["interval_s"] = int(interval_s)
        if options.strip():
            device["options"] = options_of(options)
        return await self.installing.add(device, key.strip(), token)


def options_of(text: str) -> dict[str, Any]:
    """Options of a driver from JSON. Raises ConfigError."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConfigError("options", repr(text[:40]), "a JSON object")
    return found
