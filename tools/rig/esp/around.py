"""What stands in the home around the board; read on both interpreters."""

DOOR_NAME = "Front door"
DOOR, SMOKE, OXIMETER = "C0:00:00:00:00:01", "C0:00:00:00:00:02", "C0:00:00:00:00:03"
PORT = "/dev/ttyS1"
DEVICES = [
    {"name": DOOR_NAME, "driver": "bthome", "address": DOOR, "room": "hall", "interval_s": 3600},
    {"name": "Smoke detector", "driver": "bthome", "address": SMOKE, "room": "kitchen"},
    {"name": "Oximeter", "driver": "plx", "address": OXIMETER, "room": "bedroom"},
    {"name": "Dispenser", "driver": "dispenser", "port": PORT, "room": "kitchen"},
]
