"""What the system knows of a process."""

from pathlib import Path


def written(pid: int) -> int:
    """Bytes that it has caused to be written to a disk, in whole pages; 0 in a folder that is in memory."""
    for line in Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0


def memory_kib(pid: int) -> tuple[int, int]:
    """Resident memory now, and at its largest."""
    rows = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        if line.startswith(("VmRSS", "VmHWM"))
    )
    return int(rows["VmRSS"].split()[0]), int(rows["VmHWM"].split()[0])
