"""Keysets over restarts: what is taken up again, and what is not believed any more."""

import asyncio

from gateway.core import cbor
from gateway.hub.inward import KEYSET_STATE
from gateway.hub.status import status
from hal.types import LANES
from tests.hub.bench import NIGHT_UTC_MS, Bench, play

HOUR_MS = 3_600_000


def held(bench: Bench) -> int:
    return sum([bench.journal.mark(lane).last - bench.journal.mark(lane).first + 1 for lane in LANES])


def count(bench: Bench, kind: str) -> int:
    """How many events of a kind were stored, delivered or not."""
    return [fields["kind"] for _, message, fields in bench.logged if message == "stored"].count(kind)


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
        assert bench.app.trust.version == 1 and bench.app.inward.early == {}

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
        assert "receipt" in bench.app.inward.early
        before = dict(bench.app.inward.refused)
        await bench.platform.uplink.publish(
            bench.platform.topic("keyset"), bench.platform.keyset(2), retain=True
        )
        await bench.clock.advance(1_000)
        assert bench.app.trust.version == 2
        new = {key for key, count in bench.app.inward.refused.items() if count != before.get(key, 0)}
        assert new and all(key.startswith("receipt: ") for key in new), new

    play(scene)


def test_an_expired_keyset_is_said_still_receipts_and_is_renewed():
    async def scene(bench: Bench):
        platform = bench.platform
        soon = platform.keyset(2, (bench.clock.utc_ms() or 0) + 60_000)
        await platform.uplink.publish(platform.topic("keyset"), soon, retain=True)
        await bench.clock.advance(50_000)
        assert count(bench, "keyset.expired") == 0
        await bench.clock.advance(20_000)
        assert count(bench, "keyset.expired") == 1
        bench.door(True, 1)
        await bench.clock.advance(10_000)
        assert held(bench) == 0, "receipts count under an expired keyset"
        await bench.cut()
        await bench.build().start()
        bench.clock.untrust()
        await bench.clock.advance(30_000)
        assert count(bench, "keyset.expired") == 1 and count(bench, "keyset.renewed") == 0
        bench.clock.set_utc(NIGHT_UTC_MS + HOUR_MS)
        await platform.uplink.publish(platform.topic("keyset"), platform.keyset(3), retain=True)
        await bench.clock.advance(30_000)
        assert count(bench, "keyset.renewed") == 1 and bench.app.trust.version == 3

    play(scene)


def test_the_lamp_and_the_status_show_an_expired_keyset_also_of_version_0():
    async def scene(bench: Bench):
        keyset, bench.platform.keyset_version = bench.platform.keyset, 0
        bench.platform.keyset = lambda version: keyset(version, NIGHT_UTC_MS - 1)  # type: ignore[method-assign]
        await bench.start()
        await bench.clock.advance(20_000)
        assert bench.app.supervise.lamp() == "fault" and status(bench.app)["keyset"] == 0
        assert status(bench.app)["faults"] == ["keyset.expired"]
        await bench.end()

    async def alone() -> None:
        await scene(Bench())

    asyncio.run(alone())
