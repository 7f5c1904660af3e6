"""Rules of code that runs on CPython and on MicroPython: what it may import and which forms it may use.

The names and forms were missing from, or different on, the real interpreter when it was probed; `make mpy` shows
what compiles and passes there, this check says why before that and catches what no test happens to run.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tools.arch.source import Finding, Source

PURE = frozenset({"binascii", "collections", "hashlib", "json", "struct"})
SEAM = frozenset({"hal.types", "hal.errors"})
ESP32 = SEAM | {"hal.buffer", "hal.key_references", "hal.receptions", "hal.esp32"}


@dataclass(frozen=True)
class Area:
    """A portable folder (or file): which modules of Python and which packages of ours it may import."""

    path: str
    python: frozenset[str]
    ours: frozenset[str]
    floats: bool = True
    on_board: bool = False  # runs on MicroPython alone

    def holds(self, source: Source) -> bool:
        return source.path == self.path or source.within(self.path)


LOOPS = PURE | {"asyncio", "gc"}  # of gc what both interpreters have: collect
# Primitives in portable Python, which backends share.
PRIMITIVES = frozenset({"hal.aes", "hal.hmac_sha256", "hal.public_keys", "hal.sha512"})
# Other parties that run on both interpreters, so that the portable tests have somebody to talk to.
PARTIES = frozenset(
    "tools.simulators." + name
    for name in (
        "dispenser",
        "dispenser_plan",
        "enocean_air",
        "noisy_bytes",
        "noisy_line",
        "nonin_serial",
        "record_memory",
        "virtual_clock",
    )
)
# The journal in flash asks a block device, and nothing else of a board.
FLASH_JOURNAL = (
    "flash_journal",
    *(
        f"journal_{part}"
        for part in ("aside", "epoch", "frames", "opening", "sectors", "space", "store", "stream", "words")
    ),
)
# `firmware` and most of `hal/esp32` run on the board only and names the board's own modules.
BOARD = LOOPS | {
    "aioble",
    "bluetooth",
    "errno",
    "esp32",
    "gc",
    "io",
    "machine",
    "micropython",
    "network",
    "os",
    "select",
    "socket",
    "ssl",
    "sys",
    "time",
    "tls",
    "vfs",
}

AREAS = (
    Area("gateway/core", PURE, SEAM | {"gateway.core"}, floats=False),
    Area("gateway/hub", LOOPS, SEAM | {"gateway.core", "gateway.hub"}),
    Area(
        "hal/sim",
        LOOPS | {"os", "sys"},
        SEAM | PRIMITIVES | {"hal.buffer", "hal.key_references", "hal.receptions", "hal.sim"},
    ),
    *(
        Area(f"hal/esp32/{name}.py", LOOPS | {"os"}, SEAM | {"hal.esp32"}, floats=False)
        for name in FLASH_JOURNAL
    ),
    Area("hal/types.py", PURE, SEAM, floats=False),
    Area("hal/errors.py", PURE, SEAM, floats=False),
    Area("hal/buffer.py", LOOPS, SEAM),
    Area("hal/receptions.py", LOOPS, SEAM | {"hal.buffer"}),
    Area("hal/aes.py", PURE | {"cryptolib"}, SEAM, floats=False),
    Area("hal/sha512.py", PURE, SEAM, floats=False),
    Area("hal/hmac_sha256.py", PURE, SEAM, floats=False),
    Area("hal/public_keys.py", PURE, SEAM, floats=False),
    Area("hal/key_references.py", PURE, SEAM),
    *(
        Area("hal/esp32/" + name + ".py", LOOPS, ESP32)
        for name in (
            "ble_bonds",
            "ble_central",
            "ble_connection",
            "ble_packets",
            "ble_pairing",
            "ble_radio",
            "ble_scanner",
            "ble_waits",
            "button",
            "clock",
            "indicator",
            "keystore",
            "mqtt_link",
            "mqtt_packets",
            "nvs",
            "power",
            "sntp",
            "start",
            "time_server",
            "uart",
            "watchdog",
            "wifi",
        )
    ),
    Area("hal/esp32", BOARD, ESP32 | PRIMITIVES, on_board=True),
    Area("tests/esp32", LOOPS, ESP32 | {"hal.sim", "tests.esp32"}),
    Area("firmware", BOARD, frozenset({"firmware", "gateway", "hal"}), on_board=True),
    Area(
        "tests/core",
        LOOPS,
        SEAM | PRIMITIVES | PARTIES | {"gateway.core", "hal.buffer", "hal.esp32", "hal.sim", "tests.core"},
    ),
    Area(
        "tests/hub",
        LOOPS,
        SEAM
        | PRIMITIVES
        | PARTIES
        | {
            "gateway",
            "hal.buffer",
            "hal.esp32",
            "hal.receptions",
            "hal.sim",
            "tools.rig.sim",
            "tests.hub",
            "tests.core",
        },
    ),
    Area("tools/rig/flash", LOOPS | {"gc", "sys"}, SEAM | {"hal.esp32", "hal.sim", "tools.rig.flash"}),
    Area("tools/rig/sim", LOOPS, SEAM | PARTIES | {"gateway", "hal.buffer", "hal.sim", "tools.rig.sim"}),
    *(
        Area(name.replace(".", "/") + ".py", PURE, SEAM | PARTIES | {"gateway.core", "hal.sim"}, floats=False)
        for name in sorted(PARTIES)
    ),
)

# Names that only one of the two interpreters has.
MISSING_BUILTINS = frozenset(
    {"TimeoutError", "FileNotFoundError", "PermissionError", "ConnectionError", "ConnectionResetError"}
    | {"BrokenPipeError", "ExceptionGroup", "aiter", "anext", "slice", "vars", "ascii"}
)
MISSING_METHODS = frozenset(
    {
        "bit_length",
        "bit_count",
        "zfill",
        "ljust",
        "rjust",
        "removeprefix",
        "removesuffix",
        "hexdigest",
        "casefold",
    }
)
ASYNCIO = frozenset(
    {
        "CancelledError",
        "Event",
        "Lock",
        "Task",
        "TimeoutError",
        "create_task",
        "current_task",
        "gather",
        "new_event_loop",
        "run",
    }
    | {"sleep", "wait_for"}
)


# What MicroPython's has besides.
ASYNCIO_THERE = ASYNCIO | {"StreamReader", "StreamWriter", "ThreadSafeFlag", "core", "sleep_ms"}


def area_of(source: Source) -> Area | None:
    """The portable area that a Python file belongs to, or None where it runs on CPython only."""
    if not source.path.endswith(".py"):
        return None
    return next((area for area in AREAS if area.holds(source)), None)


def check(source: Source) -> Iterator[Finding]:
    """What in a portable file would not run, or run differently, on the other interpreter."""
    area = area_of(source)
    if area is None:
        return
    for node in run_time_nodes(source.tree):
        messages = [*imports(node, area), *missing(node, ASYNCIO_THERE if area.on_board else ASYNCIO)]
        if not area.floats:
            messages += floats(node)
        if type(node) in ABSENT_FORMS:
            messages.append(ABSENT_FORMS[type(node)])
        form = FORMS.get(type(node))
        if form is not None:
            messages += form(node)
        for message in messages:
            yield source.finding(getattr(node, "lineno", 1), message)


def run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs: not what stands under `if TYPE_CHECKING`, and no annotation."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns") or (name == "body" and is_type_checking(node)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from run_time_nodes(child)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


# --- imports and names --------------------------------------------------------------------------------------------


def imports(node: ast.AST, area: Area) -> Iterator[str]:
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        modules = (
            [f"{node.module}.{alias.name}" for alias in node.names] if node.level == 0 else ["." * node.level]
        )
    else:
        return
    refused = [module for module in modules if not is_within(module, area.python | area.ours)]
    if refused:
        yield f"imports {refused[0]}; {area.path} may import {', '.join(sorted(area.python | area.ours))}"


def is_within(module: str, allowed: Iterable[str]) -> bool:
    return any((module + ".").startswith(name + ".") for name in allowed)


def missing(node: ast.AST, loop: frozenset[str] = ASYNCIO) -> Iterator[str]:
    if isinstance(node, ast.Name) and node.id in MISSING_BUILTINS:
        yield f"{node.id} does not exist on MicroPython"
    if isinstance(node, ast.Attribute):
        if node.attr in MISSING_METHODS:
            yield f".{node.attr} does not exist on MicroPython"
        if isinstance(node.value, ast.Name) and node.value.id == "asyncio" and node.attr not in loop:
            yield f"asyncio.{node.attr} is not on both interpreters; there are {', '.join(sorted(loop))}"
        if isinstance(node.value, ast.Name) and node.value.id == "struct" and node.attr == "Struct":
            yield "struct.Struct does not exist on MicroPython: call struct.pack and struct.unpack_from"


def floats(node: ast.AST) -> Iterator[str]:
    """Time is integer milliseconds and measurements are scaled integers: a float is single precision on a board."""
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield f"float {node.value}: no float reaches a wire or a clock, use scaled integers"
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
        yield "/ makes a float: no float reaches a wire or a clock, use //"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
        yield "float(): no float reaches a wire or a clock, use scaled integers"


# --- forms --------------------------------------------------------------------------------------------------------


def function(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Iterator[str]:
    if node.args.posonlyargs:
        yield "positional-only arguments do not exist on MicroPython: leave out the /"
    if isinstance(node, ast.AsyncFunctionDef) and any(
        isinstance(inner, ast.Yield) for inner in own_nodes(node)
    ):
        yield "async generators do not exist on MicroPython: write a class with __anext__"


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield child
            yield from own_nodes(child)


def display(node: ast.List | ast.Tuple | ast.Set) -> Iterator[str]:
    loaded = isinstance(node, ast.Set) or isinstance(node.ctx, ast.Load)
    if loaded and any(isinstance(item, ast.Starred) for item in node.elts):
        yield "[*a] does not exist on MicroPython: add the parts with +"


def mapping(node: ast.Dict) -> Iterator[str]:
    if None in node.keys:
        yield "{**a} does not exist on MicroPython: copy and update"


def comprehension(node: ast.comprehension) -> Iterator[str]:
    if node.is_async:
        yield "async comprehensions do not exist on MicroPython: write the loop"


def call(node: ast.Call) -> Iterator[str]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in ("isinstance", "issubclass") and len(node.args) == 2 and isinstance(node.args[1], ast.BinOp):
        yield f"{name}(x, A | B) does not run on MicroPython: write a tuple"
    if name == "zip" and node.keywords:
        yield "zip(strict=) does not exist on MicroPython: compare the lengths"


ABSENT_FORMS: dict[type[ast.AST], str] = {
    ast.Match: "match does not exist on MicroPython: write if and elif",
    ast.TryStar: "except* does not exist on MicroPython: catch one by one",
}

FORMS: dict[type[ast.AST], Callable[[Any], Iterator[str]]] = {
    ast.FunctionDef: function,
    ast.AsyncFunctionDef: function,
    ast.Lambda: function,
    ast.List: display,
    ast.Tuple: display,
    ast.Set: display,
    ast.Dict: mapping,
    ast.comprehension: comprehension,
    ast.Call: call,
}
