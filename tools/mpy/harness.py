"""Runs on MicroPython, not on CPython: every test of one module, each on an event loop of its own.

Called as `micropython harness.py tests.core.test_x`. Lines that begin with @ are for `tools.mpy.run`; everything
else belongs to the test named before it.
"""

import sys

sys.path.pop(0)  # this folder holds modules of the tool, which no test means when it imports

import asyncio


def run_test(name: str, test: "object") -> None:
    """Call one test and say how it ended."""
    print("@run", name)
    asyncio.new_event_loop()  # forgets the tasks that an earlier test left
    try:
        require_nothing(test())  # type: ignore[operator]
    except BaseException as error:  # noqa: BLE001  SystemExit and CancelledError are failures like any other
        sys.print_exception(error, sys.stdout)  # type: ignore[attr-defined]
        print("@failed", name)
    else:
        print("@passed", name)


def require_nothing(returned: object) -> None:
    """A test that returns a coroutine has run nothing of it."""
    if returned is not None:
        raise AssertionError("the test returned " + repr(returned) + ": nothing awaited or checked it")


def main(module_name: str) -> None:
    """Run what pytest would collect from the module."""
    __import__(module_name)
    module = sys.modules[module_name]
    for name in sorted(dir(module)):
        test = getattr(module, name)
        if name.startswith("test") and callable(test):
            run_test(name, test)
    print("@end")


main(sys.argv[1])
