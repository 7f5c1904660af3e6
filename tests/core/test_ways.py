"""Brokers and interfaces in order, distrust, and the way back."""

from gateway.core.ways import (
    DISTRUST_CEILING_MS,
    DISTRUST_MS,
    RETURN_CEILING_MS,
    RETURN_MS,
    Ways,
    interface_of,
)
from hal.types import NetworkPath

CABLE = NetworkPath("eth0", "ethernet", True, "192.0.2.2", routed=True)
WIRELESS = NetworkPath("wlan0", "wifi", True, "192.0.2.3")
MOBILE = NetworkPath("wwan0", "cellular", True, "192.0.2.4")
TUNNEL = NetworkPath("tun0", "other", True, "192.0.2.5")
CABLE_BELOW = NetworkPath("eth0", "ethernet", True, "192.0.2.2")
UNPLUGGED = NetworkPath("eth1", "ethernet", False, None)


def names(ways: "list[object]") -> "list[tuple[int, str | None]]":
    return [(way.broker, way.interface) for way in ways]  # type: ignore[attr-defined]


def test_with_one_interface_a_way_is_a_broker():
    ways = Ways(2)
    for paths in ([], [CABLE], [CABLE, UNPLUGGED, TUNNEL], [WIRELESS]):
        assert names(ways.order(paths)) == [(0, None), (1, None)]


def test_a_cable_that_is_pulled_and_still_routed_does_not_hide_the_other_interface():
    pulled = NetworkPath("eth0", "ethernet", False, "192.0.2.2", routed=True)
    assert names(Ways(1).order([pulled, MOBILE])) == [(0, None), (0, "wwan0")]


def test_each_broker_is_tried_as_the_system_routes_and_then_over_what_else_is_up():
    ways = Ways(2)
    found = names(ways.order([MOBILE, CABLE, TUNNEL, WIRELESS, UNPLUGGED]))
    assert found == [
        (0, None),
        (0, "wlan0"),
        (0, "wwan0"),
        (1, None),
        (1, "wlan0"),
        (1, "wwan0"),
    ]


def test_a_way_without_receipts_comes_last_and_nobody_returns_to_it():
    ways = Ways(2)
    first, second = ways.order([])
    assert ways.better(second, [], 0) == [first] and ways.better(first, [], 0) == []
    ways.distrust(first, 1_000)
    assert ways.round([], 1_001) == [second, first]
    assert ways.better(second, [], 1_001) == []
    assert ways.round([], 1_000 + DISTRUST_MS) == [first, second]
    assert ways.better(second, [], 1_000 + DISTRUST_MS) == [first]


def test_distrust_doubles_to_a_day_until_a_receipt_comes():
    ways = Ways(1)
    (way,) = ways.order([])
    for expected in (1, 2, 4, 8, 16, 24, 24):
        ways.distrust(way, 0)
        assert way.distrusted_until_ms == expected * DISTRUST_MS
    assert way.distrust_ms == DISTRUST_CEILING_MS
    ways.trust(way)
    ways.distrust(way, 0)
    assert way.distrusted_until_ms == DISTRUST_MS


def test_where_no_way_is_trusted_there_is_nowhere_else_to_go():
    ways = Ways(2)
    first, second = ways.order([])
    assert ways.has_other(first, [], 0)
    ways.distrust(second, 0)
    assert not ways.has_other(first, [], 1)
    assert ways.has_other(second, [], 1)
    alone = Ways(1)
    assert not alone.has_other(alone.order([])[0], [], 0)


def test_an_interface_that_is_gone_is_no_reason_to_stay():
    ways = Ways(1)
    over = ways.order([CABLE, MOBILE])[1]
    assert ways.better(over, [CABLE], 0) == [ways.way(0, None)]


def test_looking_back_grows_rarer_until_a_receipt_comes_over_the_first_way():
    ways = Ways(2)
    first, second = ways.order([])
    waits = []
    for _ in range(6):
        waits.append(ways.return_ms)
        ways.looked_back()
        ways.trust(second)
    assert waits[:3] == [RETURN_MS, 2 * RETURN_MS, 4 * RETURN_MS] and ways.return_ms == RETURN_CEILING_MS
    ways.trust(first)
    assert ways.return_ms == RETURN_MS


def test_a_way_goes_by_its_interface_or_by_that_of_the_default_route_where_it_can_be_told():
    ways = Ways(1)
    routed, by_mobile = ways.way(0, None), ways.way(0, "wwan0")
    tunnel = NetworkPath("tun0", "other", True, "192.0.2.5", routed=True)
    pulled = NetworkPath("eth0", "ethernet", False, "192.0.2.2", routed=True)
    assert interface_of(by_mobile, [CABLE, WIRELESS, MOBILE]) == "wwan0"
    assert interface_of(routed, [WIRELESS, CABLE, UNPLUGGED]) == "eth0"
    assert interface_of(routed, [UNPLUGGED, WIRELESS]) == "wlan0", "the one there is"
    assert interface_of(routed, [pulled, WIRELESS]) == "wlan0"
    for paths in ([], [MOBILE, WIRELESS], [CABLE_BELOW, tunnel], [tunnel], [pulled]):
        assert interface_of(routed, paths) == "", [path.name for path in paths]
