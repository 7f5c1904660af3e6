"""The signing that a board's key store and primitives share: one hash, one table, one order of turns."""

from hal.esp32.ed25519 import Ed25519
from hal.esp32.sha512 import ViperBlocks, choose, viper_code
from hal.esp32.turns import Turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hal.esp32.ed25519 import KeyPair

# RFC 8032, 7.1, test 1: private key, public key, signature of the empty message.
KNOWN_SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
KNOWN_PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
KNOWN_SIGNATURE = (
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)


class Signing:
    """Ed25519 over `turns`; `await start()` first. `random` gives bytes fit for keys: on a board `os.urandom`.

    fast: whether SHA-512 runs in viper code here.
    """

    def __init__(
        self,
        random: "Callable[[int], bytes]",
        turns: "Turns | None" = None,
        code_of: "Callable[[], Any]" = viper_code,
    ) -> None:
        """`code_of` finds the viper code; a board whose code computes wrongly goes on in big integers."""
        sha512 = choose(code_of())
        self.fast = isinstance(sha512.blocks, ViperBlocks)
        self._turns = turns or Turns()
        self._ed25519 = Ed25519(sha512, random)

    async def start(self) -> None:
        """Make the table, about a second, and sign something known.

        Raises:
            RuntimeError: the interpreter computes wrongly; what it signs nobody would accept.
        """
        await self._turns.first(self._ed25519.start())
        pair = await self.key_pair(bytes.fromhex(KNOWN_SEED))
        signature = await self.sign(pair, b"")
        if (pair.public.hex(), signature.hex()) != (KNOWN_PUBLIC, KNOWN_SIGNATURE):
            raise RuntimeError("Ed25519 gives wrong answers on this interpreter: no signature can be made")

    async def key_pair(self, seed: bytes) -> "KeyPair":
        """The key pair of a private key of 32 bytes: for a key store alone. Raises ValueError for another size."""
        pair: KeyPair = await self._turns.first(self._ed25519.key_pair(seed))
        return pair

    async def sign(self, pair: "KeyPair", message: bytes) -> bytes:
        """64-byte signature."""
        signature: bytes = await self._turns.first(self._ed25519.sign(pair, message))
        return signature

    async def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Whether the signature holds."""
        holds: bool = await self._turns.beside(self._ed25519.verify(public_key, message, signature))
        return holds
