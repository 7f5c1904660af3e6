"""A small reader of CDDL (RFC 8610): the part that docs/wire.cddl uses, to hold the file to the code and back.

Types are tuples: ("value", v), ("name", n, arguments), ("range", low, high), ("control", type, name, argument),
("tag", number, type), ("map", entries), ("array", entries), ("group", entries), ("choice", types).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.core import cbor
from gateway.core.cbor import Tagged
from gateway.core.errors import DecodeError
from gateway.core.model import Decimal

Type = tuple[Any, ...]
TOKEN = re.compile(
    r"""\s+|;[^\n]*|(?P<token>"[^"]*"|\#6\.|=>|\.\.|\.[a-z]+|-?\d+|[A-Za-z_][\w-]*|[=(){}\[\]<>,:?*+/])"""
)
MANY = 1 << 62


@dataclass(frozen=True)
class Entry:
    """One line of a map, array or group: how often, under which key (None in an array), what."""

    least: int
    most: int
    key: Type | None
    type: Type


@dataclass(frozen=True)
class Rule:
    """What a name stands for, with the names of its parameters."""

    parameters: tuple[str, ...]
    type: Type


class Parser:
    """Rules by name."""

    def __init__(self, text: str) -> None:
        self.tokens = list(tokens(text))
        self.at = 0
        self.rules: dict[str, Rule] = {}
        while self.at < len(self.tokens):
            name = self.take()
            parameters = tuple(token for token in self.bracketed("<", ">") if token != ",")
            self.expect("=")
            if name in self.rules:
                raise ValueError(f"{name} has two rules")
            self.rules[name] = Rule(parameters, self.type())

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, token: str) -> None:
        if self.take() != token:
            raise ValueError(f"expected {token} near {' '.join(self.tokens[self.at - 8 : self.at + 3])}")

    def bracketed(self, left: str, right: str) -> list[str]:
        """Tokens between brackets, where they stand here."""
        found = []
        if self.next == left:
            self.take()
            while self.next != right:
                found.append(self.take())
            self.take()
        return found

    def type(self) -> Type:
        choices = [self.restricted()]
        while self.next == "/":
            self.take()
            choices.append(self.restricted())
        return choices[0] if len(choices) == 1 else ("choice", choices)

    def restricted(self) -> Type:
        """A type with its range or control."""
        first = self.simple()
        if self.next == "..":
            self.take()
            return ("range", first[1], self.simple()[1])
        if re.fullmatch(r"\.[a-z]+", self.next):
            return ("control", first, self.take()[1:], self.simple())
        return first

    def simple(self) -> Type:
        token = self.take()
        if token.startswith('"'):
            return ("value", token[1:-1])
        if re.fullmatch(r"-?\d+", token):
            return ("value", int(token))
        if token == "#6.":
            number = int(self.take())
            self.expect("(")
            inner = self.type()
            self.expect(")")
            return ("tag", number, inner)
        if token in ("{", "[", "("):
            kind = {"{": "map", "[": "array", "(": "group"}[token]
            return (kind, self.entries({"{": "}", "[": "]", "(": ")"}[token]))
        if re.fullmatch(r"[A-Za-z_][\w-]*", token):
            return ("name", token, tuple(self.bracketed("<", ">")))
        raise ValueError(f"no type begins with {token}")

    def entries(self, right: str) -> list[Entry]:
        found = []
        while self.next != right:
            least, most = self.occurrence()
            key: Type | None = None
            first = self.restricted()
            if self.next == "=>":
                self.take()
                key, first = first, self.type()
            elif self.next == ":":
                self.take()
                key, first = (("value", first[1]) if first[0] == "name" else first), self.type()
            elif self.next == "/":
                raise ValueError("a choice without a key is not read here")
            found.append(Entry(least, most, key, first))
            if self.next == ",":
                self.take()
        self.take()
        return found

    def occurrence(self) -> tuple[int, int]:
        if self.next in ("?", "*", "+"):
            token = self.take()
            if token == "*" and self.next.isdigit():
                return 0, int(self.take())
            return {"?": (0, 1), "*": (0, MANY), "+": (1, MANY)}[token]
        if self.next.isdigit() and self.tokens[self.at + 1] == "*":
            least = int(self.take())
            self.take()
            return least, int(self.take()) if self.next.isdigit() else MANY
        return 1, 1


def tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"cannot read {text[at : at + 20]!r}")
        at = match.end()
        if match["token"] is not None:
            yield match["token"]


class Grammar:
    """Says whether values are of a rule. `embedded` false: CBOR within events is not looked at."""

    def __init__(self, text: str, *, embedded: bool = True) -> None:
        self.rules = Parser(text).rules
        self.embedded = embedded

    def allows(self, name: str, data: bytes) -> bool:
        """Whether bytes are the encoding of a value of the rule."""
        try:
            return self.matches(("name", name, ()), cbor.decode(data))
        except DecodeError:
            return False

    def matches(self, kind: Type, value: object) -> bool:
        test = getattr(self, "match_" + kind[0])
        return bool(test(value, *kind[1:]))

    def match_value(self, value: object, expected: object) -> bool:
        return type(value) is type(expected) and value == expected

    def match_range(self, value: object, low: int, high: int) -> bool:
        return cbor.is_int(value) and low <= value <= high  # type: ignore[operator]

    def match_choice(self, value: object, types: list[Type]) -> bool:
        return any(self.matches(kind, value) for kind in types)

    def match_tag(self, value: object, number: int, inner: Type) -> bool:
        if isinstance(value, Decimal):
            return number == 4 and self.matches(inner, [value.exponent, value.mantissa])
        return isinstance(value, Tagged) and value.tag == number and self.matches(inner, value.value)

    def match_name(self, value: object, name: str, arguments: tuple[str, ...]) -> bool:
        prelude = {
            "any": True,
            "uint": cbor.is_int(value) and value >= 0,  # type: ignore[operator]
            "int": cbor.is_int(value),
            "tstr": isinstance(value, str),
            "bstr": isinstance(value, bytes),
            "bool": isinstance(value, bool),
            "true": value is True,
        }
        if name in prelude:
            return prelude[name]
        rule = self.rules[name]
        given = dict(zip(rule.parameters, arguments, strict=True))
        return self.matches(replaced(rule.type, given), value)

    def match_control(self, value: object, kind: Type, control: str, argument: Type) -> bool:
        if not self.matches(kind, value):
            return False
        if control == "size":
            size: int = argument[1]
            return len(value) == size if isinstance(value, bytes) else 0 <= value < 256**size  # type: ignore[operator]
        if control == "regexp":
            return re.fullmatch(argument[1], value) is not None  # type: ignore[call-overload]
        if control == "cbor":
            if argument == ("name", "event", ()) and not self.embedded:
                return True
            try:
                return self.matches(argument, cbor.decode(value))  # type: ignore[arg-type]
            except DecodeError:
                return False
        raise ValueError(f"control .{control} is not read here")

    def match_array(self, value: object, entries: list[Entry]) -> bool:
        if not isinstance(value, list):
            return False
        rest = value
        for entry in entries:
            count = 0
            while count < entry.most and count < len(rest) and self.matches(entry.type, rest[count]):
                count += 1
            if count < entry.least:
                return False
            rest = rest[count:]
        return not rest

    def match_map(self, value: object, entries: list[Entry]) -> bool:
        if not isinstance(value, dict):
            return False
        rows = self.flat(entries)
        used = [0] * len(rows)
        for key, item in value.items():
            at = next((at for at, row in enumerate(rows) if row.key and self.matches(row.key, key)), None)
            if at is None or not self.matches(rows[at].type, item):
                return False
            used[at] += 1
        return all(row.least <= count <= row.most for row, count in zip(rows, used, strict=True))

    def flat(self, entries: list[Entry]) -> list[Entry]:
        """Entries with the groups they name put in."""
        found = []
        for entry in entries:
            group = self.rules[entry.type[1]].type if entry.key is None else None
            found += self.flat(group[1]) if group is not None else [entry]
        return found


def replaced(kind: Any, given: dict[str, str]) -> Any:
    """A type with the parameters of a generic rule filled in."""
    if isinstance(kind, Entry):
        return Entry(kind.least, kind.most, replaced(kind.key, given), replaced(kind.type, given))
    if isinstance(kind, list):
        return [replaced(item, given) for item in kind]
    if isinstance(kind, tuple):
        if len(kind) == 3 and kind[0] == "name" and kind[1] in given:
            return ("name", given[kind[1]], ())
        return tuple(replaced(item, given) for item in kind)
    return kind
