"""The gateway's own bleak code over a whole Bluetooth LE stack: many values, many peripherals, loss in between."""

import asyncio
import gc
from pathlib import Path
from typing import Any, cast

import pytest
from bleak.backends.service import BleakGATTServiceCollection
from bleak.exc import BleakDBusError

from hal.bumble.adapter import BumbleAdapter
from hal.bumble.bonds import BondStore
from hal.bumble.client import BumbleClient
from hal.errors import DeniedError, LinkLostError, TimedOutError
from hal.linux.central import BleakBleCentral
from hal.types import BOND_NONE, BOND_WEAK
from tests.radio.home import CONTINUOUS, FEATURES, OXIMETER, Home, number_of, numbered, run, soon, turns


def test_five_hundred_encrypted_notifications_arrive_in_order(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter = await home.place()
        connection = await home.central.connect(OXIMETER, pair=True)
        await connection.subscribe(CONTINUOUS)

        async def send_all() -> None:
            for number in range(500):
                await oximeter.measure(numbered(number))

        sending = asyncio.ensure_future(send_all())
        heard = [number_of((await soon(connection.receive())).value) for _ in range(500)]
        await sending
        assert heard == list(range(500))

    run(tmp_path, program)


def test_ten_peripherals_stream_at_once_each_in_its_order(tmp_path: Path) -> None:
    addresses = [f"C1:00:00:00:00:{number:02X}" for number in range(10)]

    async def follow(home: Home, address: str) -> list[int]:
        oximeter = await home.place(address)
        connection = await home.central.connect(address, pair=True)
        await connection.subscribe(CONTINUOUS)
        heard = []
        for number in range(50):
            await oximeter.measure(numbered(number))
            heard.append(number_of((await soon(connection.receive())).value))
        assert connection.bond == BOND_WEAK
        return heard

    async def program(home: Home) -> None:
        streams = await asyncio.gather(*(follow(home, address) for address in addresses))
        assert streams == [list(range(50))] * 10

    run(tmp_path, program)


def test_a_peripheral_that_comes_and_goes_pairs_once(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter = await home.place()
        for round_trip in range(3):
            connection = await home.central.connect(OXIMETER, pair=True)
            await connection.subscribe(CONTINUOUS)
            await oximeter.measure(numbered(round_trip))
            assert number_of((await soon(connection.receive())).value) == round_trip
            oximeter.leave()
            with pytest.raises(LinkLostError):
                await soon(connection.receive())
            oximeter.return_()
        assert len(oximeter.pairings) == 1

    run(tmp_path, program)


def test_scanning_goes_on_while_connected_and_while_connecting(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.scanner.start()
        await home.place()
        connection = await home.central.connect(OXIMETER)
        await home.place("C1:00:00:00:00:02")
        heard = await soon(home.scanner.receive())
        while heard.address != "C1:00:00:00:00:02":
            heard = await soon(home.scanner.receive())
        assert heard.service_uuids == ("1822",)
        await connection.disconnect()

    run(tmp_path, program)


def test_what_an_abandoned_connect_reaches_is_hung_up_on(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter = await home.place()
        arrived = asyncio.Event()
        oximeter.on_connected = arrived.set
        connecting = asyncio.ensure_future(home.central.connect(OXIMETER))
        # The controller is dialling: it will connect at the next advertisement, when nobody wants it any more.
        await turns(lambda: home.controller.pending_le_connection is not None)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        await soon(arrived.wait())
        await turns(lambda: not oximeter.connected)
        connection = await home.central.connect(OXIMETER)
        assert oximeter.connected
        await connection.disconnect()

    run(tmp_path, program)


def test_two_gateways_want_one_peripheral_and_one_gets_it(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter = await home.place()
        neighbour = home.other_adapter(tmp_path)
        other = BleakBleCentral(home.clock, neighbour)
        first, second = (
            asyncio.ensure_future(central.connect(OXIMETER)) for central in (home.central, other)
        )
        done, waiting = await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1 and len(oximeter.device.connections) == 1
        await done.pop().result().disconnect()
        await soon(waiting.pop())
        assert len(oximeter.device.connections) == 1
        await neighbour.close()

    run(tmp_path, program)


def test_a_daemon_that_dies_takes_its_connections_along(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter = await home.place()
        connection = await home.central.connect(OXIMETER, pair=True)
        await connection.subscribe(CONTINUOUS)
        waiting = asyncio.ensure_future(connection.receive())
        await asyncio.sleep(0)
        # What a `Radio` tells when bluetoothd is killed: bleak's clients learn nothing of it.
        for watcher in list(home.adapter._watchers):
            watcher("bluetoothd ended")
        with pytest.raises(LinkLostError, match="bluetoothd ended"):
            await soon(waiting)
        await turns(lambda: not oximeter.connected)
        assert not home.adapter._watchers

    run(tmp_path, program)


class LateTeller(BumbleClient):
    """Bluetoothd as of 5.66: the first list of characteristics is empty, the next client takes over the link."""

    first: "LateTeller | None" = None

    async def connect(self, pair: bool, **_kwargs: object) -> None:
        teller = type(self)
        if teller.first is None:
            await super().connect(pair)
            teller.first, self.full = self, self.services
            self.services = BleakGATTServiceCollection()
            return
        self._connection, self._peer = teller.first._connection, teller.first._peer
        assert self._connection is not None
        self._connection.once(self._connection.EVENT_DISCONNECTION, self._on_disconnection)
        self.services = teller.first.full


class LateRadio(BumbleAdapter):
    """A radio on which that happens."""

    @property
    def client_backend(self) -> type[LateTeller]:
        return self._teller

    def prepare(self) -> None:
        self._teller = cast(type[LateTeller], type("LateTeller", (LateTeller,), {"adapter": self}))

    async def served(self, address: str) -> int:
        assert LateTeller.first is None
        return 1


def test_a_list_of_characteristics_that_came_too_early_is_taken_again(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter = await home.place(secure=False)
        radio = LateRadio(home.controller, BondStore(home.bonds))
        radio.prepare()
        connection = await BleakBleCentral(home.clock, radio).connect(OXIMETER)
        assert CONTINUOUS in connection.characteristics()
        await connection.subscribe(CONTINUOUS)
        await oximeter.measure(numbered(7))
        assert number_of((await soon(connection.receive())).value) == 7
        oximeter.drop_link()
        with pytest.raises(LinkLostError):
            await soon(connection.receive())
        await connection.disconnect()
        await radio.close()

    run(tmp_path, program)


class Refused(BumbleClient):
    """Bluetoothd at a peripheral that forgot the bond: hung up on each time, it tries again and says nothing."""

    hung_up = 0

    async def connect(self, pair: bool, **_kwargs: object) -> None:
        for _ in range(5):
            assert self._disconnected_callback is not None
            self._disconnected_callback()
            await asyncio.sleep(0)
        await asyncio.Event().wait()

    async def disconnect(self) -> None:
        type(self).hung_up += 1


class RefusedRadio(LateRadio):
    """A radio on which that happens."""

    level = BOND_WEAK

    def prepare(self) -> None:
        self._teller = cast(type[LateTeller], type("Refused", (Refused,), {"adapter": self}))

    async def bond(self, address: str) -> int:
        return self.level


def test_a_bond_that_is_refused_without_a_word_is_told_as_such(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.place()
        radio = RefusedRadio(home.controller, BondStore(home.bonds))
        radio.prepare()
        with pytest.raises(DeniedError, match="forget it and pair again"):
            await BleakBleCentral(home.clock, radio).connect(OXIMETER, pair=True)
        # Not in the midst of its connect(), which would then fail in ways of its own.
        assert cast(type[Refused], radio.client_backend).hung_up == 1
        await radio.close()

    run(tmp_path, program)


class GivenUp(Refused):
    """Bluetoothd that gives up after the first link."""

    async def connect(self, pair: bool, **_kwargs: object) -> None:
        assert self._disconnected_callback is not None
        self._disconnected_callback()
        raise BleakDBusError("org.bluez.Error.Failed", ["br-connection-canceled"])


def test_a_refused_bond_is_told_from_one_link_that_was_lost(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.place()
        radio = RefusedRadio(home.controller, BondStore(home.bonds))
        radio._teller = cast(type[LateTeller], type("GivenUp", (GivenUp,), {"adapter": radio}))
        with pytest.raises(DeniedError, match="forget it and pair again"):
            await BleakBleCentral(home.clock, radio).connect(OXIMETER)
        radio.level = BOND_NONE
        with pytest.raises(LinkLostError):
            await BleakBleCentral(home.clock, radio).connect(OXIMETER)
        await radio.close()

    run(tmp_path, program)


def test_control_links_that_break_without_a_bond_are_not_refused_but_far(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.place()
        radio = RefusedRadio(home.controller, BondStore(home.bonds))
        radio.prepare()
        radio.level = BOND_NONE
        with pytest.raises(TimedOutError):
            await BleakBleCentral(home.clock, radio).connect(OXIMETER, timeout_ms=60)
        await radio.close()

    run(tmp_path, program)


def test_a_caller_that_is_cancelled_as_its_request_fails_leaves_no_error_behind(tmp_path: Path) -> None:
    complaints: list[dict[str, Any]] = []

    async def program(home: Home) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
        await home.place()
        connection = await home.central.connect(OXIMETER)  # without a bond every request is denied
        for turns_before in range(40):
            asking = asyncio.ensure_future(connection.read(FEATURES))
            for _ in range(turns_before):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait({asking})
            if not asking.cancelled():
                assert isinstance(asking.exception(), DeniedError)
            for _ in range(40):  # the answer comes all the same
                await asyncio.sleep(0)
        gc.collect()

    run(tmp_path, program)
    assert [each for each in complaints if "never retrieved" in each["message"]] == []
