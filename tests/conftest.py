"""Guards around every test: nothing may leak, block, leave the machine, log badly or be skipped in silence.

Each guard has its negative control in `tests/tools/test_guards.py`.
"""

import asyncio
import asyncio.runners
import ipaddress
import logging
import os
import socket
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from blockbuster import BlockBuster

import gateway
import hal

ROOT = Path(__file__).resolve().parent.parent
OURS = tuple(str(ROOT / name) + os.sep for name in ("gateway", "hal", "tools", "firmware", "tests"))
LOGGERS = ("gateway", "hal", "tools", "firmware", "trygg")
LOOK_UPS = ("socket.getaddrinfo", "socket.gethostbyname")
THREAD_GRACE_S = 1.0

# Slow machines are no finding; a failing example is printed so that it can be replayed.
hypothesis.settings.register_profile("trygg", deadline=None, print_blob=True)
hypothesis.settings.load_profile("trygg")

failed_key = pytest.StashKey[bool]()
refused: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    # Every record is formatted by pytest's handler, which raises where the format does not fit its arguments.
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    sys.addaudithook(refuse_other_machines)
    sys.addaudithook(refuse_another_program)


# --- nothing leaves this machine ----------------------------------------------------------------------------------


def refuse_other_machines(event: str, args: tuple[Any, ...]) -> None:
    """Audit hook: sockets of the test process reach and serve this machine only."""
    if event in ("socket.connect", "socket.bind", "socket.sendto"):
        sock, address = args[0], args[1]
        anywhere = event == "socket.bind" and address[:2] == ("", 0)  # paho, before it connects
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not anywhere and not is_loopback(address[0]):
            refuse(f"{event} to {address!r}: tests use 127.0.0.1 or ::1 only")
    elif event in LOOK_UPS and args[0] is not None and not is_loopback(args[0]):
        refuse(f"look-up of {args[0]!r}: tests use 127.0.0.1, ::1 or localhost only")


def refuse_another_program(event: str, _args: tuple[Any, ...]) -> None:
    """Audit hook: a command under test that becomes another program would end the suite there, with that program's status."""
    if event == "os.exec":
        refuse("os.exec in the process of the tests: run the command as a process of its own")


def refuse(reason: str) -> None:
    refused.append(reason)
    raise PermissionError(reason)


@pytest.fixture(autouse=True)
def no_other_machines(request: pytest.FixtureRequest) -> Iterator[None]:
    """A client that tries again after every OSError would hide the refusal."""
    refused.clear()
    yield
    if refused and not request.node.stash.get(failed_key, False):
        pytest.fail("refused: " + "; ".join(sorted(set(refused))), pytrace=False)


def is_loopback(host: str | bytes) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


# --- nothing is skipped in silence where everything must run ------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_skip(report)
    if report.failed:
        item.stash[failed_key] = True
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_skip(report)
    return report


def fail_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """With TRYGG_REQUIRE_ALL=1 a skip is a failure: the tool or file that it lacks must be there."""
    if report.skipped and os.environ.get("TRYGG_REQUIRE_ALL") == "1" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, and TRYGG_REQUIRE_ALL=1 allows no skip: {reason}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    seed = getattr(config.option, "randomly_seed", None)
    if terminalreporter.stats.get("failed") or terminalreporter.stats.get("error"):
        terminalreporter.write_line(f"the same order and random numbers again: --randomly-seed={seed}")


# --- nothing is left running --------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def no_leaked_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    if request.node.get_closest_marker("leaves_threads"):
        return
    started = [thread for thread in threading.enumerate() if thread not in before]
    for thread in started:
        thread.join(THREAD_GRACE_S)
    alive = [thread.name for thread in started if thread.is_alive()]
    if alive and not request.node.stash.get(failed_key, False):
        pytest.fail("threads still running after the test: " + ", ".join(alive), pytrace=False)


@pytest.fixture(autouse=True)
def no_leaked_tasks(request: pytest.FixtureRequest) -> Iterator[None]:
    """`asyncio.run` cancels what still runs without a word; here our own coroutines among it are a failure."""
    leaked: list[str] = []
    cancel_all = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]

    def record_and_cancel(loop: asyncio.AbstractEventLoop) -> None:
        leaked.extend(sorted(repr(task) for task in asyncio.all_tasks(loop) if is_leak(task)))
        cancel_all(loop)

    asyncio.runners._cancel_all_tasks = record_and_cancel  # type: ignore[attr-defined]
    try:
        yield
    finally:
        asyncio.runners._cancel_all_tasks = cancel_all  # type: ignore[attr-defined]
    if leaked and not request.node.stash.get(failed_key, False):
        pytest.fail("tasks still running at the end of asyncio.run:\n" + "\n".join(leaked), pytrace=False)


def is_leak(task: "asyncio.Task[Any]") -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and code.co_filename.startswith(OURS) and not task.cancelling()


# --- nothing blocks the loop --------------------------------------------------------------------------------------

# What the contract allows: the journal reads its store where it stands.
ALLOWED_IN_CONTRACT = ("sqlite3.", "io.", "os.")


@pytest.fixture(autouse=True)
def no_blocking_calls(request: pytest.FixtureRequest) -> Iterator[None]:
    """In tests of loops and of backends our code may not block the thread that the event loop runs on."""
    level = level_of(request.path)
    if level not in ("hub", "contract"):
        yield
        return
    guard = BlockBuster([gateway, hal])
    if level == "contract":
        for name in [name for name in guard.functions if name.startswith(ALLOWED_IN_CONTRACT)]:
            del guard.functions[name]
    guard.activate()
    try:
        yield
    finally:
        guard.deactivate()


def level_of(path: Path) -> str:
    """The folder under `tests` that says how much of the system a test runs."""
    parts = path.resolve().parts
    return parts[parts.index("tests") + 1] if "tests" in parts[:-2] else ""
