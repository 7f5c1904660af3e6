"""Children that end with whoever started them, however that ended.

A rig that is killed leaves its hub running otherwise, and that goes on opening its serial line by name: the number of a
pseudo-terminal is given to the next home, whose own hub then finds its line in use for ever (seen as thousands of events
that never came, in runs beside one that had been broken off).
"""

import shutil
from collections.abc import Sequence


def with_parent(command: Sequence[str]) -> list[str]:
    """The command, killed when the thread that starts it ends (prctl(2), PR_SET_PDEATHSIG); as it is where util-linux is missing."""
    setpriv = shutil.which("setpriv")
    return [*([setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []), *command]
