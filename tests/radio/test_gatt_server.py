"""Improv on BlueZ: the gateway's own objects on a message bus, a stand-in of bluetoothd, and phones that must be paired first."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import DBusError

from gateway.core import improv
from gateway.hub.improv import Improv
from gateway.hub.improv_air import ImprovAir
from hal.errors import DeniedError, HalError, LinkLostError, UnavailableError
from hal.linux.gatt_server import BluezGattServer
from hal.types import Served, WifiSeen
from tests.contract.air_hosts import MonotonicClock
from tests.private_bus import private_bus
from tests.radio.home import soon
from tools.simulators.bluez_gatt import ADAPTER_PATH, GattDaemon, Phone

PHONE, OTHER = "C1:00:00:00:00:09", "C1:00:00:00:00:0A"
SSID, PASSWORD = "Karis nett", "hemmelig-1234"
VALUE = "00467768-6228-2272-4663-2774782680ff"


class OneNetwork:
    """A Wi-Fi with one network in reach."""

    joined = ""

    async def scan(self) -> list[WifiSeen]:
        return [WifiSeen(SSID, -51, True)]

    async def join(self, ssid: str, password: str, *, timeout_ms: int = 30_000) -> None:
        for _ in range(50):  # turns of the loop: joining takes a while
            await asyncio.sleep(0)
        if (ssid, password) != (SSID, PASSWORD):
            raise DeniedError("the network did not take the password: type it again")
        self.joined = ssid

    async def close(self) -> None:
        pass


class Party:
    """Daemon, our server on it, and the service behind that."""

    def __init__(self, address: str) -> None:
        self.daemon = GattDaemon(address)
        self.server = BluezGattServer(bus_address=address)
        self.wifi = OneNetwork()
        self.logged: list[str] = []
        info = ["trygg", "0.1", "Pi", "x"]
        self.service = Improv(self.wifi, MonotonicClock(), info, self.log, lambda: None)
        self.serving: asyncio.Task[None] | None = None

    def log(self, _level: str, message: str, **fields: object) -> None:
        self.logged.append(f"{message} {fields}")

    async def open(self, *, pressed: bool) -> None:
        self.service.open()
        if pressed:
            self.service.press()
        self.serving = asyncio.create_task(ImprovAir(self.server, self.service, "Trygg").run())
        await self.until(lambda: self.daemon.on_air is not None)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the bus do its work until something holds."""
        async with asyncio.timeout(45):
            while not condition():
                self.daemon.changed.clear()
                await self.server._bus.call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")

    async def end(self) -> None:
        if self.serving is not None:
            self.serving.cancel()
            await asyncio.gather(self.serving, return_exceptions=True)
        await self.server.close()
        await self.daemon.stop()


def run(folder: Path, program: Callable[[Party], Awaitable[None]]) -> None:
    @asynccontextmanager
    async def party() -> AsyncIterator[Party]:
        async with private_bus(folder) as address:
            both = Party(address)
            await both.daemon.start()
            try:
                yield both
            finally:
                await both.end()

    async def life() -> None:
        async with party() as both:
            await program(both)

    asyncio.run(life())


def wifi_command(password: str = PASSWORD) -> bytes:
    return improv.seal(improv.encode_message(improv.WIFI, improv.wifi_data(SSID, password)))


async def in_pieces(phone: Phone, command: bytes) -> None:
    for at in range(0, len(command), 20):
        await phone.write(improv.COMMAND, command[at : at + 20])


def test_a_paired_phone_gives_the_gateway_its_network(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        await both.open(pressed=True)
        daemon = both.daemon
        assert daemon.services == [improv.SERVICE] and daemon.on_air is not None
        assert daemon.on_air["ServiceUUIDs"] == [improv.SERVICE]
        assert daemon.on_air["ServiceData"] == {"4677": bytes([2, 7, 0, 0, 0, 0])}
        phone = daemon.phone(PHONE)
        await phone.pair()
        for uuid in (improv.STATE, improv.ERROR, improv.RESULT):
            await phone.subscribe(uuid)
        assert await phone.read(improv.STATE) == bytes([improv.AUTHORISED])
        await in_pieces(phone, wifi_command("feil-passord"))
        await both.until(lambda: (improv.ERROR, bytes([improv.NO_CONNECTION])) in phone.told)
        await in_pieces(phone, wifi_command())
        await both.until(lambda: (improv.RESULT, bytes.fromhex("010001")) in phone.told)
        assert both.wifi.joined == SSID
        states = [value[0] for uuid, value in phone.told if uuid == improv.STATE]
        assert states == [improv.PROVISIONING, improv.AUTHORISED, improv.PROVISIONING, improv.PROVISIONED]
        await both.until(lambda: daemon.on_air is not None and daemon.on_air["ServiceData"]["4677"][0] == 4)
        both.service.close()
        assert both.serving is not None
        await soon(both.serving)
        assert [both.daemon.on_air, both.daemon.services] == [None, []]
        assert phone.path not in daemon.devices, "the phone is forgotten"
        assert daemon.agents.agent == ""
        assert SSID not in " ".join(both.logged) and PASSWORD not in " ".join(both.logged)

    run(tmp_path, program)


def test_a_link_that_is_not_encrypted_reads_writes_and_hears_nothing(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        await both.open(pressed=True)
        phone = both.daemon.phone(PHONE)
        for work in (
            phone.read(improv.STATE),
            phone.write(improv.COMMAND, wifi_command()),
            phone.subscribe(improv.RESULT),
            phone.write(improv.STATE, b"\x02"),
        ):
            with pytest.raises(DBusError, match="Insufficient Encryption"):
                await work
        assert both.wifi.joined == ""

    run(tmp_path, program)


class Careless(BluezGattServer):
    """What must be caught: characteristics that anybody may use."""

    async def _register(self, characteristics: Any) -> None:
        await super()._register(characteristics)
        for path, (uuid, flags) in list(self.daemon.characteristics.items()):
            self.daemon.characteristics[path] = (uuid, [flag.removeprefix("encrypt-") for flag in flags])

    daemon: GattDaemon


def test_control_flags_without_encryption_let_a_stranger_write(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        careless = Careless(bus_address=both.daemon._address)
        careless.daemon = both.daemon
        both.server = careless
        await both.open(pressed=True)
        phone = both.daemon.phone(PHONE)
        await in_pieces(phone, wifi_command())
        await both.until(lambda: both.wifi.joined == SSID)

    run(tmp_path, program)


def test_what_one_phone_left_half_said_is_not_finished_by_another(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        await both.open(pressed=True)
        first, second = both.daemon.phone(PHONE), both.daemon.phone(OTHER)
        for phone in (first, second):
            await phone.pair()
            await phone.subscribe(improv.RESULT)
        await first.write(improv.COMMAND, wifi_command()[:20])
        await second.write(improv.COMMAND, improv.seal(improv.encode_message(improv.INFO)))
        await both.until(lambda: len(second.told) == 1)
        await first.write(improv.COMMAND, wifi_command()[20:])
        await second.write(improv.COMMAND, improv.seal(improv.encode_message(improv.INFO)))
        await both.until(lambda: len(second.told) == 2)
        assert both.wifi.joined == ""
        await first.write(improv.COMMAND, wifi_command()[:20])
        again = both.daemon.phone(PHONE)  # it was disconnected, and begins anew
        await again.write(improv.COMMAND, improv.seal(improv.encode_message(improv.INFO)))
        await both.until(lambda: len(second.told) == 3)

    run(tmp_path, program)


def test_a_phone_that_was_paired_before_stays_paired_and_is_hung_up_on(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        old = both.daemon.phone(PHONE)
        old.device.paired = True
        await both.open(pressed=True)
        await old.write(improv.COMMAND, improv.seal(improv.encode_message(improv.INFO)))
        both.service.close()
        await both.until(lambda: both.daemon.services == [] and not old.device.connected)
        assert old.device.paired and old.path in both.daemon.devices

    run(tmp_path, program)


@pytest.mark.parametrize("how", ["switched off", "daemon"])
def test_an_adapter_that_goes_away_ends_the_serving(tmp_path: Path, how: str) -> None:
    async def program(both: Party) -> None:
        await both.open(pressed=False)
        assert both.serving is not None
        if how == "daemon":
            await both.daemon.stop()
        else:
            both.daemon.switch(on=False)
        with pytest.raises(LinkLostError, match="adapter is gone"):
            await soon(both.serving)

    run(tmp_path, program)


def test_without_an_adapter_a_daemon_or_room_for_an_advertisement_that_is_said(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        table = [Served(VALUE, b"x", reads=True)]
        both.daemon.busy = True
        await both.server.serve(improv.SERVICE, table, "Trygg")
        with pytest.raises(UnavailableError, match="does not advertise"):
            await both.server.advertise({"4677": bytes(6)})
        both.daemon.busy = False
        with pytest.raises(HalError):  # too long for one packet
            await both.server.advertise({"4677": bytes(9)})
        await both.server.stop()
        both.daemon.switch(on=False)
        for name in ("hci0", None):
            both.server._adapter_name = name
            with pytest.raises(
                UnavailableError, match=r"adapter hci0 is off: .*sudo btmgmt -i hci0 power on"
            ):
                await both.server.serve(improv.SERVICE, table, "Trygg")
        both.server._adapter_name = "hci1"
        with pytest.raises(UnavailableError, match="no Bluetooth adapter hci1 that can advertise"):
            await both.server.serve(improv.SERVICE, table, "Trygg")
        both.daemon._there().unexport(ADAPTER_PATH, both.daemon.adapter)
        both.server._adapter_name = None
        with pytest.raises(UnavailableError, match="no Bluetooth adapter that can advertise: plug one in"):
            await both.server.serve(improv.SERVICE, table, "Trygg")
        await both.daemon.stop()
        with pytest.raises(UnavailableError, match="systemctl start bluetooth"):
            await both.server.serve(improv.SERVICE, table, "Trygg")
        await both.server.put(VALUE, b"y")  # served no more: nothing

    run(tmp_path, program)


def test_a_long_value_is_read_in_parts(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        await both.server.serve(improv.SERVICE, [Served(VALUE, bytes(range(60)), reads=True)], "Trygg")
        phone = both.daemon.phone(PHONE)
        await phone.pair()
        assert await phone.read(VALUE) == bytes(range(60))

    run(tmp_path, program)
