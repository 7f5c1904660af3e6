"""A client backend for bleak on a `BumbleAdapter`.

Where BlueZ would name an error, this backend uses the same name, so that whoever reads bleak's errors reads both.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
    BleakGATTProtocolError,
)
from bumble import att, core, hci
from bumble.device import Connection, Peer

from hal.bumble.advertising import Report, is_connectable
from hal.bumble.gatt import collect
from hal.errors import UnavailableError

if TYPE_CHECKING:
    from hal.bumble.adapter import BumbleAdapter

Result = TypeVar("Result")

OUR_MTU = 517  # the largest that an attribute value can use (Core 5.4, Vol 3, Part F, 3.2.9)
REFUSED = "org.bluez.Error.AuthenticationFailed"
NOBODY_ANSWERS = "org.bluez.Error.AuthenticationRejected"


class BumbleClient(BaseBleakClient):
    """One peripheral. `BumbleAdapter` makes a subclass that knows its adapter."""

    adapter: ClassVar["BumbleAdapter"]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        services: set[str] | None = None,
        **_kwargs: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        self._wanted_services = services
        self._connection: Connection | None = None
        self._peer: Peer | None = None
        self._subscribers: dict[int, Callable[[bytes], None]] = {}

    # --- the connection --------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The address with dashes, as bleak does where there is no name."""
        return self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """Size of the largest ATT packet."""
        return self._connection.att_mtu if self._connection is not None else att.ATT_DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        """Whether the link stands."""
        return self._connection is not None

    async def connect(self, pair: bool, **_kwargs: Any) -> None:
        """Wait until the peripheral is heard, connect, encrypt where there is a bond, and discover."""
        if self._connection is not None:
            raise BleakError("Client is already connected")
        async with asyncio.timeout(self._timeout):
            connection = await self._reach()
            self._connection = connection
            connection.once(Connection.EVENT_DISCONNECTION, self._on_disconnection)
            try:
                if self.adapter.has_keys(connection):
                    await self._encrypt(connection)
                elif pair:
                    await self.pair()
                await self._discover(connection)
            except BaseException:
                await self.disconnect()
                raise

    async def disconnect(self) -> None:
        """End the link; no error where it has ended."""
        connection = self._connection
        if connection is not None:
            with suppress(core.BaseBumbleError, hci.HCI_Error, asyncio.CancelledError):
                await connection.disconnect()
            self._on_disconnection(0)

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        """Pair, where there is no bond yet and the adapter has been told what to answer."""
        connection = self._linked()
        if self.adapter.has_keys(connection):
            return
        if not self.adapter.has_answer(connection):
            raise BleakDBusError(NOBODY_ANSWERS, ["nobody answers for pairing"])
        with native_errors():
            await connection.pair()

    async def unpair(self) -> None:
        """Delete the bond and end the link."""
        await self.adapter.forget(self.address)
        await self.disconnect()

    async def _reach(self) -> Connection:
        while True:
            address = await self._find()
            try:
                with native_errors():
                    return await self.adapter.dial(address)
            except TimeoutError:
                continue  # it went away after it was heard; the caller's time decides how often

    async def _find(self) -> hci.Address:
        """The peripheral's address with its type, as soon as it advertises that one can connect."""
        ear = Ear(self.address)
        try:
            with native_errors():
                await self.adapter.listen(ear)
            return await ear.heard
        finally:
            with suppress(UnavailableError):
                await self.adapter.unlisten(ear)

    async def _encrypt(self, connection: Connection) -> None:
        try:
            with native_errors():
                await connection.encrypt()
        except BleakDBusError as error:  # a link that breaks meanwhile says nothing about the bond
            raise BleakDBusError(REFUSED, [f"the stored bond was refused: {error}"]) from error

    async def _discover(self, connection: Connection) -> None:
        with native_errors():
            self._peer = Peer(connection)
            await self._peer.request_mtu(OUR_MTU)
            await cast(Any, self._peer).discover_all()
        self.services = collect(self._peer.services, self._wanted_services, lambda: self.mtu_size - 3)

    def _on_disconnection(self, _reason: int) -> None:
        if self._connection is None:
            return
        self._connection = self._peer = self.services = None
        self._subscribers.clear()
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    def _linked(self) -> Connection:
        if self._connection is None:
            raise BleakError("Not connected")
        return self._connection

    # --- values ----------------------------------------------------------------------------------------------

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **_kwargs: Any
    ) -> bytearray:
        """Value of a characteristic."""
        return bytearray(await self._do(lambda peer: peer.read_value(characteristic.handle)))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **_kwargs: Any
    ) -> bytearray:
        """Value of a descriptor."""
        return bytearray(await self._do(lambda peer: peer.read_value(descriptor.handle)))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        """Write a characteristic."""
        await self._do(lambda peer: peer.write_value(characteristic.handle, bytes(data), response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor."""
        await self._do(lambda peer: peer.write_value(descriptor.handle, bytes(data), True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_kwargs: Any
    ) -> None:
        """Subscribe to notifications, or indications where there are no notifications."""
        if characteristic.handle in self._subscribers:
            raise BleakError("Characteristic notifications already started")

        def heard(value: bytes) -> None:
            callback(bytearray(value))

        self._subscribers[characteristic.handle] = heard
        try:
            await self._do(lambda peer: peer.subscribe(characteristic.obj, heard, True))
        except BaseException:
            self._subscribers.pop(characteristic.handle, None)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe."""
        heard = self._subscribers.pop(characteristic.handle, None)
        if heard is not None:
            await self._do(lambda peer: peer.unsubscribe(characteristic.obj, heard))

    async def _do(self, operation: Callable[[Peer], Awaitable[Result]]) -> Result:
        self._linked()
        if self._peer is None:
            raise BleakError("Service Discovery has not been performed yet")
        with native_errors():
            return await operation(self._peer)


class Ear:
    """Listens for one peripheral that can be connected to; `heard` is its full address."""

    active = False

    def __init__(self, address: str) -> None:
        self._address = address.upper()
        self.heard: asyncio.Future[hci.Address] = asyncio.get_running_loop().create_future()

    def hear(self, report: Report) -> None:
        """Adapter side: one packet."""
        if (
            not self.heard.done()
            and is_connectable(report)
            and report.address.to_string(False) == self._address
        ):
            self.heard.set_result(report.address)

    def lose(self, reason: str) -> None:
        """Adapter side: the controller is gone."""
        if not self.heard.done():
            absent = BleakBluetoothNotAvailableReason.NO_BLUETOOTH
            self.heard.set_exception(BleakBluetoothNotAvailableError(reason, absent))


@contextmanager
def native_errors() -> Iterator[None]:
    """Inside, whatever Bumble raises leaves as one of bleak's errors."""
    try:
        yield
    except att.ATT_Error as error:
        raise BleakGATTProtocolError(int(error.error_code)) from error
    except core.TimeoutError as error:
        raise TimeoutError(str(error)) from error
    except core.ProtocolError as error:
        name = REFUSED if error.error_namespace == "smp" else "org.bluez.Error.Failed"
        raise BleakDBusError(name, [str(error)]) from error
    except UnavailableError as error:
        raise BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", [str(error)]) from error
    except core.BaseBumbleError as error:
        raise BleakError(f"bumble: {error!r}") from error
    except asyncio.CancelledError as error:
        # Bumble cancels what waits on a link that breaks; that is no cancellation of ours.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise BleakError("disconnected while waiting") from error
