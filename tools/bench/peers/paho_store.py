"""paho's own queue in a process of its own; it uses no file.

`python -m tools.bench.peers.paho_store FOLDER [CA CERTIFICATE KEY]`
"""

import sys
import time
import warnings
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from tools.bench.peers.events import number_of, payload
from tools.bench.peers.worker import Commands, alarming, holding, sending, serve, taking

INFLIGHT = 100  # the quickest of 1, 20, 100 and 1,000 where it was measured
TOPIC = "t"
LOOK_S = 0.001


class PahoStore:
    """Accepted: `publish` has put it into the client's queue."""

    def __init__(self, folder: Path) -> None:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, "bench", clean_session=False)
        self.client.max_queued_messages_set(0)
        self.client.max_inflight_messages_set(INFLIGHT)
        self.client.reconnect_delay_set(1, 1)
        if sys.argv[2:]:
            authority, certificate, key = sys.argv[2:]
            self.client.tls_set(authority, certificate, key)

    def _publish(self, event: bytes) -> None:
        info = self.client.publish(TOPIC, event, qos=1)
        if info.rc not in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}:
            raise RuntimeError(f"not accepted: {info.rc}")

    def offer(self, numbers: range, size: int, window: int) -> None:
        for number in numbers:
            self._publish(payload(number, size))

    def settle(self) -> bool:
        return False

    def held(self) -> list[int]:
        queue = self.client._out_messages
        return [number_of(bytes(message.payload)) for message in queue.values()]

    def forget(self) -> None:
        self.client._out_messages.clear()

    def alarm(self, number: int) -> None:
        self._publish(payload(number))

    def open(self, port: int) -> None:
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        while not self.client.is_connected():
            time.sleep(LOOK_S)


def commands(folder: Path) -> Commands:
    """It holds the events, raises alarms among them and connects by itself."""
    store = PahoStore(folder)
    return {**taking(store), **holding(store), **alarming(store), **sending(store)}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(commands)
