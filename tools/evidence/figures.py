"""The list of harnesses. Each module offers `FIGURES`; one that is missing, or lacks a tool, is skipped with its reason."""

import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tools.evidence.figure import Figure, UnavailableError

OURS = ("gateway", "hal", "tools", "firmware", "tests")


@dataclass(frozen=True)
class Harness:
    """A module and the figures it offers, which are named where it cannot be used."""

    module: str
    ids: tuple[str, ...]


HARNESSES = (
    Harness("tools.rig.crash.figures", ("F1", "F3", "F12")),
    Harness("tools.rig.flash_figures", ("F2", "F3")),
    Harness("tools.rig.kill_figures", ("F4",)),
    Harness("tools.rig.schedule_figures", ("F5", "F6", "F9", "F10", "F11", "F14")),
    Harness("tools.rig.fuzz_figures", ("F7",)),
    Harness("tools.rig.forgery", ("F13",)),
    Harness("tools.rig.mutants.figures", ("F21",)),
    Harness("tools.rig.pairings.figures", ("F18",)),
    Harness("tools.rig.confusions", ("F23",)),
    Harness("tools.rig.rehome_figures", ("F24",)),
    Harness("tools.bench.figures", ("F8", "F10", "F19", "F20")),
    Harness("tools.bench.journal_figures", ("F20",)),
    Harness("tools.rig.doses", ("D1",)),
    Harness("tools.rig.esp.week_figures", ("F10",)),
    Harness("tools.rig.allocations", ("F15",)),
    Harness("tools.rig.esp.month_figures", ("F15",)),
)
# Shares that became smaller than the harness says, so that `make check` stays quick. They stand here and not in the harness, which
# is among the code that a release's trials speak of: another share would make all of them trials of earlier code.
SMALLER = {"F1": 6_000, "F2": 1_000, "F2d": 250, "F3": 1_500, "F6": 10_000}


@dataclass(frozen=True)
class Skipped:
    """A harness that is not here: the figures it would offer, and why."""

    ids: tuple[str, ...]
    module: str
    reason: str


def names(asked: Iterable[str], figure_id: str) -> bool:
    """Whether the id is asked for, itself or as a part: `F8` names `F8a`, and not `F81`."""
    return figure_id in asked or figure_id.rstrip("abcdefghijklmnopqrstuvwxyz") in asked


def rank(figure_id: str) -> tuple[int, int, str]:
    """The order of the quality list, F3 before F12, and behind it the figures of one sort of device: D1."""
    found = re.fullmatch(r"([FD])(\d+)(.*)", figure_id)
    if found is None:
        raise ValueError(f"{figure_id}: a figure's id is F or D and a number, and a letter for a part")
    return "FD".index(found[1]), int(found[2]), found[3]


def load(harnesses: Iterable[Harness] = HARNESSES) -> tuple[list[Figure], list[Skipped]]:
    """Every figure in the order of its id, and what is skipped. Nothing is imported before this is called.

    Raises:
        ValueError: two figures with one id, or one that its harness is not listed with.
    """
    listed: dict[str, Figure] = {}
    skipped: list[Skipped] = []
    for harness in harnesses:
        try:
            figures = importlib.import_module(harness.module).FIGURES
        except UnavailableError as error:
            skipped.append(Skipped(harness.ids, harness.module, str(error)))
            continue
        except ModuleNotFoundError as error:
            skipped.append(Skipped(harness.ids, harness.module, missing(harness, error)))
            continue
        for figure in figures:
            if figure.id in listed or not names(harness.ids, figure.id):
                raise ValueError(f"{harness.module}: {figure.id} is there twice, or not in figures.py")
            listed[figure.id] = smaller(figure)
    return sorted(listed.values(), key=lambda each: rank(each.id)), skipped


def smaller(figure: Figure) -> Figure:
    """With the share of `SMALLER`, if it has one; its least slice stays what it was."""
    if figure.id not in SMALLER or not figure.share:
        return figure
    share = min(figure.share, SMALLER[figure.id])
    return replace(figure, share=share, least=figure.least or figure.share)


def missing(harness: Harness, error: ModuleNotFoundError) -> str:
    """Why a harness is skipped. A module of ours that it imports in vain is a fault, and no skip."""
    name = error.name or ""
    if harness.module == name or harness.module.startswith(name + "."):
        return f"{harness.module} is not in this version"
    if name.partition(".")[0] in OURS:
        raise error
    return f"{name} is not installed here"
