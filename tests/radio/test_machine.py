"""What the contract leaves open, on the real BlueZ: its daemon dies, we die, the radio is blocked, keys are too short."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hal.errors import DeniedError, HalError, LinkLostError, UnavailableError
from hal.interfaces import BleConnection
from hal.linux.bluez import BluezRadio
from hal.linux.central import BleakBleCentral
from hal.types import BOND_AUTHENTICATED, BOND_WEAK
from tests.contract.air_hosts import FEATURES, NAME, VALUE, MonotonicClock, Peripheral
from tests.contract.bluez_host import BluezAir, bluez_air

pytestmark = pytest.mark.bluez

OXIMETER, DOOR = "C1:00:00:00:00:01", "C3:00:00:00:00:01"
PASSKEY = 123_456
AWAY_MS = 1500  # long enough for a connection that is refused to be refused
BLOCK = "for each in /sys/class/rfkill/*/soft; do echo {} >$each; done"
# A gateway's process: connects, says so, and is killed.
VICTIM = """
import asyncio, sys
from pathlib import Path
from hal.linux.bluez import BluezRadio
from hal.linux.central import BleakBleCentral
from hal.linux.clock import SystemClock

async def life():
    central = BleakBleCentral(SystemClock(), BluezRadio(Path(sys.argv[1])))
    connecting = asyncio.ensure_future(central.connect(sys.argv[2]))
    if sys.argv[3] == "connected":
        await connecting
    print("there", flush=True)
    await asyncio.Event().wait()

asyncio.run(life())
"""


def live(folder: Path, program: Callable[[BluezAir], Awaitable[None]]) -> None:
    async def life() -> None:
        async with bluez_air(folder) as air:
            await program(air)

    asyncio.run(life())


async def back(attempt: Callable[[], Awaitable[BleConnection]]) -> BleConnection:
    """What a gateway does about a radio that comes back: try again, for so long as the test has time."""
    while True:
        try:
            return await attempt()
        except HalError:
            await MonotonicClock().sleep_ms(500)


async def to_the_end(air: BluezAir) -> None:
    """Take what the scanner still holds."""
    while True:
        await air.scanner.receive()


# --- scanning ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("active", [False, True])
def test_both_scans_hear_every_packet_of_a_sensor_and_ask_only_where_they_should(
    tmp_path: Path, active: bool
) -> None:
    async def program(air: BluezAir) -> None:
        await air.place(OXIMETER)
        await air.scanner.start(active=active)
        assert bool(air.controller.le_scan_type) == active
        # A controller that scans actively may keep back what it has told; bluetoothd gives it no choice.
        assert air.controller.filter_duplicates == active
        frames = [bytes([0x40, 0x00, number, 0x1A, number & 1]) for number in range(5)]
        for frame in frames:
            air.advertise(DOOR, frame)
        heard, names = [], set()
        while len(heard) < len(frames) or not names:
            advertisement = await air.scanner.receive()
            if advertisement.address == DOOR:
                heard.append(advertisement.service_data["fcd2"])
            else:
                names.add(advertisement.name)
        assert heard == frames
        if not active:
            assert names == {None}

    live(tmp_path, program)


@pytest.mark.parametrize("active", [False, True])
def test_a_packet_that_changes_nothing_is_told_again_by_an_active_scan_only(
    tmp_path: Path, active: bool
) -> None:
    async def program(air: BluezAir) -> None:
        await air.scanner.start(active=active)
        for frame in (b"same", b"same", b"last"):
            air.advertise(DOOR, frame)
        heard = [(await air.scanner.receive()).service_data["fcd2"]]
        while heard[-1] != b"last":
            heard.append((await air.scanner.receive()).service_data["fcd2"])
        assert heard == ([b"same", b"same", b"last"] if active else [b"same", b"last"])

    live(tmp_path, program)


def test_a_daemon_without_monitors_is_scanned_actively_instead(tmp_path: Path) -> None:
    async def program(air: BluezAir) -> None:
        await air.daemon.kill()
        await air.daemon.start("")
        await air.daemon.powered()
        try:
            air.expected_active = True
            await air.scanner.start()
            await air.place(OXIMETER)
            names = [(await air.scanner.receive()).name]
            while names[-1] is None:
                names.append((await air.scanner.receive()).name)
            assert names[-1] == NAME
        finally:
            await air.daemon.kill()

    live(tmp_path, program)


# --- pairing -------------------------------------------------------------------------------------------------------


def test_control_without_an_agent_even_just_works_is_refused(tmp_path: Path) -> None:
    class Mute(BluezRadio):
        @asynccontextmanager
        async def answering(self, *_: object, **__: object) -> AsyncIterator[None]:
            yield

    async def program(air: BluezAir) -> None:
        peripheral = await air.place(OXIMETER)
        radio = Mute(tmp_path / "mute.json")
        with pytest.raises(DeniedError):
            await BleakBleCentral(MonotonicClock(), radio).connect(OXIMETER, pair=True)
        await radio.close()
        assert peripheral.pairings == 0

    live(tmp_path, program)


def test_a_value_behind_security_is_not_answered_without_a_bond_and_nothing_is_paired(tmp_path: Path) -> None:
    async def program(air: BluezAir) -> None:
        peripheral = await air.place(OXIMETER)
        connection = await air.central.connect(OXIMETER)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3.0):
                await connection.read(FEATURES)
        await connection.disconnect()
        assert peripheral.pairings == 0
        again = await back(lambda: air.central.connect(OXIMETER, pair=True))
        assert await again.read(FEATURES) == bytes(2)

    live(tmp_path, program)


def test_encrypted_notifications_arrive_in_order_while_a_scan_runs(tmp_path: Path) -> None:
    async def program(air: BluezAir) -> None:
        peripheral = await air.place(OXIMETER, passkey=PASSKEY)
        await air.scanner.start()
        connection = await air.central.connect(OXIMETER, pair=True, passkey=PASSKEY)
        await connection.subscribe(VALUE)
        for number in range(100):
            assert await peripheral.notify(bytes([number]))
            assert (await connection.receive()).value == bytes([number])
        air.advertise(DOOR, b"heard")
        heard = await air.scanner.receive()
        while heard.address != DOOR:
            heard = await air.scanner.receive()
        assert heard.service_data == {"fcd2": b"heard"}

    live(tmp_path, program)


# --- what dies -----------------------------------------------------------------------------------------------------


def test_a_daemon_that_is_killed_ends_connections_and_its_bonds_are_there_again(tmp_path: Path) -> None:
    async def program(air: BluezAir) -> None:
        peripheral = await air.place(OXIMETER, passkey=PASSKEY)
        connection = await air.central.connect(OXIMETER, pair=True, passkey=PASSKEY)
        await connection.subscribe(VALUE)
        await air.scanner.start()
        waiting = asyncio.ensure_future(connection.receive())
        await asyncio.sleep(0)
        await air.daemon.kill()
        with pytest.raises(LinkLostError):
            await waiting
        with pytest.raises(LinkLostError, match="adapter"):
            await to_the_end(air)
        with pytest.raises(UnavailableError):
            await air.central.connect(OXIMETER)
        await air.daemon.start()
        await air.daemon.powered()
        again = await back(lambda: air.central.connect(OXIMETER, pair=True, passkey=PASSKEY))
        assert again.bond == BOND_AUTHENTICATED
        await again.subscribe(VALUE)
        assert await peripheral.notify(b"1")
        assert (await again.receive()).value == b"1"
        assert peripheral.pairings == 1

    live(tmp_path, program)


async def killed(air: BluezAir, folder: Path, moment: str) -> Peripheral:
    """A peripheral that a process of ours connects to, or has connected to, when it is killed."""
    peripheral = await air.place(OXIMETER, secure=False)
    if moment == "connecting":
        # Known, and out of reach: bluetoothd goes on connecting after we are gone.
        await (await air.central.connect(OXIMETER)).disconnect()
        peripheral.leave()
    victim = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", VICTIM, str(folder / "other.json"), OXIMETER, moment),
        stdout=asyncio.subprocess.PIPE,
    )
    assert victim.stdout is not None
    assert await victim.stdout.readline() == b"there\n"
    while moment == "connecting" and not air.controller.le_scan_enable:  # the kernel looks out for it
        await MonotonicClock().sleep_ms(20)
    victim.send_signal(signal.SIGKILL)
    await victim.wait()
    return peripheral


@pytest.mark.parametrize("moment", ["connecting", "connected"])
def test_what_our_own_sigkill_left_behind_costs_no_attempt(tmp_path: Path, moment: str) -> None:
    async def program(air: BluezAir) -> None:
        peripheral = await killed(air, tmp_path, moment)
        connecting = asyncio.ensure_future(air.restarted().connect(OXIMETER))
        await MonotonicClock().sleep_ms(AWAY_MS)
        peripheral.return_()
        assert await (await connecting).read(FEATURES) == bytes(2)

    live(tmp_path, program)


class Careless(BluezRadio):
    """Connects without a look at what a process before it left."""

    async def _clear(self, *_: object) -> None: ...


def test_control_a_connection_that_is_left_on_its_way_refuses_the_next(tmp_path: Path) -> None:
    async def program(air: BluezAir) -> None:
        await killed(air, tmp_path, "connecting")
        radio = Careless(tmp_path / "levels.json")
        with pytest.raises(HalError) as refused:
            await BleakBleCentral(MonotonicClock(), radio).connect(OXIMETER)
        assert "already in progress" in refused.value.detail
        await radio.close()

    live(tmp_path, program)


def test_a_radio_that_is_blocked_ends_what_runs_and_is_taken_again(tmp_path: Path) -> None:
    async def program(air: BluezAir) -> None:
        peripheral = await air.place(OXIMETER)
        connection = await air.central.connect(OXIMETER, pair=True)
        waiting = asyncio.ensure_future(connection.receive())
        await asyncio.sleep(0)
        await air.daemon.run(BLOCK.format(1))
        with pytest.raises(LinkLostError):
            await waiting
        with pytest.raises(UnavailableError, match="switch it on"):
            await air.central.connect(OXIMETER)
        await air.daemon.run(BLOCK.format(0))
        await air.daemon.powered()
        again = await back(lambda: air.central.connect(OXIMETER, pair=True))
        assert (again.bond, peripheral.pairings) == (BOND_WEAK, 1)

    live(tmp_path, program)


def test_an_adapter_that_is_switched_off_and_on_is_taken_again(tmp_path: Path) -> None:
    async def program(air: BluezAir) -> None:
        await air.place(OXIMETER, secure=False)
        connection = await air.central.connect(OXIMETER)
        await air.daemon.power(on=False)
        with pytest.raises(LinkLostError):
            await connection.receive()
        with pytest.raises(UnavailableError, match="switch it on"):
            await air.scanner.start()
        await air.daemon.power(on=True)
        again = await back(lambda: air.central.connect(OXIMETER))
        assert await again.read(FEATURES) == bytes(2)

    live(tmp_path, program)


# --- a program of ours that runs in the machine ---------------------------------------------------------------------


def test_a_gateway_in_the_machine_reads_over_debians_own_python(tmp_path: Path) -> None:
    async def program(air: BluezAir) -> None:
        await air.place(OXIMETER, secure=False)
        told = await air.daemon.run(f"python3 -m tests.radio.guest {OXIMETER}")
        assert told.splitlines()[-1] == bytes(2).hex()

    live(tmp_path, program)
