# What is frozen into the board's firmware, from where it stands: the portable code exists once.
# Read by MicroPython's manifestfile.py, which gives `package`. Source: MicroPython, docs/reference/manifest.rst.
import os

BASE = ".."
# Only CPython goes there: interfaces are types, the other backends are Linux.
NOT_PORTABLE = ("gateway/daemon", "hal/interfaces.py", "hal/provisioning.py", "hal/linux", "hal/bumble")
# Only the build goes there.
NOT_FROZEN = ("firmware/manifest.py",)


def files_of(name: str) -> "list[str]":
    """Python files of a package that go into the firmware, relative to it, sorted."""
    found = []
    folders = [name]
    while folders:
        folder = folders.pop()
        for entry in sorted(os.listdir(BASE + "/" + folder)):
            path = folder + "/" + entry
            if path in NOT_PORTABLE + NOT_FROZEN or entry == "__pycache__":
                continue
            if entry.endswith(".py"):
                found.append(path[len(name) + 1 :])
            elif "." not in entry:
                folders.append(path)
    return sorted(found)


for name in ("gateway", "hal", "firmware"):
    package(name, files=files_of(name), base_path=BASE)  # noqa: F821  # pyright: ignore[reportUndefinedVariable]
