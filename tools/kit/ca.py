"""`trygg-kit ca`: the municipality's authority: root key, keysets, roles, certificates, tokens. docs/adr/0034-provisioning.md.

DIR is a folder that only its owner may read; the root key in it is under a passphrase. What needs the root key (`keyset`, `backup`)
is done on a machine without a network. Exit status: 0 done, 1 refused, 2 wrong command line or files.
"""

import argparse
import importlib
import sqlite3
import sys
from pathlib import Path
from typing import Any

from gateway.core.errors import RefusedError
from gateway.daemon.arguments import reworded

ROOT, TLS = "tools.authority.root_verbs", "tools.authority.tls_verbs"
LISTING = "tools.authority.listing"
# verb: (module, function)
VERBS = {
    "init": (ROOT, "init"),
    "backup": (ROOT, "backup"),
    "restore": (ROOT, "bring_back"),
    "role": (ROOT, "role"),
    "technician": (ROOT, "technician"),
    "keyset": (ROOT, "keyset"),
    "list": (LISTING, "listing"),
    "sign-request": (TLS, "sign_request"),
    "accept": (TLS, "accept"),
    "issue": (TLS, "issue"),
    "revoke": (TLS, "revoke"),
    "crl": (TLS, "revocations"),
    "acl": (TLS, "acl"),
    "token": (TLS, "token"),
}


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    verbs = subparsers.add_parser("ca", **options).add_subparsers(dest="verb", required=True, metavar="VERB")
    init = verb(verbs, "init", "make the root key, the TLS authority and an empty book", secret=True)
    init.add_argument("--tenant", required=True, help="small letters, digits and -")
    init.add_argument(
        "--backup", required=True, type=Path, metavar="FILE", help="the sheet to print; - for standard output"
    )
    backup = verb(verbs, "backup", "print the backup of the root key again", secret=True)
    backup.add_argument(
        "--out", required=True, type=Path, metavar="FILE", help="the sheet to print; - for standard output"
    )
    restore = verb(verbs, "restore", "the root key from its printed backup", secret=True)
    restore.add_argument("--tenant", required=True, help="small letters, digits and -")
    restore.add_argument(
        "--sheet",
        type=Path,
        default=Path("-"),
        metavar="FILE",
        help="the lines; - reads standard input (default)",
    )
    restore.add_argument(
        "--keyset-version", type=int, required=True, metavar="N", help="of the last keyset that gateways have"
    )
    add_holders(verbs)
    keyset = verb(verbs, "keyset", "sign the next keyset", secret=True)
    keyset.add_argument("--out", required=True, type=Path, metavar="FILE", help="what the platform publishes")
    keyset.add_argument(
        "--days", type=int, default=365, metavar="N", help="valid for so long (default: %(default)s)"
    )
    keyset.add_argument(
        "--next-root",
        action="append",
        default=[],
        metavar="HEX|FILE",
        help="a root key that may sign the next one",
    )
    listing = verb(verbs, "list", "who may sign what until when, and which certificates there are")
    listing.add_argument("--json", action="store_true", help="print the facts as one JSON document")
    add_certificates(verbs)
    add_access(verbs)


def verb(verbs: Any, name: str, words: str, *, secret: bool = False) -> Any:
    """One verb with its folder; `secret`: it needs the passphrase."""
    parser = verbs.add_parser(name, help=words, description=words)
    parser.add_argument("directory", type=Path, metavar="DIR")
    if secret:
        parser.add_argument(
            "--passphrase-file",
            type=Path,
            metavar="FILE",
            help="private file with the passphrase (default: ask)",
        )
    return parser


def add_holders(verbs: Any) -> None:
    """Services and technicians."""
    for name, words in (
        ("role", "keys of services: receipts, configuration, commands, dispositions"),
        ("technician", "keys of people, for a time"),
    ):
        parser = verb(verbs, name, words)
        parser.add_argument("act", choices=("add", "rotate", "revoke"))
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--role",
            action="append",
            default=[],
            metavar="ROLE",
            help="what the key may sign; several times for several",
        )
        parser.add_argument("--days", type=int, metavar="N", help="ends by itself after so many days")
        parser.add_argument(
            "--overlap-days",
            type=int,
            default=30,
            metavar="N",
            help="the former key counts for so long (default: %(default)s)",
        )
        parser.add_argument("--public-key", metavar="HEX", help="of a key that its holder has made")
        parser.add_argument("--out", type=Path, metavar="FILE", help="make a key into this file")
        if name == "technician":
            parser.add_argument(
                "--key-passphrase-file",
                type=Path,
                metavar="FILE",
                help="private file with the technician's passphrase (default: ask)",
            )


def add_certificates(verbs: Any) -> None:
    """Requests, certificates, tokens."""
    sign = verb(verbs, "sign-request", "check a gateway's request and issue its certificate", secret=True)
    accept = verb(verbs, "accept", "record the certificate that another authority issued for a request")
    for parser in (sign, accept):
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--replace", action="store_true", help="the gateway has a new identity: take the former one back"
        )
    sign.add_argument(
        "--out", type=Path, metavar="FILE", help="the certificate, with the authority's behind it"
    )
    sign.add_argument(
        "--days", type=int, default=730, metavar="N", help="valid for so long (default: %(default)s)"
    )
    sign.add_argument(
        "--pkcs10", type=Path, metavar="FILE", help="check only, and write PKCS #10 for another authority"
    )
    accept.add_argument("--certificate", required=True, type=Path, metavar="FILE", help="what came back, PEM")
    accept.add_argument(
        "--authority",
        type=Path,
        metavar="FILE",
        help="the other authority's certificate, PEM: check against it",
    )
    issue = verb(
        verbs, "issue", "key and certificate of a broker, the platform or the enrolment server", secret=True
    )
    issue.add_argument("name", metavar="NAME")
    issue.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="HOST",
        help="a server reached under this name or address",
    )
    issue.add_argument("--out", required=True, type=Path, metavar="DIR", help="gets NAME.pem and NAME.key")
    issue.add_argument(
        "--days", type=int, default=397, metavar="N", help="valid for so long (default: %(default)s)"
    )


def add_access(verbs: Any) -> None:
    """What a broker is told, and tokens."""
    revoke = verb(verbs, "revoke", "take back the certificates of a gateway or a service", secret=True)
    revoke.add_argument("name", metavar="NAME")
    verb(verbs, "crl", "sign the list of certificates taken back anew", secret=True)
    acl = verb(verbs, "acl", "Mosquitto's access list that fits")
    acl.add_argument(
        "--listed", action="store_true", help="name each registered gateway instead of one pattern for all"
    )
    acl.add_argument(
        "--service",
        action="append",
        default=[],
        metavar="NAME",
        help="name of the platform's certificate (default: trygg-platform)",
    )
    acl.add_argument("--out", type=Path, metavar="FILE", help="a file instead of standard output")
    token = verb(verbs, "token", "a token with which one gateway enrols over the network, once")
    token.add_argument("gateway", metavar="GATEWAY")
    token.add_argument(
        "--hours", type=int, default=24, metavar="N", help="valid for so long (default: %(default)s)"
    )
    token.add_argument(
        "--replace", action="store_true", help="the gateway has a new identity: take the former one back"
    )


def run(options: argparse.Namespace) -> int:
    """0 done, 1 refused. Raises ConfigError."""
    module, name = VERBS[options.verb]
    try:
        status: int = getattr(importlib.import_module(module), name)(options)
    except (RefusedError, OSError, sqlite3.Error) as error:
        print(f"trygg-kit ca {options.verb}: {reworded(error)}", file=sys.stderr)
        return 1
    return status
