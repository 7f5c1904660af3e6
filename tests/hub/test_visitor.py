"""A peripheral the hub connects to: pairing that is never weakened in silence, losses, returns, order."""

import asyncio

from gateway.core.devices.driver import GattDriver, Reading, Step
from gateway.core.devices.oximeter import Oximeter
from gateway.core.model import Observation
from gateway.hub.air import CONNECT_TIMEOUT_MS, Visitor
from gateway.hub.waking import stop
from hal.errors import DeniedError, TimedOutError
from hal.sim.central import SimCentral, SimConnection
from hal.sim.peripheral import SimPeripheral
from hal.types import BOND_AUTHENTICATED, BOND_WEAK
from tests.hub.small import PLACEMENT, Small, begun, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ADDRESS = "C0:00:00:00:00:03"
SPOT, CONTINUOUS, FEATURES = "2a5e", "2a5f", "2a60"


class Scale(GattDriver):
    """Reads its model, writes the time, subscribes; each notification is one count."""

    name = "scale"
    pairing = "authenticated"

    def steps(self, characteristics: "list[str]") -> "list[Step]":
        return [
            Step("read", "2a24"),
            Step("write", "2a08", b"\x01"),
            Step("subscribe", "2a9d"),
            Step("subscribe", "2a19"),
        ]

    def read(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        return Reading([Observation("device.described", {"model": value.decode()})])

    def notified(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        return Reading([Observation("oximetry.measured", {"spo2_pct": value[0]})])


class Loose(Scale):
    """Just Works will do."""

    name = "loose"
    pairing = "weak"


class Open(Scale):
    """Needs no pairing."""

    name = "open"
    pairing = "none"


class Bench:
    """One peripheral and whoever visits it."""

    def __init__(
        self,
        small: Small,
        kind: "type[GattDriver]" = Loose,
        code: "int | None" = None,
        central: "type[SimCentral]" = SimCentral,
        **peripheral: "Any",
    ) -> None:
        self.small = small
        served = {"2a24": b"M1", "2a08": b"", "2a9d": b"", "2a19": b"\x64"}
        values: "dict[str, Any]" = {"characteristics": served}
        values.update(peripheral)
        self.peripheral = small.world.add_peripheral(SimPeripheral(ADDRESS, **values))
        self.central = central(small.world)
        self.device = small.device(kind, address=ADDRESS)
        self.device.passkey = code
        self.bonded: "list[int | None]" = []
        self.near = asyncio.Event()
        self.visitor = Visitor(
            self.device,
            self.central,
            self.near,
            small.intake,
            small.clock,
            lambda: 0,
            lambda: self.bonded.append(self.device.bond),
        )

    async def begin(self, heard: bool = True) -> "asyncio.Task[None]":
        if heard:
            self.near.set()
        return await begun(self.visitor.run, self.small.clock)

    async def measure(self, *values: int) -> None:
        for value in values:
            self.peripheral.notify("2a9d", bytes([value]))
        await self.small.clock.settle()

    def measured(self) -> "list[object]":
        return [event.values["spo2_pct"] for event in self.small.events(3)]


def test_it_connects_when_the_device_is_heard_and_not_before():
    async def scene() -> None:
        bench = Bench(Small())
        task = await bench.begin(heard=False)
        await bench.small.clock.advance(60_000)
        assert not bench.peripheral.connected and bench.device.link == ""
        bench.near.set()
        await bench.small.clock.settle()
        assert bench.peripheral.connected and bench.device.link == "connected"
        await stop(task)
        assert not bench.peripheral.connected

    play(scene)


def test_the_steps_are_done_in_order_and_what_they_bring_is_recorded():
    async def scene() -> None:
        bench = Bench(Small())
        task = await bench.begin()
        assert bench.peripheral.writes == [("2a08", b"\x01")]
        assert bench.peripheral.subscribed == ["2a9d", "2a19"]
        assert bench.device.described == {"model": "M1"} and bench.small.described == 1
        await stop(task)

    play(scene)


def test_notifications_are_recorded_in_order_with_the_moment_of_their_arrival():
    async def scene() -> None:
        bench = Bench(Small())
        held = bench.small.hold()
        bench.visitor.intake = bench.small.intake
        task = await bench.begin()
        held.go.clear()
        for value in (97, 96, 95):
            await bench.measure(value)
            await bench.small.clock.advance(250)
        held.go.set()
        await bench.small.clock.settle()
        assert bench.measured() == [97, 96, 95]
        assert [event.uptime_ms for event in bench.small.events(3)] == [0, 250, 500]
        await stop(task)

    play(scene)


def test_a_lost_link_is_followed_by_a_pause_and_a_return():
    async def scene() -> None:
        bench = Bench(Small())
        task = await bench.begin()
        await bench.measure(97)
        bench.peripheral.leave()
        await bench.small.clock.advance(60_000)
        assert not bench.peripheral.connected and "lost" in bench.device.link
        bench.peripheral.return_()
        await bench.small.clock.advance(60_000)
        assert not bench.peripheral.connected, "nobody has heard it yet"
        bench.near.set()
        await bench.small.clock.settle()
        await bench.measure(96)
        assert bench.measured() == [97, 96] and bench.peripheral.pairings == 1
        await stop(task)

    play(scene)


def test_a_link_that_breaks_at_once_is_tried_less_and_less_often():
    async def scene() -> None:
        bench = Bench(Small())
        task = await bench.begin()
        began: "list[int]" = []
        for _ in range(400):
            bench.near.set()
            await bench.small.clock.advance(100)
            if bench.peripheral.connected:
                began.append(bench.small.clock.uptime_ms())
                bench.small.world.drop(ADDRESS)
        gaps = [began[index + 1] - began[index] for index in range(len(began) - 1)]
        assert len(gaps) >= 4 and gaps == sorted(gaps) and gaps[-1] >= 4_000, gaps
        await stop(task)

    play(scene)


def test_a_device_that_does_not_answer_is_given_up_after_its_time():
    async def scene() -> None:
        bench = Bench(Small())
        bench.peripheral.in_range = False
        task = await bench.begin()
        assert bench.device.link == "connecting"
        await bench.small.clock.advance(CONNECT_TIMEOUT_MS)
        assert "did not answer" in bench.device.link
        await stop(task)

    play(scene)


def test_a_bond_is_as_strong_as_driver_and_passkey_ask_or_the_device_is_not_read():
    table = [
        # driver, passkey of the label, passkey configured, bond expected or None for refused
        (Open, None, None, 0),
        (Loose, None, None, BOND_WEAK),
        (Loose, 123456, 123456, BOND_AUTHENTICATED),
        (Scale, 123456, 123456, BOND_AUTHENTICATED),
        (Scale, None, None, None),  # Just Works is not what the driver asks for
        (Loose, None, 123456, None),  # nor what a configured passkey asks for
        (Loose, 123456, 654321, None),
        (Loose, 123456, None, None),
    ]

    async def scene(
        kind: "type[GattDriver]", label: "int | None", passkey: "int | None", bond: "int | None"
    ) -> None:
        bench = Bench(Small(), kind, passkey, LaxCentral, passkey=label)
        task = await bench.begin()
        await bench.measure(97)
        row = (kind.name, label, passkey)
        assert bench.peripheral.connected == (bond is not None), row
        assert bench.measured() == ([97] if bond is not None else []), row
        assert bench.device.bond == bond, row
        assert bench.bonded == ([] if bond is None else [bond]), row
        assert bench.small.kinds(2) == ([] if bond is not None else ["device.unauthenticated"]), row
        await stop(task)

    for row in table:
        play(scene, *row)


class LaxCentral(SimCentral):
    """A stack that pairs as well as it can and leaves the judging to others."""

    async def connect(
        self, address: str, *, pair: bool = False, passkey: "int | None" = None, timeout_ms: int = 20_000
    ) -> SimConnection:
        peripheral = self._world.peripheral(address)
        asked = passkey if peripheral is not None and peripheral.passkey is not None else None
        return await super().connect(address, pair=pair, passkey=asked, timeout_ms=timeout_ms)


class Trusting(Visitor):
    """The unsafe variant: takes every bond."""

    def check_bond(self, connection: "Any") -> None:
        self.device.bond = connection.bond


def test_the_check_of_weak_bonds_sees_one():
    async def scene() -> None:
        bench = Bench(Small(), Scale, central=LaxCentral)
        visitor = bench.visitor
        bench.visitor = Trusting(
            visitor.device,
            visitor.central,
            visitor.near,
            visitor.intake,
            visitor.clock,
            lambda: 0,
            lambda: None,
        )
        task = await bench.begin()
        await bench.measure(97)
        assert bench.measured() == [97] and bench.device.bond == BOND_WEAK
        await stop(task)

    play(scene)


def test_a_device_that_has_forgotten_its_bond_is_not_paired_anew_in_silence():
    async def scene() -> None:
        bench = Bench(Small(), secure=True)
        task = await bench.begin()
        bench.peripheral.forget_bonds()
        bench.small.world.drop(ADDRESS)
        for _ in range(5):
            bench.near.set()
            await bench.small.clock.advance(40_000)
        assert bench.peripheral.pairings == 1 and not bench.peripheral.connected
        assert "no longer knows our bond" in bench.device.link
        assert bench.small.kinds(2) == ["device.unauthenticated"], "said once, however often it is tried"
        assert bench.small.events(2)[0].placement == PLACEMENT
        await bench.central.forget(ADDRESS)  # what the technician does
        bench.near.set()
        await bench.small.clock.advance(40_000)
        await bench.measure(97)
        assert bench.peripheral.pairings == 2 and bench.measured() == [97]
        await stop(task)

    play(scene)


def test_a_bond_that_has_not_changed_is_told_once():
    async def scene() -> None:
        bench = Bench(Small())
        task = await bench.begin()
        bench.small.world.drop(ADDRESS)
        bench.near.set()
        await bench.small.clock.advance(40_000)
        assert bench.peripheral.connected and bench.bonded == [BOND_WEAK]
        await stop(task)

    play(scene)


class Refusing(SimCentral):
    """Connections whose steps fail: `errors` by characteristic."""

    errors: "dict[str, Exception]" = {}

    async def connect(
        self, address: str, *, pair: bool = False, passkey: "int | None" = None, timeout_ms: int = 20_000
    ) -> SimConnection:
        connection = await super().connect(address, pair=pair, passkey=passkey, timeout_ms=timeout_ms)
        return RefusingConnection(connection, self.errors)  # type: ignore[return-value]


class RefusingConnection:
    """A connection that asks `errors` before each step."""

    def __init__(self, connection: SimConnection, errors: "dict[str, Exception]") -> None:
        self.connection = connection
        self.errors = errors
        self.bond = connection.bond
        self.characteristics = connection.characteristics
        self.receive = connection.receive
        self.disconnect = connection.disconnect

    async def read(self, characteristic: str) -> bytes:
        self.check(characteristic)
        return await self.connection.read(characteristic)

    async def write(self, characteristic: str, value: bytes, *, response: bool = True) -> None:
        self.check(characteristic)
        await self.connection.write(characteristic, value)

    async def subscribe(self, characteristic: str) -> None:
        self.check(characteristic)
        await self.connection.subscribe(characteristic)

    def check(self, characteristic: str) -> None:
        if characteristic in self.errors:
            raise self.errors[characteristic]


def test_a_step_that_is_refused_is_passed_over_but_not_all_subscriptions():
    table = [
        (["2a24"], True),
        (["2a24", "2a08", "2a19"], True),
        (["2a9d", "2a19"], False),
    ]

    async def scene(refused: "list[str]", stays: bool) -> None:
        bench = Bench(Small(), central=Refusing)
        bench.central.errors = {uuid: DeniedError("not for you") for uuid in refused}  # type: ignore[attr-defined]
        task = await bench.begin()
        await bench.measure(97)
        assert bench.peripheral.connected == stays, refused
        assert bench.measured() == ([97] if stays else []), refused
        assert bench.small.messages().count("A step was refused.") == len(refused)
        assert bench.small.kinds(2) == ([] if stays else ["device.unauthenticated"]), refused
        await stop(task)

    for row in table:
        play(scene, *row)


def test_a_step_without_an_answer_ends_the_connection_and_it_is_tried_again():
    async def scene() -> None:
        bench = Bench(Small(), central=Refusing)
        bench.central.errors = {"2a9d": TimedOutError("no answer")}  # type: ignore[attr-defined]
        task = await bench.begin()
        assert not bench.peripheral.connected and bench.device.link == "no answer"
        bench.central.errors = {}  # type: ignore[attr-defined]
        bench.near.set()
        await bench.small.clock.advance(40_000)
        await bench.measure(97)
        assert bench.measured() == [97]
        await stop(task)

    play(scene)


def test_the_oximeter_driver_over_a_connection_that_comes_and_goes():
    served = {
        FEATURES: bytes(2),
        CONTINUOUS: b"",
        SPOT: b"",
        "2a19": b"\x50",
        "2a29": b"Trygg",
        "2a24": b"Ox",
    }

    async def scene() -> None:
        small = Small()
        bench = Bench(small, Oximeter, characteristics=served, secure=True)
        task = await bench.begin()
        peripheral = bench.peripheral
        assert peripheral.subscribed == [CONTINUOUS, SPOT, "2a19"]
        peripheral.notify(CONTINUOUS, bytes.fromhex("0061004800"))
        await small.clock.settle()
        small.world.drop(ADDRESS)
        bench.near.set()
        await small.clock.advance(40_000)
        peripheral.notify(CONTINUOUS, bytes.fromhex("0060004900"))
        await small.clock.settle()
        assert [event.values for event in small.events(3)] == [
            {"spo2_pct": 97, "pulse_rate_bpm": 72},
            {"spo2_pct": 96, "pulse_rate_bpm": 73},
        ]
        assert small.kinds(4).count("device.described") == 1, "told again without being news"
        await stop(task)

    play(scene)
