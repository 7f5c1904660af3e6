"""The Wi-Fi window of a board: ten seconds of the button open it, two more let a network be given, over console and Bluetooth."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from firmware import live
from firmware.hands import Hands
from firmware.profiles import profile
from firmware.published import Folder
from firmware.setting_up import AGAIN_MS, NO_NETWORK, SettingUp
from firmware.told import Told
from firmware.window import Window
from firmware.wiring import Board
from gateway.core import cbor, enrolling, improv
from gateway.core.config import validate
from gateway.core.errors import ConfigError
from gateway.core.improv import PacketReader
from hal.esp32.ble_packets import uuid_bytes
from hal.esp32.button import BoardButton
from hal.esp32.console import ConsolePort
from hal.esp32.nvs import Nvs
from hal.esp32.wifi import WifiNetwork
from hal.esp32.wifi_join import BoardWifi
from hal.sim.ble_server import SimPhone
from hal.sim.ble_stack import SimFlag
from hal.sim.clock import SimClock
from hal.sim.console import SimConsole
from hal.sim.line import SerialLine
from hal.sim.natives import SimNatives
from hal.sim.peripheral import SimPeripheral
from hal.sim.pins import SimPin
from hal.sim.wlan import SimWlan
from hal.sim.world import World
from tests.hub.bench import DAY_UTC_MS, HOME, OXIMETER, Bench, play

SSID, PASSWORD = "Karis nett", "hemmelig-1234"
BUTTON = 0
TREE = {**HOME, "device": HOME["device"] + [{"name": "Oximeter", "driver": "plx", "address": OXIMETER}]}


class Technician:
    """At the console of a board, with a cable."""

    def __init__(self, line: SerialLine, clock: SimClock) -> None:
        self.line, self.clock = line, clock
        self.reader = PacketReader()

    async def ask(self, command: int, data: bytes = b"") -> list[tuple[int, bytes]]:
        """Send a command; (sort, data) of what comes back in the next seconds."""
        self.line.send(improv.encode_packet(improv.SORT_COMMAND, improv.encode_message(command, data)))
        await self.clock.advance(5_000)
        return [(each.sort, each.data) for each in self.reader.push(self.line.received())]


async def hold(pin: SimPin, clock: SimClock, duration_ms: int) -> None:
    """A finger on the button."""
    await clock.settle()
    pin.put(0)
    await clock.advance(duration_ms)
    pin.put(1)
    await clock.advance(100)


# --- a board that nobody has enrolled --------------------------------------------------------------------------------


class Desk(Board):
    """The board in the clock of the simulation; whoever asks its server is answered by the test."""

    sim_clock: SimClock
    asked: list[bytes]
    dropped = 0

    def make_clock(self) -> Any:
        return self.sim_clock

    async def post(self, host: str, port: int, path: str, body: bytes, ca: bytes) -> tuple[int, bytes]:
        self.asked.append(body)
        return 403, b'{"error": "busy"}'

    def drop_window(self) -> None:
        self.dropped += 1  # other tests of this process have the modules, too


class DatedClock(SimClock):
    """As a board's."""

    is_dated = True


class Unenrolled:
    """A board without a network, as it was flashed."""

    def __init__(self, folder: Path) -> None:
        self.clock = DatedClock(utc_ms=DAY_UTC_MS)
        self.world = World(self.clock)
        chip = {
            "gateway": b"hub-1",
            "tenant": b"oslo",
            "token": b"T",
            "enrol": b"https://e.example",
            "ca": b"c",
        }
        self.natives = SimNatives(self.world, chip, None)
        self.natives.wifi.add(SSID, PASSWORD, -60)
        self.log: list[dict[str, Any]] = []
        Desk.sim_clock, Desk.asked = self.clock, []
        config = validate(HOME, "hub.cbor")
        self.board = Desk(self.natives, profile("esp32-s3"), str(folder), config)
        told = Told(Nvs(self.natives.nvs("trygg")))
        self.work = SettingUp(self.board, told, Folder(str(folder)), self.log.append)
        self.technician = Technician(self.world.serial_line("console"), self.clock)

    @property
    def button(self) -> SimPin:
        return self.natives.pins[BUTTON]

    @property
    def lamp(self) -> str:
        assert self.board.lamp is not None
        return self.board.lamp.state


def on_desk(folder: Path, scene: Callable[[Unenrolled], Awaitable[None]]) -> None:
    async def life() -> None:
        desk = Unenrolled(folder)
        running = asyncio.create_task(desk.work.run())
        await desk.clock.advance(5_000)
        try:
            await scene(desk)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await desk.clock.settle()

    asyncio.run(life())


def test_a_board_without_a_network_says_so_is_given_one_and_asks_its_server(tmp_path: Path) -> None:
    async def scene(desk: Unenrolled) -> None:
        assert desk.log[-1]["cause"] == NO_NETWORK and desk.lamp == "offline"
        await hold(desk.button, desk.clock, 11_000)
        assert desk.lamp == "pairing"
        technician = desk.technician
        await technician.ask(improv.CURRENT_STATE)
        wifi = improv.wifi_data(SSID, PASSWORD)
        assert (improv.SORT_ERROR, bytes([improv.NOT_AUTHORISED])) in await technician.ask(improv.WIFI, wifi)
        await technician.ask(improv.IDENTIFY + 1)  # which box: the information, too
        await hold(desk.button, desk.clock, 3_000)
        seen = await technician.ask(improv.SCAN)
        assert any(SSID.encode() in data for _, data in seen)
        answers = await technician.ask(improv.WIFI, wifi)
        assert (improv.SORT_STATE, bytes([improv.PROVISIONED])) in answers
        assert desk.natives.wifi.joined == SSID
        for _ in range(200):  # the signer's table and the key take turns of the loop, not time
            await desk.clock.advance(200)
            if Desk.asked:
                break
        assert enrolling.BEGIN in json.loads(Desk.asked[0])["request"]
        await desk.clock.advance(15_000)
        assert desk.board.dropped == 1 and desk.lamp == "fault"
        assert "the server cannot answer now" in str(desk.log)
        await desk.clock.advance(2 * AGAIN_MS)
        assert PASSWORD not in str(desk.log) and SSID not in str(desk.log)

    on_desk(tmp_path, scene)
    assert (tmp_path / "wifi.cbor").exists()


def test_a_board_whose_button_nobody_holds_takes_no_network(tmp_path: Path) -> None:
    async def scene(desk: Unenrolled) -> None:
        wifi = improv.wifi_data(SSID, PASSWORD)
        for held_ms in (0, 3_000, 9_000):
            if held_ms:
                await hold(desk.button, desk.clock, held_ms)
            assert await desk.technician.ask(improv.WIFI, wifi) == []
            assert SimPhone(desk.natives.stack.server).handle is None
            assert desk.natives.stack.server.advertised is None
        assert desk.natives.wifi.joined == "" and desk.lamp == "offline"

    on_desk(tmp_path, scene)


def test_a_board_that_cannot_ask_says_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    files = {"ca": "ca.der", "certificate": "certificate.der", "key": "key.der"}
    tree = {**HOME, "uplink": {"brokers": ["mqtts://broker.example"], **files}}
    tree["platform"] = {"root_public_key": "ab" * 32}
    gateway = str(tree["hub"]["id"])
    chip = {"gateway": gateway.encode(), "config": cbor.encode(tree)}
    Desk.sim_clock = clock = DatedClock(utc_ms=DAY_UTC_MS)
    natives, log, stop = SimNatives(World(clock), chip, None), [], asyncio.Event()
    life = live.live(natives, "esp32-s3", str(tmp_path / "trygg"), log.append, stop, make=Desk)
    with pytest.raises(ConfigError) as told:
        asyncio.run(life)
    for word in ("certificate.der", "--profile", "told no tenant, token, enrol, ca"):
        assert word in str(told.value)


# --- beside a hub ----------------------------------------------------------------------------------------------------


class Beside:
    """The hands of a board in a home: its button, and its console."""

    def __init__(self, bench: Bench) -> None:
        clock = bench.clock
        self.wlan = SimWlan()
        self.wlan.add(SSID, PASSWORD, -60)
        self.kept: list[str] = []
        self.closed = 0
        self.line = bench.world.serial_line("console")
        self.console = SimConsole(self.line)
        self.pin = SimPin(1)

        def make(identify: Callable[[], None]) -> Window:
            wifi = BoardWifi(WifiNetwork(self.wlan, clock), lambda name, _: self.kept.append(name))
            return Window(
                wifi,
                clock,
                None,
                lambda: ConsolePort(self.console),
                "esp32-s3",
                "hub-1",
                bench.app.log,
                identify,
            )

        self.hands = Hands(bench.app, make, self.count)
        button = BoardButton(self.pin, clock, SimFlag())
        self.watching = asyncio.create_task(self.hands.watch_button(button))

    def count(self) -> None:
        self.closed += 1


def test_in_a_home_that_has_lost_its_network_the_hub_goes_on_while_another_is_given() -> None:
    async def scene(bench: Bench) -> None:
        bench.world.add_peripheral(SimPeripheral(OXIMETER, {"2a60": bytes(2), "2a5f": b""}, secure=True))
        beside = Beside(bench)
        await hold(beside.pin, bench.clock, 3_000)
        assert bench.app.pairing.is_open(), "two seconds are for pairing"
        await hold(beside.pin, bench.clock, 3_000)
        assert not bench.app.pairing.is_open()
        await hold(beside.pin, bench.clock, 11_000)
        assert not bench.app.pairing.is_open() and bench.app.supervise.pairs()
        technician = Technician(beside.line, bench.clock)
        bench.smoke(True, 1)
        await technician.ask(improv.IDENTIFY + 1)
        await hold(beside.pin, bench.clock, 3_000)
        assert not bench.app.pairing.is_open(), "within the window it is the press"
        await technician.ask(improv.WIFI, improv.wifi_data(SSID, PASSWORD))
        assert beside.wlan.joined == SSID and beside.kept == [SSID]
        await bench.clock.advance(20_000)
        assert beside.closed == 1 and not bench.app.supervise.pairs()
        assert bench.platform.kinds(0) == ["smoke.detected"]
        assert beside.console.interrupted == 0 and not beside.line.opened, "the console is one again"
        assert "wifi window" not in bench.app.parts.tasks
        beside.watching.cancel()

    play(scene, tree=TREE, utc_ms=DAY_UTC_MS)


def test_a_window_ends_by_itself_after_a_quarter_of_an_hour_and_is_not_opened_twice() -> None:
    async def scene(bench: Bench) -> None:
        beside = Beside(bench)
        assert beside.hands.open_window() and not beside.hands.open_window()
        await bench.clock.advance(14 * 60_000)
        assert bench.app.supervise.pairs()
        await bench.clock.advance(90_000)
        assert beside.closed == 1 and not bench.app.supervise.pairs()
        beside.watching.cancel()

    play(scene, tree=TREE, utc_ms=DAY_UTC_MS)


def test_a_phone_gives_a_board_its_network_over_bluetooth(tmp_path: Path) -> None:
    async def scene(desk: Unenrolled) -> None:
        await hold(desk.button, desk.clock, 11_000)
        await desk.clock.advance(2_000)
        phone = SimPhone(desk.natives.stack.server)
        phone.connect()
        await desk.clock.advance(100)
        phone.pair()
        await desk.clock.advance(100)
        assert phone.read(uuid_bytes(improv.STATE)) == bytes([improv.UNAUTHORISED])
        phone.subscribe(uuid_bytes(improv.STATE))
        await hold(desk.button, desk.clock, 3_000)
        assert phone.told[-1] == (uuid_bytes(improv.STATE), bytes([improv.AUTHORISED]))
        whole = improv.seal(improv.encode_message(improv.WIFI, improv.wifi_data(SSID, PASSWORD)))
        for at in range(0, len(whole), 20):
            phone.write(uuid_bytes(improv.COMMAND), whole[at : at + 20])
        await desk.clock.advance(5_000)
        assert desk.natives.wifi.joined == SSID
        assert phone.told[-1] == (uuid_bytes(improv.STATE), bytes([improv.PROVISIONED]))
        await desk.clock.advance(12_000)
        assert phone.handle is None and desk.natives.stack.server.advertised is None
        assert "bonds" not in desk.natives.chip

    on_desk(tmp_path, scene)


def test_control_a_console_that_keeps_its_interrupt_loses_every_packet() -> None:
    line = SerialLine("console")
    console = SimConsole(line)
    line.send(improv.encode_packet(improv.SORT_COMMAND, improv.encode_message(improv.INFO)))
    assert console.interrupted == 1, "the sort of a command is the byte of an interrupt"
