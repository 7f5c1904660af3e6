"""Looks for what was known before, in files and in images, knowing nothing of who wiped what.

A trace is looked for in each form in which it may have been stored: as text, hexadecimal, base 64 at each of its three
alignments, raw bytes, and Bluetooth addresses in both orders of their bytes. What is too short to mean anything is not looked
for: fewer than six raw bytes, fewer than eight characters (words of a home, which are looked for in its own folders alone: four).
"""

import base64
import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

LEAST_RAW, LEAST_TEXT, LEAST_WORD = 6, 8, 4
CHUNK = 4 << 20
MOST_HITS = 200
MASK_SIZE = 32


class Trace(NamedTuple):
    """Something that was known before the wipe.

    what: the sort of it, which may be shown; the thing itself never is. patterns: its forms. is_word: it may be an ordinary word,
    which is looked for in the folders of the home and not in an image. allowed: the name of a file in which it stays on purpose, or "".
    """

    what: str
    patterns: tuple[bytes, ...]
    is_word: bool = False
    allowed: str = ""


class Hit(NamedTuple):
    """A trace that is still there. offset: its first byte, or -1 for a name of a file."""

    what: str
    path: str
    offset: int


def secret(what: str, raw: bytes, allowed: str = "") -> Trace:
    """Bytes that were a key, a number, an event."""
    return Trace(what, tuple(sorted(raw_forms(raw))), allowed=allowed)


def address(what: str, text: str) -> Trace:
    """A Bluetooth address such as C0:00:00:00:00:01."""
    digits = text.replace(":", "").replace("-", "").replace("_", "")
    forms = {digits}
    forms |= {mark.join(digits[at : at + 2] for at in range(0, 12, 2)) for mark in ":-_"}
    raw = bytes.fromhex(digits)
    found = {form.encode() for each in forms for form in (each.upper(), each.lower())}
    return Trace(what, tuple(sorted(found | raw_forms(raw) | raw_forms(raw[::-1]))))


def text(what: str, said: str, *, is_word: bool = False, allowed: str = "") -> Trace:
    """Something that people or devices call something."""
    least = LEAST_WORD if is_word else LEAST_TEXT
    forms = {said.encode(), json.dumps(said)[1:-1].encode(), said.encode("utf-16-le")}
    if not is_word:
        forms |= raw_forms(said.encode())
    return Trace(what, tuple(sorted(each for each in forms if len(each) >= least)), is_word, allowed)


def raw_forms(raw: bytes) -> set[bytes]:
    """Bytes as they are, in hexadecimal, and in base 64."""
    found = {raw} if len(raw) >= LEAST_RAW else set()
    for each in (raw.hex(), raw.hex().upper()):
        if len(each) >= LEAST_TEXT:
            found.add(each.encode())
    for shift in range(3):
        # of the letters only those that hang on these bytes alone: what stands before and behind is not known
        coded = base64.b64encode(bytes(shift) + raw)
        inner = coded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        if len(inner) >= LEAST_TEXT:
            found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def to_bytes(traces: Iterable[Trace]) -> bytes:
    """A list that another process goes on with, in a form in which none of the traces stands: an image may hold the list, too."""
    rows = [[each.what, [one.hex() for one in each.patterns], each.is_word, each.allowed] for each in traces]
    mask = os.urandom(MASK_SIZE)
    return mask + masked(json.dumps(rows).encode(), mask)


def from_bytes(data: bytes) -> list[Trace]:
    """What `to_bytes` gave. Raises ValueError, TypeError."""
    rows: list[Any] = json.loads(masked(data[MASK_SIZE:], data[:MASK_SIZE]))
    return [
        Trace(what, tuple(bytes.fromhex(one) for one in patterns), word, allowed)
        for what, patterns, word, allowed in rows
    ]


def masked(data: bytes, mask: bytes) -> bytes:
    """The same bytes under a mask, or from under it. No secret: the mask stands beside."""
    stream = hashlib.shake_256(mask).digest(len(data))
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")


class Scanner:
    """Looks for traces; what it finds is in `hits`, what it looked through in `files` and `read_bytes`."""

    def __init__(self, traces: Iterable[Trace]) -> None:
        self.traces = list(traces)
        self.hits: list[Hit] = []
        self.files = 0
        self.read_bytes = 0

    def folder(self, path: Path, skip: Collection[Path] = ()) -> None:
        """Every file beneath a folder, and what the files are called. Raises OSError."""
        for each in walk(path, skip):
            name = os.fsencode(each.relative_to(path))
            self._look(name, str(each), self._wanted(each.name), None)
            if each.is_file() and not each.is_symlink():
                self.file(each)

    def file(self, path: Path) -> None:
        """One file, SQLite's free pages and slack included, for it is read as bytes. Raises OSError."""
        self.files += 1
        self._stream(path, self._wanted(path.name))

    def image(self, path: Path) -> None:
        """An image or a block device: every byte, free space included; ordinary words are not looked for. Raises OSError."""
        self.files += 1
        self._stream(path, [each for each in self.traces if not each.is_word])

    def _wanted(self, name: str) -> list[Trace]:
        return [each for each in self.traces if each.allowed != name]

    def _stream(self, path: Path, traces: list[Trace]) -> None:
        longest = max((len(one) for each in traces for one in each.patterns), default=1)
        kept, at = b"", 0
        with path.open("rb") as file:
            while data := file.read(CHUNK):
                self.read_bytes += len(data)
                if data.count(0) != len(data) or kept.count(0) != len(kept):
                    self._look(kept + data, str(path), traces, at - len(kept))
                at += len(data)
                kept = data[-(longest - 1) :] if longest > 1 else b""

    def _look(self, data: bytes, path: str, traces: list[Trace], start: int | None) -> None:
        """`start`: where the data begins in the file, None for a name."""
        for trace in traces:
            for pattern in trace.patterns:
                at = find_word(data, pattern) if trace.is_word else data.find(pattern)
                if at >= 0:
                    self._found(Hit(trace.what, path, -1 if start is None else start + at))
                    break

    def _found(self, hit: Hit) -> None:
        same = any((each.what, each.path) == (hit.what, hit.path) for each in self.hits)
        if not same and len(self.hits) < MOST_HITS:
            self.hits.append(hit)


def find_word(data: bytes, word: bytes) -> int:
    """Where a word stands that is not a part of another one, or -1."""
    at = data.find(word)
    while at >= 0:
        before, behind = data[max(0, at - 1) : at], data[at + len(word) : at + len(word) + 1]
        if not before.isalnum() and not behind.isalnum():
            return at
        at = data.find(word, at + 1)
    return -1


def walk(path: Path, skip: Collection[Path]) -> Iterator[Path]:
    """Everything beneath a folder, but `skip` and what is beneath that; no link is followed."""
    if not path.is_dir():
        return
    for each in sorted(path.iterdir()):
        if each in skip:
            continue
        yield each
        if each.is_dir() and not each.is_symlink():
            yield from walk(each, skip)


def look_everywhere(
    traces: Iterable[Trace],
    folders: Iterable[Path],
    flat: Iterable[Path] = (),
    images: Iterable[Path] = (),
    skip: Collection[Path] = (),
) -> Scanner:
    """Look through folders, the files that lie in `flat` ones, and images. Raises OSError."""
    scanner = Scanner(traces)
    for each in folders:
        scanner.folder(each, skip)
    for each in flat:
        for file in sorted(each.iterdir()) if each.is_dir() else ():
            if file.is_file() and not file.is_symlink():
                scanner.file(file)
    for each in images:
        scanner.image(each)
    return scanner
