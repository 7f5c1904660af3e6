"""From configuration to rules: which placement each concerns, and the identity its events carry."""

import hashlib

from gateway.core import cbor
from gateway.core.errors import ConfigError
from gateway.core.rules.dose import DoseRule
from gateway.core.rules.follower import Ear, Window, state_key
from gateway.core.rules.left_open import LeftOpen
from gateway.core.rules.night_window import STATE as NIGHT
from gateway.core.rules.night_window import NightWindow
from gateway.core.rules.no_sign import NoSign
from gateway.core.rules.not_back import NotBack
from gateway.core.rules.pack_limits import DoubleDose, Limit, VitalLimits
from gateway.core.rules.recording import Recording
from gateway.core.rules.tag_gone import TagGone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.core.config import Config, RuleConfig
    from gateway.core.rules.engine import Rule
    from gateway.core.rules.senses import Senses

RULE_ID_SIZE = 8
DISPENSERS = ("dispenser",)
DEFAULT_ID = hashlib.sha256(b"dose rule 1, by default").digest()[:RULE_ID_SIZE]
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
# option of `vital_limits`: the value it limits, and the side that is outside
LIMITS = (
    ("spo2_below_pct", "spo2_pct", -1),
    ("pulse_below_bpm", "pulse_rate_bpm", -1),
    ("pulse_above_bpm", "pulse_rate_bpm", 1),
)


def rule_id(rule: "RuleConfig") -> bytes:
    """Event key 12: hash of the rule and all that it says, so another wording is another rule."""
    said = sorted([[name, str(item)] for name, item in rule.options.items()])
    return hashlib.sha256(cbor.encode([rule.type, rule.device, said])).digest()[:RULE_ID_SIZE]


def rule_keys(config: "Config", placements: "dict[str, int]") -> "list[str]":
    """State keys of the rules that are in use."""
    return [state_key(placements[rule.device], rule_id(rule)) for rule in config.rules]


class Builder:
    """What every rule is made from. Windows of the night come first: others take up the exits that they tell."""

    def __init__(
        self, config: "Config", placements: "dict[str, int]", stored: "dict[str, bytes]", senses: "Senses"
    ) -> None:
        self.placements = placements
        self.stored = stored
        self.senses = senses
        self.zone = config.hub.time_zone
        self.nights: "dict[int, NightWindow]" = {}

    def common(self, rule: "RuleConfig") -> "tuple[int, bytes, Senses, dict[str, bytes]]":
        """What every rule that waits begins with."""
        return self.placements[rule.device], rule_id(rule), self.senses, self.stored

    def hours(self, rule: "RuleConfig") -> Window:
        """`from` and `to`."""
        return Window(rule.options["from"], rule.options["to"], self.zone)  # type: ignore[arg-type]

    def night_window(self, rule: "RuleConfig") -> "list[Rule]":
        """Several windows of one door are one rule."""
        placement, hours = self.placements[rule.device], self.hours(rule)
        if placement in self.nights:
            self.nights[placement].also(hours.begin, hours.end)
            return []
        kept = self.stored.get(NIGHT + str(placement))
        night = NightWindow(placement, rule_id(rule), hours.begin, hours.end, self.zone, kept)
        self.nights[placement] = night
        return [night]

    def dose(self, rule: "RuleConfig") -> "list[Rule]":
        """The doses of a dispenser."""
        return [DoseRule(self.placements[rule.device], rule_id(rule), self.stored)]

    def left_open(self, rule: "RuleConfig") -> "list[Rule]":
        """A door that stands open."""
        placement, made_by, senses, stored = self.common(rule)
        options: "dict[str, Any]" = rule.options
        hours = None if options["from"] is None else self.hours(rule)
        limit_ms = MINUTE_MS * options["minutes"]
        return [LeftOpen(placement, made_by, senses, stored, limit_ms, hours, self.nights.get(placement))]

    def not_back(self, rule: "RuleConfig") -> "list[Rule]":
        """A door that is not used again; the configuration has seen that its night is there."""
        placement, made_by, senses, stored = self.common(rule)
        options: "dict[str, Any]" = rule.options
        limit_ms = MINUTE_MS * options["minutes"]
        return [NotBack(placement, made_by, senses, stored, limit_ms, self.nights[placement])]

    def no_sign_of_life(self, rule: "RuleConfig") -> "list[Rule]":
        """Silence of a home, heard through several devices."""
        placement, made_by, senses, stored = self.common(rule)
        options: "dict[str, Any]" = rule.options
        others = [self.placements[name] for name in options["others"] or []]
        limit_ms = HOUR_MS * options["hours"]
        made = NoSign(placement, made_by, senses, stored, [placement] + others, limit_ms, self.hours(rule))
        return [made] + [Ear(other, made) for other in others]

    def tag_gone(self, rule: "RuleConfig") -> "list[Rule]":
        """A tag and a door."""
        placement, made_by, senses, stored = self.common(rule)
        options: "dict[str, Any]" = rule.options
        door, gone_ms = self.placements[options["door"]], 1000 * options["gone_s"]
        made = TagGone(placement, made_by, senses, stored, gone_ms, self.hours(rule), self.nights.get(door))
        return [made, Ear(door, made)]

    def vital_limits(self, rule: "RuleConfig") -> "list[Rule]":
        """Limits on an oximeter's values."""
        placement, made_by, senses, stored = self.common(rule)
        options: "dict[str, Any]" = rule.options
        limits = [Limit(value, options[key], side) for key, value, side in LIMITS if options[key] is not None]
        return [VitalLimits(placement, made_by, senses, stored, limits, options["readings"])]

    def double_dose(self, rule: "RuleConfig") -> "list[Rule]":
        """Two doses close together."""
        placement, made_by, senses, stored = self.common(rule)
        options: "dict[str, Any]" = rule.options
        return [DoubleDose(placement, made_by, senses, stored, MINUTE_MS * options["minutes"])]


BUILDERS: "dict[str, Callable[[Builder, RuleConfig], list[Rule]]]" = {
    "night_window": Builder.night_window,
    "dose": Builder.dose,
    "left_open": Builder.left_open,
    "not_back": Builder.not_back,
    "no_sign_of_life": Builder.no_sign_of_life,
    "tag_gone": Builder.tag_gone,
    "vital_limits": Builder.vital_limits,
    "double_dose": Builder.double_dose,
}


def build_rules(
    config: "Config", placements: "dict[str, int]", stored: "dict[str, bytes]", senses: "Senses"
) -> "list[Rule]":
    """The rules of a configuration, each with its stored state.

    Raises:
        ConfigError: a rule type that nobody builds.
    """
    builder = Builder(config, placements, stored, senses)
    rules: "list[Rule]" = []
    nights = [rule for rule in config.rules if rule.type == "night_window"]
    for rule in nights + [rule for rule in config.rules if rule.type != "night_window"]:
        if rule.type not in BUILDERS:
            raise ConfigError("rule.type", rule.type, "one of " + ", ".join(sorted(BUILDERS)))
        rules += BUILDERS[rule.type](builder, rule)
    return rules + default_rules(config, placements, stored)


def default_rules(config: "Config", placements: "dict[str, int]", stored: "dict[str, bytes]") -> "list[Rule]":
    """Every dispenser's doses are followed, asked for or not."""
    asked = [rule.device for rule in config.rules if rule.type == "dose"]
    plans = [name for name in config.plugged if "dose.planned" in config.plugged[name].kinds]
    dispensers = [
        device
        for device in config.devices
        if (device.driver in DISPENSERS or device.driver in plans) and device.name not in asked
    ]
    return [DoseRule(placements[device.name], DEFAULT_ID, stored) for device in dispensers]


def build_recordings(config: "Config", placements: "dict[str, int]") -> "dict[int, Recording]":
    """How much of each device's stream is recorded; `record` is `all`, `every_s:N` or `stable`."""
    recordings = {}
    for device in config.devices:
        mode, _, seconds = device.record.partition(":")
        recordings[placements[device.name]] = Recording(mode, 1000 * int(seconds or "0"))
    return recordings
