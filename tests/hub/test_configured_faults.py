"""Configuration from afar where something else is wrong, too: files half edited, a full store, a newer one during a trial."""

from gateway.core import cbor
from gateway.core.config_trial import TRIAL_MS, UNREACHED
from hal.types import SAFETY
from tests.hub.bench import Bench, play
from tests.hub.shelves import layer, publish, refusals, shelved, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ENGLISH = layer(hub={"language": "en"})


def test_one_that_is_taken_back_while_the_files_are_edited_ends_nothing_and_the_next_is_taken():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        await publish(bench, shelf, 1, ENGLISH, wait_ms=1_000)
        bench.broker.stop()
        await shelf.follow(TRIAL_MS - 10_000)
        shelf.is_edited = True
        await shelf.follow(60_000)
        assert bench.app.configured.standing.reason == UNREACHED and shelf.published is None
        shelf.is_edited = False
        bench.broker.start()
        await bench.platform.stop()
        await bench.platform.start()
        bench.smoke(True, 1)
        await publish(bench, shelf, 2, layer(hub={"language": "nb"}), wait_ms=120_000)
        assert bench.platform.kinds(SAFETY) == ["smoke.detected"]
        assert told(bench, "config.applied")[-1]["revision"] == 2 and bench.app.config.hub.language == "nb"

    async def silent(bench: Bench):
        bench.platform.receipting = False
        await scene_of(bench)

    async def scene_of(bench: Bench):
        shelf = await shelved(bench)
        await publish(bench, shelf, 1, ENGLISH, wait_ms=1_000)
        shelf.is_edited = True
        await bench.cut()
        await shelf.start()  # what raised here ended the process for good
        bench.platform.receipting = True
        await shelf.follow(30_000)
        assert told(bench, "config.refused")[0]["revision"] == 1 and shelf.published is None

    play(scene)
    play(silent)


def test_whatever_goes_wrong_with_one_is_of_that_one_alone():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        check, use = shelf.check, shelf.use

        async def broken(data: bytes) -> None:
            raise TypeError("'<' of Kari")

        shelf.check = broken  # type: ignore[method-assign]
        await publish(bench, shelf, 1, ENGLISH)
        shelf.check, shelf.use = check, broken  # type: ignore[method-assign]
        await publish(bench, shelf, 2, ENGLISH)
        shelf.use = use  # type: ignore[method-assign]
        mixed = {"name": "A", "driver": "bthome", "address": "C0:00:00:00:00:09", "options": {1: 1, "a": 1}}
        await publish(bench, shelf, 3, cbor.encode({"device": [mixed]}))
        reasons = [row["reason"] for row in told(bench, "config.refused")]
        assert reasons[:2] == ["it cannot be used (TypeError)"] * 2 and len(reasons) == 3
        bench.smoke(True, 1)
        await publish(bench, shelf, 4, ENGLISH)
        assert bench.app.config.hub.language == "en" and bench.platform.kinds(SAFETY) == ["smoke.detected"]

    play(scene)


def test_a_newer_one_during_a_trial_says_nothing_that_is_not_so():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        await publish(bench, shelf, 4, ENGLISH)
        bench.platform.receipting = False
        tried = layer(hub={"language": "nb"})
        await publish(bench, shelf, 5, tried, wait_ms=2_000)
        await publish(bench, shelf, 6, tried, wait_ms=2_000)
        assert bench.app.configured.facts()["on_trial"] and shelf.starts == 3, "no receipt yet"
        await publish(bench, shelf, 7, b"\xff\xff", wait_ms=2_000)
        assert bench.app.configured.facts()["on_trial"] and "no tables" not in refusals(bench)
        assert "cannot be used" in refusals(bench)
        await publish(bench, shelf, 8, layer(quiet={"light": "on"}), wait_ms=2_000)
        assert shelf.starts == 4 and bench.app.configured.facts()["on_trial"]
        await shelf.follow(TRIAL_MS + 10_000)
        assert shelf.published == ENGLISH and bench.app.configured.standing.used == 4
        bench.platform.receipting = True
        await shelf.follow(60_000)
        assert [row["revision"] for row in told(bench, "config.applied")] == [4]
        assert [row["revision"] for row in told(bench, "config.refused")] == [8]
        assert bench.platform.states[-1]["config"] == 4

    play(scene)


def test_a_newer_one_that_cannot_be_written_during_a_trial_ends_in_the_one_before():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        await publish(bench, shelf, 1, ENGLISH)
        bench.platform.receipting = False
        await publish(bench, shelf, 2, layer(hub={"language": "nb"}), wait_ms=2_000)
        shelf.is_broken = True
        await publish(bench, shelf, 3, layer(quiet={"light": "on"}), wait_ms=5_000)
        assert shelf.published == ENGLISH and bench.app.config.hub.language == "en"
        assert bench.app.configured.facts()["revision"] == 1

    play(scene)


async def fill(bench: Bench) -> None:
    """Alarms that the platform does not receipt, until lane 0 alone fills the store."""
    bench.platform.receipting = False
    for number in range(120):
        bench.smoke(number % 2 == 0, number % 256)
        await bench.clock.advance(10)
    assert bench.app.recorder.full


def test_with_a_full_store_none_is_tried_and_with_room_it_is():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        await fill(bench)
        await publish(bench, shelf, 1, ENGLISH)
        assert shelf.starts == 1 and shelf.published is None, "nobody would know that it is on trial"
        assert "no room to try" in refusals(bench) and bench.app.configured.standing.revision == 0
        bench.platform.receipting = True
        await shelf.follow(60_000)
        await publish(bench, shelf, 1, ENGLISH)
        assert bench.app.config.hub.language == "en"
        assert told(bench, "config.applied") == [{"revision": 1, "local_changes": 0}]

    play(scene, capacity_bytes=8_000)


def test_the_one_before_goes_only_when_it_is_durable_that_the_new_one_stays():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        bench.platform.receipting = False
        await publish(bench, shelf, 1, ENGLISH, wait_ms=1_000)
        shelf.before = [None]
        keep = bench.app.recorder.offer

        async def full(work: "Any") -> bool:
            return False

        bench.app.recorder.offer = full  # type: ignore[method-assign]
        bench.platform.receipting = True
        bench.app.inward.receipts = 1  # reached
        await shelf.follow(5_000)
        assert not bench.app.configured.standing.on_trial and shelf.before == [None]
        bench.app.recorder.offer = keep  # type: ignore[method-assign]

    async def unknown(bench: Bench):
        shelf = await shelved(bench)
        shelf.published, shelf.before = ENGLISH, [None]  # on trial, and the journal knows nothing of it
        await bench.cut()
        await shelf.start()
        assert shelf.before == [None]

    play(scene)
    play(unknown)
