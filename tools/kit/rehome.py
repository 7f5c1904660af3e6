"""`trygg-kit rehome`: a gateway leaves its home; what it could not deliver reaches the platform; what brokers retain is cleared.

It works on the folders of one gateway: on the gateway itself (`trygg rehome`), or on its card in a reader.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.core.config import HubConfig
from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.arguments import language_of_files, reworded
from gateway.daemon.configuration import DEFAULT, load_or_last_good
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import Texts
from hal.errors import HalError
from tools.move import finished
from tools.move import report as reports
from tools.move.bring import bring
from tools.move.clear import clear_over, topics
from tools.move.farewell import Farewell
from tools.move.moving import Around, Asked, FoundError, Moving
from tools.move.network import PROFILES
from tools.move.places import Places, places_of
from tools.platform.broker import parse_broker, tls_files
from tools.platform.parties import Keys, read_public_key, read_registry
from tools.stock import records
from tools.stock.book import Book, utc_ms

WAIT_S = 120
UNKNOWN = "-"
VERBS = {
    "leave": "deliver or export what is held, wipe what is of the home, and show that it is gone",
    "bring": "put an export into a platform's store",
    "clear": "clear what a broker retains of a gateway that has left",
}


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser("rehome", **options)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    add_leave(verbs.add_parser("leave", help=VERBS["leave"], description=VERBS["leave"]))
    add_bring(verbs.add_parser("bring", help=VERBS["bring"], description=VERBS["bring"]))
    add_clear(verbs.add_parser("clear", help=VERBS["clear"], description=VERBS["clear"]))


def add_leave(parser: argparse.ArgumentParser) -> None:
    """Options of `leave`."""
    add = parser.add_argument
    add(
        "-c",
        "--config",
        type=Path,
        action="append",
        metavar="FILE",
        help="configuration of the gateway, its layers in order",
    )
    add(
        "--export",
        type=Path,
        metavar="FILE",
        help="what cannot be delivered goes into this file, on another medium",
    )
    add(
        "--wait-s",
        type=int,
        default=WAIT_S,
        metavar="N",
        help="how long receipts are waited for (default: %(default)s)",
    )
    add(
        "--scan",
        type=Path,
        action="append",
        default=[],
        metavar="IMAGE",
        help="look through this image or device, too",
    )
    add(
        "--this-machine",
        action="store_true",
        help="this is the gateway: its radio, Wi-Fi and log are meant, too",
    )
    add("--network", type=Path, metavar="DIR", help="NetworkManager's profiles, of a card in a reader")
    add("--bluetooth", type=Path, metavar="DIR", help="the store of bluetoothd, of a card in a reader")
    add(
        "--without-radio",
        action="store_true",
        help="the radio is gone: what BlueZ keeps stays, and is told of",
    )
    add("--fill", action="store_true", help="write over the free space of the card, too: minutes to hours")
    add(
        "--end-all-the-same",
        action="store_true",
        help="end although something was found; it stays where it is",
    )
    add("--stock", type=Path, metavar="FILE", help="tell this stock file that the gateway has come back")
    add("--by", default="", metavar="WHO", help="who does it, for the stock file")
    add("--report", type=Path, metavar="FILE", help="write the facts as JSON, too")
    add("--yes", action="store_true", help="do not ask")
    add("--json", action="store_true", help="print the facts as one JSON document")
    add("--language", choices=("nb", "en"), help="of what is said (default: the configuration's)")


def add_bring(parser: argparse.ArgumentParser) -> None:
    """Options of `bring`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the export")
    parser.add_argument(
        "--store", required=True, type=Path, metavar="FILE", help="of the platform, which does not run"
    )
    parser.add_argument(
        "--registry", type=Path, metavar="FILE", help="public keys of gateways, as the platform has them"
    )
    parser.add_argument("--gateway", metavar="ID", help="with --key: the gateway's id")
    parser.add_argument("--tenant", metavar="ID", help="with --key: its tenant")
    parser.add_argument(
        "--key", metavar="HEX|FILE", help="its public key of then, where the registry has another by now"
    )
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON document")


def add_clear(parser: argparse.ArgumentParser) -> None:
    """Options of `clear`."""
    parser.add_argument("--tenant", required=True, metavar="ID", help="of this tenant")
    parser.add_argument("--gateway", required=True, metavar="ID", help="the gateway's id")
    parser.add_argument(
        "--broker", required=True, metavar="URL", help="mqtts://host:port; mqtt:// on this machine only"
    )
    parser.add_argument("--ca", metavar="FILE", help="authority of the broker's certificate, PEM")
    parser.add_argument("--cert", metavar="FILE", help="our certificate, PEM")
    parser.add_argument("--key", metavar="FILE", help="its private key, PEM")
    parser.add_argument("--client-id", default="trygg-platform", help="MQTT client id (default: %(default)s)")
    parser.add_argument(
        "--own-topics", action="store_true", help="those of the gateway, too, where it could not"
    )


def run(options: argparse.Namespace) -> int:
    """0 done, 1 a finding or a refusal, 2 a wrong command line or configuration."""
    try:
        return {"leave": leave, "bring": bring_in, "clear": clear}[options.verb](options)
    except (RefusedError, ConfigError, HalError, OSError) as error:
        said = texts_of(options).reword(error) if options.verb == "leave" else reworded(error)
        print(f"trygg-kit rehome: {said}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1


# --- leave --------------------------------------------------------------------------------------------------------


def layers_of(options: argparse.Namespace) -> list[Path]:
    """The files of the gateway's configuration."""
    return [path.absolute() for path in options.config or [DEFAULT]]


def texts_of(options: argparse.Namespace) -> Texts:
    """In the language that was asked for, else in that of the gateway."""
    return Texts(options.language or language_of_files(layers_of(options)))


def leave(options: argparse.Namespace, around: Around | None = None) -> int:
    """A gateway leaves its home. Raises ConfigError, RefusedError, HalError, OSError."""
    layers, texts = layers_of(options), texts_of(options)
    loaded = load_or_last_good(layers)
    places = places_of(
        loaded,
        layers,
        options.network or (PROFILES if options.this_machine else None),
        options.bluetooth,
        this_machine=options.this_machine,
    )
    export = options.export.absolute() if options.export is not None else None
    asked = Asked(export, options.scan, options.fill, options.without_radio, options.end_all_the_same)
    hub = loaded.config.hub
    moving = Moving(loaded.config, places, asked, around)
    is_over = not moving.progress.is_begun and finished.is_bare(places)
    wiped = reports.ALL if is_over else reports.BEGUN if moving.has_wiped else reports.NOTHING
    if options.report is not None:
        reports.check("--report", options.report.absolute(), places, wiped)
    if is_over:
        return nothing_to_move(options, hub, places, texts)
    for image in options.scan:
        reports.check_image(image, wiped)
    if export is not None and "events" not in moving.progress.done:
        reports.check("--export", export, places)
    if not (options.yes or agreed(f"{hub.tenant}/{hub.id}", texts)):
        return 1
    say = (lambda _line: None) if options.json else print
    farewell = Farewell(places.data, moving.progress, teller(texts, say))
    has_stopped = farewell.say(options.wait_s, may_export=export is not None)
    try:
        report = moving.run()
    except (RefusedError, ConfigError, HalError, OSError):
        if has_stopped and not moving.progress.path.exists():
            said = texts.reword("nothing was wiped, and the hub does not run: systemctl start trygg")
            print(f"trygg-kit rehome: {said}", file=sys.stderr)
        raise
    except FoundError:
        report = dict(moving.progress.facts) | {"tenant": hub.tenant, "gateway": hub.id}
        show(report, places, texts, options)
        return 1
    report |= {"tenant": hub.tenant, "gateway": hub.id}
    if options.stock is not None:
        report["stock"] = stocked(options, report, texts)
    show(report, places, texts, options)
    return 1 if report.get("found") else 0


def nothing_to_move(options: argparse.Namespace, hub: HubConfig, places: Places, texts: Texts) -> int:
    """Nothing of a home is here. The facts are those of the move that was finished here, and nothing is wiped again.

    Raises RefusedError: no move was finished here, so there is nothing to report; or free space or images were to be dealt with.
    """
    facts = finished.read(places)
    if facts is None:
        raise RefusedError(
            "nothing of a home is on this gateway, and no move was finished here: nothing was wiped, and there is no report"
        )
    if options.fill or options.scan:
        raise RefusedError(
            "nothing is left to move, and what was looked for is forgotten: --fill and --scan go with a move that is not over"
        )
    report = facts | {"tenant": hub.tenant, "gateway": hub.id, "finished_before": True}
    if options.stock is not None:
        report["stock"] = stocked(options, report, texts)
    show(report, places, texts, options)
    return 1 if report.get("found") else 0


def agreed(name: str, texts: Texts, ask: Callable[[str], str] = input) -> bool:
    """Whether a person types the name of the gateway."""
    question = texts.reword(f"Everything of its home is wiped from {name}. Type that name to go on:")
    try:
        if ask(question + " ").strip() == name:
            return True
    except EOFError:
        pass
    print(f"trygg-kit rehome: {texts.reword('nothing was done')}", file=sys.stderr)
    return False


def teller(texts: Texts, say: Callable[[str], None]) -> Callable[[int], None]:
    """Says how many events still wait."""
    return lambda count: say(
        texts.reword(f"{count} events wait for their receipt")
        if count
        else texts.reword("everything is receipted")
    )


def stocked(options: argparse.Namespace, report: dict[str, Any], texts: Texts) -> str:
    """Let the stock know. The gateway is wiped in any case: a stock that does not take it is said, and is no failure."""
    try:
        with Book(options.stock) as book:
            moved = records.take(book, dumps(report), "left", options.by or "trygg rehome", utc_ms())
    except (RefusedError, ConfigError) as error:
        print(f"trygg-kit rehome: {texts.reword(error)}", file=sys.stderr)
        return str(error)
    return ", ".join(moved.moved)


def show(report: dict[str, Any], places: Places, texts: Texts, options: argparse.Namespace) -> None:
    """What was done, and what is left to do. Raises RefusedError where the report cannot be written, after all was said."""
    print(dumps(report) if options.json else "\n".join(lines(report, places, texts)), flush=True)
    if options.report is not None:
        reports.keep(options.report, report)


def lines(report: dict[str, Any], places: Places, texts: Texts) -> list[str]:
    """The report in words."""
    found = []
    if report.get("finished_before"):
        found.append(
            texts.reword(
                "nothing is left to move: this gateway was wiped before, and nothing of a home has come since. That move said:"
            )
        )
    if "export" in report:
        row = report["export"]
        path = row.get("path", UNKNOWN)  # of a move that was over before: where it went is forgotten
        found.append(texts.reword(f"exported and verified: {row['events']} events, {path}"))
    looked = report.get("looked", {})
    if looked:
        words = f"looked for {looked['traces']} traces in {looked['files']} files and images, {looked['bytes']} bytes"
        found.append(texts.reword(words))
    hits = report.get("found", [])
    found.append(texts.reword(f"{len(hits)} traces are left"))
    for hit in hits:
        place = hit.get("path", UNKNOWN) + (f" @{hit['offset']}" if hit.get("offset", -1) >= 0 else "")
        found.append(f"  {texts.reword(hit['what'])}: {place}")
    found += [texts.reword(f"left to people: {texts.reword(each)}") for each in report.get("left", [])]
    if not report.get("told"):
        found.append(texts.reword("the platform has still to be told that the gateway has left its home"))
    if not report.get("cleared"):
        found.append(texts.reword("its topics have still to be cleared: trygg-kit rehome clear --own-topics"))
    if hits:
        found.append(texts.reword("not ended: delete what was found and run the same command again"))
    elif "label" in report:
        if "took_ms" in report:
            found.append(texts.reword(f"wiped in {max(1, report['took_ms'] // 1000)} s, {places.data}"))
        found.append(texts.reword(f"new identity, short code for its label: {report['label']}"))
    return found


# --- afterwards ---------------------------------------------------------------------------------------------------


def bring_in(options: argparse.Namespace) -> int:
    """An export into a store. Raises ConfigError, RefusedError."""
    keys: Keys = dict(read_registry(options.registry)) if options.registry is not None else {}
    if options.key is not None:
        if options.tenant is None or options.gateway is None:
            raise ConfigError("--key", "no gateway with it", "--tenant and --gateway, too", "command line")
        keys[(options.tenant, options.gateway)] = read_public_key(options.key, "--key")
    if not keys:
        raise ConfigError("--registry", "nothing", "the platform's registry, or --key", "command line")
    brought = bring(options.file, options.store, keys)
    if options.json:
        faults = [{"cause": each.cause, **each.details} for each in brought.faults]
        print(dumps({**brought._asdict(), "faults": faults}))
    else:
        print(
            reworded(
                f"messages {brought.messages}, new events {brought.events}, known before {brought.known}"
            )
        )
        for fault in brought.faults:
            print(f"{fault.cause}: {reworded(fault.details.get('reason', ''))}", file=sys.stderr)
    return 1 if brought.faults else 0


def clear(options: argparse.Namespace) -> int:
    """Clear the topics. Raises ConfigError, HalError."""
    broker = parse_broker(options.broker)
    asked = topics(options.tenant, options.gateway, of_gateway=options.own_topics)
    clear_over(broker, options.client_id, tls_files(options, broker), asked)
    print(reworded(f"cleared {len(asked)} topics"))
    return 0
