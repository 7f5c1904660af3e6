"""`trygg check`: everything that a hub needs, looked at before it starts or while it runs."""

import argparse
import sys
from pathlib import Path
from typing import Any

from gateway.core.config import Config, DeviceConfig
from gateway.core.config_layers import differences
from gateway.core.errors import ConfigError
from gateway.daemon.arguments import language_of_reader
from gateway.daemon.commands.ask import control_path, other_hub
from gateway.daemon.commands.run import add_config
from gateway.daemon.configuration import DEFAULT, Loaded, by_hand, load
from gateway.daemon.findings import FAULT, NOTE, OK, WARNING, Checker, Finding
from gateway.daemon.json_text import dumps
from gateway.daemon.rehome import is_seen_begun
from gateway.daemon.texts import Texts

READ = "ble-gatt"  # transport of devices that are connected to while somebody uses them


def add_parser(subparsers: Any) -> None:
    """The command line."""
    words = "look at configuration, keys, ports, radio, clock and broker"
    parser = subparsers.add_parser(
        "check",
        help=words,
        description="Look at configuration, keys, certificates, store, ports, radio, clock and broker. "
        "Exit status 0: nothing to mend, 1: something to mend, 2: the configuration cannot be used.",
    )
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="print the findings as one JSON document")
    parser.add_argument(
        "--differences", action="store_true", help="list what each layer changes, and nothing else"
    )


def run(options: argparse.Namespace) -> int:
    """0 nothing to mend, 1 something to mend, 2 a configuration that cannot be used."""
    paths = options.config or [DEFAULT]
    texts = Texts(language_of_reader(paths))
    try:
        loaded = load(paths)
        if options.differences:
            return show_differences(loaded, options, texts)
        findings = look(loaded, texts)
    except ConfigError as error:
        return refuse(error, options, texts)
    show(findings, options, texts)
    return 1 if any(finding.is_open for finding in findings) else 0


def look(loaded: Loaded, texts: Texts) -> list[Finding]:
    """Every check in turn. Raises ConfigError where a file that the configuration names cannot be used."""
    from gateway.daemon import findings, findings_drivers, findings_lines, findings_uplink, wiring

    config = loaded.config
    with loaded.blaming():
        wiring.root_key(config)
    runs = findings_uplink.ask_hub(control_path(config.hub.data_directory))
    other = check_other(loaded, texts, runs)
    hub = None if other else runs
    return [
        *check_move(config, texts),
        *other,
        *check_configuration(loaded, texts, hub),
        *findings_drivers.check_drivers(loaded, texts),
        *findings.check_keys(config, texts),
        *findings_uplink.check_tls(config, texts),
        *findings.check_storage(config, texts),
        *findings.check_serial(config, texts, wiring.serial_path),
        *findings_lines.check_lines(config, texts, runs, wiring.serial_ports()),
        *findings.check_radio(config, texts, wiring.adapters),
        *findings.check_bonds(config, texts, wiring.see_keys),
        *findings.check_page(config, texts),
        *findings.check_clock(wiring.clock_is_trusted(Path(config.hub.data_directory)), texts, hub),
        *findings_uplink.check_brokers(config, texts, hub),
    ]


def check_move(config: Config, texts: Texts) -> list[Finding]:
    """A move to another home that was begun and is not finished: no hub starts meanwhile, whatever else is well."""
    if not is_seen_begun(Path(config.hub.data_directory)):
        return []
    return [Finding("configuration", FAULT, texts.say("doctor.moving"), "moving")]


def check_other(loaded: Loaded, texts: Texts, runs: dict[str, Any] | None) -> list[Finding]:
    """The hub that answers is of another gateway: what it says of itself says nothing of this one. runs: its status.

    It may have the serial lines all the same, which two must not listen to.
    """
    found = Checker("configuration", texts)
    cause = other_hub(by_hand(loaded.layers), loaded.config.hub.id, runs, texts)
    return [found(WARNING, "other_hub", cause=cause)] if cause else []


def check_configuration(loaded: Loaded, texts: Texts, hub: dict[str, Any] | None) -> list[Finding]:
    """It is valid, and the running hub uses it."""
    found = Checker("configuration", texts)
    config = loaded.config
    source = ", ".join(layer_source for layer_source, _ in loaded.layers)
    devices = texts.say("count.devices", count=len(config.devices))
    rules = texts.say("count.rules", count=len(config.rules))
    findings = [found(OK, "good", source=source, devices=devices, rules=rules)]
    if hub is not None and hub["configuration_fault"]:
        findings.append(found(WARNING, "last_good"))
    without = [each for each in config.devices if not has_interval(each, config)]
    used = [each.name for each in without if speaks_when_used(each, config)]
    unwatched = [each.name for each in without if each.name not in used]
    if unwatched:
        findings.append(found(WARNING, "unwatched", names=", ".join(unwatched)))
    if used:  # an instrument that somebody switches on has no sign of life that could be asked for
        findings.append(found(NOTE, "used", names=", ".join(used)))
    return findings


def has_interval(device: DeviceConfig, config: Config) -> bool:
    """Whether it is known how often a healthy one is heard."""
    return bool(device.interval_s or config.driver_of(device.driver).interval_with(device.options))


def speaks_when_used(device: DeviceConfig, config: Config) -> bool:
    """An instrument that somebody switches on, on whichever way it is reached."""
    return config.driver_of(device.driver).transport == READ or device.driver == "nonin_serial"


def show(findings: list[Finding], options: argparse.Namespace, texts: Texts) -> None:
    """One line a finding, and what it comes to."""
    open_ones = [finding for finding in findings if finding.is_open]
    if options.json:
        rows = [
            {"check": item.check, "level": item.level, "code": item.code, "text": item.text}
            for item in findings
        ]
        print(dumps({"findings": rows, "open": len(open_ones)}))
        return
    for item in findings:
        title = texts.say(f"check.{item.check}.title")
        print(f"{texts.say('check.' + item.level):<5} {title}: {item.text}")
    print(texts.say("check.found", count=len(open_ones)) if open_ones else texts.say("check.clean"))


def refuse(error: ConfigError, options: argparse.Namespace, texts: Texts) -> int:
    """A configuration that cannot be used."""
    if options.json:
        row = {
            "check": "configuration",
            "level": FAULT,
            "code": "refused",
            "text": texts.reword(error),
            "file": error.source,
            "key": error.key,
            "found": texts.reword(error.found),
            "expected": texts.reword(error.expected),
        }
        print(dumps({"findings": [row], "open": 1}))
    else:
        print(f"trygg check: {texts.reword(error)}", file=sys.stderr)
    return 2


def show_differences(loaded: Loaded, options: argparse.Namespace, texts: Texts) -> int:
    """What each layer changes of those before it."""
    found = differences(loaded.layers)
    if options.json:
        print(
            dumps(
                [
                    {
                        "source": item.source,
                        "key": item.key,
                        "value": item.value,
                        "before": item.before,
                        "before_source": item.before_source,
                    }
                    for item in found
                ]
            )
        )
        return 0
    for item in found:
        print(
            texts.say("check.differs", source=item.source, key=item.key, value=item.value, before=item.before)
        )
    return 0
