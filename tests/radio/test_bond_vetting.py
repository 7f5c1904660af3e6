"""What the hub's radio does with what is seen of keys: a new bond by a short one is refused, a stored one told (docs/adr/0047-key-size.md)."""

import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hal.errors import HalError, LinkLostError, PairingError, UnavailableError
from hal.linux import bond_keys
from hal.linux.bluez import QUICK_S, BluezRadio
from hal.linux.bond_keys import ANSWER_S, BondKeys
from hal.linux.bond_vetting import GONE, LEGACY, REFUSED, SHORT, UNSEEN, UNSEEN_S, WHOLE
from hal.linux.central import BleakBleCentral
from hal.linux.clock import SystemClock
from hal.linux.pairing_talk import PairingTalk
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK
from tests.radio.bluez_party import DEVICE, OTHER, Party, run
from tests.radio.home import PASSKEY
from tests.radio.key_service import answering, info, keep, over
from tools.simulators.bluez import ADAPTER_ADDRESS, SECOND_ADDRESS

needs_bus = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed (Debian: apt-get install dbus)"
)


class Sighted:
    """A party whose radio can see keys, in files of its own, and what it told of them."""

    def __init__(self, both: Party, folder: Path) -> None:
        self.both = both
        self.folder = folder / "bluetooth"
        self.folder.mkdir()
        self.socket = folder / "keys"
        self.told: list[tuple[str, str, int]] = []
        self.radio = self.begin(BondKeys(self.socket))

    def begin(self, keys: BondKeys) -> BluezRadio:
        radio = BluezRadio(self.both.levels, bus_address=self.both.daemon._bus_address, keys=keys)
        radio.vetting.tell = lambda *each: self.told.append(each)
        return radio

    async def restart(self, keys: BondKeys | None = None) -> None:
        await self.radio.close()
        self.told.clear()
        self.radio = self.begin(keys or BondKeys(self.socket))

    async def pair(self, device: str) -> None:
        async with self.radio.answering(device, PairingTalk(PASSKEY)):
            await self.both.daemon.pair(device)

    def keep(self, device: str, adapter: str = ADAPTER_ADDRESS, **how: int) -> None:
        keep(self.folder, adapter, device, info(**how))  # type: ignore[arg-type]

    @asynccontextmanager
    async def seeing(self) -> AsyncIterator[None]:
        async with answering(self.socket, over(self.folder)):
            yield


def sighted(folder: Path, program: Callable[[Sighted], Awaitable[None]]) -> None:
    async def life(both: Party) -> None:
        one = Sighted(both, folder)
        try:
            await program(one)
        finally:
            await one.radio.close()

    run(folder, life)


@needs_bus
def test_stored_bonds_with_short_keys_are_told_and_go_on(tmp_path: Path) -> None:
    third = "C1:00:00:00:00:03"

    async def program(one: Sighted) -> None:
        for address in (DEVICE, OTHER, third):
            one.both.daemon.add_device(address).paired = True
        one.keep(DEVICE, size=7)
        one.keep(OTHER, kind=1)
        async with one.seeing():
            await one.radio.survey()
        assert one.told == [(DEVICE, SHORT, 7), (OTHER, LEGACY, 16), (third, UNSEEN, 0)]
        await one.radio.vet(DEVICE, new=False)
        assert await one.radio.bonds() == dict.fromkeys((DEVICE, OTHER, third), BOND_WEAK)

    sighted(tmp_path, program)


@needs_bus
def test_control_where_nobody_sees_keys_a_short_one_is_not_told(tmp_path: Path) -> None:
    async def program(one: Sighted) -> None:
        one.both.daemon.add_device(DEVICE).paired = True
        one.keep(DEVICE, size=7)
        await one.radio.survey()
        await one.radio.vet(DEVICE, new=True)
        assert await one.radio.bonds() == {DEVICE: BOND_WEAK}
        assert one.told == [(DEVICE, UNSEEN, 0)] * 2

    sighted(tmp_path, program)


@needs_bus
def test_a_bond_that_was_just_made_by_a_short_key_is_refused_and_a_stored_one_is_told(tmp_path: Path) -> None:
    async def program(one: Sighted) -> None:
        one.both.daemon.add_device(DEVICE, passkey=PASSKEY)
        one.keep(DEVICE, kind=3, size=15)
        async with one.seeing():
            await one.pair(DEVICE)
            with pytest.raises(PairingError) as refused:
                await one.radio.vet(DEVICE, new=True)
            assert (refused.value.reason, refused.value.detail) == ("key", "a key of 15 bytes")
            assert one.told == [], "a new one is told by whoever pairs"
            assert await one.radio.bonds() == {} and await one.radio.bond(DEVICE) == BOND_NONE
            await one.radio.forget(DEVICE)
            assert one.both.daemon.path(DEVICE) not in one.both.daemon._devices, "bluetoothd forgot it, too"
            assert one.told == [(DEVICE, GONE, 0)] and one.both.levels.read_text() == "{}"
            one.both.daemon.add_device(DEVICE).paired = True  # by somebody else
            await one.radio.vet(DEVICE, new=False)
            assert one.told[-1] == (DEVICE, SHORT, 15)
            await one.radio.vet(OTHER, new=False)  # without a bond there is nothing to see

    sighted(tmp_path, program)


@needs_bus
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_pairing_that_broke_off_before_its_key_was_looked_at_is_judged_as_a_new_one(
    tmp_path: Path, *, is_ours: bool
) -> None:
    async def program(one: Sighted) -> None:
        device = one.both.daemon.add_device(DEVICE, passkey=PASSKEY)
        one.keep(DEVICE, kind=3, size=7)
        with contextlib.suppress(LinkLostError):
            async with one.radio.answering(DEVICE if is_ours else OTHER, PairingTalk(PASSKEY)):
                device.paired = True
                raise LinkLostError("the link is lost")
        async with one.seeing():
            if is_ours:
                with pytest.raises(PairingError):
                    await one.radio.vet(DEVICE, new=False)
            else:  # the control
                await one.radio.vet(DEVICE, new=False)
                assert one.told == [(DEVICE, SHORT, 7)]

    sighted(tmp_path, program)


@needs_bus
def test_a_refused_bond_that_cannot_be_deleted_stays_refused_alone_and_goes_when_it_can(
    tmp_path: Path,
) -> None:
    class Link:
        ended = False

        async def disconnect(self) -> None:
            self.ended = True

    async def program(one: Sighted) -> None:
        daemon = one.both.daemon
        for address in (DEVICE, OTHER):
            daemon.add_device(address, passkey=PASSKEY)
        one.keep(DEVICE, kind=3, size=7)
        one.keep(OTHER, kind=3)
        daemon.held.add(daemon.path(DEVICE))
        link = Link()
        async with one.seeing():
            await one.pair(OTHER)
            await one.pair(DEVICE)
            central = BleakBleCentral(SystemClock(), one.radio)
            with pytest.raises(PairingError, match="short key"):
                await central._vet(DEVICE, link, new=True)  # type: ignore[arg-type]
            assert link.ended and one.told == [(DEVICE, REFUSED, 0)]
            await one.restart()
            await one.radio.survey()
            assert one.told == [(DEVICE, REFUSED, 0), (OTHER, WHOLE, 16)]
            assert await one.radio.bonds() == {OTHER: BOND_AUTHENTICATED}
            with pytest.raises(PairingError, match="could not be deleted") as stuck:
                await one.radio.vet(DEVICE, new=False)
            assert stuck.value.reason == "key"
            with pytest.raises(HalError):
                await one.radio.forget(DEVICE)
            daemon.held.clear()
            await one.radio.survey()
            assert (DEVICE, GONE, 0) in one.told
            assert daemon.path(DEVICE) not in daemon._devices and daemon.path(OTHER) in daemon._devices
            assert DEVICE not in one.both.levels.read_text()

    sighted(tmp_path, program)


@needs_bus
@pytest.mark.parametrize("name", [None, "hci0", "hci1"])
def test_of_two_adapters_with_one_device_ours_is_judged_and_deleted_by_its_own_key(
    tmp_path: Path, name: str | None
) -> None:
    async def program(one: Sighted) -> None:
        daemon = one.both.daemon
        daemon.add_neighbour()
        daemon.add_device(DEVICE).paired = True
        daemon.add_neighbours_device(DEVICE).paired = True
        one.keep(DEVICE, kind=3)
        one.keep(DEVICE, SECOND_ADDRESS, kind=3, size=7)
        one.radio.adapter_name = name
        async with one.seeing():
            await one.radio.survey()
            told = (DEVICE, SHORT, 7) if name == "hci1" else (DEVICE, WHOLE, 16)
            assert one.told == [told]
            assert await one.radio.bonds() == {DEVICE: BOND_WEAK}
            if name is None:
                daemon.switch(on=False)
                await one.radio.survey()
                assert one.told[1:] == [(DEVICE, SHORT, 7)], "the adapter in use is another one"
                daemon.switch(on=True)
                assert len(one.radio.vetting.seen) == 2
            await one.radio.forget(DEVICE)
        gone, left = daemon.path(DEVICE), daemon.path(DEVICE).replace("hci0", "hci1")
        if name == "hci1":
            gone, left = left, gone
        assert gone not in daemon._devices and left in daemon._devices

    sighted(tmp_path, program)


class Hanging(BondKeys):
    """A service that takes a question and never answers: notes how long it is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    async def of(self, _adapter: str, _devices: Sequence[str], *, within_s: float = ANSWER_S) -> Any:
        self.waits.append(within_s)
        raise UnavailableError(bond_keys.ABSENT)


@needs_bus
def test_a_service_that_hangs_costs_a_connection_two_seconds_once_in_ten_minutes(tmp_path: Path) -> None:
    async def program(one: Sighted) -> None:
        keys, now_s = Hanging(), [0.0]
        await one.restart(keys)
        one.radio.vetting.now_s = lambda: now_s[0]
        one.both.daemon.add_device(DEVICE, passkey=PASSKEY)
        await one.pair(DEVICE)
        await one.radio.vet(DEVICE, new=True)  # a person is there, and waits
        for _ in range(5):
            await one.radio.vet(DEVICE, new=False)
            await one.radio.bonds()
        assert keys.waits == [ANSWER_S]
        now_s[0] += UNSEEN_S
        for _ in range(5):
            await one.radio.vet(DEVICE, new=False)
        assert keys.waits == [ANSWER_S, QUICK_S]
        await one.radio.survey()
        assert keys.waits == [ANSWER_S, QUICK_S, ANSWER_S]
        now_s[0] += UNSEEN_S - 1
        await one.radio.vet(DEVICE, new=False)
        assert len(keys.waits) == 3, "in the background it was asked for since"
        for _ in range(2):  # the control: one that was just made is asked for each time
            await one.radio.vet(DEVICE, new=True)
        assert keys.waits[3:] == [ANSWER_S] * 2

    sighted(tmp_path, program)


@needs_bus
def test_a_key_that_was_seen_stays_seen_until_somebody_pairs_anew(tmp_path: Path) -> None:
    async def program(one: Sighted) -> None:
        one.both.daemon.add_device(DEVICE, passkey=PASSKEY)
        async with one.radio.answering(DEVICE, PairingTalk(PASSKEY)):
            await one.both.daemon.pair(DEVICE)
        one.keep(DEVICE, kind=3)
        async with one.seeing():
            await one.radio.vet(DEVICE, new=True)
        await one.radio.survey()
        await one.radio.vet(DEVICE, new=False)
        assert await one.radio.bonds() == {DEVICE: BOND_AUTHENTICATED}
        assert one.told == [(DEVICE, WHOLE, 16)] * 2
        async with one.radio.answering(DEVICE, PairingTalk(PASSKEY)):
            await one.both.daemon.pair(DEVICE)
        await one.radio.vet(DEVICE, new=True)
        assert one.told[-1] == (DEVICE, UNSEEN, 0)

    sighted(tmp_path, program)


@needs_bus
def test_a_bond_that_the_kernel_calls_unauthenticated_is_weak_whatever_we_noted(tmp_path: Path) -> None:
    async def program(one: Sighted) -> None:
        one.both.daemon.add_device(DEVICE, passkey=PASSKEY)
        async with one.radio.answering(DEVICE, PairingTalk(PASSKEY)):
            await one.both.daemon.pair(DEVICE)
        one.keep(DEVICE, kind=2)  # another program has paired it since
        assert await one.radio.bond(DEVICE) == BOND_AUTHENTICATED
        async with one.seeing():
            await one.radio.survey()
        assert await one.radio.bonds() == {DEVICE: BOND_WEAK}
        assert await one.radio.bond(DEVICE) == BOND_WEAK

    sighted(tmp_path, program)


@needs_bus
def test_a_bond_that_another_program_made_is_not_called_stronger_for_its_key(tmp_path: Path) -> None:
    async def program(one: Sighted) -> None:
        one.both.daemon.add_device(DEVICE).paired = True
        one.keep(DEVICE, kind=3)
        async with one.seeing():
            await one.radio.survey()
        assert one.told == [(DEVICE, WHOLE, 16)]
        assert await one.radio.bonds() == {DEVICE: BOND_WEAK}

    sighted(tmp_path, program)
