"""`trygg-kit accept`: which alarms wait on the reference platform, and saying what became of them, signed.

Without an alarm it lists those that nobody has taken. What it says is kept in the platform's store and published to the gateway,
which shows it to whoever tries out an alarm. Exit status: 0 done, 1 the broker did not take it, 2 wrong command line or files.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.core import cose, wire
from gateway.core.alarms import ACCEPTED, FAILED, FORWARDED, HANDLED, NAMES
from gateway.core.errors import ConfigError, RefusedError
from gateway.core.registry_text import KIND_TEXTS
from gateway.daemon.arguments import own_language, reworded
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import LANGUAGES
from hal.errors import HalError
from hal.interfaces import Uplink
from tools.export.source import open_store
from tools.platform import desk
from tools.platform.broker import in_our_words
from tools.platform.lines import clock_text, device_name, printable, utc_of
from tools.platform.parties import Names, read_names
from tools.platform.said import Said, Waiting, alarms

DAY_MS = 86_400_000
SHORTEST_PREFIX = 6  # digits of an identity that may stand for it
LONGEST_NOTE = 200  # characters


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """`trygg-kit accept`."""
    parser = subparsers.add_parser("accept", **options)
    parser.add_argument(
        "alarms", nargs="*", metavar="ALARM", help="identity as the list shows it, or how it begins"
    )
    parser.add_argument("--all-exercises", action="store_true", help="every exercise that waits")
    became = parser.add_mutually_exclusive_group()
    for word, number, words in (
        ("--forwarded", FORWARDED, "it was sent on to whoever answers"),
        ("--accepted", ACCEPTED, "somebody has taken it (default)"),
        ("--handled", HANDLED, "somebody has dealt with it"),
        ("--failed", FAILED, "it could be brought to nobody"),
    ):
        became.add_argument(
            word, dest="became", action="store_const", const=number, default=ACCEPTED, help=words
        )
    parser.add_argument(
        "--note", metavar="TEXT", help="a few words that the gateway shows; no name of a person"
    )
    parser.add_argument(
        "--store", type=Path, default=Path("platform.db"), metavar="FILE", help="(default: %(default)s)"
    )
    parser.add_argument("--gateway", metavar="ID", help="of this gateway only")
    parser.add_argument(
        "--days", type=int, default=7, metavar="N", help="received in so many days (default: %(default)s)"
    )
    parser.add_argument(
        "--names", type=Path, metavar="FILE", help="JSON: gateway, placement, name for people"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    desk.add_broker(parser)
    desk.add_signer(parser)


def run(options: argparse.Namespace, connect: Callable[[argparse.Namespace], Uplink] = desk.uplink) -> int:
    """List, or say what became of alarms over what `connect` gives."""
    names = read_names(options.names) if options.names else {}
    if options.days < 1:
        raise ConfigError("--days", str(options.days), "1 or more", "command line")
    if options.note is not None and len(options.note) > LONGEST_NOTE:
        raise ConfigError(
            "--note", f"{len(options.note)} characters", f"{LONGEST_NOTE} at most", "command line"
        )
    with Said(options.store):
        pass
    since_ms = desk.utc_ms() - options.days * DAY_MS
    with open_store(options.store) as store:
        found = list(alarms(store, since_ms, options.gateway))
    if not options.alarms and not options.all_exercises:
        return show([one for one in found if one.waits], names, as_json=options.json)
    chosen = [named(text, found) for text in options.alarms]
    if options.all_exercises:
        chosen += [one for one in found if is_exercise(one) and one.waits and one not in chosen]
    try:
        return say(options, chosen, names, connect)
    except (HalError, RefusedError) as error:
        print(f"trygg-kit accept: {reworded(in_our_words(error))}", file=sys.stderr)
        return 1


def is_exercise(one: Waiting) -> bool:
    """Whether somebody tries it out."""
    return one.verified.content is not None and one.verified.content.exercise


def named(text: str, found: list[Waiting]) -> Waiting:
    """The one alarm whose identity begins so. Raises ConfigError."""
    fits = [one for one in found if one.verified.row.identity.hex().startswith(text.lower())]
    if len(text) < SHORTEST_PREFIX or len(fits) != 1:
        raise ConfigError(
            "ALARM",
            repr(text),
            "how the identity of one alarm of the store begins, in six digits or more",
            "command line",
        )
    return fits[0]


def say(
    options: argparse.Namespace,
    chosen: list[Waiting],
    names: Names,
    connect: Callable[[argparse.Namespace], Uplink],
) -> int:
    """Sign, publish, and keep what was said; the broker's word comes before the store's."""
    tenant, signer = desk.signer(options, wire.DISPOSITION_ROLE)
    connection = connect(options)
    for one in chosen:
        if one.verified.book.tenant != tenant:
            raise ConfigError("--keyset", f"tenant {tenant}", one.verified.book.tenant, str(options.keyset))
    with Said(options.store) as said:
        for one in chosen:
            book, identity = one.verified.book, one.verified.row.identity
            last_ms = 0 if one.word is None else one.word.utc_ms
            moment_ms = max(desk.utc_ms(), last_ms + 1)  # a gateway takes a later word only
            fields: dict[str, object] = {"identity": identity, "became": options.became}
            fields |= {"utc_ms": moment_ms, "note": options.note}
            message = signer.seal(
                "disposition", wire.encode_payload("disposition", tenant, book.name, fields)
            )
            desk.publish(connection, [(wire.topic(tenant, book.name, "disposition"), message)], retain=False)
            kid = cose.kid_of(signer.public_key)
            with said.change():
                said.put(
                    (tenant, book.name), "disposition", kid, identity, options.became, message, moment_ms
                )
            print(line(one, names, NAMES[options.became], as_json=options.json), flush=True)
    if not chosen and not options.json:
        print(reworded("no exercise waits"))
    return 0


def show(found: list[Waiting], names: Names, *, as_json: bool) -> int:
    """What waits, the oldest first."""
    for one in found:
        print(line(one, names, "" if one.word is None else NAMES[one.word.became], as_json=as_json))
    if not found and not as_json:
        print(reworded("no alarm waits"))
    return 0


def line(one: Waiting, names: Names, became: str, *, as_json: bool) -> str:
    """One alarm: when, where, what, and what became of it."""
    verified, content = one.verified, one.verified.content
    assert content is not None
    device = device_name(verified.book, content.placement, names.get(verified.book.name, {}))
    utc_ms = utc_of(verified.book, content)
    if as_json:
        facts: dict[str, object] = {
            "identity": verified.row.identity.hex(),
            "gateway": verified.book.name,
            "kind": content.kind,
        }
        facts |= {"device": device, "exercise": content.exercise, "utc_ms": utc_ms, "over": one.is_over}
        return dumps(facts | {"received_ms": verified.received_ms, "became": became or None})
    parts = [
        verified.row.identity.hex()[:12],
        clock_text(utc_ms).partition(".")[0] if utc_ms is not None else reworded("no clock"),
        verified.book.name,
        device,
        str(KIND_TEXTS[content.kind][LANGUAGES.index(own_language())]),
        reworded("exercise") if content.exercise else "",
        reworded("over") if one.is_over else "",
        in_words(became),
    ]
    return printable("  ".join(part for part in parts if part))


def in_words(became: str) -> str:
    """What became of an alarm, for people; nothing where nobody has told."""
    match became:
        case "forwarded":
            return reworded("sent on")
        case "accepted":
            return reworded("taken")
        case "handled":
            return reworded("dealt with")
        case "failed":
            return reworded("brought to nobody")
    return ""
