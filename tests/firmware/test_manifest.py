"""What is frozen: everything portable, from its place, and nothing else."""

import tomllib

import firmware
from tests.firmware.board import ROOT, frozen_paths
from tools.mpy.sizes import portable_files


def test_the_manifest_freezes_what_is_portable_and_nothing_of_linux() -> None:
    paths = frozen_paths()
    assert sorted([*paths, "firmware/manifest.py"]) == portable_files(ROOT)
    assert all((ROOT / path).is_file() for path in paths)
    interfaces = ("hal/interfaces.py", "hal/provisioning.py")
    for kept_out in ("gateway/daemon/", "hal/linux/", "hal/bumble/", *interfaces, "tools/", "tests/"):
        assert not [path for path in paths if path.startswith(kept_out)], kept_out


def test_the_firmware_has_the_version_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == firmware.VERSION
