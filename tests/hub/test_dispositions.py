"""Dispositions: what the platform says became of an alarm reaches people in the home, and nothing else does."""

from gateway.core.alarms import ACCEPTED, FAILED, FORWARDED, HANDLED, STATE, Alarms
from gateway.core.checks import Checks
from gateway.hub.dispositions import KEEP_MS
from gateway.hub.inward import Inward
from gateway.hub.status import status
from hal.types import SAFETY
from tests.hub.bench import DAY_UTC_MS, Bench, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def told(bench: Bench) -> "list[Any]":
    return status(bench.app)["alarms"]  # type: ignore[return-value]


def became(bench: Bench) -> "list[Any]":
    return [row["became"] for row in told(bench)]


async def alarmed(bench: Bench, packet: int = 1) -> bytes:
    """The smoke detector alarms; the identity of what was stored."""
    bench.smoke(True, packet)
    await bench.clock.advance(1_000)
    return bytes.fromhex(told(bench)[0]["identity"])


async def say(bench: Bench, identity: bytes, word: int, utc_ms: int = 10, **more: "Any") -> None:
    await bench.platform.say("disposition", bench.platform.disposition(identity, word, utc_ms, **more))
    await bench.clock.advance(1_000)


def refusals(bench: Bench) -> str:
    return " | ".join(sorted(bench.app.inward.refused))


def test_what_became_of_an_alarm_is_told_and_survives_a_restart():
    async def scene(bench: Bench):
        await bench.platform.give_roles("disposition")
        identity = await alarmed(bench)
        assert became(bench) == [None] and told(bench)[0]["device"] == "Smoke"
        for number, word in enumerate((FORWARDED, ACCEPTED, HANDLED)):
            await say(bench, identity, word, number, note="Kari er på vei")
        row = told(bench)[0]
        assert (row["became"], row["note"], row["open"]) == ("handled", "Kari er på vei", False)
        await bench.cut()
        await bench.build().start()
        assert became(bench) == ["handled"] and bench.app.inward.refused == {}

    play(scene, utc_ms=DAY_UTC_MS)


def test_an_alarm_is_remembered_a_little_after_it_and_waits_for_nothing():
    async def scene(bench: Bench):
        bench.smoke(True, 1)
        await bench.clock.advance(100)
        assert bench.platform.kinds(SAFETY) == ["smoke.detected"], "delivered"
        assert bench.journal.state(STATE) is None, "before its record is kept"
        await bench.clock.advance(KEEP_MS)
        assert len(Alarms(bench.journal.state(STATE)).rows) == 1

    play(scene)


def test_who_tries_out_an_alarm_sees_what_became_of_it():
    async def scene(bench: Bench):
        await bench.platform.give_roles("disposition")
        bench.app.ringing.begin("Smoke", "smoke.detected")
        identity = await alarmed(bench)
        assert bench.app.ringing.facts()["state"] == "delivered"
        for number, word in enumerate(("forwarded", "accepted", "handled", "failed")):
            await say(bench, identity, number, number, note=word)
            facts = bench.app.ringing.facts()
            assert (facts["state"], facts["note"]) == (word, word)
        assert told(bench)[0]["exercise"] is True

    play(scene)


def test_one_played_back_changes_nothing():
    async def scene(bench: Bench):
        await bench.platform.give_roles("disposition")
        identity = await alarmed(bench)
        old = bench.platform.disposition(identity, FORWARDED, 10)
        await say(bench, identity, FORWARDED, 10)
        await bench.platform.say("disposition", old)
        await bench.clock.advance(1_000)
        assert bench.app.inward.refused == {}, "a broker may deliver twice"
        await say(bench, identity, FAILED, 20)
        await bench.platform.say("disposition", old)
        await bench.clock.advance(1_000)
        assert became(bench) == ["failed"] and "older" in refusals(bench)

    play(scene)


def test_whoever_may_not_say_it_is_refused():
    async def scene(bench: Bench):
        identity = await alarmed(bench)
        await say(bench, identity, HANDLED)
        assert "without the role disposition" in refusals(bench)
        await bench.platform.give_roles("disposition")
        await say(bench, identity, HANDLED, seed=b"x" * 32)
        assert "the keyset does not name" in refusals(bench)
        genuine = bench.platform.disposition(identity, HANDLED, 10)
        await bench.platform.say("disposition", genuine[:-1] + bytes([genuine[-1] ^ 1]))
        await bench.platform.say("disposition", genuine[:-1])
        await bench.platform.say("disposition", bench.platform.receipt({}))
        await bench.platform.say("disposition", bench.platform.disposition(bytes(16), HANDLED, 10))
        await bench.clock.advance(1_000)
        assert "the signature does not hold" in refusals(bench) and "does not remember" in refusals(bench)
        assert became(bench) == [None]
        await say(bench, identity, HANDLED)
        assert became(bench) == ["handled"]

    play(scene)


def test_under_an_expired_keyset_none_counts():
    async def scene(bench: Bench):
        await bench.platform.give_roles("disposition")
        identity = await alarmed(bench)
        soon = bench.platform.keyset(3, (bench.clock.utc_ms() or 0) + 1_000, ("receipt", "disposition"))
        await bench.platform.say("keyset", soon, retain=True)
        await bench.clock.advance(5_000)
        await say(bench, identity, HANDLED)
        assert became(bench) == [None] and "expired" in refusals(bench)

    play(scene)


def test_on_a_machine_that_is_slow_at_checks_every_alarm_gets_its_word():
    async def scene(bench: Bench):
        await bench.platform.give_roles("disposition")
        await bench.clock.advance(10_000)
        found = []
        for packet in (1, 3, 5):
            found.append(await alarmed(bench, packet))
            bench.smoke(False, packet + 1)
            await bench.clock.advance(60_000)
        for identity in found:
            await bench.platform.say("disposition", bench.platform.disposition(identity, ACCEPTED, 10))
        await bench.clock.advance(20_000)
        assert became(bench) == ["accepted"] * 3

    play_slowly(scene)


def play_slowly(scene: "Any") -> None:
    async def slow(bench: Bench):
        await bench.cut()
        bench.limits = {"check_gap_ms": 2_000}
        await bench.build().start()
        await bench.clock.advance(3_000)
        assert isinstance(bench.app.inward.checks, Checks)
        await scene(bench)

    play(slow)


class Believing(Inward):
    """Wrong: acts before the signature was checked."""

    async def order(self, sort: str, data: bytes) -> None:
        found = self.open(sort, data)
        if found is not None:
            await self.takers[sort].act(found[0])


def test_a_hub_that_believes_before_it_checks_is_caught():
    async def scene(bench: Bench):
        await bench.platform.give_roles("disposition")
        identity = await alarmed(bench)
        bench.app.inward.order = lambda sort, data: Believing.order(bench.app.inward, sort, data)
        genuine = bench.platform.disposition(identity, HANDLED, 10)
        await bench.platform.say("disposition", genuine[:-1] + bytes([genuine[-1] ^ 1]))
        await bench.clock.advance(1_000)
        assert became(bench) == ["handled"], "what the test of the forged ones would have seen"

    play(scene)
