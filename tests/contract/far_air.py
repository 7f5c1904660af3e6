"""Runs on MicroPython: radio and Wi-Fi of a board in a simulated home, and the hand that moves what is around them."""

import asyncio
import time

from hal.buffer import Buffer
from hal.esp32.ble_bonds import BondStore
from hal.esp32.ble_central import BoardCentral
from hal.esp32.ble_packets import uuid_bytes, uuid_text
from hal.esp32.ble_radio import BoardRadio
from hal.esp32.ble_scanner import BoardScanner
from hal.esp32.gatt_server import BoardGattServer
from hal.esp32.nvs import Nvs
from hal.esp32.wifi import WifiNetwork
from hal.esp32.wifi_join import BoardWifi
from hal.sim.ble_link import SimUuid
from hal.sim.ble_server import SimPhone
from hal.sim.ble_stack import SimBle
from hal.sim.clock import SimClock
from hal.sim.nvs import SimNvs
from hal.sim.peripheral import SimPeripheral
from hal.sim.wlan import SimWlan
from hal.sim.world import World


class FarCentral:
    """A central whose person, who compares numbers, is at the other end of the line."""

    def __init__(self, central):
        self._central = central
        self._asked, self._said = Buffer(1), Buffer(1)

    def takes(self):
        return self._central.takes_oob

    async def connect(self, address, pair, passkey, oob, least, compares, timeout_ms):
        compare = self._person if compares else None
        return await self._central.connect(
            address, pair=pair, passkey=passkey, oob=oob, least=least, compare=compare, timeout_ms=timeout_ms
        )

    async def _person(self, number):
        self._asked.put(number)
        return await self._said.get()

    async def asked(self):
        return await self._asked.get()

    def say(self, is_same):
        self._said.put(is_same)

    async def bonds(self):
        return await self._central.bonds()

    async def forget(self, address):
        await self._central.forget(address)


class FarPlaced:
    """A peripheral, and what was written to it."""

    def __init__(self, native):
        self._native = native

    def notify(self, uuid, value):
        return self._native.notify(uuid, value)

    def do(self, name):
        getattr(self._native, name)()

    def drop_link(self):
        self._native.drop_link("supervision time-out")

    def facts(self):
        """Connected, pairings, writes."""
        return [self._native.connected, self._native.pairings, self._native.writes]


class FarHome:
    """One board in one home."""

    def __init__(self, advertisements, notifications):
        self.clock = SimClock()
        self.world = World(self.clock)
        self._chip = {}
        self._limit = notifications
        self._radios = []
        radio = self._radio()
        self.scanner = BoardScanner(radio, advertisements)
        self.central = FarCentral(BoardCentral(radio, notifications))

    def _radio(self):
        bonds = BondStore(Nvs(SimNvs(self._chip)))
        bonds.load()
        radio = BoardRadio(SimBle(self.world), self.clock, bonds, asyncio.ThreadSafeFlag())
        self._radios.append(radio)
        return radio

    def restarted(self):
        return FarCentral(BoardCentral(self._radio(), self._limit))

    def place(self, address, served, secure, passkey, shows, printed, name):
        native = SimPeripheral(address, served, secure=secure, passkey=passkey, compares=shows, oob=printed)
        self.world.add_peripheral(native)
        self.world.advertise(address, service_uuids=("1822",), scan_response_name=name)
        return FarPlaced(native)

    async def close(self):
        for radio in self._radios:
            await radio.stop()


class RealClock:
    """Real time, as far as time-outs need it."""

    def uptime_ms(self):
        return time.ticks_ms()

    async def sleep_ms(self, duration_ms):
        await asyncio.sleep_ms(duration_ms)


class FarWifi:
    """One board's Wi-Fi, and the access points around it."""

    def __init__(self):
        self._wlan = SimWlan()
        self._wlan.networks = {}
        self._kept = []
        self.wifi = BoardWifi(WifiNetwork(self._wlan, RealClock()), self._keep)

    def _keep(self, name, password):
        self._kept = [name]

    def add(self, ssid, password, rssi_dbm):
        self._wlan.add(ssid, password, rssi_dbm)

    def mute(self, ssid):
        self._wlan.muted.append(ssid)

    def take_away(self):
        self._wlan.there = False

    def kept(self):
        return self._kept


class FarPhone:
    """A phone in reach, with UUIDs as people write them."""

    def __init__(self, phone):
        self._phone = phone

    def read(self, uuid):
        return self._phone.read(uuid_bytes(uuid))

    def write(self, uuid, value):
        self._phone.write(uuid_bytes(uuid), value)

    def subscribe(self, uuid):
        self._phone.subscribe(uuid_bytes(uuid))

    async def notified(self):
        while not self._phone.told:
            await asyncio.sleep_ms(1)
        uuid, value = self._phone.told.pop(0)
        return uuid_text(uuid), value


class FarStand:
    """One board that serves phones."""

    def __init__(self):
        clock = RealClock()
        self._stack = SimBle(World(clock))
        bonds = BondStore(Nvs(SimNvs({})))
        bonds.load()
        self._radio = BoardRadio(self._stack, clock, bonds, asyncio.ThreadSafeFlag())
        self.peripheral = BoardGattServer(self._radio, SimUuid)
        self._last = None

    async def connect(self, pair):
        if self._last is not None:
            self._last.leave()
        while self._stack.server.advertised is None:
            await asyncio.sleep_ms(1)
        self._last = SimPhone(self._stack.server)
        self._last.connect()
        await asyncio.sleep_ms(1)
        if pair:
            self._last.pair()
            await asyncio.sleep_ms(20)
        return FarPhone(self._last)

    def on_air(self):
        found = self._stack.server.service_data()
        return None if found is None else {uuid_text(uuid): value for uuid, value in found.items()}

    async def close(self):
        await self._radio.stop()
