"""A connectable peripheral in the simulated home: its GATT table, its bonds, and the hand that moves it."""

from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hal.sim.central import SimConnection
    from hal.sim.world import World


class SimPeripheral:
    """The other party of a `SimConnection`.

    `characteristics` maps each UUID to the value a read returns. With `secure` every access needs a bond; with
    `passkey` the peripheral shows that number on its label and pairs with nobody who does not enter it; with `compares`
    it shows that number while it pairs, and pairs with nobody who does not confirm it; with `oob` it has those 32 bytes on
    its label, and pairs with nobody who does not have them.
    `on_write(uuid, value)` is called for each write, which is also kept in `writes`.
    """

    def __init__(
        self,
        address: str,
        characteristics: "dict[str, bytes]",
        *,
        secure: bool = False,
        passkey: "int | None" = None,
        compares: "int | None" = None,
        oob: "bytes | None" = None,
        on_write: "Callable[[str, bytes], None] | None" = None,
    ) -> None:
        self.address = address
        self.characteristics = characteristics
        self.secure = secure or passkey is not None or compares is not None or oob is not None
        self.passkey = passkey
        self.compares = compares
        self.oob = oob
        self.on_write = on_write
        self.in_range = True
        self.writes: list[tuple[str, bytes]] = []
        self.subscribed: list[str] = []
        self.pairings = 0
        self._keys: list[int] = []  # one for each central it is bonded with
        self._connection: SimConnection | None = None
        self._world: World | None = None

    @property
    def connected(self) -> bool:
        """Whether a central is connected now."""
        return self._connection is not None

    def notify(self, characteristic: str, value: bytes) -> bool:
        """Send a notification or indication. False where nobody is subscribed: the air carries nothing then."""
        if self._connection is None or characteristic not in self.subscribed:
            return False
        self._connection.hear(characteristic, value)
        return True

    def leave(self) -> None:
        """Go out of range: the link is lost and nobody can connect."""
        self.in_range = False
        self.drop_link("supervision time-out")

    def return_(self) -> None:
        """Come back into range; a connect that waits goes on."""
        self.in_range = True
        self._wake()

    def drop_link(self, reason: str) -> None:
        """End the connection, if there is one, as the radio would."""
        connection, self._connection = self._connection, None
        self.subscribed = []
        if connection is not None:
            connection.lose(reason)
        self._wake()

    def forget_bonds(self) -> None:
        """Factory reset: centrals keep a bond that this peripheral no longer knows."""
        self._keys = []

    def offers(self, passkey: "int | None", confirmed: bool = False) -> int:
        """Air side: level of the bond that would come of it; none where it would refuse."""
        if self.passkey is None and self.compares is None and self.oob is None:
            return BOND_WEAK
        return (
            BOND_AUTHENTICATED
            if confirmed or (passkey is not None and passkey == self.passkey)
            else BOND_NONE
        )

    def pair(self, passkey: "int | None", confirmed: bool = False) -> "tuple[int, int] | None":
        """Air side: make a bond; its key and level, or None where it is refused."""
        level = self.offers(passkey, confirmed)
        return None if level == BOND_NONE else self._bond(level)

    def pair_by(self, oob: bytes) -> "tuple[int, int] | None":
        """Air side: make a bond by the data of the label; its key and level, or None where that is another's or there is none."""
        return self._bond(BOND_AUTHENTICATED) if oob == self.oob else None

    def _bond(self, level: int) -> "tuple[int, int]":
        self.pairings += 1
        self._keys.append(self.pairings)
        return self.pairings, level

    def knows(self, key: int) -> bool:
        """Air side: whether the bond with that key is still known here."""
        return key in self._keys

    def accept(self, connection: "SimConnection") -> bool:
        """Air side: take the connection. False while out of range or connected to another."""
        if not self.in_range or self._connection is not None:
            return False
        self._connection = connection
        return True

    def placed(self, world: "World") -> None:
        """Air side: it is in that world now."""
        self._world = world

    def _wake(self) -> None:
        if self._world is not None:
            self._world.wake()
