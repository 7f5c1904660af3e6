"""A Bluetooth controller driven by Bumble's host stack in this process, without BlueZ.

The controller may be a dongle (`usb:0`), a serial one (`serial:/dev/ttyAMA0,115200`), one that another process
serves (`tcp-client:127.0.0.1:9001`), or a virtual one in this process. bleak reaches it through two backend classes
that this adapter makes for itself, so that there is no global state: two adapters in one process do not meet.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from bumble import hci
from bumble.core import BaseBumbleError, PhysicalTransport
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.host import Host
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.transport import open_transport
from bumble.transport.common import AsyncPipeSink, Transport

from hal.bumble.advertising import Report
from hal.bumble.bonds import BondStore
from hal.bumble.client import BumbleClient
from hal.bumble.pairing import Answers, Refusal, SecureSession, pairing_config
from hal.bumble.scanner import BumbleScanner
from hal.errors import UnavailableError
from hal.linux.finish import finish
from hal.linux.pairing_talk import PairingTalk

if TYPE_CHECKING:
    from bumble.controller import Controller  # for virtual homes; a gateway never loads it

log = logging.getLogger(__name__)

START_S = 10.0  # from opening the transport to a controller that has answered all of its set-up
RESET_S = 1.0
DIAL_S = 5.0  # a peripheral that has just been heard answers within one advertising interval, at most 10.24 s


class Listener(Protocol):
    """Somebody who wants advertisements."""

    @property
    def active(self) -> bool:
        """Whether scan responses are wanted."""
        ...

    def hear(self, report: Report) -> None:
        """One advertising packet or scan response."""
        ...

    def lose(self, reason: str) -> None:
        """The controller is gone; nothing more will be heard."""
        ...


class DeafDevice(Device):
    """Hears advertisements at its host alone, as our listeners do.

    Upstream parses each packet twice over and keeps the last one of every address for as long as it scans: memory
    without an end where phones change their addresses, and most of the work in a flood.
    """

    def on_advertising_report(self, report: Report) -> None:
        """Nothing: `BumbleAdapter` listens to the same event of the host."""


class BumbleAdapter:
    """A `Radio` (see `hal.linux.radio`) on any controller that Bumble can reach.

    It opens the controller when it is first needed, and again when it has been lost.
    """

    def __init__(self, transport: "str | Controller", bonds: BondStore) -> None:
        self._transport_name = transport
        self._bonds = bonds
        self._bonds_open = False
        self._device: Device | None = None
        self._transport: Transport | None = None
        self._opening = asyncio.Lock()
        self._dialling = asyncio.Lock()
        self._dials: set[asyncio.Task[Connection]] = set()
        self._hang_ups: set[asyncio.Task[None]] = set()
        self._scanning = asyncio.Lock()
        self._scan_mode: bool | None = None  # None: off, False: passive, True: active
        self._listeners: list[Listener] = []
        self._watchers: list[Callable[[str], None]] = []
        self._answers: dict[str, Answers] = {}
        self._welcome: PairingDelegate | None = None
        self._scanner_backend = cast(
            type[BumbleScanner], type("BumbleScanner", (BumbleScanner,), {"adapter": self})
        )
        self._client_backend = cast(
            type[BumbleClient], type("BumbleClient", (BumbleClient,), {"adapter": self})
        )

    # --- as a radio ------------------------------------------------------------------------------------------

    @property
    def takes_oob(self) -> bool:
        """Whether the stack takes the data of a label."""
        return True

    @property
    def scanner_backend(self) -> type[BumbleScanner]:
        """Value of bleak's `backend=` for scanners."""
        return self._scanner_backend

    @property
    def adapter_name(self) -> None:
        """The controller is named by its transport."""
        return

    @property
    def client_backend(self) -> type[BumbleClient]:
        """Value of bleak's `backend=` for clients."""
        return self._client_backend

    async def ready(self) -> None:
        """See that the controller is there, opening it where it is not open."""
        await self.device()

    def on_lost(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call `callback` with the reason each time the controller goes away; returns how to stop that."""
        self._watchers.append(callback)

        def stop() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)

        return stop

    async def locate(self, address: str) -> str:
        """The address: our client backend listens for it by itself."""
        return address

    async def served(self, address: str) -> int:
        """Nothing that our client backend has not told."""
        return 0

    async def bond(self, address: str) -> int:
        """Level of the stored bond."""
        await self._open_bonds()
        return self._bonds.level(address)

    async def bonds(self) -> dict[str, int]:
        """Address and level of every stored bond."""
        await self._open_bonds()
        return self._bonds.levels()

    async def vet(self, address: str, *, new: bool) -> None:
        """Nothing that `SecureSession` has not seen to before the key was made."""

    @asynccontextmanager
    async def answering(self, address: str, talk: PairingTalk) -> AsyncIterator[None]:
        """While inside, pairing with `address` is answered; from and to anybody else it is refused."""
        self._answers[address.upper()] = Answers(talk)
        try:
            yield
        finally:
            self._answers.pop(address.upper(), None)

    async def forget(self, address: str) -> None:
        """Delete the stored bond; no error where there is none."""
        await self._open_bonds()
        await self._bonds.forget(address)

    # --- for the backends ------------------------------------------------------------------------------------

    async def device(self) -> Device:
        """Bumble's host, switched on.

        Raises:
            UnavailableError: the controller cannot be reached or does not answer.
        """
        async with self._opening:
            if self._device is None:
                await self._open_bonds()
                try:
                    async with asyncio.timeout(START_S):
                        self._device = await self._open_device()
                except (BaseBumbleError, OSError, ValueError) as error:  # TimeoutError is an OSError
                    await self._close_transport()
                    raise UnavailableError(
                        f"no Bluetooth controller at {self._transport_name}: check that it is there and free",
                        repr(error),
                    ) from error
                except asyncio.CancelledError:
                    await self._close_transport()
                    raise
            return self._device

    async def listen(self, listener: Listener) -> None:
        """Give `listener` every advertisement from now on."""
        self._listeners.append(listener)
        try:
            await self._scan_as_wanted()
        except BaseException:
            self._listeners.remove(listener)
            raise

    async def unlisten(self, listener: Listener) -> None:
        """Give `listener` nothing more."""
        if listener in self._listeners:
            self._listeners.remove(listener)
            await self._scan_as_wanted()

    async def dial(self, address: hci.Address) -> Connection:
        """Connect to an advertiser that has just been heard. One at a time: a controller can do no more."""
        task = asyncio.get_running_loop().create_task(self._dial(address))
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # What is under way at the controller ends by itself; whom it reaches is hung up on.
            task.add_done_callback(self._hang_up)
            raise

    def has_keys(self, connection: Connection) -> bool:
        """Whether a bond with the peer is stored."""
        return self._bonds.level(connection.peer_address.to_string(False)) > 0

    def has_answer(self, connection: Connection) -> bool:
        """Whether pairing with the peer is being answered."""
        return connection.peer_address.to_string(False) in self._answers

    def welcome(self, delegate: PairingDelegate | None) -> None:
        """Let `delegate` answer whoever asks us to pair, for as long as a service of ours is there; None: nobody again."""
        self._welcome = delegate

    async def close(self) -> None:
        """Let go of the controller, reset. It may be used again: it opens again."""
        async with self._opening:
            if self._device is not None:
                with suppress(BaseBumbleError, TimeoutError):
                    async with asyncio.timeout(RESET_S):
                        await self._device.host.send_sync_command(hci.HCI_Reset_Command())
            self._lose("closed here")
            await asyncio.gather(*self._dials, *self._hang_ups, return_exceptions=True)
            await self._close_transport()

    # --- inside ----------------------------------------------------------------------------------------------

    async def _open_bonds(self) -> None:
        if not self._bonds_open:
            await self._bonds.open()
            self._bonds_open = True

    async def _open_device(self) -> Device:
        if isinstance(self._transport_name, str):
            self._transport = await open_transport(self._transport_name)
            host = Host(self._transport.source, self._transport.sink)
        else:
            host = Host(self._transport_name, AsyncPipeSink(self._transport_name))
        device = DeafDevice(
            config=DeviceConfiguration(name="trygg", address=self._bonds.own_address), host=host
        )
        device.keystore = self._bonds
        device.smp_session_proxy = SecureSession
        device.pairing_config_factory = self._pairing_config
        host.on("advertising_report", self._on_report)
        await device.power_on()
        if self._transport is not None:
            self._transport.source.terminated.add_done_callback(lambda _: self._on_terminated(device))
        self._scan_mode = None
        return device

    async def _close_transport(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    def _on_terminated(self, device: Device) -> None:
        if device is self._device:
            self._lose("the transport to the controller ended")

    def _lose(self, reason: str) -> None:
        device, self._device = self._device, None
        self._scan_mode = None
        if device is None:
            return
        for task in list(self._dials):
            task.cancel()
        device.on_flush()  # ends every connection, and what waits for one
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.lose(reason)
        for watcher in list(self._watchers):
            watcher(reason)

    async def _dial(self, address: hci.Address) -> Connection:
        async with self._dialling:
            device = await self.device()
            return await device.connect(
                address,
                transport=PhysicalTransport.LE,
                own_address_type=hci.OwnAddressType.RANDOM,
                timeout=DIAL_S,
            )

    def _hang_up(self, dialled: "asyncio.Task[Connection]") -> None:
        if not dialled.cancelled() and dialled.exception() is None:
            task = asyncio.get_running_loop().create_task(_disconnect(dialled.result()))
            self._hang_ups.add(task)
            task.add_done_callback(self._hang_ups.discard)

    async def _scan_as_wanted(self) -> None:
        async with self._scanning:
            device = await self.device()
            wanted = any(listener.active for listener in self._listeners) if self._listeners else None
            if wanted != self._scan_mode:
                try:
                    await finish(self._switch_scan(device, wanted))
                except BaseBumbleError as error:
                    raise UnavailableError("the Bluetooth controller does not scan", repr(error)) from error

    async def _switch_scan(self, device: Device, wanted: bool | None) -> None:
        if self._scan_mode is not None:
            await device.stop_scanning()
        self._scan_mode = None
        if wanted is not None:
            await device.start_scanning(active=wanted, filter_duplicates=False)
        self._scan_mode = wanted

    def _on_report(self, report: Report) -> None:
        for listener in list(self._listeners):
            listener.hear(report)

    def _pairing_config(self, connection: Connection) -> PairingConfig:
        answers = self._answers.get(connection.peer_address.to_string(False))
        return pairing_config(answers or self._welcome or Refusal())


def open_adapter(transport: "str | Controller", bonds: Path) -> BumbleAdapter:
    """An adapter on `transport` (Bumble's name of one, or a virtual controller) with its bonds in a file."""
    return BumbleAdapter(transport, BondStore(bonds))


async def _disconnect(connection: Connection) -> None:
    try:
        await connection.disconnect()
    except (BaseBumbleError, asyncio.CancelledError) as error:  # cancelled by Bumble when the adapter is lost
        log.info("the unwanted connection to %s ended by itself: %r", connection.peer_address, error)
