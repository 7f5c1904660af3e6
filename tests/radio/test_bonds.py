"""Bonds on disk: private, whole after a crash, refused where they do not read."""

import asyncio
import json
import stat
from pathlib import Path

import pytest
from bumble.keys import PairingKeys

from hal.bumble.bonds import BondStore
from hal.errors import CorruptDataError, DeniedError, UnavailableError
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK

RANDOM, PUBLIC = "C1:00:00:00:00:01", "00:AA:01:00:00:42"


def keys(*, authenticated: bool) -> PairingKeys:
    return PairingKeys(ltk=PairingKeys.Key(value=bytes(range(16)), authenticated=authenticated))


async def opened(path: Path) -> BondStore:
    store = BondStore(path)
    await store.open()
    return store


def test_bonds_and_our_address_are_there_after_a_restart(tmp_path: Path) -> None:
    async def program() -> None:
        store = await opened(tmp_path / "bonds.json")
        await store.update(RANDOM, keys(authenticated=True))
        await store.update(PUBLIC + "/P", keys(authenticated=False))
        again = await opened(tmp_path / "bonds.json")
        assert str(again.own_address) == str(store.own_address)
        assert again.own_address.is_static
        assert [again.level(each) for each in (RANDOM, PUBLIC, "C1:00:00:00:00:02")] == [
            BOND_AUTHENTICATED,
            BOND_WEAK,
            BOND_NONE,
        ]
        stored = await again.get(RANDOM)
        assert stored is not None and stored.ltk is not None and stored.ltk.value == bytes(range(16))

    asyncio.run(program())


def test_a_bond_that_is_being_written_while_it_is_forgotten_does_not_come_back(tmp_path: Path) -> None:
    async def program() -> None:
        store = await opened(tmp_path / "bonds.json")
        paired = asyncio.ensure_future(store.update(RANDOM, keys(authenticated=False)))
        await asyncio.sleep(0)  # it is on its way to the disk
        assert store.levels() == {}
        await store.forget(RANDOM)
        await paired
        assert store.levels() == {}
        assert (await opened(tmp_path / "bonds.json")).levels() == {}

    asyncio.run(program())


def test_two_gateways_have_two_addresses(tmp_path: Path) -> None:
    async def program() -> None:
        first, second = await opened(tmp_path / "1.json"), await opened(tmp_path / "2.json")
        assert str(first.own_address) != str(second.own_address)

    asyncio.run(program())


def test_the_file_is_private_from_the_first_moment(tmp_path: Path) -> None:
    async def program() -> None:
        path = tmp_path / "bonds.json"
        store = await opened(path)
        await store.update(RANDOM, keys(authenticated=False))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
        await store.update(RANDOM, keys(authenticated=True))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    asyncio.run(program())


def test_forgetting_deletes_from_the_file_too(tmp_path: Path) -> None:
    async def program() -> None:
        store = await opened(tmp_path / "bonds.json")
        await store.update(PUBLIC + "/P", keys(authenticated=True))
        await store.forget(PUBLIC)
        await store.forget(RANDOM)
        assert (await opened(tmp_path / "bonds.json")).level(PUBLIC) == BOND_NONE
        assert bytes(range(16)).hex() not in (tmp_path / "bonds.json").read_text()

    asyncio.run(program())


def test_a_cancelled_write_is_finished_and_the_next_one_holds(tmp_path: Path) -> None:
    async def program() -> None:
        store = await opened(tmp_path / "bonds.json")
        for number in range(20):
            writing = asyncio.ensure_future(
                store.update(f"C1:00:00:00:00:{number:02X}", keys(authenticated=True))
            )
            await asyncio.sleep(0)
            writing.cancel()
            await asyncio.wait({writing})
        again = await opened(tmp_path / "bonds.json")
        assert len(await again.get_all()) == 20

    asyncio.run(program())


def test_two_pairings_at_once_are_both_kept(tmp_path: Path) -> None:
    async def program() -> None:
        store = await opened(tmp_path / "bonds.json")
        names = [f"C1:00:00:00:00:{number:02X}" for number in range(5)]
        await asyncio.gather(*(store.update(name, keys(authenticated=True)) for name in names))
        again = await opened(tmp_path / "bonds.json")
        assert sorted(name for name, _ in await again.get_all()) == names

    asyncio.run(program())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        json.dumps({"version": 2, "address": RANDOM, "bonds": {}}),
        json.dumps({"version": 1, "address": "nowhere", "bonds": {}}),
        json.dumps({"version": 1, "address": RANDOM, "bonds": {RANDOM: {"ltk": {"value": "xx"}}}}),
        json.dumps({"version": 1, "address": RANDOM, "bonds": [RANDOM]}),
    ],
)
def test_what_is_no_store_is_refused_and_left_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bonds.json"
    path.write_text(text)
    with pytest.raises(CorruptDataError, match="move it away and pair again"):
        asyncio.run(opened(path))
    assert path.read_text() == text


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="check its folder"):
        asyncio.run(opened(tmp_path / "nowhere" / "bonds.json"))


def test_a_stronger_bond_is_never_replaced_by_a_weaker_one(tmp_path: Path) -> None:
    async def program() -> None:
        store = await opened(tmp_path / "bonds.json")
        await store.update(PUBLIC + "/P", keys(authenticated=True))
        with pytest.raises(DeniedError, match="forget it and pair again"):
            await store.update(PUBLIC + "/P", keys(authenticated=False))
        assert (await opened(tmp_path / "bonds.json")).levels() == {PUBLIC: BOND_AUTHENTICATED}
        await store.update(RANDOM, keys(authenticated=False))
        await store.update(RANDOM, keys(authenticated=True))
        assert store.levels() == {PUBLIC: BOND_AUTHENTICATED, RANDOM: BOND_AUTHENTICATED}
        await store.forget(PUBLIC)  # what a person decides
        await store.update(PUBLIC + "/P", keys(authenticated=False))
        assert store.level(PUBLIC) == BOND_WEAK

    asyncio.run(program())
