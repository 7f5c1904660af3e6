"""The virtual controller does what a radio does, where Bumble's own does not."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from bumble import hci
from bumble.core import PhysicalTransport
from bumble.device import AdvertisingType, Device, DeviceConfiguration, Peer
from bumble.hci import HCI_LE_Advertising_Report_Event as Reports
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink

from tests.radio.home import soon, turns
from tools.simulators.controller import HomeController
from tools.simulators.link import HomeLink

CENTRAL, PERIPHERAL, PUBLIC = "F0:00:00:00:00:01", "F0:00:00:00:00:02", "00:AA:01:00:00:42"
EventType = Reports.EventType


def machine(link: HomeLink, address: str) -> tuple[HomeController, Device]:
    """A controller with Bumble's host on it."""
    controller = HomeController(address, link, public_address=PUBLIC if address == CENTRAL else None)
    host = Host(controller, AsyncPipeSink(controller))
    return controller, Device(
        config=DeviceConfiguration(name=address, address=hci.Address(address)), host=host
    )


class Two:
    """A central and a peripheral; `reports` is what the central's host was told of the air."""

    def __init__(self) -> None:
        self.link = HomeLink()
        self.near, self.central = machine(self.link, CENTRAL)
        self.far, self.peripheral = machine(self.link, PERIPHERAL)
        self.reports: list[tuple[int, bytes]] = []
        self.central.host.on("advertising_report", self._on_report)

    def _on_report(self, report: Reports.Report) -> None:
        self.reports.append((report.event_type, report.data))

    async def on(self) -> "Two":
        await self.central.power_on()
        await self.peripheral.power_on()
        return self

    async def advertise(self, kind: AdvertisingType, data: bytes = b"\x02\x01\x06") -> None:
        await self.peripheral.start_advertising(
            kind,
            advertising_interval_min=20,
            advertising_interval_max=20,
            advertising_data=data,
            scan_response_data=b"\x03\x09hi",
        )


KINDS = {
    AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE: (EventType.ADV_IND, True),
    AdvertisingType.UNDIRECTED_SCANNABLE: (EventType.ADV_SCAN_IND, True),
    AdvertisingType.UNDIRECTED: (EventType.ADV_NONCONN_IND, False),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("active", [False, True])
def test_each_kind_of_event_is_reported_as_what_it_is(kind: AdvertisingType, active: bool) -> None:
    async def program() -> None:
        two = await Two().on()
        await two.central.start_scanning(active=active)
        await two.advertise(kind)
        await turns(lambda: len(two.reports) >= 2)
        event_type, answers = KINDS[kind]
        expected = [(event_type, b"\x02\x01\x06")]
        if active and answers:
            expected.append((EventType.SCAN_RSP, b"\x03\x09hi"))
        assert two.reports[: len(expected)] == expected
        assert {each for each in two.reports if each not in expected} == set()

    asyncio.run(program())


def test_events_come_at_the_interval_asked_for_not_faster() -> None:
    async def program() -> None:
        two = await Two().on()
        loop = asyncio.get_running_loop()
        await two.central.start_scanning(active=False)
        await two.advertise(AdvertisingType.UNDIRECTED)
        began = loop.time()
        await turns(lambda: len(two.reports) >= 4)
        assert loop.time() - began >= 3 * 0.020 * 0.9

    asyncio.run(program())


def test_nobody_connects_to_what_is_not_connectable_and_the_wait_can_be_cancelled() -> None:
    async def program() -> None:
        two = await Two().on()
        await two.central.start_scanning(active=False)
        await two.advertise(AdvertisingType.UNDIRECTED)
        connecting = asyncio.ensure_future(two.central.connect(PERIPHERAL, timeout=None))
        await turns(lambda: two.central.is_le_connecting)
        two.reports.clear()
        await turns(lambda: len(two.reports) >= 2)
        assert not connecting.done()
        await cast(Any, two.central).cancel_connection()
        with pytest.raises(Exception, match="UNKNOWN_CONNECTION_IDENTIFIER"):
            await soon(connecting)
        assert two.near.pending_le_connection is None
        await two.advertise(AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE)
        connection = await soon(two.central.connect(PERIPHERAL))
        await connection.disconnect()

    asyncio.run(program())


@pytest.mark.parametrize("own", [hci.OwnAddressType.PUBLIC, hci.OwnAddressType.RANDOM])
def test_a_central_may_call_from_either_of_its_addresses(own: hci.OwnAddressType) -> None:
    async def program() -> None:
        two = await Two().on()
        await two.advertise(AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE)
        connection = await soon(
            two.central.connect(PERIPHERAL, transport=PhysicalTransport.LE, own_address_type=own)
        )
        peer = Peer(connection)
        await soon(peer.discover_services())
        assert peer.services
        (seen,) = two.peripheral.connections.values()
        assert str(seen.peer_address) == (PUBLIC + "/P" if own == hci.OwnAddressType.PUBLIC else CENTRAL)

    asyncio.run(program())


def test_out_of_range_both_ends_see_a_supervision_time_out_and_hear_nothing() -> None:
    async def program() -> None:
        two = await Two().on()
        await two.advertise(AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE)
        connection = await soon(two.central.connect(PERIPHERAL))
        await turns(lambda: bool(two.peripheral.connections))
        (other,) = two.peripheral.connections.values()
        reasons: list[int] = []
        for each in (connection, other):
            each.on(each.EVENT_DISCONNECTION, reasons.append)
        two.far.leave()
        await turns(lambda: len(reasons) == 2)
        assert reasons == [hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR] * 2
        await two.central.start_scanning(active=False)
        await two.advertise(AdvertisingType.UNDIRECTED)
        for _ in range(100):
            await asyncio.sleep(0)
        assert two.reports == []
        two.far.return_()
        await turns(lambda: bool(two.reports))

    asyncio.run(program())


def test_a_reset_ends_links_scans_and_waits() -> None:
    async def program() -> None:
        two = await Two().on()
        await two.advertise(AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE)
        await soon(two.central.connect(PERIPHERAL))
        await turns(lambda: bool(two.peripheral.connections))
        await two.central.start_scanning(active=False)
        await two.central.host.send_sync_command(hci.HCI_Reset_Command())
        await turns(lambda: not two.peripheral.connections)
        assert (two.near.le_scan_enable, two.near.le_connections) == (False, {})

    asyncio.run(program())


def test_the_hand_that_removes_a_controller_leaves_nothing_of_it(tmp_path: Path) -> None:
    async def program() -> None:
        two = await Two().on()
        await two.advertise(AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE)
        await soon(two.central.connect(PERIPHERAL))
        await turns(lambda: bool(two.peripheral.connections))
        two.near.remove()
        await turns(lambda: not two.peripheral.connections)
        assert two.link.controllers == {two.far}

    asyncio.run(program())
