"""Cuts of a disk whose files are renamed: names and contents become durable apart, as in a file system.

A sync of the folder makes all names durable. A sync of a file does it for the names before it where the file system keeps
their order (`ordered`: ext4), and otherwise for the name under which that file was made. Names that are not durable yet may
be there up to some moment, or, without order, any of them: each rename whole or not at all (POSIX).
"""

import random

from tools.rig.crash.disk import (
    CREATE,
    DELETE,
    RENAME,
    SYNC,
    SYNC_NAMES,
    TRUNCATE,
    WRITE,
    Disk,
    Image,
    Operation,
    apply,
    torn,
)

Change = list[tuple[str, int, bool]]  # names that mean a file by its number from now on, or no longer do


class NameCuts:
    """Images at each moment of a disk's log: `at(number)` moves on, `image(random, mode)` is one that may be left."""

    def __init__(self, disk: Disk, *, ordered: bool) -> None:
        self._log, self._position, self._ordered = disk.log, 0, ordered
        self._live = {name: number for number, name in enumerate(disk.first)}
        self._names = dict(self._live)
        self._contents = {number: bytearray(disk.first[name]) for name, number in self._live.items()}
        self._count = len(self._live)
        self._changes: list[Change] = []
        self._pending: list[tuple[int, Operation]] = []

    def at(self, number: int) -> None:
        """The moment before operation `number` (from 0); only forwards."""
        while self._position < number:
            self._pass(self._log[self._position])
            self._position += 1

    @property
    def settled(self) -> bool:
        """Whether nothing waits for a sync: then there is one image only."""
        return not self._pending and not self._changes

    def _pass(self, operation: Operation) -> None:
        name = operation.file
        if operation.kind in (CREATE, WRITE, TRUNCATE, SYNC):
            self._number(name)
        if operation.kind in (WRITE, TRUNCATE):
            self._pending.append((self._live[name], operation))
        elif operation.kind == SYNC:
            self._sync(name)
        elif operation.kind == SYNC_NAMES:
            self._keep(self._changes)
        elif operation.kind == DELETE and name in self._live:
            self._changes.append([(name, self._live.pop(name), False)])
        elif operation.kind == RENAME:
            number, other = self._live.pop(name), operation.data.decode()
            self._live[other] = number
            self._changes.append([(other, number, True), (name, number, False)])

    def _number(self, name: str) -> None:
        """A name that is new means a new file."""
        if name not in self._live:
            self._live[name] = self._count
            self._contents[self._count] = bytearray()
            self._changes.append([(name, self._count, True)])
            self._count += 1

    def _sync(self, name: str) -> None:
        number = self._live[name]
        for other, operation in self._pending:
            if other == number:
                apply_to(self._contents[number], operation)
        self._pending = [row for row in self._pending if row[0] != number]
        own = [change for change in self._changes if change == [(name, number, True)]]
        self._keep(list(self._changes) if self._ordered else own)

    def _keep(self, changes: list[Change]) -> None:
        """Make changes of names durable."""
        for change in changes:
            take(self._names, change)
        self._changes = [change for change in self._changes if not any(change is one for one in changes)]

    def image(self, chance: random.Random, mode: int) -> Image:
        """Mode 0: nothing that was not synced. 1: all of it. Others: any part of it, torn and reordered."""
        names, contents = dict(self._names), {at: bytearray(data) for at, data in self._contents.items()}
        share = chance.choice((0.1, 0.5, 0.9, 1.0)) if mode > 1 else mode
        upto = chance.randint(0, len(self._changes)) if mode > 1 else mode * len(self._changes)
        for index, change in enumerate(self._changes):
            if index < upto if self._ordered or mode < 2 else chance.random() < share:
                take(names, change)
        for number, operation in self._pending if mode else []:
            for part in torn(operation, chance, share) if mode > 1 else [operation]:
                apply_to(contents[number], part)
        return Image({name: bytearray(contents[number]) for name, number in names.items()})


def take(names: dict[str, int], change: Change) -> None:
    """Let a change of names take hold. A name that means another file by now is not taken away from that."""
    for name, number, is_there in change:
        if is_there:
            names[name] = number
        elif names.get(name) == number:
            del names[name]


def apply_to(content: bytearray, operation: Operation) -> None:
    """Let a write or a truncation take hold, whatever the file is called by now."""
    apply({operation.file: content}, operation)
