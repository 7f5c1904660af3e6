"""What every watchdog promises (`hal.interfaces.Watchdog`)."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hal.linux.watchdog import SystemdWatchdog, notify
from hal.sim.clock import SimClock
from hal.sim.watchdog import SimWatchdog
from tests.contract.backends import WATCHDOGS
from tests.contract.machine_hosts import SystemdWatchdogHost, WatchdogHost


@pytest.fixture(params=WATCHDOGS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WatchdogHost]:
    made = WATCHDOGS[request.param](tmp_path)
    yield made
    made.close()


def test_whoever_watches_hears_each_feeding(host: WatchdogHost) -> None:
    assert host.feedings() == 0
    for count in (1, 3):
        for _ in range(count):
            host.watchdog.feed()
        assert host.feedings() == count


# --- Linux ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[SystemdWatchdogHost]:
    made = SystemdWatchdogHost(tmp_path, abstract=True)
    yield made
    made.close()


def test_a_socket_with_an_abstract_name_is_found(systemd: SystemdWatchdogHost) -> None:
    systemd.watchdog.feed()
    assert systemd.feedings() == 1


def test_the_period_is_what_systemd_says_of_this_process(systemd: SystemdWatchdogHost) -> None:
    assert SystemdWatchdog().period_ms == 30_000
    os.environ["WATCHDOG_PID"] = str(os.getpid())
    assert SystemdWatchdog().period_ms == 30_000
    os.environ["WATCHDOG_PID"] = "1"  # our parent is watched, not we
    assert SystemdWatchdog().period_ms == 0
    for text in ("", "soon", "-5"):
        os.environ["WATCHDOG_PID"], os.environ["WATCHDOG_USEC"] = "", text
        assert SystemdWatchdog().period_ms == 0


def test_without_systemd_feeding_is_no_error(systemd: SystemdWatchdogHost) -> None:
    for name in ("", "/nowhere/at/all", "@nobody-listens-here"):
        os.environ["NOTIFY_SOCKET"] = name
        SystemdWatchdog().feed()
        assert not notify("READY=1")
    assert systemd.feedings() == 0


# --- simulation ----------------------------------------------------------------------------------------------------


def test_a_simulated_machine_that_is_not_fed_would_be_reset() -> None:
    async def program() -> None:
        clock = SimClock()
        watchdog = SimWatchdog(clock, period_ms=10_000)
        for _ in range(5):
            await clock.advance(9_999)
            assert not watchdog.bites
            watchdog.feed()
        await clock.advance(10_000)
        assert watchdog.bites

    asyncio.run(program())
