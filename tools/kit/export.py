"""`trygg-kit export`: stored events as FHIR R4 or SCAIP, from wire, manifest and registry alone. docs/mappings.md."""

import argparse
import sqlite3
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon.arguments import reworded
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import LANGUAGES
from tools.authority.given import unwritable
from tools.export import fhir, names, scaip, source
from tools.export.codes import NoMappingError
from tools.export.parts import Resource
from tools.export.words import Words
from tools.platform.books import GatewayBook, Verified

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """`trygg-kit export`."""
    parser = subparsers.add_parser("export", **options)
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--fhir", action="store_true", help="FHIR R4 batch Bundles, one a line")
    target.add_argument("--scaip", action="store_true", help="SCAIP requests (mrq), one a line")
    parser.add_argument(
        "--store", type=Path, default=Path("platform.db"), metavar="FILE", help="(default: %(default)s)"
    )
    parser.add_argument("--since", metavar="WHEN", help="received then or later: 2026-03-01 or with T04:00Z")
    parser.add_argument("--until", metavar="WHEN", help="received before then")
    parser.add_argument("--gateway", metavar="ID", help="of this gateway only")
    parser.add_argument("--heartbeat", action="store_true", help="SCAIP: each gateway's newest state, as PI")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="a file each instead of lines")
    parser.add_argument("--strict", action="store_true", help="end with 1 where an event has no mapping")
    parser.add_argument(
        "--json", action="store_true", help="JSON lines; what is left out and the summary last"
    )
    parser.add_argument(
        "--language", choices=LANGUAGES, default="nb", help="of the texts for people (default: %(default)s)"
    )


def run(options: argparse.Namespace) -> int:
    """Export what the store has; 1 with --strict where something has no mapping."""
    if options.heartbeat and not options.scaip:
        raise ConfigError("--heartbeat", "--fhir", "--scaip: FHIR has no heartbeat", "command line")
    since_ms = moment(options.since, "--since", source.FIRST_MS)
    until_ms = moment(options.until, "--until", source.LAST_MS)
    texts = Words(options.language)
    export = Export(options.directory, texts, is_fhir=options.fhir, as_json=options.json)
    with source.open_store(options.store) as store:
        for book in source.books(store, options.gateway):
            if options.heartbeat:
                export.heartbeat(book, source.last_state(store, book))
            export.gateway(book, store, since_ms, until_ms)
    export.end()
    return 1 if options.strict and export.left_out else 0


def moment(text: str | None, option: str, default_ms: int) -> int:
    """A date (from midnight UTC) or a time with its zone, in ms since 1970. Raises ConfigError."""
    if text is None:
        return default_ms
    try:
        found = datetime.fromisoformat(text if "T" in text else text + "T00:00:00Z")
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        expected = "a date, or a time with its zone such as 2026-03-01T04:00:00Z"
        raise ConfigError(option, repr(text), expected, "command line")
    return (found - EPOCH) // timedelta(milliseconds=1)


class Export:
    """Writes what events become, and counts what became of all."""

    def __init__(self, directory: Path | None, texts: Words, *, is_fhir: bool, as_json: bool) -> None:
        self.directory = directory
        self.texts = texts
        self.is_fhir = is_fhir
        self.as_json = as_json
        self.counts = {"events": 0, "exported": 0, "resources" if is_fhir else "messages": 0, "left_out": 0}
        self.left_out: Counter[tuple[str, str]] = Counter()  # (kind, why): events
        if directory is not None:
            try:
                directory.mkdir(mode=0o700, exist_ok=True)
            except OSError as error:
                raise unwritable("--directory", error, "command line") from error

    def gateway(self, book: GatewayBook, store: sqlite3.Connection, since_ms: int, until_ms: int) -> None:
        """The events of one gateway, its devices before the first of them."""
        has_devices = False
        for verified in source.events(store, book, since_ms, until_ms):
            self.counts["events"] += 1
            try:
                made = self.make(verified)
            except NoMappingError as error:
                kind = verified.content.kind if verified.content is not None else "?"
                self.leave_out(kind, str(error))
                continue
            if self.is_fhir and not has_devices:
                self.bundle(fhir.device_bundle(book, self.texts), f"{book.tenant}-{book.name}-devices")
                has_devices = True
            self.counts["exported"] += 1
            self.event(verified, made)

    def make(self, verified: Verified) -> Any:
        """What an event becomes at this receiver. Raises NoMappingError."""
        if verified.content is None:
            raise NoMappingError("does not decode: " + str(verified.row.fault))
        make = fhir.event_bundle if self.is_fhir else scaip.request
        return make(verified, self.texts)

    def event(self, verified: Verified, made: Any) -> None:
        """Write what one event became."""
        book, identity = verified.book, verified.row.identity.hex()
        name = f"{book.tenant}-{book.name}-{identity}"
        if self.is_fhir:
            self.bundle(made, name)
            return
        assert verified.content is not None
        self.message(book, made, name, {"kind": verified.content.kind, "identity": identity})

    def bundle(self, made: Resource, name: str) -> None:
        """A Bundle, as a line or a file."""
        self.counts["resources"] += len(made["entry"])
        self.write(dumps(made), name + ".json")

    def message(self, book: GatewayBook, xml: str, name: str, facts: dict[str, str]) -> None:
        """A request, as a line, a line of JSON that says of which gateway, or a file."""
        self.counts["messages"] += 1
        if self.as_json and self.directory is None:
            head = {"tenant": book.tenant, "gateway": book.name, "cid": names.scaip_cid(book)}
            xml = dumps(head | facts | {"mrq": xml})
        self.write(xml, name + ".xml")

    def heartbeat(self, book: GatewayBook, state: source.State | None) -> None:
        """A gateway's newest sign of life."""
        if state is None:
            self.leave_out("state", "the current epoch has none that counted")
            return
        xml = scaip.heartbeat(book, state)
        self.message(book, xml, f"{book.tenant}-{book.name}-heartbeat", {"kind": "state"})

    def leave_out(self, kind: str, reason: str) -> None:
        """Count what this receiver has no place for."""
        self.left_out[(kind, reason)] += 1

    def write(self, text: str, name: str) -> None:
        """One line to standard output, or one file that its owner only reads."""
        if self.directory is None:
            print(text)
            return
        path = self.directory / name
        try:
            path.touch(mode=0o600)
            path.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                "--directory", str(error), "space and leave to write", "command line"
            ) from error

    def end(self) -> None:
        """What was left out and why, then the counts."""
        self.counts["left_out"] = self.left_out.total()
        for (kind, why), count in sorted(self.left_out.items()):
            if self.as_json:
                print(dumps({"left_out": kind, "count": count, "reason": why}))
            else:
                print(reworded(f"left out: {count} {kind}: {why}"), file=sys.stderr)
        if self.as_json:
            print(dumps({"summary": self.counts}))
        else:
            events, exported, made, left = self.counts.values()
            sort = "resources" if self.is_fhir else "messages"
            said = f"events {events}, exported {exported}, {sort} {made}, left out {left}"
            print(reworded(said), file=sys.stderr)
