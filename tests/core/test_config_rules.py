"""What a `[[rule]]` may say, and that each refusal names its reason."""

from gateway.core.config_rules import ADDS_ONLY, MUTING, RULE_TYPES
from tests.core.rule_checks import POOL
from tests.core.rule_home import refusal, tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.errors import ConfigError

NIGHT = POOL[0]


def refused(rule: "dict[str, object]", **changed: object) -> "ConfigError":
    """What is said against a rule with some keys changed; None takes one out."""
    said = dict(rule)
    said.update(changed)
    said = {key: item for key, item in said.items() if item is not None}
    error = refusal(tree([NIGHT, said], medical_device_functions=True))
    assert error is not None and error.source == "hub.toml", changed
    return error


def named(kind: str) -> "dict[str, object]":
    """A good rule of that type."""
    return dict([rule for rule in POOL if rule["type"] == kind][0])  # noqa: RUF015  runs on both interpreters


def test_a_good_rule_of_every_type_is_taken() -> None:
    assert {rule["type"] for rule in POOL} == set(RULE_TYPES)
    assert refusal(tree(list(POOL), medical_device_functions=True)) is None


def test_a_word_that_would_hold_a_message_back_is_refused_with_the_reason() -> None:
    for kind in RULE_TYPES:
        for word in MUTING:
            error = refused(named(kind), name="x", **{word: 60})
            assert error.key == "rule[x]." + word, kind
            assert error.found == "an option that would hold messages back" and error.expected == ADDS_ONLY
    error = refused(named("left_open"), name="x", Mute=True)
    assert error.expected == ADDS_ONLY
    assert "unknown key" in refused(named("left_open"), name="x", minute=3).found


def test_no_type_has_an_option_of_such_a_name() -> None:
    for kind in RULE_TYPES:
        assert not [row[0] for row in RULE_TYPES[kind] if row[0] in MUTING]


# type, keys changed, key that the error names, what it must say was found, what it must say is expected
REFUSED: "tuple[tuple[str, dict[str, object], str, str, str], ...]" = (
    ("tag_gone", {"legal_basis": None}, "legal_basis", "nothing", "decision that allows localisation"),
    ("tag_gone", {"localises": None}, "localises", "nothing", "not at home"),
    ("tag_gone", {"localises": False}, "localises", "false", "not at home"),
    ("tag_gone", {"localises": "true"}, "localises", "'true'", "without quotes"),
    ("tag_gone", {"gone_s": 60}, "gone_s", "60", "120 to 3600"),
    ("tag_gone", {"door": "Dor"}, "door", "'Dor'", "did you mean Door?"),
    ("tag_gone", {"door": "Tag"}, "door", "'Tag'", "another device"),
    ("tag_gone", {"device": "Oximeter"}, "device", "driver plx", "driver bthome"),
    ("no_sign_of_life", {"others": ["Motoin"]}, "others", "'Motoin'", "the name of a [[device]]"),
    ("no_sign_of_life", {"others": ["Motion"]}, "others", "'Motion'", "another device"),
    ("no_sign_of_life", {"others": ["Door", "Door"]}, "others", "twice", "once"),
    ("no_sign_of_life", {"others": "Door"}, "others", "'Door'", "in [ ]"),
    ("no_sign_of_life", {"from": "08:00", "to": "10:00", "hours": 3}, "hours", "3", "never tells"),
    ("left_open", {"from": "22:00"}, "to", "nothing", "`from` is given"),
    ("left_open", {"to": "22:00"}, "from", "nothing", "`to` is given"),
    ("left_open", {"device": "Doses"}, "device", "driver dispenser", "driver bthome"),
    ("left_open", {"minutes": 0}, "minutes", "0", "1 to 1440"),
    ("not_back", {"device": "Window"}, "device", "'Window'", "night_window"),
    ("vital_limits", {"device": "Door"}, "device", "driver bthome", "driver plx"),
    ("vital_limits", {"spo2_below_pct": None}, "spo2_below_pct", "nothing", "at least one"),
    ("vital_limits", {"pulse_below_bpm": 90, "pulse_above_bpm": 80}, "pulse_below_bpm", "90", "less than"),
    ("double_dose", {"device": "Door"}, "device", "driver bthome", "driver dispenser"),
)


def test_each_refusal_names_key_finding_and_reason() -> None:
    for kind, changed, key, found, expected in REFUSED:
        error = refused(named(kind), name="x", **changed)
        assert error.key == "rule[x]." + key, (kind, changed, error.key)
        assert found in error.found and expected in error.expected, str(error)
