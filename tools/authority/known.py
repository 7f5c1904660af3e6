"""Whether anybody knows the gateways that a command line names: a broker takes what is said to an id that nobody has, and is silent."""

import argparse
import difflib
from pathlib import Path

from gateway.core.errors import ConfigError
from tools.authority.given import registry
from tools.platform.said import Said

NEAREST = 3  # ids that are shown where one is not known


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--registry` and `--unknown`."""
    parser.add_argument(
        "--registry", type=Path, metavar="FILE", help="public keys of gateways, as the platform has them"
    )
    parser.add_argument(
        "--unknown",
        action="store_true",
        help="also for gateways that neither the store nor the registry knows",
    )


def check(options: argparse.Namespace, tenant: str, said: Said) -> None:
    """That the store has heard of `options.gateways`, or a registry names them, or nobody minds. Raises ConfigError."""
    known = said.heard(tenant)
    if options.registry is not None:
        known |= {name for of, name in registry(options.registry) if of == tenant}
    for name in options.gateways:
        if name not in known and not options.unknown:
            near = difflib.get_close_matches(name, sorted(known), NEAREST)
            hint = f" (did you mean {', '.join(near)}?)" if near else ""
            raise ConfigError(
                "GATEWAY",
                f"{name!r}, which neither the store nor a registry knows",
                f"a gateway that the platform has heard, one in --registry, or --unknown beside it{hint}",
                "command line",
            )
