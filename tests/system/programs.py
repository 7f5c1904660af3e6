"""The programs of a gateway and of the kit, as processes of a test."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TRYGG = [sys.executable, "-X", "utf8", "-m", "gateway.daemon"]
KIT = [sys.executable, "-X", "utf8", "-m", "tools.kit"]


@contextmanager
def process(command: list[object]) -> Iterator["subprocess.Popen[str]"]:
    """One that ends with the block; what it prints can be read."""
    child = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield child
    finally:
        child.terminate()
        child.communicate(timeout=60)
