"""The air of a virtual home: Bumble's link layer bus, with what upstream gets wrong mended.

Each mend says what the radio does otherwise. Delivery is first in, first out on the event loop: one round of the
loop carries one packet from antenna to antenna, and nothing is lost unless somebody is out of range.
"""

import asyncio
from typing import Any

from bumble import core, hci, ll
from bumble.controller import Controller
from bumble.link import LocalLink


class HomeLink(LocalLink):
    """One home's air. Controllers join by being made with `link=`; `remove` takes one off the air for good."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def in_range(self, controller: Controller) -> bool:
        """Whether what `controller` sends is heard, and the other way round."""
        return getattr(controller, "in_range", True)

    def remove(self, controller: Controller) -> None:
        """Take `controller` off the air; no error where it is gone."""
        self.controllers.discard(controller)

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: core.PhysicalTransport,
        data: bytes,
    ) -> None:
        """Carry one packet of a connection.

        Upstream names the sender by its random address always, so that a central that connected with its public
        address (as BlueZ does) is never recognised; the address is that of the connection.
        """
        if transport != core.PhysicalTransport.LE:
            super().send_acl_data(sender_controller, destination_address, transport, data)
            return
        connection = sender_controller.le_connections.get(destination_address)
        receiver = self._peer(sender_controller, destination_address)
        if connection is not None and receiver is not None:
            source = connection.self_address
            asyncio.get_running_loop().call_soon(receiver.on_link_acl_data, source, transport, data)

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        """Carry one packet of the advertising channels to all who listen.

        Upstream wakes every controller for every packet; here only those that scan or wait to connect. A request
        to connect goes straight to its advertiser, because on the air only the first one is taken: upstream lets
        two centrals believe that they are connected to the same peripheral.
        """
        if not self.in_range(sender_controller):
            return
        if isinstance(packet, ll.ConnectInd):
            advertiser = self.find_le_controller(packet.advertiser_address)
            if advertiser is not None:
                advertiser.on_ll_advertising_pdu(packet)
            return
        loop = asyncio.get_running_loop()
        for controller in self.controllers:
            if controller is not sender_controller and self.in_range(controller) and _listens(controller):
                loop.call_soon(controller.on_ll_advertising_pdu, packet)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """Carry one control packet; where nobody is there it is lost, as on the air (upstream raises)."""
        sender = self.find_le_controller(sender_address)
        receiver = self.find_le_controller(receiver_address)
        if sender is None or receiver is None or not (self.in_range(sender) and self.in_range(receiver)):
            return
        if sender_address in receiver.le_connections:
            asyncio.get_running_loop().call_soon(receiver.on_ll_control_pdu, sender_address, packet)

    def accepts(self, address: hci.Address) -> bool:
        """Whether somebody in range advertises connectably under `address` at this moment."""
        for controller in self.controllers:
            advertiser = controller.le_legacy_advertiser
            if advertiser.enabled and advertiser.address == address and self.in_range(controller):
                return True
        return False

    def _peer(self, sender: Controller, address: hci.Address) -> Controller | None:
        receiver = self.find_le_controller(address)
        if receiver is None or not (self.in_range(sender) and self.in_range(receiver)):
            return None
        return receiver


def _listens(controller: Any) -> bool:
    return bool(controller.le_scan_enable or controller.pending_le_connection)
