"""The line of the EnOcean transceiver: one port, and a device in use for each sender that it hears."""

from gateway.core.devices.enocean_transceiver import Transceiver
from gateway.hub.lines import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.devices.driver import Reading, TelegramDriver
    from gateway.core.devices.enocean_telegram import Telegram
    from gateway.hub.devices import Device
    from gateway.hub.intake import Intake
    from hal.interfaces import Clock, SerialPort, SerialPorts


def line_of(
    url: "str | None",
    devices: "list[Device]",
    ports: "SerialPorts | None",
    intake: "Intake",
    clock: "Clock",
    random16: "Callable[[], int]",
) -> "TelegramLine | None":
    """The line of the transceiver at `url`, where the home has one and the machine has ports."""
    if ports is None or url is None:
        return None
    senders = [device for device in devices if device.config.sender is not None]
    return TelegramLine(url, senders, ports, intake, clock, random16)


def telegrams_in(data: bytes) -> "list[Telegram]":
    """Every telegram of bytes that a transceiver said."""
    transceiver = Transceiver()
    transceiver.received(data, 0, None)
    return transceiver.heard_telegrams


class TelegramLine(Line):
    """What is said of the line is said of the hub: its placement is 0.

    heard_ever: telegrams of anybody. strangers: those of senders that no device has; a neighbour's are among them.
    `teaching` hears every telegram, while somebody teaches a device in; so do `hearers`.
    """

    name = "enocean"

    def __init__(
        self,
        url: str,
        devices: "list[Device]",
        ports: "SerialPorts",
        intake: "Intake",
        clock: "Clock",
        random16: "Callable[[], int]",
    ) -> None:
        self.transceiver = Transceiver()
        self.by_sender = {device.config.sender: device for device in devices}
        self.teaching: "Callable[[Telegram, int], None] | None" = None
        self.hearers: "list[Callable[[Telegram, int], None]]" = []
        self.heard_ever = 0
        self.strangers = 0
        self.shown = ""
        self.before: "bytes | None" = None  # of a packet, which stood before the pieces that are being taken
        self.pieces = 0  # of the inbox that are being taken
        self.batch: "list[Telegram] | None" = None  # what they became
        self.taken = 0  # of the batch
        self.begin(self.transceiver, url, ports, intake, clock, random16)

    async def serve(self, port: "SerialPort") -> None:
        """As every line. What a fault left in hand is not taken for what comes now."""
        self.before, self.batch, self.pieces = None, None, 0
        await super().serve(port)

    def link(self) -> str:
        """What is shown of the line."""
        return self.shown

    def keep_link(self, link: str) -> None:
        """Show it at each device: they are reached by this line."""
        self.shown = link
        for device in self.by_sender.values():
            device.link = link

    def take_pieces(self) -> bytes:
        """What came in. A telegram is said once: its bytes stay in the inbox until it is taken."""
        self.before, self.pieces = bytes(self.transceiver.scanner.held), len(self.inbox)
        return b"".join(self.inbox)

    def let_go(self) -> None:
        """All that was in hand is taken. Nothing of this takes memory."""
        while self.pieces:
            self.inbox.pop(0)
            self.pieces -= 1
        self.before = None
        self.batch = None

    def unread(self) -> "list[Telegram]":
        """Telegrams that came and are not taken to the end."""
        held = bytes(self.transceiver.scanner.held)
        if self.batch is not None:
            return self.batch[self.taken :] + telegrams_in(held + b"".join(self.inbox[self.pieces :]))
        return telegrams_in((held if self.before is None else self.before) + b"".join(self.inbox))

    async def answer(self, port: "SerialPort", reading: "Reading", came: bool) -> None:
        """Hand each telegram to the device of its sender, then ask what the transceiver is to be asked.

        What finds no room in the store waits beside this loop: an alarm may come next.
        """
        self.taken = 0
        self.batch = self.transceiver.heard_telegrams  # now that is in hand, and no more the pieces
        for telegram in self.batch:
            await self.hear(telegram)
            self.taken += 1
        self.let_go()
        for data in reading.send:
            await port.write(data)

    async def hear(self, telegram: "Telegram") -> None:
        """One telegram."""
        now_ms = self.clock.uptime_ms()
        self.heard_ever += 1
        if self.teaching is not None:
            self.teaching(telegram, now_ms)
        for hear in self.hearers:
            hear(telegram, now_ms)
        device = self.by_sender.get(telegram.sender)
        if device is None:
            self.strangers += 1
            return
        driver: "TelegramDriver" = device.driver  # type: ignore[assignment]
        reading = driver.heard(telegram, now_ms)
        await self.intake.take(device, reading, now_ms, wait=False, frame=telegram)
        if telegram.rssi_dbm is not None:
            await self.intake.received(device, telegram.rssi_dbm, now_ms)
