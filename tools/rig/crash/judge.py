"""Whether a store that was opened after a cut is what was promised."""

from typing import Any

from hal.errors import HalError
from hal.linux import journal_file
from hal.types import LANES, chain_next, chain_start
from tools.rig.crash.life import Row, Told, Version, read_lane


def faults_of(connection: Any, told: Told, moment: int) -> list[str]:
    """What is wrong with a store that is opened after a cut when `moment` operations had been done; mostly nothing."""
    found = read(connection)
    if isinstance(found, str):
        return [found]
    epoch, lasts, state, forgotten, rows, given_up = found
    allowed = told.allowed(moment)
    fitting = [
        version
        for version in allowed
        if (epoch, lasts, state) == (version.epoch, version.lasts, version.state)
    ]
    if not fitting:
        return [why_none(allowed[0], epoch, lasts)]
    return min([rows_wrong(version, told, forgotten, rows, given_up) for version in fitting], key=len)


def rows_wrong(
    version: Version, told: Told, forgotten: list[int], rows: list[list[Row]], given_up: list[Any]
) -> list[str]:
    """Events that are not those of the version, or that are gone without a word."""
    wrong = []
    for lane in LANES:
        first, tail = forgotten[lane] + 1, version.tails.get(lane, [])
        expected = told.history[version.epoch][lane][first - 1 : version.lasts[lane] - len(tail)]
        if rows[lane] != expected + tail[max(0, first - 1 - version.lasts[lane] + len(tail)) :]:
            wrong.append(f"lane {lane}: what is held is not what was stored")
        missing = [seq for seq in range(version.acked[lane] + 1, first) if not covered(given_up, lane, seq)]
        held = [row for row in given_up if row[0] == lane and row[2] >= first]
        if held:
            wrong.append(
                f"lane {lane}: numbers to {held[0][2]} are called given up, and held from {first} on"
            )
        if missing:
            wrong.append(f"lane {lane}: numbers {missing[0]} to {missing[-1]} are gone, and nobody said so")
    return wrong


def read(connection: Any) -> Any:
    """Epoch, lasts, state, forgotten, rows and what was given up; or why it cannot be read."""
    try:
        journal_file.check(connection)
    except HalError as error:
        return f"would be set aside: {error} {error.detail}"
    rows_of_epoch = connection.execute("SELECT epoch FROM journal").fetchall()
    if not rows_of_epoch:
        return "has no epoch"
    epoch = rows_of_epoch[0][0]
    forgotten, lasts, rows = [], [], []
    for lane, number, chain in connection.execute(
        "SELECT lane, forgotten, chain FROM lane ORDER BY lane"
    ).fetchall():
        held = [row for row in read_lane(connection, lane) if row[0] > number]
        before = chain
        for seq, event, own in held:
            if chain_next(before, event) != own:
                return f"lane {lane}: the chain is broken at {seq}"
            before = own
        if number == 0 and chain != chain_start(epoch, lane):
            return f"lane {lane}: the chain does not begin at the epoch"
        forgotten.append(number)
        lasts.append(held[-1][0] if held else number)
        rows.append(held)
    state = dict(connection.execute("SELECT key, value FROM state").fetchall())
    given_up = connection.execute("SELECT lane, first, last FROM given_up").fetchall()
    return epoch, tuple(lasts), state, forgotten, rows, given_up


def why_none(newest: Version, epoch: bytes, lasts: tuple[int, ...]) -> str:
    """Why a store is in no state that is allowed, `newest` being what was told."""
    if epoch != newest.epoch:
        return "another epoch than was told"
    lost = [
        f"{newest.lasts[lane] - lasts[lane]} of lane {lane}"
        for lane in LANES
        if lasts[lane] < newest.lasts[lane]
    ]
    if lost:
        return "told and lost: " + ", ".join(lost)
    return "half of something: events and state that do not go together"


def covered(given_up: list[Any], lane: int, seq: int) -> bool:
    """Whether the store says that it gave a number up."""
    return any(row[0] == lane and row[1] <= seq <= row[2] for row in given_up)
