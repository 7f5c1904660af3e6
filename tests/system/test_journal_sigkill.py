"""Kill a process that writes a journal, at random moments: what it was promised is there.

The negative control says that an event is stored before it is; the same harness must find what that loses.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hal.linux.journal import SqliteJournal
from hal.types import LANES, chain_next

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("TRYGG_KILLS", "20"))
Told = dict[tuple[int, int], bytes]


def run_until_killed(
    store: Path, variant: str, writers: int, numbers: random.Random, moment_s: float = 0.02
) -> Told:
    """Start the program, kill it after some lines and a moment more, and collect what it said in all."""
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.system.journal_program", str(store), variant, str(writers)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert program.stdout is not None
    with program:
        lines = [program.stdout.readline() for _ in range(numbers.randint(1, 300))]
        try:
            program.wait(numbers.random() * moment_s)
        except subprocess.TimeoutExpired:
            pass
        program.send_signal(signal.SIGKILL)
        lines += program.stdout.read().splitlines(keepends=True)
    assert program.returncode == -signal.SIGKILL, "the program ended by itself"
    told: Told = {}
    for line in lines:
        lane, seq, event = line.split()
        told[int(lane), int(seq)] = bytes.fromhex(event.decode())
    return told


def losses(store: Path, told: Told) -> list[tuple[int, int]]:
    """Numbers that were told and are neither there as told nor acknowledged; the chain must hold in any case."""

    async def read() -> list[tuple[int, int]]:
        journal = await SqliteJournal.open(store)
        assert journal.set_aside() == []
        there: Told = {}
        for lane in LANES:
            mark = journal.mark(lane)
            chain = mark.before
            for seq in range(mark.first, mark.last + 1):
                (entry,) = journal.peek(lane, seq - 1, 1)
                chain = chain_next(chain, entry.event)
                assert (entry.seq, entry.chain) == (seq, chain)
                there[lane, seq] = entry.event
            assert chain == mark.chain
        firsts = [journal.mark(lane).first for lane in LANES]
        await journal.close()
        return [key for key, event in told.items() if key[1] >= firsts[key[0]] and there.get(key) != event]

    return asyncio.run(read())


@pytest.mark.timeout(KILLS * 5 + 20)
def test_a_killed_writer_loses_nothing_that_it_was_promised(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    numbers = random.Random(seed)
    told: Told = {}
    for kill in range(KILLS):
        said = run_until_killed(tmp_path / "journal.sqlite", "journal", numbers.choice([1, 3, 20]), numbers)
        assert not set(said) & set(told), f"numbers given twice, seed {seed}, kill {kill}"
        told.update(said)
        assert losses(tmp_path / "journal.sqlite", told) == [], f"seed {seed}, kill {kill}"


def test_the_same_harness_finds_what_an_early_promise_loses(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    numbers = random.Random(seed)
    for kill in range(60):  # about every third kill loses something
        store = tmp_path / str(kill) / "journal.sqlite"
        # one writer, so that the number it foretells is the number the event gets; and hardly a moment: on a busy machine
        # a longer one lets the event be stored before the kill comes
        if losses(store, run_until_killed(store, "early", 1, numbers, kill % 5 / 1000)):
            return
    pytest.fail(f"the control lost nothing: the harness cannot see a loss, seed {seed}")
