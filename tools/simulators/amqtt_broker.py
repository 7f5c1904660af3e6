"""The broker of the demonstration: amqtt in a process of its own, mutual TLS on loopback.

    python -m tools.simulators.amqtt_broker --port 8883 --ca ca.pem --cert server.pem --key server.key

It never redelivers an unacknowledged QoS 1 message and forgets all when it ends: receipts and resending carry
the delivery, as they must with any broker.
"""

import argparse
import asyncio
import logging
import signal
import ssl
import sys
from pathlib import Path

from amqtt.broker import Broker
from amqtt.contexts import ListenerConfig

LOOPBACK = "127.0.0.1"


class MutualTlsBroker(Broker):  # type: ignore[misc]  # amqtt is not typed
    """Upstream asks for a client's certificate and goes on without one; this one does not."""

    @staticmethod
    def _create_ssl_context(listener: ListenerConfig) -> ssl.SSLContext:
        context: ssl.SSLContext = Broker._create_ssl_context(listener)
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def configuration(port: int, ca: Path, certificate: Path, key: Path) -> dict[str, object]:
    """One TLS listener on loopback, anybody with a certificate, no $SYS topics."""
    listener = {
        "type": "tcp",
        "bind": f"{LOOPBACK}:{port}",
        "ssl": True,
        "cafile": str(ca),
        "certfile": str(certificate),
        "keyfile": str(key),
    }
    anonymous = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    return {"listeners": {"default": listener}, "plugins": anonymous}


async def serve(options: argparse.Namespace) -> None:
    """Serve until told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    broker = MutualTlsBroker(configuration(options.port, options.ca, options.cert, options.key))
    await broker.start()
    print('{"broker": "ready"}', flush=True)
    await stop.wait()
    await broker.shutdown()


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tools.simulators.amqtt_broker", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    for name in ("ca", "cert", "key"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(serve(parser.parse_args(argv)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
