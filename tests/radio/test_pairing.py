"""Pairing is as strong as it says, or refused. Controls show what the stack does where we do not insist."""

import json
from pathlib import Path
from typing import Any

import pytest
from bumble import smp
from bumble.pairing import PairingConfig, PairingDelegate

from hal.bumble.adapter import open_adapter
from hal.errors import DeniedError, PairingError
from hal.linux.central import BleakBleCentral
from hal.types import BOND_AUTHENTICATED, BOND_WEAK
from tests.radio.home import FEATURES, OXIMETER, PASSKEY, Home, run, soon, turns
from tools.simulators.controller import HomeController
from tools.simulators.pairing import Io
from tools.simulators.peripheral import VirtualPeripheral


def pair_the_old_way(peripheral: VirtualPeripheral) -> None:
    """LE legacy pairing, whose keys an eavesdropper can compute."""
    peripheral.device.smp_session_proxy = smp.Session
    peripheral.device.pairing_config_factory = lambda _connection: PairingConfig(
        sc=False, mitm=False, bonding=True, delegate=PairingDelegate()
    )


async def insist_on_nothing(home: Home) -> None:
    """Control: the gateway pairs as Bumble does by itself."""
    (await home.adapter.device()).smp_session_proxy = smp.Session


def test_just_works_gives_a_weak_bond_and_a_passkey_an_authenticated_one(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        plain = await home.place("C1:00:00:00:00:01")
        labelled = await home.place("C1:00:00:00:00:02", passkey=PASSKEY)
        assert (await home.central.connect(plain.address, pair=True)).bond == BOND_WEAK
        connection = await home.central.connect(labelled.address, pair=True, passkey=PASSKEY)
        assert connection.bond == BOND_AUTHENTICATED
        assert (plain.pairings, labelled.pairings) == ([False], [True])
        assert labelled.label.shown == 1

    run(tmp_path, program)


@pytest.mark.parametrize("entered", [0, PASSKEY - 1, PASSKEY ^ 1 << 19])
def test_a_passkey_that_differs_in_one_digit_or_bit_is_refused(tmp_path: Path, entered: int) -> None:
    async def program(home: Home) -> None:
        labelled = await home.place(passkey=PASSKEY)
        with pytest.raises(DeniedError, match="passkey") as refused:
            await home.central.connect(OXIMETER, pair=True, passkey=entered)
        assert "CONFIRM_VALUE_FAILED" in refused.value.detail
        assert labelled.pairings == []

    run(tmp_path, program)


def test_a_key_of_seven_bytes_is_refused(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        short = await home.place(key_bytes=7)
        with pytest.raises(DeniedError) as refused:
            await home.central.connect(OXIMETER, pair=True)
        assert "ENCRYPTION_KEY_SIZE" in refused.value.detail
        assert short.pairings == []

    run(tmp_path, program)


def test_control_without_our_session_a_key_of_seven_bytes_is_taken(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.place(key_bytes=7)
        await insist_on_nothing(home)
        assert (await home.central.connect(OXIMETER, pair=True)).bond == BOND_WEAK

    run(tmp_path, program)


def test_legacy_pairing_is_refused(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        pair_the_old_way(await home.place())
        with pytest.raises(DeniedError) as refused:
            await home.central.connect(OXIMETER, pair=True)
        assert "AUTHENTICATION_REQUIREMENTS" in refused.value.detail

    run(tmp_path, program)


def test_control_without_our_session_legacy_pairing_succeeds(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        old = await home.place()
        pair_the_old_way(old)
        await insist_on_nothing(home)
        await home.central.connect(OXIMETER, pair=True)
        await turns(lambda: old.pairings == [False])

    run(tmp_path, program)


def test_a_labelled_peripheral_refuses_just_works(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        labelled = await home.place(passkey=PASSKEY)
        with pytest.raises(DeniedError):
            await home.central.connect(OXIMETER, pair=True)
        assert labelled.pairings == []

    run(tmp_path, program)


def test_values_behind_authentication_stay_shut_on_a_link_that_is_only_encrypted(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        labelled = await home.place(passkey=PASSKEY)
        labelled.device.smp_session_proxy = smp.Session  # it lets itself be paired with Just Works
        connection = await home.central.connect(OXIMETER, pair=True)
        assert labelled.pairings == [False]
        with pytest.raises(DeniedError, match="pair first"):
            await connection.read(FEATURES)
        await connection.disconnect()
        again = await home.central.connect(OXIMETER)  # nor with the bond that came of it
        with pytest.raises(DeniedError, match="pair first"):
            await again.read(FEATURES)

    run(tmp_path, program)


def test_control_without_strict_session_and_strict_links_the_label_protects_nothing(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        labelled = await home.place(passkey=PASSKEY)
        labelled.device.smp_session_proxy = smp.Session
        labelled.links.strict = False
        connection = await home.central.connect(OXIMETER, pair=True)
        assert await connection.read(FEATURES) == bytes(2)
        assert labelled.pairings == [False]

    run(tmp_path, program)


@pytest.mark.parametrize("person", [True, False, None])
def test_numbers_are_compared_by_a_person_or_there_is_no_bond(tmp_path: Path, person: bool | None) -> None:
    asked: list[int] = []

    async def look(number: int) -> bool:
        asked.append(number)
        return bool(person)

    async def program(home: Home) -> None:
        display = await home.place(compares=True)
        compare = None if person is None else look
        if person:
            connection = await home.central.connect(OXIMETER, pair=True, compare=compare)
            assert connection.bond == BOND_AUTHENTICATED and asked == [display.label.number]
            assert await connection.read(FEATURES) == bytes(2)
            return
        with pytest.raises(PairingError) as refused:
            await home.central.connect(OXIMETER, pair=True, compare=compare)
        assert refused.value.reason == ("refused" if person is None else "number")
        assert (display.pairings, await home.central.bonds()) == ([], {})

    run(tmp_path, program)


def test_no_less_is_made_than_the_least_that_was_asked_for(tmp_path: Path) -> None:
    async def yes(_number: int) -> bool:
        return True

    async def program(home: Home) -> None:
        plain = await home.place()
        for compare in (None, yes):
            with pytest.raises(PairingError) as refused:
                await home.central.connect(OXIMETER, pair=True, least=BOND_AUTHENTICATED, compare=compare)
            assert refused.value.reason == "weak"
        assert (plain.pairings, await home.central.bonds()) == ([], {})
        # Where less will do, a person beside us does no harm.
        assert (await home.central.connect(OXIMETER, pair=True, compare=yes)).bond == BOND_WEAK

    run(tmp_path, program)


def test_a_device_that_wants_our_number_entered_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    async def yes(_number: int) -> bool:
        return True

    async def program(home: Home) -> None:
        keys = await home.place(passkey=PASSKEY, capability=Io.KEYBOARD_INPUT_ONLY)
        with pytest.raises(PairingError) as refused:
            await soon(home.central.connect(OXIMETER, pair=True, compare=yes))
        assert (refused.value.reason, keys.pairings) == ("weak", [])

    run(tmp_path, program)


def test_why_there_is_no_bond_is_told_by_a_word(tmp_path: Path) -> None:
    async def word(home: Home, **how: Any) -> str:
        with pytest.raises(PairingError) as refused:
            await home.central.connect(OXIMETER, pair=True, **how)
        return refused.value.reason

    async def program(home: Home) -> None:
        placed = await home.place(passkey=PASSKEY)
        assert await word(home) == "refused"
        assert await word(home, passkey=PASSKEY + 1) == "passkey"
        await placed.stop()
        placed = await home.place(key_bytes=7)
        assert await word(home) == "key"
        await placed.stop()
        placed = await home.place()
        pair_the_old_way(placed)
        assert await word(home) == "key"
        await placed.stop()
        placed = await home.place()
        assert await word(home, passkey=PASSKEY) == "weak"
        await (await home.central.connect(OXIMETER, pair=True)).disconnect()
        placed.forget_bonds()
        assert await word(home) == "stale"

    run(tmp_path, program)


def test_an_impostor_that_does_not_ask_for_the_passkey_gets_no_bond(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        impostor = await home.place()
        with pytest.raises(DeniedError):
            await home.central.connect(OXIMETER, pair=True, passkey=PASSKEY)
        assert (impostor.pairings, await home.adapter.bond(OXIMETER)) == ([], 0)

    run(tmp_path, program)


def test_a_peripheral_cannot_make_us_pair(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        pushy = await home.place()
        connection = await home.central.connect(OXIMETER)
        (link,) = pushy.device.connections.values()
        with pytest.raises(Exception, match="PAIRING_NOT_SUPPORTED"):
            await link.pair()
        with pytest.raises(DeniedError, match="pair first"):
            await connection.read(FEATURES)
        assert (pushy.pairings, await home.adapter.bond(OXIMETER)) == ([], 0)

    run(tmp_path, program)


def test_a_bond_that_cannot_be_stored_is_no_bond(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.place()
        await home.adapter.ready()
        home.bonds.rename(tmp_path / "elsewhere")
        home.bonds.mkdir()  # a folder cannot be replaced by a file
        with pytest.raises(DeniedError, match="kept no bond"):
            await home.central.connect(OXIMETER, pair=True)

    run(tmp_path, program)


def test_a_file_of_bonds_handed_over_with_its_address_goes_on_at_another_controller(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        labelled = await home.place(passkey=PASSKEY)
        await (await home.central.connect(OXIMETER, pair=True, passkey=PASSKEY)).disconnect()
        await home.adapter.close()
        handed = tmp_path / "handed-over.json"
        handed.write_bytes(home.bonds.read_bytes())
        other = open_adapter(HomeController("successor", home.link), handed)
        try:
            central = BleakBleCentral(home.clock, other)
            assert await central.bonds() == {OXIMETER: BOND_AUTHENTICATED}
            connection = await soon(central.connect(OXIMETER))
            assert (connection.bond, await connection.read(FEATURES)) == (BOND_AUTHENTICATED, bytes(2))
            assert labelled.pairings == [True], "nobody paired anew"
        finally:
            await other.close()

    run(tmp_path, program)


def test_control_bonds_handed_over_without_their_address_are_no_good(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.place(passkey=PASSKEY)
        await (await home.central.connect(OXIMETER, pair=True, passkey=PASSKEY)).disconnect()
        await home.adapter.close()
        stored = json.loads(home.bonds.read_text())
        handed = tmp_path / "handed-over.json"
        handed.write_text(json.dumps({**stored, "address": "F1:02:03:04:05:06"}))
        other = open_adapter(HomeController("successor", home.link), handed)
        try:
            with pytest.raises(PairingError) as refused:
                await soon(BleakBleCentral(home.clock, other).connect(OXIMETER))
            assert refused.value.reason == "stale"
        finally:
            await other.close()

    run(tmp_path, program)
