"""`trygg-kit wifi`: gives a gateway on a serial cable its Wi-Fi, by Improv. The password is typed or read from a file, never an argument."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from gateway.core import improv
from gateway.core.errors import ConfigError
from gateway.daemon import asking
from gateway.daemon.arguments import reworded
from gateway.daemon.json_text import dumps
from hal.errors import HalError
from hal.interfaces import SerialPort
from hal.linux.serial_ports import PyserialPorts
from tools.improv.client import ImprovClient, RefusedByDeviceError, with_port

BUTTON_S = 120.0
STATES = {
    improv.UNAUTHORISED: "waits for its button",
    improv.AUTHORISED: "ready for a network",
    improv.PROVISIONING: "joining a network",
    improv.PROVISIONED: "has a network",
}


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser("wifi", **options)
    parser.add_argument("port", metavar="PORT", help="serial port of the device, by name or URL")
    parser.add_argument(
        "--scan", action="store_true", help="list the networks that the device hears, and nothing else"
    )
    parser.add_argument("--ssid", metavar="NAME", help="the network (default: it is asked for)")
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="read the password from the first line of this file (default: it is asked for)",
    )
    parser.add_argument("--baud", type=int, default=115_200, metavar="N", help="bit/s (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON document")


def run(options: argparse.Namespace) -> int:
    """0 it has joined (or told what it hears), 1 not. Raises ConfigError."""

    async def open_port() -> SerialPort:
        return await PyserialPorts().open(options.port, baud=options.baud)

    async def work(client: ImprovClient) -> int:
        return await talk(client, options)

    try:
        return asyncio.run(with_port(open_port, work))
    except (HalError, RefusedByDeviceError) as error:
        print(f"trygg-kit wifi: {reworded(error)}", file=sys.stderr)
        return 1


async def talk(client: ImprovClient, options: argparse.Namespace) -> int:
    """The whole conversation. Raises ConfigError, HalError, RefusedByDeviceError."""
    state = await client.state()
    info = await client.info()
    facts: dict[str, Any] = {"state": state, "info": info}
    if not options.json:
        print(f"{' '.join(info)}: {reworded(STATES.get(state, STATES[improv.UNAUTHORISED]))}")
    await client.authorised(
        BUTTON_S, lambda: print(reworded("Press the button of the device."), file=sys.stderr)
    )
    if options.scan:
        facts["networks"] = await client.scan()
        show_networks(facts, as_json=options.json)
        return 0
    ssid, password = await asyncio.to_thread(credentials, options)
    try:
        facts["said"] = await client.send(ssid, password)
    except ValueError as error:
        expected = "a name of 1 to 32 bytes and a password of at most 64"
        raise ConfigError("--ssid", "what does not fit", expected, "command line") from error
    facts["state"] = improv.PROVISIONED
    if options.json:
        print(dumps(facts))
    else:
        print(" ".join([reworded("The device has joined the network."), *facts["said"]]))
    return 0


def show_networks(facts: dict[str, Any], *, as_json: bool) -> None:
    """What the device hears, as it told it."""
    if as_json:
        print(dumps(facts))
        return
    for row in facts["networks"]:
        name, strength, protected = (*row, "", "")[:3]
        print(f"{strength:>4} dBm  {name}" + ("" if protected == "NO" else "  *"))


def credentials(options: argparse.Namespace) -> tuple[str, str]:
    """Network and password, typed where they were not given. Raises ConfigError."""
    ssid = options.ssid if options.ssid is not None else asking.line(reworded("network:"), "--ssid").strip()
    if options.password_file is None:
        return ssid, asking.secret(reworded("password of the network (empty: none):"), "--password-file")
    try:
        lines = options.password_file.read_bytes().decode("utf-8", "replace").splitlines()
    except OSError as error:
        found = f"nothing that can be read ({error.strerror})"
        raise ConfigError("--password-file", found, "a file with the password", "command line") from error
    return ssid, lines[0] if lines else ""
