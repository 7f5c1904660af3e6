"""Events of routine lanes are looked at when there is time: what does not decode is noted and reported then."""

from typing import Any

from gateway.core import event_codec, wire
from gateway.core.errors import DecodeError
from tools.platform.books import Fault
from tools.platform.ledger import Ledger
from tools.platform.store import Store


def read_next(store: Store, ledger: Ledger) -> list[Fault] | None:
    """Look at the events of one message; what was found, or None where all have been looked at."""
    row = store.unread()
    if row is None:
        return None
    key, message = row
    fields: dict[str, Any] = wire.parse("bundle", message).fields
    epoch = ledger.book(fields["tenant"], fields["gateway"]).epochs[fields["epoch"]]
    chains = wire.chain_values(fields["before"], fields["events"])
    notes, faults = [], []
    for seq, (event, chain) in enumerate(zip(fields["events"], chains, strict=True), fields["first_seq"]):
        try:
            event_codec.decode_event(event)
        except DecodeError as error:
            notes.append((str(error), epoch.key, fields["lane"], seq, chain))
            details = {"epoch": epoch.epoch.hex(), "lane": fields["lane"], "seq": seq, "reason": str(error)}
            faults.append(Fault("event.undecodable", fields["tenant"], fields["gateway"], details))
    store.put_read(key, notes)
    return faults
