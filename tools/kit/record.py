"""`trygg-kit record`: check the signed record of an installation, say what it bears witness to, or make a page of it to print."""

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError, DecodeError, RefusedError
from gateway.daemon.arguments import own_language, reworded
from gateway.daemon.commands.install_words import record_lines
from gateway.daemon.install_print import document
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import LANGUAGES, Texts
from gateway.hub import installing_record
from tools.authority.folder import write
from tools.authority.given import unreadable
from tools.platform.parties import Verifier, read_public_key, read_registry

DONE, FAILED = 0, 1
HEX = b"0123456789abcdefABCDEF \t\r\n"


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser("record", **options)
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="the record, as trygg install --record --out wrote it"
    )
    parser.add_argument("--key", metavar="HEX|FILE", help="public key of the gateway")
    parser.add_argument(
        "--registry", type=Path, metavar="FILE", help="public keys of gateways, as the platform has them"
    )
    parser.add_argument(
        "--sha256", metavar="HEX", help="what the platform's event installation.completed says"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="a page to print")
    parser.add_argument("--language", choices=LANGUAGES, help="nb or en (default: that of this machine)")
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON document")


def run(options: argparse.Namespace) -> int:
    """0 where the record holds, 1 where it does not. Raises ConfigError."""
    message = read_file(options.file)
    digest = hashlib.sha256(message).hexdigest()
    try:
        fields = installing_record.read(message, key_of(options, message), Verifier().verify)
        check_digest(options.sha256, digest)
    except (DecodeError, RefusedError) as error:
        print(f"trygg-kit record: {options.file}: {reworded(error)}", file=sys.stderr)
        return FAILED
    texts = Texts(options.language or own_language())
    record: dict[str, Any] = installing_record.told(fields)
    if options.html is not None:
        write(options.html, document(record, message.hex(), texts.language).encode(), 0o644)
    if options.json:
        print(dumps({"record": record, "sha256": digest}))
    else:
        print("\n".join(record_lines(record, digest, texts)))
    return DONE


def check_digest(said: str | None, digest: str) -> None:
    """The platform's event names this record. Raises RefusedError."""
    if said is not None and said.strip().lower() != digest:
        raise RefusedError("the record is not the one that the platform's event names")


def read_file(path: Path) -> bytes:
    """The message, as it is or in hex. Raises ConfigError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable("FILE", error, path) from error
    return (
        bytes.fromhex(data.decode())
        if data and not data.strip(HEX) and len(b"".join(data.split())) % 2 == 0
        else data
    )


def key_of(options: argparse.Namespace, message: bytes) -> bytes:
    """The key that the record must be signed with. Raises ConfigError, DecodeError, RefusedError."""
    if options.key is not None:
        return read_public_key(options.key, "--key")
    if options.registry is None:
        raise ConfigError(
            "--key", "nothing", "the public key of whoever signed, or --registry", "command line"
        )
    fields = installing_record.fields_of(message)
    key = read_registry(options.registry).get((fields["tenant"], fields["gateway"]))
    if key is None:
        raise RefusedError("the registry has no such gateway")
    return key
