"""The layer from afar, its trial, and the counters of commands: rules alone."""

from gateway.core import cbor, config_afar
from gateway.core.commanding import KEYS_LIMIT, LONGEST_MS, SLACK_MS, Counters, check_verb
from gateway.core.config_trial import APPLIED, NONE, REFUSED, STARTED_IN_VAIN, STARTS, Standing
from gateway.core.errors import ConfigError, RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ONE, TWO = b"one", b"two"


def refused(work: "Callable[[], object]") -> str:
    try:
        work()
    except RefusedError as error:
        return error.reason
    except ConfigError as error:
        return str(error)
    return ""


def test_who_a_gateway_is_and_what_it_proves_itself_with_does_not_come_from_afar():
    for section in config_afar.LOCAL:
        for key in config_afar.LOCAL[section]:
            tree = {section: {key: "x"}}
            said = refused(lambda tree=tree: config_afar.read(cbor.encode(tree)))  # type: ignore[misc]
            assert said.startswith(section + "." + key + " may not come from afar"), said
            assert refused(lambda tree=tree: config_afar.compiled(tree)) == said  # type: ignore[misc]
    tree = {"hub": {"language": "en"}, "uplink": {"brokers": ["mqtts://b.example"]}, "device": []}
    assert config_afar.read(config_afar.compiled(tree)) == tree


def test_the_ways_in_and_out_of_a_home_do_not_come_from_afar():
    def said(tree: "dict[str, object]") -> str:
        assert refused(lambda: config_afar.compiled(tree)) == refused(
            lambda: config_afar.read(cbor.encode(tree))
        )
        return refused(lambda: config_afar.compiled(tree))

    for section, key in (
        ("hub", "medical_device_functions"),
        ("radio", "backend"),
        ("radio", "transport"),
        ("storage", "capacity_mb"),
        ("page", "listen"),
        ("page", "open_at_start"),
        ("page", "access_point"),
    ):
        assert said({section: {key: True}}).startswith(section + "." + key + " may not come from afar")
    approved = {"name": "roll", "package": "trygg-example-roll"}
    assert said({"driver": [approved]}).startswith("driver may not come from afar")
    for port in ("socket://203.0.113.5:1", "rfc2217://a.example:1", "loop://"):
        for tree in (
            {"enocean": {"port": port}},
            {"device": [{"name": "A"}, {"name": "Kari", "port": port}]},
        ):
            assert "port of the network" in said(tree) and "Kari" not in said(tree)
    here = {"page": {"port": 8444}, "enocean": {"port": "usb:0403:6001"}, "radio": {"adapter": "hci1"}}
    assert said(here) == said({"device": [{"name": "A", "port": "/dev/ttyUSB0"}, "x"]}) == ""


def test_bytes_that_are_no_tables_are_refused():
    for data in (b"", b"\xff", cbor.encode([]), cbor.encode({1: {}}), cbor.encode("hub")):
        assert "compiled" in refused(lambda data=data: config_afar.read(data))  # type: ignore[misc]
    mixed = {1: "a", "b": "c"}  # keys that cannot be sorted
    for tree in ({"hub": mixed}, {"device": [{"name": "A", "options": mixed}]}, {"rule": [[mixed]]}):
        data = cbor.encode(tree)
        assert "compiled" in refused(lambda data=data: config_afar.read(data))  # type: ignore[misc]
    assert refused(lambda: config_afar.compiled({"hub": {"x": object()}}))


def test_what_a_layer_changes_is_named_by_its_keys():
    before = {"hub": {"language": "nb"}, "device": [{"name": "A", "room": "hall"}]}
    layer = {"hub": {"language": "nb"}, "device": [{"name": "A", "room": "attic"}, {"name": "B"}]}
    assert config_afar.changes(layer, before) == ["device[A].room", "device[B].name"]


def test_a_trial_ends_well_or_the_one_before_is_used():
    standing = Standing()
    assert standing.examine(1, ONE) and standing.used == 0
    standing.begin(1, ONE)
    standing = Standing(standing.encode())
    assert standing.on_trial and standing.at_start(ONE, "") == ""
    standing.keep()
    assert (standing.verdict, standing.used) == (APPLIED, 1) and not standing.examine(1, ONE)
    standing.begin(2, TWO)
    assert standing.used == 2
    standing.take_back("no")
    assert (standing.verdict, standing.used, standing.revision) == (REFUSED, 1, 2)
    assert not standing.examine(2, TWO)
    assert "older" in refused(lambda: standing.examine(1, ONE))
    assert "not a higher" in refused(lambda: standing.examine(2, ONE))
    assert "older" in refused(lambda: Standing().examine(0, ONE))


def test_a_newer_one_during_a_trial_leaves_what_is_gone_back_to():
    standing = Standing()
    standing.begin(4, ONE)
    standing.keep()
    standing.begin(5, TWO)
    standing.begin(6, b"six")
    standing.take_back("no")
    assert (standing.used, standing.revision) == (4, 6), "5 never stayed"
    standing.begin(7, TWO)
    standing.at_start(TWO, "")
    standing.renumber(8)
    assert standing.on_trial and (standing.used, standing.before, standing.starts) == (8, 4, 1)
    assert not standing.examine(8, TWO) and "older" in refused(lambda: standing.examine(7, TWO))


def test_starts_are_counted_and_one_that_never_came_onto_the_disk_comes_again():
    standing = Standing()
    standing.begin(1, ONE)
    for _ in range(STARTS):
        assert standing.at_start(ONE, "") == ""
    assert standing.at_start(ONE, "") == STARTED_IN_VAIN
    standing.begin(2, TWO)
    assert standing.at_start(ONE, "") == "" and standing.verdict == NONE and standing.examine(2, TWO)
    standing.begin(2, TWO)
    assert standing.at_start(ONE, "port gone") == "port gone"
    standing.begin(3, ONE)
    standing.keep()
    assert standing.at_start(None, "") == "" and standing.examine(3, ONE), "lost from the disk"
    standing.begin(3, ONE)
    standing.keep()
    standing.at_start(None, "the files have a fault")
    assert standing.verdict == APPLIED, "the last good one is in use"


def test_the_revision_in_use_is_that_of_what_runs():
    standing = Standing()
    for revision, data in ((1, ONE), (2, TWO)):
        standing.begin(revision, data)
        standing.keep()
    assert standing.at_start(ONE, "torn") == "torn"
    assert (standing.verdict, standing.used) == (NONE, 1), "the second cannot be used, the first runs"
    assert standing.examine(2, TWO) and standing.at_start(ONE, "torn") == "", "said once, and tried once more"
    standing.take_back("no")
    standing.at_start(ONE, "")
    assert standing.used == 1
    standing.at_start(None, "the files have a fault")
    assert standing.used == 1, "the last good one is in use, with what it was made of"
    standing.at_start(None, "")
    assert standing.used == 0, "and nothing from afar is"
    standing.begin(3, TWO)
    assert standing.at_start(None, "") == "" and (standing.verdict, standing.used) == (NONE, 0)


def test_what_was_kept_and_cannot_be_read_is_as_if_nothing_was():
    for broken in (None, b"", b"\xff", cbor.encode([1, 2]), cbor.encode(["x"] * 7), cbor.encode({})):
        assert Standing(broken).revision == 0
        assert Counters(broken).last == {} or broken is None


def test_a_counter_rises_for_each_key_by_itself():
    counters = Counters()
    counters.examine(b"a", 0, 100, 50)
    counters.use(b"a", 0, [])
    assert "counter" in refused(lambda: counters.examine(b"a", 0, 100, 50))
    counters.examine(b"b", 0, 100, 50)
    again = Counters(counters.encode())
    assert "counter" in refused(lambda: again.examine(b"a", 0, 100, 50)) and again.last == {b"a": 0}


def test_a_command_has_its_time():
    counters = Counters()
    assert "expired" in refused(lambda: counters.examine(b"a", 1, 49, 50))
    assert "hour" in refused(lambda: counters.examine(b"a", 1, 51 + LONGEST_MS + SLACK_MS, 50))
    counters.examine(b"a", 1, 50 + LONGEST_MS + SLACK_MS, 50)
    counters.examine(b"a", 1, 49, None)
    assert "clock" in refused(lambda: check_verb("pair", None))
    assert "status, identify" in refused(lambda: check_verb("mute", 1))
    check_verb("status", None)


def test_counters_are_bounded_and_those_of_keys_in_force_stay():
    counters = Counters()
    known = [bytes([number]) * 8 for number in range(3)]
    for kid in known:
        counters.use(kid, 7, known)
    for number in range(10, 10 + 2 * KEYS_LIMIT):
        counters.use(bytes([number]) * 8, 7, known)
    assert len(counters.last) <= KEYS_LIMIT and all([counters.last.get(kid) == 7 for kid in known])
