"""Layers of configuration: what wins, what differs, and where a fault is looked for."""

from gateway.core.config import validate
from gateway.core.config_fields import Broker
from gateway.core.config_layers import differences, leaves, merge, source_of
from tests.core.test_config import home, refusal, smallest


def layered() -> list:
    """A city, a district and a home."""
    city = smallest()
    city["hub"] = {"tenant": "oslo", "language": "nb", "time_zone": "Europe/Oslo"}
    city["rule"] = [{"type": "night_window", "device": "Front door", "from": "22:00", "to": "06:00"}]
    district = {"hub": {"language": "en"}, "uplink": {"brokers": ["mqtt://[::1]"]}}
    own = {
        "hub": {"id": "hub-7"},
        "device": home()["device"],
        "rule": [{"type": "night_window", "device": "Front door", "from": "23:00", "to": "06:00"}],
    }
    return [("city.toml", city), ("district.toml", district), ("home.toml", own)]


def test_later_layers_win_key_by_key_and_row_by_name() -> None:
    layers = layered()
    merged = merge(layers)
    config = validate(merged, "")
    assert (config.hub.id, config.hub.tenant, config.hub.language) == ("hub-7", "oslo", "en")
    assert config.uplink.brokers == [Broker("::1", 1883, False)]
    assert len(config.devices) == 3
    assert [rule.options for rule in config.rules] == [{"from": 1380, "to": 360}]
    assert layers[0][1]["hub"] == {"tenant": "oslo", "language": "nb", "time_zone": "Europe/Oslo"}
    assert len(layers[0][1]["rule"]) == 1 and layers[0][1]["rule"][0]["from"] == "22:00"


def test_rows_of_one_name_within_a_layer_are_not_merged_away() -> None:
    twice = home()
    twice["device"].append({"name": "Front door", "driver": "bthome", "address": "AA:BB:CC:00:00:09"})
    for layers in ([("home.toml", twice)], [("city.toml", home()), ("home.toml", twice)]):
        error = refusal(merge(layers))
        assert error is not None and error.key == "device[Front door].name"


def test_a_row_without_a_usable_name_reaches_validation() -> None:
    for row in ({}, {"name": ""}, "door", None):
        error = refusal(merge([("city.toml", home()), ("home.toml", {"device": [row]})]))
        assert error is not None and error.key.startswith("device"), row


def test_differences_say_what_each_layer_changed() -> None:
    found = {(item.source, item.key): item for item in differences(layered())}
    language = found[("district.toml", "hub.language")]
    assert (language.value, language.before, language.before_source) == ("en", "nb", "city.toml")
    own_id = found[("home.toml", "hub.id")]
    assert (own_id.value, own_id.before, own_id.before_source) == ("hub-7", None, "")
    assert found[("home.toml", "rule[night_window Front door].from")].value == "23:00"
    assert ("home.toml", "rule[night_window Front door].to") not in found
    assert ("home.toml", "device[Oximeter].record") in found
    assert not [key for source, key in found if source == "city.toml"]


def test_a_replaced_row_loses_the_keys_it_no_longer_has() -> None:
    baseline = ("city.toml", {"device": [{"name": "Door", "room": "Hall", "key": "a"}]})
    own = ("home.toml", {"device": [{"name": "Door", "room": "Hall"}]})
    assert merge([baseline, own])["device"] == [{"name": "Door", "room": "Hall"}]
    lost = differences([baseline, own])
    assert [(item.key, item.value, item.before) for item in lost] == [("device[Door].key", None, "a")]


def test_a_fault_is_looked_for_in_the_layer_that_set_it() -> None:
    layers = layered()
    for key, source in (
        ("hub.language", "district.toml"),
        ("hub.tenant", "city.toml"),
        ("hub", "home.toml"),
        ("device[Oximeter].record", "home.toml"),
        ("storage.path", "home.toml"),
    ):
        assert source_of(layers, key) == source, key


def test_a_fault_in_an_entry_is_looked_for_where_the_entry_stands_named_or_not() -> None:
    city = smallest()
    city["device"] = home()["device"]
    left_open = {"type": "left_open", "device": "Front door", "minutes": 5}
    wrong = {"type": "night_window", "device": "Front door", "from": "25:00", "to": "06:00"}
    lacking = {"type": "left_open", "device": "Front door"}
    none = {"type": "left_open", "device": "No door", "minutes": 5}
    alone = {"type": "not_back", "device": "Front door", "minutes": 5}
    for rule in (wrong, lacking, none, alone, {}):
        for name in (None, "My rule"):
            row = rule if name is None else dict(rule, name=name)
            for place in (0, 1):
                rules = [[left_open], [dict(left_open, name="x")]]
                rules[place] = [row]
                layers = [("city.toml", dict(city, rule=rules[0])), ("home.toml", {"rule": rules[1]})]
                error = refusal(merge(layers))
                assert error is not None and error.key.startswith("rule["), rule
                assert source_of(layers, error.key) == layers[place][0], (error.key, place)


def test_a_name_that_two_entries_have_is_looked_for_in_the_later_and_a_missing_key_in_its_entry() -> None:
    twice = smallest()
    twice["device"] = home()["device"] + [dict(home()["device"][0])]
    layers = [("city.toml", twice), ("home.toml", {"hub": {"language": "en"}})]
    error = refusal(merge(layers))
    assert error is not None and source_of(layers, error.key) == "city.toml"
    lacking = smallest()
    lacking["device"] = [{"name": "Door", "address": "AA:BB:CC:00:00:09"}]
    layers = [("city.toml", lacking), ("home.toml", {"hub": {"language": "en"}, "device": home()["device"]})]
    error = refusal(merge(layers))
    assert error is not None and error.key == "device[Door].driver"
    assert source_of(layers, error.key) == "city.toml"
    assert source_of([("a.toml", {"rule": "x"}), ("b.toml", {})], "rule[#1].type") == "b.toml"


def test_leaves_name_every_single_value() -> None:
    assert leaves({"hub": {"id": "x"}, "device": [{"name": "A", "options": {"o": 1}}, {}], "odd": 3}) == {
        "hub.id": "x",
        "device[A].name": "A",
        "device[A].options.o": 1,
        "odd": 3,
    }
