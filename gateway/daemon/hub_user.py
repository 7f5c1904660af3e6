"""Whether the hub's own user may read a file: root, who looks, may read everything, and so sees no file that is closed to the hub.

The hub's user is whoever the folder of its data belongs to. Judged are owner, group and mode of the file and of every folder above it;
access control lists are not looked at.
"""

import os
import pwd
import stat
from pathlib import Path

USER = "trygg"  # as the package and the operator guide make it


def hub_user(data: Path) -> pwd.struct_passwd | None:
    """The hub's user where root looks and the hub is another; else None: whoever looks sees what the hub sees."""
    try:
        owner = data.stat().st_uid
    except OSError:
        return None
    if os.geteuid() != 0 or owner == 0:
        return None
    try:
        return pwd.getpwuid(owner)
    except KeyError:
        return None


def owner_of(data: Path) -> str:
    """The name of the hub's user, whose the folder of its data is; its number where it has no name; `trygg` where there is no folder."""
    try:
        owner = data.stat().st_uid
    except OSError:
        return USER
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)


def may_read(path: Path, user: pwd.struct_passwd) -> bool:
    """Whether that user may read a file that is there, through all its folders. Raises OSError."""
    groups = set(os.getgrouplist(user.pw_name, user.pw_gid))
    real = path.resolve(strict=True)
    wanted = [(each, 0o1) for each in real.parents] + [(real, 0o4)]
    return all(is_allowed(each.stat(), bit, user.pw_uid, groups) for each, bit in wanted)


def is_allowed(seen: os.stat_result, bit: int, uid: int, groups: set[int]) -> bool:
    """By the first of owner, group and others that fits: the others do not count then (path_resolution(7))."""
    mode = stat.S_IMODE(seen.st_mode)
    shift = 6 if seen.st_uid == uid else 3 if seen.st_gid in groups else 0
    return bool(mode >> shift & bit)
