"""An export of a gateway into the store of the reference platform, by the rules of what comes over the network."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core import wire
from gateway.core.errors import ConfigError, DecodeError, RefusedError
from tools.move.export import MANIFEST, split
from tools.platform.books import Fault
from tools.platform.link import SystemTime
from tools.platform.parties import Keys, Signer
from tools.platform.receiver import Receiver
from tools.platform.store import Store, StoreError


class Brought(NamedTuple):
    """messages: of the file. events: that were new to the store. known: that it had. faults: what it refused or found wrong."""

    messages: int
    events: int
    known: int
    faults: list[Fault]


def bring(path: Path, store_path: Path, keys: Keys) -> Brought:
    """Take every bundle of an export, and the manifest beside it. The platform must not run with that store meanwhile.

    Nothing is receipted: the gateway is gone. Raises ConfigError, RefusedError.
    """
    messages = [("bundle", each) for each in split(read(path))]
    manifest = path.with_name(path.name + MANIFEST)
    if manifest.exists():
        messages.insert(0, ("manifest", read(manifest)))
    faults: list[Fault] = []
    try:
        store = Store(str(store_path))
    except (StoreError, sqlite3.Error) as error:
        raise ConfigError(
            "--store", str(error), "a file of the platform or a new one", "command line"
        ) from error
    with store:
        receiver = Receiver(
            store=store,
            keys=keys,
            keysets={},
            signer=Signer(Ed25519PrivateKey.generate()),
            time=SystemTime(),
            publish=lambda _topic, _payload: None,
            on_events=lambda _events: None,
            on_fault=faults.append,
            read_all=True,
        )
        for sort, message in messages:
            receiver.handle(topic_of(sort, message), message)
        if not receiver.commit():
            raise RefusedError(
                "the store took nothing: see that it is not in use, and that its disk has room"
            )
        counts = receiver.counts
    return Brought(len(messages), counts.verified, counts.duplicates_removed, faults)


def topic_of(sort: str, message: bytes) -> str:
    """Where it would have come from. Raises RefusedError."""
    try:
        fields = wire.parse(sort, message).fields
    except DecodeError as error:
        raise RefusedError(f"the export holds what is no {sort}: {error.reason}") from error
    lane = fields.get("lane")
    return wire.topic(
        str(fields["tenant"]), str(fields["gateway"]), sort, lane if isinstance(lane, int) else None
    )


def read(path: Path) -> bytes:
    """A file. Raises ConfigError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError("FILE", str(error), "a file that can be read", str(path)) from error
