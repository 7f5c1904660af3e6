"""The log of the platform's store is brought into its file by a thread of its own."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

from tools.platform.checkpoints import Checkpoints
from tools.platform.store import Store


def stored_alone(path: Path) -> int:
    """Gateways in the file without its log."""
    alone = path.with_name("alone.db")
    shutil.copy(path, alone)
    with contextlib.closing(sqlite3.connect(alone)) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM gateway").fetchone()[0])


def test_the_log_is_brought_into_the_file_beside_the_work(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    with Store(str(path)) as store:
        for number in range(100):
            store.open_gateway("city", f"home-{number}")
            store.commit()
        assert store.checkpoints is not None
        store.checkpoints.close()
        assert stored_alone(path) == 100


def test_where_nobody_does_it_the_log_holds_everything(tmp_path: Path) -> None:
    """The control: no commit has done it in the meantime."""
    path = tmp_path / "platform.db"
    with Store(str(path)) as store:
        assert store.checkpoints is not None
        store.checkpoints.close()
        store.checkpoints = None
        before = stored_alone(path)
        store.open_gateway("city", "home-1")
        store.commit()
        assert stored_alone(path) == before == 0


def test_a_store_in_memory_has_none() -> None:
    with Store(":memory:") as store:
        assert store.checkpoints is None


def test_it_ends_where_the_file_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    Store(str(path)).close()
    checkpoints = Checkpoints(str(path))
    path.unlink()
    checkpoints.want()
    checkpoints.close()
