"""What MicroPython gives a board, as one object: the wiring asks it, and tests give another.

Nothing here decides anything. It is the only module that imports the drivers of the port, and it has not run on a board.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def reset() -> None:
    """Start the board anew; needs no driver but this one."""
    import machine

    machine.reset()


class Natives:
    """The drivers of an ESP32. Made when it is needed: the modules are not there elsewhere."""

    def __init__(self) -> None:
        import bluetooth
        import esp32
        import machine
        import network

        self._machine: "Any" = machine
        self._bluetooth: "Any" = bluetooth
        self._esp32: "Any" = esp32
        self._network: "Any" = network
        self.rising_and_falling = machine.Pin.IRQ_RISING | machine.Pin.IRQ_FALLING
        self.received: int = self._machine.UART.IRQ_RX | self._machine.UART.IRQ_RXIDLE

    def is_by_power(self) -> bool:
        """Whether this start came of power that was switched on, or dipped; False where the port does not say.

        Ports that name a dip a watchdog's reset, as older ones do, have it counted as such.
        """
        cause = getattr(self._machine, "reset_cause", None)
        return cause is not None and cause() == self._machine.PWRON_RESET

    def flag(self) -> "Any":
        """What an interrupt raises."""
        import asyncio

        return asyncio.ThreadSafeFlag()

    def nvs(self, namespace: str) -> "Any":
        return self._esp32.NVS(namespace)

    def partition(self, name: str) -> "Any":
        """The data partition of that name; None where the table has none."""
        found = self._esp32.Partition.find(self._esp32.Partition.TYPE_DATA, label=name)
        return found[0] if found else None

    def running(self) -> "Any":
        """What confirms the image that runs."""
        return self._esp32.Partition

    def bluetooth(self) -> "Any":
        return self._bluetooth.BLE()

    def uuid(self, text: str) -> "Any":
        """Four hex digits, or all of it."""
        return self._bluetooth.UUID(int(text, 16) if len(text) == 4 else text)

    def console(self) -> "Any":
        return Console()

    def wlan(self) -> "Any":
        return self._network.WLAN(self._network.STA_IF)

    def watchdog(self) -> "Any":
        return self._machine.WDT

    def output(self, pin: int) -> "Any":
        return self._machine.Pin(pin, self._machine.Pin.OUT)

    def input(self, pin: int) -> "Any":
        """Pulled up; its interrupt comes at both edges."""
        return EdgePin(
            self._machine.Pin(pin, self._machine.Pin.IN, self._machine.Pin.PULL_UP), self.rising_and_falling
        )

    def adc(self, pin: int) -> "Any":
        return self._machine.ADC(self._machine.Pin(pin), atten=self._machine.ADC.ATTN_11DB)

    def uart(self, number: int, transmit: int, receive: int, **how: "Any") -> "Any":
        return self._machine.UART(number, tx=transmit, rx=receive, **how)

    def set_wall(self, utc_ms: int) -> None:
        """The machine's own time of day, by which TLS judges certificates; a board counts from 2000 (RTC: year, ..., weekday)."""
        import time

        now: "Any" = time.gmtime(utc_ms // 1000 - 946_684_800)
        self._machine.RTC().datetime((now[0], now[1], now[2], now[6], now[3], now[4], now[5], 0))


class Console:
    """The board's console, USB or UART0, as a line of bytes."""

    def __init__(self) -> None:
        import asyncio
        import select
        import sys

        import micropython

        self._in: "Any" = sys.stdin.buffer
        self._out: "Any" = sys.stdout.buffer
        self._stream = asyncio.StreamReader(self._in)
        self._poll = select.poll()
        self._poll.register(self._in, select.POLLIN)
        self._on_interrupt: "Any" = micropython.kbd_intr

    def interrupts(self, wanted: bool) -> None:
        """Whether the byte 3 ends what runs."""
        self._on_interrupt(3 if wanted else -1)

    async def read(self) -> bytes:
        """What is there; nothing at the end. One byte at a time: a read of more would block until they all are there."""
        data = bytearray(await self._stream.read(1))
        while data and len(data) < 512 and self._poll.poll(0):
            data.extend(self._in.read(1))
        return bytes(data)

    def write(self, data: bytes) -> None:
        """All of it."""
        self._out.write(data)

    def close(self) -> None:
        """The console is as it was."""
        self._poll.unregister(self._in)


class EdgePin:
    """An input whose interrupt comes at both edges."""

    def __init__(self, pin: "Any", edges: int) -> None:
        self._pin = pin
        self._edges = edges

    def value(self) -> int:
        return int(self._pin.value())

    def irq(self, handler: "Any") -> None:
        self._pin.irq(handler, self._edges)
