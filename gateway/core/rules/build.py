"""From configuration to rules: which placement each concerns, and the identity its events carry."""

import hashlib

from gateway.core import cbor
from gateway.core.errors import ConfigError
from gateway.core.rules.dose import DoseRule
from gateway.core.rules.night_window import STATE as NIGHT
from gateway.core.rules.night_window import NightWindow
from gateway.core.rules.recording import Recording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.config import Config, RuleConfig
    from gateway.core.rules.engine import Rule

RULE_ID_SIZE = 8
DISPENSERS = ("dispenser",)
DEFAULT_ID = hashlib.sha256(b"dose rule 1, by default").digest()[:RULE_ID_SIZE]


def rule_id(rule: "RuleConfig") -> bytes:
    """Event key 12: hash of the rule and all that it says, so another wording is another rule."""
    said = sorted([[name, str(item)] for name, item in rule.options.items()])
    return hashlib.sha256(cbor.encode([rule.type, rule.device, said])).digest()[:RULE_ID_SIZE]


def build_rules(config: "Config", placements: "dict[str, int]", stored: "dict[str, bytes]") -> "list[Rule]":
    """The rules of a configuration, each with its stored state.

    Raises:
        ConfigError: a rule type that nobody builds.
    """
    rules: "list[Rule]" = []
    windows: "dict[int, NightWindow]" = {}
    for rule in config.rules:
        placement = placements[rule.device]
        if rule.type == "night_window":
            kept = stored.get(NIGHT + str(placement))
            begin: int = rule.options["from"]  # type: ignore[assignment]
            end: int = rule.options["to"]  # type: ignore[assignment]
            if placement in windows:
                windows[placement].also(begin, end)
                continue
            windows[placement] = NightWindow(placement, rule_id(rule), begin, end, config.hub.time_zone, kept)
            rules.append(windows[placement])
        elif rule.type == "dose":
            rules.append(DoseRule(placement, rule_id(rule), stored))
        else:
            raise ConfigError("rule.type", rule.type, "night_window or dose")
    return rules + default_rules(config, placements, stored)


def default_rules(config: "Config", placements: "dict[str, int]", stored: "dict[str, bytes]") -> "list[Rule]":
    """Every dispenser's doses are followed, asked for or not."""
    asked = [rule.device for rule in config.rules if rule.type == "dose"]
    dispensers = [
        device for device in config.devices if device.driver in DISPENSERS and device.name not in asked
    ]
    return [DoseRule(placements[device.name], DEFAULT_ID, stored) for device in dispensers]


def build_recordings(config: "Config", placements: "dict[str, int]") -> "dict[int, Recording]":
    """How much of each device's stream is recorded; `record` is `all`, `every_s:N` or `stable`."""
    recordings = {}
    for device in config.devices:
        mode, _, seconds = device.record.partition(":")
        recordings[placements[device.name]] = Recording(mode, 1000 * int(seconds or "0"))
    return recordings
