"""Whether what messages say of their lanes fits together: chains, numbers and declared holes.

Anyone who has a gateway's public key can do this (DESIGN.md 4, Chain). Independent of the ledger: it keeps every
chain value and looks at the whole, in whatever order the messages came.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from gateway.core import wire
from hal.types import chain_next, chain_start


class Stream(NamedTuple):
    """One lane of one epoch of one gateway."""

    tenant: str
    gateway: str
    epoch: bytes
    lane: int

    def __str__(self) -> str:
        return f"{self.tenant}/{self.gateway} epoch {self.epoch.hex()} lane {self.lane}"


class Record:
    """What was said of one stream."""

    def __init__(self) -> None:
        self.chains: dict[int, bytes] = {}
        self.forks: set[int] = set()
        self.claims: dict[
            int, set[bytes]
        ] = {}  # number: chain values that bundles, states and receipts name for it
        self.gone: list[tuple[int, int]] = []


class Audit:
    """Takes verified messages; says at the end what does not fit.

    Where a lane begins within the messages and where it ends is no finding by itself: any excerpt can be audited. A
    state or a receipt among them says where the end is.
    """

    def __init__(self) -> None:
        self.records: dict[Stream, Record] = {}

    def add(self, fields: dict[str, Any]) -> list[bytes]:
        """Take a bundle; the chain values of its events."""
        stream = Stream(fields["tenant"], fields["gateway"], fields["epoch"], fields["lane"])
        record = self.records.setdefault(stream, Record())
        first = fields["first_seq"]
        chains = wire.chain_values(fields["before"], fields["events"])
        record.claims.setdefault(first - 1, set()).add(fields["before"])
        for seq, chain in enumerate(chains, first):
            if record.chains.setdefault(seq, chain) != chain:
                record.forks.add(seq)
        if "given_up" in fields:
            record.gone.append(tuple(fields["given_up"]))
        return chains

    def claim(self, stream: Stream, seq: int, chain: bytes) -> None:
        """Take what a state, a receipt or a store names for a number."""
        self.records.setdefault(stream, Record()).claims.setdefault(seq, set()).add(chain)

    def hold(self, rows: Iterable[tuple[Stream, int, bytes, bytes]]) -> Iterator[str]:
        """What a table of events (stream, number, chain value, event) has otherwise than the messages it is from."""
        held: dict[Stream, set[int]] = {}
        for stream, seq, chain, event in rows:
            record = self.records.get(stream, Record())
            held.setdefault(stream, set()).add(seq)
            before = {record.chains.get(seq - 1), *record.claims.get(seq - 1, ())}
            if seq == 1:
                before.add(chain_start(stream.epoch, stream.lane))
            is_told = seq in record.chains and (seq in record.forks or chain == record.chains[seq])
            if not is_told:
                yield f"{stream}: number {seq} of the event table stands in no message"
            elif all(one is None or chain_next(one, event) != chain for one in before):
                yield f"{stream}: number {seq} of the event table is not what was signed"
        for stream, record in sorted(self.records.items()):
            gone = record.chains.keys() - held.get(stream, set())
            if gone:
                yield f"{stream}: number {min(gone)} is missing from the event table, {len(gone)} in all"

    def findings(self) -> Iterator[str]:
        """Each thing that does not fit, in words."""
        for stream in sorted(self.records):
            for finding in judge(stream, self.records[stream]):
                yield f"{stream}: {finding}"


def judge(stream: Stream, record: Record) -> Iterator[str]:
    """What does not fit within one stream."""
    if record.forks:
        yield f"number {min(record.forks)} has two contents"
    known = record.chains | {0: chain_start(stream.epoch, stream.lane)}
    for seq, chains in sorted(record.claims.items()):
        if seq in known and seq not in record.forks and chains != {known[seq]}:
            yield f"the chain is broken at number {seq}: an event before it was removed, changed or moved"
        elif seq not in known and len(chains) > 1:
            yield f"two chains claim number {seq}"
    numbers = sorted(record.chains)
    end = max(record.claims, default=0)
    if numbers and end > numbers[-1]:
        yield f"number {end} is missing: the last one here is {numbers[-1]}"
    for before, after in itertools.pairwise(numbers):
        if after > before + 1 and (missing := uncovered(before + 1, after - 1, record.gone)) is not None:
            yield f"number {missing} is missing" + (
                f", and what follows up to {after - 1}" if missing < after - 1 else ""
            )


def uncovered(first: int, last: int, ranges: list[tuple[int, int]]) -> int | None:
    """The first number of `first` to `last` that stands in none of the ranges."""
    for start, end in sorted(ranges):
        if start <= first <= end:
            first = end + 1
    return first if first <= last else None
