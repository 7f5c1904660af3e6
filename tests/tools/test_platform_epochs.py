"""Rules of receiving for epochs, identities, states and manifests (the table in tools/platform/ledger.py)."""

import pytest

from gateway.core import cbor, wire
from gateway.core.errors import RefusedError
from tests.tools.platform_parties import Bench, SimGateway, causes
from tools.platform.store import ChainValues


def test_a_new_epoch_becomes_current_and_the_one_before_is_left(bench: Bench, gateway: SimGateway) -> None:
    bench.bundle(gateway, 1, 10)
    old = gateway.clone()
    gateway.begin_epoch()
    gateway.append(5)
    taken = bench.bundle(gateway, 1, 5)
    assert (causes(taken), taken.answer, bench.mark(gateway)) == (["epoch.new"], True, 5)
    spoken = bench.bundle(old, 11, 20)
    assert (causes(spoken), spoken.fresh, spoken.moved) == (["epoch.returned"], 10, False)
    assert bench.mark(gateway) == 5
    state = bench.take("state", old.state())
    assert (causes(state), state.alive) == (["epoch.returned"], False)


def test_a_state_may_name_the_new_epoch_first(bench: Bench, gateway: SimGateway) -> None:
    bench.bundle(gateway, 1, 10)
    gateway.begin_epoch()
    taken = bench.take("state", gateway.state())
    assert (causes(taken), taken.answer, taken.alive, bench.mark(gateway)) == (["epoch.new"], True, True, 0)


@pytest.mark.parametrize("seen", [True, False])
def test_an_alarm_that_overtook_the_old_epoch_within_the_platform_is_no_fault(
    bench: Bench, gateway: SimGateway, seen: bool
) -> None:
    if seen:
        bench.bundle(gateway, 1, 10)
    old = gateway.clone()
    gateway.begin_epoch()
    gateway.append(1, lane=0, kind="smoke.detected")
    bench.take("bundle", gateway.bundle(1, 1, lane=0), arrival=100)
    late = bench.take("bundle", old.bundle(11, 20), arrival=99)
    assert (causes(late), late.fresh) == ([], 10)
    assert bench.mark(gateway, 0) == 1
    assert causes(bench.take("bundle", old.bundle(21, 30), arrival=101)) == ["epoch.returned"]


def test_an_event_journalled_again_under_a_new_epoch_is_acted_on_once(
    bench: Bench, gateway: SimGateway
) -> None:
    bench.bundle(gateway, 1, 10)
    identity, chain = b"i" * 16, gateway.chain(10)
    gateway.append(identity=identity)
    assert bench.bundle(gateway, 11, 31).fresh == 21
    gateway.begin_epoch()
    gateway.append(identity=chain)  # number 10 of the epoch before, which had no key 9
    gateway.append(identity=identity)
    gateway.append(2, identity=b"j" * 16)  # twice in one bundle
    taken = bench.bundle(gateway, 1, 4)
    assert (taken.fresh, taken.duplicates, bench.mark(gateway)) == (1, 3, 4)
    assert bench.store.counts() == {"events": 35, "copies": 3, "lost": 0}


def test_an_identity_belongs_to_its_gateway(bench: Bench, gateway: SimGateway) -> None:
    other = SimGateway("hub-2")
    other.append(identity=gateway.chain(10))
    assert bench.bundle(other, 1, 1).fresh == 1
    assert bench.bundle(gateway, 1, 10).fresh == 10


@pytest.mark.parametrize("read_all", [True, False])
def test_what_does_not_decode_is_stored_and_receipted_with_the_reason(
    gateway: SimGateway, read_all: bool
) -> None:
    bench = Bench(read_all=read_all)
    gateway.lanes[0] = [b"\xff", b""]
    taken = bench.bundle(gateway, 1, 2, lane=0)  # alarms are always read
    assert (taken.fresh, taken.moved, bench.mark(gateway, 0)) == (2, True, 2)
    assert causes(taken) == ["event.undecodable"] * 2
    assert [event.content for event in taken.verified] == [None, None]
    stored = bench.store.ask("SELECT event, fault FROM event ORDER BY seq").fetchall()
    assert [row[0] for row in stored] == [b"\xff", b""]
    assert all(row[1] for row in stored)
    bench.close()


def test_unknown_kinds_and_keys_of_24_and_above_block_nothing(bench: Bench, gateway: SimGateway) -> None:
    gateway.lanes[1] = [cbor.encode({1: 7, 2: 9999, 3: 1, 4: 5, 6: {9000: 1}, 24: "later"})]
    taken = bench.bundle(gateway, 1, 1, lane=1)
    assert (taken.faults, bench.mark(gateway, 1)) == ([], 1)
    content = taken.verified[0].content
    assert content is not None
    assert (content.kind, content.values) == ("#9999", {"#9000": 1})


def test_a_state_counts_as_a_sign_of_life_when_it_is_newer(bench: Bench, gateway: SimGateway) -> None:
    first = gateway.state(newer=False)
    second = gateway.state()
    assert not bench.take("state", second, retained=True).alive
    assert bench.take("state", first).alive
    assert bench.take("state", second).alive
    assert not bench.take("state", second).alive
    assert not bench.take("state", first).alive
    gateway.boot += 1
    gateway.uptime_ms = 0
    assert bench.take("state", gateway.state()).alive
    assert not bench.take("state", second).alive  # the boot before, replayed


def test_a_replayed_state_is_no_sign_of_life_after_a_restart_either(
    bench: Bench, gateway: SimGateway
) -> None:
    state = gateway.state()
    assert bench.take("state", state).alive
    bench.restart()
    assert not bench.take("state", state).alive
    assert bench.take("state", gateway.state()).alive


def test_numbers_that_go_back_are_reported(bench: Bench, gateway: SimGateway) -> None:
    bench.take("state", gateway.state())
    gateway.lanes[3] = gateway.lanes[3][:10]
    assert causes(bench.take("state", gateway.state())) == ["numbers.back"]


def test_a_state_of_another_chain_is_a_fork(bench: Bench, gateway: SimGateway) -> None:
    bench.bundle(gateway, 1, 30)
    gateway.lanes[3] = gateway.lanes[3][:29]
    gateway.append()
    assert causes(bench.take("state", gateway.state())) == ["fork"]


def test_the_ledger_goes_on_from_its_store(bench: Bench, gateway: SimGateway) -> None:
    old = gateway.clone()
    old.begin_epoch()
    old.append()
    bench.bundle(old, 1, 1)
    bench.bundle(gateway, 1, 10)
    bench.bundle(gateway, 21, 30)
    bench.take("manifest", gateway.manifest(1, [{"placement": 7, "driver": "plx", "room": "bedroom"}]))
    bench.restart()
    assert bench.mark(gateway) == 10
    assert bench.bundle(gateway, 21, 30).repeated
    assert bench.bundle(gateway, 11, 20).moved
    assert bench.mark(gateway) == 30
    assert causes(bench.bundle(old, 1, 1)) == ["epoch.returned"]
    assert bench.ledger.book(gateway.tenant, gateway.name).devices[7][1]["room"] == "bedroom"


def test_boots_are_dated_by_bundles_and_states(bench: Bench, gateway: SimGateway) -> None:
    bench.bundle(gateway, 1, 10, boots={5: 1_000_000})
    bench.take("state", gateway.state(utc_ms=9_000_000))
    bench.restart()
    zero = bench.ledger.book(gateway.tenant, gateway.name).zero_utc_ms
    assert zero == {5: 1_000_000, gateway.boot: 9_000_000 - gateway.uptime_ms}


def test_the_higher_revision_has_the_last_word_on_a_placement(bench: Bench, gateway: SimGateway) -> None:
    newer = gateway.manifest(2, [{"placement": 7, "driver": "plx", "room": "kitchen"}])
    older = gateway.manifest(
        1, [{"placement": 7, "driver": "plx", "room": "hall"}, {"placement": 8, "driver": "bthome"}]
    )
    for message in (newer, older, newer):
        bench.take("manifest", message, retained=True)
    for _ in range(2):
        devices = bench.ledger.book(gateway.tenant, gateway.name).devices
        assert (devices[7][1]["room"], devices[8][1]["driver"]) == ("kitchen", "bthome")
        bench.restart()
    assert bench.store.ask("SELECT count(*) FROM manifest").fetchone() == (2,)


def test_numbers_beyond_what_the_store_counts_are_refused(bench: Bench, gateway: SimGateway) -> None:
    huge = 2**63
    payload_of = gateway.seal
    bundle = {
        "lane": 3,
        "epoch": gateway.epoch,
        "first_seq": huge,
        "before": b"b" * 16,
        "events": [b"x"],
        "manifest": 1,
    }
    message = payload_of("bundle", wire.encode_payload("bundle", gateway.tenant, gateway.name, bundle))
    with pytest.raises(RefusedError):
        bench.take("bundle", message)
    gateway.boot = huge
    with pytest.raises(RefusedError):
        bench.take("state", gateway.state())
    assert bench.bundle(gateway, 1, 10, boots={huge: 1, 2: -huge - 1, 3: 5}).fresh == 10


def test_a_receipt_is_no_message_to_a_platform(bench: Bench, gateway: SimGateway) -> None:
    payload = wire.encode_payload(
        "receipt", gateway.tenant, gateway.name, {"epoch": gateway.epoch, "lanes": {}}
    )
    with pytest.raises(RefusedError):
        bench.take("receipt", gateway.seal("receipt", payload))


def test_an_original_that_comes_after_its_copy_is_the_copy(bench: Bench, gateway: SimGateway) -> None:
    old = gateway.clone()
    bench.bundle(old, 1, 5)
    gateway.begin_epoch()
    gateway.append(identity=old.chain(4))
    gateway.append(identity=old.chain(6))
    gateway.append(identity=old.chain(7))
    first = bench.bundle(gateway, 1, 2)
    assert (first.fresh, first.duplicates) == (1, 1)  # number 4 was here, number 6 was not
    late = bench.bundle(old, 6, 7)
    assert (late.fresh, late.duplicates) == (1, 1)  # number 6 is known by its copy
    assert bench.bundle(gateway, 3, 3).duplicates == 1  # what came late is known too


def test_an_epoch_of_many_events_is_searched_exactly() -> None:
    values = [number.to_bytes(16, "big") for number in range(1, 2_000, 2)]
    chains = ChainValues(reversed(values))
    assert all(value in chains for value in values)
    assert not any(number.to_bytes(16, "big") in chains for number in range(0, 2_002, 2))
    assert b"\0" * 16 not in ChainValues([])
