"""Who is near: advertisers, senders of telegrams and serial ports, for a person who looks for a device to add.

Strangers are heard only while somebody looks (`LOOK_MS` after each question), take no room from the home's own devices
(`hal.receptions`), and the weakest go first where there are many.
"""

from gateway.core.devices.registry import driver, driver_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.devices.enocean_telegram import Telegram
    from gateway.hub.devices import Device
    from hal.types import Advertisement

LOOK_MS = 90_000
GONE_MS = 60_000  # who has not been heard for so long is near no more
LIMIT = 48
NAME_LIMIT = 40  # characters of a name that a stranger gives itself
BTHOME = "fcd2"


class Near:
    """Somebody who was heard."""

    __slots__ = ("address", "driver", "heard_ms", "label", "rssi_dbm", "transport")

    def __init__(self, address: str, transport: str) -> None:
        self.address = address
        self.transport = transport
        self.driver = ""
        self.label = ""
        self.rssi_dbm: "int | None" = None
        self.heard_ms = 0


class Nearby:
    """`ports` lists the machine's serial ports as (name, label)."""

    def __init__(self, devices: "list[Device]", ports: "Callable[[], list[tuple[str, str]]]") -> None:
        self.devices = devices
        self.ports = ports
        self.until_ms = -1
        self.heard: "dict[str, Near]" = {}
        self.services: "dict[str, str] | None" = None

    def is_looking(self, now_ms: int) -> bool:
        """Whether somebody looks."""
        return now_ms < self.until_ms

    def advertised(self, advertisement: "Advertisement") -> None:
        """Somebody advertises."""
        if advertisement.received_ms >= self.until_ms:
            return
        near = self.of(advertisement.address, "ble-gatt", advertisement.rssi_dbm)
        if near is None:
            return
        if BTHOME in advertisement.service_data:
            near.transport, near.driver = "ble-adv", "bthome"
        for uuid in advertisement.service_uuids:
            near.driver = self.of_service().get(uuid, near.driver)
        near.label = advertisement.name[:NAME_LIMIT] if advertisement.name else near.label
        near.rssi_dbm, near.heard_ms = advertisement.rssi_dbm, advertisement.received_ms

    def telegram(self, telegram: "Telegram", now_ms: int) -> None:
        """Somebody has sent a telegram."""
        near = self.of(telegram.sender, "enocean", telegram.rssi_dbm) if now_ms < self.until_ms else None
        if near is not None:
            near.driver, near.rssi_dbm, near.heard_ms = "enocean", telegram.rssi_dbm, now_ms

    def of(self, address: str, transport: str, rssi_dbm: "int | None") -> "Near | None":
        """The row of an address; None where there is no room for one so weak."""
        near = self.heard.get(address)
        if near is None:
            if len(self.heard) >= LIMIT:
                weakest = min(self.heard.values(), key=strength)
                if strength(weakest) >= (-999 if rssi_dbm is None else rssi_dbm):
                    return None
                del self.heard[weakest.address]
            near = self.heard[address] = Near(address, transport)
        return near

    def of_service(self) -> "dict[str, str]":
        """Driver by the service that its devices offer."""
        if self.services is None:
            kinds = [driver(name) for name in driver_names()]
            self.services = {
                getattr(kind, "service", ""): kind.name for kind in kinds if kind.transport == "ble-gatt"
            }
        return self.services

    def rows(self, now_ms: int) -> "list[dict[str, object]]":
        """Everybody, the strongest first, then the serial ports."""
        for address in [near.address for near in self.heard.values() if now_ms - near.heard_ms > GONE_MS]:
            del self.heard[address]
        known = {(each.config.address or each.config.sender or each.config.port) for each in self.devices}
        found: "list[dict[str, object]]" = []
        for near in sorted(self.heard.values(), key=strength, reverse=True):
            where = "sender" if near.transport == "enocean" else "address"
            found.append(
                {
                    where: near.address,
                    "transport": near.transport,
                    "driver": near.driver,
                    "label": near.label,
                    "rssi_dbm": near.rssi_dbm,
                    "is_known": near.address in known,
                }
            )
        for port, label in self.ports()[:LIMIT]:
            row: "dict[str, object]" = {"port": port, "transport": "serial", "driver": "", "label": label}
            row["rssi_dbm"], row["is_known"] = None, port in known
            found.append(row)
        return found


def strength(near: Near) -> int:
    """How strongly it was heard; whoever does not say comes last."""
    return -999 if near.rssi_dbm is None else near.rssi_dbm
