"""A fault is never shown as an alarm, nor a new alarm as a repetition (F23): homes in which everything toggles.

    python -m tools.rig.confusions --steps 100000 --seed 1
    python -m tools.rig.confusions --steps 20000 --unsafe hub

A seed is a home of `LIFE` steps: sensors that turn, toggle and fall silent, presses, frames cut short, forged words, doses,
exercises, restarts of any length, clocks that jump or are lost. After each step its answer is held against the world.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable

from gateway.core.model import REPLAY_SUSPECTED, UNAUTHENTICATED, Event, Observation
from gateway.core.rules.engine import Engine, Moment
from gateway.core.rules.storm import NOTICE_MS, Spell, Storms
from tools.evidence.figure import Figure, Outcome
from tools.rig.command import parser_of, say
from tools.rig.confused_home import BUTTON, CONTACTS, DAY_MINUTES, DOOR, KEYED, SMOKE, WATER, Home, Kind

LIFE = 500  # steps of one home
CONTROL_STEPS = 5_000
SHOWN = 3
SHORT_MS, MIDDLE_MS, LONG_MS = 30_000, 240_000, 1_500_000
TRIED = (
    (SMOKE, "smoke.detected"),
    (WATER, "water.detected"),
    (KEYED, "smoke.detected"),
    (DOOR, "door.night_exit"),
    (BUTTON, "button.pressed"),
)
OUTCOMES = ("dose.collected", "dose.missed", "dose.withdrawn")


# --- what befalls a home -------------------------------------------------------------------------------------------


def wait(home: Home, chance: random.Random) -> None:
    home.wait(chance.randrange(chance.choice((SHORT_MS, MIDDLE_MS, LONG_MS))))


def wait_ten_minutes(home: Home, chance: random.Random) -> None:
    """To the millisecond about the limit."""
    home.wait(NOTICE_MS + chance.randrange(-3, 4))


def turn(home: Home, chance: random.Random) -> None:
    home.turn(chance.choice(CONTACTS))


def toggle(home: Home, chance: random.Random) -> None:
    """By itself, for a while."""
    contact, pause_ms = chance.choice(CONTACTS), chance.choice((100, 5_000, 70_000, 200_000))
    for _ in range(chance.randrange(2, 14)):
        home.turn(contact)
        home.wait(chance.randrange(pause_ms))


def damage(home: Home, chance: random.Random) -> None:
    """A frame is cut short."""
    if chance.random() < 0.5:
        home.press(chance.randrange(6))
    else:
        home.turn(chance.choice(CONTACTS), chance.randrange(8))


def press(home: Home, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 5))):
        home.press()


def warn(home: Home, chance: random.Random) -> None:
    """A detector with a key, or who speaks in its name."""
    doubt = chance.choice((0, 0, UNAUTHENTICATED, REPLAY_SUSPECTED, UNAUTHENTICATED | REPLAY_SUSPECTED))
    for _ in range(chance.randrange(1, 6)):
        home.warn(chance.random() < 0.6, chance.choice((doubt, 0)))
        home.wait(chance.randrange(SHORT_MS))


def dose(home: Home, chance: random.Random) -> None:
    if chance.random() < 0.5:
        home.plan_dose()
    else:
        home.tell_dose(chance.choice(OUTCOMES))


def exercise(home: Home, chance: random.Random) -> None:
    placement, kind = chance.choice(TRIED)
    home.exercise(placement, kind, chance.randrange(1, 120_001))


def restart(home: Home, chance: random.Random) -> None:
    home.restart(chance.choice((1, 5_000, NOTICE_MS, 86_400_000)))


def set_clock(home: Home, chance: random.Random) -> None:
    home.set_clock(chance.choice((None, chance.randrange(20 * DAY_MINUTES))))


STEPS: tuple[tuple[Callable[[Home, random.Random], None], int], ...] = (
    (wait, 12),
    (wait_ten_minutes, 3),
    (turn, 12),
    (toggle, 4),
    (damage, 3),
    (press, 4),
    (warn, 4),
    (dose, 2),
    (exercise, 4),
    (restart, 2),
    (set_clock, 2),
)


def live(seed: int, kind: Kind, most: int = LIFE) -> tuple[Home, int]:
    """One home, and the steps it took: it ends where something is found."""
    chance = random.Random(seed)
    home = Home(kind, chance.randbytes)
    acts, weights = [act for act, _ in STEPS], [weight for _, weight in STEPS]
    for number, act in enumerate(chance.choices(acts, weights, k=most)):
        act(home, chance)
        if home.judge.found:
            return home, number + 1
    return home, most


# --- hubs that are unsafe ------------------------------------------------------------------------------------------


class PerHub(Storms):
    """Marks what any device of the home told, not this one."""

    def key_of(self, placement: int, kind: str, part: str) -> str:
        return super().key_of(0, kind, part)


class DampsButtons(Storms):
    """Marks a press that follows another within ten minutes."""

    pressed_ms = -NOTICE_MS

    def follow(self, event: Event) -> None:
        super().follow(event)
        if event.kind == "button.pressed":
            if event.uptime_ms - self.pressed_ms < NOTICE_MS:
                event.values["repeat"] = 1
            self.pressed_ms = event.uptime_ms


class Forgets(Storms):
    """Begins with nothing after a restart: what stands behind a mark stays there, and a storm has no end."""

    def take_up(self, stored: dict[str, bytes]) -> None:
        return


class MarksExits(Storms):
    """Takes whoever goes out a second time within ten minutes for the first."""

    def may_mark(self, spell: Spell) -> bool:
        return True


class WaitsAnew(Storms):
    """Lets what stands behind a mark wait for ten minutes after each restart."""

    def go_on(self, spell: Spell, now_ms: int) -> None:
        super().go_on(spell, now_ms)
        if spell.again_ms is not None:
            spell.again_ms = now_ms + NOTICE_MS


def carry(before: Engine, after: Engine, before_ms: int, now_ms: int) -> None:
    """A storm goes on over a restart as if no time had passed: what is new is marked."""
    after.storms.held = before.storms.held
    for spell in after.storms.held.values():
        for name in ("last_ms", "notice_ms", "again_ms"):
            at_ms = getattr(spell, name)
            setattr(spell, name, None if at_ms is None else at_ms - before_ms + now_ms)


class Confuses(Engine):
    """Shows a silent device as a person who left."""

    def assign(self, event: Event) -> None:
        if event.kind == "device.silent":
            event.kind = "door.night_exit"
        super().assign(event)


class Withholds(Engine):
    """Keeps repetitions to itself."""

    def observe(
        self, placement: int, observation: Observation, moment: Moment, identity: bytes | None = None
    ) -> list[Event]:
        made = super().observe(placement, observation, moment, identity)
        return [event for event in made if "repeat" not in event.values]


SAFE = Kind()
UNSAFE = {
    "hub": Kind(storms=PerHub),
    "button": Kind(storms=DampsButtons),
    "exits": Kind(storms=MarksExits),
    "waits": Kind(storms=WaitsAnew),
    "restart": Kind(carry=carry),
    "forgets": Kind(storms=Forgets),
    "confuses": Kind(engine=Confuses),
    "withholds": Kind(engine=Withholds),
}


# --- the figure ----------------------------------------------------------------------------------------------------


def steps(trials: int, seed: int, kind: Kind = SAFE) -> Outcome:
    """Homes until so many steps are done; seeds of different runs do not meet."""
    done, number, bad = 0, 0, 0
    failures: list[str] = []
    counts: Counter[str] = Counter()
    while done < trials:
        home, took = live(seed * 1_000_000 + number, kind, min(LIFE, trials - done))
        done, number = done + took, number + 1
        counts.update(home.judge.counts)
        if home.judge.found:
            bad += 1
            again = f"{home.judge.found[0]}: replay {seed * 1_000_000 + number - 1}"
            failures = [*failures, again][:SHOWN]
    return Outcome(done, bad, {name: counts[name] for name in sorted(counts)}, tuple(failures))


def controls(seed: int) -> Outcome:
    """Every unsafe hub must be found: where one is not, nothing counts as found."""
    outcomes = {name: steps(CONTROL_STEPS, seed, kind) for name, kind in UNSAFE.items()}
    bad = sum(outcome.bad for outcome in outcomes.values())
    every = all(outcome.bad for outcome in outcomes.values())
    failures = tuple(f"{name}: {line}" for name, outcome in outcomes.items() for line in outcome.failures[:1])
    reached: dict[str, int | str] = {f"homes, {name}": outcome.bad for name, outcome in outcomes.items()}
    return Outcome(sum(one.trials for one in outcomes.values()), bad if every else 0, reached, failures)


FIGURES = (
    Figure(
        id="F23",
        title="Faults shown as alarms, and alarms shown as repetitions",
        trial="step",
        asked="0 of a million steps; what toggles alarms at once, then at most once in ten minutes; no press and no new episode "
        "is damped",
        release=1_000_000,
        share=20_000,
        modules=(
            "gateway/core/rules",
            "gateway/core/devices",
            "gateway/core/supervision.py",
            "gateway/core/registry.py",
            "tools/rig/confused_home.py",
            "tools/rig/confused_judge.py",
            "tools/rig/confusions.py",
        ),
        run=steps,
        control=controls,
        unsafe="hubs that mark what another device told, damp a button or an exit, carry a storm over a restart, forget it or begin "
        "its time anew, show silence as an alarm, or withhold repetitions",
        conditions="simulated: time, journal and radio frames; the product's engine, rules, supervision and BTHome decoder",
    ),
)


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 where nothing was found."""
    parser = parser_of("tools.rig.confusions", __doc__, count="steps", usual=100_000)
    parser.add_argument("--unsafe", choices=sorted(UNSAFE), help="a hub that must be found out")
    parser.add_argument("--replay", type=int, help="the one home of this number, as a failure names it")
    options = parser.parse_args(argv)
    kind = UNSAFE[options.unsafe] if options.unsafe else SAFE
    if options.replay is not None:
        found = live(options.replay, kind)[0].judge.found
        print("\n".join(found) or "nothing found")
        return int(bool(found))
    return int(bool(say(steps(options.steps, options.seed, kind))))


if __name__ == "__main__":
    sys.exit(main())
