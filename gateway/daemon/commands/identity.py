"""`trygg identity`: who this gateway is, and its TLS key and certificate. Both private keys are made here and stay here."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.arguments import language_of_reader
from gateway.daemon.commands.run import add_config
from gateway.daemon.configuration import DEFAULT, Loaded, load
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import Texts
from hal.errors import HalError

ASK = "-"
# The files of `[uplink]`, as the operator guide names them.
FILES = {"uplink.ca": "ca.pem", "uplink.certificate": "hub.pem", "uplink.key": "hub.key"}


def add_parser(subparsers: Any) -> None:
    """The command line."""
    words = "who this gateway is; ask for its certificate, and install it"
    parser = subparsers.add_parser(
        "identity",
        help=words,
        description="Show who this gateway is. Its keys are made here and never leave. Run it as the hub's user. "
        "Exit status 0: done, 1: refused, 2: the configuration or the command line cannot be used.",
    )
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON document")
    parser.add_argument(
        "--request", type=Path, metavar="FILE", help="write a countersigned request for a TLS certificate"
    )
    parser.add_argument(
        "--install", type=Path, metavar="FILE", help="install the certificate that came back, PEM"
    )
    parser.add_argument(
        "--enrol", metavar="URL", help="request and install over the network, from https://host:port"
    )
    parser.add_argument(
        "--token",
        metavar="TOKEN",
        help="with --enrol: the token; - asks for it, so that no list of processes has it",
    )


def run(options: argparse.Namespace) -> int:
    """0 done, 1 refused, 2 a wrong command line or configuration."""
    paths = options.config or [DEFAULT]
    texts = Texts(language_of_reader(paths))
    try:
        check_options(options)
        loaded = load(paths)
        with loaded.blaming():
            return act(loaded, options, texts)
    except ConfigError as error:
        said = [f"trygg identity: {texts.reword(error)}", *advice(error, texts)]
        print("\n".join(said), file=sys.stderr)
        return 2
    except (RefusedError, HalError, OSError) as error:
        print(f"trygg identity: {texts.reword(error)}", file=sys.stderr)
        return 1


def advice(error: ConfigError, texts: Texts) -> list[str]:
    """What to write where the configuration does not say yet what a certificate is for."""
    if error.found != "nothing":
        return []
    if error.key == "uplink.brokers":
        return [texts.say("identity.no_brokers")]
    if error.key in FILES:
        return [texts.say("identity.no_file", key=error.key.partition(".")[2], file=FILES[error.key])]
    return []


def check_options(options: argparse.Namespace) -> None:
    """One thing at a time, and a token with the address it is for. Raises ConfigError."""
    asked = [options.request, options.install, options.enrol]
    if len([each for each in asked if each is not None]) > 1:
        raise ConfigError("--request, --install, --enrol", "several", "one of them", "command line")
    if (options.enrol is None) != (options.token is None):
        raise ConfigError("--enrol, --token", "one without the other", "both or neither", "command line")


def act(loaded: Loaded, options: argparse.Namespace, texts: Texts) -> int:
    """Do what was asked for. Raises ConfigError, RefusedError, HalError, OSError."""
    from gateway.daemon import enrolment, tls_identity, typed_codes, wiring

    config = loaded.config
    came = None if options.install is None else read_came(options.install)
    keys = wiring.keystore(config)
    hub = config.hub
    facts: dict[str, Any] = {
        "tenant": hub.tenant,
        "gateway": hub.id,
        "public_key": keys.public_key.hex(),
        "code": typed_codes.label_code(hub.tenant, hub.id, keys.public_key),
    }
    done = ""
    if came is not None:
        certificate = tls_identity.install(came, config.uplink, hub.id, config.source)
        done = texts.say("identity.installed", date=certificate.not_valid_after_utc.date())
    elif options.request is not None or options.enrol is not None:
        key = tls_identity.key_of(tls_identity.named(config.uplink, "key", config.source))
        csr = tls_identity.csr_for(key, hub.id)
        message = asyncio.run(enrolment.make(hub.tenant, hub.id, keys.public_key, csr, keys.sign))
        if options.request is not None:
            tls_identity.replace(options.request, enrolment.to_text(message).encode(), tls_identity.PUBLIC)
            done = texts.say("identity.requested", path=options.request)
        else:
            done = over_network(loaded, options, texts, enrolment.to_text(message))
    show(facts, done, options, texts)
    return 0


def read_came(path: Path) -> bytes:
    """The file with the certificate that came back. Raises ConfigError."""
    try:
        return path.read_bytes()
    except OSError as error:
        found = f"nothing that can be read at {path} ({error.strerror})"
        expected = "the certificate that came back, PEM: check the path, and that this user may read it"
        raise ConfigError("--install", found, expected, "command line") from error


def over_network(loaded: Loaded, options: argparse.Namespace, texts: Texts, request: str) -> str:
    """Ask with a token and install what comes. Raises ConfigError, RefusedError."""
    from gateway.daemon import asking, enrolment_client, tls_identity

    config = loaded.config
    ca = tls_identity.named(config.uplink, "ca", config.source)
    asked = options.token == ASK
    token = asking.secret(texts.say("identity.ask_token"), "--token") if asked else options.token
    came = enrolment_client.enrol(options.enrol, token, request, ca)
    certificate = tls_identity.install(came, config.uplink, config.hub.id, config.source)
    return texts.say("identity.installed", date=certificate.not_valid_after_utc.date())


def show(facts: dict[str, Any], done: str, options: argparse.Namespace, texts: Texts) -> None:
    """What everybody may know."""
    if options.json:
        print(dumps(facts))
        return
    print(texts.say("identity.head", gateway=facts["gateway"], tenant=facts["tenant"]))
    print(texts.say("identity.code", code=facts["code"]))
    print(texts.say("status.public_key", key=facts["public_key"]))
    if done:
        print(done)
