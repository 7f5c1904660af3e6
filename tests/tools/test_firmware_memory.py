"""What `make firmware` says of a board's heap: counted by the board's interpreter, by hand here, and absent where there is none."""

import ast
from pathlib import Path

import pytest

from tools.firmware.__main__ import ROOT, main, memory_of, modules
from tools.firmware.memory import heap_of, imported, in_order, loaded_by_home, module_of
from tools.mpy.interpreter import MissingToolError, find_interpreter


@pytest.fixture(autouse=True)
def _interpreter() -> None:
    try:
        find_interpreter()
    except MissingToolError as error:
        pytest.skip(str(error))


def home(tmp_path: Path, **sources: str) -> tuple[Path, list[str]]:
    """Modules beside a copy of the script that counts."""
    script = tmp_path / "tools/firmware/words.py"
    script.parent.mkdir(parents=True)
    script.write_text((ROOT / "tools/firmware/words.py").read_text("utf-8"), "utf-8")
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source, "utf-8")
    return tmp_path, [f"{name}.py" for name in sources]


def test_functions_tables_and_classes_are_counted_and_what_lies_in_flash_is_not(tmp_path: Path) -> None:
    plain = "".join(f"a{number} = {number}\n" for number in range(8))
    root, paths = home(
        tmp_path,
        plain=plain + 'b = "text" * 1\n',
        texts=plain + 'b = ("a text", (1, 2, b"bytes"))\n',
        function=plain + "def b(): pass\n",
        table=plain + "b = {1: 2, 3: 4, 5: 6, 7: 8}\n",
        cls=plain + "class b:\n    def c(self): pass\n",
    )
    heap = heap_of(root, paths)
    base = heap["plain.py"]
    assert base is not None
    assert heap["texts.py"] == base
    assert heap["function.py"] == base + 16
    assert heap["table.py"] == base + 16 + 4 * 8
    assert heap["cls.py"] is not None and 64 + 16 + 16 < heap["cls.py"] - base < 200


def test_what_two_modules_share_belongs_to_the_one_that_made_it(tmp_path: Path) -> None:
    table = "\n".join(
        ["made = {" + ", ".join(f"{n}: {n}" for n in range(100)) + "}"] + [f"a{n} = 1" for n in range(9)]
    )
    borrow = "\n".join(["from zmaker import made"] + [f"a{n} = 1" for n in range(9)])
    root, paths = home(tmp_path, abearer=borrow, zmaker=table)
    heap = heap_of(root, paths)
    assert heap["zmaker.py"] is not None and heap["abearer.py"] is not None
    assert heap["zmaker.py"] - heap["abearer.py"] == 16 + 100 * 8


def test_a_module_for_a_board_alone_has_no_figure_and_stops_nobody(tmp_path: Path) -> None:
    root, paths = home(tmp_path, board="import esp32\n", other="a = 1\n")
    heap = heap_of(root, paths)
    assert heap["board.py"] is None and heap["other.py"]


def test_whoever_imports_stands_behind_what_it_imports_and_types_are_no_import() -> None:
    paths = modules(ROOT)
    ordered = in_order(ROOT, {module_of(path): path for path in paths})
    assert sorted(ordered) == sorted(module_of(path) for path in paths)
    assert (
        ordered.index("gateway.core.cbor")
        < ordered.index("gateway.core.wire")
        < ordered.index("gateway.hub.app")
    )


def test_what_only_a_checker_imports_is_no_import() -> None:
    source = "import a\nif TYPE_CHECKING:\n    import b\nelse:\n    import c\ntry:\n    from d import e\nexcept ImportError:\n    pass\n"
    assert list(imported(ast.parse(source).body)) == ["a", "c", "d", "d.e"]


def test_a_home_loads_no_simulated_peripheral_and_everything_has_a_figure() -> None:
    paths = modules(ROOT)
    home_loads, heap = loaded_by_home(ROOT, paths), heap_of(ROOT, paths)
    assert "gateway/hub/app.py" in home_loads and "hal/esp32/flash_journal.py" in home_loads
    assert "hal/sim/world.py" not in home_loads and "firmware/bench/wiring.py" not in home_loads
    assert all(heap[path] for path in home_loads)


def test_the_table_shows_code_and_heap_of_each_module(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path / "out.zip")]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line.split() for line in lines if line.endswith("* gateway/hub/app"))
    assert int(row[0]) > 1_000 and int(row[1]) > 500
    assert any("loads" in line and "bytes of the heap, estimated" in line for line in lines)


def test_without_an_interpreter_the_table_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRYGG_MICROPYTHON", "")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    memory = memory_of(ROOT, ["gateway/core/cbor.py"])
    assert memory.heap == {} and "no MicroPython interpreter" in memory.missing
