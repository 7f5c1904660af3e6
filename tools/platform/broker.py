"""The broker that `trygg-kit` commands are given: its URL, the three files of mutual TLS, and what its errors are called here."""

import argparse
import ipaddress
import urllib.parse
from pathlib import Path

from gateway.core.config_fields import Broker
from gateway.core.errors import ConfigError
from gateway.daemon.mqtt_tls import TlsFiles, tls_context
from hal.errors import DeniedError

PORTS = {"mqtt": 1883, "mqtts": 8883}
# The uplink speaks of a gateway's configuration; here the same things are options.
OUR_WORDS = (
    ("[uplink] ca, certificate and key", "--ca, --cert and --key"),
    ("[uplink] certificate and key", "--cert and --key"),
    ("[uplink] certificate", "--cert"),
    ("[uplink] ca", "--ca"),
    ("[uplink] brokers", "--broker"),
    ("this gateway", "this platform"),
)


def in_our_words(error: Exception) -> str:
    """An error of the uplink, speaking of options; English, as lines of JSON are."""
    words = str(error)
    for theirs, ours in OUR_WORDS:
        words = words.replace(theirs, ours)
    return words


def parse_broker(url: str) -> Broker:
    """Host, port and TLS of a URL. Raises ConfigError, also for plain MQTT to another machine."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urllib.parse.urlsplit(""), None, None
    if parts.scheme not in PORTS or not host or parts.path not in ("", "/") or parts.username or parts.query:
        raise ConfigError("--broker", repr(url), "mqtts://host:port", "command line")
    if parts.scheme == "mqtt" and not is_this_machine(host):
        raise ConfigError("--broker", repr(url), "mqtts:// towards another machine", "command line")
    return Broker(host, port or PORTS[parts.scheme], parts.scheme == "mqtts")


def is_this_machine(host: str) -> bool:
    """Whether plain MQTT stays within this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def tls_files(options: argparse.Namespace, broker: Broker) -> TlsFiles | None:
    """The three files where the broker needs them, tried once. Raises ConfigError."""
    if not broker.tls:
        return None
    for name in ("ca", "cert", "key"):
        if getattr(options, name) is None:
            raise ConfigError("--" + name, "nothing", "a PEM file: mqtts is mutual TLS", "command line")
        path = Path(getattr(options, name))
        if not path.is_file():
            raise ConfigError("--" + name, f"{path}, which is no file", "a PEM file", "command line")
    files = TlsFiles(options.ca, options.cert, options.key)
    try:
        tls_context(files)
    except DeniedError as error:
        raise ConfigError(
            "--ca, --cert, --key",
            f"files that do not work ({error.detail})",
            "PEM files that fit each other",
            "command line",
        ) from error
    return files
