"""A broker in memory and the gateway's connection to it.

`SimBroker` is the other party and the back door: it keeps retained messages, matches subscriptions with `+` and
`#`, and acknowledges QoS 1 in the order of publishing. Whoever holds it makes the weather: brokers that go away,
that acknowledge and lose, that hold their acknowledgements back. `SimUplink` is what the hub sees, and serves a
simulated platform just as well. Sessions are clean (MQTT 3.1.1, 3.1.2.4): what was under way when a connection
ends is gone, and only retained messages are there after the next one.

    broker = SimBroker()
    hub, platform = SimUplink(broker, "hub-1"), SimUplink(broker, "platform")
    await platform.connect(["trygg/v1/+/+/up/#"])
    await hub.connect(["trygg/v1/t/hub-1/down/#"])
    await hub.publish("trygg/v1/t/hub-1/up/0", b"...")
    message = await platform.receive()

    broker.hold_pubacks(); broker.release_pubacks(1)
    broker.losing = True        # PUBACK, and nobody gets the message
    broker.drop_connections(); broker.stop(); broker.start()
"""

import asyncio

from hal.buffer import Buffer
from hal.errors import DeniedError, LinkLostError, TimedOutError, UnavailableError
from hal.types import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

QUEUED = (
    1000  # messages a broker holds for one slow subscriber before it drops the newest; Mosquitto's default
)


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a subscription takes a topic. Source: MQTT 3.1.1, 4.7."""
    wanted = topic_filter.split("/")
    given = topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for index in range(len(wanted)):
        if wanted[index] == "#":
            return True
        if index >= len(given) or wanted[index] not in ("+", given[index]):
            return False
    return len(wanted) == len(given)


class PendingPublish:
    """One PUBLISH that waits for its PUBACK, or for the end of its connection."""

    __slots__ = ("lost", "settled")

    def __init__(self) -> None:
        self.settled = asyncio.Event()
        self.lost = ""

    def acknowledge(self) -> None:
        self.settled.set()

    def lose(self, reason: str) -> None:
        self.lost = reason
        self.settled.set()


class Session:
    """What the broker knows of one connection."""

    def __init__(self, client_id: str, subscriptions: "list[str]") -> None:
        self.client_id = client_id
        self.subscriptions = subscriptions
        self.inbox = Buffer(QUEUED)
        self.pending: list[PendingPublish] = []
        self.dropped = 0

    @property
    def open(self) -> bool:
        return not self.inbox.ended

    def takes(self, topic: str) -> bool:
        return any(matches(topic_filter, topic) for topic_filter in self.subscriptions)

    def put(self, message: Message) -> None:
        if self.inbox.full:
            self.dropped += 1
        else:
            self.inbox.put(message)

    def end(self, reason: str) -> None:
        pending = self.pending
        self.pending = []
        for publish in pending:
            publish.lose(reason)
        self.inbox.end(reason)  # what has arrived is still handed out


class SimBroker:
    """An MQTT broker as its clients see it, and the hand that troubles it.

    accepted: every message it has taken, in order, lost ones too; tests read and clear it.
    losing: acknowledge, and neither deliver nor retain. repeating: deliver every message twice.
    silent: let connection attempts time out. denying: refuse them for this reason. cut_off: interfaces over which it
    is not reached; None among them is what the system routes.
    """

    def __init__(self) -> None:
        self.running = True
        self.losing = False
        self.repeating = False
        self.silent = False
        self.denying = ""
        self.cut_off: "set[str | None]" = set()
        self.accepted: list[Message] = []
        self.retained: dict[str, bytes] = {}
        self._holding = False
        self._sessions: list[Session] = []
        self._peers: list[tuple[str, Callable[[Message], None]]] = []

    # --- back door ------------------------------------------------------------------------------------------------

    def stop(self, *, forget: bool = False) -> None:
        """Go away: connections end, new ones are refused. With `forget` the retained messages are gone too."""
        self.running = False
        self.drop_connections("the broker went away")
        if forget:
            self.retained = {}

    def start(self) -> None:
        """Come back."""
        self.running = True

    def drop_connections(self, reason: str = "the connection was reset") -> None:
        """End every connection; the broker stays."""
        sessions = self._sessions
        self._sessions = []
        for session in sessions:
            session.end(reason)

    def hold_pubacks(self) -> None:
        """Take messages and deliver them, but acknowledge none until they are released."""
        self._holding = True

    def release_pubacks(self, count: "int | None" = None) -> int:
        """Acknowledge the oldest `count` of each connection, or all and hold no longer. Returns how many."""
        released = 0
        for session in self._sessions:
            due = len(session.pending) if count is None else min(count, len(session.pending))
            for publish in session.pending[:due]:
                publish.acknowledge()
            session.pending = session.pending[due:]
            released += due
        if count is None:
            self._holding = False
        return released

    def held_pubacks(self) -> int:
        """How many PUBLISH packets wait for their PUBACK."""
        return sum([len(session.pending) for session in self._sessions])

    def dropped(self) -> int:
        """How many messages were dropped for subscribers that did not take them in time."""
        return sum([session.dropped for session in self._sessions])

    def clients(self) -> "list[str]":
        """Client ids of the connections that stand, sorted."""
        return sorted([session.client_id for session in self._sessions])

    def subscribe(self, topic_filter: str, callback: "Callable[[Message], None]") -> None:
        """Call back at once for each message delivered on matching topics; it may publish in turn."""
        self._peers.append((topic_filter, callback))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish as another client would."""
        self._accept(Message(topic, payload, retain))

    def deliver(self, topic: str, payload: bytes, *, retained: bool = False) -> int:
        """Push one message to those subscribed with the flag as given, whatever is stored. Returns to how many.

        A stale retained receipt, or a stored state that poses as live, is one call of this.
        """
        taken = 0
        for session in self._sessions:
            if session.takes(topic):
                session.put(Message(topic, payload, retained))
                taken += 1
        return taken

    # --- front side -----------------------------------------------------------------------------------------------

    def reach(self, interface: "str | None") -> None:
        """The way to the broker. Raises UnavailableError, TimedOutError."""
        if interface in self.cut_off:
            raise UnavailableError("no route to the broker: check the network", "simulated path is cut")
        if not self.running:
            raise UnavailableError(
                "the broker refuses the connection: try again later", "simulated broker is stopped"
            )
        if self.silent:
            raise TimedOutError("the broker does not answer: try again later", "simulated broker is silent")

    def open_session(self, client_id: str, subscriptions: "list[str]") -> Session:
        """CONNECT and SUBSCRIBE. A second connection of a client id ends the first (MQTT 3.1.1, 3.1.4-2)."""
        if self.denying:
            raise DeniedError("the broker denies the connection: " + self.denying, "simulated broker denies")
        for session in list(self._sessions):
            if session.client_id == client_id:
                self.close_session(session, "another connection took over the client id " + client_id)
        opened = Session(client_id, subscriptions)
        self._sessions.append(opened)
        for topic in sorted(self.retained):
            if opened.takes(topic):
                opened.put(Message(topic, self.retained[topic], True))
        return opened

    def close_session(self, session: Session, reason: str) -> None:
        """DISCONNECT, or the end of the line."""
        if session in self._sessions:
            self._sessions.remove(session)
        session.end(reason)

    def take(self, session: Session, message: Message) -> PendingPublish:
        """PUBLISH with QoS 1: accept, deliver, acknowledge in order."""
        publish = PendingPublish()
        session.pending.append(publish)
        self._accept(message)
        if not self._holding and publish in session.pending:
            session.pending.remove(publish)
            publish.acknowledge()
        return publish

    def _accept(self, message: Message) -> None:
        self.accepted.append(message)
        if self.losing:
            return
        if message.retained:
            if message.payload:
                self.retained[message.topic] = message.payload
            else:
                self.retained.pop(message.topic, None)
        for _ in range(2 if self.repeating else 1):
            # To those already subscribed a message is live, retained or not (MQTT 3.1.1, 3.3.1-9).
            self.deliver(message.topic, message.payload)
            for topic_filter, callback in list(self._peers):
                if matches(topic_filter, message.topic):
                    callback(Message(message.topic, message.payload))


class SimUplink:
    """`Uplink` over a `SimBroker`."""

    def __init__(self, broker: SimBroker, client_id: str) -> None:
        self._broker = broker
        self._client_id = client_id
        self._session = Session(client_id, [])
        self._session.end("not connected: call connect()")

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection and it still stands."""
        return self._session.open

    async def connect(self, subscriptions: "Iterable[str]", *, interface: "str | None" = None) -> None:
        """Connect once, clean session, and subscribe; an own connection that still stands ends first."""
        await self.close()
        await asyncio.sleep(0)
        self._broker.reach(interface)
        self._session = self._broker.open_session(self._client_id, list(subscriptions))

    async def probe(self, *, interface: "str | None" = None) -> None:
        """Whether the broker could be reached."""
        await asyncio.sleep(0)
        self._broker.reach(interface)

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand over with QoS 1; returns on the broker's PUBACK."""
        if not self._session.open:
            raise LinkLostError("not connected to the broker: connect again")
        publish = self._broker.take(self._session, Message(topic, payload, retain))
        await asyncio.sleep(0)  # a PUBACK is never there in the same turn of the loop
        await publish.settled.wait()
        if publish.lost:
            raise LinkLostError("the connection ended before the broker acknowledged", publish.lost)

    async def receive(self) -> Message:
        """The next message, oldest first."""
        message: Message = await self._session.inbox.get()
        return message

    async def close(self) -> None:
        """End the connection; no error where it has already ended."""
        self._broker.close_session(self._session, "the connection was closed here")
