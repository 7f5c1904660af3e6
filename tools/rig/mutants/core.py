"""The safety core: modules where one wrong branch mutes, delays or confuses a personal alarm (docs/adr/0023-safety-core.md).

In parts, for each is judged by tests of its own level. What they cost decides how many mutants can be tried.
"""

from dataclasses import dataclass

RULES = (
    "build",
    "contacts",
    "dose",
    "engine",
    "exercise",
    "follower",
    "incidents",
    "leaving",
    "left_open",
    "night_window",
    "no_sign",
    "not_back",
    "pack_limits",
    "recording",
    "senses",
    "storm",
    "tag_gone",
)


@dataclass(frozen=True)
class Part:
    """Modules, and the tests that judge them: paths from the root. A mutant that these do not see survives."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


POLICY = Part(
    "policy",
    (
        "gateway/core/config_rules.py",
        "gateway/core/cose.py",
        "gateway/core/event_codec.py",
        "gateway/core/model.py",
        "gateway/core/outbox.py",
        "gateway/core/pace.py",
        "gateway/core/rhythm.py",
        *(f"gateway/core/rules/{name}.py" for name in RULES),
        "gateway/core/session.py",
        "gateway/core/supervision.py",
        "gateway/core/timezone.py",
        "gateway/core/trust.py",
        "gateway/core/ways.py",
        "gateway/core/wire.py",
    ),
    ("tests/core",),
)
# The one door into the journal, what waits before it, and what makes it forget.
DOOR = Part(
    "door",
    (
        "gateway/hub/intake.py",
        "gateway/hub/inward.py",
        "gateway/hub/overrun.py",
        "gateway/hub/recorder.py",
        "gateway/hub/waiting.py",
        "gateway/hub/writing.py",
    ),
    (
        "tests/hub/test_delivery.py",
        "tests/hub/test_door_corners.py",
        "tests/hub/test_intake.py",
        "tests/hub/test_inward.py",
        "tests/hub/test_keysets.py",
        "tests/hub/test_losses.py",
        "tests/hub/test_overrun.py",
        "tests/hub/test_recorder.py",
        "tests/hub/test_upstream.py",
        "tests/hub/test_waiting.py",
    ),
)
PARTS = (POLICY, DOOR)
CORE = POLICY.modules + DOOR.modules


def of_core(*names: str) -> tuple[str, ...]:
    """Files of tests in tests/core."""
    return tuple(f"tests/core/test_{name}.py" for name in names)


# Of the tests of the policy those that are about its modules: the others take no branch that these leave.
OF_RULES = of_core(
    *("config_rules", "rules", "rules_bounded", "rules_contacts", "rules_corners", "rules_doors"),
    *("rules_dose", "rules_edges", "rules_limits", "rules_people", "rules_signs", "storm_doors"),
)
OF_THE_REST = of_core(
    *("alarms", "config", "cose", "device_clock", "event_codec", "exercise", "leaving", "model", "session"),
    *("storm", "supervision", "timezone", "trust", "ways", "wire"),
)
OF_DELIVERY = of_core("outbox", "outbox_marks", "outbox_order", "pace", "rhythm")

# The share of `make check`: few modules and few tests, for the start of a run costs more than its mutants.
SMALL = Part(
    "share",
    ("gateway/core/rules/not_back.py", "gateway/core/trust.py"),
    (
        "tests/core/test_rules_contacts.py",
        "tests/core/test_rules_corners.py",
        "tests/core/test_rules_doors.py",
        "tests/core/test_trust.py",
    ),
)
# The same without the tests of its rule: most of what could be wrong in it is seen by nobody then.
BLIND = Part("blind", SMALL.modules, ("tests/core/test_rules_dose.py", "tests/core/test_trust.py"))
