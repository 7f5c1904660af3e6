"""The cheapest MQTT client there is, to feed a broker: `python -m tools.bench.peers.publisher FOLDER PORT`."""

import socket
import sys
from pathlib import Path

from tools.bench.peers import frames
from tools.bench.peers.events import payload
from tools.bench.peers.worker import Commands, alarming, serve, taking

TOPIC = "t"
READ = 65536
MIDS = 65535


class Publisher:
    """Accepted: the broker's PUBACK is here."""

    def __init__(self, folder: Path) -> None:
        self.socket = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(frames.connect("bench-publisher"))
        self.socket.recv(READ)
        self.buffer = b""

    def offer(self, numbers: range, size: int, window: int) -> None:
        """PUBACKs come in the order of the PUBLISHes."""
        waiting, batch = 0, bytearray()
        for number in numbers:
            batch += frames.publish(TOPIC, payload(number, size), mid=number % MIDS + 1)
            waiting += 1
            if waiting == window:
                self.socket.sendall(batch)
                batch.clear()
                waiting -= self._acknowledged()
        self.socket.sendall(batch)
        while waiting:
            waiting -= self._acknowledged()

    def _acknowledged(self) -> int:
        """How many PUBACKs of 4 bytes have come; at least one."""
        count = 0
        while not count:
            data = self.socket.recv(READ)
            if not data:
                raise ConnectionResetError("the broker is gone")
            self.buffer += data
            count = len(self.buffer) // 4
            self.buffer = self.buffer[4 * count :]
        return count

    def settle(self) -> bool:
        return False

    def alarm(self, number: int) -> None:
        self.offer(range(number, number + 1), 200, 1)


def commands(folder: Path) -> Commands:
    """The broker holds the events and has the bridge."""
    publisher = Publisher(folder)
    return {**taking(publisher), **alarming(publisher)}


if __name__ == "__main__":
    serve(commands)
