"""`trygg-kit demo` (behind `trygg demo`): the whole system on one machine, for as long as you like to watch."""

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon import training
from gateway.daemon.arguments import reworded, session_language
from gateway.daemon.json_text import dumps
from tools.demo import account, words
from tools.demo.judge import shortfalls
from tools.demo.show import Show, ShowError, write_report
from tools.demo.stage import GATEWAY, TENANT, Brokerage, Stage, own_brokerage
from tools.home.scenario import Scenario, load
from tools.platform.broker import parse_broker, tls_files
from tools.simulators.certificates import Credentials


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser("demo", **options)
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="N",
        help="how long (default: as the scenario says; home 40, its failures come after 30)",
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a verified event, a summary last"
    )
    parser.add_argument(
        "--scenario", default="home", metavar="NAME|FILE", help="what happens in the home (default: home)"
    )
    parser.add_argument("--language", choices=("nb", "en"), help="of the view (default: the terminal's)")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep journal, platform store, logs and keys in DIR"
    )
    parser.add_argument(
        "--training",
        action="store_true",
        help="for a training room: all that happens is marked as exercise, under a tenant of its own",
    )
    broker = parser.add_argument_group("a broker of your own")
    broker.add_argument(
        "--broker",
        metavar="URL",
        help="mqtts://host:port (or mqtt:// on loopback) instead of the embedded one",
    )
    broker.add_argument("--ca", type=Path, metavar="FILE", help="authority of the broker's certificate")
    broker.add_argument(
        "--cert", type=Path, metavar="FILE", help="client certificate of gateway and platform"
    )
    broker.add_argument("--key", type=Path, metavar="FILE", help="its private key")
    broker.add_argument(
        "--tenant", metavar="ID", help="tenant in the topics (default: demo, with --training training)"
    )
    broker.add_argument(
        "--gateway",
        default=GATEWAY,
        metavar="ID",
        help="gateway id and MQTT client id (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Exit status 0 where nothing was lost and a scenario is as it expects, 1 where not or a process failed, 2 for a wrong command line."""
    scenario = load(options.scenario)
    options.language = options.language or session_language()
    options.tenant = options.tenant or (training.TENANT if options.training else TENANT)
    if options.training != training.is_tenant(options.tenant):
        expected = "training, or training- and more, with --training and only with it"
        raise ConfigError("--tenant", repr(options.tenant), expected, "command line")
    folder = options.keep or Path(tempfile.mkdtemp(prefix="trygg-demo-"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        stage = Stage(
            folder,
            brokerage(options, folder),
            options.tenant,
            options.gateway,
            language=options.language,
            training=options.training,
        )
        return asyncio.run(perform(stage, scenario, options))
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def brokerage(options: argparse.Namespace, folder: Path) -> Brokerage:
    """The embedded broker, or the one that was named, with files that fit. Raises ConfigError."""
    given = [options.ca, options.cert, options.key]
    if options.broker is None:
        return own_brokerage(folder, options.gateway)
    broker = parse_broker(options.broker)
    if broker.tls:
        if None in given:
            raise ConfigError("--broker", options.broker, "--ca, --cert and --key beside it", "command line")
        tls_files(options, broker)
        credentials = Credentials(*(path.absolute() for path in given))
        return Brokerage(options.broker, credentials, credentials, own=False)
    return Brokerage(options.broker, None, None, own=False)


async def perform(stage: Stage, scenario: Scenario, options: argparse.Namespace) -> int:
    """Run the show before the view that was asked for, and say what came of it once the view is closed.

    SIGTERM ends it as Ctrl-C does: what was started is stopped, and the folder with its keys goes.
    """
    task = asyncio.current_task()
    assert task is not None, "within a loop"
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        show, summary = await watched(stage, scenario, options)
    except ShowError as error:
        print(f"trygg-kit demo: {reworded(error)}", file=sys.stderr)
        return 1
    # an exercise is nobody's alarm, so there is nothing to hold against what the scenario expects
    expected = None if options.training else scenario.expect
    short = [] if expected is None else shortfalls(show.verdict(), expected)
    tell(show, summary, scenario, options, is_met=not short)
    complaints = [words.say(options.language, name, **values) for name, values in short]
    complaints = [words.say(options.language, "not_expected", reason=reason) for reason in complaints]
    if summary["lost"]:
        why = show.cause or words.say(options.language, "look")
        events = words.counted(options.language, "events", summary["lost"])
        complaints.append(words.say(options.language, "undelivered", events=events, cause=why))
    for text in complaints:
        print(f"trygg-kit demo: {text}", file=sys.stderr)
    return 1 if complaints else 0


def tell(
    show: Show, summary: dict[str, int], scenario: Scenario, options: argparse.Namespace, *, is_met: bool
) -> None:
    """The last lines; a scenario that expects something says who needed help, and what needs mending."""
    verdict = None if scenario.expect is None or options.training else show.verdict()
    if options.json:
        counted = {} if verdict is None else account.counts(verdict)
        print(json.dumps({"summary": {**summary, **counted}}), flush=True)
        return
    print("\n" + summed_up(summary, options.language))
    if verdict is not None:
        print("", *account.lines(verdict, options.language, scenario.time_zone), sep="\n")
        if is_met:
            print("", words.say(options.language, "as_expected"), sep="\n")


def summed_up(summary: dict[str, int], language: str) -> str:
    """What was stored at one end and verified at the other, in one line."""
    return words.say(
        language,
        "summary",
        events=words.counted(language, "events", summary["sent"]),
        verified=summary["verified"],
        duplicates=words.counted(language, "duplicates", summary["duplicates_removed"]),
        lost=summary["lost"],
    )


async def watched(
    stage: Stage, scenario: Scenario, options: argparse.Namespace
) -> tuple[Show, dict[str, int]]:
    """Run the show; what it saw, and its summary. Raises ShowError."""
    name, language = options.scenario, options.language
    seconds = scenario.seconds if options.seconds is None else options.seconds
    if options.json:
        show = Show(stage, scenario, name, seconds, print_event, no_note, language)
        summary = await show.run()
    else:
        from tools.demo.view import view  # rich, only where there is something to look at

        with view(language, scenario.time_zone) as shown:
            show = Show(stage, scenario, name, seconds, shown.event, shown.note, language)
            summary = await show.run()
    write_report(stage.folder / "report.json", show)
    return show, summary


def print_event(event: dict[str, Any]) -> None:
    """One JSON object a line."""
    print(dumps(event), flush=True)


def no_note(_text: str) -> None:
    """Standard output carries events only."""
