"""Names that people gave devices stay in the home (N7)."""

from gateway.hub.app import nameless
from hal.types import LANES
from tests.hub.bench import HOME, Bench, play

NAMES = [device["name"].encode() for device in HOME["device"]]


def test_a_fault_of_the_configuration_says_where_and_neither_name_nor_value():
    table = [
        ("hub.toml: device[Kari's bed].driver: found 'x', expected one of plx", "hub.toml: device[].driver"),
        ("hub.toml: device[a].b[c].d: found 1, expected 2", "hub.toml: device[].b[].d"),
        ("hub.toml: hub.id: found nothing, expected a name", "hub.toml: hub.id"),
        ("hub.toml: device[unfinished: found x", "hub.toml: device"),
        ("", ""),
    ]
    for said, upstream in table:
        assert nameless(said) == upstream, said


def test_nothing_that_leaves_the_home_holds_a_device_name():
    async def scene(bench: Bench):
        await bench.cut()
        bench.options = {"fault": "hub.toml: device[Front door].driver: found 'x', expected one of plx"}
        await bench.build().start()
        bench.door(True, 1)
        bench.smoke(True, 1)
        bench.world.lose_adapter()
        await bench.clock.advance(2_000_000)
        sent = [message.payload for message in bench.broker.accepted]
        assert len(sent) > 5
        for lane in LANES:
            sent += [entry.event for entry in bench.journal.peek(lane, 0, 1 << 20)]
        for name in NAMES:
            assert not any([name in payload for payload in sent]), name

    play(scene)
