"""A connector of ThingsBoard's gateway that costs next to nothing: a number in a datagram is an alarm."""

import contextlib
import socket
import threading
import time
from typing import Any


class BenchConnector:
    """The gateway's `Connector` by its methods; loaded by the gateway, from this folder, by name."""

    def __init__(self, gateway: Any, config: dict[str, Any], connector_type: str) -> None:
        self.gateway = gateway
        self.config = config
        self.type = connector_type
        self.name = "bench"
        self.stopped = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def open(self) -> None:
        """The gateway may open a second one of the same: the first serves."""
        with contextlib.suppress(OSError):
            self.socket.bind(("127.0.0.1", self.config["port"]))
            threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        """Each datagram as one telemetry entry."""
        while not self.stopped:
            number = int(self.socket.recv(64))
            entry = {"ts": time.time_ns() // 1_000_000, "n": number}
            event = {"deviceName": "Alarm", "deviceType": "default", "telemetry": [entry], "attributes": {}}
            self.gateway.send_to_storage(self.name, self.get_id(), event)

    def close(self) -> None:
        self.stopped = True

    def get_id(self) -> str:
        return str(self.config["id"])

    def get_name(self) -> str:
        return self.name

    def get_type(self) -> str:
        return self.type

    def get_config(self) -> dict[str, Any]:
        return self.config

    def is_connected(self) -> bool:
        return True

    def is_stopped(self) -> bool:
        return self.stopped

    def on_attributes_update(self, content: object) -> None:
        """The server says nothing here."""

    def server_side_rpc_handler(self, content: object) -> None:
        """Nor asks anything."""
