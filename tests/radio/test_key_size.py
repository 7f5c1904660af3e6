"""Keys that are too short, on the real BlueZ: its kernel takes them, and the hub refuses them (docs/adr/0047-key-size.md).

The service that sees keys runs in the machine, with the rights that its unit gives it and no others, for each question anew.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from hal.errors import HalError, PairingError, UnavailableError
from hal.linux.bluez import BluezRadio
from hal.linux.bond_file import BondKey
from hal.linux.bond_keys import BondKeys
from hal.linux.bond_vetting import LEGACY, SHORT, UNSEEN, WHOLE
from hal.linux.central import BleakBleCentral
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK
from tests.contract.air_hosts import FEATURES, MonotonicClock, Placed
from tests.contract.bluez_host import BluezAir, bluez_air
from tests.radio.key_service import PROGRAM, answering
from tests.radio.test_pairing import pair_the_old_way

pytestmark = pytest.mark.bluez

OXIMETER, OTHER = "C1:00:00:00:00:01", "C1:00:00:00:00:02"
PASSKEY = 123_456
PATIENCE_S = 25.0
IN_USE, ACCEPTED = "a key of 7 bytes is in use", "and a bond by it was accepted"
KERNEL_KEYS = "cat /sys/kernel/debug/bluetooth/hci0/long_term_keys"

# As trygg-bonds@.service confines it: a user that nobody is, one capability, and of /var and /etc bluetoothd's files alone.
CAPABILITIES = "-all,+dac_read_search"
AS_UNIT = """unshare --mount sh -c '
mkdir -p /run/aside && mount --bind /var/lib/bluetooth /run/aside && mount -t tmpfs tmpfs /var && mkdir -p /var/lib/bluetooth &&
mount --move /run/aside /var/lib/bluetooth && mount -o remount,ro,bind /var/lib/bluetooth && mount -t tmpfs -o ro tmpfs /etc &&
printf "{question}" | exec setpriv --reuid=61234 --regid=61234 --clear-groups --no-new-privs --inh-caps={capabilities} \
  --ambient-caps={capabilities} --bounding-set={capabilities} python3 -P -s -m {program}'"""


def live(folder: Path, program: Callable[[BluezAir], Awaitable[None]]) -> None:
    async def life() -> None:
        async with bluez_air(folder) as air:
            await program(air)

    asyncio.run(life())


@asynccontextmanager
async def seeing(air: BluezAir, capabilities: str = CAPABILITIES) -> AsyncIterator[None]:
    """The service is installed."""

    async def answer(question: bytes) -> bytes:
        if not question:
            return b""
        asked = question.decode().replace("\n", "\\n")
        command = AS_UNIT.format(question=asked, capabilities=capabilities, program=PROGRAM)
        return (await air.daemon.run(command)).encode() + b"\n"  # which the way out of the machine takes off

    await air.daemon.run("chmod 700 /var/lib/bluetooth")  # as its package and its unit have it
    async with answering(air.levels.parent / "keys", answer):
        yield


class Patient(BondKeys):
    """Waits on the way of a connection, too: in an emulated machine on a busy computer Python takes long to start."""

    def __init__(self, socket: Path) -> None:
        super().__init__(socket, answer_s=PATIENCE_S)

    async def of(self, adapter: str, devices: Sequence[str], **_: float) -> dict[str, BondKey]:
        return await super().of(adapter, devices, within_s=PATIENCE_S)


class Believing(BluezRadio):
    """A radio that does not ask how long a key is: what we had, and what most centrals are."""

    async def vet(self, *_: object, **__: object) -> None: ...


@dataclass
class Outcome:
    """What came of a pairing, as the hub believes, and as the kernel holds it."""

    level: int  # of the connection; BOND_NONE where it was refused
    reason: str
    listed: dict[str, int]
    kernel_sizes: list[int]
    read: bool
    told: list[tuple[str, str, int]]


def judge(outcome: Outcome) -> list[str]:
    """What is wrong with it. The kernel's own list is the witness, not the service."""
    found = []
    short = [size for size in outcome.kernel_sizes if size < 16]
    if short:
        found.append(f"a key of {short[0]} bytes is in use")
    if short and outcome.level != BOND_NONE:
        found.append(ACCEPTED)
    if short and not any(word in (UNSEEN, SHORT) for _, word, _ in outcome.told):
        found.append("and nobody was told")
    if outcome.reason and (outcome.level or outcome.listed or outcome.read):
        found.append("it was refused, and used all the same")
    return found


async def kernel_sizes(air: BluezAir) -> list[int]:
    return [int(line.split()[5]) for line in (await air.daemon.run(KERNEL_KEYS)).splitlines()]


async def pair(air: BluezAir, *, kind: type[BluezRadio] = BluezRadio, **how: Any) -> Outcome:
    """Pair as the hub does, and look at what everybody has then."""
    outcome = Outcome(BOND_NONE, "", {}, [], False, [])
    radio = kind(air.levels, keys=air.keys)
    radio.vetting.tell = lambda *each: outcome.told.append(each)
    central = BleakBleCentral(MonotonicClock(), radio)
    try:
        connection = await central.connect(OXIMETER, pair=True, **how)
        outcome.level = connection.bond
        outcome.read = await connection.read(FEATURES) == bytes(2)
        await connection.disconnect()
    except PairingError as error:
        outcome.reason = error.reason
    outcome.kernel_sizes = await kernel_sizes(air)
    outcome.listed = await central.bonds()
    await radio.close()
    return outcome


@pytest.mark.parametrize("size", [7, 15])
def test_a_short_key_is_refused_and_nothing_of_it_is_left(tmp_path: Path, size: int) -> None:
    async def program(air: BluezAir) -> None:
        await air.place(OXIMETER, key_bytes=size)
        async with seeing(air):
            outcome = await pair(air)
        assert judge(outcome) == []
        assert (outcome.reason, outcome.level, outcome.listed) == ("key", BOND_NONE, {})
        assert outcome.kernel_sizes == [] and not outcome.read
        kept = f"/var/lib/bluetooth/{air.server.public_address}"
        assert await air.daemon.run(f"test -d {kept} && ls {kept}/*/info 2>/dev/null || true") == ""

    live(tmp_path, program)


def test_a_passkey_makes_a_short_key_no_longer(tmp_path: Path) -> None:
    """Somebody in between can shorten it without the passkey: the size is not covered by what pairing checks."""

    async def program(air: BluezAir) -> None:
        await air.place(OXIMETER, key_bytes=7, passkey=PASSKEY)
        async with seeing(air):
            outcome = await pair(air, passkey=PASSKEY)
        assert judge(outcome) == [] and outcome.reason == "key"

    live(tmp_path, program)


@pytest.mark.parametrize(("passkey", "level"), [(None, BOND_WEAK), (PASSKEY, BOND_AUTHENTICATED)])
def test_a_whole_key_is_seen_and_taken(tmp_path: Path, passkey: int | None, level: int) -> None:
    async def program(air: BluezAir) -> None:
        await air.place(OXIMETER, passkey=passkey)
        async with seeing(air):
            await air.keys.check()
            outcome = await pair(air, passkey=passkey)
        assert judge(outcome) == []
        assert (outcome.level, outcome.listed, outcome.read) == (level, {OXIMETER: level}, True)
        assert set(outcome.kernel_sizes) == {16}
        assert {each for each in outcome.told if each[1]} == {(OXIMETER, WHOLE, 16)}

    live(tmp_path, program)


def test_without_the_service_a_short_key_is_taken_weakly_and_said_to_be_unseen(tmp_path: Path) -> None:
    async def program(air: BluezAir) -> None:
        await air.place(OXIMETER, key_bytes=7)
        outcome = await pair(air)
        assert judge(outcome) == [IN_USE, ACCEPTED]
        assert (outcome.level, outcome.listed) == (BOND_WEAK, {OXIMETER: BOND_WEAK})
        with pytest.raises(UnavailableError, match=r"trygg-bonds\.socket"):
            await air.keys.check()

    live(tmp_path, program)


def test_control_a_radio_that_does_not_ask_takes_a_short_key_in_silence(tmp_path: Path) -> None:
    async def program(air: BluezAir) -> None:
        await air.place(OXIMETER, key_bytes=7)
        told = [IN_USE, ACCEPTED, "and nobody was told"]
        async with seeing(air):
            radio = Believing(air.levels, keys=air.keys)
            connection = await BleakBleCentral(MonotonicClock(), radio).connect(OXIMETER, pair=True)
            sizes = await kernel_sizes(air)
            assert judge(Outcome(connection.bond, "", {}, sizes, True, [])) == told
            await connection.disconnect()
            await radio.close()

    live(tmp_path, program)


def test_a_bond_that_was_made_while_nobody_saw_is_told_and_kept_as_soon_as_somebody_does(
    tmp_path: Path,
) -> None:
    async def program(air: BluezAir) -> None:
        for address in (OXIMETER, OTHER):
            await air.place(address, key_bytes=7 if address == OXIMETER else 16)
            await (await air.central.connect(address, pair=True)).disconnect()
        async with seeing(air):
            radio = air.radio()
            told: list[tuple[str, str, int]] = []
            radio.vetting.tell = lambda *each: told.append(each)
            await radio.survey()
            assert sorted(told) == [(OXIMETER, SHORT, 7), (OTHER, WHOLE, 16)]
        listed = await radio.bonds()
        assert listed == {OXIMETER: BOND_WEAK, OTHER: BOND_WEAK}
        outcome = Outcome(BOND_WEAK, "", listed, await kernel_sizes(air), True, told)
        assert judge(outcome) == [IN_USE, ACCEPTED], "and somebody was told"

    live(tmp_path, program)


def test_a_stored_bond_is_looked_at_before_it_is_used_and_read_and_said_to_be_short(tmp_path: Path) -> None:
    async def program(air: BluezAir) -> None:
        await air.place(OXIMETER, key_bytes=7)
        await (await air.central.connect(OXIMETER, pair=True)).disconnect()
        air.keys = Patient(air.levels.parent / "keys")
        async with seeing(air):
            outcome = await pair(air, timeout_ms=40_000)
        assert judge(outcome) == [IN_USE, ACCEPTED], "and somebody was told"
        assert (outcome.reason, outcome.level, outcome.read) == ("", BOND_WEAK, True)
        assert outcome.told == [(OXIMETER, SHORT, 7)]
        assert outcome.listed == {OXIMETER: BOND_WEAK}
        assert "and nobody was told" in judge(replace(outcome, told=[])), "the control"

    live(tmp_path, program)


def test_old_pairing_is_seen(tmp_path: Path) -> None:
    async def program(air: BluezAir) -> None:
        placed = await air.place(OXIMETER)
        assert isinstance(placed, Placed)
        pair_the_old_way(placed.native)
        async with seeing(air):
            outcome = await pair(air)
        assert judge(outcome) == [] and outcome.level == BOND_WEAK
        assert (OXIMETER, LEGACY, 16) in outcome.told

    live(tmp_path, program)


def test_control_without_its_one_capability_the_service_sees_nothing(tmp_path: Path) -> None:
    async def program(air: BluezAir) -> None:
        await air.place(OXIMETER, key_bytes=7)
        async with seeing(air, "-all"):
            with pytest.raises(HalError, match="cannot read"):
                await air.keys.check()
            outcome = await pair(air)
        assert outcome.level == BOND_WEAK and (OXIMETER, UNSEEN, 0) in outcome.told

    live(tmp_path, program)
