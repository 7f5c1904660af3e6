"""`trygg-kit deviation`: whether the export of a deviation report is the gateway's and as it was signed; what is in it."""

import argparse
import sys
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError, DecodeError, RefusedError
from gateway.daemon.arguments import reworded
from gateway.daemon.doctor_export import verify
from gateway.daemon.json_text import dumps
from tools.platform.parties import read_public_key, read_registry


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser("deviation", **options)
    parser.add_argument("export", type=Path, metavar="FILE", help="what trygg doctor --export wrote")
    signer = parser.add_mutually_exclusive_group(required=True)
    signer.add_argument("--key", metavar="HEX|FILE", help="public key of a signer")
    signer.add_argument(
        "--registry", type=Path, metavar="FILE", help="public keys of gateways, as the platform has them"
    )
    parser.add_argument("--json", action="store_true", help="print the manifest as one JSON document")


def run(options: argparse.Namespace) -> int:
    """0 it is as it was signed, 1 not. Raises ConfigError."""
    try:
        data = options.export.read_bytes()
    except OSError as error:
        raise ConfigError(
            "FILE",
            f"nothing that can be read ({error.strerror})",
            "an export: check the path",
            str(options.export),
        ) from error
    if options.key is not None:
        keys = [read_public_key(options.key, "--key")]
    else:
        keys = list(read_registry(options.registry).values())
    try:
        manifest = by_one_of(data, keys)
    except (DecodeError, RefusedError) as error:
        print(f"trygg-kit deviation: {reworded(error)}", file=sys.stderr)
        return 1
    if options.json:
        print(dumps(manifest))
        return 0
    print(
        reworded(f"signed by {manifest['gateway']} of {manifest['tenant']}, files: {len(manifest['files'])}")
    )
    for row in manifest["files"]:
        print(f"{row['sha256']}  {row['name']}")
    return 0


def by_one_of(data: bytes, keys: list[bytes]) -> dict[str, Any]:
    """The manifest under the first key that it holds under. Raises DecodeError, RefusedError."""
    failed: RefusedError | None = None
    for key in keys:
        try:
            return verify(data, key)
        except RefusedError as error:
            failed = error
    raise failed or RefusedError("the registry has no key that the export could be checked with")
