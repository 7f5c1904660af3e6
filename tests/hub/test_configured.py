"""Configuration from afar: used where it is good and the platform is reached with it, taken back where not."""

from gateway.core import cbor
from gateway.core.config_trial import NOT_STARTED, STARTS, STATE, TRIAL_MS, UNREACHED
from gateway.core.trust import Trust
from gateway.hub.configured import Configured
from gateway.hub.status import status
from hal.types import SAFETY, TECHNICAL
from tests.hub.bench import DAY_UTC_MS, Bench, play
from tests.hub.shelves import layer, publish, refusals, shelved, stop, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ENGLISH, NORWEGIAN = layer(hub={"language": "en"}), layer(hub={"language": "nb"})


def test_a_good_one_is_in_use_after_a_start_and_the_platform_is_told():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        bench.door(True, 1)
        await publish(bench, shelf, 7, ENGLISH)
        assert shelf.starts == 2 and bench.app.config.hub.language == "en"
        assert told(bench, "config.applied") == [{"revision": 7, "local_changes": 0}]
        assert bench.platform.states[-1]["config"] == 7 and shelf.before == []
        facts: "Any" = status(bench.app)["configuration"]
        assert (facts["revision"], facts["on_trial"], facts["reason"]) == (7, False, "")
        await shelf.follow(2 * TRIAL_MS)
        assert shelf.starts == 2, "the broker hands it out at each connection"

    play(scene, utc_ms=DAY_UTC_MS)


def test_an_alarm_that_comes_while_the_hub_starts_anew_is_delivered():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        bench.smoke(True, 1)
        await bench.platform.say("config", bench.platform.config(1, ENGLISH), retain=True)
        await bench.clock.advance(200)
        assert shelf.wants_start
        bench.smoke(False, 2)
        await bench.clock.advance(100)
        await shelf.follow(10_000)
        assert bench.platform.kinds(SAFETY) == ["smoke.detected", "smoke.cleared"]
        assert bench.app.config.hub.language == "en" and "hub.stopped" in bench.platform.kinds(TECHNICAL)

    play(scene)


def test_one_with_a_fault_is_refused_with_the_place_and_without_names():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        await publish(bench, shelf, 1, layer(device=[{"name": "Kari", "driver": "bthome", "address": "x"}]))
        await publish(bench, shelf, 2, cbor.encode({"hub": {"data_directory": "/elsewhere"}}))
        await publish(bench, shelf, 3, b"\xff\xff")
        refused = told(bench, "config.refused")
        assert [row["revision"] for row in refused] == [1, 2, 3] and shelf.starts == 1
        assert refused[0]["reason"] == "device[].address cannot be used as it stands there"
        assert refused[1]["reason"].startswith("hub.data_directory may not come from afar")
        assert "Kari" not in str(refused) and shelf.published is None
        await publish(bench, shelf, 4, ENGLISH)
        assert bench.app.config.hub.language == "en"

    play(scene)


def test_revisions_rise_and_one_that_was_dealt_with_is_not_tried_again():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        await publish(bench, shelf, 5, ENGLISH)
        await publish(bench, shelf, 4, layer(hub={"language": "nb"}))
        assert "older than the one held" in refusals(bench)
        await publish(bench, shelf, 5, layer(hub={"language": "nb"}))
        assert "has not a higher revision" in refusals(bench)
        await publish(bench, shelf, 0, layer(hub={"language": "nb"}))
        assert bench.app.config.hub.language == "en" and shelf.starts == 2
        await publish(bench, shelf, 6, ENGLISH)
        assert shelf.starts == 2, "what runs, under a new number"
        assert told(bench, "config.applied")[-1]["revision"] == 6

    play(scene)


def test_one_that_loses_the_broker_is_taken_back_and_says_so():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        await publish(bench, shelf, 1, ENGLISH)
        bench.broker.stop()  # what a wrong list of brokers does
        await bench.clock.advance(100)
        bench.broker.start()
        await bench.platform.stop()
        await bench.platform.start()
        await publish(bench, shelf, 2, layer(hub={"language": "nb"}), wait_ms=1_000)
        bench.broker.stop()
        await shelf.follow(TRIAL_MS - 10_000)
        assert bench.app.config.hub.language == "nb" and shelf.starts == 3, "it has its time"
        bench.smoke(True, 1)
        await shelf.follow(30_000)
        assert bench.app.config.hub.language == "en" and shelf.starts == 4, "the one before"
        bench.broker.start()
        await bench.platform.stop()
        await bench.platform.start()
        await shelf.follow(120_000)
        assert told(bench, "config.refused")[-1] == {"revision": 2, "reason": UNREACHED}
        assert bench.platform.states[-1]["config"] == 1
        assert "smoke.detected" in bench.platform.kinds(SAFETY), "what was told meanwhile is there"
        await shelf.follow(2 * TRIAL_MS)
        assert shelf.starts == 4, "it is not tried again, however often the broker hands it out"

    play(scene)


def test_a_power_cut_while_it_is_tried_begins_the_trial_again_and_too_many_end_it():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        await publish(bench, shelf, 1, ENGLISH, wait_ms=1_000)
        bench.platform.receipting = False
        for _ in range(STARTS):
            await bench.cut()
            await shelf.start()
            await shelf.follow(5_000)
        assert bench.app.config.hub.language == "nb", "it ended again and again"
        bench.platform.receipting = True
        await shelf.follow(30_000)
        assert "again and again" in told(bench, "config.refused")[0]["reason"]

    async def slow(bench: Bench):
        bench.platform.receipting = False
        await scene(bench)

    play(slow)


def test_one_with_which_the_hub_does_not_start_is_refused_and_the_one_before_goes_on():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        shelf.fails_to_start = True
        await publish(bench, shelf, 3, ENGLISH)
        assert bench.app.config.hub.language == "nb" and shelf.published is None
        assert told(bench, "config.refused") == [
            {"revision": 3, "reason": "the gateway did not start with it"}
        ]
        assert bench.platform.states[-1]["config"] == 0

    play(scene)


def test_one_that_was_in_use_and_is_put_back_all_the_same_is_said_and_tried_once_more():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        await publish(bench, shelf, 1, ENGLISH)
        await publish(bench, shelf, 2, NORWEGIAN)
        shelf.before, shelf.fails_to_start = [ENGLISH], True  # a cut left the one before, and it came back
        await bench.cut()
        await shelf.start()
        assert bench.app.config.hub.language == "en"
        shelf.fails_to_start = False
        await shelf.follow(20_000)
        assert told(bench, "config.refused") == [{"revision": 2, "reason": NOT_STARTED}]
        assert told(bench, "config.applied")[-1]["revision"] == 2 and shelf.published == NORWEGIAN

    play(scene)


def test_one_that_cannot_be_written_is_refused():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        shelf.is_broken = True
        await publish(bench, shelf, 1, ENGLISH)
        assert "takes nothing" in told(bench, "config.refused")[0]["reason"] and shelf.starts == 1
        shelf.is_broken = False
        await publish(bench, shelf, 2, ENGLISH)
        assert bench.app.config.hub.language == "en"

    play(scene)


def test_a_cut_before_it_is_on_the_disk_lets_it_come_again():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        use = shelf.use
        shelf.use = lambda data: bench.clock.sleep_ms(3_600_000)  # type: ignore[method-assign]
        await publish(bench, shelf, 1, ENGLISH, wait_ms=2_000)
        shelf.use = use  # type: ignore[method-assign]
        await bench.cut()
        await shelf.start()
        await shelf.follow(20_000)
        assert bench.app.config.hub.language == "en" and told(bench, "config.applied")[0]["revision"] == 1

    play(scene)


def test_a_layer_that_is_lost_from_the_disk_is_taken_again():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        await publish(bench, shelf, 1, ENGLISH)
        shelf.published = None
        await bench.cut()
        await shelf.start()
        await shelf.follow(20_000)
        assert bench.app.config.hub.language == "en" and shelf.published == ENGLISH

    play(scene)


def test_what_the_home_has_otherwise_is_counted_for_the_platform_and_named_in_the_home():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        shelf.home = {"device": [{"name": "Bed", "driver": "bthome", "address": "C0:00:00:00:00:09"}]}
        await publish(bench, shelf, 1, ENGLISH)
        facts: "Any" = status(bench.app)["configuration"]
        assert facts["local"] == ["device[Bed].address", "device[Bed].driver", "device[Bed].name"]
        assert told(bench, "config.applied")[0]["local_changes"] == 3
        assert "Bed" not in str(bench.platform.states)

    play(scene)


def test_whoever_may_not_configure_is_refused():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        forged = bench.platform.config(1, ENGLISH)
        await bench.platform.say("config", forged[:-1] + bytes([forged[-1] ^ 1]), retain=True)
        await bench.platform.say("config", bench.platform.config(1, ENGLISH, seed=b"x" * 32), retain=True)
        await shelf.follow(5_000)
        assert "the signature does not hold" in refusals(bench) and "does not name" in refusals(bench)
        assert shelf.starts == 1
        keyset = bench.platform.keyset(3, roles=("receipt", "command"))
        await bench.platform.say("keyset", keyset, retain=True)
        await publish(bench, shelf, 2, ENGLISH)
        assert "without the role config" in refusals(bench) and shelf.starts == 1

    play(scene)


def test_one_that_the_broker_hands_out_before_the_keyset_is_used():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        bench.app.trust.keys, bench.app.trust.version, bench.app.trust.held = {}, 0, None
        await publish(bench, shelf, 1, ENGLISH, wait_ms=2_000)
        assert shelf.starts == 1 and isinstance(bench.app.trust, Trust)
        await bench.platform.say("keyset", bench.platform.keyset(2, roles=("receipt", "config")), retain=True)
        await shelf.follow(10_000)
        assert bench.app.config.hub.language == "en"

    play(scene)


def test_a_gateway_that_can_keep_none_takes_none():
    async def scene(bench: Bench):
        await bench.platform.give_roles("config")
        await bench.platform.say("config", bench.platform.config(1, ENGLISH), retain=True)
        await bench.clock.advance(5_000)
        assert "config: this gateway takes no such message" in bench.app.inward.refused
        assert bench.journal.state(STATE) is None

    play(scene)


class Trusting(Configured):
    """Wrong: what started stays, whether the platform is reached or not."""

    async def run(self) -> None:
        self.standing.keep()
        await self.say_applied()


def test_control_without_the_trial_a_lost_broker_stays_lost():
    async def scene(bench: Bench):
        shelf = await shelved(bench)
        await publish(bench, shelf, 1, ENGLISH, wait_ms=500)
        await stop(bench)
        bench.broker.stop()
        await shelf.start()
        await Trusting.run(bench.app.configured)
        await shelf.follow(2 * TRIAL_MS)
        assert bench.app.config.hub.language == "en" and shelf.starts == 2, "nobody takes it back"

    play(scene)
