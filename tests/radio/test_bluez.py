"""Our agent and our view of bluetoothd, on a private message bus with the other party simulated."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from bleak.exc import BleakDBusError
from dbus_fast import DBusError

from hal.errors import PairingError, UnavailableError
from hal.linux.central import BleakBleCentral
from hal.linux.pairing_talk import PairingTalk
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK
from tests.contract.air_hosts import MonotonicClock
from tests.radio.bluez_party import DEVICE, OTHER, Party, run
from tests.radio.home import PASSKEY, soon, turns

pytestmark = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="dbus-daemon is not installed (Debian: apt-get install dbus)"
)


def test_control_without_an_agent_even_just_works_fails(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        both.daemon.add_device(DEVICE)
        with pytest.raises(DBusError, match="no agent"):
            await both.daemon.pair(DEVICE)

    run(tmp_path, program)


def test_the_data_of_a_label_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        both.daemon.add_device(DEVICE)
        central = BleakBleCentral(MonotonicClock(), both.radio)
        assert not central.takes_oob
        with pytest.raises(PairingError) as refused:
            await central.connect(DEVICE, pair=True, oob=bytes(32))
        assert (refused.value.reason, both.daemon.agents.capability) == ("no_way", "")
        assert await both.radio.bond(DEVICE) == BOND_NONE

    run(tmp_path, program)


def test_just_works_is_agreed_to_and_remembered_as_weak(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        both.daemon.add_device(DEVICE)
        async with both.radio.answering(DEVICE, PairingTalk()):
            assert both.daemon.agents.capability == "NoInputNoOutput"
            await both.daemon.pair(DEVICE)
        assert await both.radio.bond(DEVICE) == BOND_WEAK
        assert both.daemon.agents.agent is None

    run(tmp_path, program)


@pytest.mark.parametrize("passkey", [PASSKEY, 0])
def test_the_passkey_is_entered_and_remembered_as_authenticated(tmp_path: Path, passkey: int) -> None:
    async def program(both: Party) -> None:
        both.daemon.add_device(DEVICE, passkey=passkey)
        async with both.radio.answering(DEVICE, PairingTalk(passkey)):
            assert both.daemon.agents.capability == "KeyboardOnly"
            await both.daemon.pair(DEVICE)
        assert await both.radio.bond(DEVICE) == BOND_AUTHENTICATED
        assert json.loads(both.levels.read_text()) == {DEVICE: BOND_AUTHENTICATED}

    run(tmp_path, program)


@pytest.mark.parametrize("entered", [None, PASSKEY + 1])
def test_a_wrong_or_missing_passkey_leaves_nothing(tmp_path: Path, entered: int | None) -> None:
    async def program(both: Party) -> None:
        both.daemon.add_device(DEVICE, passkey=PASSKEY)
        with pytest.raises(DBusError, match="passkey"):
            async with both.radio.answering(DEVICE, PairingTalk(entered)):
                await both.daemon.pair(DEVICE)
        assert await both.radio.bond(DEVICE) == BOND_NONE
        assert not both.levels.exists()
        assert both.daemon.agents.agent is None

    run(tmp_path, program)


def test_an_impostor_that_asks_for_nothing_is_refused_where_a_passkey_is_known(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        both.daemon.add_device(DEVICE, passkey=PASSKEY)
        with pytest.raises(DBusError, match="must ask for its passkey"):
            async with both.radio.answering(DEVICE, PairingTalk(PASSKEY)):
                await both.daemon.pair(DEVICE, impostor=True)
        assert await both.radio.bond(DEVICE) == BOND_NONE

    run(tmp_path, program)


@pytest.mark.parametrize("says", [True, False, None])
def test_numbers_are_compared_by_a_person_or_refused(tmp_path: Path, says: bool | None) -> None:
    asked: list[int] = []

    async def person(number: int) -> bool:
        asked.append(number)
        return bool(says)

    async def program(both: Party) -> None:
        both.daemon.add_device(DEVICE, compares=271_828)
        talk = PairingTalk(compare=None if says is None else person)
        if says:
            async with both.radio.answering(DEVICE, talk):
                assert both.daemon.agents.capability == "DisplayYesNo"
                await both.daemon.pair(DEVICE)
            assert (asked, await both.radio.bond(DEVICE)) == ([271_828], BOND_AUTHENTICATED)
            return
        with pytest.raises(DBusError):
            async with both.radio.answering(DEVICE, talk):
                await both.daemon.pair(DEVICE)
        assert await both.radio.bond(DEVICE) == BOND_NONE
        assert talk.reason == ("" if says is None else "number")

    run(tmp_path, program)


def test_an_impostor_that_shows_no_number_is_refused_where_less_will_not_do(tmp_path: Path) -> None:
    async def yes(_number: int) -> bool:
        return True

    async def program(both: Party) -> None:
        both.daemon.add_device(DEVICE, compares=271_828)
        talk = PairingTalk(least=BOND_AUTHENTICATED, compare=yes)
        with pytest.raises(DBusError, match="have numbers compared"):
            async with both.radio.answering(DEVICE, talk):
                await both.daemon.pair(DEVICE, impostor=True)
        assert (talk.reason, await both.radio.bond(DEVICE)) == ("weak", BOND_NONE)

    run(tmp_path, program)


def test_bonds_are_listed_with_their_level_and_revoked(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        both.daemon.add_device(DEVICE, passkey=PASSKEY)
        both.daemon.add_device(OTHER).paired = True  # by another program: how, nobody knows
        both.daemon.add_device("C1:00:00:00:00:03")
        async with both.radio.answering(DEVICE, PairingTalk(PASSKEY)):
            await both.daemon.pair(DEVICE)
        assert await both.radio.bonds() == {DEVICE: BOND_AUTHENTICATED, OTHER: BOND_WEAK}
        await both.radio.forget(DEVICE)
        assert await both.radio.bonds() == {OTHER: BOND_WEAK}

    run(tmp_path, program)


QUESTIONS = [
    ("RequestPasskey", "o", []),
    ("RequestAuthorization", "o", []),
    ("AuthorizeService", "os", ["0000180f-0000-1000-8000-00805f9b34fb"]),
    ("RequestPinCode", "o", []),
    ("DisplayPinCode", "os", ["1234"]),
    ("RequestConfirmation", "ou", [PASSKEY]),
]


@pytest.mark.parametrize(("member", "signature", "rest"), QUESTIONS, ids=[each[0] for each in QUESTIONS])
def test_another_device_gets_no_answer_meanwhile(
    tmp_path: Path, member: str, signature: str, rest: list[object]
) -> None:
    async def program(both: Party) -> None:
        async with both.radio.answering(DEVICE, PairingTalk(PASSKEY)):
            with pytest.raises(DBusError) as refused:
                await both.daemon.ask(member, signature, both.daemon.path(OTHER), *rest)
            assert refused.value.type == "org.bluez.Error.Rejected"

    run(tmp_path, program)


def test_what_bluez_only_tells_is_taken_without_an_error(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        async with both.radio.answering(DEVICE, PairingTalk(PASSKEY)):
            shown = await both.daemon.ask("DisplayPasskey", "ouq", both.daemon.path(DEVICE), PASSKEY, 0)
            assert (shown, await both.daemon.ask("Cancel", "")) == ([], [])
            assert await both.daemon.ask("Release", "") == []

    run(tmp_path, program)


def test_a_known_device_is_located_without_a_discovery(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        both.daemon.add_device(DEVICE)
        found = await both.radio.locate(DEVICE)
        assert (found.address, found.details["path"]) == (DEVICE, both.daemon.path(DEVICE))
        assert both.daemon.adapter.discoveries == 0

    run(tmp_path, program)


def test_a_connection_that_our_own_death_left_on_its_way_is_ended_once_before_the_first_of_ours(
    tmp_path: Path,
) -> None:
    async def program(both: Party) -> None:
        device = both.daemon.add_device(DEVICE)
        device.connecting = True
        with pytest.raises(BleakDBusError, match="already in progress"):  # what a new connection would meet
            await both.radio._bus.call(both.daemon.path(DEVICE), "org.bluez.Device1", "Connect")
        await both.radio.locate(DEVICE)
        await both.radio._bus.call(both.daemon.path(DEVICE), "org.bluez.Device1", "Connect")
        await both.radio.locate(DEVICE)  # one of ours is under way now
        assert (device.connecting, device.disconnects) == (True, 1)

    run(tmp_path, program)


def test_a_link_that_stands_is_not_ended_and_a_device_that_is_not_there_any_more_is_no_error(
    tmp_path: Path,
) -> None:
    async def program(both: Party) -> None:
        device = both.daemon.add_device(DEVICE)
        device.connected = True
        await both.radio.locate(DEVICE)
        assert device.disconnects == 0
        await both.radio._clear(both.daemon.path(OTHER), {})

    run(tmp_path, program)


def test_unknown_devices_are_discovered_together_until_the_last_is_found(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        await both.radio.ready()
        first, second = (asyncio.ensure_future(both.radio.locate(each)) for each in (DEVICE, OTHER))
        await turns(lambda: both.daemon.adapter.discovering)
        both.daemon.add_device(OTHER)
        assert (await soon(second)).address == OTHER
        assert both.daemon.adapter.discovering
        both.daemon.add_device(DEVICE)
        assert (await soon(first)).address == DEVICE
        assert (both.daemon.adapter.discovering, both.daemon.adapter.discoveries) == (False, 1)

    run(tmp_path, program)


def test_a_cancelled_search_ends_the_discovery(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        searching = asyncio.ensure_future(both.radio.locate(DEVICE))
        await turns(lambda: both.daemon.adapter.discovering)
        searching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await soon(searching)
        assert not both.daemon.adapter.discovering

    run(tmp_path, program)


def test_a_search_ends_with_the_daemon(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        searching = asyncio.ensure_future(both.radio.locate(DEVICE))
        await turns(lambda: both.daemon.adapter.discovering)
        await both.daemon.stop()
        with pytest.raises(UnavailableError, match="bluetoothd"):
            await soon(searching)

    run(tmp_path, program)


def test_a_search_ends_with_the_adapter(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        searching = asyncio.ensure_future(both.radio.locate(DEVICE))
        await turns(lambda: both.daemon.adapter.discovering)
        both.daemon.remove_adapter()
        with pytest.raises(UnavailableError, match="plugged in"):
            await soon(searching)

    run(tmp_path, program)


def test_forgetting_removes_the_device_and_its_level(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        both.daemon.add_device(DEVICE, passkey=PASSKEY)
        async with both.radio.answering(DEVICE, PairingTalk(PASSKEY)):
            await both.daemon.pair(DEVICE)
        await both.radio.forget(DEVICE)
        await both.radio.forget(DEVICE)
        assert await both.radio.bond(DEVICE) == BOND_NONE
        # Another program pairs a device of that address: how, nobody knows.
        both.daemon.add_device(DEVICE).paired = True
        assert await both.radio.bond(DEVICE) == BOND_WEAK

    run(tmp_path, program)


def test_a_damaged_file_of_levels_makes_bonds_weak_not_strong(tmp_path: Path) -> None:
    async def program(both: Party) -> None:
        both.daemon.add_device(DEVICE).paired = True
        for text in ("{", "[2]", '{"' + DEVICE + '": "x"}'):
            both.levels.write_text(text)
            assert await both.radio.bond(DEVICE) == BOND_WEAK

    run(tmp_path, program)
