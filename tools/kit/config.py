"""`trygg-kit config`: compile layers for gateways, publish them signed, and see which gateway runs something else.

Exit status: 0 done (`drift`: every gateway runs what was published), 1 the broker did not take it or a gateway differs, 2 wrong
command line or files.
"""

import argparse
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.core import config_afar, cose, wire
from gateway.core.config import validate
from gateway.core.config_layers import merge
from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.arguments import reworded
from gateway.daemon.configuration import read
from gateway.daemon.json_text import dumps
from hal.errors import HalError
from hal.interfaces import Uplink
from tools.authority import known
from tools.authority.folder import write
from tools.authority.given import unreadable
from tools.export.source import open_store
from tools.platform import desk
from tools.platform.broker import in_our_words
from tools.platform.said import Said, Standing, standings

# What stands for a gateway's own files where the layers are tried.
STAND_IN: dict[str, Any] = {
    "hub": {"id": "gateway", "tenant": "tenant"},
    "uplink": {"brokers": ["mqtts://localhost"], "ca": "ca.pem", "certificate": "hub.pem", "key": "hub.key"},
    "platform": {"root_public_key": "root.pub"},
}


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """`trygg-kit config`."""
    verbs = subparsers.add_parser("config", **options).add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    words = "check layers and write what may come from afar of them as one file"
    make = verbs.add_parser("compile", help=words, description=words)
    make.add_argument(
        "layers", type=Path, nargs="+", metavar="FILE", help="city, district, home: the later wins"
    )
    make.add_argument("--out", required=True, type=Path, metavar="FILE", help="the compiled configuration")
    words = "sign a compiled configuration and let the broker keep it for gateways"
    publish = verbs.add_parser("publish", help=words, description=words)
    publish.add_argument("file", type=Path, metavar="FILE", help="the compiled configuration")
    publish.add_argument("gateways", nargs="+", metavar="GATEWAY")
    publish.add_argument("--revision", type=int, metavar="N", help="above the last one (default: the next)")
    known.add_options(publish)
    desk.add_broker(publish)
    desk.add_signer(publish)
    words = "which gateways run something else than was published for them"
    drift = verbs.add_parser("drift", help=words, description=words)
    drift.add_argument("--gateway", metavar="ID", help="of this gateway only")
    for parser in (publish, drift):
        parser.add_argument(
            "--store", type=Path, default=Path("platform.db"), metavar="FILE", help="(default: %(default)s)"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(options: argparse.Namespace, connect: Callable[[argparse.Namespace], Uplink] = desk.uplink) -> int:
    """One verb, over what `connect` gives."""
    try:
        if options.verb == "compile":
            return compile_layers(options)
        return drift(options) if options.verb == "drift" else publish(options, connect)
    except (HalError, RefusedError, OSError) as error:
        print(f"trygg-kit config {options.verb}: {reworded(in_our_words(error))}", file=sys.stderr)
        return 1


def compile_layers(options: argparse.Namespace) -> int:
    """Check the layers as a gateway would, leave out what is each gateway's own, and say what that was."""
    layers = [(str(path), read(path)) for path in options.layers]
    validate(merge([("stand-in", STAND_IN), *layers]), str(options.layers[-1]))
    tree, left = without_local(merge(layers))
    data = config_afar.compiled(tree)
    if len(data) > wire.MAX_DOWN_BYTES - 512:  # signature, ids and revision
        raise RefusedError(f"{len(data)} bytes are more than a gateway takes: split what homes do not share")
    write(options.out, data, 0o644)
    print(reworded(f"configuration of {len(data)} bytes: {options.out}"))
    if left:
        print(reworded(f"left out, given where the gateway is provisioned: {', '.join(left)}"))
    return 0


def without_local(tree: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A tree without the keys that may not come from afar, and which those were."""
    kept, left = {}, []
    for name, section in tree.items():
        local = config_afar.LOCAL.get(name, ())
        if not isinstance(section, dict):
            kept[name] = section
            continue
        left += [f"{name}.{key}" for key in section if key in local]
        rest = {key: value for key, value in section.items() if key not in local}
        if rest:
            kept[name] = rest
    return kept, left


def publish(options: argparse.Namespace, connect: Callable[[argparse.Namespace], Uplink]) -> int:
    """Sign for each gateway and publish. Each revision is kept before it goes out: none is given twice."""
    data, tree = read_compiled(options.file)
    validate(merge([("stand-in", STAND_IN), (str(options.file), tree)]), str(options.file))
    for name in options.gateways:
        if not wire.is_id(name):
            raise ConfigError(
                "GATEWAY", repr(name), "small letters, digits and -, at most 32", "command line"
            )
    tenant, signer = desk.signer(options, wire.CONFIG_ROLE)
    connection = connect(options)
    kid = cose.kid_of(signer.public_key)
    with Said(options.store) as said:
        known.check(options, tenant, said)
        for name in options.gateways:
            with said.change():
                last = said.last_number((tenant, name), "config")
                revision = last + 1 if options.revision is None else options.revision
                if revision <= last:
                    raise ConfigError("--revision", str(revision), f"more than {last}", "command line")
                fields: dict[str, object] = {"revision": revision, "configuration": data}
                message = signer.seal("config", wire.encode_payload("config", tenant, name, fields))
                if len(message) > wire.MAX_DOWN_BYTES:
                    raise RefusedError(
                        f"{len(message)} bytes are more than a gateway takes: split what homes do not share"
                    )
                said.put((tenant, name), "config", kid, b"", revision, message, desk.utc_ms())
            desk.publish(connection, [(wire.topic(tenant, name, "config"), message)], retain=True)
            facts = {"gateway": name, "revision": revision}
            print(
                dumps(facts) if options.json else reworded(f"{name}: revision {revision} is published"),
                flush=True,
            )
    return 0


def read_compiled(path: Path) -> tuple[bytes, dict[str, Any]]:
    """A compiled configuration, and its tables. Raises ConfigError, RefusedError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable("FILE", error, path) from error
    try:
        return data, config_afar.read(data)
    except ConfigError as error:
        found = f"something else ({error.found})" if data else "nothing in it"
        if is_layer(data):
            found = "a layer that is not compiled (TOML)"
        expected = (
            "what trygg-kit config compile has written: compile the layers first, and publish that file"
        )
        raise ConfigError("FILE", found, expected, str(path)) from error


def is_layer(data: bytes) -> bool:
    """Whether somebody gave a file that is still to be compiled."""
    try:
        return bool(tomllib.loads(data.decode("utf-8")))
    except (UnicodeError, tomllib.TOMLDecodeError, RecursionError):
        return False


def drift(options: argparse.Namespace) -> int:
    """What each gateway runs, and whether that is what was published."""
    with Said(options.store):
        pass
    with open_store(options.store) as store:
        found = standings(store, options.gateway)
    for one in found:
        if options.json:
            print(dumps(one._asdict() | {"differs": one.differs}))
        else:
            print(line(one))
    if not options.json and not found:
        print(reworded("no gateway has been heard, and nothing has been published"))
    elif not options.json and not any(one.published for one in found):
        print(reworded("nothing has been published from this store: trygg-kit config publish does that"))
    return 1 if any(one.differs for one in found) else 0


def line(one: Standing) -> str:
    """One gateway for people."""
    if one.running is None:
        return reworded(f"{one.gateway}: revision {one.published} is published, and it has not been heard")
    if one.published:
        text = reworded(f"{one.gateway}: runs revision {one.running}, published is {one.published}")
    elif one.running:
        text = reworded(f"{one.gateway}: runs revision {one.running}, and nothing is published for it")
    else:
        text = reworded(f"{one.gateway}: runs its own configuration, and nothing is published for it")
    if one.local:
        text += "; " + reworded(f"{one.local} keys are changed in the home")
    return text + (": " + reworded(one.reason) if one.reason else "")
