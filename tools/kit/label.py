"""`trygg-kit label`: labels of registered gateways with a checksummed short code and a QR code; and whose a code is."""

import argparse
import sys
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon.arguments import own_language, reworded
from gateway.daemon.typed_codes import is_label_code, label_code
from tools.authority import label, qr
from tools.authority.folder import write
from tools.authority.given import registry

NOBODY = "a registry with gateways in it: trygg-kit ca sign-request and trygg-kit enrol register them"


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser("label", **options)
    parser.add_argument("registry", type=Path, metavar="REGISTRY")
    parser.add_argument("--tenant", required=True, metavar="ID", help="of this tenant")
    parser.add_argument(
        "--gateway", action="append", default=[], metavar="ID", help="only these (default: all)"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="FILE", help="a page to print, HTML")
    what.add_argument("--find", metavar="CODE", help="which gateway a short code is of, typed or scanned")
    what.add_argument("--show", action="store_true", help="draw the QR codes in this terminal")
    parser.add_argument(
        "--address",
        metavar="URL",
        help="QR codes lead here, with # and the label's text; without it they hold that alone",
    )


def run(options: argparse.Namespace) -> int:
    """0 done, 1 the code is nobody's. Raises ConfigError."""
    keys = registry(options.registry)
    known = {name: key for (owner, name), key in keys.items() if owner == options.tenant}
    if not known:
        tenants = ", ".join(sorted({owner for owner, _ in keys}))
        expected = f"a tenant of the registry: {tenants}" if tenants else NOBODY
        found = f"{options.tenant}, of which no gateway is registered"
        raise ConfigError("--tenant", found, expected, str(options.registry))
    if options.find is not None:
        return find(options.tenant, known, options.find)
    missing = [name for name in options.gateway if name not in known]
    if missing:
        raise ConfigError("--gateway", ", ".join(missing), "one of the registry", str(options.registry))
    chosen = {name: key for name, key in known.items() if not options.gateway or name in options.gateway}
    address = None if options.address is None else qr.web_address(options.address)
    if options.show:
        for name, key in sorted(chosen.items()):
            print(qr.terminal(label.payload(options.tenant, name, key, address)), end="")
            print(f"{name}  {label_code(options.tenant, name, key)}")
        return 0
    page = label.sheet(
        options.tenant,
        chosen,
        own_language(),
        reworded("Labels of gateways"),
        reworded("The short code must be the one that trygg identity shows on the gateway."),
        address,
    )
    write(options.out, page.encode(), 0o644)
    print(reworded(f"labels {len(chosen)}, {options.out}"))
    return 0


def find(tenant: str, known: dict[str, bytes], code: str) -> int:
    """Whose a code is."""
    found = label.find(tenant, known, code)
    if found is None:
        cause = (
            "no registered gateway has this code"
            if is_label_code(label.scanned(code))
            else "a code with a typing error: read it again"
        )
        print(f"trygg-kit label: {reworded(cause)}", file=sys.stderr)
        return 1
    print(found)
    return 0
