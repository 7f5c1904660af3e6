"""The virtual machine's parts that need no virtual machine: the archive that it boots, its cache, its lock, its answers."""

import fcntl
import io
import socket
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from tools.rig.vm.archive import Archive, copy_tar
from tools.rig.vm.image import ImageError, find, find_program, missing
from tools.rig.vm.machine import MachineError, decode_answer, encode_command, first_connection, take_lock
from tools.rig.vm.recipes import RECIPES, Recipe


def entries(data: bytes) -> dict[str, tuple[int, bytes]]:
    """What a newc archive holds, read from its specification."""
    found, place = {}, 0
    while True:
        assert data[place : place + 6] == b"070701"
        fields = [int(data[place + 6 + 8 * each : place + 14 + 8 * each], 16) for each in range(13)]
        mode, size, length = fields[1], fields[6], fields[11]
        name = data[place + 110 : place + 110 + length - 1].decode()
        place += (110 + length + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found[name] = (mode, data[place : place + size])
        place += (size + 3) // 4 * 4


def archived(folder: Path) -> bytes:
    tar = folder / "files.tar"
    with tarfile.open(tar, "w") as file:
        for name, text in (("./bin/true", b"#!"), ("./usr/share/doc/readme", b"long"), ("./etc/one", b"1")):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text), 0o755
            file.addfile(member, io.BytesIO(text))
        link, device = tarfile.TarInfo("./usr/bin/also"), tarfile.TarInfo("./dev/null")
        link.type, link.linkname = tarfile.SYMTYPE, "true"
        device.type = tarfile.CHRTYPE
        file.addfile(link)
        file.addfile(device)
    written = io.BytesIO()
    archive = Archive(written)
    archive.add("bin", stat.S_IFLNK | 0o777, b"usr/bin")
    archive.add("etc/one", stat.S_IFREG | 0o644, b"ours")
    copy_tar(tar, archive, ("usr/share/doc/", "dev/"))
    archive.close()
    return written.getvalue()


def test_the_archive_holds_what_is_wanted_below_usr_and_ours_first(tmp_path: Path) -> None:
    found = entries(archived(tmp_path))
    assert found["usr/bin/true"] == (stat.S_IFREG | 0o755, b"#!")
    assert found["usr/bin/also"][1] == b"true" and stat.S_ISLNK(found["usr/bin/also"][0])
    assert found["bin"][1] == b"usr/bin" and found["etc/one"] == (stat.S_IFREG | 0o644, b"ours")
    assert list(found).index("usr") < list(found).index("usr/bin") < list(found).index("usr/bin/true")
    assert not [name for name in found if name.startswith(("dev", "usr/share/doc/"))]


@pytest.mark.skipif(find_program("cpio") is None, reason="cpio is not installed (an independent reader)")
def test_another_reader_lists_the_same(tmp_path: Path) -> None:
    data = archived(tmp_path)
    told = subprocess.run(["cpio", "--list", "--quiet"], input=data, capture_output=True, check=True)
    assert told.stdout.decode().split() == list(entries(data))


def test_a_command_comes_back_with_its_output_or_its_failure() -> None:
    number, line = encode_command("echo 'two\nlines'")
    assert line.startswith(number + b" ") and line.count(b"\n") == 1
    assert decode_answer("true", number + b" 0 dHdv\r\n") == "two"
    assert decode_answer("true", number + b" 0 \r\n") == ""
    with pytest.raises(MachineError, match="'false' ended with 1: why"):
        decode_answer("false", number + b" 1 d2h5\n")


def test_the_lock_is_held_until_its_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "vm.lock"
    held = take_lock(path)
    with path.open("a") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    held.close()
    take_lock(path).close()


def test_a_socket_that_has_its_name_before_anybody_listens_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as listener:

        def check() -> None:  # after each attempt that failed
            if not path.exists():
                listener.bind(str(path))
            else:
                listener.listen()

        first_connection(path, check).close()


def test_a_machine_that_ended_before_it_listened_is_said(tmp_path: Path) -> None:
    def check() -> None:
        raise MachineError("the machine crashed")

    with pytest.raises(MachineError, match="crashed"):
        first_connection(tmp_path / "control", check)


def test_what_is_missing_is_named_as_something_to_install() -> None:
    reason = missing()
    assert reason is None or "apt-get install" in reason or "x86_64" in reason


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_an_image_that_is_not_made_names_what_makes_it(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRYGG_CACHE", str(tmp_path))
    with pytest.raises(ImageError, match=f"make {recipe.target}$"):
        find(recipe)
    makefile = (Path(__file__).resolve().parents[2] / "Makefile").read_text("utf-8")
    assert f"\n{recipe.target}: " in makefile
