"""`trygg doctor`: what is wrong, in plain words, with cause, next action and owner; and the export for a deviation report."""

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon import doctor, doctor_hub, doctor_looks, doctor_timeline
from gateway.daemon.arguments import language_of_reader
from gateway.daemon.commands.run import add_config
from gateway.daemon.configuration import (
    DEFAULT,
    LAST_GOOD,
    Loaded,
    data_directory,
    load,
    load_or_last_good,
    read,
)
from gateway.daemon.doctor import Complaint, Unseen
from gateway.daemon.findings import FAULT
from gateway.daemon.json_text import dumps
from gateway.daemon.rehome import is_seen_begun
from gateway.daemon.texts import Texts
from hal.errors import HalError


def add_parser(subparsers: Any) -> None:
    """The command line."""
    words = "what is wrong, why, what to do and whose it is; an export for a deviation report"
    parser = subparsers.add_parser(
        "doctor",
        help=words,
        description="Look at everything on this machine, ask the running hub, and rank what is wrong by urgency. "
        "Run it as root or as the hub's user. Exit status 0: everything was looked at and nothing is to be mended, "
        "1: something is, or could not be looked at, 2: the configuration cannot be used.",
    )
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="print the findings as one JSON document")
    parser.add_argument(
        "--export",
        type=Path,
        metavar="FILE",
        help="write an export for a deviation report, ZIP, without names and secrets",
    )
    parser.add_argument(
        "--log",
        type=Path,
        metavar="FILE",
        help="with --export: what happened, from this log (--log-json, or journalctl -o json) and not from the system's",
    )


class Diagnosis:
    """What was found on one gateway. fault: why its configuration is not used, if it is not."""

    def __init__(self, loaded: Loaded, fault: ConfigError | None, texts: Texts) -> None:
        self.loaded = loaded
        self.texts = texts
        config = loaded.config
        self.owner = doctor_looks.owner_of(Path(config.hub.data_directory))
        self.seen = doctor_looks.look(loaded, texts, self.owner)
        self.utc_ms = self.time_of_day()
        self.hour = doctor.hour_of(self.utc_ms, config.hub.time_zone)
        self.complaints = doctor.ranked(self.collect(fault), self.hour)

    def time_of_day(self) -> int | None:
        """The hub's, or without a hub the machine's where it would be believed."""
        from gateway.daemon.wiring import clock_is_trusted

        if self.seen.status is not None:
            utc_ms: int | None = self.seen.status["utc_ms"]
            return utc_ms
        try:
            trusted = clock_is_trusted(Path(self.loaded.config.hub.data_directory))
        except OSError:
            return None
        return time.time_ns() // 1_000_000 if trusted else None

    def collect(self, fault: ConfigError | None) -> list[Complaint]:
        """All of it, in no order."""
        seen, texts = self.seen, self.texts
        found = moving(Path(self.loaded.config.hub.data_directory), texts)
        found += [] if fault is None else [refused(fault, texts)]
        if seen.silent:
            found.append(Complaint("hub.not_running", FAULT, seen.silent, "hub.stopped"))
        found += doctor.of_findings(seen.findings, texts, hub_answers=seen.status is not None)
        if seen.status is not None:
            found += doctor_hub.of_status(seen.status, texts)
        ports = [each.text for each in found if each.code.startswith("serial.")]
        keys = Path(self.loaded.config.keys.directory)
        for each in doctor_hub.of_devices(seen.devices or [], texts, keys):
            # a line that is not open because its port is not there was said of the port
            if each.code != "device.link" or not any(each.device in text for text in ports):
                found.append(each)
        for each in found:
            each.is_ahead = doctor_hub.is_averted(each.root_of, seen.status)
        return found

    def facts(self) -> dict[str, Any]:
        """For programs."""
        rows = [doctor.facts(each, self.hour, self.texts.language) for each in self.complaints]
        unseen = [{"what": each.what, "text": each.text} for each in self.seen.unseen]
        return {"hour": self.hour, "complaints": rows, "not_looked_at": unseen}


def refused(fault: ConfigError, texts: Texts) -> Complaint:
    """A configuration that cannot be used."""
    return Complaint("configuration.refused", FAULT, texts.reword(fault), "configuration.fault")


def moving(data: Path, texts: Texts) -> list[Complaint]:
    """A move to another home that was begun and is not finished: no hub starts meanwhile."""
    return [Complaint(doctor.MOVING, FAULT, texts.say("doctor.moving"))] if is_seen_begun(data) else []


def run(options: argparse.Namespace) -> int:
    """0 all looked at and nothing to mend, 1 something to mend or not looked at, 2 no usable configuration."""
    paths = options.config or [DEFAULT]
    texts = Texts(language_of_reader(paths))
    fault = None
    try:
        loaded = load(paths)
    except ConfigError as error:
        fault = error
        try:
            loaded = load_or_last_good(paths)
        except ConfigError:
            return no_configuration(fault, moving(data_directory(paths), texts), options, texts)
    diagnosis = Diagnosis(loaded, fault, texts)
    status = 1 if diagnosis.complaints or diagnosis.seen.unseen else 0
    if options.export is not None:
        return export(diagnosis, paths, options)
    print(dumps(diagnosis.facts()) if options.json else "\n".join(lines(diagnosis.facts(), texts)))
    return status


def lines(facts: dict[str, Any], texts: Texts) -> list[str]:
    """All of it for people."""
    found = []
    count = len(facts["complaints"])
    if count:
        found.append(texts.say("doctor.found", count=count))
    elif not facts["not_looked_at"]:
        found.append(texts.say("doctor.well"))
    else:
        found.append(texts.say("doctor.nothing"))
    for number, row in enumerate(facts["complaints"], 1):
        root = doctor.root_of(facts["complaints"], row)
        found += ["", *doctor.lines(row, number, texts, root)]
    if facts["not_looked_at"]:
        found += ["", texts.say("doctor.unlooked"), *(f"   {row['text']}" for row in facts["not_looked_at"])]
    return found


def no_configuration(
    fault: ConfigError, more: list[Complaint], options: argparse.Namespace, texts: Texts
) -> int:
    """Neither these files nor a last good one can be used: all that can be said."""
    ranked = doctor.ranked([*more, refused(fault, texts)], None)
    complaints = [doctor.facts(each, None, texts.language) for each in ranked]
    unseen = [{"what": "all", "text": texts.say("doctor.no_configuration")}]
    facts = {"hour": None, "complaints": complaints, "not_looked_at": unseen}
    print(dumps(facts) if options.json else "\n".join(lines(facts, texts)))
    return 2


# --- the export -------------------------------------------------------------------------------------------------------


def export(diagnosis: Diagnosis, paths: list[Path], options: argparse.Namespace) -> int:
    """Write it, or say why not; 0 written, 1 not."""
    texts = diagnosis.texts
    if diagnosis.owner is not None:
        print(f"trygg doctor: {texts.say('doctor.other_user', user=diagnosis.owner)}", file=sys.stderr)
        return 1
    try:
        data, signed = asyncio.run(made(diagnosis, paths, options))
        os.close(os.open(options.export, os.O_WRONLY | os.O_CREAT, 0o600))
        options.export.write_bytes(data)
    except (RefusedError, HalError, OSError) as error:
        print(f"trygg doctor: {texts.reword(error)}", file=sys.stderr)
        return 1
    print(texts.say("doctor.exported", path=options.export))
    if not signed:
        print(texts.say("doctor.unsigned"))
    return 0


async def made(diagnosis: Diagnosis, paths: list[Path], options: argparse.Namespace) -> tuple[bytes, bool]:
    """The export, and whether it is signed. Raises RefusedError where something would leave that must not, HalError, OSError."""
    from gateway.daemon import doctor_export, wiring
    from gateway.daemon.doctor_leaks import known_of, leaks

    config, seen = diagnosis.loaded.config, diagnosis.seen
    placements = {row["name"]: row["placement"] for row in seen.devices or [] if "placement" in row}
    known = known_of(config, trees(paths), placements, doctor_export.VOCABULARY)
    log = logged(diagnosis, options.log)
    parts = {
        "configuration": doctor_export.configuration_of(diagnosis.loaded),
        "devices": doctor_export.devices_of(seen.devices),
        "findings": without_values(diagnosis.facts()),
        "status": doctor_export.status_of(seen.status),
        "timeline": {"since_start": seen.timeline or [], "log": log},
        "versions": doctor_export.versions(),
    }
    files = doctor_export.files_of(parts, known)
    head: dict[str, Any] = {"tenant": config.hub.tenant, "gateway": config.hub.id, "utc_ms": diagnosis.utc_ms}
    has_identity = (Path(config.keys.directory) / "identity.key").exists()
    keys = wiring.keystore(config) if has_identity else None
    head["public_key"] = None if keys is None else keys.public_key.hex()
    manifest = doctor_export.manifest_of(files, head)
    files[doctor_export.MANIFEST] = manifest
    found = leaks(files, known)
    if found:
        names = ", ".join(f"{name} ({sort})" for name, sort in found)
        raise RefusedError(
            "the export would hold what must not leave the home, and was not written: " + names
        )
    if keys is not None:
        files[doctor_export.SIGNED] = await doctor_export.sign(manifest, keys.public_key, keys.sign)
    return doctor_export.pack(files), keys is not None


def without_values(facts: dict[str, Any]) -> dict[str, Any]:
    """Findings without what a configuration that does not hold says: it may be a name that nobody knows to be one."""
    rows = [
        {**row, "text": row["code"]}
        if row["code"] in ("configuration.refused", "hub.configuration_fault")
        else row
        for row in facts["complaints"]
    ]
    return {**facts, "complaints": rows}


def trees(paths: list[Path]) -> list[Any]:
    """All that the configuration files say, those that do not hold included."""
    found = []
    for path in (*paths, data_directory(paths) / LAST_GOOD):
        try:
            found.append(json.loads(json.dumps(read(path), default=str)))
        except ConfigError:
            continue
    return found


def logged(diagnosis: Diagnosis, log: Path | None) -> list[dict[str, Any]]:
    """The timeline of a log; what cannot be read is said among what was not looked at. Raises OSError for a named one."""
    if log is not None:
        return doctor_timeline.of_log(log.read_text(encoding="utf-8", errors="replace").splitlines())
    try:
        return doctor_timeline.of_log(doctor_timeline.read_system_log())
    except (OSError, HalError) as error:
        text = diagnosis.texts.say("doctor.no_log", cause=diagnosis.texts.reword(error))
        diagnosis.seen.unseen.append(Unseen("log", text))
        return []
