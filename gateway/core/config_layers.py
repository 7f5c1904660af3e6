"""Layers of configuration: city baseline, district profile, home. The later wins, and what differs can be listed.

A layer is (source, tree). Tables merge key by key; a list of plain values is replaced as a whole; of the lists
of tables, `[[device]]` and `[[rule]]`, an entry replaces the earlier entry of the same name, and others are
added behind. Nothing is checked here: `config.validate` checks what comes out.
"""

from gateway.core.config import LISTS, row_label, rule_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Tree = dict[str, Any]
    Layer = tuple[str, Tree]


class Difference:
    """A key that a later layer sets otherwise than those before it.

    source: the layer that sets it. value: what it says, None where its table no longer has the key.
    before, before_source: what held until then, None and "" where nothing did.
    """

    __slots__ = ("before", "before_source", "key", "source", "value")

    def __init__(self, key: str, source: str, value: object, before: object, before_source: str) -> None:
        self.key = key
        self.source = source
        self.value = value
        self.before = before
        self.before_source = before_source


def merge(layers: "list[Layer]") -> "Tree":
    """One tree of all layers; the given trees are left as they are."""
    merged: "Tree" = {}
    for _, tree in layers:
        for name in tree:
            if name in LISTS and isinstance(tree[name], list):
                merged[name] = merged_rows(name, merged.get(name, []), tree[name])
            elif isinstance(tree[name], dict) and isinstance(merged.get(name), dict):
                merged[name] = dict(merged[name])
                merged[name].update(tree[name])
            else:
                merged[name] = tree[name]
    return merged


def merged_rows(kind: str, before: "Any", rows: "list[Any]") -> "list[Any]":
    """Entries of a list section, those of the same name replaced where they stood.

    Two entries of one name within a layer both stay, so that validation can refuse them.
    """
    merged = list(before) if isinstance(before, list) else []
    places: "dict[str, int]" = {}
    for place in range(len(merged)):
        places.setdefault(row_name(kind, merged[place]), place)
    for row in rows:
        name = row_name(kind, row)
        place = places.pop(name, -1) if name else -1
        if place >= 0:
            merged[place] = row
        else:
            merged.append(row)
    return merged


def row_name(kind: str, row: object) -> str:
    """What an entry is known by across layers, or nothing where it is no table or has no name."""
    if not isinstance(row, dict):
        return ""
    return rule_name(row) if kind == "rule" else str(row.get("name") or "")


def leaves(tree: "Tree") -> "dict[str, object]":
    """Single values by full key, as in `hub.language` and `device[Front door].room`."""
    found: "dict[str, object]" = {}
    for name in sorted(tree):
        section = tree[name]
        if name in LISTS and isinstance(section, list):
            for index in range(len(section)):
                label = name + "[" + (row_name(name, section[index]) or "#" + str(index + 1)) + "]"
                found.update(prefixed(label, section[index]))
        else:
            found.update(prefixed(name, section))
    return found


def prefixed(prefix: str, value: object) -> "dict[str, object]":
    """A table's values under their keys, tables within it too; anything else under the prefix itself."""
    if not isinstance(value, dict):
        return {prefix: value}
    found: "dict[str, object]" = {}
    for key in value:
        found.update(prefixed(prefix + "." + str(key), value[key]))
    return found


def differences(layers: "list[Layer]") -> "list[Difference]":
    """What each layer after the first sets otherwise than all before it, in order of layer and key."""
    found = []
    set_by: "dict[str, str]" = {}
    for index in range(len(layers)):
        source = layers[index][0]
        before = leaves(merge(layers[:index]))
        after = leaves(merge(layers[: index + 1]))
        for key in sorted(set(before) | set(after)):
            if index and before.get(key) != after.get(key):
                found.append(Difference(key, source, after.get(key), before.get(key), set_by.get(key, "")))
            if before.get(key) != after.get(key) or key not in set_by:
                set_by[key] = source
    return found


def source_of(layers: "list[Layer]", key: str) -> str:
    """Where to look for a fault: the layer of a list's entry, else the last that holds the key or what is under it, else the last."""
    for kind in LISTS:
        if key.startswith(kind + "["):
            row = row_of(merge(layers).get(kind), kind, key)
            for source, tree in reversed(layers):
                if row is not None and any([each is row for each in rows_of(tree.get(kind))]):
                    return source
    for source, tree in reversed(layers):
        for leaf in leaves(tree):
            if leaf == key or leaf.startswith((key + ".", key + "[")):
                return source
    return layers[-1][0]


def row_of(rows: object, kind: str, key: str) -> object:
    """The entry of the merged list that a key of `config.validate` is in, by name or by place; None where there is none.

    Of two of one name it is the later: the first was good when the second was refused.
    """
    found: object = None
    merged = rows_of(rows)
    for index in range(len(merged)):
        row = merged[index]
        if isinstance(row, dict):
            labels = (row_label(kind, row, index), kind + "[" + row_name(kind, row) + "].")
            if key.startswith(labels):
                found = row
    return found


def rows_of(section: object) -> "list[Any]":
    """The entries of a list section; none where it is no list."""
    return section if isinstance(section, list) else []
