"""The municipality's desk: signs what gateways are told, and hands it to the broker, once, without staying connected."""

import argparse
import asyncio
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core import cose, wire
from gateway.core.errors import ConfigError, DecodeError, RefusedError
from gateway.daemon.mqtt import PahoUplink
from hal.errors import TimedOutError
from hal.interfaces import Uplink
from tools.authority import sealed
from tools.authority.secrets_asked import passphrase
from tools.platform.broker import parse_broker, tls_files
from tools.platform.parties import Signer, read_private_key

PUBACK_S = 20.0


def utc_ms() -> int:
    """The machine's time of day."""
    return time.time_ns() // 1_000_000


def add_broker(parser: argparse.ArgumentParser) -> None:
    """Options: where the broker is, and who we are there."""
    parser.add_argument("--broker", metavar="URL", help="mqtts://host:port; mqtt:// on this machine only")
    parser.add_argument("--ca", metavar="FILE", help="authority of the broker's certificate, PEM")
    parser.add_argument("--cert", metavar="FILE", help="our certificate, PEM")
    parser.add_argument("--key", metavar="FILE", help="its private key, PEM")
    parser.add_argument("--client-id", default="trygg-desk", help="MQTT client id (default: %(default)s)")


def add_signer(parser: argparse.ArgumentParser) -> None:
    """Options: with which key, and under which keyset."""
    parser.add_argument("--signing-key", type=Path, metavar="FILE", help="Ed25519 key that may say this, PEM")
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="private file with the passphrase of that key, if it has one",
    )
    parser.add_argument("--keyset", type=Path, metavar="FILE", help="the keyset that gateways have")


def needed(options: argparse.Namespace, *names: str) -> None:
    """Options that this use of the command needs. Raises ConfigError."""
    for name in names:
        if getattr(options, name.lstrip("-").replace("-", "_")) is None:
            raise ConfigError(name, "nothing", "what is needed to say it to gateways", "command line")


def signer(options: argparse.Namespace, role: str) -> tuple[str, Signer]:
    """(tenant, signer) where the keyset gives the key that role. Raises ConfigError, RefusedError."""
    needed(options, "--signing-key", "--keyset")
    made = Signer(private_key(options))
    try:
        parsed = wire.parse("keyset", options.keyset.read_bytes())
    except OSError as error:
        raise ConfigError("--keyset", str(error), "a file that can be read", str(options.keyset)) from error
    except DecodeError as error:
        raise ConfigError(
            "--keyset", error.reason, "a keyset signed by the root key", str(options.keyset)
        ) from error
    rows: Any = parsed.fields["keys"]
    roles = {kid: roles for kid, _, roles in rows}.get(cose.kid_of(made.public_key), [])
    if role not in roles:
        expected = f"one to which that keyset gives the role {role}"
        raise ConfigError("--signing-key", "another key", expected, "command line")
    until: Any = parsed.fields["not_after"]
    if until < utc_ms():
        raise RefusedError("the keyset has expired; sign the next one with trygg-kit ca keyset")
    return str(parsed.fields["tenant"]), made


def private_key(options: argparse.Namespace) -> Ed25519PrivateKey:
    """The key; a person's is under a passphrase. Raises ConfigError, RefusedError."""
    path: Path = options.signing_key
    if not is_sealed(path):
        return read_private_key(path, "--signing-key")
    key = sealed.unseal(path, passphrase(options.passphrase_file, "passphrase of the key"))
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError("--signing-key", type(key).__name__, "an Ed25519 private key in PEM", str(path))
    return key


def is_sealed(path: Path) -> bool:
    """Whether a key file is under a passphrase."""
    try:
        return b"ENCRYPTED" in path.read_bytes()
    except OSError:
        return False  # whoever reads it next says why


def uplink(options: argparse.Namespace) -> Uplink:
    """Our connection, not yet made. Raises ConfigError."""
    needed(options, "--broker")
    broker = parse_broker(options.broker)
    return PahoUplink(broker, client_id=options.client_id, tls=tls_files(options, broker))


def publish(connection: Uplink, messages: list[tuple[str, bytes]], *, retain: bool) -> None:
    """Hand messages to the broker; returns when it has acknowledged all of them. Raises HalError."""

    async def hand_over() -> None:
        await connection.connect([])
        try:
            async with asyncio.timeout(PUBACK_S):
                for topic, message in messages:
                    await connection.publish(topic, message, retain=retain)
        except TimeoutError as error:
            raise TimedOutError("the broker does not answer") from error
        finally:
            await connection.close()

    asyncio.run(hand_over())
