"""A whole gateway in simulated time behind a real control socket, for `trygg install`: each look of the command moves the home on."""

import asyncio
import contextlib
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.daemon.__main__ import main
from gateway.daemon.access_point import AccessPointKeeper
from gateway.daemon.control import ControlServer
from gateway.daemon.install_site import InstallSite
from gateway.daemon.install_window import InstallWindow
from gateway.hub.app import App
from tests.hub.bench import DAY_UTC_MS, Bench
from tests.hub.site import Site

CONFIGURATION = '[hub]\nid = "hub-1"\ntenant = "oslo"\nlanguage = "{}"\ndata_directory = "data"\n'


class Newest(Mapping[str, Callable[..., object]]):
    """The verbs of whichever run of the hub is the newest."""

    def __init__(self, handlers: Callable[[], dict[str, Callable[..., object]]]) -> None:
        self._handlers = handlers

    def __getitem__(self, name: str) -> Callable[..., object]:
        return self._handlers()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._handlers())

    def __len__(self) -> int:
        return len(self._handlers())


class DeskPage:
    """A page that is there with its window, at an address of the home's network, or at an access point alone."""

    def __init__(self) -> None:
        self.address, self.also = "https://192.168.1.20:8443/", ""

    def follow(self, _is_open: bool) -> None:
        pass

    def code(self) -> str:
        return "7KQ2-M9DX"

    def serve_also(self, address: str) -> None:
        self.also = address

    def facts(self) -> dict[str, object]:
        address = self.address or (f"https://{self.also}:8443/" if self.also else "")
        return {"is_wanted": True, "address": address, "fingerprint": "AB:CD"}


class Desk(Site):
    """`run` is one command of a technician; `said` is what it printed last."""

    def __init__(self, folder: Path, language: str) -> None:
        super().__init__(utc_ms=DAY_UTC_MS)
        self.file = folder / "hub.toml"
        self.data = folder / "data"
        self.data.mkdir(exist_ok=True)
        self.file.write_text(CONFIGURATION.format(language))
        self.said, self.complained = "", ""
        self.commands = 0
        self.page: DeskPage | None = None  # none, unless a test serves one
        self.keeper: AccessPointKeeper | None = None
        self.is_renewed = True

    def build(self) -> App:
        app = Bench.build(self)
        self.window = InstallWindow(self.data, self.clock, self.log)
        self.site = InstallSite(
            app,
            self.window,
            self,
            power=str(self.power),
            ports=self.serial_ports,
            page=self.page,
            access_point=self.keeper,
        )
        if self.page is not None and self.keeper is not None:
            self.window.served_by(self.page, by_itself=False, minutes=60)
            self.window.followers.append(self.keeper.follow)
        self.installing = self.site.installing
        return app

    async def again(self) -> None:
        await super().again()
        await self.site.resume()

    async def add(self, device: dict[str, Any], secret: str) -> None:
        await super().add(device, secret)
        self.is_renewed = False

    async def look(self) -> dict[str, object]:
        """The home moves on while the technician looks: beacons, a hand at the device, an answer from the centre."""
        if not self.is_renewed:
            self.is_renewed = True
            await self.renew()
            await self.site.resume()
            return self.site.facts()
        if self.installing.centre.state() == "received" and self.answers:
            await self.disposed()
        self.beacons()
        await self.clock.advance(1_000)
        trying = self.installing.trying
        if trying.placement and trying.state() == "waiting":
            await self.hand(trying.placement)
        return self.site.facts()

    async def hand(self, placement: int) -> None:
        """Somebody uses the device that is tried."""
        name = next(device.config.name for device in self.app.devices if device.placement == placement)
        for state in (True, False):
            self.packet = (self.packet + 1) % 256
            (self.door if name == "Front door" else self.smoke)(state, self.packet)
            await self.clock.advance(3_000)

    async def walked(self, room: str = "", device: str = "", token: str = "") -> dict[str, object]:
        walking = asyncio.create_task(self.installing.walk_room(room, device, token))
        await self.listen(8)
        return await walking

    def handlers(self) -> dict[str, Callable[..., object]]:
        return self.site.handlers() | {"install": self.look, "install_walk": self.walked}

    async def run(self, *arguments: str, counted: bool = True) -> int:
        """`trygg install` with these arguments."""
        self.commands += counted
        out, err = io.StringIO(), io.StringIO()

        def command() -> int:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    return main(["install", "-c", str(self.file), "--as", "Kari", *arguments])
                except SystemExit as error:
                    return int(str(error.code))

        async with ControlServer(self.data / "control.sock", Newest(self.handlers)):
            status = await asyncio.to_thread(command)
        self.said, self.complained = out.getvalue(), err.getvalue()
        return status


def at_desk(folder: Path, scene: Callable[[Any], Any], language: str = "en", kind: type[Desk] = Desk) -> None:
    """Run `scene(desk)` beside a gateway that runs."""

    async def play() -> None:
        desk = kind(folder, language)
        await desk.start()
        try:
            await scene(desk)
        finally:
            await desk.end()

    asyncio.run(play())
