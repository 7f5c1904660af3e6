"""`trygg-kit ca`: the root key, its passphrase and its printed backup; roles, technicians and keysets as gateways take them."""

import json
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.core import wire
from gateway.core.errors import RefusedError
from gateway.core.trust import Trust
from gateway.core.wire import Parsed
from gateway.daemon import typed_codes
from tests.tools.authority_bench import PASSPHRASE, TENANT, Town
from tools.authority import sealed, sheet
from tools.authority.book import DAY_MS, PERSON, SERVICE, Book, Entry
from tools.authority.folder import utc_ms
from tools.platform.parties import Signer, Verifier, read_keyset, read_private_key

Verify = Callable[[bytes, bytes, bytes], bool]
VERIFY = Verifier().verify
GROUPS = re.compile(r"\d\.\s+(\S{4}-\S{4}-\S{4}-\S{4})$", re.MULTILINE)


class GatewayTrust(Trust):
    """A gateway's own rules; OpenSSL checks the signatures."""

    def accept(self, data: bytes, verify: Verify = VERIFY) -> bool:
        """As in a gateway."""
        return super().accept(data, verify)

    def open(
        self,
        sort: str,
        data: bytes,
        tenant: str,
        gateway: str,
        utc_ms: int | None,
        verify: Verify = VERIFY,
    ) -> Parsed:
        """As in a gateway."""
        return super().open(sort, data, tenant, gateway, utc_ms, verify)


# --- the root key -------------------------------------------------------------------------------------------------


def test_a_sheet_that_cannot_be_written_is_found_before_there_is_a_root_key(tmp_path: Path) -> None:
    other = Town(tmp_path)
    said = other.ca("init", "--tenant", TENANT, "--backup", tmp_path / "nowhere" / "sheet.txt", status=2)
    assert "--backup" in said.err and "nowhere" in said.err, said.err
    assert not other.directory.exists(), "nothing was made"
    other.ca("init", "--tenant", TENANT, "--backup", other.directory / "sheet.txt")
    assert (other.directory / "sheet.txt").exists(), "control: in the folder that is made"


def test_an_authority_is_made_private_and_never_overwritten(town: Town) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in town.directory.iterdir()}
    public = {name for name, mode in modes.items() if mode == 0o644}
    assert public == {"root.pub", "ca.pem"}
    assert {mode for name, mode in modes.items() if name not in public} == {0o600}
    assert stat.S_IMODE(town.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(town.sheet.stat().st_mode) == 0o600
    before = town.folder.path("root.key").read_bytes()
    said = town.ca("init", "--tenant", TENANT, "--backup", town.files / "other.txt", status=2)
    assert "there already" in said.err and town.folder.path("root.key").read_bytes() == before
    assert not (town.files / "other.txt").exists()
    said = town.ca("init", "--tenant", TENANT, "--backup", town.sheet, status=2)
    assert "--backup: found there already" in said.err


def test_a_folder_that_is_half_made_is_refused_and_said(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.directory.mkdir()
    town.folder.path("book.json").write_text("{}")
    said = town.ca("init", "--tenant", TENANT, "--backup", town.sheet, status=2)
    assert "book.json: found there already" in said.err and not town.folder.path("root.key").exists()


def test_a_sealed_key_is_scrypt_and_others_open_it(town: Town, tmp_path: Path) -> None:
    text = town.folder.path("root.key").read_bytes()
    key = load_pem_private_key(text, PASSPHRASE.encode())
    assert isinstance(key, Ed25519PrivateKey)
    assert key.public_key().public_bytes_raw() == town.folder.root_public_key()
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    der = subprocess.run(
        ["openssl", "asn1parse", "-in", str(town.folder.path("root.key"))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "scrypt" in der.stdout.lower() or "1.3.6.1.4.1.11591.4.11" in der.stdout
    opened = subprocess.run(
        [
            "openssl",
            "pkey",
            "-in",
            str(town.folder.path("root.key")),
            "-passin",
            f"file:{town.passphrase}",
            "-noout",
        ],
        capture_output=True,
        check=False,
    )
    assert opened.returncode == 0, opened.stderr
    assert key.private_bytes_raw() not in text


def test_another_passphrase_opens_nothing_and_a_short_one_is_not_taken(town: Town, tmp_path: Path) -> None:
    town.write_passphrase("incorrect horse battery")
    said = town.ca("keyset", "--out", tmp_path / "no.cbor", status=1)
    assert "the passphrase does not open root.key" in said.err and not (tmp_path / "no.cbor").exists()
    assert town.folder.book().keyset_version == 0, "no version was used up"
    (tmp_path / "town").mkdir()
    other = Town(tmp_path / "town")
    other.write_passphrase("short")
    said = other.ca("init", "--tenant", TENANT, "--backup", other.sheet, status=2)
    assert "5 characters" in said.err and not other.directory.exists()
    other.write_passphrase(PASSPHRASE)
    other.passphrase.chmod(0o644)
    assert "others may read" in other.ca("init", "--tenant", TENANT, "--backup", other.sheet, status=2).err


def test_the_sheet_brings_the_key_back_under_another_passphrase(town: Town) -> None:
    town.keyset()
    public = town.folder.root_public_key()
    shutil.rmtree(town.directory)
    town.write_passphrase("another one of five words")
    typed = town.files / "typed.txt"
    typed.write_text(town.sheet.read_text().lower().replace("0", "o"))
    town.ca("restore", "--tenant", TENANT, "--sheet", typed, "--keyset-version", 7)
    assert town.folder.root_public_key() == public
    (town.files / "platform.pem").unlink()
    town.role("platform", "receipt")
    trust = GatewayTrust(TENANT, [public])
    assert trust.accept(town.keyset()) and trust.version == 8, "above what gateways may have"


def test_a_lost_passphrase_costs_the_key_files_and_not_the_book(town: Town) -> None:
    town.keyset()
    words = ("--tenant", TENANT, "--sheet", town.sheet, "--keyset-version", 0)
    assert "root.key: found there already" in town.ca("restore", *words, status=2).err
    for name in ("root.key", "ca.key"):
        town.folder.path(name).unlink()
    town.ca("restore", *words)
    assert [each.name for each in town.folder.book().entries] == ["platform"]
    assert town.folder.book().keyset_version == 1


def test_a_tls_authority_that_is_there_is_kept_where_the_passphrase_is_its_own(town: Town) -> None:
    before = town.folder.path("ca.pem").read_bytes()
    town.folder.path("root.key").unlink()
    words = ("--tenant", TENANT, "--sheet", town.sheet, "--keyset-version", 0)
    town.write_passphrase("another one of five words")
    assert "does not open ca.key" in town.ca("restore", *words, status=1).err
    assert not town.folder.path("root.key").exists()
    town.write_passphrase(PASSPHRASE)
    assert "TLS" not in town.ca("restore", *words).out
    assert town.folder.path("ca.pem").read_bytes() == before and town.keyset()


def test_an_altered_backup_is_refused_with_its_line(town: Town, tmp_path: Path) -> None:
    lines = GROUPS.findall(town.sheet.read_text())
    assert len(lines) == 5
    for number in range(5):
        for at in (0, 7, 18):
            changed = list(lines)
            letter = "7" if lines[number][at] != "7" else "8"
            changed[number] = lines[number][:at] + letter + lines[number][at + 1 :]
            with pytest.raises(RefusedError, match=f"line {number + 1} of the backup"):
                sheet.read(changed)
    with pytest.raises(RefusedError, match="line 1 of"):
        sheet.read([lines[1], lines[0], *lines[2:]])
    with pytest.raises(RefusedError, match="4 lines of groups were typed, expected 5"):
        sheet.read(lines[:4])
    other = sheet.lines_of(Ed25519PrivateKey.generate())
    with pytest.raises(RefusedError, match="of several backups"):
        sheet.read([*lines[:3], other[3], lines[4]])
    typed = tmp_path / "typed.txt"
    typed.write_text("\n".join([*lines[:4], other[4]]))
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    new = Town(fresh)
    said = new.ca("restore", "--tenant", TENANT, "--sheet", typed, "--keyset-version", 0, status=1)
    assert "several backups" in said.err and not new.directory.exists()


def test_the_backup_of_another_root_does_not_replace_this_one(town: Town) -> None:
    town.folder.path("root.key").unlink()
    town.folder.path("ca.key").unlink()
    town.sheet.write_text(sheet.text(Ed25519PrivateKey.generate(), TENANT, ["", ""]))
    said = town.ca("restore", "--tenant", TENANT, "--sheet", town.sheet, "--keyset-version", 0, status=1)
    assert "another root key than root.pub" in said.err and not town.folder.path("root.key").exists()


def test_codes_are_typed_as_people_type() -> None:
    code = typed_codes.seal(b"test", bytes(range(10)))
    messy = " " + code.lower().replace("-", " ").replace("1", "l").replace("0", "O")
    assert typed_codes.read(b"test", messy, 10) == bytes(range(10))
    assert typed_codes.read(b"other", code, 10) is None
    assert typed_codes.read(b"test", code[:-1], 10) is None
    assert typed_codes.read(b"test", code[:-1] + "U", 10) is None
    for data in (b"\xff", bytes(16), b"\xff" * 18):
        assert typed_codes.decode(typed_codes.encode(data), len(data)) == data


# --- roles, technicians, keysets ----------------------------------------------------------------------------------


def command(town: Town, key: Path | Ed25519PrivateKey, sort: str = "command") -> bytes:
    """A message of a role, signed by the key of a file."""
    signer = Signer(read_private_key(key, "key") if isinstance(key, Path) else key)
    fields: dict[str, object] = {
        "id": bytes(16),
        "counter": 1,
        "verb": "identify",
        "not_after": utc_ms() + 1000,
    }
    return signer.seal(sort, wire.encode_payload(sort, town.tenant, "hub-1", fields))


def test_keysets_rise_and_a_gateway_takes_each_and_never_an_older_one(town: Town) -> None:
    trust = GatewayTrust(TENANT, [town.folder.root_public_key()])
    first = town.keyset()
    town.role("desk", "command", "disposition")
    second = town.keyset("second.cbor")
    assert trust.accept(first) and trust.accept(second) and trust.version == 2
    with pytest.raises(RefusedError, match="older than the one held"):
        trust.accept(first)
    assert trust.open("command", command(town, town.files / "desk.pem"), TENANT, "hub-1", utc_ms())
    tenant, _ = read_keyset(
        town.files / "second.cbor", Signer(read_private_key(town.files / "platform.pem", "key")), []
    )
    assert tenant == TENANT, "the platform takes it with the key of the role"


def test_a_revoked_role_says_nothing_more_to_a_gateway_that_has_the_next_keyset(town: Town) -> None:
    trust = GatewayTrust(TENANT, [town.folder.root_public_key()])
    town.role("desk", "command")
    old = town.keyset()
    trust.accept(old)
    message = command(town, town.files / "desk.pem")
    assert trust.open("command", message, TENANT, "hub-1", utc_ms())
    town.ca("role", "revoke", "desk", secret=False)
    trust.accept(town.keyset("next.cbor"))
    with pytest.raises(RefusedError, match="a key that the keyset does not name"):
        trust.open("command", message, TENANT, "hub-1", utc_ms())
    with pytest.raises(RefusedError, match="older than the one held"):
        trust.accept(old)
    assert "desk, which was revoked" in town.ca("role", "revoke", "desk", secret=False, status=2).err


def test_a_role_signs_what_it_is_for_and_nothing_else(town: Town) -> None:
    trust = GatewayTrust(TENANT, [town.folder.root_public_key()])
    trust.accept(town.keyset())
    with pytest.raises(RefusedError, match="without the role command"):
        trust.open("command", command(town, town.files / "platform.pem"), TENANT, "hub-1", utc_ms())


def test_a_keyset_of_another_root_is_refused_by_a_gateway(town: Town, tmp_path: Path) -> None:
    (tmp_path / "imposter").mkdir()
    other = Town(tmp_path / "imposter").made()
    trust = GatewayTrust(TENANT, [town.folder.root_public_key()])
    with pytest.raises(RefusedError, match="not signed by a root key of this gateway"):
        trust.accept(other.keyset())


def test_a_next_root_may_sign_the_one_after(town: Town, tmp_path: Path) -> None:
    (tmp_path / "next").mkdir()
    successor = Town(tmp_path / "next").made()
    trust = GatewayTrust(TENANT, [town.folder.root_public_key()])
    trust.accept(town.keyset("a.cbor", "--next-root", successor.folder.path("root.pub")))
    successor.keyset()
    assert trust.accept(successor.keyset("b.cbor")) and trust.version == 2


def test_a_role_that_rotates_counts_under_both_keys_until_the_overlap_ends(town: Town) -> None:
    fresh = town.files / "fresh.pem"
    town.ca("role", "rotate", "platform", "--out", fresh, "--overlap-days", 7, secret=False)
    trust = GatewayTrust(TENANT, [town.folder.root_public_key()])
    trust.accept(town.keyset())
    assert len(trust.keys) == 2 and {roles[0] for _, roles in trust.keys.values()} == {"receipt"}
    book, now_ms = town.folder.book(), utc_ms()
    assert len(book.of("platform", now_ms)) == 2
    assert [each.public_key for each in book.of("platform", now_ms + 8 * DAY_MS)] == [
        Signer(read_private_key(fresh, "key")).public_key
    ]
    assert book.keyset_not_after > now_ms + 300 * DAY_MS, "receipts outlive the date and do not set it"


def test_a_technicians_time_ends_the_keyset_so_that_no_gateway_listens_longer(town: Town) -> None:
    secret = town.files / "technician"
    secret.touch(0o600)
    secret.write_text("five words of a technician\n")
    made = town.files / "kari.key"
    words = ("--role", "command", "--days", 30, "--out", made, "--key-passphrase-file", secret)
    town.ca("technician", "add", "tech-7", *words, secret=False)
    key = sealed.unseal(made, "five words of a technician")
    assert isinstance(key, Ed25519PrivateKey)
    trust = GatewayTrust(TENANT, [town.folder.root_public_key()])
    trust.accept(town.keyset())
    now_ms = utc_ms()
    assert trust.open("command", command(town, key), TENANT, "hub-1", now_ms)
    with pytest.raises(RefusedError, match="the keyset has expired"):
        trust.open("command", command(town, key), TENANT, "hub-1", now_ms + 31 * DAY_MS)
    book = town.folder.book()
    fields = book.keyset_fields(now_ms + 31 * DAY_MS, now_ms + 400 * DAY_MS, [])
    assert len(fields["keys"]) == 1 and fields["not_after"] == now_ms + 400 * DAY_MS  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("--role", "receipt", "--days", 30), "--role: found 'receipt'"),
        (("--role", "command"), "no end within a year"),
        (("--role", "command", "--days", 500), "no end within a year"),
        (("--role", "root", "--days", 5), "--role: found 'root'"),
        (("--days", 5), "--role: found nothing"),
        (("--role", "command", "--days", 5, "--public-key", "ab" * 32), "--public-key, --out: found both"),
    ],
)
def test_what_a_technician_may_not_have_is_refused_and_nothing_is_made(
    town: Town, words: tuple[object, ...], cause: str
) -> None:
    before, out = town.folder.path("book.json").read_bytes(), town.files / "t.key"
    said = town.ca("technician", "add", "tech-7", *words, "--out", out, secret=False, status=2)
    assert cause in said.err
    assert town.folder.path("book.json").read_bytes() == before and not out.exists()


def test_a_holder_may_bring_a_public_key_and_no_key_stands_there_twice(town: Town) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw().hex()
    words = ("--role", "disposition", "--public-key", public)
    town.ca("role", "add", "centre", *words, secret=False)
    trust = GatewayTrust(TENANT, [town.folder.root_public_key()])
    trust.accept(town.keyset())
    assert bytes.fromhex(public) in [row[0] for row in trust.keys.values()]
    assert "in the book" in town.ca("role", "add", "again", *words, secret=False, status=2).err
    assert "in the book" in town.role("centre", "command", status=2).err
    assert not (town.files / "centre.pem").exists()


def test_without_a_receipt_role_no_keyset_is_signed(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.ca("init", "--tenant", TENANT, "--backup", town.sheet)
    said = town.ca("keyset", "--out", tmp_path / "k.cbor", status=1)
    assert "nobody may sign receipts" in said.err


def test_a_keyset_that_a_gateway_would_not_take_is_not_signed(town: Town) -> None:
    book = town.folder.book()
    for number in range(200):
        entry = Entry(f"role-{number}", SERVICE, number.to_bytes(32, "big"), ("config",), 0)
        book.add(entry, utc_ms())
    town.folder.keep(book)
    said = town.ca("keyset", "--out", town.files / "k.cbor", status=1)
    assert "larger than a gateway takes" in said.err and town.folder.book().keyset_version == 0


def test_the_list_says_who_may_what_until_when(town: Town) -> None:
    town.role("desk", "command", "disposition")
    assert "desk  command, disposition: in no keyset yet" in town.ca("list", secret=False).out
    town.keyset()
    town.ca("role", "revoke", "desk", secret=False)
    said = town.ca("list", secret=False).out
    assert said.startswith("tenant oslo, keyset 1, until 20")
    assert "platform  receipt: until revoked" in said and "desk  command, disposition: revoked 20" in said
    facts = json.loads(town.ca("list", "--json", secret=False).out)
    assert [(row["name"], row["counts"]) for row in facts["keys"]] == [("platform", True), ("desk", False)]


def test_a_book_that_is_none_is_said(town: Town) -> None:
    for text, words in (
        ("{}", "something else"),
        (
            '{"format": 2, "tenant": "a", "keyset_version": 1, "keyset_not_after": 0, "entries": []}',
            "newer version",
        ),
    ):
        town.folder.path("book.json").write_text(text)
        assert words in town.ca("list", secret=False, status=2).err


def test_a_person_and_a_service_are_not_taken_for_each_other(town: Town) -> None:
    said = town.ca("technician", "revoke", "platform", secret=False, status=2)
    assert "of the other sort" in said.err
    book = Book(TENANT)
    book.add(Entry("kari", PERSON, bytes(32), ("command",), 0, DAY_MS), 0)
    assert book.of("kari", DAY_MS - 1) and not book.of("kari", DAY_MS)
