"""`trygg-kit command`: ask gateways something, signed, and show what they answer.

Each command counts once and for some minutes. Answers come as events: they are awaited in the platform's store. Exit status: 0 each
gateway answered, 1 one refused, did not answer in time, or the broker did not take it, 2 wrong command line or files.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.core import cose, wire
from gateway.core.commanding import LONGEST_MS, PAIR, VERBS
from gateway.core.errors import ConfigError, RefusedError
from gateway.core.model import Event
from gateway.daemon.arguments import reworded
from gateway.daemon.json_text import dumps
from hal.errors import HalError
from hal.interfaces import Uplink
from tools.authority import known
from tools.export.source import open_store
from tools.platform import desk
from tools.platform.broker import in_our_words
from tools.platform.lines import printable
from tools.platform.parties import Signer
from tools.platform.said import Said, answer

VALID_S = 300  # a gateway that is offline for longer is asked again
LOOK_S = 0.25
ID_BYTES = 16


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """`trygg-kit command`."""
    parser = subparsers.add_parser("command", **options)
    parser.add_argument("verb", choices=VERBS, metavar="VERB", help="one of " + ", ".join(VERBS))
    parser.add_argument("gateways", nargs="+", metavar="GATEWAY")
    parser.add_argument("--device", metavar="NAME", help="pair: a device of the gateway's configuration")
    parser.add_argument(
        "--placement", type=int, metavar="N", help="pair: the same by its number in the manifest"
    )
    parser.add_argument(
        "--valid-s",
        type=int,
        default=VALID_S,
        metavar="N",
        help="carried out within so long (default: %(default)s)",
    )
    parser.add_argument(
        "--wait-s",
        type=int,
        default=30,
        metavar="N",
        help="wait so long for the answer (default: %(default)s)",
    )
    parser.add_argument(
        "--store", type=Path, default=Path("platform.db"), metavar="FILE", help="(default: %(default)s)"
    )
    known.add_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    desk.add_broker(parser)
    desk.add_signer(parser)


def run(
    options: argparse.Namespace,
    connect: Callable[[argparse.Namespace], Uplink] = desk.uplink,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Ask over what `connect` gives, and wait for the answers."""
    arguments = arguments_of(options)
    for name in options.gateways:
        if not wire.is_id(name):
            raise ConfigError(
                "GATEWAY", repr(name), "small letters, digits and -, at most 32", "command line"
            )
    if not 0 < options.valid_s <= LONGEST_MS // 1000:
        raise ConfigError("--valid-s", str(options.valid_s), f"1 to {LONGEST_MS // 1000}", "command line")
    try:
        tenant, signer = desk.signer(options, wire.COMMAND_ROLE)
        connection = connect(options)
        with Said(options.store) as said:
            known.check(options, tenant, said)
            asked = {
                name: ask(options, said, (tenant, name), signer, arguments, connection)
                for name in options.gateways
            }
    except (HalError, RefusedError) as error:
        print(f"trygg-kit command: {reworded(in_our_words(error))}", file=sys.stderr)
        return 1
    return wait(options, tenant, asked, pause)


def arguments_of(options: argparse.Namespace) -> dict[str, object] | None:
    """What goes with the verb. Raises ConfigError."""
    given = {"device": options.device, "placement": options.placement}
    arguments = {name: value for name, value in given.items() if value is not None}
    if (options.verb == PAIR) != (len(arguments) == 1):
        raise ConfigError(
            "--device, --placement",
            "both or neither, or beside another verb",
            "one of them with pair",
            "command line",
        )
    return arguments or None


def ask(
    options: argparse.Namespace,
    said: Said,
    address: tuple[str, str],
    signer: Signer,
    arguments: dict[str, object] | None,
    connection: Uplink,
) -> bytes:
    """Sign one command and publish it; its id. Its counter is kept before it goes out: none is given twice."""
    kid, now_ms, command_id = cose.kid_of(signer.public_key), desk.utc_ms(), secrets.token_bytes(ID_BYTES)
    with said.change():
        counter = max(said.last_number(address, "command", kid) + 1, now_ms)  # above those of a lost store
        fields: dict[str, object] = {"id": command_id, "counter": counter, "verb": options.verb}
        fields |= {"arguments": arguments, "not_after": now_ms + 1000 * options.valid_s}
        message = signer.seal("command", wire.encode_payload("command", *address, fields))
        said.put(address, "command", kid, command_id, counter, message, now_ms)
    desk.publish(connection, [(wire.topic(*address, "command"), message)], retain=False)
    return command_id


def wait(
    options: argparse.Namespace, tenant: str, asked: dict[str, bytes], pause: Callable[[float], None]
) -> int:
    """Show each answer as it comes; 1 where one refused or nothing came."""
    waiting, all_well = dict(asked), True
    for look in range(int(options.wait_s / LOOK_S) + 1):
        if look:
            pause(LOOK_S)
        with open_store(options.store) as store:
            found = {name: answer(store, tenant, name, waiting[name]) for name in waiting}
        for name, content in found.items():
            if content is not None:
                show(options, name, content)
                all_well = all_well and content.kind == "command.answered"
                del waiting[name]
        if not waiting or not options.wait_s:
            break
    for name in waiting if options.wait_s else ():
        if options.json:
            print(dumps({"gateway": name, "answered": False}))
        else:
            print(reworded(f"{name} has not answered in time"), file=sys.stderr)
    return 0 if all_well and (not waiting or not options.wait_s) else 1


def show(options: argparse.Namespace, name: str, content: Event) -> None:
    """One answer."""
    values = {key: item for key, item in sorted(content.values.items()) if key != "command_id"}
    if options.json:
        print(dumps({"gateway": name, "answered": content.kind == "command.answered"} | values), flush=True)
        return
    if content.kind != "command.answered":
        print(reworded(f"{name} refuses: {content.values.get('reason', '')}"), flush=True)
        return
    said = ", ".join(f"{key} {item}" for key, item in values.items() if key != "verb")
    print(printable(f"{name}: {values.get('verb', '')}  {said}"), flush=True)
