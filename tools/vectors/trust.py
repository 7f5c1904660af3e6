"""trust.json: what a gateway does with keysets one after another, and with messages under each."""

from gateway.core.wire import WHOLE_TENANT
from tools.vectors.home import NOT_AFTER, OTHER_TENANT
from tools.vectors.keys import KEYS
from tools.vectors.messages import LEAST, head, key_row
from tools.vectors.plain import Plain

ABOUT = (
    "Stories of one gateway that was provisioned with the key named `root`. Each step hands it a keyset or another "
    "message, at `utc_ms` (null: its clock is not trusted). `then` is `new` (a keyset taken), `held` (the one it has), "
    "`accepted` (a message acted on) or `refused`, with our words for it in `reason`."
)
LATE = NOT_AFTER + 1


def keyset(version: int, keys: list[list[object]], next_roots: tuple[str, ...] = (), signer: str = "root",
           not_after: int = NOT_AFTER, tenant: str = "") -> dict[str, Plain]:  # fmt: skip
    """A keyset message."""
    pairs = {**head(WHOLE_TENANT), 4: version, 5: not_after, 6: keys}
    if tenant:
        pairs[2] = tenant
    if next_roots:
        pairs[7] = [KEYS[name].public for name in next_roots]
    vector = LEAST["keyset"].but("", pairs)
    return {"sort": "keyset", "message": KEYS[signer].message("keyset", vector.payload).hex()}


def said(sort: str, signer: str, utc_ms: int | None = NOT_AFTER) -> dict[str, Plain]:
    """The least message of `sort`, by `signer`."""
    return {"sort": sort, "message": KEYS[signer].message(sort, LEAST[sort].payload).hex(), "utc_ms": utc_ms}


def step(what: dict[str, Plain], then: str, reason: str = "") -> dict[str, Plain]:
    """What a gateway does with it."""
    return {**what, "then": then, **({"reason": reason} if reason else {})}


BOTH = [key_row("platform", "receipt", "disposition"), key_row("operator", "config", "command")]
PLATFORM_ONLY = BOTH[:1]
NO_ROOT = "the keyset is not signed by a root key of this gateway"
NO_KEY = "signed by a key that the keyset does not name"
OLDER = "the keyset is older than the one held"
OTHER = "the keyset differs from the one held and has not a higher version"

STORIES: dict[str, list[dict[str, Plain]]] = {
    "without a keyset nothing is believed": [
        step(said("receipt", "platform"), "refused", NO_KEY),
        step(said("receipt", "root"), "refused", NO_KEY),
    ],
    "keys have roles": [
        step(keyset(1, BOTH), "new"),
        step(said("receipt", "platform"), "accepted"),
        step(said("disposition", "platform"), "accepted"),
        step(said("config", "operator"), "accepted"),
        step(said("command", "operator"), "accepted"),
        step(said("receipt", "operator"), "refused", "signed by a key without the role receipt"),
        step(said("config", "platform"), "refused", "signed by a key without the role config"),
        step(said("command", "stranger"), "refused", NO_KEY),
        step(said("receipt", "gateway"), "refused", NO_KEY),
        step(said("config", "root"), "refused", NO_KEY),
    ],
    "a version may only rise": [
        step(keyset(2, BOTH), "new"),
        step(keyset(2, BOTH), "held"),
        step(keyset(1, BOTH), "refused", OLDER),
        step(keyset(2, PLATFORM_ONLY), "refused", OTHER),
        step(keyset(2, BOTH, not_after=LATE), "refused", OTHER),
        step(keyset(2, BOTH, ("next-root",)), "refused", OTHER),
        step(keyset(3, PLATFORM_ONLY), "new"),
        step(said("config", "operator"), "refused", NO_KEY),
        step(said("receipt", "platform"), "accepted"),
    ],
    "the first version may be 0": [
        step(keyset(0, BOTH), "new"),
        step(keyset(0, BOTH), "held"),
        step(keyset(0, PLATFORM_ONLY), "refused", OTHER),
    ],
    "after not_after receipts still count": [
        step(keyset(1, BOTH), "new"),
        step(said("config", "operator", NOT_AFTER), "accepted"),
        step(said("receipt", "platform", LATE), "accepted"),
        step(said("disposition", "platform", LATE), "refused", "the keyset has expired"),
        step(said("config", "operator", LATE), "refused", "the keyset has expired"),
        step(said("command", "operator", LATE), "refused", "the keyset has expired"),
        step(said("config", "operator", None), "accepted"),
        step(keyset(2, BOTH, not_after=LATE), "new"),
        step(said("command", "operator", LATE), "accepted"),
    ],
    "only a root signs keysets, and one of this tenant": [
        step(keyset(1, BOTH, signer="stranger"), "refused", NO_ROOT),
        step(keyset(1, BOTH, signer="next-root"), "refused", NO_ROOT),
        step(keyset(1, BOTH), "new"),
        step(keyset(2, BOTH, signer="platform"), "refused", NO_ROOT),
        step(keyset(2, BOTH, tenant=OTHER_TENANT), "refused", "the keyset is another tenant's"),
    ],
    "a root is replaced by the one it names": [
        step(keyset(1, BOTH, ("next-root",)), "new"),
        step(keyset(2, PLATFORM_ONLY, ("next-root",)), "new"),
        step(keyset(3, BOTH, signer="next-root"), "new"),
        step(said("config", "operator"), "accepted"),
        step(keyset(4, BOTH), "refused", NO_ROOT),
        step(keyset(4, BOTH, signer="next-root"), "new"),
    ],
    "a root that was named can be withdrawn": [
        step(keyset(1, BOTH, ("next-root",)), "new"),
        step(keyset(2, BOTH), "new"),
        step(keyset(3, BOTH, signer="next-root"), "refused", NO_ROOT),
        step(keyset(3, BOTH), "new"),
    ],
    "two roots side by side": [
        step(keyset(1, BOTH, ("root", "next-root")), "new"),
        step(keyset(2, BOTH, ("root",), signer="next-root"), "new"),
        step(keyset(3, BOTH), "new"),
    ],
}


def forged() -> list[dict[str, Plain]]:
    """A root's keyset with another signature: each is refused, and the good one is taken after it."""
    good = keyset(1, BOTH)
    data = bytearray(bytes.fromhex(str(good["message"])))
    data[-1] ^= 1
    return [
        step({**good, "message": data.hex()}, "refused", "the signature does not hold"),
        step(good, "new"),
    ]


def trust_vectors() -> dict[str, Plain]:
    """The content of trust.json."""
    stories = {**STORIES, "a forged keyset changes nothing": forged()}
    return {
        "about": ABOUT,
        "root": KEYS["root"].public.hex(),
        "stories": [{"name": name, "steps": steps} for name, steps in stories.items()],
    }
