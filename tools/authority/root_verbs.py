"""`trygg-kit ca`: what is done with the root key, and with the book of who may say what."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.errors import ConfigError
from gateway.daemon.arguments import reworded
from tools.authority import sealed, sheet
from tools.authority.book import DAY_MS, PERSON, SERVICE, Entry
from tools.authority.folder import CA, Folder, check_writable, make, restore, utc_ms, write, write_new
from tools.authority.given import unreadable
from tools.authority.secrets_asked import passphrase
from tools.kit.keys import pem
from tools.platform.parties import key_from_hex, read_public_key

MOST_DAYS = 10 * 365


def day(moment_ms: int | None) -> str:
    """A date, or nothing."""
    return "-" if moment_ms is None else datetime.fromtimestamp(moment_ms / 1000, UTC).date().isoformat()


def days(count: int | None, option: str = "--days", least: int = 1) -> int | None:
    """A number of days that was typed. Raises ConfigError."""
    if count is not None and not least <= count <= MOST_DAYS:
        expected = f"1 to {MOST_DAYS}" if least else f"0 to {MOST_DAYS}"
        raise ConfigError(option, str(count), expected, "command line")
    return count


# --- the root key -------------------------------------------------------------------------------------------------


def init(options: argparse.Namespace) -> int:
    """Make an authority, and its printed backup."""
    if str(options.backup) != "-" and options.backup.exists():
        raise ConfigError(
            "--backup", "there already", "a new file: nothing is overwritten", str(options.backup)
        )
    # Before there is a root key: one without its sheet is one that a lost passphrase ends. A sheet in the new folder itself comes with it.
    if str(options.backup) != "-" and options.backup.absolute().parent != options.directory.absolute():
        check_writable("--backup", options.backup)
    secret = passphrase(options.passphrase_file, new=True)
    folder, root = make(options.directory, options.tenant, secret)
    print_sheet(root, options.tenant, options.backup)
    say = sys.stderr if str(options.backup) == "-" else sys.stdout
    print(reworded(f"root public key  {folder.root_public_key().hex()}"), file=say)
    print(reworded("Next: roles (ca role), then a keyset (ca keyset)."), file=say)
    return 0


def backup(options: argparse.Namespace) -> int:
    """Print the backup again."""
    folder = Folder(options.directory)
    root = folder.root(passphrase(options.passphrase_file))
    print_sheet(root, folder.book().tenant, options.out)
    return 0


def print_sheet(root: Ed25519PrivateKey, tenant: str, out: Path) -> None:
    """The sheet, to standard output or into a private file."""
    words = [
        reworded(
            "Backup of the municipality's root key. Whoever holds this sheet can sign as the municipality."
        ),
        reworded("Print it, lay it into a safe, and remove the file. It works without the passphrase."),
        reworded(
            "To type it back: trygg-kit ca restore. Capitals do not count; there is no letter I, L, O or U."
        ),
    ]
    text = sheet.text(root, tenant, words)
    if str(out) == "-":
        print(text)
        return
    write_new(out, text.encode())
    print(reworded(f"backup           {out}"))


def bring_back(options: argparse.Namespace) -> int:
    """The root key from its sheet, under a new passphrase."""
    if str(options.sheet) == "-":
        typed = sys.stdin.read()
    else:
        try:
            typed = options.sheet.read_text("utf-8")
        except (OSError, UnicodeError) as error:
            raise unreadable("--sheet", error, options.sheet) from error
    root = sheet.read(typed.splitlines())
    secret = passphrase(options.passphrase_file, new=True)
    had_authority = (options.directory / CA).exists()
    folder = restore(options.directory, options.tenant, secret, root, options.keyset_version)
    print(reworded(f"root public key  {folder.root_public_key().hex()}"))
    if not had_authority:
        said = "A new TLS authority was made: gateways keep their certificates only under the former one."
        print(reworded(said))
    return 0


def keyset(options: argparse.Namespace) -> int:
    """Sign the next keyset."""
    next_roots = [read_public_key(text, "--next-root") for text in options.next_root]
    days(options.days)
    folder = Folder(options.directory)
    secret = passphrase(options.passphrase_file)
    message, book = folder.sign_keyset(secret, options.days, next_roots)
    write(options.out, message, 0o644)
    print(reworded(f"keyset {book.keyset_version}, until {day(book.keyset_not_after)}, in {options.out}"))
    now_ms = utc_ms()
    first = book.first_to_end(now_ms)
    if first is not None and first.until_ms == book.keyset_not_after:
        said = f"It ends with the time of {first.name}: before that day rotate with --overlap-days 0, or revoke, and sign the next."
        if len(book.of(first.name, now_ms)) > 1:  # to revoke takes every key of the name, the new one too
            said = f"It ends with the time of the former key of {first.name}: before that day rotate with --overlap-days 0, and sign the next."
        print(reworded(said))
    return 0


# --- roles and technicians ----------------------------------------------------------------------------------------


def role(options: argparse.Namespace) -> int:
    """Make, rotate or revoke the key of a service."""
    return holder(options, SERVICE)


def technician(options: argparse.Namespace) -> int:
    """Make, rotate or revoke the key of a person."""
    return holder(options, PERSON)


def holder(options: argparse.Namespace, sort: str) -> int:
    """One change of the book. The key's file comes before the book: a key in the book is one that somebody has."""
    folder, now_ms = Folder(options.directory), utc_ms()
    book = folder.book()
    if any(each.name == options.name and each.sort != sort for each in book.entries):
        raise ConfigError(
            "NAME",
            f"{options.name}, of the other sort",
            "ca role or ca technician, as it was made",
            "command line",
        )
    if options.act == "revoke":
        print(reworded(f"revoked {options.name}: {book.revoke(options.name, now_ms)}"))
    else:
        public, private = key_for(options)
        until = days(options.days)
        until_ms = None if until is None else now_ms + until * DAY_MS
        if options.act == "add":
            book.add(Entry(options.name, sort, public, tuple(options.role), now_ms, until_ms), now_ms)
        else:
            overlap = days(options.overlap_days, "--overlap-days", 0) or 0
            book.rotate(options.name, public, now_ms, overlap * DAY_MS, until_ms)
        if private is not None:
            keep_key(options, private, sort)
        print(reworded(f"{options.name}  until {day(until_ms)}  {public.hex()}"))
    folder.keep(book)
    print(reworded("It counts from the next keyset on: trygg-kit ca keyset."))
    return 0


def key_for(options: argparse.Namespace) -> tuple[bytes, Ed25519PrivateKey | None]:
    """The public key that was given, or a new pair. Raises ConfigError."""
    if (options.public_key is None) == (options.out is None):
        raise ConfigError("--public-key, --out", "both or neither", "one of them", "command line")
    if options.act == "add" and not options.role:
        raise ConfigError("--role", "nothing", "what the key may sign", "command line")
    if options.public_key is not None:
        return key_from_hex(options.public_key, "--public-key", "command line"), None
    private = Ed25519PrivateKey.generate()
    return private.public_key().public_bytes_raw(), private


def keep_key(options: argparse.Namespace, private: Ed25519PrivateKey, sort: str) -> None:
    """A person's key under a passphrase of that person; a service's plain, for it starts without one."""
    if sort == SERVICE:
        write_new(options.out, pem(private))
        return
    prompt = "passphrase of the technician"
    secret = passphrase(options.key_passphrase_file, prompt, option="--key-passphrase-file", new=True)
    write_new(options.out, sealed.seal(private, secret))
