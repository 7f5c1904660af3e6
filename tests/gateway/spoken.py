"""Finds by syntax tree what the code says to people in English: errors, reasons, refusals, expectations and help.

A text is a sample of what a reader may meet: its words as they stand in the code, `BLANK` where a value stands. Values that
are words of ours again (a cause handed on, one of several words) are followed to where they are said, and are texts of
their own.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.gateway.spoken_source import (
    BLANK,
    Function,
    Module,
    callee,
    detail,
    is_word,
    joined,
    several,
    strings,
)

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("gateway/core", "gateway/hub", "gateway/daemon", "hal")
KIT = (
    "tools/authority",
    "tools/deb",
    "tools/kit",
    "tools/demo",
    "tools/export",
    "tools/flash",
    "tools/home",
    "tools/improv",
    "tools/move",
    "tools/platform",
    "tools/stock",
)
# The simulated machine of tests and benches: no `trygg` runs on it. What builds packages speaks to whoever has the source, as `make` does.
WITHOUT = ("hal/sim/", "tools/deb/__main__.py", "tools/deb/wheelhouse.py")

# Callee: (positions and names of the arguments that are words for people)
HAL = ((0, "message"), (1, "detail"))
REASON = ((0, "reason"),)
SAID: dict[str, tuple[tuple[int, str], ...]] = {
    **dict.fromkeys(
        (
            "TimedOutError",
            "LinkLostError",
            "UnavailableError",
            "StorageFullError",
            "CorruptDataError",
            "DeniedError",
            "PairingError",
        ),
        HAL,
    ),
    **dict.fromkeys(
        (
            "DecodeError",
            "RefusedError",
            "RefusedFrameError",
            "PartFailedError",
            "ArgumentTypeError",
            "NoMappingError",
            "PackageError",
            "FlashError",
            "CardGoneError",
            "CardFullError",
            "DifferentError",
            "ImageError",
            "BoardError",
            "ContractError",
        ),
        REASON,
    ),
    "ConfigError": ((1, "found"), (2, "expected")),
    "WrongValueError": ((0, "expected"), (1, "found")),
    "fail": ((0, "message"),),
    "reword": ((0, "message"),),
    "reworded": ((0, "message"),),
    "add_argument_group": ((0, "title"),),
    "finding": ((0, "cause"),),
    "cannot_tell": ((1, "reason"),),
    "leave_epoch": ((0, "reason"),),
    "begin_epoch": ((0, "reason"),),
    "leave_out": ((1, "reason"),),
    "leave_to_people": ((0, "said"),),
    "_lose": ((0, "reason"),),
    "_lost": ((0, "reason"),),
}
HELP = ("help", "description", "metavar")  # of any call
# Arguments that are names and values, not words: where they stand in a message they are filled in as they are.
VALUES = frozenset(
    {"address", "after", "characteristic", "data", "key", "kind", "member", "name", "path", "url"}
)
# Names of fields, whatever they are assigned: the error that ended a link, and what a frame left unread.
FIELDS = ("refused", "link", "broken", "last_error")
# Errors of Python itself, which reach people as the detail of one of ours, and only there.
DETAILS = ("ValueError", "OSError", "ConnectionResetError", "ConnectionAbortedError")
DETAILED = ("gateway/daemon/control.py", "gateway/daemon/mqtt_tls.py", "gateway/daemon/mqtt.py")
# Words kept in tables: every text of these constants.
TABLES = (
    ("hal/linux/native_errors.py", None),
    ("gateway/core/devices/bthome.py", "TEXTS"),
    ("gateway/core/pairing.py", "REASONS"),
    ("gateway/core/pairing.py", "KEY_REASONS"),
    ("gateway/hub/installing_faults.py", "FAULTS"),
    ("gateway/daemon/install_site.py", "NO_KEY"),
    ("gateway/daemon/__main__.py", "COMMANDS"),
    ("tools/kit/__main__.py", "COMMANDS"),
    ("tools/kit/rehome.py", "VERBS"),
    ("tools/kit/stock.py", "VERBS"),
    ("tools/move/traces.py", "WORDS"),
    ("tools/stock/states.py", "WHY"),
    ("tools/kit/flash.py", "VERBS"),
    ("tools/flash/medium.py", "PAST"),
    ("gateway/core/enrolling.py", "REFUSALS"),
    ("tools/improv/client.py", "ERRORS"),
    ("tools/kit/wifi.py", "STATES"),
)

# Functions whose answers are words, and are asked or handed on in a way that the collector does not follow.
ANSWERS = (
    ("gateway/core/rules/senses.py", ("unheard", "deaf")),
    ("gateway/core/devices/bthome.py", ("why_replayed",)),
)


def told(node: ast.AST) -> Iterator[ast.expr]:
    """The words of an event: its value `reason`, in a table or assigned to one."""
    if isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
        for key, given in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "reason" and not isinstance(given, ast.Tuple):
                yield given
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and getattr(target.slice, "value", "") == "reason":
                yield node.value


class Code:
    """All modules; `texts` is what they say, each with the places that say it."""

    def __init__(self, folders: Iterable[str] = (*FOLDERS, *KIT), root: Path = ROOT) -> None:
        self.modules = [
            Module(path, root)
            for folder in folders
            for path in sorted((root / folder).rglob("*.py"))
            if not path.relative_to(root).as_posix().startswith(WITHOUT)
        ]
        self.by_name = {module.name: module for module in self.modules}
        self.methods: dict[str, list[tuple[Module, Function]]] = {}
        for module in self.modules:
            for function, holder in module.classes.items():
                if holder:
                    self.methods.setdefault(function.name, []).append((module, function))
        self.calls: dict[str, list[tuple[Module, ast.Call]]] = {}
        for module in self.modules:
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Call):
                    self.calls.setdefault(callee(node), []).append((module, node))
        self.texts: dict[str, set[str]] = {}
        self.wanted: list[tuple[Any, ...]] = []
        self.met: set[tuple[Any, ...]] = set()
        self.open: set[ast.AST] = set()
        for module in self.modules:
            self.collect(module)
        while self.wanted:
            self.follow(*self.wanted.pop())

    # --- what is said ---------------------------------------------------------------------------------------------

    def collect(self, module: Module) -> None:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                for argument in self.words_of(module, node):
                    self.say(module, argument)
            for given in told(node):
                self.say(module, given)
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                for call in ast.walk(node):
                    if isinstance(call, ast.Call) and callee(call) == "__init__" and call.args:
                        self.say(module, call.args[0])
            elif isinstance(node, ast.Dict) and module.path.endswith("control.py"):
                for key, given in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "error":
                        self.say(module, given)
        for field in FIELDS:
            for given in module.fields.get(field, ()):
                self.say(module, detail(given))
        for path, names in ANSWERS:
            if module.path == path:
                for name in names:
                    self.want("returned", module.name, name)
        for path, name in TABLES:
            if module.path == path:
                for text in strings(module.constants[name] if name else module.tree):
                    self.add(module, text.replace("{}", BLANK))

    def words_of(self, module: Module, call: ast.Call) -> Iterator[ast.expr]:
        name = callee(call)
        if name in DETAILS and module.path in DETAILED:
            yield from call.args[:1]
        if name == "append" and getattr(getattr(call.func, "value", None), "attr", "") in (
            "refusals",
            "notes",
        ):
            yield detail(call.args[0])
        if name == "Reading":
            yield from (detail(each) for each in call.args[2:3])
            yield from (detail(each.value) for each in call.keywords if each.arg == "refused")
        yield from (each.value for each in call.keywords if each.arg in HELP)
        if name == "note" and isinstance(call.func, ast.Name):
            yield from call.args[1:2]
        if name == "count" and module.path == "gateway/hub/inward.py":
            yield from call.args[1:2]
        for place, keyword in SAID.get(name, ()):
            if 0 <= place < len(call.args):
                yield call.args[place]
            yield from (each.value for each in call.keywords if each.arg == keyword)

    def say(self, module: Module, expression: ast.expr) -> None:
        if isinstance(expression, ast.Tuple):
            for item in expression.elts:
                self.say(module, item)
            return
        for text in self.readings(module, expression):
            self.add(module, text)

    def add(self, module: Module, text: str) -> None:
        if any(letter.isalpha() and letter.isascii() for letter in text):
            self.texts.setdefault(text, set()).add(module.path)

    # --- how an expression may read -------------------------------------------------------------------------------

    def readings(self, module: Module, node: ast.AST) -> list[str]:
        """The texts that an expression may be."""
        if node in self.open:  # it is made of itself
            return [BLANK]
        self.open.add(node)
        try:
            return self.read(module, node)
        finally:
            self.open.discard(node)

    def read(self, module: Module, node: ast.AST) -> list[str]:
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.Constant(value=None):
                return [""]
            case ast.JoinedStr(values=parts):
                return joined([self.readings(module, part) for part in parts])
            case ast.FormattedValue(value=inner, conversion=conversion):
                return [BLANK] if conversion != -1 else self.readings(module, inner)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return joined([self.readings(module, left), self.readings(module, right)])
            case ast.IfExp(body=body, orelse=otherwise):
                return several(self.readings(module, body) + self.readings(module, otherwise))
            case ast.BoolOp(values=choices):
                return several([text for each in choices for text in self.readings(module, each)])
            case ast.Name(id=name):
                return self.named(module, node, name)
            case ast.Attribute(attr=attr) | ast.Subscript(value=ast.Attribute(attr=attr)):
                self.want("field", module.name, attr)
            case ast.Call():
                return self.called(module, node)
        return [BLANK]

    def named(self, module: Module, node: ast.AST, name: str) -> list[str]:
        function = module.within.get(node)
        while function is not None:
            arguments = function.args
            names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
            values = [given for given in module.given_to(function, name) if given is not node]
            if name in names:
                if name not in VALUES:
                    key = ("argument", module.name, function.name, module.classes[function], name)
                    self.want(*key)
                values.append(ast.Constant(value=BLANK))
            if values:
                texts = several([text for given in values for text in self.readings(module, given)])
                return several(texts + self.lengthened(module, function, name, values))
            function = module.within.get(function)
        if name in module.constants:
            return self.readings(module, module.constants[name])
        if name in module.imported:
            source, original = module.imported[name]
            if source in self.by_name and original in self.by_name[source].constants:
                other = self.by_name[source]
                return self.readings(other, other.constants[original])
        return [BLANK]

    def lengthened(self, module: Module, function: Function, name: str, values: list[ast.expr]) -> list[str]:
        """What the last assignment before `name += ...` reads with that behind it."""
        texts = []
        for part in ast.walk(function):
            if isinstance(part, ast.AugAssign) and getattr(part.target, "id", "") == name:
                before = [given for given in values if getattr(given, "lineno", 0) < part.lineno]
                last = max(before, key=lambda given: getattr(given, "lineno", 0))
                texts += joined([self.readings(module, last), self.readings(module, part.value)])
        return texts

    def called(self, module: Module, call: ast.Call) -> list[str]:
        if isinstance(call.func, ast.Attribute):
            if call.func.attr == "format":
                return [text.replace("{}", BLANK) for text in self.readings(module, call.func.value)]
            if call.func.attr == "rstrip":
                return [text.rstrip() for text in self.readings(module, call.func.value)]
            if call.func.attr == "result" and isinstance(call.func.value, ast.Attribute):
                self.want("result", module.name, call.func.value.attr)
            if call.func.attr == "get" and len(call.args) == 2:
                return several([BLANK, *self.readings(module, call.args[1])])
        for other, function in self.functions_of(module, call):
            if callee(call) in ("str", "repr", "hex"):
                continue
            returned = [
                text
                for node in ast.walk(function)
                if isinstance(node, ast.Return) and node.value is not None
                for text in self.readings(other, detail(node.value))
            ]
            if "" in returned:  # an end that may be missing
                return several(returned)
            if any(is_word(text) for text in returned):
                self.want("returned", other.name, function.name)
        return [BLANK]

    def functions_of(self, module: Module, call: ast.Call) -> Iterator[tuple[Module, Function]]:
        """Which of our functions a call by name or of a module's attribute may be."""
        name = callee(call)
        other = module
        if isinstance(call.func, ast.Name) and name in module.imported:
            source, name = module.imported[name]
            if source not in self.by_name:
                return
            other = self.by_name[source]
        elif isinstance(call.func, ast.Attribute):
            source = ".".join(module.imported.get(getattr(call.func.value, "id", ""), ("", "")))
            if source in self.by_name:
                other = self.by_name[source]
            elif getattr(call.func.value, "id", "") != "self":
                yield from self.methods.get(name, ()) if len(self.methods.get(name, ())) == 1 else ()
                return
        for function in other.functions:
            if function.name == name:
                yield other, function

    # --- words of ours within words of ours -----------------------------------------------------------------------

    def want(self, *key: Any) -> None:
        if key not in self.met:
            self.met.add(key)
            self.wanted.append(key)

    def follow(self, kind: str, module_name: str, name: str, holder: str = "", argument: str = "") -> None:
        module = self.by_name[module_name]
        if kind == "field":
            for given in module.fields.get(name, ()):
                self.say(module, given)
        elif kind == "result":
            for call in ast.walk(module.tree):
                if not isinstance(call, ast.Call) or callee(call) != "set_result":
                    continue
                if getattr(getattr(call.func, "value", None), "attr", "") == name:
                    self.say(module, call.args[0])
        elif kind == "returned":
            for function in module.functions:
                if function.name == name:
                    for node in ast.walk(function):
                        if isinstance(node, ast.Return) and node.value is not None:
                            self.say(module, detail(node.value))
        else:
            function = module.function(name, holder)
            arguments = function.args.args
            for each, given in zip(arguments[::-1], function.args.defaults[::-1], strict=False):
                if each.arg == argument:
                    self.say(module, given)
            for other, given in self.given(module, name, holder, argument):
                self.say(other, given)

    def given(
        self, module: Module, name: str, holder: str, argument: str
    ) -> Iterator[tuple[Module, ast.expr]]:
        """What callers give a function for one of its arguments."""
        function = module.function(name, holder)
        names = [each.arg for each in function.args.args]
        place = names.index(argument) - bool(holder) if argument in names else -1
        wanted = holder if name == "__init__" else name
        for other, call in self.calls.get(wanted, ()):
            of_self = getattr(getattr(call.func, "value", None), "id", "") == "self"
            if of_self and other is not module and any(each.name == name for each in other.functions):
                continue
            if not holder and all(found is not function for _, found in self.functions_of(other, call)):
                continue
            if 0 <= place < len(call.args):
                yield other, call.args[place]
            yield from ((other, each.value) for each in call.keywords if each.arg == argument)
