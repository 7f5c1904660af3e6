"""`trygg-kit enrol`: the enrolment server: certificates for gateways that come with a token, over TLS, once."""

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from gateway.core.enrolling import PORT
from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.arguments import reworded
from gateway.daemon.json_text import dumps
from tools.authority.folder import Folder
from tools.authority.secrets_asked import passphrase
from tools.authority.server import EnrolmentServer


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser("enrol", **options)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument(
        "--listen", default="127.0.0.1", metavar="HOST", help="address (default: %(default)s)"
    )
    parser.add_argument(
        "--port", type=int, default=PORT, metavar="P", help="port, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument("--cert", type=Path, required=True, metavar="FILE", help="our certificate, PEM")
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="its private key, PEM")
    parser.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="private file with the passphrase (default: ask)"
    )


def run(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; each request is one line of JSON."""
    folder = Folder(options.directory)
    try:
        authority = folder.authority(passphrase(options.passphrase_file))
    except RefusedError as error:
        print(f"trygg-kit enrol: {reworded(error)}", file=sys.stderr)
        return 1
    if not 0 <= options.port <= 65535:
        raise ConfigError("--port", str(options.port), "0 to 65535", "command line")
    address = (options.listen, options.port)
    server = EnrolmentServer(address, folder, authority, (options.cert, options.key), say)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    with server:
        print(dumps({"listening": f"https://{options.listen}:{server.server_address[1]}"}), flush=True)
        server.serve_forever(0.2)
    return 0


def say(what: str, gateway: str, cause: str) -> None:
    """One line of a log; no token and no request is in it."""
    line = {"what": what, "gateway": gateway} | ({"cause": cause} if cause else {})
    print(dumps(line), flush=True)
