"""Commands from afar: each counts once, is answered by an event, and none touches an alarm."""

from gateway.core.commanding import LONGEST_MS, VERBS
from gateway.core.config import validate
from gateway.hub.app import App
from gateway.hub.commands import IDENTIFY_MS, Commands
from hal.types import SAFETY
from tests.hub.bench import DAY_UTC_MS, NIGHT_UTC_MS, OXIMETER, Bench, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OXIMETER_ROW = {"name": "Oximeter", "driver": "plx", "address": OXIMETER}
SWITCH_ROW = {
    "name": "Plate",
    "driver": "enocean",
    "sender": "05:00:00:01",
    "options": {"profile": "F6-05-02"},
}


def told(bench: Bench, kind: str) -> "list[Any]":
    return [event.values for _, _, event in bench.platform.order if event.kind == kind]


def refusals(bench: Bench) -> str:
    return " | ".join(sorted(bench.app.inward.refused))


async def allowed(bench: Bench) -> None:
    await bench.platform.give_roles("command")
    await bench.clock.advance(1_000)


def made(bench: Bench, counter: int, verb: str, **more: "Any") -> bytes:
    not_after = more.pop("not_after", (bench.clock.utc_ms() or DAY_UTC_MS) + 60_000)
    return bench.platform.command(counter, verb, not_after, **more)


async def say(bench: Bench, counter: int, verb: str, **more: "Any") -> None:
    await bench.platform.say("command", made(bench, counter, verb, **more))
    await bench.clock.advance(2_000)


def test_status_is_answered_in_numbers_and_words_of_ours():
    async def scene(bench: Bench):
        await allowed(bench)
        await say(bench, 1, "status")
        answer = told(bench, "command.answered")[0]
        assert answer["verb"] == "status" and answer["command_id"] == (1).to_bytes(16, "big")
        assert (answer["device_count"], answer["keyset_version"], answer["state"]) == (2, 2, "ok")
        assert answer["faults"] == "none" and "Smoke" not in str(answer), "no name that people gave (N7)"

    play(scene, utc_ms=DAY_UTC_MS)


def test_identify_shows_the_lamp_for_a_minute_and_not_in_the_hours_of_quiet():
    async def scene(bench: Bench):
        await allowed(bench)
        await say(bench, 1, "identify")
        assert bench.indicator.state == "identify"
        await bench.clock.advance(IDENTIFY_MS + 5_000)
        assert bench.indicator.state == "ok"
        bench.clock.set_utc(NIGHT_UTC_MS + 86_400_000)
        await say(bench, 2, "identify")
        assert bench.indicator.state == "quiet"
        assert [answer["state"] for answer in told(bench, "command.answered")] == ["identify", "quiet"]

    play(scene, utc_ms=DAY_UTC_MS)


def test_pair_opens_the_time_for_one_device_by_name_or_placement():
    async def scene(bench: Bench):
        await allowed(bench)
        await say(bench, 1, "pair", arguments={"device": "Oximeter"})
        assert bench.app.pairing.is_open()
        bench.app.pairing.cancel()
        placement = bench.app.pairing.named("Oximeter").placement
        await say(bench, 2, "pair", arguments={"placement": placement})
        assert bench.app.pairing.is_open()
        await say(bench, 3, "pair", arguments={"placement": placement})
        await say(bench, 4, "pair", arguments={"device": "Kari"})
        await say(bench, 5, "pair")
        reasons = [row["reason"] for row in told(bench, "command.refused")]
        assert "open already" in reasons[0] and "no such device" in reasons[1] and "Kari" not in reasons[1]
        assert len(reasons) == 3 and len(told(bench, "command.answered")) == 2

    tree = dict(Bench().tree)
    tree["device"] = tree["device"] + [OXIMETER_ROW]
    play(scene, tree=tree, utc_ms=DAY_UTC_MS)


class WithoutRadio(Bench):
    """A gateway that has no Bluetooth radio, by its configuration."""

    def build(self) -> App:
        machine = super().build().machine
        machine.scanner = machine.central = None
        config = validate(self.tree, "hub.toml")
        self.app = App(config, machine, [self.platform.root_key], self.driver_of, "trygg test", self.log)
        return self.app


def test_pair_is_refused_where_the_gateway_has_no_radio():
    async def scene(bench: Bench):
        await allowed(bench)
        await say(bench, 1, "pair", arguments={"device": "Oximeter"})
        await say(bench, 2, "pair", arguments={"device": "Plate"})
        assert bench.app.admission.facts() == {}, "nothing was begun"
        reasons = [row["reason"] for row in told(bench, "command.refused")]
        assert reasons == [
            "this gateway has no Bluetooth radio: look at [radio] in the configuration",
            "devices of the driver enocean are not paired",
        ]

    tree = dict(Bench().tree, enocean={"port": "/dev/ttyUSB0"})
    tree["device"] = tree["device"] + [OXIMETER_ROW, SWITCH_ROW]
    play(scene, WithoutRadio, tree=tree, utc_ms=DAY_UTC_MS)


def test_pair_is_refused_while_the_radio_does_not_listen_and_taken_again_when_it_does():
    async def scene(bench: Bench):
        await allowed(bench)
        bench.world.lose_adapter()
        await bench.clock.advance(5_000)
        await say(bench, 1, "pair", arguments={"device": "Oximeter"})
        await say(bench, 2, "pair", arguments={"device": "Kari"})
        assert bench.app.admission.facts() == {}, "nothing was begun"
        reasons = [row["reason"] for row in told(bench, "command.refused")]
        assert "radio does not listen" in reasons[0] and "no such device" in reasons[1]
        bench.world.restore_adapter()
        await bench.clock.advance(5_000)
        await say(bench, 3, "pair", arguments={"device": "Oximeter"})
        assert bench.app.pairing.is_open()

    tree = dict(Bench().tree)
    tree["device"] = tree["device"] + [OXIMETER_ROW]
    play(scene, tree=tree, utc_ms=DAY_UTC_MS)


def test_export_tells_of_each_device_without_its_name():
    async def scene(bench: Bench):
        await allowed(bench)
        bench.door(True, 1)
        await bench.clock.advance(5_000)
        await say(bench, 1, "export")
        await bench.clock.advance(20_000)
        assert told(bench, "command.answered")[0]["device_count"] == 2
        rows = told(bench, "device.reported")
        assert [(row["state"], row["frame_count"]) for row in rows] == [("heard", 1), ("unheard", 0)]
        assert rows[0]["heard_ago_ms"] >= 5_000 and rows[0]["driver"] == "bthome"

    play(scene, utc_ms=DAY_UTC_MS)


def test_each_counts_once_also_after_a_restart():
    async def scene(bench: Bench):
        await allowed(bench)
        recorded = made(bench, 5, "export")
        for message in (recorded, recorded, made(bench, 4, "status"), made(bench, 6, "status")):
            await bench.platform.say("command", message)
            await bench.clock.advance(1_000)
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(3_000)
        await bench.platform.say("command", recorded)
        await bench.clock.advance(2_000)
        assert [row["verb"] for row in told(bench, "command.answered")] == ["export", "status"]
        assert "its counter" not in refusals(bench) and "counter has been used" in refusals(bench)

    play(scene, utc_ms=DAY_UTC_MS)


def test_what_is_late_valid_for_long_or_forged_is_refused():
    async def scene(bench: Bench):
        await say(bench, 1, "status")
        assert "without the role command" in refusals(bench)
        await allowed(bench)
        now_ms = bench.clock.utc_ms() or 0
        await say(bench, 1, "status", not_after=now_ms - 1)
        await say(bench, 2, "status", not_after=now_ms + 2 * LONGEST_MS)
        await say(bench, 3, "status", seed=b"x" * 32)
        genuine = made(bench, 4, "status")
        await bench.platform.say("command", genuine[:-1] + bytes([genuine[-1] ^ 1]))
        await bench.clock.advance(2_000)
        said = refusals(bench)
        for words in ("has expired", "more than an hour", "does not name", "the signature does not hold"):
            assert words in said, words
        assert told(bench, "command.answered") == []
        await say(bench, 1, "status")
        assert len(told(bench, "command.answered")) == 1, "what was refused used no counter"

    play(scene, utc_ms=DAY_UTC_MS)


def test_a_verb_that_there_is_not_is_refused_to_whoever_asked():
    async def scene(bench: Bench):
        await allowed(bench)
        for counter, verb in enumerate(("mute", "dispense", "restart", "")):
            await say(bench, counter + 1, verb)
        await say(bench, 9, "status", arguments={"lane": 0})
        rows = told(bench, "command.refused")
        assert [row["verb"] for row in rows] == ["mute", "dispense", "restart", "", "status"]
        assert "no such command" in rows[0]["reason"] and "takes no argument" in rows[4]["reason"]

    play(scene, utc_ms=DAY_UTC_MS)


def test_without_a_clock_only_what_changes_nothing_is_carried_out():
    async def scene(bench: Bench):
        await allowed(bench)
        bench.clock.untrust()
        for counter, verb in enumerate(VERBS):
            await say(bench, counter + 1, verb, arguments={"device": "Smoke"} if verb == "pair" else None)
        assert [row["verb"] for row in told(bench, "command.answered")] == ["status", "identify"]
        assert [row["verb"] for row in told(bench, "command.refused")] == ["pair", "export"]
        assert "clock is not set" in told(bench, "command.refused")[0]["reason"]

    play(scene, utc_ms=DAY_UTC_MS)


def test_with_a_full_store_only_what_changes_nothing_is_carried_out():
    async def scene(bench: Bench):
        await allowed(bench)
        bench.platform.receipting = False
        for number in range(120):
            bench.smoke(number % 2 == 0, number % 256)
            await bench.clock.advance(10)
        assert bench.app.recorder.full
        for counter, verb in enumerate(VERBS):
            await say(bench, counter + 1, verb, arguments={"device": "Oximeter"} if verb == "pair" else None)
        assert not bench.app.pairing.is_open(), "its counter is not durable: after a cut it would count again"
        bench.platform.receipting = True
        await bench.clock.advance(60_000)
        assert [row["verb"] for row in told(bench, "command.answered")] == ["status", "identify"]
        assert [row["verb"] for row in told(bench, "command.refused")] == ["pair", "export"]
        assert "could count twice" in told(bench, "command.refused")[0]["reason"]

    tree = dict(Bench().tree)
    tree["device"] = tree["device"] + [OXIMETER_ROW]
    play(scene, tree=tree, utc_ms=DAY_UTC_MS, capacity_bytes=8_000)


def test_no_verb_keeps_an_alarm_back():
    async def scene(bench: Bench):
        await allowed(bench)
        for counter, verb in enumerate(VERBS + ("mute", "quiet")):
            await say(bench, counter + 1, verb)
            bench.smoke(counter % 2 == 0, counter + 1)
            await bench.clock.advance(1_000)
        assert len(bench.platform.kinds(SAFETY)) == len(VERBS) + 2

    play(scene, utc_ms=DAY_UTC_MS)


def test_a_flood_of_commands_on_a_machine_that_is_slow_at_checks_delays_no_receipt():
    async def scene(bench: Bench):
        await bench.cut()
        bench.limits = {"check_gap_ms": 2_000}
        await bench.build().start()
        await allowed(bench)
        await bench.clock.advance(10_000)
        for number in range(200):
            forged = made(bench, 1_000 + number, "status")
            await bench.platform.say("command", forged[:-1] + bytes([forged[-1] ^ 1]))
        bench.smoke(True, 1)
        await bench.clock.advance(10_000)
        marks = bench.journal.mark(SAFETY)
        assert marks.first > marks.last, "receipted"

    play(scene, utc_ms=DAY_UTC_MS)


class Forgetful(Commands):
    """Wrong: does not keep the counters."""

    async def act(self, parsed: "Any") -> None:
        before = dict(self.counters.last)
        await super().act(parsed)
        self.counters.last = before


def test_control_a_hub_that_keeps_no_counters_carries_out_what_is_played_back():
    async def scene(bench: Bench):
        await allowed(bench)
        bench.app.inward.takers["command"] = Forgetful(bench.app)
        recorded = made(bench, 5, "export")
        for _ in range(2):
            await bench.platform.say("command", recorded)
            await bench.clock.advance(1_000)
        assert len(told(bench, "command.answered")) == 2, "what the test of once would have seen"

    play(scene, utc_ms=DAY_UTC_MS)
