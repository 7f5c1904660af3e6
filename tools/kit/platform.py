"""`trygg-kit platform`: the reference receiver over MQTT. Rules: docs/platform.md."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from gateway.core.outbox import URGENT_LANES
from gateway.daemon.arguments import own_language
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.texts import LANGUAGES
from hal.errors import HalError
from tools.platform.books import Fault, Verified
from tools.platform.broker import in_our_words, parse_broker, tls_files
from tools.platform.link import Link, SystemTime
from tools.platform.outlet import Outlet
from tools.platform.parties import (
    Names,
    Signer,
    Watched,
    read_keyset,
    read_names,
    read_private_key,
    read_public_key,
    read_registry,
)
from tools.platform.receiver import Receiver
from tools.platform.store import Store, StoreError


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """`trygg-kit platform`."""
    parser = subparsers.add_parser("platform", **options)
    parser.add_argument(
        "--broker", required=True, metavar="URL", help="mqtts://host:port; mqtt:// on this machine only"
    )
    parser.add_argument("--ca", metavar="FILE", help="authority of the broker's certificate, PEM")
    parser.add_argument("--cert", metavar="FILE", help="our certificate, PEM")
    parser.add_argument("--key", metavar="FILE", help="its private key, PEM")
    parser.add_argument("--client-id", default="trygg-platform", help="MQTT client id (default: %(default)s)")
    parser.add_argument(
        "--registry",
        required=True,
        type=Path,
        metavar="FILE",
        help="JSON: tenant, gateway, its public key in hex",
    )
    parser.add_argument(
        "--signing-key", required=True, type=Path, metavar="FILE", help="Ed25519 key of role receipt, PEM"
    )
    parser.add_argument(
        "--keyset",
        required=True,
        type=Path,
        action="append",
        metavar="FILE",
        help="signed keyset, one a tenant",
    )
    parser.add_argument(
        "--root-key",
        action="append",
        default=[],
        metavar="HEX|FILE",
        help="check the keyset against this key",
    )
    parser.add_argument(
        "--store", required=True, metavar="FILE", help="SQLite file, made where it is not there"
    )
    parser.add_argument(
        "--names", type=Path, metavar="FILE", help="JSON: gateway, placement, name for people"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, the summary last")
    parser.add_argument(
        "--faults", action="store_true", help="faults among the events, not on standard error"
    )
    parser.add_argument(
        "--language", choices=LANGUAGES, help="of lines for people (default: that of this machine)"
    )
    printed = parser.add_mutually_exclusive_group()
    printed.add_argument(
        "--alarms", action="store_true", help="print alarms and technical events (lanes 0 and 1), no others"
    )
    printed.add_argument("--quiet", action="store_true", help="print no events, only faults and the summary")


def run(options: argparse.Namespace) -> int:
    """Receive until SIGTERM or SIGINT."""
    broker = parse_broker(options.broker)
    uplink = PahoUplink(broker, client_id=options.client_id, tls=tls_files(options, broker))
    signer = Signer(read_private_key(options.signing_key, "--signing-key"))
    root_keys = [read_public_key(text, "--root-key") for text in options.root_key]
    keysets = dict(read_keyset(path, signer, root_keys) for path in options.keyset)
    registry = Watched(options.registry, read_registry)
    for tenant, _ in registry.content:
        if tenant not in keysets:
            raise ConfigError(
                "--keyset", f"none of tenant {tenant}", "one for each tenant of the registry", "command line"
            )
    names: Watched[Names] | None = Watched(options.names, read_names, {}) if options.names else None
    outlet = Outlet(
        as_json=options.json,
        stream=sys.stdout,
        fault_stream=None if options.faults else sys.stderr,
        names=names.content if names is not None else {},
        language=options.language or own_language(),
    )
    try:
        store = Store(options.store)
    except StoreError as error:
        raise ConfigError(
            "--store", str(error), "a file of the platform or a new one", "command line"
        ) from error
    link = Link(uplink, keysets, on_connection=connection_report(outlet))
    with store:
        receiver = Receiver(
            store=store,
            keys=registry.content,
            keysets=keysets,
            signer=signer,
            time=SystemTime(),
            publish=link.publish,
            on_events=printer(options, outlet),
            on_fault=outlet.fault,
            read_all=not (options.quiet or options.alarms),
        )
        asyncio.run(serve(link, receiver, look_at_files(receiver, outlet, registry, names)))
        outlet.summary(receiver)
    return 0


def printer(options: argparse.Namespace, outlet: Outlet) -> Callable[[list[Verified]], None]:
    """What becomes of events that are stored."""
    if options.quiet:
        return lambda _events: None
    if options.alarms:
        return lambda events: outlet.events([one for one in events if one.row.lane in URGENT_LANES])
    return outlet.events


async def serve(link: Link, receiver: Receiver, each_second: Callable[[], None]) -> None:
    """Serve until a signal says stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, link.stop)
    await link.serve(receiver, each_second)


def look_at_files(
    receiver: Receiver, outlet: Outlet, registry: Watched[Any], names: Watched[Names] | None
) -> Callable[[], None]:
    """What is looked at once a second: the clock of the faults, and files that changed."""

    def look() -> None:
        outlet.now_ms = receiver.time.now_ms()
        try:
            if registry.refresh():
                receiver.register(registry.content)
            if names is not None and names.refresh():
                outlet.names = names.content
        except ConfigError as error:
            outlet.fault(Fault("file.unreadable", "", "", {"reason": str(error)}))

    return look


def connection_report(outlet: Outlet) -> Callable[[HalError | None], None]:
    """Says when the broker is lost or refuses us, and when it is there again."""
    lost = False

    def report(error: HalError | None) -> None:
        nonlocal lost
        if error is not None:
            outlet.fault(Fault("broker.lost", "", "", {"reason": in_our_words(error)}))
        elif lost:
            outlet.fault(Fault("broker.back", "", ""))
        lost = error is not None

    return report
