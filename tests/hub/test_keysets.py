"""Keysets over restarts: what is taken up again, and what is not believed any more."""

from gateway.core import cbor
from gateway.hub.inward import KEYSET_STATE
from hal.types import LANES
from tests.hub.bench import Bench, play


def held(bench: Bench) -> int:
    return sum([bench.journal.mark(lane).last - bench.journal.mark(lane).first + 1 for lane in LANES])


def test_a_keyset_that_is_of_no_use_any_more_does_not_prevent_a_start():
    async def scene(bench: Bench):
        await bench.journal.append([], {KEYSET_STATE: b"no keyset", "trust.roots": cbor.encode([])})
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(20_000)
        assert bench.app.trust.version == 1 and held(bench) == 0

    play(scene)


def test_the_keyset_is_known_after_a_restart_without_a_broker():
    async def scene(bench: Bench):
        bench.broker.stop()
        await bench.cut()
        await bench.build().start()
        assert bench.app.trust.version == 1 and bench.app.inward.early is None

    play(scene)


def test_a_root_key_that_is_replaced_in_the_configuration_is_trusted_no_longer():
    async def scene(bench: Bench):
        assert bench.app.trust.version == 1
        await bench.cut()
        former, bench.platform.root_key = (
            bench.platform.root_key,
            bench.platform.ed25519.public_key(b"n" * 32),
        )
        bench.broker.stop(forget=True)
        await bench.build().start()
        assert bench.app.trust.version == 0 and bench.app.trust.roots_held() == [bench.platform.root_key]
        bench.broker.start()
        await bench.platform.stop()
        await bench.platform.start()  # its keyset is still signed by the former root
        await bench.clock.advance(20_000)
        assert bench.app.trust.version == 0 and former not in bench.app.trust.roots_held()
        assert held(bench) > 0
        renewed = bench.platform.keyset(1, seed=b"n" * 32)
        await bench.platform.uplink.publish(bench.platform.topic("keyset"), renewed, retain=True)
        await bench.clock.advance(20_000)
        assert bench.app.trust.version == 1 and held(bench) == 0
        await bench.cut()
        bench.broker.stop()
        await bench.build().start()
        assert bench.app.trust.version == 1, "and after the next restart it is taken up"

    play(scene)


def test_a_receipt_by_a_stranger_that_came_before_the_keyset_is_not_held_against_the_keyset():
    async def scene(bench: Bench):
        await bench.platform.uplink.publish(
            bench.platform.topic("receipt"), bench.platform.receipt({}, seed=b"x" * 32)
        )
        await bench.clock.advance(1_000)
        assert bench.app.inward.early is not None
        before = dict(bench.app.inward.refused)
        await bench.platform.uplink.publish(
            bench.platform.topic("keyset"), bench.platform.keyset(2), retain=True
        )
        await bench.clock.advance(1_000)
        assert bench.app.trust.version == 2
        new = {key for key, count in bench.app.inward.refused.items() if count != before.get(key, 0)}
        assert new and all(key.startswith("receipt: ") for key in new), new

    play(scene)
