"""Sensors of a long life, that speak when told to: every lane has its own, and none says the same thing twice."""

import random
from typing import Any

from hal.sim.peripheral import SimPeripheral
from hal.sim.world import World

DOORS, SMOKES, CLIMATES, LIDS = 4, 3, 3, 2
OXIMETER = "C0:00:00:00:09:01"
PLAIN = 0x40
PACKET, TEMPERATURE, BATTERY, TAMPER, DOOR, SMOKE = 0x00, 0x02, 0x01, 0x2B, 0x1A, 0x29


def address(kind: int, number: int) -> str:
    """An address of that kind of sensor."""
    return f"C0:00:00:00:{kind:02X}:{number:02X}"


class Sensors:
    """`devices` and `rules` are their part of a configuration."""

    def __init__(self, world: World, numbers: random.Random) -> None:
        self.world, self.random = world, numbers
        self.packets: dict[str, int] = {}
        self.states: dict[str, bool] = {}
        self.stamp = 0
        self.spoken = 0
        self.by_kind = [
            [address(DOOR, number) for number in range(DOORS)],
            [address(SMOKE, number) for number in range(SMOKES)],
            [address(TEMPERATURE, number) for number in range(CLIMATES)],
            [address(TAMPER, number) for number in range(LIDS)],
        ]
        self.oximeter = SimPeripheral(OXIMETER, {"2a60": bytes(2), "2a5f": b"", "2a5e": b""}, secure=True)
        world.add_peripheral(self.oximeter)
        names = [name for kind in self.by_kind for name in kind]
        self.devices: list[dict[str, Any]] = [
            {"name": name, "driver": "bthome", "address": name, "interval_s": 3600} for name in names
        ]
        self.devices.append({"name": "Oximeter", "driver": "plx", "address": OXIMETER})
        self.rules = [
            {"type": "night_window", "device": name, "from": "22:00", "to": "06:00"}
            for name in self.by_kind[0]
        ]

    def speak(self) -> None:
        """One frame of one of them."""
        self.spoken += 1
        choice = self.random.randrange(100)
        if choice < 45:
            self.measure()
        elif choice < 65:
            self.toggle(DOOR, self.random.choice(self.by_kind[0]))
        elif choice < 75:
            self.toggle(SMOKE, self.random.choice(self.by_kind[1]))
        elif choice < 95:
            temperature = self.random.randrange(1_000, 3_000).to_bytes(2, "little")
            self.frame(self.random.choice(self.by_kind[2]), bytes([TEMPERATURE]) + temperature)
        else:
            self.toggle(TAMPER, self.random.choice(self.by_kind[3]))

    def speak_often(self, count: int) -> None:
        """So many frames."""
        for _ in range(count):
            self.speak()

    def toggle_door(self) -> None:
        """One door, alone."""
        self.toggle(DOOR, self.by_kind[0][0])

    def toggle(self, kind: int, name: str) -> None:
        """A two-state sensor changes."""
        state = self.states[name] = not self.states.get(name, False)
        self.frame(name, bytes([kind, state]))

    def frame(self, name: str, objects: bytes) -> None:
        """A BTHome frame with its packet number."""
        packet = self.packets[name] = (self.packets.get(name, 0) + 1) % 256
        self.world.advertise(name, {"fcd2": bytes([PLAIN, PACKET, packet]) + objects})

    def measure(self) -> None:
        """The oximeter streams, or sends a stored record; at times the same record again."""
        if not self.oximeter.connected:
            self.world.advertise(OXIMETER, service_uuids=("1822",))
        spo2, pulse = self.random.randrange(85, 100), self.random.randrange(50, 120)
        values = spo2.to_bytes(2, "little") + pulse.to_bytes(2, "little")
        if self.random.randrange(10):
            self.oximeter.notify("2a5f", b"\x00" + values)
            return
        if self.random.randrange(5):
            self.stamp += 1
            hour, minute, second = self.stamp // 3600 % 24, self.stamp // 60 % 60, self.stamp % 60
            stamp = (2026 + self.stamp // 86_400).to_bytes(2, "little") + bytes(
                [11, 22, hour, minute, second]
            )
            self.record = b"\x01" + values + stamp
        if self.stamp:
            self.oximeter.notify("2a5e", self.record)
