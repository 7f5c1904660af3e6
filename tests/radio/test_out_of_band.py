"""Out of band by a device's label: its key is the one on the label, or there is no bond. Controls show what upstream does alone."""

import logging
from pathlib import Path
from typing import Any

import pytest
from bumble import smp
from bumble.pairing import PairingConfig

from hal.errors import PairingError
from hal.types import BOND_AUTHENTICATED
from tests.radio.home import FEATURES, OXIMETER, PASSKEY, Home, run, soon, turns
from tools.simulators.pairing import Io, StrictSession
from tools.simulators.peripheral import VirtualPeripheral


async def nobody(_number: int) -> bool:
    raise AssertionError("nobody is asked")


async def word(home: Home, **how: Any) -> str:
    """Why there was no bond."""
    with pytest.raises(PairingError) as refused:
        await soon(home.central.connect(OXIMETER, pair=True, **how))
    assert await home.central.bonds() == {}
    return refused.value.reason


class Claiming(smp.Session):
    """An impostor: it says that it has data of ours, and upstream takes that for authenticated without any check."""

    def send_pairing_response_command(self) -> None:
        self.oob_data_flag, self.pairing_method, self.r = 1, smp.PairingMethod.OOB, bytes(16)
        super().send_pairing_response_command()


class Hasty(StrictSession):
    """An impostor: its key comes before the method is agreed, and is not shown again. It has not read the label."""

    def send_pairing_response_command(self) -> None:
        self.pairing_method = smp.PairingMethod.OOB
        self.send_public_key_command()
        super().send_pairing_response_command()

    def on_smp_pairing_public_key_command(self, command: smp.SMP_Pairing_Public_Key_Command) -> None:
        self.peer_public_key_x, self.peer_public_key_y = command.public_key_x, command.public_key_y
        self.dh_key = self.ecc_key.dh(command.public_key_x[::-1], command.public_key_y[::-1])[::-1]
        # Upstream's nonce is zeros where its data is not known, so that one need not wait for it.
        self.on_smp_pairing_random_command(smp.SMP_Pairing_Random_Command(random_value=bytes(16)))

    def check_expected_value(self, expected: bytes, received: bytes, error: smp.ErrorCode) -> bool:
        return True  # what would prove that we have read its label


def impersonate(peripheral: VirtualPeripheral, session: type[smp.Session]) -> None:
    """Another device in its place: no data of the label, and a session of its own."""
    peripheral.device.smp_session_proxy = session
    context = smp.OobContext()
    peripheral.device.pairing_config_factory = lambda _connection: PairingConfig(
        sc=True,
        mitm=True,
        bonding=True,
        delegate=peripheral.label,
        oob=PairingConfig.OobConfig(context, None, None),
    )


async def insist_on_nothing(home: Home) -> None:
    """Control: the gateway pairs as Bumble does by itself."""
    (await home.adapter.device()).smp_session_proxy = smp.Session


def test_the_data_of_the_label_gives_an_authenticated_bond_that_lasts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def program(home: Home) -> None:
        device = await home.place(out_of_band=True)
        data = device.label.data
        connection = await home.central.connect(OXIMETER, pair=True, oob=data, compare=nobody)
        assert (connection.bond, device.pairings) == (BOND_AUTHENTICATED, [True])
        assert await connection.read(FEATURES) == bytes(2)
        await connection.disconnect()
        again = await home.central.connect(OXIMETER)
        assert (again.bond, await again.read(FEATURES)) == (BOND_AUTHENTICATED, bytes(2))
        assert device.pairings == [True]
        for random_value in (data[16:].hex(), data[16:][::-1].hex(), repr(data[16:])[2:-1]):
            assert random_value not in caplog.text + home.bonds.read_text(), "neither logged nor stored"

    run(tmp_path, program)


@pytest.mark.parametrize("wrong", [0, 15, 16, 31])
def test_data_that_differs_in_one_bit_is_refused(tmp_path: Path, wrong: int) -> None:
    async def program(home: Home) -> None:
        device = await home.place(out_of_band=True)
        data = bytearray(device.label.data)
        data[wrong] ^= 1
        assert await word(home, oob=bytes(data)) == "oob"
        assert device.pairings == []
        connection = await home.central.connect(OXIMETER, pair=True, oob=device.label.data)
        assert connection.bond == BOND_AUTHENTICATED, "the right data after it pairs"

    run(tmp_path, program)


def test_a_device_without_such_data_is_refused_whatever_else_it_can(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        for how in ({}, {"passkey": PASSKEY}, {"compares": True}):
            device = await home.place(**how)  # type: ignore[arg-type]
            assert await word(home, oob=bytes(range(32)), compare=nobody) == "no_oob"
            assert device.pairings == []
            await device.stop()

    run(tmp_path, program)


def test_one_that_goes_on_without_such_data_is_refused_by_its_key(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        device = await home.place()
        device.device.smp_session_proxy = smp.Session
        assert await word(home, oob=bytes(range(32))) == "oob"
        assert device.pairings == []

    run(tmp_path, program)


def test_old_pairing_and_short_keys_are_refused_here_too(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        device = await home.place(out_of_band=True, key_bytes=15)
        assert await word(home, oob=device.label.data) == "key"

    run(tmp_path, program)


def test_without_the_data_a_device_that_has_some_refuses(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        device = await home.place(out_of_band=True)
        assert await word(home) == "refused"
        assert await word(home, passkey=PASSKEY) == "refused"
        assert device.pairings == []

    run(tmp_path, program)


@pytest.mark.parametrize("how", [{"passkey": PASSKEY}, {}])
def test_who_claims_to_have_data_of_ours_is_refused(tmp_path: Path, how: dict[str, int]) -> None:
    async def program(home: Home) -> None:
        impostor = await home.place(capability=Io.DISPLAY_OUTPUT_ONLY)
        impersonate(impostor, Claiming)
        assert await word(home, **how) == "weak"
        assert impostor.pairings == []

    run(tmp_path, program)


def test_control_without_our_session_who_claims_it_counts_as_authenticated(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        impostor = await home.place(capability=Io.DISPLAY_OUTPUT_ONLY)
        impersonate(impostor, Claiming)
        await insist_on_nothing(home)
        connection = await home.central.connect(OXIMETER, pair=True, passkey=PASSKEY)
        assert connection.bond == BOND_AUTHENTICATED

    run(tmp_path, program)


def test_a_key_that_comes_before_the_method_is_agreed_is_refused(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        device = await home.place(out_of_band=True)
        data = device.label.data
        impersonate(device, Hasty)
        assert await word(home, oob=data) == "oob"
        assert device.pairings == []

    run(tmp_path, program)


def test_control_without_our_session_a_hasty_key_passes_the_label_by(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        device = await home.place(out_of_band=True)
        data = device.label.data
        impersonate(device, Hasty)
        await insist_on_nothing(home)
        connection = await soon(home.central.connect(OXIMETER, pair=True, oob=data))
        assert connection.bond == BOND_AUTHENTICATED
        await turns(lambda: device.pairings == [True])

    run(tmp_path, program)
