"""Bonds of the board: what is stored, what is not taken, and what nothing replaces."""

from hal.errors import PairingError, UnavailableError
from hal.esp32.ble_bonds import MOST, OURS, PEERS, BondStore
from hal.esp32.nvs import Nvs
from hal.sim.ble_link import secret_of
from hal.sim.ble_stack import SET_SECRET, secret_key
from hal.sim.nvs import SimNvs
from hal.types import BOND_AUTHENTICATED, BOND_WEAK
from tests.esp32.ble_bench import OTHER, OXIMETER, Bench, raised, run

PASSKEY = 123_456


def raw(number):
    return bytes([0xC1, 0, 0, 0, 0, number])


def key(number):
    return bytes([1, number, 0, 0, 0, 0, 0xC1])


def store(chip):
    found = BondStore(Nvs(SimNvs(chip)))
    found.load()
    return found


def bonded(bonds, number, level=BOND_WEAK):
    bonds.begin(raw(number))
    for sort in (OURS, PEERS):
        assert bonds.set(sort, key(number), bytes([number]) * 88)
    bonds.keep(1, level)


def test_a_bond_outlives_the_power_with_its_level_and_its_secrets():
    chip = {}
    bonded(store(chip), 1, BOND_AUTHENTICATED)
    bonded(store(chip), 2)
    again = store(chip)
    assert again.levels() == {"C1:00:00:00:00:01": BOND_AUTHENTICATED, "C1:00:00:00:00:02": BOND_WEAK}
    assert again.get(PEERS, 0, key(2)) == bytes([2]) * 88 and again.address_type(raw(1)) == 1
    assert again.get(PEERS, 1, None) is not None and again.get(PEERS, 2, None) is None
    again.forget(raw(1))
    assert store(chip).levels() == {"C1:00:00:00:00:02": BOND_WEAK}
    assert sorted(chip) == ["b1c10000000002", "b2c10000000002", "bonds"]


def test_a_secret_that_nobody_asked_for_is_not_taken():
    bonds = store({})
    assert not bonds.set(PEERS, key(1), bytes(88)), "nobody pairs"
    bonds.begin(raw(1))
    assert not bonds.set(PEERS, key(2), bytes(88)), "somebody else"
    assert not bonds.set(3, key(1), bytes(88)) and not bonds.set(PEERS, b"", bytes(88))
    assert bonds.set(PEERS, key(1), bytes(88))
    bonds.end()
    assert bonds.get(PEERS, 0, key(1)) is None and bonds.levels() == {}


def test_nothing_replaces_or_deletes_a_bond_that_is_stored():
    chip = {}
    bonds = store(chip)
    bonded(bonds, 1, BOND_AUTHENTICATED)
    assert not bonds.set(PEERS, key(1), None), "the stack would delete it when the peripheral pairs anew"
    bonds.begin(raw(1))
    assert not bonds.set(PEERS, key(1), bytes(88))
    bonds.keep(1, BOND_WEAK)
    assert store(chip).level(raw(1)) == BOND_AUTHENTICATED
    assert store(chip).get(PEERS, 0, key(1)) == bytes([1]) * 88


def test_a_cut_while_a_bond_is_written_leaves_it_whole_or_leaves_none():
    for cut in range(4):
        chip = {}
        nvs = SimNvs(chip)
        bonds = BondStore(Nvs(nvs))
        bonds.load()
        bonds.begin(raw(1))
        for sort in (OURS, PEERS):
            bonds.set(sort, key(1), bytes(88))
        commits, real = [0], nvs.commit

        def commit(commits=commits, real=real, cut=cut):
            if commits[0] == cut:
                raise OSError(5)
            commits[0] += 1
            real()

        nvs.commit = commit
        try:
            bonds.keep(1, BOND_WEAK)
        except UnavailableError:
            pass
        assert store(chip).level(raw(1)) == (BOND_WEAK if cut == 3 else 0)
        assert (store(chip).get(PEERS, 0, key(1)) is None) == (cut < 3)


def test_there_is_an_end_of_room_and_it_is_said():
    bonds = store({})
    for number in range(MOST):
        bonded(bonds, number)
    told = ""
    try:
        bonds.begin(raw(MOST))
    except UnavailableError as error:
        told = error.message
    assert "forget one" in told


def test_an_index_that_does_not_read_back_makes_no_bond():
    chip = {"bonds": b"\x01\xc1\x00\x00\x00\x00\x01\x02\x01\xc1\x00\x00\x00\x00\x02\x07short"}
    assert store(chip).levels() == {}


# --- with the stack ------------------------------------------------------------------------------------------------


def refused(reason, passkey=None, least=BOND_WEAK, **stack):
    """A pairing with a stack like that comes to nothing."""

    async def script(bench):
        for name, value in stack.items():
            setattr(bench.stack, name, value)
        peripheral = bench.place(secure=True)
        work = bench.central.connect(OXIMETER, pair=True, passkey=passkey, least=least)
        assert (await raised(PairingError, work)).reason == reason
        assert bench.bonds.levels() == {} and not peripheral.connected
        assert sorted(bench.chip) == []

    run(script)


def test_legacy_pairing_and_short_keys_make_no_bond():
    refused(PairingError.KEY, is_legacy=True)
    refused(PairingError.KEY, key_size=7)


def test_control_a_key_of_secure_connections_and_16_bytes_makes_one():
    async def script(bench):
        bench.place(secure=True)
        assert (await bench.central.connect(OXIMETER, pair=True)).bond == BOND_WEAK

    run(script)


def test_a_stack_that_pairs_with_less_than_was_asked_for_makes_no_bond():
    refused(PairingError.WEAK, passkey=PASSKEY, is_lax=True)
    refused(PairingError.WEAK, least=BOND_AUTHENTICATED, is_lax=True)


def test_a_stack_that_hands_over_no_secret_makes_no_bond():
    async def script(bench):
        bench.place(secure=True)
        bench.stack.bond = lambda *_: None
        error = await raised(PairingError, bench.central.connect(OXIMETER, pair=True))
        assert error.reason == PairingError.UNSTORED and bench.bonds.levels() == {}

    run(script)


def test_a_storage_that_takes_nothing_makes_no_bond_and_no_connection():
    async def script(bench):
        peripheral = bench.place(secure=True)
        await bench.radio.ready()
        bench.nvs.failing = True
        await raised(UnavailableError, bench.central.connect(OXIMETER, pair=True))
        assert bench.bonds.levels() == {} and not peripheral.connected

    run(script)


def test_a_stranger_who_pairs_under_the_address_of_a_bonded_one_changes_nothing():
    async def script(bench):
        bench.place(secure=True, passkey=PASSKEY)
        await (await bench.central.connect(OXIMETER, pair=True, passkey=PASSKEY)).disconnect()
        before = dict(bench.chip)
        weak = secret_of(secret_key(OXIMETER), 9, False, 16, False)
        assert not bench.stack.tell(SET_SECRET, (PEERS,), secret_key(OXIMETER), None)
        assert not bench.stack.tell(SET_SECRET, (PEERS,), secret_key(OXIMETER), weak)
        assert bench.chip == before
        connection = await bench.central.connect(OXIMETER, passkey=PASSKEY)
        assert connection.bond == BOND_AUTHENTICATED

    run(script)


def test_a_link_that_breaks_each_time_it_is_encrypted_says_that_the_bond_is_refused():
    async def script(bench):
        peripheral = bench.place(secure=True)
        await (await bench.central.connect(OXIMETER, pair=True)).disconnect()
        bench.stack.gap_pair = lambda handle: peripheral.drop_link("refused")
        error = await raised(PairingError, bench.central.connect(OXIMETER))
        assert error.reason == PairingError.STALE and bench.bonds.level(raw(1)) == BOND_WEAK

    run(script)


def test_memory_that_is_missing_while_a_bond_is_used_is_not_told_as_a_bond_that_is_refused():
    async def script(bench):
        peripheral = bench.place(secure=True)
        await (await bench.central.connect(OXIMETER, pair=True)).disconnect()
        real = bench.bonds.get

        def scarce(*asked):
            bench.bonds.get = real
            raise MemoryError

        bench.bonds.get = scarce
        error = await raised(Exception, bench.central.connect(OXIMETER))
        assert not isinstance(error, PairingError) and not peripheral.connected
        await bench.settle()
        assert (await bench.central.connect(OXIMETER)).bond == BOND_WEAK

    run(script)


def test_two_boards_with_one_storage_are_one_after_the_other():
    async def script(bench):
        bench.place(OTHER, secure=True)
        await (await bench.central.connect(OTHER, pair=True)).disconnect()
        second = Bench(chip=bench.chip)
        assert second.bonds.levels() == {OTHER: BOND_WEAK}

    run(script)
