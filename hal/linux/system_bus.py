"""The system's message bus: one connection, made when it is first needed, and calls of a service over it, with our errors."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError
from dbus_fast.service import ServiceInterface

from hal.errors import DeniedError, HalError, UnavailableError

BUS = "org.freedesktop.DBus"
PROPERTIES = "org.freedesktop.DBus.Properties"
ANSWER_S = 25.0  # as libdbus waits by default; dbus-fast would wait for ever
NO_BUS = "the system message bus cannot be reached: start it (sudo systemctl start dbus)"
DENIED = (
    "AccessDenied",
    "PermissionDenied",
    "NotAuthorized",
    "InteractiveAuthorizationRequired",
)
ABSENT = ("ServiceUnknown", "NameHasNoOwner", "UnknownObject", "UnknownMethod", "UnknownInterface")


class RefusedByServiceError(HalError):
    """The service answered with an error that says nothing about rights or its absence; `name` is D-Bus's."""

    def __init__(self, message: str, name: str, detail: str) -> None:
        super().__init__(message, detail)
        self.name = name


class BusConnection:
    """A connection to the system's message bus, made when it is first needed and again when the bus has gone."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._bus: MessageBus | None = None
        self._beginning: MessageBus | None = None  # connected, and not all is asked for that it needs
        self._connecting = asyncio.Lock()

    async def export(self, path: str, interface: ServiceInterface) -> None:
        """Offer an object of ours. Raises UnavailableError."""
        (await self.connected()).export(path, interface)

    def unexport(self, path: str) -> None:
        """Take it back; no error where the bus has gone."""
        if self._bus is not None and self._bus.connected:
            self._bus.unexport(path)

    async def close(self) -> None:
        """Hang up; no error where there is no connection."""
        buses, self._bus, self._beginning = (self._bus, self._beginning), None, None
        for bus in buses:
            if bus is not None and bus.connected:
                bus.disconnect()
                await cast(Any, bus).wait_for_disconnect()

    async def connected(self) -> MessageBus:
        """The connection. Raises UnavailableError."""
        async with self._connecting:  # two at once would leave one connection to nobody
            if self._bus is None or not self._bus.connected:
                self._bus = await self._connect()
            return self._bus

    async def _connect(self) -> MessageBus:
        """A new connection that has all it needs: one that hears nothing would be worse than none. Raises HalError."""
        bus = MessageBus(bus_address=self._address, bus_type=BusType.SYSTEM)
        try:
            try:
                self._beginning = await bus.connect()
            except (OSError, EOFError, DBusFastError) as error:
                raise UnavailableError(NO_BUS, repr(error)) from error
            await self.begin(bus)
        except BaseException:  # broken off, too
            if bus.connected:
                bus.disconnect()
            raise
        finally:
            self._beginning = None
        if not bus.connected:  # somebody has hung up meanwhile
            raise UnavailableError("the system message bus went away")
        return bus

    async def begin(self, bus: MessageBus) -> None:
        """What a new connection needs before anything else. Raises HalError."""

    async def match(self, bus: MessageBus, rule: str) -> Message:
        """Have signals come in that a rule matches. Raises UnavailableError."""
        try:
            return await self.exchange(bus, BUS, "/org/freedesktop/DBus", BUS, "AddMatch", "s", rule)
        except TimeoutError as error:
            raise UnavailableError("the system message bus does not answer: restart the machine") from error

    async def exchange(
        self,
        bus: MessageBus,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        *body: object,
    ) -> Message:
        """The reply to a call, an error one too. Raises TimeoutError, UnavailableError (the bus went away)."""
        message = Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        try:
            async with asyncio.timeout(ANSWER_S):
                reply = await bus.call(message)
        except TimeoutError:
            raise
        except (OSError, EOFError) as error:
            raise UnavailableError("the system message bus went away", repr(error)) from error
        assert reply is not None
        return reply


class SystemBus(BusConnection):
    """`service` is the well-known name that is called; `absent` what is said where nobody has it."""

    def __init__(self, service: str, absent: str, address: str | None = None) -> None:
        super().__init__(address)
        self._service = service
        self._absent = absent
        self._handlers: list[Callable[[Message], None]] = []

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", *body: object
    ) -> list[Any]:
        """The answer. Raises UnavailableError (no bus, no service, no object), DeniedError, RefusedByServiceError."""
        bus = await self.connected()
        try:
            reply = await self.exchange(bus, self._service, path, interface, member, signature, *body)
        except TimeoutError as error:
            raise UnavailableError(self._absent, member) from error
        return self._taken(reply)

    async def properties(self, path: str, interface: str) -> dict[str, Any]:
        """Every property of an interface, unpacked. Raises as `call`."""
        (found,) = await self.call(path, PROPERTIES, "GetAll", "s", interface)
        return {name: variant.value for name, variant in found.items()}

    async def listen(self, rule: str, handler: Callable[[Message], None]) -> None:
        """Have `handler` called with signals that a rule matches (and maybe with others). Raises as `call`."""
        bus = await self.connected()
        if handler not in self._handlers:
            self._handlers.append(handler)
            bus.add_message_handler(handler)
        self._taken(await self.match(bus, rule))

    async def begin(self, bus: MessageBus) -> None:
        """Nobody listens on a new one yet."""
        self._handlers.clear()

    async def close(self) -> None:
        """Hang up; no error where there is no connection."""
        self._handlers.clear()
        await super().close()

    def _taken(self, reply: Message) -> list[Any]:
        """What a reply holds. Raises UnavailableError, DeniedError, RefusedByServiceError."""
        if reply.message_type != MessageType.ERROR:
            return list(reply.body)
        name = reply.error_name or ""
        last = name.rpartition(".")[2]
        detail = f"{name}: {reply.body[0] if reply.body else ''}"
        if last in DENIED:
            raise DeniedError("the system does not allow this user to do it: run it as root", detail)
        if last in ABSENT:
            raise UnavailableError(self._absent, detail)
        raise RefusedByServiceError("the system refused", name, detail)
