"""`trygg-kit profile`: what the homes of a district share, as one file, and back as a layer of configuration; never keys."""

import argparse
import sys
from pathlib import Path
from typing import Any

from gateway.core import wire
from gateway.core.config_layers import merge
from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.arguments import reworded
from gateway.daemon.configuration import read
from tools.authority import profile
from tools.authority.folder import write, write_new
from tools.authority.given import unreadable


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    verbs = subparsers.add_parser("profile", **options).add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    words = "write what these layers say that homes share: brokers, authority, rules, language"
    export = verbs.add_parser("export", help=words, description=words)
    export.add_argument("layers", type=Path, nargs="+", metavar="FILE")
    export.add_argument("--name", required=True, metavar="NAME", help="small letters, digits and -")
    export.add_argument("--out", required=True, type=Path, metavar="FILE", help="the profile")
    words = "check a profile and write it as a layer of configuration"
    bring = verbs.add_parser("import", help=words, description=words)
    bring.add_argument("file", type=Path, metavar="FILE")
    bring.add_argument("directory", type=Path, metavar="DIR", help="gets NAME.toml and NAME-ca.pem")
    bring.add_argument("--replace", action="store_true", help="replace a profile of the same name")


def run(options: argparse.Namespace) -> int:
    """0 done, 1 refused. Raises ConfigError."""
    try:
        return export(options) if options.verb == "export" else bring(options)
    except (RefusedError, OSError) as error:
        print(f"trygg-kit profile: {reworded(error)}", file=sys.stderr)
        return 1


def export(options: argparse.Namespace) -> int:
    """One file out of layers."""
    if not wire.is_id(options.name):
        raise ConfigError(
            "--name", repr(options.name), "small letters, digits and -, at most 32", "command line"
        )
    text, left = profile.export(merge([(str(path), read(path)) for path in options.layers]), options.name)
    write_new(options.out, text.encode(), 0o644)
    print(reworded(f"profile {options.name}: {options.out}"))
    if left.names:
        print(reworded(f"not of a district, left out: {', '.join(left.names)}"))
    if left.secrets:
        print(
            reworded(
                f"of these, looks like a key: {', '.join(left.secrets)}. Keys belong in files of the gateway, not in layers"
            )
        )
    return 0


def bring(options: argparse.Namespace) -> int:
    """A layer out of a file. The certificate comes first: a layer never names a file that is not there."""
    try:
        text = options.file.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise unreadable("FILE", error, options.file) from error
    name, body, authority = profile.read(text, str(options.file))
    if not wire.is_id(name):
        raise ConfigError(
            "profile.name", repr(name), "small letters, digits and -, at most 32", str(options.file)
        )
    layer, certificate = (
        options.directory / f"{name}.toml",
        options.directory / profile.CA_FILE.format(name=name),
    )
    for path in (layer, certificate):
        if path.exists() and not options.replace:
            raise ConfigError(path.name, "there already", "a new file, or --replace", str(options.directory))
    if authority:
        write(certificate, authority.encode(), 0o644)
    write(
        layer, f"# District profile {name}: trygg check -c {layer.name} -c HOME.toml\n{body}".encode(), 0o644
    )
    print(reworded(f"layer {layer}"))
    print(
        reworded(
            f"nothing reads it by itself: give it before the home's own file, which wins: trygg check -c {layer} -c {layer.with_name('hub.toml')}"
        )
    )
    return 0
