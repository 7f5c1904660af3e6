"""What every central promises of pairing and bonds (`hal.interfaces.BleCentral`)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hal.errors import DeniedError, PairingError
from hal.types import BOND_AUTHENTICATED, BOND_WEAK
from tests.contract.air_hosts import CONTROL, FEATURES, VALUE, AirHost, Peripheral
from tests.contract.backends import AIRS

OXIMETER, OTHER = "C1:00:00:00:00:01", "C1:00:00:00:00:02"
PASSKEY = 123_456

Program = Callable[[AirHost], Awaitable[None]]


@pytest.fixture(params=AIRS)
def live(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Program], None]:
    def run(program: Program) -> None:
        async def life() -> None:
            async with AIRS[request.param](tmp_path) as air:
                await program(air)

        asyncio.run(life())

    return run


async def until_gone(peripheral: Peripheral) -> None:
    while peripheral.connected:  # noqa: ASYNC110  turns of the loop, no wait
        await asyncio.sleep(0)


def test_values_behind_security_are_denied_without_a_bond(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        peripheral = await air.place(OXIMETER)
        connection = await air.central.connect(OXIMETER)
        for asking in (
            connection.read(FEATURES),
            connection.write(CONTROL, b""),
            connection.subscribe(VALUE),
        ):
            with pytest.raises(DeniedError, match="pair"):
                await asking
        assert peripheral.pairings == 0

    live(program)


@pytest.mark.parametrize(
    ("passkey", "level"), [(None, BOND_WEAK), (PASSKEY, BOND_AUTHENTICATED), (0, BOND_AUTHENTICATED)]
)
def test_the_passkey_decides_the_level_of_the_bond(
    live: Callable[[Program], None], passkey: int | None, level: int
) -> None:
    async def program(air: AirHost) -> None:
        await air.place(OXIMETER, passkey=passkey)
        connection = await air.central.connect(OXIMETER, pair=True, passkey=passkey)
        assert connection.bond == level
        assert await connection.read(FEATURES) == bytes(2)

    live(program)


@pytest.mark.parametrize("entered", [None, PASSKEY + 1])
def test_a_wrong_or_missing_passkey_is_refused_and_leaves_no_bond(
    live: Callable[[Program], None], entered: int | None
) -> None:
    async def program(air: AirHost) -> None:
        peripheral = await air.place(OXIMETER, passkey=PASSKEY)
        with pytest.raises(DeniedError, match="passkey"):
            await air.central.connect(OXIMETER, pair=True, passkey=entered)
        await until_gone(peripheral)
        assert peripheral.pairings == 0
        connection = await air.central.connect(OXIMETER, pair=True, passkey=PASSKEY)
        assert connection.bond == BOND_AUTHENTICATED

    live(program)


def test_a_peripheral_that_pairs_without_its_passkey_is_not_believed(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        await air.place(OXIMETER)
        with pytest.raises(DeniedError, match="passkey"):
            await air.central.connect(OXIMETER, pair=True, passkey=PASSKEY)

    live(program)


def test_a_weak_bond_is_not_enough_once_a_passkey_is_known(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        await air.place(OXIMETER)
        await (await air.central.connect(OXIMETER, pair=True)).disconnect()
        with pytest.raises(DeniedError, match="forget it and pair again"):
            await air.central.connect(OXIMETER, pair=True, passkey=PASSKEY)

    live(program)


def test_a_stored_bond_is_used_again_also_after_a_restart(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        peripheral = await air.place(OXIMETER, passkey=PASSKEY)
        await (await air.central.connect(OXIMETER, pair=True, passkey=PASSKEY)).disconnect()
        for central in (air.central, air.restarted()):
            connection = await central.connect(OXIMETER, pair=True, passkey=PASSKEY)
            assert connection.bond == BOND_AUTHENTICATED
            await connection.subscribe(VALUE)
            assert await peripheral.notify(b"1")
            assert (await connection.receive()).value == b"1"
            await connection.disconnect()
        assert peripheral.pairings == 1

    live(program)


def test_a_peripheral_that_forgot_the_bond_is_denied_until_we_forget_it_too(
    live: Callable[[Program], None],
) -> None:
    async def program(air: AirHost) -> None:
        peripheral = await air.place(OXIMETER)
        await (await air.central.connect(OXIMETER, pair=True)).disconnect()
        peripheral.forget_bonds()
        with pytest.raises(DeniedError, match="forget it and pair again"):
            await air.central.connect(OXIMETER, pair=True)
        await air.central.forget(OXIMETER)
        connection = await air.central.connect(OXIMETER, pair=True)
        assert (connection.bond, peripheral.pairings) == (BOND_WEAK, 2)

    live(program)


def test_forgetting_what_is_not_known_is_no_error(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        await air.central.forget(OTHER)

    live(program)


@pytest.mark.parametrize("says", [True, False, None])
def test_a_person_compares_numbers_or_there_is_no_bond(
    live: Callable[[Program], None], says: bool | None
) -> None:
    asked: list[int] = []

    async def person(number: int) -> bool:
        asked.append(number)
        return bool(says)

    async def program(air: AirHost) -> None:
        peripheral = await air.place(OXIMETER, compares=True)
        compare = None if says is None else person
        if says:
            connection = await air.central.connect(OXIMETER, pair=True, compare=compare)
            assert connection.bond == BOND_AUTHENTICATED
            assert len(asked) == 1 and 0 <= asked[0] < 1_000_000
            assert await connection.read(FEATURES) == bytes(2)
        else:
            with pytest.raises(PairingError) as refused:
                await air.central.connect(OXIMETER, pair=True, compare=compare)
            assert refused.value.reason == ("refused" if says is None else "number")
            await until_gone(peripheral)
            assert (peripheral.pairings, await air.central.bonds()) == (0, {})

    live(program)


TAKE_OOB = {"bumble", "sim"}


@pytest.mark.parametrize(
    "backend", [pytest.param(each, marks=pytest.mark.bluez if each == "linux" else ()) for each in AIRS]
)
def test_a_backend_says_whether_it_takes_the_data_of_a_label(backend: str, tmp_path: Path) -> None:
    async def life() -> None:
        async with AIRS[backend](tmp_path) as air:
            assert air.central.takes_oob == (backend in TAKE_OOB)

    asyncio.run(life())


def test_the_data_of_a_label_pairs_with_that_device_alone_or_is_refused_before_anything(
    live: Callable[[Program], None],
) -> None:
    async def program(air: AirHost) -> None:
        labelled, plain = await air.place(OXIMETER, out_of_band=True), await air.place(OTHER)
        data = labelled.data
        if not air.central.takes_oob:
            for address in (OXIMETER, OTHER):
                with pytest.raises(PairingError) as refused:
                    await air.central.connect(address, pair=True, oob=data)
                assert refused.value.reason == "no_way"
        else:
            for address, wrong, reason in ((OXIMETER, bytes(32), "oob"), (OTHER, data, "no_oob")):
                with pytest.raises(PairingError) as refused:
                    await air.central.connect(address, pair=True, oob=wrong)
                assert refused.value.reason == reason
        await until_gone(labelled)
        await until_gone(plain)
        assert (labelled.pairings, plain.pairings, await air.central.bonds()) == (0, 0, {})
        if air.central.takes_oob:
            connection = await air.central.connect(OXIMETER, pair=True, oob=data)
            assert (connection.bond, await connection.read(FEATURES)) == (BOND_AUTHENTICATED, bytes(2))
            assert await air.restarted().bonds() == {OXIMETER: BOND_AUTHENTICATED}

    live(program)


def test_less_than_the_least_that_is_asked_for_is_not_made(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        peripheral = await air.place(OXIMETER)
        with pytest.raises(PairingError) as refused:
            await air.central.connect(OXIMETER, pair=True, least=BOND_AUTHENTICATED)
        assert refused.value.reason == "weak"
        await until_gone(peripheral)
        assert (peripheral.pairings, await air.central.bonds()) == (0, {})
        await (await air.central.connect(OXIMETER, pair=True)).disconnect()
        with pytest.raises(PairingError) as refused:  # nor is a stored one used
            await air.central.connect(OXIMETER, least=BOND_AUTHENTICATED)
        assert refused.value.reason == "weak"

    live(program)


def test_bonds_are_listed_with_their_level_and_revoked_one_by_one(live: Callable[[Program], None]) -> None:
    async def program(air: AirHost) -> None:
        assert await air.central.bonds() == {}
        await air.place(OXIMETER, passkey=PASSKEY)
        await air.place(OTHER)
        await (await air.central.connect(OXIMETER, pair=True, passkey=PASSKEY)).disconnect()
        await (await air.central.connect(OTHER, pair=True)).disconnect()
        both = {OXIMETER: BOND_AUTHENTICATED, OTHER: BOND_WEAK}
        assert await air.central.bonds() == both
        assert await air.restarted().bonds() == both
        await air.central.forget(OXIMETER)
        assert await air.central.bonds() == {OTHER: BOND_WEAK}

    live(program)


@pytest.mark.parametrize(
    ("label", "entered", "reason"),
    [(PASSKEY, PASSKEY + 1, "passkey"), (PASSKEY, None, "refused"), (None, PASSKEY, "weak")],
)
def test_why_no_bond_came_of_it_is_told_by_a_word(
    live: Callable[[Program], None], label: int | None, entered: int | None, reason: str
) -> None:
    async def program(air: AirHost) -> None:
        await air.place(OXIMETER, passkey=label)
        with pytest.raises(PairingError) as refused:
            await air.central.connect(OXIMETER, pair=True, passkey=entered)
        assert refused.value.reason == reason

    live(program)


def test_a_bond_that_the_peripheral_has_forgotten_is_told_from_other_refusals(
    live: Callable[[Program], None],
) -> None:
    async def program(air: AirHost) -> None:
        peripheral = await air.place(OXIMETER)
        await (await air.central.connect(OXIMETER, pair=True)).disconnect()
        peripheral.forget_bonds()
        with pytest.raises(PairingError) as refused:
            await air.central.connect(OXIMETER)
        assert refused.value.reason == "stale"

    live(program)
