"""A municipality's desk over a simulated broker: keys, a keyset, a platform's store, and what gateways would hear."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core import cose, wire
from gateway.core.trust import Trust
from gateway.core.wire import Parsed
from hal.sim.uplink import SimBroker, SimUplink
from hal.types import Message
from tests.tools.authority_bench import Said
from tools.kit.__main__ import make_parser
from tools.kit.keys import pem, write_private
from tools.platform import desk
from tools.platform.parties import Signer, Verifier

NEVER_MS = 4_000_000_000_000


class Ear(SimUplink):
    """Our connection to the broker, which remembers what was published."""

    def __init__(self, broker: SimBroker) -> None:
        super().__init__(broker, "desk")
        self.heard: list[Message] = []

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        await super().publish(topic, payload, retain=retain)
        self.heard.append(Message(topic, payload, retain))


class Desk:
    """`tenant`'s desk: one key for each role in `roles`, and a keyset that names them."""

    def __init__(self, directory: Path, *roles: str, tenant: str = "oslo", not_after: int = NEVER_MS) -> None:
        self.directory, self.tenant = directory, tenant
        self.root = Signer(Ed25519PrivateKey.generate())
        self.broker = SimBroker()
        self.ear = Ear(self.broker)
        self.keys: dict[str, Signer] = {}
        for role in roles:
            private = Ed25519PrivateKey.generate()
            self.keys[role] = Signer(private)
            write_private(directory / f"{role}.pem", pem(private))
        rows = [[cose.kid_of(key.public_key), key.public_key, [role]] for role, key in self.keys.items()]
        fields: dict[str, object] = {"keyset_version": 1, "not_after": not_after, "keys": rows}
        self.keyset = self.root.seal("keyset", wire.encode_payload("keyset", tenant, "*", fields))
        write_private(directory / "keyset.cbor", self.keyset)

    def run(self, command: Callable[..., int], *words: object, role: str = "", status: int = 0) -> Said:
        """One command of the kit, with key and broker where it says something."""
        arguments = [str(word) for word in words]
        if role:
            arguments += ["--broker", "mqtt://localhost", "--keyset", str(self.directory / "keyset.cbor")]
            arguments += ["--signing-key", str(self.directory / f"{role}.pem")]
        options = make_parser(arguments[0]).parse_args(arguments)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            done = command(options, connect=lambda _: self.ear)
        said = Said(done, out.getvalue(), err.getvalue())
        assert said.status == status, (said.status, said.out, said.err)
        return said

    def opened(self, message: Message) -> Parsed:
        """A message as a gateway that has this keyset opens it."""
        trust = Trust(self.tenant, [self.root.public_key])
        trust.accept(self.keyset, Verifier().verify)
        where = wire.parse_topic(message.topic)
        return trust.open(
            where.sort, message.payload, where.tenant, where.gateway, desk.utc_ms(), Verifier().verify
        )

    def heard(self) -> list[dict[str, Any]]:
        """What was published, as gateways read it."""
        return [self.opened(message).fields for message in self.ear.heard]


def rows(text: str) -> list[dict[str, Any]]:
    """Lines of JSON."""
    return [json.loads(line) for line in text.splitlines()]
