"""What a `[[rule]]` may say: its keys by type, and what is refused with an explanation of its own.

A rule adds messages. It has no key by which it could hold back what a device says, and the words that people would try
for it are refused by name (hazard H10). Rules that judge a person's measurements are refused unless
`hub.medical_device_functions` says that this is wanted: that changes what the software is in law.
"""

from gateway.core import config_fields as fields
from gateway.core.config_fields import describe, suggestion
from gateway.core.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.core.config_fields import Check

    Row = tuple[str, Check, object]
    Table = dict[str, Any]

NEEDED = object()  # a key without a default

RULE: "list[Row]" = [
    ("type", fields.text(32), NEEDED),
    ("device", fields.text(), NEEDED),
    ("name", fields.text(), None),
]
HOURS: "list[Row]" = [("from", fields.time_of_day, NEEDED), ("to", fields.time_of_day, NEEDED)]
RULE_TYPES: "dict[str, list[Row]]" = {
    "night_window": HOURS,
    "dose": [],
    "left_open": [
        ("minutes", fields.whole(1, 1_440), NEEDED),
        ("from", fields.time_of_day, None),
        ("to", fields.time_of_day, None),
    ],
    "not_back": [("minutes", fields.whole(1, 720), NEEDED)],
    "no_sign_of_life": HOURS + [("hours", fields.whole(1, 24), NEEDED), ("others", fields.names(16), None)],
    "tag_gone": HOURS
    + [
        # A scan that hears nothing begins anew after 90 s: in less than that a radio that hangs is no person who left.
        ("gone_s", fields.whole(120, 3_600), NEEDED),
        ("door", fields.text(), NEEDED),
        ("localises", fields.flag, None),
        ("legal_basis", fields.text(), None),
    ],
    "vital_limits": [
        ("spo2_below_pct", fields.whole(50, 100), None),
        ("pulse_below_bpm", fields.whole(20, 150), None),
        ("pulse_above_bpm", fields.whole(50, 250), None),
        ("readings", fields.whole(1, 60), 3),
    ],
    "double_dose": [("minutes", fields.whole(1, 1_440), NEEDED)],
}
MEDICAL = ("vital_limits", "double_dose")
LIMITS = ("spo2_below_pct", "pulse_below_bpm", "pulse_above_bpm")
SWITCH = "hub.medical_device_functions"
# The drivers whose words a type rests on; a rule on another device would be one that somebody believes in.
DRIVERS = {
    "left_open": ("bthome", "enocean"),
    "not_back": ("bthome", "enocean"),
    "tag_gone": ("bthome",),
    "vital_limits": ("plx",),
    "double_dose": ("dispenser",),
}
# What people would call an option that holds something back. None exists; each is refused with the reason.
MUTING = (
    "cooldown_s",
    "debounce_s",
    "delay",
    "delay_ms",
    "delay_s",
    "disable",
    "drop",
    "except",
    "exclude",
    "filter",
    "hold_s",
    "ignore",
    "limit_per_hour",
    "mute",
    "mute_s",
    "muted",
    "only",
    "pause_s",
    "quiet",
    "silence",
    "silent",
    "skip",
    "snooze_s",
    "suppress",
    "unless",
    "wait_s",
)
ADDS_ONLY = (
    "no such key: a rule adds messages and can neither mute, delay nor pick out what a device says;"
    " smoke, gas, water and alarm buttons are delivered at once, whatever rules there are"
)


def refuse_muting(table: "Table", label: str) -> None:
    """Refuse an option that would hold back a message. Raises ConfigError with the reason."""
    for key in sorted([str(item) for item in table]):
        if key.lower() in MUTING:
            raise ConfigError(label + key, "an option that would hold messages back", ADDS_ONLY)


def check_rule(values: "Table", label: str, drivers: "dict[str, str]", medical: bool) -> None:
    """What the keys of one rule must be together; `drivers` by name of device.

    Raises:
        ConfigError: without its source.
    """
    kind = values["type"]
    for key in ("device", "door", "others"):
        found = values.get(key)
        for name in found if isinstance(found, list) else [found]:
            if name is not None and name not in drivers:
                expected = "the name of a [[device]]" + suggestion(name, drivers)
                raise ConfigError(label + key, describe(name), expected)
            if key != "device" and name == values["device"]:
                raise ConfigError(label + key, describe(name), "another device than the rule's own")
    if kind in DRIVERS and drivers[values["device"]] not in DRIVERS[kind]:
        found = "a device of driver " + drivers[values["device"]]
        raise ConfigError(
            label + "device", found, "one of driver " + ", ".join(DRIVERS[kind]) + " for " + kind
        )
    if kind in MEDICAL and not medical:
        expected = (
            "another type: this one judges a person's measurements or doses, for which software may be a medical device."
            " Whoever wants that, and bears what follows, sets " + SWITCH + " = true"
        )
        raise ConfigError(label + "type", describe(kind), expected)
    if kind in CHECKS:
        CHECKS[kind](values, label)


def check_left_open(values: "Table", label: str) -> None:
    """Hours have both ends or none."""
    for key, other in (("from", "to"), ("to", "from")):
        if values[key] is None and values[other] is not None:
            raise ConfigError(label + key, "nothing", "a local time, because `" + other + "` is given")


def check_no_sign(values: "Table", label: str) -> None:
    """A rule that can never be met is one that somebody believes in."""
    minutes = (values["to"] - values["from"]) % 1440 or 1440
    if 60 * values["hours"] > minutes:
        expected = "no more hours than lie between `from` and `to`: else it never tells anything"
        raise ConfigError(label + "hours", describe(values["hours"]), expected)


def check_tag(values: "Table", label: str) -> None:
    """Localisation needs a legal basis, and is called by its name."""
    if not values["localises"]:
        found = "nothing" if values["localises"] is None else "false"
        raise ConfigError(label + "localises", found, "true: this rule tells that a person is not at home")
    if values["legal_basis"] is None:
        expected = (
            "a reference to the decision that allows localisation, such as its case number;"
            " it goes to the platform, so no name and nothing about health"
        )
        raise ConfigError(label + "legal_basis", "nothing", expected)


def check_limits(values: "Table", label: str) -> None:
    """At least one limit, and a lower one below the upper one."""
    if all([values[key] is None for key in LIMITS]):
        raise ConfigError(label + LIMITS[0], "nothing", "at least one of " + ", ".join(LIMITS))
    low, high = values["pulse_below_bpm"], values["pulse_above_bpm"]
    if low is not None and high is not None and low >= high:
        raise ConfigError(label + "pulse_below_bpm", describe(low), "less than pulse_above_bpm")


CHECKS = {
    "left_open": check_left_open,
    "no_sign_of_life": check_no_sign,
    "tag_gone": check_tag,
    "vital_limits": check_limits,
}


def check_together(rules: "list[tuple[str, str, str]]") -> None:
    """What rules (type, device, name) need of each other: who is not back has left in the hours of a night.

    Raises:
        ConfigError: without its source.
    """
    nights = [device for kind, device, _ in rules if kind == "night_window"]
    for kind, device, name in rules:
        if kind == "not_back" and device not in nights:
            expected = "a device that a night_window is given for, too: its hours are the ones that count"
            raise ConfigError("rule[" + name + "].device", describe(device), expected)
