"""The gateway's Debian package: the same bytes each time, read by dpkg-deb, with no wheel that the lock does not name."""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.deb import __main__ as deb
from tools.deb import wheelhouse
from tools.deb.archive import Entry, PackageError, build, read_control

ROOT = Path(__file__).resolve().parents[2]
EPOCH = 1_700_000_000
WHEEL = ("trygg_hub-0.1.0-py3-none-any.whl", b"PK a wheel")
LOCK = (ROOT / deb.LOCK).read_text("utf-8")


def made(epoch: int = EPOCH) -> tuple[str, bytes]:
    return deb.package(ROOT, WHEEL, {}, epoch)


def test_the_same_commit_gives_the_same_bytes_whatever_the_hour_the_place_and_the_hand(
    tmp_path: Path,
) -> None:
    first = made()
    before = os.umask(0o077)
    try:
        assert made() == first
    finally:
        os.umask(before)
    assert made(EPOCH + 1) != first, "the epoch is in it"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not installed")
    name, data = made()
    path = tmp_path / name
    path.write_bytes(data)
    return path


def dpkg_deb(*arguments: object) -> str:
    return subprocess.run(
        ["dpkg-deb", *map(str, arguments)], capture_output=True, text=True, check=True
    ).stdout


def test_dpkg_reads_what_was_written(package: Path, tmp_path: Path) -> None:
    assert package.name == "trygg_0.1.0_all.deb"
    fields = "Package", "Version", "Architecture", "Depends"
    said = dict(line.split(": ", 1) for line in dpkg_deb("-f", package, *fields).splitlines())
    assert said == {"Package": "trygg", "Version": "0.1.0", "Architecture": "all", "Depends": deb.DEPENDS}
    dpkg_deb("-R", package, tmp_path / "out")
    out = tmp_path / "out"
    units = out / "usr/lib/systemd/system"
    assert sorted(each.name for each in units.iterdir()) == [
        "trygg-bonds.socket",
        "trygg-bonds@.service",
        "trygg.service",
    ]
    assert all((units / Path(each).name).read_bytes() == (ROOT / each).read_bytes() for each in deb.UNITS)
    assert (out / f"usr/lib/trygg/wheels/{WHEEL[0]}").read_bytes() == WHEEL[1]
    assert os.access(out / "DEBIAN/postinst", os.X_OK)
    for name in ("trygg", "trygg-kit"):
        assert os.access(out / "usr/bin" / name, os.X_OK)
        assert f"exec /opt/trygg/bin/{name} " in (out / "usr/bin" / name).read_text()
    for line in (out / "DEBIAN/md5sums").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.md5((out / name).read_bytes()).hexdigest() == digest
    rows = dpkg_deb("-c", package).splitlines()
    assert all(row.split()[1] == "root/root" for row in rows)
    assert not any("/var/" in row for row in rows), "what is a home's own is no package's"
    settings = [row.split()[5] for row in rows if "/etc/" in row and not row.endswith("/")]
    assert settings == ["./etc/NetworkManager/dnsmasq-shared.d/trygg.conf"]
    assert (out / "DEBIAN/conffiles").read_text() == settings[0].removeprefix(".") + "\n"


def test_what_the_access_point_needs_is_for_the_hubs_user_alone_and_names_no_more_than_it_does() -> None:
    rules = (ROOT / deb.RULES).read_text()
    assert 'subject.user == "trygg"' in rules and rules.count("polkit.Result.YES") == 1
    granted = set(re.findall(r'"(org\.freedesktop\.[\w.-]+)"', rules))
    own = "org.freedesktop.NetworkManager."
    assert granted == {
        own + name for name in ("network-control", "settings.modify.system", "wifi.share.protected")
    }
    lines = [line for line in (ROOT / deb.SHARED).read_text().splitlines() if not line.startswith("#")]
    assert lines == ["port=0", "dhcp-option=option:router", "dhcp-option=option:dns-server"]


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_its_scripts_are_sound_shell(script: str) -> None:
    text = (ROOT / f"tools/deb/{script}.sh").read_text()
    assert text.startswith("#!/bin/sh\n") and "\nset -eu\n" in text
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0


def test_what_is_a_homes_own_is_never_removed() -> None:
    for script in ("postinst", "prerm", "postrm"):
        text = (ROOT / f"tools/deb/{script}.sh").read_text()
        removed = [line for line in text.splitlines() if "rm -" in line]
        assert not any("/var" in line or "/etc" in line for line in removed), removed


# --- what it says of itself ---------------------------------------------------------------------------------------


def test_a_packages_word_on_itself_is_read() -> None:
    said = read_control(made()[1])
    assert said["Package"] == "trygg" and said["Description"].startswith("home gateway")


def test_a_package_that_is_cut_or_none_is_refused() -> None:
    whole = made()[1]
    for data in (b"", b"!<arch>\n", b"text", whole[:100], whole[:200], whole[:60] + whole[68:]):
        with pytest.raises(PackageError, match="no Debian package"):
            read_control(data)


@given(st.binary(max_size=200), st.integers(0, 1500))
def test_whatever_a_file_holds_only_a_package_error_comes_of_it(data: bytes, at: int) -> None:
    whole = build({"Package": "x", "Version": "1"}, {}, {"a": Entry(b"b")}, 1)
    for damaged in (data, b"!<arch>\n" + data, whole[:at] + data + whole[at + len(data) :]):
        with contextlib.suppress(PackageError):
            read_control(damaged)


# --- wheels -------------------------------------------------------------------------------------------------------


def lock_of(folder: Path, *names: str, more: str = "") -> str:
    rows = []
    for name in names:
        data = f"wheel of {name}".encode()
        (folder / f"{name.replace('-', '_')}-1.0-py3-none-any.whl").write_bytes(data)
        rows.append(f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(data).hexdigest()}\n")
    return "".join(rows) + more


def test_wheels_are_those_of_the_lock_and_all_of_them(tmp_path: Path) -> None:
    other = "only-there==2 ; sys_platform == 'win32' \\\n    --hash=sha256:" + "0" * 64 + "\n"
    lock = lock_of(tmp_path, "paho-mqtt", "bleak", more=other)
    assert sorted(wheelhouse.gather(tmp_path, lock)) == [
        "bleak-1.0-py3-none-any.whl",
        "paho_mqtt-1.0-py3-none-any.whl",
    ]
    (tmp_path / "bleak-1.0-py3-none-any.whl").write_bytes(b"wheel of bleaK")
    with pytest.raises(PackageError, match=r"bleak-1\.0-py3-none-any\.whl is no file of the lock"):
        wheelhouse.gather(tmp_path, lock)
    (tmp_path / "bleak-1.0-py3-none-any.whl").unlink()
    with pytest.raises(PackageError, match="wheels are missing: bleak"):
        wheelhouse.gather(tmp_path, lock)


def test_a_wheel_under_anothers_name_is_refused(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, "bleak", "segno")
    (tmp_path / "bleak-1.0-py3-none-any.whl").rename(tmp_path / "segno-1.1-py3-none-any.whl")
    with pytest.raises(PackageError, match="is no file of the lock"):
        wheelhouse.gather(tmp_path, lock)


def test_the_lock_of_the_gateway_is_understood() -> None:
    pins = {pin.name: pin for pin in wheelhouse.read_lock(LOCK)}
    assert (
        pins["cryptography"].needed
        and pins["dbus-fast"].needed
        and pins["cffi"].needed
        and pins["typing-extensions"].needed
    )
    assert not any(pin.needed for name, pin in pins.items() if name.startswith(("winrt", "pyobjc")))
    for broken in ("", "a==1\n", "--hash=sha256:" + "0" * 64):
        with pytest.raises(PackageError):
            wheelhouse.read_lock(broken)


def test_a_package_is_for_the_machine_of_its_wheels() -> None:
    assert wheelhouse.architecture(["a-1-py3-none-any.whl"]) == "all"
    assert wheelhouse.architecture(["a-1-cp313-cp313-manylinux_2_28_aarch64.whl"]) == "arm64"
    with pytest.raises(PackageError, match="several machines"):
        wheelhouse.architecture(["a-1-x-manylinux_2_28_aarch64.whl", "b-1-x-manylinux2014_x86_64.whl"])
