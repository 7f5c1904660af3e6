"""`python -m tools.mpy tests/core tests/hub`: the same tests on real MicroPython, and equal counts.

Exit status 1 where a test fails, the counts differ or a portable file does not compile; 2 for a wrong command line.
Where the machine has no interpreter the run says so and passes, unless TRYGG_REQUIRE_ALL=1.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.mpy.interpreter import MissingToolError, compiler_format, find_compiler, find_interpreter
from tools.mpy.run import HEAP_MIB, count_on_cpython, find_modules, run_modules
from tools.mpy.sizes import measure, portable_files


def check_tests(root: Path, folders: Sequence[str], heap_mib: int) -> bool:
    """Run the modules, print failures and counts; True where all passed and the counts agree."""
    interpreter = find_interpreter()
    paths = find_modules(root, folders)
    if not paths:
        print(f"no test modules below {', '.join(folders)}")
        return False
    results = run_modules(interpreter, root, paths, heap_mib)
    expected, trouble = count_on_cpython(root, paths)
    if trouble:
        print(trouble)
    for result in results:
        if result.failed:
            print(f"--- {result.path}: {', '.join(result.failed)} failed on MicroPython\n{result.output}")
    different = [result for result in results if result.count != expected[result.path]]
    for result in different:
        print(f"{result.path}: {expected[result.path]} tests on CPython, {result.count} on MicroPython")
    failed = sum(len(result.failed) for result in results)
    print(
        f"{sum(expected.values())} tests on CPython, {sum(result.count for result in results)} on MicroPython "
        f"({interpreter.version}, {heap_mib} MiB heap), {failed} failed there"
    )
    return not failed and not different and not trouble


def check_sizes(root: Path, *, table: bool) -> bool:
    """Compile every portable file and print sizes; True where all compile to the interpreter's format."""
    compiler = find_compiler()
    interpreter = find_interpreter()
    if compiler_format(compiler) != interpreter.mpy_format:
        print(
            f"mpy-cross writes format {compiler_format(compiler)}, the interpreter reads {interpreter.mpy_format}"
        )
        return False
    sizes = measure(compiler, root, portable_files(root))
    for size in sizes:
        if size.error:
            print(f"{size.path} does not compile: {size.error}")
        elif table:
            print(f"{size.source:8} {size.compiled:8}  {size.path}")
    total = sum(size.compiled for size in sizes)
    print(
        f"{len(sizes)} portable files, {sum(size.source for size in sizes)} bytes, "
        f"compiled {total} bytes (mpy {interpreter.mpy_format})"
    )
    return not any(size.error for size in sizes)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests, then compile."""
    parser = argparse.ArgumentParser(prog="python -m tools.mpy", description=__doc__)
    parser.add_argument("folders", nargs="+", help="folders or files of tests that run on both interpreters")
    parser.add_argument("--root", type=Path, default=Path(), help="checkout (default: here)")
    parser.add_argument("--heap", type=int, default=HEAP_MIB, help="heap of the interpreter in MiB")
    parser.add_argument("--sizes", action="store_true", help="print a table of compiled sizes")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    missing = [folder for folder in options.folders if not (root / folder).exists()]
    if missing:
        parser.error(f"{', '.join(missing)} not found below {root}: name folders or files of tests")
    try:
        compiled = check_sizes(root, table=options.sizes)
        passed = check_tests(root, options.folders, options.heap)
    except MissingToolError as error:
        print(f"skipped: {error}")
        return 1 if os.environ.get("TRYGG_REQUIRE_ALL") == "1" else 0
    return 0 if compiled and passed else 1


if __name__ == "__main__":
    sys.exit(main())
