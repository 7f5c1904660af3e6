"""The printed backup of a root key: five lines of four groups, each with a checksum of its own, to be typed back.

    lines 1 to 4    8 bytes of the private key and 2 of SHA-256 over the number of the line and those 8 bytes
    line 5          the kid of the public key, in the same way: what was typed is that key, whatever the lines say alone

It holds the key itself, without a passphrase, so that it helps where the passphrase is lost. It belongs in a safe.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core import cose
from gateway.core.errors import RefusedError
from gateway.daemon import typed_codes

LINES, LINE_BYTES = 5, 8


def purpose(number: int) -> bytes:
    """What the checksum of a line is over, so that lines cannot change places."""
    return b"trygg root backup line " + str(number).encode()


def lines_of(key: Ed25519PrivateKey) -> list[str]:
    """The five lines."""
    whole = key.private_bytes_raw() + cose.kid_of(key.public_key().public_bytes_raw())
    parts = [whole[at : at + LINE_BYTES] for at in range(0, len(whole), LINE_BYTES)]
    return [typed_codes.seal(purpose(number), part) for number, part in enumerate(parts, 1)]


def read(typed: list[str]) -> Ed25519PrivateKey:
    """The key of lines that were typed; what is no line of groups, such as a heading, is passed over.

    Raises:
        RefusedError: with the number of the line that does not hold.
    """
    lines = [body for line in typed if (body := groups_in(line))]
    if len(lines) != LINES:
        raise RefusedError(f"{len(lines)} lines of groups were typed, expected {LINES}")
    whole = b""
    for number, line in enumerate(lines, 1):
        part = typed_codes.read(purpose(number), line, LINE_BYTES)
        if part is None:
            raise RefusedError(f"line {number} of the backup does not hold: read it again, letter by letter")
        whole += part
    key = Ed25519PrivateKey.from_private_bytes(whole[:32])
    if cose.kid_of(key.public_key().public_bytes_raw()) != whole[32:]:
        raise RefusedError("the lines are of several backups: take all five from one sheet")
    return key


def groups_in(line: str) -> str:
    """The groups of a line, without the number before them, or nothing where it holds none."""
    words = line.replace("-", " ").split()
    if words and words[0].rstrip(".:").isdecimal() and len(words[0]) < typed_codes.GROUP:
        words = words[1:]
    is_groups = len(words) == 4 and all(len(word) == typed_codes.GROUP for word in words)
    return "-".join(words) if is_groups else ""


def text(key: Ed25519PrivateKey, tenant: str, words: list[str]) -> str:
    """The sheet. words: what is said above and below the lines, in the language of whoever prints it."""
    kid = cose.kid_of(key.public_key().public_bytes_raw()).hex()
    body = [f"  {number}.  {line}" for number, line in enumerate(lines_of(key), 1)]
    return "\n".join(
        ["TRYGG", "", words[0], "", f"tenant {tenant}   kid {kid}", "", *body, "", *words[1:], ""]
    )
