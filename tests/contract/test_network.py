"""What every view of the ways out of the house promises (`hal.interfaces.Network`)."""

from pathlib import Path

import pytest

from hal.linux.network import SysfsNetwork
from tests.contract.backends import NETWORKS
from tests.contract.machine_hosts import NetworkHost


@pytest.fixture(params=NETWORKS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> NetworkHost:
    return NETWORKS[request.param](tmp_path)


def test_a_machine_with_loopback_alone_has_no_way_out(host: NetworkHost) -> None:
    assert host.network.paths() == []


def test_paths_come_in_order_of_name_with_kind_and_state(host: NetworkHost) -> None:
    host.plug("wwan0", "cellular", True)
    host.plug("eth77", "ethernet", False)
    host.plug("wlan0", "wifi", True)
    host.plug("tun0", "other", True)
    seen = [(path.name, path.kind, path.up) for path in host.network.paths()]
    assert seen == [
        ("eth77", "ethernet", False),
        ("tun0", "other", True),
        ("wlan0", "wifi", True),
        ("wwan0", "cellular", True),
    ]
    assert host.network.paths()[0].address is None


def test_a_path_that_appears_is_seen_at_the_next_look(host: NetworkHost) -> None:
    assert host.network.paths() == []
    host.plug("eth78", "ethernet", True)
    assert [path.name for path in host.network.paths()] == ["eth78"]


# --- Linux ---------------------------------------------------------------------------------------------------------


def test_this_machine_has_paths_with_names_and_none_is_loopback() -> None:
    paths = SysfsNetwork().paths()
    assert [path.name for path in paths] == sorted(path.name for path in paths)
    for path in paths:
        assert path.name != "lo"
        assert path.kind in ("ethernet", "wifi", "cellular", "other")
        assert path.address is None or path.address.count(".") == 3


def test_a_machine_without_such_a_folder_has_no_paths(tmp_path: Path) -> None:
    assert SysfsNetwork(tmp_path / "missing").paths() == []


def test_a_path_that_vanishes_while_it_is_looked_at_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "usb0").mkdir()  # its files are gone already
    (path,) = SysfsNetwork(tmp_path).paths()
    assert (path.name, path.kind, path.up) == ("usb0", "other", False)


def test_the_default_route_of_the_lowest_metric_is_the_systems_own(tmp_path: Path) -> None:
    for name in ("eth0", "wlan0", "wwan0"):
        (tmp_path / "net" / name).mkdir(parents=True)
    routes = tmp_path / "route"
    routes.write_text(
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "wwan0\t0000A8C0\t00000000\t0001\t0\t0\t50\t00FFFFFF\t0\t0\t0\n"
    )
    paths = SysfsNetwork(tmp_path / "net", routes).paths()
    assert [path.name for path in paths if path.routed] == ["eth0"]
    routes.write_text("Iface\tDestination\nhalf a line\t00000000\n")
    assert not any(path.routed for path in SysfsNetwork(tmp_path / "net", routes).paths())
    assert not any(path.routed for path in SysfsNetwork(tmp_path / "net", tmp_path / "none").paths())
