"""A virtual Bluetooth LE controller: Bumble's, with what upstream gets wrong mended.

It offers legacy advertising and scanning only, because that is what the small peripherals of a home use, and
because the extended commands of upstream make up scan responses. A host drives it over HCI in the process
(`tools.simulators.peripheral`) or from another process (`tools.simulators.hci_server`).
"""

import asyncio

from bumble import hci, ll
from bumble.controller import Connection, Controller, LegacyAdvertiser
from bumble.hci import HCI_LE_Advertising_Report_Event as Reports

from tools.simulators.link import HomeLink
from tools.simulators.pdus import (
    ACCEPTS_CONNECTION,
    ANSWERS_SCAN_REQUEST,
    CONNECTABLE,
    DIRECTED,
    NON_CONNECTABLE,
    SCANNABLE,
    AdvertisementPdu,
)

SLOT_S = 0.000_625  # unit of advertising intervals (Core 5.4, Vol 4, Part E, 7.8.5)
SHORTEST_INTERVAL_S = 0.020  # 7.8.5: 0x0020 slots
ACTIVE_SCANNING = 1  # 7.8.10
REPORT_TYPES = {
    CONNECTABLE: Reports.EventType.ADV_IND,
    DIRECTED: Reports.EventType.ADV_DIRECT_IND,
    SCANNABLE: Reports.EventType.ADV_SCAN_IND,
    NON_CONNECTABLE: Reports.EventType.ADV_NONCONN_IND,
}


class HomeAdvertiser(LegacyAdvertiser):
    """Sends all four kinds of event at the interval asked for.

    Upstream sends connectable ones only, and takes the interval's slots of 0.625 ms for milliseconds.
    """

    def _on_timer_fired(self) -> None:
        self.send_advertising_data()
        interval_s = max(self.advertising_interval_min * SLOT_S, SHORTEST_INTERVAL_S)
        self.timer_handle = asyncio.get_running_loop().call_later(interval_s, self._on_timer_fired)

    def send_advertising_data(self) -> None:
        if self.enabled:
            assert isinstance(self.controller, HomeController)
            self.controller.broadcast(
                int(self.advertising_type), self.advertising_data, self.scan_response_data, self.address
            )


class HomeController(Controller):
    """A controller in a `HomeLink`. `in_range` and `rssi_dbm` are the back door: the hand that carries it."""

    le_features = (
        hci.LeFeatureMask.LE_ENCRYPTION
        | hci.LeFeatureMask.CONNECTION_PARAMETERS_REQUEST_PROCEDURE
        | hci.LeFeatureMask.EXTENDED_REJECT_INDICATION
        | hci.LeFeatureMask.PERIPHERAL_INITIATED_FEATURE_EXCHANGE
        | hci.LeFeatureMask.LE_DATA_PACKET_LENGTH_EXTENSION
    )
    le_acl_data_packet_length = (
        251  # a whole ATT packet in one piece: upstream does not fragment towards the host
    )
    # Upstream announces the command but never sends the event that must follow it.
    supported_commands = Controller.supported_commands - {hci.HCI_LE_SET_DATA_LENGTH_COMMAND}

    def __init__(self, name: str, link: HomeLink, public_address: str | None = None) -> None:
        super().__init__(name, link=link, public_address=public_address)
        self.in_range = True
        self.rssi_dbm = -55
        self.le_legacy_advertiser = HomeAdvertiser(self)

    @property
    def home(self) -> HomeLink:
        """The air that it is in."""
        assert isinstance(self.link, HomeLink)
        return self.link

    def broadcast(self, kind: int, data: bytes, scan_response: bytes, address: hci.Address) -> None:
        """Send one advertising event now."""
        self.send_advertising_pdu(AdvertisementPdu(address, kind, data, scan_response, self.rssi_dbm))

    def on_ll_advertising_pdu(self, packet: ll.AdvertisingPdu) -> None:
        if isinstance(packet, AdvertisementPdu):
            self._on_advertisement(packet)
        else:
            super().on_ll_advertising_pdu(packet)

    def _on_advertisement(self, packet: AdvertisementPdu) -> None:
        """Report, and connect where the host waits for this advertiser.

        Upstream reports every event as connectable, and every event twice, the second time with the advertising
        data in place of the scan response, whether the host scans actively or not.
        """
        if self.le_scan_enable:
            self._report(REPORT_TYPES[packet.kind], packet, packet.data)
            if self.le_scan_type == ACTIVE_SCANNING and packet.kind in ANSWERS_SCAN_REQUEST:
                self._report(Reports.EventType.SCAN_RSP, packet, packet.scan_response)
        pending = self.pending_le_connection
        if (
            pending is not None
            and pending.peer_address == packet.advertiser_address
            and packet.kind in ACCEPTS_CONNECTION
            and self.home.accepts(packet.advertiser_address)
        ):
            self.create_le_connection(packet.advertiser_address)

    def _report(self, event_type: Reports.EventType, packet: AdvertisementPdu, data: bytes) -> None:
        report = Reports.Report(
            event_type=event_type,
            address_type=packet.advertiser_address.address_type,
            address=packet.advertiser_address,
            data=data,
            rssi=packet.rssi_dbm,
        )
        self.send_hci_packet(Reports([report]))

    def on_hci_reset_command(self, _command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        """Forget everything (Core 5.4, Vol 4, Part E, 7.3.2). Upstream goes on scanning and stays connected."""
        self.le_legacy_advertiser.stop()
        self.le_scan_enable = False
        self.pending_le_connection = None
        self.lose_links()
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """End the wait for a connection and say so (Core 5.4, Vol 4, Part E, 7.8.13). Upstream does nothing."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        cancelled = hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=pending.peer_address.address_type,
            peer_address=pending.peer_address,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        # After the command has been answered, as the specification orders the two.
        asyncio.get_running_loop().call_soon(self.send_hci_packet, cancelled)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_read_remote_version_information_command(
        self, command: hci.HCI_Read_Remote_Version_Information_Command
    ) -> None:
        """Answer for the peer. Upstream knows classic connections only, and Linux waits for this one."""
        self._send_hci_command_status(hci.HCI_COMMAND_STATUS_PENDING, command.op_code)
        self.send_hci_packet(
            hci.HCI_Read_Remote_Version_Information_Complete_Event(
                status=hci.HCI_ErrorCode.SUCCESS,
                connection_handle=command.connection_handle,
                version=hci.HCI_VERSION_BLUETOOTH_CORE_5_0,
                manufacturer_name=0xFFFF,
                subversion=0,
            )
        )

    def on_le_disconnected(self, connection: Connection, reason: int) -> None:
        # Both ends may hang up in the same moment; the second news is no news.
        if self.le_connections.get(connection.peer_address) is connection:
            super().on_le_disconnected(connection, reason)

    def lose_links(self, reason: int = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR) -> None:
        """Back door: every link breaks; both ends see a supervision time-out."""
        for connection in list(self.le_connections.values()):
            peer = self.home.find_le_controller(connection.peer_address)
            other = None if peer is None else peer.le_connections.get(connection.self_address)
            self.on_le_disconnected(connection, reason)
            if peer is not None and other is not None:
                peer.on_le_disconnected(other, reason)

    def leave(self) -> None:
        """Back door: carry it out of range; links break, nothing is heard either way."""
        self.in_range = False
        self.lose_links()

    def return_(self) -> None:
        """Back door: carry it back."""
        self.in_range = True

    def remove(self) -> None:
        """Back door: take it off the air for good."""
        self.le_legacy_advertiser.stop()
        self.lose_links()
        self.home.remove(self)
