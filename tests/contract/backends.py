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
from tests.contract.board_air import board_air, far_board_air
from tests.contract.far_hosts import (
    FarBoardLineHost,
    FarClockHost,
    FarIndicatorHost,
    FarKeyHost,
    FarLineHost,
    FarNetworkHost,
    FarWatchdogHost,
)
from tests.contract.journal_hosts import FlashJournalHost, JournalHost, LinuxJournalHost, SimJournalHost
from tests.contract.journal_mpy import FarJournalHost
from tests.contract.line_hosts import BoardLineHost, LineHost, PtyLineHost, SimLineHost
from tests.contract.machine_hosts import (
    BoardClockHost,
    BoardIndicatorHost,
    BoardKeyHost,
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
from tests.contract.peripheral_hosts import (
    PeripheralHost,
    board_peripheral,
    bumble_peripheral,
    bus_peripheral,
    far_board_peripheral,
    sim_peripheral,
)
from tests.contract.point_hosts import PointHost, network_manager_point, sim_point
from tests.contract.wifi_hosts import WifiHost, board_wifi, far_board_wifi, network_manager_wifi, sim_wifi

# --- journal: tests/contract/journal_hosts.py ----------------------------------------------------------------------

JOURNALS: Mapping[str, Callable[[Path], JournalHost]] = {
    "esp32": FlashJournalHost,
    "esp32@micropython": FarJournalHost,
    "linux": LinuxJournalHost,
    "sim": SimJournalHost,
}


# --- scanner and central: tests/contract/air_hosts.py, bluez_host.py ---------------------------------------------------

AIRS: Mapping[str, Callable[[Path], AbstractAsyncContextManager[AirHost]]] = {
    "bumble": bumble_air,
    "esp32": board_air,
    "esp32@micropython": far_board_air,
    "linux": bluez_air,
    "sim": sim_air,
}


# --- serial ports: tests/contract/line_hosts.py --------------------------------------------------------------------

LINES: Mapping[str, Callable[[Path], LineHost]] = {
    "esp32": BoardLineHost,
    "esp32@micropython": FarBoardLineHost,
    "linux": PtyLineHost,
    "sim": SimLineHost,
    "sim@micropython": FarLineHost,
}


# --- Wi-Fi: tests/contract/wifi_hosts.py -----------------------------------------------------------------------------

ACCESS_POINTS: Mapping[str, Callable[[Path], AbstractAsyncContextManager[PointHost]]] = {
    "linux": network_manager_point,
    "sim": sim_point,
}
WIFIS: Mapping[str, Callable[[Path], AbstractAsyncContextManager[WifiHost]]] = {
    "esp32": board_wifi,
    "esp32@micropython": far_board_wifi,
    "linux": network_manager_wifi,
    "sim": sim_wifi,
}


# --- a service of our own: tests/contract/peripheral_hosts.py ------------------------------------------------------------

PERIPHERALS: Mapping[str, Callable[[Path], AbstractAsyncContextManager[PeripheralHost]]] = {
    "bumble": bumble_peripheral,
    "esp32": board_peripheral,
    "esp32@micropython": far_board_peripheral,
    "linux": bus_peripheral,
    "sim": sim_peripheral,
}


# --- clock, keys, network, lamp, watchdog: tests/contract/machine_hosts.py -----------------------------------------

CLOCKS: Mapping[str, Callable[[], ClockHost]] = {
    "esp32": BoardClockHost,
    "linux": LinuxClockHost,
    "sim": SimClockHost,
    "sim@micropython": FarClockHost,
}
KEYS: Mapping[str, Callable[[Path], KeyHost]] = {
    "esp32": BoardKeyHost,
    "esp32@micropython": FarKeyHost,
    "linux": LinuxKeyHost,
    "sim": SimKeyHost,
}
NETWORKS: Mapping[str, Callable[[Path], NetworkHost]] = {
    "linux": LinuxNetworkHost,
    "sim": SimNetworkHost,
    "sim@micropython": FarNetworkHost,
}
INDICATORS: Mapping[str, Callable[[Path], IndicatorHost]] = {
    "esp32": BoardIndicatorHost,
    "linux": FileIndicatorHost,
    "sim": SimIndicatorHost,
    "sim@micropython": FarIndicatorHost,
}
WATCHDOGS: Mapping[str, Callable[[Path], WatchdogHost]] = {
    "linux": SystemdWatchdogHost,
    "sim": SimWatchdogHost,
    "sim@micropython": FarWatchdogHost,
}
