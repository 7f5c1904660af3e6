"""A scripted home around the simulated board: a door at night, a smoke detector, a pulse oximeter that streams."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from firmware.bench.wiring import Simulated
    from gateway.hub.pairing import Pairing
    from hal.sim.peripheral import SimPeripheral

GATEWAY, TENANT = "board-1", "oslo"
DOOR, SMOKE, OXIMETER = "C0:00:00:00:00:01", "C0:00:00:00:00:02", "C0:00:00:00:00:03"
NIGHT_UTC_MS = 1_795_309_800_000  # 2026-11-22 02:10 in Oslo
READINGS = 8
BETWEEN_READINGS_MS = 1_000

CONFIGURATION: "dict[str, Any]" = {
    "hub": {"id": GATEWAY, "tenant": TENANT, "language": "nb", "time_zone": "Europe/Oslo"},
    "uplink": {"brokers": ["mqtt://127.0.0.1:1883"]},
    "platform": {"root_public_key": "00" * 32},
    "device": [
        {"name": "Front door", "driver": "bthome", "address": DOOR, "room": "hall", "interval_s": 3600},
        {"name": "Smoke detector", "driver": "bthome", "address": SMOKE, "room": "kitchen"},
        {"name": "Oximeter", "driver": "plx", "address": OXIMETER, "room": "bedroom"},
    ],
    "rule": [{"type": "night_window", "device": "Front door", "from": "22:00", "to": "06:00"}],
}

# PLX features, continuous measurement, battery level, maker and model.
SERVED = {"2a60": bytes(2), "2a5f": b"", "2a19": b"\x5a", "2a29": b"Trygg", "2a24": b"Reference oximeter"}


def door(board: "Simulated", is_open: bool, packet: int) -> None:
    """The door's sensor broadcasts (BTHome v2: packet id, door)."""
    board.world.advertise(DOOR, {"fcd2": bytes([0x44, 0x00, packet, 0x1A, int(is_open)])})


def smoke(board: "Simulated", detected: bool, packet: int) -> None:
    """The smoke detector broadcasts (BTHome v2: packet id, smoke)."""
    board.world.advertise(SMOKE, {"fcd2": bytes([0x44, 0x00, packet, 0x29, int(detected)])})


def call(board: "Simulated", oximeter: "SimPeripheral") -> None:
    """The oximeter advertises while nobody is connected to it."""
    if not oximeter.connected:
        board.world.advertise(OXIMETER, service_uuids=("1822",))


async def play(board: "Simulated", pairing: "Pairing") -> None:
    """One minute: a technician pairs, somebody leaves and comes back, something burns, an oximeter is worn."""
    oximeter = board.peripheral(OXIMETER, dict(SERVED))
    pairing.open("Oximeter")
    call(board, oximeter)
    await board.clock.advance(5_000)
    door(board, True, 1)
    await board.clock.advance(5_000)
    smoke(board, True, 1)
    call(board, oximeter)
    await board.clock.advance(5_000)
    for number in range(READINGS):
        call(board, oximeter)
        oximeter.notify("2a5f", bytes([0x00, 97 - number % 3, 0x00, 70 + number, 0x00]))
        await board.clock.advance(BETWEEN_READINGS_MS)
    door(board, False, 2)
    smoke(board, False, 2)
    await board.clock.advance(60_000 - 15_000 - READINGS * BETWEEN_READINGS_MS)
