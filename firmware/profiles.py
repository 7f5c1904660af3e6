"""Boards: what is where. A profile names pins and sizes; what each can do is in docs/firmware.md."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Profile:
    """A board. Pins are GPIO numbers, None where the board has no such thing.

    uarts: name => (number, transmit, receive, pin that is low while a cable is plugged in). has_radio: whether Bluetooth may run
    beside Wi-Fi and TLS. advertisements: how many wait for the hub. bluetooth_kib: nothing of ours, for docs.
    """

    def __init__(
        self,
        name: str,
        lamp: "int | None",
        button: "int | None",
        mains: "int | None",
        battery: "int | None",
        uarts: "dict[str, tuple[int, int, int, int | None]]",
        has_radio: bool = True,
        advertisements: int = 256,
        threshold: int = 4096,
    ) -> None:
        self.name = name
        self.lamp, self.button, self.mains, self.battery = lamp, button, mains, battery
        self.uarts = uarts
        self.has_radio = has_radio
        self.advertisements = advertisements
        self.threshold = threshold


def profile(name: str) -> Profile:
    """The board of that name. Raises KeyError."""
    return PROFILES[name]


UARTS_S3: "dict[str, Any]" = {"uart1": (1, 17, 18, 8), "uart2": (2, 15, 16, 7)}
# ESP32-S3-WROOM-1 N16R8 and the like: 16 MiB of flash, 8 MiB of PSRAM (its pins 33 to 37 belong to the PSRAM). The one aimed at.
S3 = Profile("esp32-s3", lamp=4, button=0, mains=5, battery=1, uarts=UARTS_S3)
# No PSRAM: few sensors, no second UART. For training.
C3 = Profile(
    "esp32-c3", lamp=8, button=9, mains=5, battery=0, uarts={"uart1": (1, 6, 7, 10)}, advertisements=32
)
# Bluetooth, Wi-Fi and TLS together run it out of memory: serial devices alone.
CLASSIC = Profile(
    "esp32",
    lamp=2,
    button=0,
    mains=34,
    battery=35,
    uarts={"uart1": (1, 25, 26, 27), "uart2": (2, 17, 16, 4)},
    has_radio=False,
)
PROFILES = {each.name: each for each in (S3, C3, CLASSIC)}
