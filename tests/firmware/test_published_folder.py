"""The files of a board's published layer, on a folder."""

from pathlib import Path

from firmware.published import BEFORE, NAME, Folder, layer, sealed


def test_files_are_replaced_whole_renamed_and_removed(tmp_path: Path) -> None:
    files = Folder(str(tmp_path))
    assert files.read(NAME) is None and layer(files) is None
    files.write(NAME, sealed(b"one"))
    files.write(NAME, sealed(b"two"))
    assert layer(files) == b"two" and [path.name for path in tmp_path.iterdir()] == [NAME]
    files.write(BEFORE, sealed(b"one"))
    files.rename(BEFORE, NAME)
    assert layer(files) == b"one" and files.read(BEFORE) is None
    files.remove(NAME)
    files.remove(NAME)
    assert list(tmp_path.iterdir()) == []
