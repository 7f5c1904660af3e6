"""`trygg-kit verify`: signatures, chains and events of messages in files, for anyone who has the public keys."""

import argparse
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gateway.core import cbor, cose, event_codec, wire
from gateway.core.errors import ConfigError, DecodeError, RefusedError
from gateway.core.wire import Parsed
from gateway.daemon.arguments import own_language, reworded
from gateway.daemon.json_text import dumps
from tools.authority.given import no_store, unreadable
from tools.platform.audit import Audit, Stream
from tools.platform.books import GatewayBook, Row, Verified
from tools.platform.ledger import learn_devices
from tools.platform.lines import event_json, text_lines
from tools.platform.parties import Verifier, read_public_key, read_registry
from tools.platform.store import events, is_store, marks, messages, snapshot

ANY = "any"
HEX = b"0123456789abcdefABCDEF \t\r\n"


class Found(NamedTuple):
    """One message of a file; `sort` and `received_ms` where the file says them."""

    place: str
    message: bytes
    sort: str | None = None
    received_ms: int | None = None


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """`trygg-kit verify`."""
    parser = subparsers.add_parser("verify", **options)
    parser.add_argument(
        "--key", action="append", default=[], metavar="HEX|FILE", help="public key of a signer"
    )
    parser.add_argument(
        "--registry", type=Path, metavar="FILE", help="public keys of gateways, as the platform has them"
    )
    parser.add_argument(
        "--sort",
        default="bundle",
        choices=[ANY, *wire.SORTS],
        help="what the messages are (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, the summary last")
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="CBOR one after the other, lines of hex, or a platform's store; - reads standard input",
    )


def run(options: argparse.Namespace) -> int:
    """Check every message, then what they say together; 1 where anything was found."""
    keys = [read_public_key(text, "--key") for text in options.key]
    if options.registry is not None:
        keys += read_registry(options.registry).values()
    if not keys:
        raise ConfigError(
            "--key", "nothing", "the public key of whoever signed, or --registry", "command line"
        )
    check = Check(keys, options.sort, as_json=options.json)
    for name in options.files:
        check.read(name)
    return check.end()


class Check:
    """Checks messages, prints what they say, and remembers what they say of their lanes."""

    def __init__(self, keys: Iterable[bytes], sort: str, *, as_json: bool) -> None:
        self.keys = {cose.kid_of(key): key for key in keys}
        self.sort = sort
        self.as_json = as_json
        self.line = text_lines(own_language())
        self.verifier = Verifier()
        self.audit = Audit()
        self.books: dict[tuple[str, str], GatewayBook] = {}
        self.counts = {"messages": 0, "events": 0, "findings": 0}

    def read(self, name: str) -> None:
        """Check a file, whatever form it has. Raises ConfigError."""
        try:
            if name != "-" and is_store(Path(name)):
                self.read_store(name)
                return
            data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as error:
            raise unreadable("FILE", error, name) from error
        except sqlite3.Error as error:
            raise no_store("FILE", error, "a store of the platform", name) from error
        self.take(read_messages(name, data))

    def read_store(self, name: str) -> None:
        """Messages in order of arrival. What was receipted must be there, and the events be those of the messages."""
        with snapshot(Path(name)) as store:
            for number, (sort, received_ms, message) in enumerate(messages(store), 1):
                self.take([Found(f"{name} message {number}", message, sort, received_ms)])
            for tenant, gateway, epoch, lane, seq, chain in marks(store):
                self.audit.claim(Stream(tenant, gateway, epoch, lane), seq, chain)
            rows = ((Stream(*row[:4]), *row[4:]) for row in events(store))
            for finding in self.audit.hold(rows):
                self.finding(finding, name)

    def take(self, found: Iterable[Found]) -> None:
        """Check messages one by one."""
        for one in found:
            self.counts["messages"] += 1
            try:
                parsed = self.verified(one.message, one.sort or self.sort)
                self.show(parsed, one)
            except (DecodeError, RefusedError) as error:
                self.finding(str(error), one.place)

    def verified(self, message: bytes, sort: str) -> Parsed:
        """The message, if a key we have signed it as `sort`. Raises DecodeError, RefusedError."""
        if sort != ANY:
            return self.open(message, sort)
        refusals: list[RefusedError] = []
        for name in wire.SORTS:
            try:
                return self.open(message, name)
            except DecodeError:
                continue
            except RefusedError as error:  # of this form, and not signed as this sort
                refusals.append(error)
        raise refusals[0] if refusals else DecodeError("of no sort of message")

    def open(self, message: bytes, sort: str) -> Parsed:
        """The message as one sort. Raises DecodeError, RefusedError."""
        parsed = wire.parse(sort, message)
        key = self.keys.get(parsed.sign1.kid)
        if key is None:
            raise RefusedError("signed by a key that was not given, kid " + parsed.sign1.kid.hex())
        wire.verify(parsed, key, self.verifier.verify)
        return parsed

    def show(self, parsed: Parsed, found: Found) -> None:
        """Print what a verified message says."""
        fields: dict[str, Any] = parsed.fields
        address = (fields["tenant"], fields["gateway"])
        book = self.books.setdefault(address, GatewayBook(0, *address))
        if parsed.sort == "bundle":
            book.zero_utc_ms.update(fields.get("boots", {}))
            for verified in self.events(book, fields, found):
                line = event_json if self.as_json else self.line
                print(line(verified, {}))
            return
        if parsed.sort == "manifest":
            learn_devices(book, fields)
        elif parsed.sort in ("state", "receipt"):
            for lane, row in fields["lanes"].items():
                self.claim(Stream(*address, fields["epoch"], lane), parsed.sort, row)
        said = {name: item for name, item in fields.items() if name != "version"}
        print(dumps({"sort": parsed.sort} | said))

    def claim(self, stream: Stream, sort: str, row: list[Any]) -> None:
        """Hold what a state or a receipt says of a lane against its events."""
        if sort == "state":
            first_held, before, *row = row
            self.audit.claim(stream, first_held - 1, before)
        seq, chain = row
        self.audit.claim(stream, seq, chain)

    def events(self, book: GatewayBook, fields: dict[str, Any], found: Found) -> Iterator[Verified]:
        """The events of a bundle; one that does not decode is a finding."""
        chains = self.audit.add(fields)
        for seq, (event, chain) in enumerate(zip(fields["events"], chains, strict=True), fields["first_seq"]):
            content, fault = None, None
            try:
                content = event_codec.decode_event(event)
            except DecodeError as error:
                fault = str(error)
                self.finding(f"number {seq} is no event: {fault}", found.place)
            self.counts["events"] += 1
            own = content.identity if content is not None else None
            row = Row(0, fields["lane"], seq, chain, own, event, is_copy=False, fault=fault)
            yield Verified(book, fields["epoch"], row, content, found.received_ms)

    def finding(self, cause: str, place: str) -> None:
        """Something is wrong."""
        self.counts["findings"] += 1
        if self.as_json:
            print(dumps({"error": cause, "at": place}))
        else:
            print(f"{place}: {reworded(cause)}", file=sys.stderr)

    def end(self) -> int:
        """What the messages say together; the exit status."""
        for finding in self.audit.findings():
            self.finding(finding, "chain")
        if self.as_json:
            print(dumps({"summary": self.counts}))
        else:
            messages, events, findings = self.counts.values()
            print(reworded(f"messages {messages}, events {events}, findings {findings}"))
        return 1 if self.counts["findings"] or not self.counts["messages"] else 0


def read_messages(name: str, data: bytes) -> Iterator[Found]:
    """The messages of a file, CBOR or lines of hex; a rest that is no message comes last, as one that fails."""
    if data.strip(HEX) == b"":
        for number, line in enumerate(data.decode().splitlines(), 1):
            digits = "".join(line.split())
            if digits:
                message = bytes.fromhex(digits) if len(digits) % 2 == 0 else b""
                yield Found(f"{name} line {number}", message)
    else:
        yield from split(name, data)


def split(name: str, data: bytes) -> Iterator[Found]:
    """CBOR items that follow each other."""
    at = 0
    while at < len(data):
        try:
            _, end = cbor.decode_item(data, at, 1)
        except DecodeError:
            end = len(data)
        yield Found(f"{name} byte {at}", data[at:end])
        at = end
