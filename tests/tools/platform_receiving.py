"""The platform's receiver in the hands of a test: time stands, and what leaves it is kept."""

from gateway.core import wire
from tests.tools.platform_parties import Signer as SimSigner
from tests.tools.platform_parties import SimGateway, ed25519_verify
from tools.kit.keys import make_keyset
from tools.platform.books import Fault, Verified
from tools.platform.parties import Keys, Signer
from tools.platform.receiver import Receiver
from tools.platform.store import Store


class Platform:
    """A receiver whose time stands until told otherwise, and everything that left it."""

    def __init__(self, path: str, keys: Keys, *, read_all: bool = True) -> None:
        self.clock_ms = 10_000
        self.root, self.receipt_key = SimSigner(), SimSigner()
        self.published: list[tuple[str, bytes]] = []
        self.events: list[Verified] = []
        self.faults: list[Fault] = []
        self.store = Store(path)
        keyset = make_keyset(
            "city", self.root.private, self.receipt_key.public_key, version=1, not_after=2**40
        )
        self.receiver = Receiver(
            store=self.store,
            keys=keys,
            keysets={"city": keyset},
            signer=Signer(self.receipt_key.private),
            time=self,
            publish=lambda topic, payload: self.published.append((topic, payload)),
            on_events=self.events.extend,
            on_fault=self.faults.append,
            read_all=read_all,
        )

    def now_ms(self) -> int:
        return self.clock_ms

    def utc_ms(self) -> int:
        return 1_750_000_000_000 + self.clock_ms

    def wait(self, duration_ms: int) -> None:
        """Let time pass; the receiver looks whenever it said it wants to."""
        end_ms = self.clock_ms + duration_ms
        while self.clock_ms < end_ms:
            self.clock_ms = min(end_ms, self.clock_ms + max(1, self.receiver.settle()))
        self.receiver.settle()

    def send(self, gateway: SimGateway, first: int, last: int, lane: int = 3) -> None:
        self.receiver.handle(gateway.topic("bundle", lane), gateway.bundle(first, last, lane))

    def receipts(self) -> list[dict[int, tuple[int, bytes]]]:
        """Lanes of every receipt published so far, each verified."""
        found = []
        for topic, payload in self.published:
            if wire.parse_topic(topic).sort == "receipt":
                parsed = wire.parse("receipt", payload)
                wire.check_topic(parsed, wire.parse_topic(topic))
                wire.verify(parsed, self.receipt_key.public_key, ed25519_verify)
                found.append(parsed.fields["lanes"])
        return found  # type: ignore[return-value]

    def marks(self, lane: int = 3) -> list[int]:
        return [lanes[lane][0] for lanes in self.receipts()]

    def causes(self) -> list[str]:
        return [fault.cause for fault in self.faults]
