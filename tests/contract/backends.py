"""Which backends stand behind each interface: one dictionary an interface, from a backend's name to what makes it.

A contract file takes its dictionary as the parameters of a fixture and knows no backend:

    @pytest.fixture(params=JOURNALS)
    def host(request: pytest.FixtureRequest, tmp_path: Path) -> JournalHost:
        return JOURNALS[request.param](tmp_path)

To add a backend, write a host for it and give it a line. A host has the interface's front, and a back door for what
no program can do by itself: cut the power, damage the medium, move the time. A backend that this machine cannot have
is skipped by its host, with a reason.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.contract.air_hosts import AirHost, bumble_air, sim_air
from tests.contract.bluez_host import bluez_air
from tests.contract.journal_hosts import JournalHost, LinuxJournalHost, SimJournalHost
from tests.contract.line_hosts import LineHost, PtyLineHost, SimLineHost
from tests.contract.machine_hosts import (
    ClockHost,
    FileIndicatorHost,
    IndicatorHost,
    KeyHost,
    LinuxClockHost,
    LinuxKeyHost,
    LinuxNetworkHost,
    NetworkHost,
    SimClockHost,
    SimIndicatorHost,
    SimKeyHost,
    SimNetworkHost,
    SimWatchdogHost,
    SystemdWatchdogHost,
    WatchdogHost,
)

# --- journal: tests/contract/journal_hosts.py ----------------------------------------------------------------------

JOURNALS: Mapping[str, Callable[[Path], JournalHost]] = {"linux": LinuxJournalHost, "sim": SimJournalHost}


# --- scanner and central: tests/contract/air_hosts.py, bluez_host.py ---------------------------------------------------

AIRS: Mapping[str, Callable[[Path], AbstractAsyncContextManager[AirHost]]] = {
    "bumble": bumble_air,
    "linux": bluez_air,
    "sim": sim_air,
}


# --- serial ports: tests/contract/line_hosts.py --------------------------------------------------------------------

LINES: Mapping[str, Callable[[Path], LineHost]] = {"linux": PtyLineHost, "sim": SimLineHost}


# --- clock, keys, network, lamp, watchdog: tests/contract/machine_hosts.py -----------------------------------------

CLOCKS: Mapping[str, Callable[[], ClockHost]] = {"linux": LinuxClockHost, "sim": SimClockHost}
KEYS: Mapping[str, Callable[[Path], KeyHost]] = {"linux": LinuxKeyHost, "sim": SimKeyHost}
NETWORKS: Mapping[str, Callable[[Path], NetworkHost]] = {"linux": LinuxNetworkHost, "sim": SimNetworkHost}
INDICATORS: Mapping[str, Callable[[Path], IndicatorHost]] = {
    "linux": FileIndicatorHost,
    "sim": SimIndicatorHost,
}
WATCHDOGS: Mapping[str, Callable[[Path], WatchdogHost]] = {
    "linux": SystemdWatchdogHost,
    "sim": SimWatchdogHost,
}
