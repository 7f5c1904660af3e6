"""Which keys may say what: the root the gateway was provisioned with, and the keyset that root signed.

Rules as a class without I/O (DESIGN.md 4, Keys): whoever calls checks the signature between `examine` and `install`. A
keyset may only rise in version, serves one tenant, and may name next roots. In force are the root that signed the keyset
held and the next roots that it names: so a root is replaced by naming its successor, and leaves when that one signs a
keyset. After `not_after` receipts still count; configuration, commands and dispositions do not.
"""

from gateway.core import cose, wire
from gateway.core.errors import RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.wire import Parsed

    Verify = Callable[[bytes, bytes, bytes], bool]


class Trust:
    """Keys by kid and role of one tenant."""

    def __init__(self, tenant: str, root_keys: "list[bytes]") -> None:
        self.tenant = tenant
        self.roots = {cose.kid_of(key): key for key in root_keys}
        self.version = 0
        self.not_after: "int | None" = None
        self.keys: "dict[bytes, tuple[bytes, list[str]]]" = {}
        self.held: "bytes | None" = None  # payload of the keyset in force

    def accept(self, data: bytes, verify: "Verify") -> bool:
        """Take a keyset message; True where it is new, False where it is the one already held.

        Raises:
            DecodeError, RefusedError: as `examine`; or the signature does not hold.
        """
        found = self.examine(data)
        if found is None:
            return False
        wire.verify(found[0], found[1], verify)
        self.install(found[0], found[1])
        return True

    def examine(self, data: bytes) -> "tuple[Parsed, bytes] | None":
        """A keyset that counts if the root key beside it has signed it, or None where it is the one already held.

        Raises:
            DecodeError: not a keyset.
            RefusedError: another tenant, not signed by a root, or an older or different keyset of this version.
        """
        parsed = wire.parse("keyset", data)
        fields = parsed.fields
        if fields["tenant"] != self.tenant:
            raise RefusedError("the keyset is another tenant's")
        version: int = fields["keyset_version"]  # type: ignore[assignment]
        if version < self.version:
            raise RefusedError("the keyset is older than the one held")
        root = self.roots.get(parsed.sign1.kid)
        if root is None:
            raise RefusedError("the keyset is not signed by a root key of this gateway")
        if parsed.sign1.payload == self.held:
            return None
        if self.held is not None and version == self.version:
            raise RefusedError("the keyset differs from the one held and has not a higher version")
        return parsed, root

    def install(self, parsed: "Parsed", root: bytes) -> None:
        """Put a keyset in force that `examine` found and whose signature holds. Nobody else does so in between."""
        fields = parsed.fields
        self.held = parsed.sign1.payload
        self.version = fields["keyset_version"]  # type: ignore[assignment]
        self.not_after = fields["not_after"]  # type: ignore[assignment]
        self.keys = {kid: (key, roles) for kid, key, roles in fields["keys"]}  # type: ignore[attr-defined]
        self.roots = {}
        self.add_roots([root])
        self.add_roots(fields.get("next_roots", []))  # type: ignore[arg-type]

    def add_roots(self, keys: "list[bytes]") -> None:
        """Roots that an accepted keyset named before a restart."""
        for key in keys:
            self.roots[cose.kid_of(key)] = key

    def roots_held(self) -> "list[bytes]":
        """Root keys in force: what must be kept beside the keyset, for `add_roots` after a restart."""
        return sorted(self.roots.values())

    def expired(self, utc_ms: "int | None") -> bool:
        """Whether the keyset is past its `not_after` by a trusted clock; an unknown clock expires nothing."""
        return self.not_after is not None and utc_ms is not None and utc_ms > self.not_after

    def check_key(self, parsed: "Parsed", role: str, utc_ms: "int | None") -> bytes:
        """The public key that may sign `parsed` in `role`; costs no signature check. Raises RefusedError."""
        row = self.keys.get(parsed.sign1.kid)
        if row is None:
            raise RefusedError("signed by a key that the keyset does not name")
        if role not in row[1]:
            raise RefusedError("signed by a key without the role " + role)
        if role != wire.RECEIPT_ROLE and self.expired(utc_ms):
            raise RefusedError("the keyset has expired")
        return row[0]

    def open(
        self, sort: str, data: bytes, tenant: str, gateway: str, utc_ms: "int | None", verify: "Verify"
    ) -> "Parsed":
        """Parse, check and verify a message from the platform whose sort is its role's name.

        Raises:
            DecodeError, RefusedError: with the rule that refused it.
        """
        parsed = wire.parse(sort, data)
        wire.check_address(parsed, tenant, gateway)
        key = self.check_key(parsed, sort, utc_ms)
        wire.verify(parsed, key, verify)
        return parsed
