"""Writes a configuration tree as TOML; the standard library only reads it. Source: TOML 1.0.0."""

from typing import Any

BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def dump(tree: dict[str, Any]) -> str:
    """Sections first, then lists of tables; tables within those are written inline."""
    sections, lists = [], []
    for name, section in tree.items():
        if isinstance(section, dict):
            sections += [f"[{key_text(name)}]", *rows(section), ""]
        else:
            for table in section:
                lists += [f"[[{key_text(name)}]]", *rows(table), ""]
    return "\n".join(sections + lists)


def rows(table: dict[str, Any]) -> list[str]:
    """`key = value` lines."""
    return [f"{key_text(key)} = {value_text(value)}" for key, value in table.items()]


def key_text(key: str) -> str:
    """A key, quoted where it must be."""
    return key if key and set(key) <= BARE else string(key)


def value_text(value: object) -> str:
    """One value. Raises ValueError for what a checked configuration cannot hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return string(value)
    if isinstance(value, list):
        return "[" + ", ".join(value_text(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key_text(key)} = {value_text(item)}" for key, item in value.items()) + "}"
    raise ValueError(f"a configuration holds no {type(value).__name__}")


def string(text: str) -> str:
    """A basic string, with control characters escaped."""
    return (
        '"'
        + "".join(ESCAPES.get(c) or (c if c >= " " and c != "\x7f" else f"\\u{ord(c):04X}") for c in text)
        + '"'
    )
