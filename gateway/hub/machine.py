"""What the hub runs on."""

from gateway.core.outbox import MOST_BUNDLE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.interfaces import (
        BleCentral,
        BleScanner,
        Clock,
        Crypto,
        Indicator,
        Journal,
        KeyStore,
        Network,
        SerialPorts,
        Uplink,
        Watchdog,
    )


class Machine:
    """What a wiring file injects; `scanner`, `central` and `ports` may be None where the home needs none.

    Two limits are for a machine that signs in portable Python: `most_bundle_bytes`, events of a bundle
    (`gateway.core.outbox.SMALL_BUNDLE_BYTES`), and `check_gap_ms`, in which one signature check may begin
    (`gateway.core.checks`); with 0 every message is checked as it comes. `reserve_bytes` is for one whose memory may run short
    (`gateway.hub.parts`).
    """

    def __init__(
        self,
        clock: "Clock",
        journal: "Journal",
        keystore: "KeyStore",
        crypto: "Crypto",
        uplinks: "list[Uplink]",
        network: "Network",
        indicator: "Indicator",
        watchdog: "Watchdog",
        scanner: "BleScanner | None" = None,
        central: "BleCentral | None" = None,
        ports: "SerialPorts | None" = None,
        most_bundle_bytes: int = MOST_BUNDLE_BYTES,
        check_gap_ms: int = 0,
        reserve_bytes: int = 0,
    ) -> None:
        self.clock = clock
        self.journal = journal
        self.keystore = keystore
        self.crypto = crypto
        self.uplinks = uplinks
        self.network = network
        self.indicator = indicator
        self.watchdog = watchdog
        self.scanner = scanner
        self.central = central
        self.ports = ports
        self.most_bundle_bytes = most_bundle_bytes
        self.check_gap_ms = check_gap_ms
        self.reserve_bytes = reserve_bytes
